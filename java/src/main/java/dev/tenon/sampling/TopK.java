package dev.tenon.sampling;

/// Keeps the k best, in order.
record TopK(int k) implements Filter {
  @Override
  public void apply(Candidates candidates) {
    if (k > 0) {
      candidates.keepBest(k);
    }
  }
}
