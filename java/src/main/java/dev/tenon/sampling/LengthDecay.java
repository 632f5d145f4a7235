package dev.tenon.sampling;

/// Makes the end of a text more likely the longer it gets.
///
/// @param start length after which it begins
/// @param factor by how much more with each token
/// @param ends tokens that end a text
record LengthDecay(long start, double factor, int[] ends) implements LogitsProcessor {
  @Override
  public void process(int[] tokens, int length, float[] scores) {
    if (length <= start) {
      return;
    }
    float growth = (float) (Math.pow(factor, length - start) - 1);
    for (int end : ends) {
      // A token that is excluded stays so; that it should be no number helps nobody.
      if (end < scores.length && Float.isFinite(scores[end])) {
        scores[end] += Math.abs(scores[end]) * Math.min(growth, Float.MAX_VALUE);
      }
    }
  }
}
