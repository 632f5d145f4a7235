package dev.tenon.sampling;

import java.util.Arrays;

/// A processor in a chain of filters.
final class ProcessorFilter implements Filter {
  private final LogitsProcessor processor;
  private int[] tokens = new int[64];
  private int length;
  private float[] scores = {};

  ProcessorFilter(LogitsProcessor processor) {
    this.processor = processor;
  }

  @Override
  public void accept(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
    }
    tokens[length++] = token;
  }

  @Override
  public void reset() {
    length = 0;
  }

  @Override
  public void apply(Candidates candidates) {
    int vocabulary = candidates.vocabularySize();
    if (scores.length != vocabulary) {
      scores = new float[vocabulary];
    }
    // Those that others have dropped are excluded.
    Arrays.fill(scores, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < candidates.size; i++) {
      scores[candidates.ids[i]] = candidates.logits[i];
    }
    processor.process(tokens, length, scores);
    for (int i = 0; i < candidates.size; i++) {
      float score = scores[candidates.ids[i]];
      candidates.logits[i] = Float.isNaN(score) ? Float.NEGATIVE_INFINITY : score;
    }
    candidates.rescored(false);
  }
}
