package dev.tenon.grammar;

import java.util.Arrays;

/// The tokens of a vocabulary as one wide class of characters sees them: how many characters of the
/// class stand at the beginning of each, and what comes after these.
///
/// Inside a string of JSON nearly every token is allowed, and the others differ only in how they
/// leave the string. So the first can be had as they are, and of the others only what comes after
/// is looked at, which is much the same for many.
final class TokenRuns {
  /// The length from which on runs are not told apart.
  static final int LONG = 32;

  // Tokens by the number of characters of the class they begin with.
  private final long[][] whole = new long[LONG][]; // those of at most so many, and nothing else
  private final Trie[] rests = new Trie[LONG]; // what comes after them in the others
  private final Trie longer; // those that begin with more, with all their bytes
  private final long[] everyWhole;
  private final Trie everyRest;

  /// Looks at the tokens of a vocabulary.
  ///
  /// @param characters the class: all characters from U+0080 are in it
  /// @param texts the bytes of each token
  /// @param ids the tokens to take
  /// @param words how many words a bit set of all tokens has
  TokenRuns(CharClass characters, byte[][] texts, int[] ids, int words) {
    var after = new byte[texts.length][];
    var lengths = new byte[texts.length];
    var others = new int[ids.length]; // tokens that have something else as well
    var longs = new int[ids.length];
    int n = 0;
    int m = 0;
    everyWhole = new long[words];
    for (int k = 0; k < LONG; k++) {
      whole[k] = new long[words];
    }
    for (int id : ids) {
      var text = texts[id];
      int at = 0;
      int length = 0;
      for (int size = 1; at < text.length && size > 0; length += size > 0 ? 1 : 0) {
        size = size(characters, text, at);
        at += size;
      }
      lengths[id] = (byte) Math.min(length, LONG);
      if (at < text.length) {
        after[id] = Arrays.copyOfRange(text, at, text.length);
        others[n++] = id;
      } else {
        everyWhole[id >> 6] |= 1L << id;
      }
      if (length >= LONG) {
        longs[m++] = id;
      } else if (at >= text.length) {
        whole[length][id >> 6] |= 1L << id;
      }
    }
    for (int k = 1; k < LONG; k++) {
      or(whole[k], whole[k - 1]);
    }
    everyRest = new Trie(after, others, n);
    longer = new Trie(texts, longs, m);
    for (int k = 0; k < LONG; k++) {
      int some = 0;
      for (int i = 0; i < n; i++) {
        if (lengths[others[i]] == k) {
          longs[some++] = others[i];
        }
      }
      rests[k] = new Trie(after, longs, some);
    }
  }

  /// The bytes of the character of the class that stands somewhere, perhaps more than there still
  /// are; 0 where there is none of them.
  private static int size(CharClass characters, byte[] text, int at) {
    int b = text[at] & 0xff;
    if (b < 0x80) {
      return ((b < 64 ? characters.low() : characters.high()) >>> b & 1) != 0 ? 1 : 0;
    }
    if (b < 0xc2 || b > 0xf4) {
      return 0;
    }
    int size = b < 0xe0 ? 2 : b < 0xf0 ? 3 : 4;
    for (int i = 1; i < size && at + i < text.length; i++) {
      int low = i > 1 ? 0x80 : b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
      int high = i > 1 ? 0xbf : b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
      int c = text[at + i] & 0xff;
      if (c < low || c > high) {
        return 0;
      }
    }
    return size;
  }

  /// Marks the tokens that get through from a state.
  ///
  /// @param run where the characters of the class lead from that state on
  void allowed(Automaton automaton, Automaton.Course run, long[] bits) {
    var states = run.states();
    if (run.endless() && states.length == 1) {
      or(bits, everyWhole);
      everyRest.walk(automaton, states[0], bits, (_, _) -> false);
      return;
    }
    int most = run.endless() ? LONG - 1 : Math.min(states.length, LONG) - 1;
    or(bits, whole[most]);
    for (int k = 0; k <= most; k++) {
      var state = states[Math.min(k, states.length - 1)];
      rests[k].walk(automaton, state, bits, (_, _) -> false);
    }
    if (most == LONG - 1) {
      longer.walk(automaton, states[0], bits, (_, _) -> false);
    }
  }

  private static void or(long[] bits, long[] more) {
    for (int i = 0; i < bits.length; i++) {
      bits[i] |= more[i];
    }
  }
}
