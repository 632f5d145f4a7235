package dev.tenon.tokenizer;

import java.util.Arrays;

/// The unigram model: of all the ways to cut a text into pieces, the one whose pieces have the
/// highest sum of scores (Viterbi).
///
/// A character that is no piece counts as an unknown one, with a score below all others; unknown
/// ones side by side are one. Ties, and how sums are rounded, are as in the program that a
/// vocabulary is for ([Rounding]), so that the pieces are the same.
///
/// Time grows with the length of a text; of a text no more is held than the stretch that pieces
/// overlap in. Immutable and thread-safe.
final class Unigram {
  /// What an unknown character scores less than the piece with the lowest score.
  static final float UNKNOWN_PENALTY = 10;

  /// How scores are added.
  enum Rounding {
    /// As binary64: tokenizers and llama.cpp.
    DOUBLE,
    /// As binary32: SentencePiece.
    FLOAT
  }

  /// Takes the pieces of a text.
  @FunctionalInterface
  interface Pieces {
    /// @param piece its number, or [PieceTrie#NONE] for what is unknown
    /// @param from where it begins in the text
    /// @param to where it ends
    void add(int piece, int from, int to);
  }

  private final PieceTrie trie;
  private final double[] scores;
  private final double unknownScore;
  private final Rounding rounding;

  /// @param trie the numbers of pieces by their texts
  /// @param scores by number; one that is not a number is never chosen
  /// @param unknownScore of a character that is no piece
  Unigram(PieceTrie trie, double[] scores, double unknownScore, Rounding rounding) {
    this.trie = trie;
    this.scores = scores;
    this.unknownScore = unknownScore;
    this.rounding = rounding;
  }

  /// Cuts a text.
  ///
  /// @param pieces takes what it is cut into, in order
  void segment(String text, Pieces pieces) {
    var lattice = new Lattice(pieces);
    int reach = 0; // the furthest that a piece goes
    for (int at = 0; at < text.length(); ) {
      if (at == reach) {
        lattice.settle(at); // no piece goes over this place: what is before cannot change
      }
      int next = at + Character.charCount(text.codePointAt(at));
      double before = lattice.score(at);
      boolean single = false;
      int node = PieceTrie.ROOT;
      for (int end = at; end < text.length(); ) {
        node = trie.child(node, text.charAt(end++));
        if (node == PieceTrie.NONE) {
          break;
        }
        int piece = trie.value(node);
        if (piece != PieceTrie.NONE) {
          lattice.offer(at, end, piece, rounded(before + scores[piece]));
          reach = Math.max(reach, end);
          single |= end == next;
        }
      }
      if (!single) {
        lattice.offer(at, next, PieceTrie.NONE, rounded(before + unknownScore));
        reach = Math.max(reach, next);
      }
      at = next;
    }
    lattice.settle(text.length());
    lattice.finish();
  }

  private double rounded(double score) {
    return rounding == Rounding.FLOAT ? (float) score : score;
  }

  /// The best way to each place of a stretch of a text.
  private final class Lattice {
    private static final int NOWHERE = -1;

    private final Pieces pieces;

    /// Where the stretch begins; indices of the arrays count from there.
    private int base;

    private double[] best = new double[64];

    /// Where the last piece of the best way begins, or [#NOWHERE].
    private int[] starts = new int[64];

    private int[] last = new int[64];

    /// The ends of the pieces of a way, from behind.
    private int[] way = new int[64];

    /// Where what is unknown begins at the end of what was settled, or [#NOWHERE].
    private int unknownFrom = NOWHERE;

    Lattice(Pieces pieces) {
      this.pieces = pieces;
      Arrays.fill(starts, NOWHERE);
    }

    double score(int at) {
      return best[at - base];
    }

    void offer(int from, int to, int piece, double score) {
      int i = to - base;
      if (i >= best.length) {
        int length = Math.max(i + 1, 2 * best.length);
        int old = best.length;
        best = Arrays.copyOf(best, length);
        starts = Arrays.copyOf(starts, length);
        last = Arrays.copyOf(last, length);
        Arrays.fill(starts, old, length, NOWHERE);
      }
      if (starts[i] == NOWHERE || score > best[i]) {
        best[i] = score;
        starts[i] = from;
        last[i] = piece;
      }
    }

    /// Gives the pieces up to a place, where the stretch then begins.
    void settle(int to) {
      int n = 0;
      for (int at = to; at > base; at = starts[at - base]) {
        if (n == way.length) {
          way = Arrays.copyOf(way, 2 * n);
        }
        way[n++] = at;
      }
      while (--n >= 0) {
        int i = way[n] - base;
        if (last[i] != PieceTrie.NONE) {
          finish(starts[i]);
          pieces.add(last[i], starts[i], way[n]);
        } else if (unknownFrom == NOWHERE) {
          unknownFrom = starts[i];
        }
      }
      best[0] = best[to - base];
      Arrays.fill(starts, 0, to - base + 1, NOWHERE);
      base = to;
    }

    /// Gives what is unknown before the end.
    void finish() {
      finish(base);
    }

    private void finish(int end) {
      if (unknownFrom != NOWHERE) {
        pieces.add(PieceTrie.NONE, unknownFrom, end);
        unknownFrom = NOWHERE;
      }
    }
  }
}
