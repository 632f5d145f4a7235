package dev.tenon.sampling;

import java.util.Arrays;

/// Excludes all but some tokens where the sequence has a certain length.
///
/// @param ids of the tokens
/// @param at the length
record ForcedTokens(int[] ids, int at) implements LogitsProcessor {
  @Override
  public void process(int[] tokens, int length, float[] scores) {
    if (length != at) {
      return;
    }
    Arrays.fill(scores, Float.NEGATIVE_INFINITY);
    for (int id : ids) {
      if (id < scores.length) {
        scores[id] = 0;
      }
    }
  }
}
