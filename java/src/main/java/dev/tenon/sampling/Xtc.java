package dev.tenon.sampling;

import java.util.Objects;
import java.util.random.RandomGenerator;

/// Now and then drops the top choices: of the candidates that are at least as probable as the
/// threshold all but the last ("exclude top choices", p-e-w, 2024).
final class Xtc implements Filter {
  private final float probability;
  private final float threshold;
  private final int minKeep;
  private final RandomGenerator random;

  Xtc(float probability, float threshold, int minKeep, RandomGenerator random) {
    Numbers.number("xtc-probability", probability);
    Numbers.number("xtc-threshold", threshold);
    this.probability = probability;
    this.threshold = threshold;
    this.minKeep = minKeep;
    this.random = Objects.requireNonNull(random);
  }

  @Override
  public void apply(Candidates candidates) {
    if (probability <= 0 || threshold > 0.5f || candidates.size < 2) {
      return;
    }
    if (random.nextFloat() > probability) {
      return;
    }
    candidates.sort();
    candidates.softmax();
    int last = 0;
    while (last + 1 < candidates.size && candidates.probabilities[last + 1] >= threshold) {
      last++;
    }
    if (last > 0 && candidates.size - last >= minKeep) {
      candidates.keep(last, candidates.size);
    }
  }
}
