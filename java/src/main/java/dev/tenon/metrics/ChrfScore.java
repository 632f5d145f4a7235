package dev.tenon.metrics;

/// What [Chrf] says.
///
/// @param score the F-score, 0 to 100
/// @param charOrder characters of the longest n-grams that counted
/// @param wordOrder words of the longest n-grams that counted
/// @param beta how many times more recall weighed than precision
/// @param signature how it came about
public record ChrfScore(double score, int charOrder, int wordOrder, int beta, String signature)
    implements Score {
  /// {@return `chrF`, beta, and a + for each order of words, such as `chrF2++`}
  @Override
  public String name() {
    return "chrF" + beta + "+".repeat(wordOrder);
  }
}
