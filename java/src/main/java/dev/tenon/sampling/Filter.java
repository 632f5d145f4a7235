package dev.tenon.sampling;

import java.util.Collection;
import java.util.Map;
import java.util.random.RandomGenerator;

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

  /// {@return a filter that makes tokens less likely that would prolong a repetition of what the
  /// text has already (DRY)}
  ///
  /// @param multiplier of the penalty `base^(length - allowedLength)`; 0 turns the filter off
  /// @param base grows the penalty with the length of the repetition; below 1 turns the filter off
  /// @param allowedLength how many tokens may be repeated before the next is penalised, at least 0
  /// @param lastN how many tokens back to look; 0 or less turns the filter off
  /// @param breakers token sequences, of at least one token each, across which there is no
  ///     repetition; copied
  /// @throws IllegalArgumentException if `multiplier` or `base` is not finite, `allowedLength` is
  ///     negative or a sequence is empty
  static Filter dry(
      float multiplier, float base, int allowedLength, int lastN, Collection<int[]> breakers) {
    return new Dry(multiplier, base, allowedLength, lastN, new SequenceBreakers(breakers));
  }

  /// {@return a filter that makes tokens less likely that would prolong a repetition of what the
  /// text has already (DRY)}
  ///
  /// @param multiplier of the penalty `base^(length - allowedLength)`; 0 turns the filter off
  /// @param base grows the penalty with the length of the repetition; below 1 turns the filter off
  /// @param allowedLength how many tokens may be repeated before the next is penalised, at least 0
  /// @param lastN how many tokens back to look; 0 or less turns the filter off
  /// @param breakers texts across which there is no repetition, such as a line end; of long ones
  ///     the first 40 bytes count
  /// @param vocabulary where the tokens of these texts are looked for, once
  /// @throws IllegalArgumentException if `multiplier` or `base` is not finite, or `allowedLength`
  ///     is negative
  static Filter dry(
      float multiplier,
      float base,
      int allowedLength,
      int lastN,
      Collection<String> breakers,
      Vocabulary vocabulary) {
    return new Dry(
        multiplier, base, allowedLength, lastN, new SequenceBreakers(breakers, vocabulary));
  }

  /// {@return a filter that excludes candidates whose logit is more than `n` standard deviations
  /// below the best}
  ///
  /// @param n 0 or less keeps all
  /// @throws IllegalArgumentException if `n` is not a number
  static Filter topNSigma(float n) {
    return new TopNSigma(n);
  }

  /// {@return a filter that keeps the candidates whose surprise is closest to the entropy, as few
  /// as have a probability above `p` together (locally typical sampling)}
  ///
  /// @param p 1 or more keeps all
  /// @param minKeep how many to keep at least
  /// @throws IllegalArgumentException if `p` is not a number
  static Filter typical(float p, int minKeep) {
    return new Typical(p, minKeep);
  }

  /// {@return a filter that now and then drops the most likely candidates, all but the last of
  /// those that reach a threshold (XTC)}
  ///
  /// @param probability how often; 0 or less never
  /// @param threshold probability that a candidate must have to count; above 0.5 none is dropped
  /// @param minKeep drops nothing where fewer would remain
  /// @param random asked for one float a token
  /// @throws IllegalArgumentException if `probability` or `threshold` is not a number
  static Filter xtc(float probability, float threshold, int minKeep, RandomGenerator random) {
    return new Xtc(probability, threshold, minKeep, random);
  }

  /// {@return a temperature that follows the entropy: from `temperature - range`, not below 0,
  /// where the model is sure, to `temperature + range` where it is not}
  ///
  /// @param temperature the middle
  /// @param range how far it goes up and down; 0 or less makes it constant
  /// @param exponent of the entropy, which is taken as 0 to 1
  /// @throws IllegalArgumentException if a number is not finite
  static Filter temperature(float temperature, float range, float exponent) {
    return new DynamicTemperature(temperature, range, exponent);
  }

  /// {@return a filter that draws the token so that its surprise stays close to a target, by an
  /// estimate from Zipf's law (mirostat)}
  ///
  /// It takes the place of the draw and comes last. It learns from every token that it draws.
  ///
  /// @param target surprise, in bits
  /// @param rate how fast it learns
  /// @param random asked for one number a token
  /// @throws IllegalArgumentException if `target` or `rate` is not finite
  static Filter mirostat(float target, float rate, RandomGenerator random) {
    return new Mirostat(1, target, rate, random);
  }

  /// {@return a filter that draws the token so that its surprise stays close to a target (mirostat
  /// 2.0)}
  ///
  /// It takes the place of the draw and comes last. It learns from every token that it draws.
  ///
  /// @param target surprise, in bits
  /// @param rate how fast it learns
  /// @param random asked for one number a token
  /// @throws IllegalArgumentException if `target` or `rate` is not finite
  static Filter mirostat2(float target, float rate, RandomGenerator random) {
    return new Mirostat(2, target, rate, random);
  }

  /// {@return a filter that draws a token whose probability is close to a target (adaptive-p)}
  ///
  /// It takes the place of the draw and comes last. The target moves so that the probabilities of
  /// the tokens that are drawn and accepted have it as their average.
  ///
  /// @param target probability, at most 1; below 0 draws from the candidates as they are
  /// @param decay how much a token counts for the average relative to the next, from 0 to 0.99
  /// @param random asked for one number a token
  /// @throws IllegalArgumentException if `target` or `decay` is not finite
  static Filter adaptiveP(float target, float decay, RandomGenerator random) {
    return new AdaptiveP(target, decay, random);
  }

  /// {@return addition to the logits of some tokens}
  ///
  /// @param bias by token id; `-∞` excludes a token. Ids outside the vocabulary are passed over;
  ///     copied
  /// @throws IllegalArgumentException if an id is negative or a number is none
  static Filter logitBias(Map<Integer, Float> bias) {
    return new LogitBias(bias);
  }

  /// {@return a filter for filling a gap in a text, which leaves few tokens, or those that end}
  ///
  /// @param vocabulary tells which tokens begin alike and which end
  /// @throws IllegalArgumentException if it has no token that ends a turn or a text
  static Filter infill(Vocabulary vocabulary) {
    return new Infill(vocabulary);
  }
}
