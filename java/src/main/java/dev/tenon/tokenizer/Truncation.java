package dev.tenon.tokenizer;

import java.util.Objects;

/// How texts that are too long are cut.
///
/// @param maxLength the most tokens, those that the tokenizer adds included
/// @param strategy which of two texts loses tokens
/// @param stride how many tokens of a window the next one begins with; 0 where they do not overlap
public record Truncation(int maxLength, Strategy strategy, int stride) {
  /// Which of two texts loses tokens, always from its end.
  public enum Strategy {
    /// The longer one, as long as it is the longer one; then both in turn.
    LONGEST_FIRST,

    /// The first.
    ONLY_FIRST,

    /// The second.
    ONLY_SECOND
  }

  /// Checks the numbers.
  ///
  /// @throws NullPointerException if `strategy` is null
  /// @throws IllegalArgumentException if `maxLength` or `stride` is negative
  public Truncation {
    Objects.requireNonNull(strategy, "strategy");
    if (maxLength < 0 || stride < 0) {
      throw new IllegalArgumentException(
          "Truncation: maxLength and stride must not be negative, given "
              + maxLength
              + " and "
              + stride);
    }
  }

  /// Cuts the longer of two texts first, without overlap.
  ///
  /// @param maxLength the most tokens, those that the tokenizer adds included
  /// @throws IllegalArgumentException if `maxLength` is negative
  public Truncation(int maxLength) {
    this(maxLength, Strategy.LONGEST_FIRST, 0);
  }
}
