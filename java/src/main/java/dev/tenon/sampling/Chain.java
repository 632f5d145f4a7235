package dev.tenon.sampling;

import java.util.List;
import java.util.random.RandomGenerator;

/// Filters, then a choice.
final class Chain implements Sampler {
  static final Sampler GREEDY = Chain::best;

  /// What to draw with; null where the best is taken.
  private final RandomGenerator random;

  private final List<Filter> filters;
  private final Candidates candidates = new Candidates();

  Chain(RandomGenerator random, Filter... filters) {
    this.random = random;
    this.filters = List.of(filters);
  }

  @Override
  public int sample(float[] logits) {
    requireSome(logits);
    candidates.load(logits);
    for (var filter : filters) {
      filter.apply(candidates);
    }
    int chosen = candidates.selected();
    if (chosen < 0) {
      chosen = random == null ? candidates.best() : candidates.draw(random.nextDouble());
    }
    return candidates.id(chosen);
  }

  @Override
  public void accept(int token) {
    if (token < 0) {
      throw new IllegalArgumentException("accept(" + token + "): an id is not negative");
    }
    for (var filter : filters) {
      filter.accept(token);
    }
  }

  @Override
  public void reset() {
    for (var filter : filters) {
      filter.reset();
    }
  }

  private static int best(float[] logits) {
    requireSome(logits);
    // Not a number compares as false, so it is never taken unless there is nothing else.
    int best = 0;
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      if (logits[i] > max) {
        best = i;
        max = logits[i];
      }
    }
    return best;
  }

  private static void requireSome(float[] logits) {
    if (logits.length == 0) {
      throw new IllegalArgumentException("sample: no logits");
    }
  }
}
