package dev.tenon.sampling;

/// Keeps the candidates that have some probability, in the order they have ("epsilon sampling");
/// one that is lower where the entropy is high if it adapts ("eta sampling", Hewitt et al., 2022).
record Cutoff(float epsilon, boolean adapts, int minKeep) implements Filter {
  @Override
  public void apply(Candidates candidates) {
    if (candidates.size == 0) {
      return;
    }
    candidates.softmax();
    float least =
        adapts
            ? (float) Math.min(epsilon, Math.sqrt(epsilon) * Math.exp(-candidates.entropy()))
            : epsilon;
    int enough = 0;
    for (int i = 0; i < candidates.size; i++) {
      enough += candidates.probabilities[i] >= least ? 1 : 0;
    }
    if (enough < minKeep) {
      candidates.keepBest(minKeep);
      return;
    }
    int kept = 0;
    for (int i = 0; i < candidates.size; i++) {
      if (candidates.probabilities[i] >= least) {
        candidates.move(i, kept++);
      }
    }
    candidates.compacted(kept);
  }
}
