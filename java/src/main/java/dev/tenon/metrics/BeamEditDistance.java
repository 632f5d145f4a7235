package dev.tenon.metrics;

import java.util.Arrays;

/// The edit distance of hypotheses of one length to one reference, looked for around the diagonal
/// alone. As in sacreBLEU's `lib_ter`: the same width, and of operations that cost the same the
/// first of match or substitution, deletion, insertion.
final class BeamEditDistance {
  private static final int BEAM_WIDTH = 25;
  private static final int UNREACHED = Integer.MAX_VALUE / 2;

  private static final byte KEEP = 0; // the word is the same
  private static final byte SUBSTITUTE = 1;
  private static final byte DELETE = 2; // a word of the hypothesis
  private static final byte INSERT = 3; // a word of the reference
  private static final byte UNKNOWN = 4;

  private final int length;
  private final int[] reference;
  private final double slope;
  private final int beam;

  /// A row of the matrix, after one more word of the hypothesis.
  ///
  /// @param from the first column that is looked at: words of the reference
  /// @param costs `[column - from]`
  /// @param operations the last of those that led there, `[column - from]`
  record Row(int from, int[] costs, byte[] operations) {
    int cost(int column) {
      return column >= from && column < from + costs.length ? costs[column - from] : UNREACHED;
    }

    /// {@return whether each cost is by so much more than that of a row at the same place}
    boolean isMoreThan(Row other, int difference) {
      for (int i = 0; i < costs.length; i++) {
        if (costs[i] - other.costs[i] != difference) return false;
      }
      return true;
    }
  }

  /// Which words stand for which.
  ///
  /// @param hypothesis for each word of the reference the last word of the hypothesis up to it, or
  ///     -1
  /// @param hypothesisErrors which words of the hypothesis are not right
  /// @param referenceErrors which words of the reference are not met
  record Alignment(int[] hypothesis, boolean[] hypothesisErrors, boolean[] referenceErrors) {}

  /// Prepares to compare hypotheses of one length.
  BeamEditDistance(int length, int[] reference) {
    this.length = length;
    this.reference = reference;
    slope = length > 0 ? (double) reference.length / length : 1;
    // Where lengths differ so much that rows would not overlap, the beam is wider.
    beam = BEAM_WIDTH < slope / 2 ? (int) Math.ceil(slope / 2 + BEAM_WIDTH) : BEAM_WIDTH;
  }

  /// {@return the rows from none to all words of a hypothesis}
  Row[] rows(int[] words) {
    var rows = new Row[length + 1];
    var costs = new int[reference.length + 1];
    var operations = new byte[costs.length];
    Arrays.setAll(costs, column -> column);
    Arrays.fill(operations, INSERT);
    rows[0] = new Row(0, costs, operations);
    for (int i = 1; i <= length; i++) rows[i] = next(rows[i - 1], i, words[i - 1]);
    return rows;
  }

  /// {@return the distance that rows end with}
  int of(Row[] rows) {
    return rows[length].cost(reference.length);
  }

  /// {@return the distance of another hypothesis}
  ///
  /// @param rows of one that has the same words before `from` and after `to`
  int of(int[] words, Row[] rows, int from, int to) {
    var row = rows[from];
    for (int i = from + 1; i <= length; i++) {
      row = next(row, i, words[i - 1]);
      // A row that differs by a constant is followed by rows that do.
      int difference = row.costs[0] - rows[i].costs[0];
      if (i >= to && row.isMoreThan(rows[i], difference)) return of(rows) + difference;
    }
    return row.cost(reference.length);
  }

  private Row next(Row above, int i, int word) {
    int diagonal = (int) Math.floor(i * slope);
    int from = Math.max(0, diagonal - beam);
    int to = i == length ? reference.length + 1 : Math.min(reference.length + 1, diagonal + beam);
    var row = new Row(from, new int[to - from], new byte[to - from]);
    int left = UNREACHED;
    for (int column = from; column < to; column++) {
      int best = UNREACHED;
      byte operation = UNKNOWN;
      if (column > 0) {
        boolean same = word == reference[column - 1];
        int cost = above.cost(column - 1) + (same ? 0 : 1);
        if (cost < best) {
          best = cost;
          operation = same ? KEEP : SUBSTITUTE;
        }
      }
      if (above.cost(column) + 1 < best) {
        best = above.cost(column) + 1;
        operation = DELETE;
      }
      if (left + 1 < best) {
        best = left + 1;
        operation = INSERT;
      }
      row.costs[column - from] = best;
      row.operations[column - from] = operation;
      left = best;
    }
    return row;
  }

  /// {@return the alignment that rows ended with}
  Alignment alignment(Row[] rows) {
    var alignment =
        new Alignment(
            new int[reference.length], new boolean[length], new boolean[reference.length]);
    int i = length;
    int j = reference.length;
    while (i > 0 || j > 0) {
      byte operation = rows[i].operations[j - rows[i].from];
      boolean wrong = operation != KEEP;
      if (operation != INSERT) alignment.hypothesisErrors[i - 1] = wrong;
      if (operation != DELETE) {
        alignment.referenceErrors[j - 1] = wrong;
        alignment.hypothesis[j - 1] = i - 1;
      }
      if (operation != INSERT) i--;
      if (operation != DELETE) j--;
    }
    return alignment;
  }
}
