package dev.tenon.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Finds special tokens in a text: the longest anywhere first, then the next longest in what is
/// left, as llama.cpp does (`tokenizer_st_partition`); of the same token, the leftmost first.
///
/// The text is looked at once, however many tokens there are. Immutable.
final class SpecialTokens {
  private final Vocabulary vocabulary;

  /// Ids, the longest text in UTF-8 first, and the lengths of the texts in characters.
  private final int[] ids;

  private final int[] lengths;

  private final Node root = new Node(null);

  /// The characters that a token begins with.
  private final BitSet first = new BitSet();

  /// A place in the tree of all texts.
  private static final class Node {
    /// The longest token that ends above this place.
    private final Node shorter;

    private final Map<Character, Node> children = new HashMap<>();

    /// The index in `ids` of the token that ends here, or -1.
    private int order = -1;

    Node(Node shorter) {
      this.shorter = shorter;
    }
  }

  /// A piece of a text: a token, or the text from one position to another where that is -1.
  record Fragment(int token, int from, int to) {}

  /// @param tokens ids of the tokens to find
  SpecialTokens(Vocabulary vocabulary, IntList tokens) {
    this.vocabulary = vocabulary;
    var sorted = new long[tokens.size()]; // by length downwards, then by id
    for (int i = 0; i < sorted.length; i++) {
      sorted[i] = LongHeap.element(-vocabulary.length(tokens.get(i)), tokens.get(i));
    }
    Arrays.sort(sorted);
    ids = new int[sorted.length];
    lengths = new int[sorted.length];
    for (int order = sorted.length - 1; order >= 0; order--) { // a shorter text before a longer
      ids[order] = LongHeap.position(sorted[order]);
      var text = vocabulary.text(ids[order]);
      lengths[order] = text.length();
      insert(text, order);
    }
  }

  private void insert(String text, int order) {
    var node = root;
    for (int i = 0; i < text.length(); i++) {
      var shorter = node.order >= 0 ? node : node.shorter;
      var child = node.children.get(text.charAt(i));
      if (child == null) {
        child = new Node(shorter);
        node.children.put(text.charAt(i), child);
      }
      node = child;
    }
    node.order = order;
    first.set(text.charAt(0));
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
    var tokens = new LongHeap();
    while (!found.isEmpty()) {
      long next = found.remove();
      int at = LongHeap.position(next);
      int order = LongHeap.order(next);
      int occupied = taken.nextSetBit(at);
      int free = occupied < 0 ? text.length() : occupied;
      if (at + lengths[order] <= free) {
        take(text, ids[order], at, at + lengths[order], taken);
        tokens.add(LongHeap.element(at, order));
      } else {
        enqueue(longest(text, at, free), at, found);
      }
    }
    return fragments(text.length(), tokens, taken);
  }

  /// {@return the place of the longest token in `text` from `from` to at most `to`, or null}
  private Node longest(String text, int from, int to) {
    var node = root;
    for (int i = from; i < to; i++) {
      var child = node.children.get(text.charAt(i));
      if (child == null) {
        break;
      }
      node = child;
    }
    return node.order >= 0 ? node : node.shorter;
  }

  private static void enqueue(Node node, int at, LongHeap found) {
    if (node != null) {
      found.add(LongHeap.element(node.order, at));
    }
  }

  private void take(String text, int id, int from, int to, BitSet taken) {
    taken.set(from, to);
    if (vocabulary.stripsLeft(id)) {
      for (int i = from - 1; i >= 0 && !taken.get(i) && isSpace(text.charAt(i)); i--) {
        taken.set(i);
      }
    }
    if (vocabulary.stripsRight(id)) {
      for (int i = to; i < text.length() && !taken.get(i) && isSpace(text.charAt(i)); i++) {
        taken.set(i);
      }
    }
  }

  private List<Fragment> fragments(int length, LongHeap tokens, BitSet taken) {
    var fragments = new ArrayList<Fragment>();
    int end = 0;
    while (!tokens.isEmpty()) {
      long next = tokens.remove();
      int from = LongHeap.order(next);
      int order = LongHeap.position(next);
      addText(end, from, taken, fragments);
      end = from + lengths[order];
      fragments.add(new Fragment(ids[order], from, end));
    }
    addText(end, length, taken, fragments);
    return fragments;
  }

  private static void addText(int from, int to, BitSet taken, List<Fragment> fragments) {
    int start = taken.nextClearBit(from);
    if (start < to) {
      fragments.add(new Fragment(Vocabulary.NONE, start, taken.previousClearBit(to - 1) + 1));
    }
  }

  /// {@return whether C's `isspace` has it}
  private static boolean isSpace(char c) {
    return c == ' ' || c >= '\t' && c <= '\r';
  }
}
