package dev.tenon.model;

import java.util.Arrays;
import java.util.stream.IntStream;

/// Tokens to evaluate: rows of any number of sequences, in any order, as long as the tokens of each
/// sequence are in theirs. The arrays are not copied.
///
/// @param tokens ids
/// @param positions position of each token in its sequence
/// @param sequences sequence of each token, from 0 to 63
/// @param outputs rows whose logits are wanted, ascending
public record Batch(int[] tokens, int[] positions, int[] sequences, int[] outputs) {
  /// Checks that the arrays go together.
  ///
  /// @throws IllegalArgumentException if there is no token, lengths differ, or outputs are not
  ///     ascending rows
  public Batch {
    if (tokens.length == 0) throw new IllegalArgumentException("batch: no tokens");
    if (positions.length != tokens.length || sequences.length != tokens.length)
      throw new IllegalArgumentException(
          "batch: "
              + tokens.length
              + " tokens, "
              + positions.length
              + " positions, "
              + sequences.length
              + " sequences");
    for (int i = 0; i < outputs.length; i++) {
      if (outputs[i] < 0 || outputs[i] >= tokens.length || i > 0 && outputs[i] <= outputs[i - 1])
        throw new IllegalArgumentException(
            "batch: output " + outputs[i] + " of " + tokens.length + " rows");
    }
  }

  /// {@return the next tokens of one sequence, with the logits of the last wanted}
  ///
  /// @param tokens ids, at least one
  /// @param position of the first
  /// @param sequence from 0 to 63
  /// @throws IllegalArgumentException if there is no token
  public static Batch next(int[] tokens, int position, int sequence) {
    return of(tokens, position, sequence, new int[] {tokens.length - 1});
  }

  /// {@return the next tokens of one sequence, with the logits of all wanted}
  ///
  /// @param tokens ids, at least one
  /// @param position of the first
  /// @param sequence from 0 to 63
  /// @throws IllegalArgumentException if there is no token
  public static Batch all(int[] tokens, int position, int sequence) {
    return of(tokens, position, sequence, IntStream.range(0, tokens.length).toArray());
  }

  private static Batch of(int[] tokens, int position, int sequence, int[] outputs) {
    if (tokens.length == 0) throw new IllegalArgumentException("batch: no tokens");
    var positions = new int[tokens.length];
    var sequences = new int[tokens.length];
    for (int i = 0; i < tokens.length; i++) positions[i] = position + i;
    Arrays.fill(sequences, sequence);
    return new Batch(tokens, positions, sequences, outputs);
  }

  /// {@return rows `from` to `to` as a batch of their own; where none of them is an output, the
  /// last is, since a pass has one at least}
  Batch slice(int from, int to) {
    var wanted =
        Arrays.stream(outputs).filter(o -> o >= from && o < to).map(o -> o - from).toArray();
    return new Batch(
        Arrays.copyOfRange(tokens, from, to),
        Arrays.copyOfRange(positions, from, to),
        Arrays.copyOfRange(sequences, from, to),
        wanted.length > 0 ? wanted : new int[] {to - from - 1});
  }

  /// {@return how many of the rows `from` to `to` are outputs}
  int outputsIn(int from, int to) {
    return (int) Arrays.stream(outputs).filter(o -> o >= from && o < to).count();
  }
}
