package dev.tenon.metrics;

import java.util.BitSet;

/// The longest common subsequence of two texts.
final class CommonSubsequence {
  private CommonSubsequence() {}

  /// {@return its length}
  static int length(int[] reference, int[] candidate) {
    return fill(reference, candidate, null);
  }

  /// {@return which words of the reference are in it; of several that are longest, the one that
  /// rouge-score finds}
  static BitSet positions(int[] reference, int[] candidate) {
    var left = new BitSet[reference.length + 1];
    fill(reference, candidate, left);
    var positions = new BitSet();
    int i = reference.length;
    int j = candidate.length;
    while (i > 0 && j > 0) {
      if (reference[i - 1] == candidate[j - 1]) {
        positions.set(--i);
        j--;
      } else if (left[i].get(j)) {
        j--;
      } else {
        i--;
      }
    }
    return positions;
  }

  /// Fills the table of lengths, of which two rows are kept.
  ///
  /// @param left set for each row where the way back goes to the left, or null
  /// @return the last length
  private static int fill(int[] reference, int[] candidate, BitSet[] left) {
    var above = new int[candidate.length + 1];
    var row = new int[candidate.length + 1];
    for (int i = 1; i <= reference.length; i++) {
      if (left != null) left[i] = new BitSet(candidate.length + 1);
      for (int j = 1; j <= candidate.length; j++) {
        if (reference[i - 1] == candidate[j - 1]) {
          row[j] = above[j - 1] + 1;
        } else {
          row[j] = Math.max(above[j], row[j - 1]);
          if (left != null && row[j - 1] > above[j]) left[i].set(j);
        }
      }
      var swapped = above;
      above = row;
      row = swapped;
    }
    return above[candidate.length];
  }
}
