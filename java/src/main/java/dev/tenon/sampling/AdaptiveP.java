package dev.tenon.sampling;

import java.util.Objects;
import java.util.random.RandomGenerator;

/// Draws a token whose probability is close to a target, which moves so that the average over the
/// last tokens stays there (llama.cpp's pull request 17927).
final class AdaptiveP implements Filter {
  private static final float WIDTH = 0.3f;
  private static final float PEAK = 5;
  private static final float SHARPNESS = 10;

  private final float target;
  private final float decay;
  private final RandomGenerator random;

  // The averages of the probabilities of the tokens before, and of 1, each token counting `decay`
  // times as much as the one after it.
  private float weightedSum;
  private float totalWeight;

  private float[] original = {};
  private int pending = -1;
  private float pendingProbability;

  AdaptiveP(float target, float decay, RandomGenerator random) {
    check(target, decay);
    this.target = target;
    this.decay = Math.clamp(decay, 0, 0.99f);
    this.random = Objects.requireNonNull(random);
    reset();
  }

  static void check(float target, float decay) {
    Numbers.finite("adaptive-p target", target);
    Numbers.finite("adaptive-p decay", decay);
  }

  @Override
  public void reset() {
    weightedSum = target / (1 - decay);
    totalWeight = 1 / (1 - decay);
    pending = -1;
  }

  @Override
  public void accept(int token) {
    if (pending == token) {
      weightedSum = pendingProbability + decay * weightedSum;
      totalWeight = 1 + decay * totalWeight;
    }
    pending = -1;
  }

  @Override
  public void apply(Candidates candidates) {
    int size = candidates.size;
    if (size == 0) {
      return;
    }
    candidates.softmax();
    if (target < 0) {
      candidates.selectByProbability(random);
      return;
    }
    if (original.length < size) {
      original = new float[size];
    }
    System.arraycopy(candidates.probabilities, 0, original, 0, size);
    float wanted = Math.clamp(2 * Math.min(target, 1) - weightedSum / totalWeight, 0, 1);
    for (int i = 0; i < size; i++) {
      // What is excluded stays so.
      if (candidates.logits[i] != Float.NEGATIVE_INFINITY) {
        float distance = Math.abs((original[i] - wanted) * (1 / WIDTH));
        candidates.logits[i] = PEAK - SHARPNESS * distance * distance / (1 + distance);
      }
    }
    candidates.rescored(false);
    candidates.softmax();
    candidates.selectByProbability(random);
    pending = candidates.id(candidates.selected());
    pendingProbability = original[candidates.selected()];
  }
}
