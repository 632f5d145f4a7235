package dev.tenon.grammar;

import dev.tenon.grammar.Automaton.State;
import dev.tenon.tokenizer.TokenType;
import dev.tenon.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/// The tokens of a vocabulary by their bytes, so that a grammar is asked once for what many of them
/// begin with.
///
/// Made once for a vocabulary and shared by all that generate with it: immutable and thread-safe.
/// It takes some 10 MB for 128,000 tokens.
///
/// A token without bytes is never allowed unless a grammar names it (`<[128007]>`), nor is one with
/// the byte 0.
public final class VocabularyTrie {
  /// What stands for itself in a string of JSON.
  private static final CharClass IN_JSON =
      CharClass.of(
          new long[] {0x1fL, (long) '"' << 32 | '"', (long) '\\' << 32 | '\\', 0x7fL << 32 | 0x7f},
          4,
          true);

  // For how many classes of characters the vocabulary is sorted, and when.
  private static final int MAX_RUNS = 8;
  private static final int MAX_ASKED = 1000;
  private static final int OFTEN = 4;

  private final int vocabulary;
  private final long[] ends; // tokens that end generation, by id
  private final long[] texts; // tokens that are in the trie, by id
  private final byte[] bytes; // of all tokens
  private final int[] offsets; // where those of a token begin, and of the next

  private final Trie trie;

  // What is below a node, if a character begins there: characters (see CharClass), whether any
  // begins above U+007F, how many come one after the other at most; -1 if it is not UTF-8.
  private final long[] low;
  private final long[] high;
  private final boolean[] other;
  private final short[] length;

  // Wide classes of characters that states have asked for, and how often, until it was worth it.
  private final Map<CharClass, Integer> asked = new HashMap<>();
  private final Map<CharClass, TokenRuns> runs = new HashMap<>();

  private VocabularyTrie(byte[][] pieces, long[] ends) {
    if (pieces.length >= 1 << 24) {
      throw new IllegalArgumentException("a vocabulary of " + pieces.length + " tokens");
    }
    this.vocabulary = pieces.length;
    this.ends = ends;
    texts = new long[ends.length];
    offsets = new int[pieces.length + 1];
    bytes = join(pieces, offsets);
    var ids = new int[pieces.length];
    int n = 0;
    for (int id = 0; id < pieces.length; id++) {
      if (!contains(ends, id) && isText(pieces[id])) {
        ids[n++] = id;
        texts[id >> 6] |= 1L << id;
      }
    }
    trie = new Trie(pieces, ids, n);
    low = new long[trie.nodes];
    high = new long[trie.nodes];
    other = new boolean[trie.nodes];
    length = new short[trie.nodes];
    for (int node = trie.nodes - 1; node >= 0; node--) {
      summarise(node);
    }
    runs.put(IN_JSON, new TokenRuns(IN_JSON, pieces, Arrays.copyOf(ids, n), ends.length));
  }

  /// {@return the trie of a model's tokens, with their bytes as they are decoded}
  ///
  /// Control tokens have no text then, so that none can be a part of what a grammar describes.
  ///
  /// @param tokenizer not retained
  public static VocabularyTrie of(Tokenizer tokenizer) {
    return of(tokenizer, false);
  }

  /// {@return the trie of a model's tokens}
  ///
  /// @param tokenizer not retained
  /// @param special whether a control token stands for its text, such as `<tool_call>`: for
  ///     grammars of a text in which they are rendered
  public static VocabularyTrie of(Tokenizer tokenizer, boolean special) {
    int n = tokenizer.vocabularySize();
    var pieces = new byte[n][];
    var ends = new long[(n + 63) / 64];
    for (int id = 0; id < n; id++) {
      boolean rendered = special && tokenizer.type(id) != TokenType.UNKNOWN;
      pieces[id] = tokenizer.bytes(id, rendered);
      if (tokenizer.endsGeneration(id)) {
        ends[id >> 6] |= 1L << id;
      }
    }
    return new VocabularyTrie(pieces, ends);
  }

  /// {@return the trie of tokens given by their bytes}
  ///
  /// @param pieces the bytes of each token by id; empty for none; not retained
  /// @param ends the tokens that end generation
  /// @throws IndexOutOfBoundsException if one of `ends` is no token
  public static VocabularyTrie of(byte[][] pieces, int... ends) {
    var bits = new long[(pieces.length + 63) / 64];
    for (int id : ends) {
      if (id < 0 || id >= pieces.length) {
        throw new IndexOutOfBoundsException(
            "the end token " + id + " is not among " + pieces.length + " tokens");
      }
      bits[id >> 6] |= 1L << id;
    }
    return new VocabularyTrie(pieces, bits);
  }

  /// {@return the number of tokens of the vocabulary}
  public int vocabularySize() {
    return vocabulary;
  }

  /// {@return whether a token ends generation}
  ///
  /// @param token an id
  public boolean endsGeneration(int token) {
    return token >= 0 && token < vocabulary && contains(ends, token);
  }

  /// {@return the bytes of a token; none where there is no such token}
  byte[] bytes(int token) {
    return token < 0 || token >= vocabulary
        ? new byte[0]
        : Arrays.copyOfRange(bytes, offsets[token], offsets[token + 1]);
  }

  private static byte[] join(byte[][] pieces, int[] offsets) {
    for (int id = 0; id < pieces.length; id++) {
      offsets[id + 1] = Math.addExact(offsets[id], pieces[id].length);
    }
    var bytes = new byte[offsets[pieces.length]];
    for (int id = 0; id < pieces.length; id++) {
      System.arraycopy(pieces[id], 0, bytes, offsets[id], pieces[id].length);
    }
    return bytes;
  }

  private static boolean contains(long[] bits, int id) {
    return (bits[id >> 6] >>> id & 1) != 0;
  }

  private static boolean isText(byte[] piece) {
    for (byte b : piece) {
      if (b == 0) {
        return false;
      }
    }
    return piece.length > 0 && piece.length <= Character.MAX_VALUE;
  }

  // What is below a node.

  private void summarise(int node) {
    for (int child = node + 1; child < trie.next[node]; child = trie.next[child]) {
      int b = trie.label[child] & 0xff;
      if (b < 0x80) {
        if (b < 64) {
          low[node] |= 1L << b;
        } else {
          high[node] |= 1L << b;
        }
        add(node, child);
      } else if (b >= 0xc2 && b <= 0xf4) {
        other[node] = true;
        int missing = b < 0xe0 ? 1 : b < 0xf0 ? 2 : 3;
        int from = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
        int to = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
        lengthen(node, 1);
        rest(node, child, missing, from, to);
      } else {
        length[node] = -1;
      }
    }
  }

  /// Adds what follows a character whose last `missing` bytes are below `at`.
  private void rest(int node, int at, int missing, int from, int to) {
    for (int child = at + 1; child < trie.next[at]; child = trie.next[child]) {
      int b = trie.label[child] & 0xff;
      if (b < from || b > to) {
        length[node] = -1;
      } else if (missing > 1) {
        rest(node, child, missing - 1, 0x80, 0xbf);
      } else {
        add(node, child);
      }
    }
  }

  /// Adds one character and what follows it.
  private void add(int node, int after) {
    low[node] |= low[after];
    high[node] |= high[after];
    other[node] |= other[after];
    lengthen(node, length[after] < 0 ? -1 : Math.min(1 + length[after], Short.MAX_VALUE));
  }

  private void lengthen(int node, int to) {
    length[node] = (short) (length[node] < 0 || to < 0 ? -1 : Math.max(length[node], to));
  }

  // Asking.

  /// {@return the tokens with which a text may go on, one bit for each id; kept with the state, not
  /// to be changed}
  long[] allowed(Automaton automaton, State state) {
    if (state.mask == null) {
      var bits = new long[ends.length];
      walk(automaton, state, bits);
      automaton.tokens(
          state,
          (id, negated) -> {
            if (negated) {
              boolean own = id < vocabulary && contains(bits, id);
              for (int i = 0; i < bits.length; i++) {
                bits[i] |= texts[i];
              }
              if (id < vocabulary && !own) {
                bits[id >> 6] &= ~(1L << id);
              }
            } else if (id < vocabulary && !contains(ends, id)) {
              bits[id >> 6] |= 1L << id;
            }
          });
      if (automaton.mayEnd(state)) {
        for (int i = 0; i < bits.length; i++) {
          bits[i] |= ends[i];
        }
      }
      automaton.keeps(8L * bits.length);
      state.mask = bits;
    }
    return state.mask;
  }

  private void walk(Automaton automaton, State state, long[] bits) {
    var course = automaton.course(state);
    var runs = course == null ? null : runs(course.characters());
    if (runs != null) {
      runs.allowed(automaton, course, bits);
    } else {
      trie.walk(automaton, state, bits, (node, at) -> passes(automaton, node, at));
    }
  }

  /// Whether nothing is below a node but characters that go through.
  private boolean passes(Automaton automaton, int node, State state) {
    return length[node] > 0
        && automaton.runs(state, low[node], high[node], other[node], length[node]);
  }

  /// {@return the tokens as a class of characters sees them; null for one that is seldom asked for}
  private synchronized TokenRuns runs(CharClass characters) {
    var known = runs.get(characters);
    if (known == null && runs.size() < MAX_RUNS && asked.size() < MAX_ASKED) {
      if (asked.merge(characters, 1, Integer::sum) < OFTEN) {
        return null;
      }
      asked.remove(characters);
      var pieces = new byte[vocabulary][];
      var ids = new int[vocabulary];
      int n = 0;
      for (int id = 0; id < vocabulary; id++) {
        if (contains(texts, id)) {
          pieces[id] = bytes(id);
          ids[n++] = id;
        }
      }
      known = new TokenRuns(characters, pieces, Arrays.copyOf(ids, n), ends.length);
      runs.put(characters, known);
    }
    return known;
  }
}
