package dev.tenon;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.IntPredicate;

/// How a text is continued, and when that ends. Immutable; each `with…` makes a copy.
///
/// @param maxTokens the most tokens generated, at least 0; -1 for as many as the context holds, or
///     without end where it shifts
/// @param maxTime after so long no further token is begun, the prompt's evaluation counted in; null
///     for no limit
/// @param stops what in the text ends generation
/// @param keep -1 to end when the context is full; else a full context forgets half of its tokens
///     after the first `keep`, which are the instructions that must stay, and goes on
/// @param drafter guesses ahead, which changes the speed alone; null for none
/// @param logProbabilities how many of the likeliest tokens each [Generation.Piece] has with their
///     log-probabilities beside its own; -1 for none and not its own either
/// @param special which control tokens are part of the text
public record GenerateOptions(
    int maxTokens,
    Duration maxTime,
    Stops stops,
    int keep,
    Drafter drafter,
    int logProbabilities,
    IntPredicate special) {

  private static final IntPredicate ALL = _ -> true;
  private static final IntPredicate NONE = _ -> false;

  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if one is below -1, or `maxTime` is negative
  public GenerateOptions {
    atLeastMinusOne("maxTokens", maxTokens);
    atLeastMinusOne("keep", keep);
    atLeastMinusOne("logProbabilities", logProbabilities);
    Objects.requireNonNull(stops, "stops");
    Objects.requireNonNull(special, "special");
    if (maxTime != null && maxTime.isNegative())
      throw new IllegalArgumentException("maxTime: " + maxTime + ", at least 0");
  }

  /// {@return options that end at an end token, after so many, or when the context is full}
  ///
  /// @param maxTokens the most tokens generated, at least 0; -1 for as many as the context holds
  /// @throws IllegalArgumentException if `maxTokens` is below -1
  public static GenerateOptions of(int maxTokens) {
    return new GenerateOptions(maxTokens, null, Stops.DEFAULT, -1, null, -1, NONE);
  }

  /// {@return a copy with another number of tokens}
  ///
  /// @param most the most tokens generated, at least 0; -1 for as many as the context holds
  /// @throws IllegalArgumentException if it is below -1
  public GenerateOptions withMaxTokens(int most) {
    return new GenerateOptions(most, maxTime, stops, keep, drafter, logProbabilities, special);
  }

  /// {@return a copy that ends after a time}
  ///
  /// @param most after so long no further token is begun; null for no limit
  /// @throws IllegalArgumentException if it is negative
  public GenerateOptions withMaxTime(Duration most) {
    return new GenerateOptions(maxTokens, most, stops, keep, drafter, logProbabilities, special);
  }

  /// {@return a copy with other stops}
  ///
  /// @param others what in the text ends generation
  public GenerateOptions withStops(Stops others) {
    return new GenerateOptions(
        maxTokens, maxTime, others, keep, drafter, logProbabilities, special);
  }

  /// {@return a copy that picks end tokens or does not}
  ///
  /// @param ignored whether tokens that end generation are never picked
  public GenerateOptions withIgnoreEos(boolean ignored) {
    return withStops(
        new Stops(ignored, stops.strings(), stops.tokens(), stops.asConfigured(), stops.eos()));
  }

  /// {@return a copy that ends at other stop strings}
  ///
  /// @param strings texts that end generation
  /// @throws IllegalArgumentException if one is empty
  public GenerateOptions withStopStrings(String... strings) {
    return withStops(
        new Stops(
            stops.ignoreEos(),
            List.of(strings),
            stops.tokens(),
            stops.asConfigured(),
            stops.eos()));
  }

  /// {@return a copy that ends at other stop tokens, besides the model's own}
  ///
  /// @param tokens ids that end generation
  /// @throws IllegalArgumentException if one is negative
  public GenerateOptions withStopTokens(Set<Integer> tokens) {
    return withStops(
        new Stops(stops.ignoreEos(), stops.strings(), tokens, stops.asConfigured(), stops.eos()));
  }

  /// {@return a copy whose end tokens are those alone that the model's `generation_config.json`
  /// names, where its file has one: [Stops#asConfigured]}
  ///
  /// @param configured whether
  public GenerateOptions withEndsAsConfigured(boolean configured) {
    return withStops(
        new Stops(stops.ignoreEos(), stops.strings(), stops.tokens(), configured, stops.eos()));
  }

  /// {@return a copy that ends at these tokens in place of the model's own}
  ///
  /// @param tokens ids that end generation; null for the model's own
  /// @throws IllegalArgumentException if one is negative
  public GenerateOptions withEos(Set<Integer> tokens) {
    return withStops(
        new Stops(
            stops.ignoreEos(), stops.strings(), stops.tokens(), stops.asConfigured(), tokens));
  }

  /// {@return a copy that does this when the context is full}
  ///
  /// @param kept how many tokens at the start stay when others are forgotten; -1 to end instead
  /// @throws IllegalArgumentException if it is below -1
  public GenerateOptions withContextShift(int kept) {
    return new GenerateOptions(maxTokens, maxTime, stops, kept, drafter, logProbabilities, special);
  }

  /// {@return a copy with another drafter}
  ///
  /// @param other guesses ahead; null for none
  public GenerateOptions withDrafter(Drafter other) {
    return new GenerateOptions(maxTokens, maxTime, stops, keep, other, logProbabilities, special);
  }

  /// {@return a copy whose pieces have log-probabilities}
  ///
  /// @param likeliest how many of the likeliest tokens each has beside its own; -1 for none
  /// @throws IllegalArgumentException if it is below -1
  public GenerateOptions withLogProbabilities(int likeliest) {
    return new GenerateOptions(maxTokens, maxTime, stops, keep, drafter, likeliest, special);
  }

  /// {@return a copy with the text of control tokens, or without}
  ///
  /// @param shown whether control tokens are part of the text; those that end generation are not
  public GenerateOptions withSpecial(boolean shown) {
    return withSpecial(shown ? ALL : NONE);
  }

  /// {@return a copy with the text of some control tokens}
  ///
  /// @param shown which are part of the text, by id; those that end generation are not
  public GenerateOptions withSpecial(IntPredicate shown) {
    return new GenerateOptions(maxTokens, maxTime, stops, keep, drafter, logProbabilities, shown);
  }

  private static void atLeastMinusOne(String name, int value) {
    if (value < -1) throw new IllegalArgumentException(name + ": " + value + ", at least -1");
  }
}
