package dev.tenon.sampling;

import java.util.Arrays;
import java.util.Objects;

/// A sampler that picks among what a filter leaves of the vocabulary.
final class Masked implements Sampler {
  private final Sampler sampler;
  private final Filter mask;
  private final Candidates candidates = new Candidates();
  private float[] left = {};

  Masked(Sampler sampler, Filter mask) {
    this.sampler = Objects.requireNonNull(sampler);
    this.mask = Objects.requireNonNull(mask);
  }

  @Override
  public int sample(float[] logits) {
    candidates.load(logits);
    mask.apply(candidates);
    if (left.length != logits.length) {
      left = new float[logits.length];
    }
    Arrays.fill(left, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < candidates.size(); i++) {
      left[candidates.id(i)] = candidates.logit(i);
    }
    return sampler.sample(left);
  }

  @Override
  public void accept(int token) {
    mask.accept(token);
    sampler.accept(token);
  }

  @Override
  public void reset() {
    mask.reset();
    sampler.reset();
  }
}
