package dev.tenon.metrics;

/// What [Rouge] says.
///
/// @param rouge1 of single words
/// @param rouge2 of pairs of words
/// @param rougeL of the longest common subsequence of the texts
/// @param rougeLsum of those of their lines
public record RougeScore(Part rouge1, Part rouge2, Part rougeL, Part rougeLsum) {
  /// One kind of ROUGE.
  ///
  /// @param precision how much of the hypothesis the reference has, 0 to 1
  /// @param recall how much of the reference the hypothesis has, 0 to 1
  /// @param f their harmonic mean, 0 to 1
  public record Part(double precision, double recall, double f) {
    private static final Part NONE = new Part(0, 0, 0);

    /// {@return so many hits among so many words, or other units}
    static Part of(long hits, long ofHypothesis, long ofReference) {
      if (hits == 0) return NONE;
      double precision = (double) hits / ofHypothesis;
      double recall = (double) hits / ofReference;
      return new Part(precision, recall, 2 * precision * recall / (precision + recall));
    }
  }
}
