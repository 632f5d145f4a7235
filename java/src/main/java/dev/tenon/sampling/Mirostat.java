package dev.tenon.sampling;

import java.util.Objects;
import java.util.random.RandomGenerator;

/// Draws a token so that the surprise, `-log2(probability)`, stays close to a target from token to
/// token (Basu et al., 2020). What is too surprising is cut off before the draw, and the limit
/// moves against the error of each token.
///
/// The first version estimates how many candidates to keep from Zipf's law; the second looks at the
/// surprise of each.
final class Mirostat implements Filter {
  /// How many of the best the estimate is made from.
  private static final int ESTIMATED = 100;

  private final int version;
  private final float target;
  private final float rate;
  private final RandomGenerator random;
  private float limit;

  /// @param version 1 or 2
  Mirostat(int version, float target, float rate, RandomGenerator random) {
    check(target, rate);
    this.version = version;
    this.target = target;
    this.rate = rate;
    this.random = Objects.requireNonNull(random);
    limit = 2 * target;
  }

  static void check(float target, float rate) {
    Numbers.finite("mirostat target entropy", target);
    Numbers.finite("mirostat learning rate", rate);
  }

  @Override
  public void reset() {
    limit = 2 * target;
  }

  @Override
  public void apply(Candidates candidates) {
    if (candidates.size == 0) {
      return;
    }
    candidates.sort();
    candidates.softmax();
    candidates.keepBest(version == 1 ? byZipf(candidates) : bySurprise(candidates));
    candidates.softmax();
    candidates.selectByProbability(random);
    limit -= rate * (surprise(candidates, candidates.selected()) - target);
  }

  private int byZipf(Candidates candidates) {
    float products = 0;
    float squares = 0;
    for (int i = 0; i < ESTIMATED - 1 && i < candidates.size - 1; i++) {
      float t = (float) Math.log((i + 2f) / (i + 1f));
      float b = (float) Math.log(candidates.probabilities[i] / candidates.probabilities[i + 1]);
      products += t * b;
      squares += t * t;
    }
    float exponent = products / squares;
    float epsilon = exponent - 1;
    float above = epsilon * (float) Math.pow(2, limit);
    float below = 1 - (float) Math.pow(candidates.vocabularySize(), -epsilon);
    // What cannot be estimated, because there is one candidate or most have no probability, is 1.
    return Math.max(1, (int) (float) Math.pow(above / below, 1 / exponent));
  }

  private int bySurprise(Candidates candidates) {
    int kept = 0;
    while (kept < candidates.size && !(surprise(candidates, kept) > limit)) {
      kept++;
    }
    return Math.max(1, kept);
  }

  private static float surprise(Candidates candidates, int index) {
    return (float) -(Math.log(candidates.probabilities[index]) / Math.log(2));
  }
}
