package dev.tenon.jinja;

/// How much a rendering may do before it is stopped by an error.
///
/// @param steps statements, expressions and items of loops
/// @param depth expressions, statements, macros and values inside each other
/// @param output characters of the result
/// @param memory characters and four times the list elements of all values made on the way
public record Limits(long steps, int depth, int output, long memory) {
  /// The usual limits: far beyond any conversation, a second or two at most.
  public static final Limits DEFAULT = new Limits(20_000_000, 1000, 1 << 24, 1 << 27);

  /// Checks the limits.
  ///
  /// @throws IllegalArgumentException if one is not positive
  public Limits {
    if (steps <= 0 || depth <= 0 || output <= 0 || memory <= 0)
      throw new IllegalArgumentException(
          "Limits: all must be positive: steps %d, depth %d, output %d, memory %d"
              .formatted(steps, depth, output, memory));
  }
}
