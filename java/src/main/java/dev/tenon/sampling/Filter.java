package dev.tenon.sampling;

/// Rescales, orders or removes candidates in place.
///
/// At least one candidate must remain. A filter may remember what it was told by [#accept]; such a
/// one belongs to a single sampler. The filters made here follow llama.cpp's samplers of the same
/// names.
@FunctionalInterface
public interface Filter {
  /// Edits the list.
  ///
  /// @param candidates what the filters before this one left
  void apply(Candidates candidates);

  /// Takes note of a token that has become part of the text.
  ///
  /// @param token its id
  default void accept(int token) {}

  /// Forgets all that [#accept] was told.
  default void reset() {}

  /// {@return division of the logits by `temperature`; where that is 0 or less, all but the best
  /// candidate are excluded}
  ///
  /// @param temperature finite
  /// @throws IllegalArgumentException if `temperature` is not finite
  static Filter temperature(float temperature) {
    return new Temperature(temperature);
  }

  /// {@return a filter that keeps the `k` best}
  ///
  /// @param k how many; 0 or less keeps all
  static Filter topK(int k) {
    return new TopK(k);
  }

  /// {@return a filter that keeps the fewest of the best whose probabilities sum to `p`}
  ///
  /// @param p 1 or more keeps all
  /// @throws IllegalArgumentException if `p` is not a number
  static Filter topP(float p) {
    return new TopP(p, 1);
  }

  /// {@return a filter that keeps the fewest of the best whose probabilities sum to `p`}
  ///
  /// @param p 1 or more keeps all
  /// @param minKeep how many to keep at least
  /// @throws IllegalArgumentException if `p` is not a number
  static Filter topP(float p, int minKeep) {
    return new TopP(p, minKeep);
  }

  /// {@return a filter that keeps candidates at least `p` times as probable as the best}
  ///
  /// @param p 0 or less keeps all
  /// @throws IllegalArgumentException if `p` is not a number
  static Filter minP(float p) {
    return new MinP(p, 1);
  }

  /// {@return a filter that keeps candidates at least `p` times as probable as the best}
  ///
  /// @param p 0 or less keeps all
  /// @param minKeep how many to keep at least
  /// @throws IllegalArgumentException if `p` is not a number
  static Filter minP(float p, int minKeep) {
    return new MinP(p, minKeep);
  }

  /// {@return a filter that makes the tokens accepted lately less likely}
  ///
  /// @param lastN how many tokens back to look; 0 or less turns the filter off
  /// @param repeat divides positive logits and multiplies the others; 1 for none
  /// @param frequency subtracted from the logit for each time the token is there; 0 for none
  /// @param presence subtracted once when the token is there; 0 for none
  /// @throws IllegalArgumentException if `repeat` is not above 0, or it or its inverse or another
  ///     penalty is not finite
  static Filter penalties(int lastN, float repeat, float frequency, float presence) {
    return new Penalties(lastN, repeat, frequency, presence);
  }
}
