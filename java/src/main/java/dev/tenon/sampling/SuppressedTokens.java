package dev.tenon.sampling;

/// Excludes some tokens while the length of the sequence is in a range.
///
/// @param ids of the tokens
/// @param from first length
/// @param to one past the last length
record SuppressedTokens(int[] ids, int from, int to) implements LogitsProcessor {
  /// {@return whether it never excludes any}
  boolean idle() {
    return ids.length == 0 || from >= to;
  }

  @Override
  public void process(int[] tokens, int length, float[] scores) {
    if (length < from || length >= to) {
      return;
    }
    for (int id : ids) {
      if (id < scores.length) {
        scores[id] = Float.NEGATIVE_INFINITY;
      }
    }
  }
}
