package dev.tenon.tokenizer;

import java.util.List;

/// WordPiece: of a word the longest token that it begins with, then the longest that goes on, and
/// so forth; where there is none the whole word is the unknown token.
///
/// Time grows with the length of a word, whatever it holds. Immutable and thread-safe.
final class WordPiece implements Segmenter {
  private static final long MOST_CHARACTERS = 100;

  /// Tokens that a word begins with, and those that go on with one.
  private final PieceTrie first = new PieceTrie();

  private final PieceTrie next = new PieceTrie();
  private final int unknown;
  private final long mostCharacters;

  /// @param model the `model` of a `tokenizer.json`
  /// @param texts the tokens as the `tokenizer.json` has them, null for one that no word has
  /// @throws IllegalArgumentException if the unknown token is none of them
  WordPiece(Normalizer.Step model, List<String> texts) {
    var prefix = model.text("continuing_subword_prefix", "##");
    mostCharacters =
        model.get("max_input_chars_per_word") instanceof Long most ? most : MOST_CHARACTERS;
    unknown = texts.indexOf(model.text("unk_token", "[UNK]"));
    if (unknown < 0) {
      throw new IllegalArgumentException(
          "model: the unk_token "
              + Vocabulary.quote(model.text("unk_token", "[UNK]"))
              + " is none of the tokens");
    }
    for (int id = 0; id < texts.size(); id++) {
      var text = texts.get(id);
      if (text != null && text.length() <= PieceTrie.LONGEST) { // else longer than any word
        first.put(text, id);
        if (text.startsWith(prefix)) {
          next.put(text.substring(prefix.length()), id);
        }
      }
    }
  }

  @Override
  public void segment(String word, Tokens tokens) {
    int before = tokens.size();
    boolean known = word.codePointCount(0, word.length()) <= mostCharacters;
    for (int at = 0; known && at < word.length(); ) {
      var trie = at == 0 ? first : next;
      int node = PieceTrie.ROOT;
      int token = Vocabulary.NONE;
      int end = at;
      for (int i = at; i < word.length(); i++) {
        node = trie.child(node, word.charAt(i));
        if (node == PieceTrie.NONE) {
          break;
        }
        if (trie.value(node) != PieceTrie.NONE) {
          token = trie.value(node);
          end = i + 1;
        }
      }
      known = token != Vocabulary.NONE;
      if (known) {
        tokens.add(token, end);
        at = end;
      }
    }
    if (!known) {
      tokens.cut(before);
      tokens.add(unknown, word.length());
    }
  }
}
