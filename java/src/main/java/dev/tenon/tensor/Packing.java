package dev.tenon.tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// How sequences lie in a pass: one after the other, row by row, without padding.
///
/// Attention takes neighbours of equal length together, so that it is best where they are sorted by
/// length. The array is not copied.
///
/// @param lengths rows of each sequence, each at least 1
public record Packing(int[] lengths) {
  /// Checks that there is something to pack.
  ///
  /// @throws IllegalArgumentException if there is no sequence, one is empty, or there are more than
  ///     2^20 rows
  public Packing {
    long rows = 0;
    for (int length : lengths) {
      if (length < 1) throw new IllegalArgumentException("packing: a sequence of " + length);
      rows += length;
    }
    if (rows < 1 || rows > 1 << 20)
      throw new IllegalArgumentException("packing: " + rows + " rows, from 1 to " + (1 << 20));
  }

  /// Neighbours of equal length.
  ///
  /// @param from first row
  /// @param length rows of each
  /// @param count how many
  record Run(int from, int length, int count) {}

  /// {@return the number of rows}
  public int rows() {
    return Arrays.stream(lengths).sum();
  }

  /// {@return the sequences, neighbours of equal length together}
  List<Run> runs() {
    var runs = new ArrayList<Run>();
    int row = 0;
    for (int i = 0; i < lengths.length; ) {
      int first = i;
      while (i < lengths.length && lengths[i] == lengths[first]) i++;
      runs.add(new Run(row, lengths[first], i - first));
      row += lengths[first] * (i - first);
    }
    return runs;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Packing(var theirs) && Arrays.equals(lengths, theirs);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(lengths);
  }

  @Override
  public String toString() {
    return "packing of " + lengths.length + " sequences";
  }
}
