package dev.tenon.sampling;

/// Keeps the fewest of the best candidates whose probabilities sum to p (the "nucleus"), in order,
/// each with its probability among all.
record TopP(float p, int minKeep) implements Filter {
  TopP {
    Numbers.number("top-p", p);
  }

  @Override
  public void apply(Candidates candidates) {
    if (p >= 1 || candidates.size == 0) {
      return;
    }
    candidates.softmax();
    candidates.keepNucleus(p, minKeep);
  }
}
