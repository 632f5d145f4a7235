package dev.tenon.sampling;

import java.util.Arrays;

/// Excludes tokens by which a sequence of some tokens would occur that is there already.
///
/// @param size how many tokens, the excluded one with them
/// @param source where to look for such sequences; null for the sequence itself
record NoRepeatNgram(int size, int[] source) implements LogitsProcessor {
  NoRepeatNgram {
    if (size < 1) {
      throw new IllegalArgumentException("n-gram size " + size + ", at least 1");
    }
  }

  @Override
  public void process(int[] tokens, int length, float[] scores) {
    int before = size - 1;
    if (length < before) {
      return;
    }
    var there = source == null ? tokens : source;
    int n = source == null ? length : source.length;
    for (int i = before; i < n; i++) {
      if (there[i] < scores.length
          && Arrays.equals(there, i - before, i, tokens, length - before, length)) {
        scores[there[i]] = Float.NEGATIVE_INFINITY;
      }
    }
  }
}
