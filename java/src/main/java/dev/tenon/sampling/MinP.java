package dev.tenon.sampling;

/// Keeps the candidates at least p times as probable as the best one, in the order they have.
/// Probabilities need not be computed for that: their ratio is the difference of the logits.
record MinP(float p, int minKeep) implements Filter {
  MinP {
    Numbers.number("min-p", p);
  }

  @Override
  public void apply(Candidates candidates) {
    if (p <= 0 || candidates.size == 0) {
      return;
    }
    var logits = candidates.logits;
    float least = logits[candidates.best()] + (float) Math.log(p);
    int enough = 0;
    for (int i = 0; i < candidates.size; i++) {
      if (logits[i] >= least) {
        enough++;
      }
    }
    if (enough < Math.max(1, minKeep)) {
      candidates.keepBest(Math.max(1, minKeep));
      return;
    }
    int kept = 0;
    for (int i = 0; i < candidates.size; i++) {
      if (logits[i] >= least) {
        candidates.move(i, kept++);
      }
    }
    candidates.compacted(kept);
  }
}
