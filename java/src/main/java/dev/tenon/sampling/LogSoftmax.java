package dev.tenon.sampling;

import java.util.Arrays;

/// Makes log-probabilities of logits, for a whole vocabulary at each step of each beam.
///
/// The sum of the exponentials is most of the work of a search. As in [Ranking] the list is seen as
/// rows of 1024, so that the compiler makes vector instructions of the loops over columns; these
/// have no exp, so that it is made of a polynomial and squares.
final class LogSoftmax {
  private static final int COLUMNS = 1024;

  private final float[] row = new float[COLUMNS];
  private final float[] column = new float[COLUMNS];

  /// Writes the log-softmax. Logits that are not numbers count as `-∞`. Where the highest logit is
  /// infinite, the tokens that have it share all of the probability.
  ///
  /// @param logits left as they are, unless `scores` is the same array
  /// @param scores as many; written
  void apply(float[] logits, float[] scores) {
    float max = max(logits);
    double sum = sum(logits, max);
    if (Double.isNaN(sum)) {
      applyWithInfinities(logits, scores);
      return;
    }
    float logSum = (float) Math.log(sum);
    for (int i = 0; i < logits.length; i++) {
      scores[i] = logits[i] - max - logSum;
    }
  }

  /// {@return the log-softmax at one token}
  ///
  /// @param logits none of them is not a number
  float at(int token, float[] logits) {
    float max = max(logits);
    double sum = sum(logits, max);
    if (Double.isNaN(sum)) { // the highest is infinite
      int best = 0;
      for (float logit : logits) {
        best += logit == max ? 1 : 0;
      }
      return logits[token] == max ? (float) -Math.log(best) : Float.NEGATIVE_INFINITY;
    }
    return (float) (logits[token] - max - Math.log(sum));
  }

  private static void applyWithInfinities(float[] logits, float[] scores) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < logits.length; i++) {
      scores[i] = Float.isNaN(logits[i]) ? Float.NEGATIVE_INFINITY : logits[i];
      max = Math.max(max, scores[i]);
    }
    double sum = 0;
    for (float score : scores) {
      sum += score == max ? 1 : Math.exp(score - max);
    }
    float logSum = (float) Math.log(sum);
    for (int i = 0; i < scores.length; i++) {
      scores[i] = (scores[i] == max ? 0 : scores[i] - max) - logSum;
    }
  }

  /// {@return the highest of the logits; not a number where one is none}
  private float max(float[] logits) {
    float max = Float.NEGATIVE_INFINITY;
    int from = 0;
    if (logits.length >= COLUMNS) {
      System.arraycopy(logits, 0, column, 0, COLUMNS);
      for (from = COLUMNS; from + COLUMNS <= logits.length; from += COLUMNS) {
        System.arraycopy(logits, from, row, 0, COLUMNS);
        raise(column, row);
      }
      for (float peak : column) {
        max = Math.max(max, peak);
      }
    }
    for (int i = from; i < logits.length; i++) {
      max = Math.max(max, logits[i]);
    }
    return max;
  }

  private static void raise(float[] peaks, float[] row) {
    for (int i = 0; i < peaks.length; i++) {
      peaks[i] = Math.max(peaks[i], row[i]); // a comparison would not become vector instructions
    }
  }

  /// {@return the sum of e to the distances from the highest; not a number where a logit is none or
  /// the highest is infinite}
  private double sum(float[] logits, float max) {
    double sum = 0;
    int from = 0;
    if (logits.length >= COLUMNS) {
      Arrays.fill(column, 0);
      for (; from + COLUMNS <= logits.length; from += COLUMNS) {
        System.arraycopy(logits, from, row, 0, COLUMNS);
        add(column, row, max);
      }
      for (float part : column) {
        sum += part;
      }
    }
    for (int i = from; i < logits.length; i++) {
      sum += Math.exp(logits[i] - max);
    }
    return sum;
  }

  /// Adds e^-x, with x the distance from the highest: 1 over the 64th power of e^(x/64), which six
  /// terms of its series give to a few millionths where x counts, and which only grows beyond.
  private static void add(float[] sums, float[] row, float max) {
    for (int i = 0; i < sums.length; i++) {
      float y = (max - row[i]) * (1f / 64);
      float p =
          1
              + y
                  * (1
                      + y
                          * (1f / 2
                              + y * (1f / 6 + y * (1f / 24 + y * (1f / 120 + y * (1f / 720))))));
      p *= p;
      p *= p;
      p *= p;
      p *= p;
      p *= p;
      p *= p;
      sums[i] += 1 / p;
    }
  }
}
