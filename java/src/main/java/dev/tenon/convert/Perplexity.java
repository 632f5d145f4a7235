package dev.tenon.convert;

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
    double surprise = logSum(logits) - logits[next];
    sum += surprise;
    squares += surprise * surprise;
    count++;
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

  /// {@return the standard error of [#value]; 0 where too few tokens tell}
  public double error() {
    double mean = sum / count;
    double variance = squares / count - mean * mean;
    return count > 1 && variance > 0 ? Math.sqrt(variance / (count - 1)) * value() : 0;
  }
}
