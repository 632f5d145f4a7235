package dev.tenon.sampling;

import java.util.Arrays;

/// The rows of a step: the sequences that go on, equal ones once.
final class Frontier {
  private final int[] tokens;
  private final int[] parents;
  private int rows = 1;

  /// One row, which goes on from a prompt.
  Frontier(int most, int lastOfPrompt) {
    tokens = new int[most];
    parents = new int[most];
    tokens[0] = lastOfPrompt;
  }

  void clear() {
    rows = 0;
  }

  /// {@return the row of a sequence that goes on from a row of the last step}
  int add(int parent, int token) {
    for (int row = 0; row < rows; row++) {
      if (parents[row] == parent && tokens[row] == token) {
        return row;
      }
    }
    parents[rows] = parent;
    tokens[rows] = token;
    return rows++;
  }

  int rows() {
    return rows;
  }

  int[] tokens() {
    return Arrays.copyOf(tokens, rows);
  }

  int[] parents() {
    return Arrays.copyOf(parents, rows);
  }

  /// Checks the logits of a step.
  void check(float[][] logits, int vocabulary, boolean done) {
    if (done) {
      throw new IllegalStateException("step: the search is done");
    }
    if (logits.length != rows) {
      throw new IllegalArgumentException("step: " + logits.length + " rows of logits, not " + rows);
    }
    for (var row : logits) {
      if (row.length != vocabulary) {
        throw new IllegalArgumentException(
            "step: a row of " + row.length + " for a vocabulary of " + vocabulary);
      }
    }
  }
}
