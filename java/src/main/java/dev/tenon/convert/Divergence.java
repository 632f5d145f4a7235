package dev.tenon.convert;

import java.util.Arrays;

/// How far a model's expectations are from those of another, the base, over the same text: what a
/// quantization lost, as `llama-perplexity --kl-divergence` measures it.
///
/// Confined to one thread at a time.
public final class Divergence {
  private static final float LEAST_LOG_PROBABILITY = -16;

  private final Perplexity own = new Perplexity();
  private double baseSum;
  private double sum;
  private double squares;
  private double shifts;
  private double shiftSquares;
  private long sameTop;
  private float[] values = new float[1024];
  private int count;

  /// Starts with no tokens.
  public Divergence() {}

  /// Counts a token.
  ///
  /// @param base logarithms of the probabilities that the base gave to what comes
  /// @param logits what the model gave, unnormalised; as many
  /// @param next the token that came, an index of both
  /// @throws IllegalArgumentException if they have different lengths
  /// @throws IndexOutOfBoundsException if it is no such index
  public void add(float[] base, float[] logits, int next) {
    if (base.length != logits.length)
      throw new IllegalArgumentException(
          "divergence: " + logits.length + " logits, and " + base.length + " of the base");
    own.add(logits, next);
    double logSum = Perplexity.logSum(logits);
    double divergence = 0;
    int top = 0;
    int baseTop = 0;
    for (int i = 0; i < base.length; i++) {
      if (logits[i] > logits[top]) top = i;
      if (base[i] > base[baseTop]) baseTop = i;
      // As upstream: what is less likely was not saved apart.
      if (base[i] > LEAST_LOG_PROBABILITY)
        divergence += Math.exp(base[i]) * (base[i] - logits[i] + logSum);
    }
    baseSum -= base[next];
    sum += divergence;
    squares += divergence * divergence;
    double shift = Math.exp(logits[next] - logSum) - Math.exp(base[next]);
    shifts += shift;
    shiftSquares += shift * shift;
    if (top == baseTop) sameTop++;
    if (count == values.length) values = Arrays.copyOf(values, 2 * count);
    values[count++] = (float) divergence;
  }

  /// {@return how many tokens were counted}
  public long count() {
    return count;
  }

  /// {@return the model's own perplexity}
  public Perplexity perplexity() {
    return own;
  }

  /// {@return the perplexity of the base}
  public double basePerplexity() {
    return Math.exp(baseSum / count);
  }

  /// {@return the mean Kullback-Leibler divergence from the base, in nats}
  public double mean() {
    return sum / count;
  }

  /// {@return the standard error of [#mean]; 0 where too few tokens tell}
  public double error() {
    double variance = squares / count - mean() * mean();
    return variance > 0 && count > 10 ? Math.sqrt(variance / (count - 1)) : 0;
  }

  /// {@return the divergence that a part of the tokens do not exceed, between two of them
  /// interpolated}
  ///
  /// @param part from 0, the least of all, to 1, the most; 0.5 for the median
  /// @throws IllegalArgumentException if it is out of range
  /// @throws IllegalStateException if no token was counted
  public double quantile(double part) {
    if (!(part >= 0 && part <= 1))
      throw new IllegalArgumentException("quantile: " + part + ", from 0 to 1");
    if (count == 0) throw new IllegalStateException("quantile: no token was counted");
    var sorted = Arrays.copyOf(values, count);
    Arrays.sort(sorted);
    double place = part * (count - 1);
    int below = (int) place;
    double rest = place - below;
    return (1 - rest) * sorted[below] + rest * sorted[Math.min(below + 1, count - 1)];
  }

  /// {@return the mean change of the probability of the token that came}
  public double meanShift() {
    return shifts / count;
  }

  /// {@return the root of the mean square of that change}
  public double rootMeanSquareShift() {
    return Math.sqrt(shiftSquares / count);
  }

  /// {@return the part of the tokens at which both hold the same one for the likeliest}
  public double sameTop() {
    return (double) sameTop / count;
  }
}
