package dev.tenon.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;

/// Finds special tokens in a text: the longest anywhere first, then the next longest in what is
/// left, as llama.cpp does (`tokenizer_st_partition`); of one token, the leftmost first.
///
/// The text is gone through once, however many tokens there are. Immutable.
final class SpecialTokens {
  private final Vocabulary vocabulary;

  /// The tokens in the order in which they are cut out.
  private final Special[] inOrder;

  /// The same, sorted by text.
  private final Special[] byText;

  /// The characters that a token begins with.
  private final BitSet first = new BitSet();

  private static final class Special implements Comparable<Special> {
    private final int id;
    private final String text;

    /// The index in `inOrder`.
    private final int order;

    /// The longest token that this one begins with, or null.
    private Special shorter;

    Special(int id, String text, int order) {
      this.id = id;
      this.text = text;
      this.order = order;
    }

    @Override
    public int compareTo(Special other) {
      return text.compareTo(other.text);
    }

    /// {@return whether this is after the text from one position to another}
    boolean isAfter(String other, int from, int to) {
      int common = Math.min(text.length(), to - from);
      for (int i = 0; i < common; i++) {
        int difference = text.charAt(i) - other.charAt(from + i);
        if (difference != 0) {
          return difference > 0;
        }
      }
      return text.length() > common;
    }
  }

  /// A piece of a text: a token, or the text from one position to another where that is -1.
  record Fragment(int token, int from, int to) {}

  /// @param tokens ids of the tokens to find
  SpecialTokens(Vocabulary vocabulary, IntList tokens) {
    this.vocabulary = vocabulary;
    var sorted = new LongHeap(); // the longest in UTF-8 first, then by id
    for (int i = 0; i < tokens.size(); i++) {
      sorted.add(LongHeap.element(-vocabulary.length(tokens.get(i)), tokens.get(i)));
    }
    inOrder = new Special[tokens.size()];
    for (int i = 0; i < inOrder.length; i++) {
      int id = LongHeap.position(sorted.remove());
      inOrder[i] = new Special(id, vocabulary.text(id), i);
      first.set(inOrder[i].text.charAt(0));
    }
    byText = inOrder.clone();
    Arrays.sort(byText);
    for (int i = 1; i < byText.length; i++) {
      var shorter = byText[i - 1]; // all that a text begins with stands before it
      while (shorter != null && !byText[i].text.startsWith(shorter.text)) {
        shorter = shorter.shorter;
      }
      byText[i].shorter = shorter;
    }
  }

  /// {@return the text cut at its special tokens, in order; what they strip is left out}
  List<Fragment> split(String text) {
    var found = new LongHeap();
    for (int at = 0; at < text.length(); at++) {
      if (first.get(text.charAt(at))) {
        enqueue(longest(text, at, text.length()), at, found);
      }
    }
    var taken = new BitSet(text.length());
    var cut = new LongHeap();
    while (!found.isEmpty()) {
      long next = found.remove();
      int at = LongHeap.position(next);
      var special = inOrder[LongHeap.order(next)];
      int end = at + special.text.length();
      int free = at;
      while (free < end && !taken.get(free)) {
        free++;
      }
      if (free == end) {
        take(special, at, text, taken);
        cut.add(LongHeap.element(at, special.order));
      } else {
        enqueue(longest(text, at, free), at, found);
      }
    }
    return fragments(text.length(), cut, taken);
  }

  /// {@return the longest token that the text from one position to another begins with, or null}
  private Special longest(String text, int from, int to) {
    int low = 0; // how many are not after the text: found by bisection
    int high = byText.length;
    while (low < high) {
      int middle = (low + high) / 2;
      if (byText[middle].isAfter(text, from, to)) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    var special = low == 0 ? null : byText[low - 1];
    while (special != null
        && (special.text.length() > to - from || !text.startsWith(special.text, from))) {
      special = special.shorter;
    }
    return special;
  }

  private static void enqueue(Special special, int at, LongHeap found) {
    if (special != null) {
      found.add(LongHeap.element(special.order, at));
    }
  }

  private void take(Special special, int from, String text, BitSet taken) {
    int to = from + special.text.length();
    taken.set(from, to);
    if (vocabulary.stripsLeft(special.id)) {
      for (int i = from - 1; i >= 0 && !taken.get(i) && isSpace(text.charAt(i)); i--) {
        taken.set(i);
      }
    }
    if (vocabulary.stripsRight(special.id)) {
      for (int i = to; i < text.length() && !taken.get(i) && isSpace(text.charAt(i)); i++) {
        taken.set(i);
      }
    }
  }

  private List<Fragment> fragments(int length, LongHeap cut, BitSet taken) {
    var fragments = new ArrayList<Fragment>();
    int end = 0;
    while (!cut.isEmpty()) {
      long next = cut.remove();
      int from = LongHeap.order(next);
      var special = inOrder[LongHeap.position(next)];
      addText(end, from, taken, fragments);
      end = from + special.text.length();
      fragments.add(new Fragment(special.id, from, end));
    }
    addText(end, length, taken, fragments);
    return fragments;
  }

  /// Adds the text between two tokens, without what they stripped.
  private static void addText(int from, int to, BitSet taken, List<Fragment> fragments) {
    int start = from;
    while (start < to && taken.get(start)) {
      start++;
    }
    int end = to;
    while (end > start && taken.get(end - 1)) {
      end--;
    }
    if (start < end) {
      fragments.add(new Fragment(Vocabulary.NONE, start, end));
    }
  }

  /// {@return whether C's `isspace` has it}
  private static boolean isSpace(char c) {
    return c == ' ' || c >= '\t' && c <= '\r';
  }
}
