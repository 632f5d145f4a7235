package dev.tenon.grammar;

import dev.tenon.grammar.Automaton.State;
import java.util.Arrays;

/// Texts by their bytes, each with the tokens that it stands for.
///
/// Nodes are in the order of a walk that visits a node before its children, these by their bytes.
/// Node 0 is the root.
final class Trie {
  private static final int ID_BITS = 24;

  byte[] label = new byte[64]; // the byte that leads to a node
  int[] next = new int[64]; // the first node that is not below it
  int nodes = 1;
  private char[] depth = new char[64];
  private int[] firstToken = new int[64]; // index into `tokens`; those below follow its own
  private final int[] tokens;
  private int maxDepth;

  /// Makes the trie of some texts.
  ///
  /// @param texts of each token, at most 65535 bytes; not retained
  /// @param ids the tokens to take, each below 2²⁴
  /// @param n how many of `ids`
  Trie(byte[][] texts, int[] ids, int n) {
    tokens = sorted(texts, ids, n);
    var path = new int[1];
    byte[] before = {};
    for (int t = 0; t < n; t++) {
      byte[] text = texts[tokens[t]];
      int shared = Arrays.mismatch(before, text);
      if (shared < 0) {
        continue; // two tokens of the same bytes
      }
      close(path, before.length, shared);
      if (text.length >= path.length) {
        path = Arrays.copyOf(path, 2 * text.length + 1);
      }
      for (int i = shared; i < text.length; i++) {
        if (nodes == label.length) {
          resize(2 * nodes);
        }
        label[nodes] = text[i];
        depth[nodes] = (char) (i + 1);
        firstToken[nodes] = t;
        path[i + 1] = nodes++;
      }
      maxDepth = Math.max(maxDepth, text.length);
      before = text;
    }
    close(path, before.length, 0);
    next[0] = nodes;
    resize(nodes + 1);
    firstToken[nodes] = n;
  }

  private void resize(int size) {
    label = Arrays.copyOf(label, size);
    depth = Arrays.copyOf(depth, size);
    next = Arrays.copyOf(next, size);
    firstToken = Arrays.copyOf(firstToken, size);
  }

  /// Ends the nodes of a path that are deeper than `shared`.
  private void close(int[] path, int from, int shared) {
    for (int i = shared + 1; i <= from; i++) {
      next[path[i]] = nodes;
    }
  }

  /// Sorts by the first five bytes at once, which settles nearly all.
  private static int[] sorted(byte[][] texts, int[] ids, int n) {
    var keys = new long[n];
    for (int i = 0; i < n; i++) {
      long key = 0;
      for (int b = 0; b < 5; b++) {
        key = key << 8 | (b < texts[ids[i]].length ? texts[ids[i]][b] & 0xff : 0);
      }
      keys[i] = (key ^ 1L << 39) << ID_BITS | ids[i]; // unsigned order
    }
    Arrays.sort(keys);
    var order = new Integer[n];
    for (int i = 0; i < n; i++) {
      order[i] = (int) keys[i] & (1 << ID_BITS) - 1;
    }
    for (int i = 0; i < n; ) {
      int j = i + 1;
      while (j < n && keys[j] >> ID_BITS == keys[i] >> ID_BITS) {
        j++;
      }
      if (j > i + 1) {
        Arrays.sort(order, i, j, (a, b) -> Arrays.compareUnsigned(texts[a], texts[b]));
      }
      i = j;
    }
    var sorted = new int[n];
    for (int i = 0; i < n; i++) {
      sorted[i] = order[i];
    }
    return sorted;
  }

  /// Which parts of the trie need no walk.
  interface Shortcut {
    /// {@return whether all that is below a node gets through from a state}
    boolean passes(int node, State state);
  }

  /// Marks the tokens whose text gets through from a state.
  ///
  /// @param bits one bit for each id
  void walk(Automaton automaton, State start, long[] bits, Shortcut shortcut) {
    for (int i = 0; i < firstToken[nodes > 1 ? 1 : nodes]; i++) {
      mark(bits, tokens[i]); // those without a text
    }
    var states = new State[maxDepth + 1]; // by depth, on the way to the node
    states[0] = start;
    int node = 1;
    while (node < nodes) {
      int d = depth[node];
      var state = automaton.step(states[d - 1], label[node]);
      int end = next[node];
      if (automaton.isDead(state)) {
        node = end;
        continue;
      }
      boolean all = end > node + 1 && shortcut.passes(node, state);
      for (int i = firstToken[node]; i < firstToken[all ? end : node + 1]; i++) {
        mark(bits, tokens[i]);
      }
      states[d] = state;
      node = all ? end : node + 1;
    }
  }

  private static void mark(long[] bits, int id) {
    bits[id >> 6] |= 1L << id;
  }
}
