package dev.tenon.tokenizer;

import java.util.Arrays;

/// Texts as a tree with characters (UTF-16) for branches, to find all that a text goes on with.
///
/// The tree is a hash table of branches: no object for each of a million nodes. Filled first, then
/// read by any thread.
final class PieceTrie {
  /// Where no text begins so, and the value of a node where none ends.
  static final int NONE = -1;

  /// The node where all texts begin.
  static final int ROOT = 0;

  /// Texts of more characters are not taken: they would make the time to read another text grow
  /// with their length.
  static final int LONGEST = 1 << 10;

  /// Not the same in any two runs, so that no file can be made of branches that all collide.
  private static final long MULTIPLIER = System.nanoTime() * 0x9e3779b97f4a7c15L | 1;

  /// A node and a character each, or -1; linear probing, at most half full.
  private long[] branches = filled(1 << 10);

  /// The node that each branch leads to.
  private int[] nodes = new int[branches.length];

  /// The value of each node.
  private int[] values = {NONE};

  private int size = 1;

  private static long[] filled(int length) {
    var keys = new long[length];
    Arrays.fill(keys, -1);
    return keys;
  }

  /// Puts a text; one that is there already gets the new value.
  ///
  /// @param text at most [#LONGEST] characters; nothing happens where it is empty
  /// @param value 0 or more
  void put(String text, int value) {
    if (text.length() > LONGEST) {
      throw new IllegalArgumentException(
          "a token of "
              + text.length()
              + " characters, "
              + Vocabulary.quote(text)
              + "; at most "
              + LONGEST
              + " are possible");
    }
    int node = ROOT;
    for (int i = 0; i < text.length(); i++) {
      long key = key(node, text.charAt(i));
      int slot = slot(key);
      if (branches[slot] == key) {
        node = nodes[slot];
      } else {
        node = add(slot, key);
      }
    }
    if (node != ROOT) {
      values[node] = value;
    }
  }

  private int add(int slot, long key) {
    if (size == values.length) {
      values = Arrays.copyOf(values, 2 * size);
    }
    values[size] = NONE;
    branches[slot] = key;
    nodes[slot] = size;
    if (2 * size > branches.length) {
      grow();
    }
    return size++;
  }

  private void grow() {
    var keys = branches;
    var targets = nodes;
    branches = filled(Math.multiplyExact(2, keys.length));
    nodes = new int[branches.length];
    for (int i = 0; i < keys.length; i++) {
      if (keys[i] >= 0) {
        int slot = slot(keys[i]);
        branches[slot] = keys[i];
        nodes[slot] = targets[i];
      }
    }
  }

  private static long key(int node, char c) {
    return (long) node << 16 | c;
  }

  private int slot(long key) {
    long hash = key * MULTIPLIER;
    int slot = (int) (hash ^ hash >>> 32) & branches.length - 1;
    while (branches[slot] >= 0 && branches[slot] != key) {
      slot = slot + 1 & branches.length - 1;
    }
    return slot;
  }

  /// {@return the node that a character leads to, or [#NONE]}
  int child(int node, char c) {
    long key = key(node, c);
    int slot = slot(key);
    return branches[slot] == key ? nodes[slot] : NONE;
  }

  /// {@return the value of the text that ends at a node, or [#NONE]}
  int value(int node) {
    return values[node];
  }

  /// {@return the value of a text, or [#NONE]}
  int find(String text) {
    int node = ROOT;
    for (int i = 0; i < text.length() && node != NONE; i++) {
      node = child(node, text.charAt(i));
    }
    return node == NONE || node == ROOT ? NONE : values[node];
  }

  /// {@return where the longest text ends that begins at a place, or the place itself}
  int longest(String text, int from) {
    int end = from;
    int node = ROOT;
    for (int i = from; i < text.length(); i++) {
      node = child(node, text.charAt(i));
      if (node == NONE) {
        break;
      }
      if (values[node] != NONE) {
        end = i + 1;
      }
    }
    return end;
  }
}
