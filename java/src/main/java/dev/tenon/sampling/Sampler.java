package dev.tenon.sampling;

import java.util.Objects;
import java.util.random.RandomGenerator;

/// Picks the next token.
///
/// A sampler may remember: whoever generates tells it every token of the text, the prompt's too, by
/// [#accept]. It belongs to one sequence at a time and is not thread-safe.
@FunctionalInterface
public interface Sampler {
  /// Picks a token. The text does not contain it until it is [accepted][#accept].
  ///
  /// @param logits one unnormalised score for each token id; left as it is
  /// @return an index into `logits`
  /// @throws IllegalArgumentException if `logits` is empty
  int sample(float[] logits);

  /// Takes note of a token that has become part of the text.
  ///
  /// @param token its id
  /// @throws IllegalArgumentException if `token` is negative
  default void accept(int token) {}

  /// Forgets all that [#accept] was told. The source of randomness goes on from where it is.
  default void reset() {}

  /// {@return a sampler that picks as this one does, among the tokens that a filter leaves}
  ///
  /// @param mask sees every token with its logit as the model gave it; told what this is told
  default Sampler within(Filter mask) {
    return new Masked(this, mask);
  }

  /// {@return the sampler that takes the highest score, the lowest id on a tie}
  static Sampler greedy() {
    return Chain.GREEDY;
  }

  /// {@return a sampler that applies `filters` in order, then takes the highest score of what
  /// remains, the lowest id on a tie}
  ///
  /// @param filters applied first to last
  static Sampler greedy(Filter... filters) {
    return filters.length == 0 ? Chain.GREEDY : new Chain(null, filters);
  }

  /// {@return a sampler that applies `filters` in order, then draws from the softmax of what
  /// remains, unless the last one has [made the choice][Candidates#select]}
  ///
  /// @param random source of randomness, asked for one number a token; seed it to reproduce a run
  /// @param filters applied first to last
  static Sampler of(RandomGenerator random, Filter... filters) {
    return new Chain(Objects.requireNonNull(random), filters);
  }
}
