package dev.tenon.sampling;

import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;

/// How likely a model found a token, and what it found most likely, before any filter.
///
/// @param chosen the token
/// @param top the most likely tokens, best first; of equal ones the lower id first
public record LogProbabilities(Entry chosen, List<Entry> top) {
  /// A token and the natural logarithm of its probability.
  ///
  /// @param token its id
  /// @param logProbability at most 0; `-∞` for a token that is excluded
  public record Entry(int token, float logProbability) {}

  /// Copies the list.
  public LogProbabilities {
    Objects.requireNonNull(chosen);
    top = List.copyOf(top);
  }

  /// {@return the log-softmax of some logits at a token and at the highest ones}
  ///
  /// Where the highest logit is infinite, the tokens that have it share all of the probability.
  ///
  /// @param logits one unnormalised score for each token id; left as it is. What is not a number
  ///     counts as `-∞`.
  /// @param token the chosen one, an index into `logits`
  /// @param top how many of the most likely to give, at least 0; more than there are gives all
  /// @throws IndexOutOfBoundsException if `token` is out of range
  /// @throws IllegalArgumentException if `top` is negative
  public static LogProbabilities of(float[] logits, int token, int top) {
    Objects.checkIndex(token, logits.length);
    if (top < 0) {
      throw new IllegalArgumentException("top " + top + ", from 0");
    }
    float max = Float.NEGATIVE_INFINITY;
    double sum = 0;
    boolean nan = false;
    for (float logit : logits) {
      if (logit == max) {
        sum += 1;
      } else if (logit > max) {
        sum = 1 + sum * Math.exp((double) max - logit);
        max = logit;
      } else if (logit < max) {
        sum += Math.exp((double) logit - max);
      } else {
        sum += max == Float.NEGATIVE_INFINITY ? 1 : 0;
        nan = true;
      }
    }
    var scores = nan ? withoutNan(logits) : logits;
    var best = new Ranking();
    int found = Math.min(top, scores.length);
    best.rank(scores, scores.length, found);
    double logSum = Math.log(sum);
    float highest = max;
    return new LogProbabilities(
        entry(scores, token, highest, logSum),
        IntStream.range(0, found)
            .mapToObj(place -> entry(scores, best.index(place), highest, logSum))
            .toList());
  }

  private static float[] withoutNan(float[] logits) {
    var scores = logits.clone();
    for (int i = 0; i < scores.length; i++) {
      if (Float.isNaN(scores[i])) {
        scores[i] = Float.NEGATIVE_INFINITY;
      }
    }
    return scores;
  }

  private static Entry entry(float[] scores, int token, float max, double logSum) {
    double distance = scores[token] == max ? 0 : (double) scores[token] - max;
    return new Entry(token, (float) (distance - logSum));
  }
}
