package dev.tenon.tokenizer;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Tokens that are found in a text as they stand, as the `added_tokens` of a `tokenizer.json` say:
/// the leftmost first, of those the longest. Immutable and thread-safe.
final class AddedTokens {
  /// One token.
  ///
  /// @param text what is looked for
  /// @param special whether it is a control token
  /// @param word whether it counts as a whole word alone
  /// @param left whether it takes the white space before it along
  /// @param right whether it takes the white space after it along
  record Token(int id, String text, boolean special, boolean word, boolean left, boolean right) {}

  /// A part of a text: a token, or [Vocabulary#NONE] for text.
  record Part(int token, int from, int to) {}

  /// The texts as a tree, with characters for branches.
  private static final class Node {
    private final Map<Character, Node> next = new HashMap<>(2);
    private Token token;
  }

  private final Node root = new Node();

  AddedTokens(List<Token> tokens) {
    for (var token : tokens) {
      var node = root;
      for (int i = 0; i < token.text.length(); i++) {
        node = node.next.computeIfAbsent(token.text.charAt(i), _ -> new Node());
      }
      if (node != root && node.token == null) {
        node.token = token;
      }
    }
  }

  /// {@return the parts of a text in order, none of them empty}
  ///
  /// @param special whether control tokens are found
  List<Part> split(String text, boolean special) {
    var parts = new ArrayList<Part>();
    int end = 0;
    for (int at = 0; at < text.length(); ) {
      var token = longest(text, at);
      int next = token == null ? at + 1 : at + token.text.length();
      int to = next;
      if (token != null && (special || !token.special) && (!token.word || isWord(text, at, to))) {
        int from = token.left ? Math.max(at, end) : at;
        while (token.left && from > end && Normalizer.isSpace(text.charAt(from - 1))) {
          from--;
        }
        while (token.right && to < text.length() && Normalizer.isSpace(text.charAt(to))) {
          to++;
        }
        if (from > end) {
          parts.add(new Part(Vocabulary.NONE, end, from));
        }
        if (from < to) { // else the token before took it along
          parts.add(new Part(token.id, from, to));
        }
        end = to;
      }
      at = next; // a token in the white space that another took along is one nevertheless
    }
    if (end < text.length()) {
      parts.add(new Part(Vocabulary.NONE, end, text.length()));
    }
    return parts;
  }

  private Token longest(String text, int from) {
    Token found = null;
    var node = root;
    for (int i = from; i < text.length(); i++) {
      node = node.next.get(text.charAt(i));
      if (node == null) {
        break;
      }
      if (node.token != null) {
        found = node.token;
      }
    }
    return found;
  }

  private static boolean isWord(String text, int from, int to) {
    return (from == 0 || !isWordCharacter(text.codePointBefore(from)))
        && (to == text.length() || !isWordCharacter(text.codePointAt(to)));
  }

  private static boolean isWordCharacter(int c) {
    return Character.isAlphabetic(c)
        || Character.isDigit(c)
        || c == 0x200c // the characters that join others
        || c == 0x200d
        || switch (Character.getType(c)) {
          case Character.NON_SPACING_MARK,
              Character.COMBINING_SPACING_MARK,
              Character.ENCLOSING_MARK,
              Character.CONNECTOR_PUNCTUATION ->
              true;
          default -> false;
        };
  }
}
