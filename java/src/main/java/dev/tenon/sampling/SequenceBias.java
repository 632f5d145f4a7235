package dev.tenon.sampling;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Adds to the score of a token where it would complete one of some sequences.
final class SequenceBias implements LogitsProcessor {
  private final int[][] sequences;
  private final float[] biases;

  SequenceBias(Map<List<Integer>, Double> bias) {
    sequences = new int[bias.size()][];
    biases = new float[bias.size()];
    int i = 0;
    for (var entry : bias.entrySet()) {
      sequences[i] = entry.getKey().stream().mapToInt(Integer::intValue).toArray();
      if (sequences[i].length == 0) {
        throw new IllegalArgumentException("a sequence of no tokens cannot be completed");
      }
      biases[i++] = entry.getValue().floatValue();
    }
  }

  /// {@return a processor that excludes what would complete one of the sequences}
  ///
  /// @param ends tokens that are no bad word when they stand alone
  static SequenceBias without(List<List<Integer>> sequences, List<Integer> ends) {
    var bias = new LinkedHashMap<List<Integer>, Double>();
    for (var sequence : sequences) {
      if (sequence.size() != 1 || !ends.contains(sequence.getFirst())) {
        bias.put(sequence, Double.NEGATIVE_INFINITY);
      }
    }
    return new SequenceBias(bias);
  }

  @Override
  public void process(int[] tokens, int length, float[] scores) {
    for (int i = 0; i < sequences.length; i++) {
      var sequence = sequences[i];
      int before = sequence.length - 1;
      int last = sequence[before];
      // As in transformers, one with which the text would begin does not count but for one token.
      if (last < scores.length
          && (before == 0
              || before < length
                  && Arrays.equals(sequence, 0, before, tokens, length - before, length))) {
        float score = scores[last] + biases[i];
        scores[last] = Float.isNaN(score) ? Float.NEGATIVE_INFINITY : score;
      }
    }
  }
}
