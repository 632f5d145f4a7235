package dev.tenon.sampling;

/// Keeps the candidates whose surprise, `-ln(probability)`, is closest to what is to be expected,
/// the entropy: as few as have a probability above p together, closest first ("locally typical
/// sampling", Meister et al., 2022).
record Typical(float p, int minKeep) implements Filter {
  Typical {
    Numbers.number("typical-p", p);
  }

  @Override
  public void apply(Candidates candidates) {
    if (p >= 1 || candidates.size == 0) {
      return;
    }
    candidates.sort();
    candidates.softmax();
    float entropy = candidates.entropy();
    var closeness = new float[candidates.size];
    for (int i = 0; i < closeness.length; i++) {
      float surprise = (float) -Math.log(candidates.probabilities[i]);
      closeness[i] = -Math.abs(surprise - entropy);
    }
    candidates.orderBy(closeness);
    float sum = 0;
    int kept = 0;
    while (kept < candidates.size && (sum <= p || kept < minKeep)) {
      sum += candidates.probabilities[kept++];
    }
    candidates.keep(0, Math.max(1, kept));
  }
}
