package dev.tenon.train;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A sequence of tokens to learn from, and which of them the model is to foresee: in a chat the
/// answers, in a text all but the first.
///
/// @param tokens ids, at least 2; not copied
/// @param wanted as many: whether a token counts in the loss; the first never does, for nothing
///     stands before it; not copied
public record Example(int[] tokens, boolean[] wanted) {
  /// Checks the lengths.
  ///
  /// @throws IllegalArgumentException if there are fewer than two tokens, or the lengths differ
  public Example {
    if (tokens.length < 2 || wanted.length != tokens.length)
      throw new IllegalArgumentException(
          "example: " + tokens.length + " tokens, at least 2, and " + wanted.length + " marks");
  }

  /// {@return an example of which every token counts}
  ///
  /// @param tokens ids, at least 2; not copied
  /// @throws IllegalArgumentException if there are fewer
  public static Example of(int... tokens) {
    var wanted = new boolean[tokens.length];
    Arrays.fill(wanted, true);
    return new Example(tokens, wanted);
  }

  /// {@return how many tokens count}
  public int count() {
    int count = 0;
    for (int i = 1; i < wanted.length; i++) if (wanted[i]) count++;
    return count;
  }

  /// {@return this in pieces that fit rows; each begins with the last token of the one before}
  ///
  /// @param length tokens of a row: a piece has one more, for the last is only foreseen
  List<Example> pieces(int length) {
    if (tokens.length - 1 <= length) return List.of(this);
    var pieces = new ArrayList<Example>();
    for (int from = 0; from < tokens.length - 1; from += length) {
      int to = (int) Math.min((long) from + length + 1, tokens.length);
      pieces.add(
          new Example(Arrays.copyOfRange(tokens, from, to), Arrays.copyOfRange(wanted, from, to)));
    }
    return pieces;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Example e
        && Arrays.equals(tokens, e.tokens)
        && Arrays.equals(wanted, e.wanted);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(tokens) + Arrays.hashCode(wanted);
  }

  @Override
  public String toString() {
    return tokens.length + " tokens, of which " + count() + " count";
  }
}
