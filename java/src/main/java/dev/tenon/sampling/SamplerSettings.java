package dev.tenon.sampling;

import java.util.ArrayList;
import java.util.concurrent.ThreadLocalRandom;

/// The settings of a sampler, with llama.cpp's names, defaults and order: penalties, top-k, top-p,
/// min-p, temperature, then a draw. Immutable; each `with…` makes a copy.
///
/// ```java
/// var sampler = SamplerSettings.defaults().withTemperature(0.2f).withSeed(42).sampler();
/// ```
///
/// @param topK how many of the best tokens to keep; 0 or less for all
/// @param topP probability that the tokens kept must reach together; 1 or more for all
/// @param minP probability, relative to the best, that a token must have; 0 or less for none
/// @param temperature divides the logits; 0 or less takes the best token
/// @param repeatLastN how many tokens back the penalties look; 0 or less turns them off
/// @param repeatPenalty divides positive logits of repeated tokens, multiplies others; 1 for none
/// @param frequencyPenalty subtracted for each time the token is there; 0 for none
/// @param presencePenalty subtracted once when the token is there; 0 for none
/// @param seed the same seed gives the same tokens; its low 32 bits count, and -1 stands for a new
///     random one each time
public record SamplerSettings(
    int topK,
    float topP,
    float minP,
    float temperature,
    int repeatLastN,
    float repeatPenalty,
    float frequencyPenalty,
    float presencePenalty,
    long seed) {
  private static final SamplerSettings DEFAULTS =
      new SamplerSettings(40, 0.95f, 0.05f, 0.8f, 64, 1, 0, 0, -1);

  /// Checks that the numbers make sense.
  ///
  /// @throws IllegalArgumentException if `topP` or `minP` is not a number, `temperature` or a
  ///     penalty is not finite, or `repeatPenalty` is not above 0
  public SamplerSettings {
    Filter.topP(topP);
    Filter.minP(minP);
    Filter.temperature(temperature);
    Penalties.check(repeatPenalty, frequencyPenalty, presencePenalty);
  }

  /// {@return llama.cpp's defaults: top-k 40, top-p 0.95, min-p 0.05, temperature 0.8, no
  /// penalties but a window of 64 for them, a random seed}
  public static SamplerSettings defaults() {
    return DEFAULTS;
  }

  /// {@return a copy}
  ///
  /// @param k how many of the best tokens to keep; 0 or less for all
  public SamplerSettings withTopK(int k) {
    return copy(k, topP, minP, temperature, seed);
  }

  /// {@return a copy}
  ///
  /// @param p probability that the tokens kept must reach together; 1 or more for all
  /// @throws IllegalArgumentException if `p` is not a number
  public SamplerSettings withTopP(float p) {
    return copy(topK, p, minP, temperature, seed);
  }

  /// {@return a copy}
  ///
  /// @param p probability, relative to the best, that a token must have; 0 or less for none
  /// @throws IllegalArgumentException if `p` is not a number
  public SamplerSettings withMinP(float p) {
    return copy(topK, topP, p, temperature, seed);
  }

  /// {@return a copy}
  ///
  /// @param newTemperature divides the logits; 0 or less takes the best token
  /// @throws IllegalArgumentException if `newTemperature` is not finite
  public SamplerSettings withTemperature(float newTemperature) {
    return copy(topK, topP, minP, newTemperature, seed);
  }

  /// {@return a copy}
  ///
  /// @param newSeed its low 32 bits count; -1 for a random one
  public SamplerSettings withSeed(long newSeed) {
    return copy(topK, topP, minP, temperature, newSeed);
  }

  /// {@return a copy}
  ///
  /// @param lastN how many tokens back to look; 0 or less turns the penalties off
  /// @param repeat divides positive logits of repeated tokens, multiplies others; 1 for none
  /// @param frequency subtracted for each time the token is there; 0 for none
  /// @param presence subtracted once when the token is there; 0 for none
  /// @throws IllegalArgumentException if a penalty is not finite, or `repeat` not above 0
  public SamplerSettings withPenalties(int lastN, float repeat, float frequency, float presence) {
    return new SamplerSettings(
        topK, topP, minP, temperature, lastN, repeat, frequency, presence, seed);
  }

  /// {@return a new sampler with these settings and no history}
  public Sampler sampler() {
    var filters = new ArrayList<Filter>();
    if (repeatLastN > 0 && (repeatPenalty != 1 || frequencyPenalty != 0 || presencePenalty != 0)) {
      filters.add(Filter.penalties(repeatLastN, repeatPenalty, frequencyPenalty, presencePenalty));
    } else if (temperature <= 0) {
      return Sampler.greedy();
    }
    filters.add(Filter.topK(topK));
    filters.add(Filter.topP(topP));
    filters.add(Filter.minP(minP));
    filters.add(Filter.temperature(temperature));
    int start = seed == -1 ? ThreadLocalRandom.current().nextInt() : (int) seed;
    return Sampler.of(new MersenneTwister(start), filters.toArray(Filter[]::new));
  }

  private SamplerSettings copy(int k, float p, float min, float newTemperature, long newSeed) {
    return new SamplerSettings(
        k,
        p,
        min,
        newTemperature,
        repeatLastN,
        repeatPenalty,
        frequencyPenalty,
        presencePenalty,
        newSeed);
  }
}
