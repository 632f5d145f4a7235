package dev.tenon.convert;

import java.util.Arrays;

/// How far a model's expectations are from those of another, the base, over the same text: what a
/// quantization lost, as `llama-perplexity --kl-divergence` measures it.
///
/// Confined to one thread at a time.
public final class Divergence {
  private static final float LEAST_LOG_PROBABILITY = -16;

  /// So few tokens tell nothing of an error.
  private static final int FEW = 10;

  private final Perplexity own = new Perplexity();
  private final Sums base = new Sums(); // of surprises
  private final Sums divergences = new Sums();
  private final Sums shifts = new Sums();
  private final Sums squaredShifts = new Sums();
  private double products; // of surprises, the model's and the base's
  private long sameTop;
  private float[] values = new float[1024];
  private float[] shiftValues = new float[1024];
  private int count;

  /// A number that was estimated.
  ///
  /// @param value the estimate
  /// @param error its standard error; 0 where too few tokens tell
  public record Estimate(double value, double error) {
    /// {@return the same in another unit}
    ///
    /// @param factor how many of that are in one of this
    public Estimate times(double factor) {
      return new Estimate(factor * value, Math.abs(factor) * error);
    }
  }

  /// What a mean and its error are made of.
  private final class Sums {
    private double sum;
    private double squares;

    void add(double value) {
      sum += value;
      squares += value * value;
    }

    Estimate mean() {
      return meanOf(sum, squares);
    }
  }

  private Estimate meanOf(double sum, double squares) {
    double mean = sum / count;
    double variance = squares / count - mean * mean;
    return new Estimate(mean, variance > 0 && count > FEW ? Math.sqrt(variance / (count - 1)) : 0);
  }

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
    if (count == Integer.MAX_VALUE - 8)
      throw new IllegalStateException("divergence: " + count + " tokens are counted, the most");
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
    double surprise = logSum - logits[next];
    this.base.add(-base[next]);
    products += surprise * -base[next];
    divergences.add(divergence);
    double shift = Math.exp(-surprise) - Math.exp(base[next]);
    shifts.add(shift);
    squaredShifts.add(shift * shift);
    if (top == baseTop) sameTop++;
    if (count == values.length) {
      int more = (int) Math.min(2L * count, Integer.MAX_VALUE - 8);
      values = Arrays.copyOf(values, more);
      shiftValues = Arrays.copyOf(shiftValues, more);
    }
    values[count] = (float) divergence;
    shiftValues[count++] = (float) shift;
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
  public Estimate basePerplexity() {
    return exponential(base.mean());
  }

  /// {@return the logarithm of the ratio of the model's perplexity to the base's}
  public Estimate logRatio() {
    var own = this.own.meanSurprise(FEW);
    var base = this.base.mean();
    double variance = own.error * own.error + base.error * base.error - 2 * covariance();
    return new Estimate(own.value - base.value, Math.sqrt(Math.max(0, variance)));
  }

  /// {@return the ratio of the model's perplexity to the base's}
  public Estimate ratio() {
    return exponential(logRatio());
  }

  /// {@return how much higher the model's perplexity is than the base's}
  public Estimate difference() {
    var own = exponential(this.own.meanSurprise(FEW));
    var base = basePerplexity();
    double variance =
        own.error * own.error + base.error * base.error - 2 * own.value * base.value * covariance();
    return new Estimate(own.value - base.value, Math.sqrt(Math.max(0, variance)));
  }

  /// {@return the correlation of the surprises, from -1 to 1; not a number where too few tokens
  /// tell}
  public double correlation() {
    return covariance() / (own.meanSurprise(FEW).error * base.mean().error);
  }

  /// Of the mean surprises.
  private double covariance() {
    if (count < FEW) return 0;
    double mean = own.meanSurprise(FEW).value * base.mean().value;
    return (products / count - mean) / (count - 1);
  }

  private static Estimate exponential(Estimate logarithm) {
    double value = Math.exp(logarithm.value);
    return new Estimate(value, value * logarithm.error);
  }

  /// {@return the mean Kullback-Leibler divergence from the base, in nats}
  public Estimate mean() {
    return divergences.mean();
  }

  /// {@return the divergence that a part of the tokens do not exceed, between two of them
  /// interpolated}
  ///
  /// @param part from 0, the least of all, to 1, the most; 0.5 for the median
  /// @throws IllegalArgumentException if it is out of range
  /// @throws IllegalStateException if no token was counted
  public double quantile(double part) {
    return quantile(values, part);
  }

  private double quantile(float[] of, double part) {
    if (!(part >= 0 && part <= 1))
      throw new IllegalArgumentException("quantile: " + part + ", from 0 to 1");
    if (count == 0) throw new IllegalStateException("quantile: no token was counted");
    var sorted = Arrays.copyOf(of, count);
    Arrays.sort(sorted);
    double place = part * (count - 1);
    int below = (int) place;
    double rest = place - below;
    return (1 - rest) * sorted[below] + rest * sorted[Math.min(below + 1, count - 1)];
  }

  /// {@return the mean change of the probability of the token that came}
  public Estimate meanShift() {
    return shifts.mean();
  }

  /// {@return the root of the mean square of that change}
  public Estimate rootMeanSquareShift() {
    var square = squaredShifts.mean();
    double root = Math.sqrt(square.value);
    return new Estimate(root, root > 0 ? square.error / (2 * root) : 0);
  }

  /// {@return the change of that probability that a part of the tokens do not exceed}
  ///
  /// @param part as for [#quantile]
  /// @throws IllegalArgumentException if it is out of range
  /// @throws IllegalStateException if no token was counted
  public double shiftQuantile(double part) {
    return quantile(shiftValues, part);
  }

  /// {@return the part of the tokens at which both hold the same one for the likeliest}
  public Estimate sameTop() {
    double part = (double) sameTop / count;
    return new Estimate(part, count > 1 ? Math.sqrt(part * (1 - part) / (count - 1)) : 0);
  }
}
