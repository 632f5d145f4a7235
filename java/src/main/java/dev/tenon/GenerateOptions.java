package dev.tenon;

/// When generation ends.
///
/// @param maxTokens the most tokens generated, at least 0; -1 for as many as the context holds
/// @param ignoreEos whether tokens that end generation are never picked
public record GenerateOptions(int maxTokens, boolean ignoreEos) {
  /// Checks the number.
  ///
  /// @throws IllegalArgumentException if `maxTokens` is below -1
  public GenerateOptions {
    if (maxTokens < -1)
      throw new IllegalArgumentException("maxTokens: " + maxTokens + ", at least -1");
  }

  /// {@return options that end at an end token, or after so many}
  ///
  /// @param maxTokens the most tokens generated, at least 0; -1 for as many as the context holds
  /// @throws IllegalArgumentException if `maxTokens` is below -1
  public static GenerateOptions of(int maxTokens) {
    return new GenerateOptions(maxTokens, false);
  }

  /// {@return a copy that picks end tokens or does not}
  ///
  /// @param ignored whether tokens that end generation are never picked
  public GenerateOptions withIgnoreEos(boolean ignored) {
    return new GenerateOptions(maxTokens, ignored);
  }
}
