package dev.tenon.tokenizer;

import java.util.HashMap;
import java.util.Map;

/// The tokens of a text in the making, each with where it comes from and of which word it is.
///
/// Places are counted in UTF-16 units of the whole text.
final class TokenList {
  private final IntList ids = new IntList();
  private final IntList starts = new IntList();
  private final IntList ends = new IntList();
  private final IntList words = new IntList();

  /// The texts of tokens that stood in the text as they are, by index.
  private final Map<Integer, String> asTheyStood = new HashMap<>();

  private int word = -1;
  private int offset;

  /// Counts the places of what is added from now on from here.
  void moveTo(int offset) {
    this.offset = offset;
  }

  /// Begins a word.
  void nextWord() {
    word++;
  }

  /// Adds a token of the word that was begun last.
  ///
  /// @param start where it begins, counted from where the list was [moved to][#moveTo]
  /// @param end where it ends, counted likewise
  void add(int id, int start, int end) {
    ids.add(id);
    starts.add(offset + start);
    ends.add(offset + end);
    words.add(word);
  }

  /// Adds a token that stands in the text as it is, a word of its own.
  ///
  /// @param text what was found, with the white space that it took along
  void addAsItStands(int id, int start, int end, String text) {
    nextWord();
    asTheyStood.put(size(), text);
    add(id, start, end);
  }

  int size() {
    return ids.size();
  }

  int id(int i) {
    return ids.get(i);
  }

  int start(int i) {
    return starts.get(i);
  }

  int end(int i) {
    return ends.get(i);
  }

  int word(int i) {
    return words.get(i);
  }

  /// {@return the text of a token that stood in the text as it is, else null}
  String asItStood(int i) {
    return asTheyStood.get(i);
  }

  int[] ids() {
    return ids.toArray();
  }

  /// Counts all places in code points of a text from now on.
  void countCodePoints(String text) {
    int n = text.codePointCount(0, text.length());
    if (n == text.length()) {
      return;
    }
    var before = new int[text.length() + 1];
    for (int i = 0, count = 0; i < text.length(); count++) {
      int next = i + Character.charCount(text.codePointAt(i));
      for (int unit = i; unit < next; unit++) {
        before[unit] = count;
      }
      i = next;
    }
    before[text.length()] = n;
    for (int i = 0; i < size(); i++) {
      starts.set(i, before[starts.get(i)]);
      ends.set(i, before[ends.get(i)]);
    }
  }
}
