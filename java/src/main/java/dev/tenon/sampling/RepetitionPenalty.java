package dev.tenon.sampling;

/// Makes tokens that are there already less likely, each once, however often it is there.
///
/// @param penalty divides positive scores and multiplies others
/// @param source where to look for tokens; null for the sequence itself
record RepetitionPenalty(float penalty, int[] source) implements LogitsProcessor {
  RepetitionPenalty {
    if (!(penalty > 0) || !Float.isFinite(penalty) || !Float.isFinite(1 / penalty)) {
      throw new IllegalArgumentException(
          "repetition penalty " + penalty + " is not above 0 and finite");
    }
  }

  @Override
  public void process(int[] tokens, int length, float[] scores) {
    var there = source == null ? tokens : source;
    int n = source == null ? length : source.length;
    // All are computed before one is changed, so that what is there twice is not changed twice.
    var penalised = new float[n];
    for (int i = 0; i < n; i++) {
      if (there[i] < scores.length) {
        float score = scores[there[i]];
        penalised[i] = score < 0 ? score * penalty : score / penalty;
      }
    }
    for (int i = 0; i < n; i++) {
      if (there[i] < scores.length) {
        scores[there[i]] = penalised[i];
      }
    }
  }
}
