package dev.tenon.sampling;

import java.util.Arrays;

/// Flattens the distribution, or sharpens it: below or at 0 to the best candidate alone.
record Temperature(float temperature) implements Filter {
  Temperature {
    if (!Float.isFinite(temperature)) {
      throw new IllegalArgumentException("temperature " + temperature + " is not finite");
    }
  }

  @Override
  public void apply(Candidates candidates) {
    var logits = candidates.logits;
    if (temperature > 0) {
      for (int i = 0; i < candidates.size; i++) {
        logits[i] /= temperature;
      }
      return;
    }
    if (candidates.size == 0) {
      return;
    }
    int best = candidates.best();
    Arrays.fill(logits, 0, best, Float.NEGATIVE_INFINITY);
    Arrays.fill(logits, best + 1, candidates.size, Float.NEGATIVE_INFINITY);
  }
}
