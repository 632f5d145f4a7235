package dev.tenon;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/// From what a head gives to scores from 0 to 1.
final class Scores {
  private Scores() {}

  /// {@return probabilities of logits that exclude one another}
  static float[] softmax(float[] logits) {
    return softmax(logits, 0, logits.length);
  }

  /// {@return probabilities of one row of logits}
  static float[] softmax(float[] logits, int from, int count) {
    float most = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) most = Math.max(most, logits[from + i]);
    var scores = new float[count];
    double sum = 0;
    for (int i = 0; i < count; i++) {
      scores[i] = (float) Math.exp(logits[from + i] - most);
      sum += scores[i];
    }
    for (int i = 0; i < count; i++) scores[i] = (float) (scores[i] / sum);
    return scores;
  }

  /// {@return probabilities of logits that stand each for itself}
  static float[] sigmoid(float[] logits) {
    var scores = new float[logits.length];
    for (int i = 0; i < scores.length; i++) scores[i] = (float) (1 / (1 + Math.exp(-logits[i])));
    return scores;
  }

  /// {@return the place of the greatest, the first of several}
  static int best(float[] scores) {
    int best = 0;
    for (int i = 1; i < scores.length; i++) if (scores[i] > scores[best]) best = i;
    return best;
  }

  /// {@return the places of the greatest, the greatest first; of equal ones the first comes first}
  ///
  /// @param most how many; all where there are fewer
  static int[] best(float[] scores, int most) {
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -scores[i]))
        .limit(most)
        .mapToInt(i -> i)
        .toArray();
  }

  /// Checks how many results are asked for.
  ///
  /// @throws IllegalArgumentException if it is none
  static int most(int topK) {
    if (topK < 1) throw new IllegalArgumentException("top_k " + topK + ", at least 1");
    return topK;
  }

  /// {@return the mean of numbers, of none 0}
  static float mean(float[] values) {
    return (float) (Arrays.stream(toDoubles(values)).sum() / Math.max(1, values.length));
  }

  private static double[] toDoubles(float[] values) {
    return IntStream.range(0, values.length).mapToDouble(i -> values[i]).toArray();
  }
}
