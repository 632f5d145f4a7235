package dev.tenon.convert;

import java.util.stream.IntStream;

/// How well a model foresees a text: the exponential of the mean surprise at each token that came,
/// as llama-perplexity measures it. 1 is perfect foresight.
///
/// Confined to one thread at a time.
public final class Perplexity {
  private double sum;
  private double squares;
  private long count;

  /// Starts with no tokens.
  public Perplexity() {}

  /// Counts a token.
  ///
  /// @param logits what the model gave before it, unnormalised; not retained
  /// @param next the token that came, an index of `logits`
  /// @throws IndexOutOfBoundsException if it is no such index
  public void add(float[] logits, int next) {
    add(logSum(logits) - logits[next]);
  }

  private void add(double surprise) {
    sum += surprise;
    squares += surprise * surprise;
    count++;
  }

  /// Counts several tokens.
  ///
  /// @param logits what the model gave before each; not retained
  /// @param next the tokens that came
  /// @throws IndexOutOfBoundsException if one is no index of its logits, or there are fewer
  public void add(float[][] logits, int[] next) {
    var surprises =
        IntStream.range(0, logits.length)
            .parallel()
            .mapToDouble(i -> logSum(logits[i]) - logits[i][next[i]])
            .toArray();
    for (double surprise : surprises) add(surprise);
  }

  /// {@return the logarithm of the sum of exponentials}
  static double logSum(float[] logits) {
    float most = Float.NEGATIVE_INFINITY;
    for (float logit : logits) most = Math.max(most, logit);
    double sum = 0;
    for (float logit : logits) sum += Math.exp(logit - most);
    return most + Math.log(sum);
  }

  /// {@return how many tokens were counted}
  public long count() {
    return count;
  }

  /// {@return the perplexity; not a number before the first token}
  public double value() {
    return Math.exp(sum / count);
  }

  /// The mean surprise; an error is told from more than so many tokens.
  Divergence.Estimate meanSurprise(int few) {
    double mean = sum / count;
    double variance = squares / count - mean * mean;
    return new Divergence.Estimate(
        mean, count > few && variance > 0 ? Math.sqrt(variance / (count - 1)) : 0);
  }

  /// {@return the standard error of [#value]; 0 where too few tokens tell}
  public double error() {
    return meanSurprise(1).error() * value();
  }
}
