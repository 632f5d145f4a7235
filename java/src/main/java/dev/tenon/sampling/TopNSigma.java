package dev.tenon.sampling;

/// Excludes the candidates whose logit is more than n standard deviations below the best. They stay
/// in the list with a logit of `-∞`, as llama.cpp leaves them; those that have it already do not
/// count.
record TopNSigma(float n) implements Filter {
  TopNSigma {
    Numbers.number("top-n-sigma", n);
  }

  @Override
  public void apply(Candidates candidates) {
    if (n <= 0 || candidates.size <= 1) {
      return;
    }
    var logits = candidates.logits;
    float sum = 0;
    int valid = 0;
    for (int i = 0; i < candidates.size; i++) {
      if (logits[i] != Float.NEGATIVE_INFINITY) {
        sum += logits[i];
        valid++;
      }
    }
    if (valid == 0) {
      return;
    }
    float mean = sum / valid;
    float squares = 0;
    for (int i = 0; i < candidates.size; i++) {
      if (logits[i] != Float.NEGATIVE_INFINITY) {
        double distance = logits[i] - mean;
        squares = (float) (squares + distance * distance);
      }
    }
    float deviation = (float) Math.sqrt(squares / valid);
    float least = logits[candidates.best()] - n * deviation;
    for (int i = 0; i < candidates.size; i++) {
      if (logits[i] < least) {
        logits[i] = Float.NEGATIVE_INFINITY;
      }
    }
    candidates.rescored(candidates.sorted);
  }
}
