package dev.tenon.sampling;

import java.util.Arrays;

/// Flattens the distribution, or sharpens it: below or at 0 to the best candidate alone.
record Temperature(float temperature) implements Filter {
  Temperature {
    Numbers.finite("temperature", temperature);
  }

  @Override
  public void apply(Candidates candidates) {
    apply(candidates, temperature);
  }

  static void apply(Candidates candidates, float temperature) {
    if (candidates.size == 0) {
      return;
    }
    var logits = candidates.logits;
    if (temperature > 0) {
      for (int i = 0; i < candidates.size; i++) {
        logits[i] /= temperature;
      }
    } else {
      int best = candidates.best();
      Arrays.fill(logits, 0, best, Float.NEGATIVE_INFINITY);
      Arrays.fill(logits, best + 1, candidates.size, Float.NEGATIVE_INFINITY);
    }
    candidates.rescored(candidates.sorted);
  }
}
