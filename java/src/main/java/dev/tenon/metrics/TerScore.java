package dev.tenon.metrics;

/// What [Ter] says. The lower the better; it goes beyond 100 where hypotheses are much too long.
///
/// @param score edits in percent of the words of the references; where those have none, 100 if
///     there were edits and 0 if not
/// @param numEdits insertions, deletions, substitutions and shifts that make a reference of each
///     hypothesis
/// @param refLength words of the references; of several for one hypothesis the mean
/// @param signature how it came about
public record TerScore(double score, long numEdits, double refLength, String signature)
    implements Score {
  @Override
  public String name() {
    return "TER";
  }
}
