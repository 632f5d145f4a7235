package dev.tenon.sampling;

import java.util.Objects;

/// A generated sequence.
///
/// @param tokens ids, those of the prompt first; an end token, where there is one, with them
/// @param score sum of the log-probabilities of the new tokens, as edited, divided by their number
///     to the power of the length penalty: in beam search transformers' `sequences_scores`
public record ScoredTokens(int[] tokens, float score) {
  /// Keeps the array.
  public ScoredTokens {
    Objects.requireNonNull(tokens);
  }
}
