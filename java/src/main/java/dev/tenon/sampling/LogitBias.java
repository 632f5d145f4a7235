package dev.tenon.sampling;

import java.util.Map;
import java.util.TreeMap;

/// Adds a number to the logits of some tokens.
final class LogitBias implements Filter {
  private final int[] tokens;
  private final float[] biases;

  LogitBias(Map<Integer, Float> bias) {
    check(bias);
    var ordered = new TreeMap<>(bias);
    tokens = ordered.keySet().stream().mapToInt(Integer::intValue).toArray();
    biases = new float[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      biases[i] = ordered.get(tokens[i]);
    }
  }

  static void check(Map<Integer, Float> bias) {
    bias.forEach(
        (token, value) -> {
          if (token < 0) {
            throw new IllegalArgumentException(
                "logit bias of token " + token + ": an id is not negative");
          }
          Numbers.number("logit bias of token " + token, value);
        });
  }

  @Override
  public void apply(Candidates candidates) {
    for (int i = 0; i < tokens.length; i++) {
      int index = candidates.indexOf(tokens[i]);
      if (index >= 0) {
        candidates.setLogit(index, candidates.logits[index] + biases[i]);
      }
    }
  }
}
