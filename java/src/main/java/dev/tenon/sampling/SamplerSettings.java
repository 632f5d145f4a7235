package dev.tenon.sampling;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;

/// The settings of a sampler, with llama.cpp's names, defaults and order: logit bias, penalties,
/// DRY, top-n-sigma, top-k, typical, top-p, min-p, XTC, temperature, then a draw. Immutable; each
/// `with…` makes a copy.
///
/// ```java
/// var sampler = SamplerSettings.defaults().withTemperature(0.2f).withSeed(42).sampler();
/// ```
///
/// @param stages which filters are applied, in this order; the values below say how
/// @param minKeep how many candidates top-p, min-p, typical and XTC keep at least; 0 for one
/// @param topK how many of the best tokens to keep; 0 or less for all
/// @param topP probability that the tokens kept must reach together; 1 or more for all
/// @param minP probability, relative to the best, that a token must have; 0 or less for none
/// @param typicalP probability that the tokens of typical surprise must reach together; 1 or more
///     for all
/// @param topNSigma standard deviations below the best that a logit may be; 0 or less for any
/// @param xtcProbability how often the top choices are dropped; 0 or less for never
/// @param xtcThreshold probability from which a token is a top choice; above 0.5 none is
/// @param temperature divides the logits; 0 or less takes the best token
/// @param temperatureRange how far the temperature goes up and down with the entropy; 0 or less for
///     not at all
/// @param temperatureExponent of the entropy, where the temperature follows it
/// @param repeatLastN how many tokens back the penalties look; 0 or less turns them off
/// @param repeatPenalty divides positive logits of repeated tokens, multiplies others; 1 for none
/// @param frequencyPenalty subtracted for each time the token is there; 0 for none
/// @param presencePenalty subtracted once when the token is there; 0 for none
/// @param dryMultiplier of the penalty for prolonging a repetition; 0 turns DRY off
/// @param dryBase how that penalty grows with the length; below 1 turns DRY off
/// @param dryAllowedLength how many tokens may be repeated before the next is penalised, at least 0
/// @param dryLastN how many tokens back DRY looks; 0 or less turns it off
/// @param dryBreakers texts across which DRY sees no repetition
/// @param mirostat 1 or 2 for a version of mirostat in place of the filters and the draw; 0 for
///     none
/// @param mirostatTau surprise that mirostat aims at, in bits
/// @param mirostatEta how fast mirostat learns
/// @param adaptiveTarget probability of the tokens that adaptive-p aims at; below 0 for any
/// @param adaptiveDecay how much a token counts for adaptive-p relative to the next, from 0 to 0.99
/// @param logitBias added to the logits of some tokens before all filters; `-∞` excludes one
/// @param seed the same seed gives the same tokens; its low 32 bits count, and -1 stands for a new
///     random one each time
public record SamplerSettings(
    List<Stage> stages,
    int minKeep,
    int topK,
    float topP,
    float minP,
    float typicalP,
    float topNSigma,
    float xtcProbability,
    float xtcThreshold,
    float temperature,
    float temperatureRange,
    float temperatureExponent,
    int repeatLastN,
    float repeatPenalty,
    float frequencyPenalty,
    float presencePenalty,
    float dryMultiplier,
    float dryBase,
    int dryAllowedLength,
    int dryLastN,
    List<String> dryBreakers,
    int mirostat,
    float mirostatTau,
    float mirostatEta,
    float adaptiveTarget,
    float adaptiveDecay,
    Map<Integer, Float> logitBias,
    long seed) {
  private static final SamplerSettings DEFAULTS =
      new SamplerSettings(
          Stage.DEFAULTS,
          0,
          40,
          0.95f,
          0.05f,
          1,
          -1,
          0,
          0.1f,
          0.8f,
          0,
          1,
          64,
          1,
          0,
          0,
          0,
          1.75f,
          2,
          64,
          List.of("\n", ":", "\"", "*"),
          0,
          5,
          0.1f,
          -1,
          0.9f,
          Map.of(),
          -1);

  /// Checks that the numbers make sense; copies the lists and the map.
  ///
  /// @throws IllegalArgumentException if a number is out of its range, is none or, where that makes
  ///     no sense, is not finite; the message has its name and the value
  public SamplerSettings {
    stages = List.copyOf(stages);
    dryBreakers = List.copyOf(dryBreakers);
    logitBias = Map.copyOf(logitBias);
    Numbers.number("top-p", topP);
    Numbers.number("min-p", minP);
    Numbers.number("typical-p", typicalP);
    Numbers.number("top-n-sigma", topNSigma);
    Numbers.number("xtc-probability", xtcProbability);
    Numbers.number("xtc-threshold", xtcThreshold);
    DynamicTemperature.check(temperature, temperatureRange, temperatureExponent);
    Penalties.check(repeatPenalty, frequencyPenalty, presencePenalty);
    Dry.check(dryMultiplier, dryBase, dryAllowedLength);
    if (mirostat < 0 || mirostat > 2) {
      throw new IllegalArgumentException("mirostat " + mirostat + ", from 0 to 2");
    }
    Mirostat.check(mirostatTau, mirostatEta);
    AdaptiveP.check(adaptiveTarget, adaptiveDecay);
    LogitBias.check(logitBias);
  }

  /// {@return llama.cpp's defaults: top-k 40, top-p 0.95, min-p 0.05, temperature 0.8, a random
  /// seed, and all else off}
  public static SamplerSettings defaults() {
    return DEFAULTS;
  }

  /// {@return a copy}
  ///
  /// @param order which filters are applied, in this order; the values below say how
  public SamplerSettings withStages(List<Stage> order) {
    return with(draft -> draft.stages = order);
  }

  /// {@return a copy}
  ///
  /// @param least how many candidates top-p, min-p, typical and XTC keep at least; 0 for one
  public SamplerSettings withMinKeep(int least) {
    return with(draft -> draft.minKeep = least);
  }

  /// {@return a copy}
  ///
  /// @param k how many of the best tokens to keep; 0 or less for all
  public SamplerSettings withTopK(int k) {
    return with(draft -> draft.topK = k);
  }

  /// {@return a copy}
  ///
  /// @param p probability that the tokens kept must reach together; 1 or more for all
  /// @throws IllegalArgumentException if `p` is not a number
  public SamplerSettings withTopP(float p) {
    return with(draft -> draft.topP = p);
  }

  /// {@return a copy}
  ///
  /// @param p probability, relative to the best, that a token must have; 0 or less for none
  /// @throws IllegalArgumentException if `p` is not a number
  public SamplerSettings withMinP(float p) {
    return with(draft -> draft.minP = p);
  }

  /// {@return a copy}
  ///
  /// @param p probability that the tokens of typical surprise must reach together; 1 or more
  ///     for all
  /// @throws IllegalArgumentException if `p` is not a number
  public SamplerSettings withTypicalP(float p) {
    return with(draft -> draft.typicalP = p);
  }

  /// {@return a copy}
  ///
  /// @param n standard deviations below the best that a logit may be; 0 or less for any
  /// @throws IllegalArgumentException if `n` is not a number
  public SamplerSettings withTopNSigma(float n) {
    return with(draft -> draft.topNSigma = n);
  }

  /// {@return a copy}
  ///
  /// @param probability how often the top choices are dropped; 0 or less for never
  /// @param threshold probability from which a token is a top choice; above 0.5 none is
  /// @throws IllegalArgumentException if a number is none
  public SamplerSettings withXtc(float probability, float threshold) {
    return with(
        draft -> {
          draft.xtcProbability = probability;
          draft.xtcThreshold = threshold;
        });
  }

  /// {@return a copy}
  ///
  /// @param newTemperature divides the logits; 0 or less takes the best token
  /// @throws IllegalArgumentException if `newTemperature` is not finite
  public SamplerSettings withTemperature(float newTemperature) {
    return with(draft -> draft.temperature = newTemperature);
  }

  /// {@return a copy}
  ///
  /// @param range how far the temperature goes up and down with the entropy; 0 or less for
  ///     not at all
  /// @param exponent of the entropy, where the temperature follows it
  /// @throws IllegalArgumentException if a number is not finite
  public SamplerSettings withTemperatureRange(float range, float exponent) {
    return with(
        draft -> {
          draft.temperatureRange = range;
          draft.temperatureExponent = exponent;
        });
  }

  /// {@return a copy}
  ///
  /// @param lastN how many tokens back the penalties look; 0 or less turns them off
  /// @param repeat divides positive logits of repeated tokens, multiplies others; 1 for none
  /// @param frequency subtracted for each time the token is there; 0 for none
  /// @param presence subtracted once when the token is there; 0 for none
  /// @throws IllegalArgumentException if a penalty is not finite, or `repeat` not above 0
  public SamplerSettings withPenalties(int lastN, float repeat, float frequency, float presence) {
    return with(
        draft -> {
          draft.repeatLastN = lastN;
          draft.repeatPenalty = repeat;
          draft.frequencyPenalty = frequency;
          draft.presencePenalty = presence;
        });
  }

  /// {@return a copy}
  ///
  /// @param multiplier of the penalty for prolonging a repetition; 0 turns DRY off
  /// @param base how that penalty grows with the length; below 1 turns DRY off
  /// @param allowedLength how many tokens may be repeated before the next is penalised, at least 0
  /// @param lastN how many tokens back DRY looks; 0 or less turns it off
  /// @throws IllegalArgumentException if `multiplier` or `base` is not finite, or
  ///     `allowedLength` is negative
  public SamplerSettings withDry(float multiplier, float base, int allowedLength, int lastN) {
    return with(
        draft -> {
          draft.dryMultiplier = multiplier;
          draft.dryBase = base;
          draft.dryAllowedLength = allowedLength;
          draft.dryLastN = lastN;
        });
  }

  /// {@return a copy}
  ///
  /// @param breakers texts across which DRY sees no repetition
  public SamplerSettings withDryBreakers(List<String> breakers) {
    return with(draft -> draft.dryBreakers = breakers);
  }

  /// {@return a copy}
  ///
  /// @param version 1 or 2 for a version of mirostat in place of the filters and the draw; 0 for
  ///     none
  /// @param tau surprise that mirostat aims at, in bits
  /// @param eta how fast mirostat learns
  /// @throws IllegalArgumentException if `version` is not 0, 1 or 2, or a number is not finite
  public SamplerSettings withMirostat(int version, float tau, float eta) {
    return with(
        draft -> {
          draft.mirostat = version;
          draft.mirostatTau = tau;
          draft.mirostatEta = eta;
        });
  }

  /// {@return a copy}
  ///
  /// @param target probability of the tokens that adaptive-p aims at; below 0 for any
  /// @param decay how much a token counts for adaptive-p relative to the next, from 0 to 0.99
  /// @throws IllegalArgumentException if a number is not finite
  public SamplerSettings withAdaptiveP(float target, float decay) {
    return with(
        draft -> {
          draft.adaptiveTarget = target;
          draft.adaptiveDecay = decay;
        });
  }

  /// {@return a copy}
  ///
  /// @param bias added to the logits of some tokens before all filters; `-∞` excludes one
  /// @throws IllegalArgumentException if an id is negative or a number is none
  public SamplerSettings withLogitBias(Map<Integer, Float> bias) {
    return with(draft -> draft.logitBias = bias);
  }

  /// {@return a copy}
  ///
  /// @param newSeed the same seed gives the same tokens; its low 32 bits count, and -1 stands for
  ///     a new random one each time
  public SamplerSettings withSeed(long newSeed) {
    return with(draft -> draft.seed = newSeed);
  }

  /// {@return whether [#sampler(Vocabulary, Filter...)] is asked for: DRY is on and has breakers,
  /// or infill is among the stages}
  public boolean needsVocabulary() {
    return mirostat == 0
        && (stages.contains(Stage.INFILL)
            || stages.contains(Stage.DRY)
                && !dryBreakers.isEmpty()
                && Dry.active(dryMultiplier, dryBase, dryLastN));
  }

  /// {@return a new sampler with these settings and no history}
  ///
  /// @param first applied before all others, such as the mask of a grammar
  /// @throws IllegalStateException if these settings [need the vocabulary][#needsVocabulary]
  public Sampler sampler(Filter... first) {
    if (needsVocabulary()) {
      throw new IllegalStateException(
          "DRY's sequence breakers and infill need the vocabulary: give it to sampler");
    }
    return new Plan(this, null).sampler(first);
  }

  /// {@return a new sampler with these settings and no history}
  ///
  /// @param vocabulary asked about the texts of tokens if it is [needed][#needsVocabulary]
  /// @param first applied before all others, such as the mask of a grammar
  /// @throws IllegalArgumentException if infill is among the stages and no token ends a text
  public Sampler sampler(Vocabulary vocabulary, Filter... first) {
    return new Plan(this, Objects.requireNonNull(vocabulary)).sampler(first);
  }

  private SamplerSettings with(Consumer<Draft> change) {
    var draft = new Draft(this);
    change.accept(draft);
    return draft.finish();
  }

  /// A copy while it is changed.
  private static final class Draft {
    private List<Stage> stages;
    private int minKeep;
    private int topK;
    private float topP;
    private float minP;
    private float typicalP;
    private float topNSigma;
    private float xtcProbability;
    private float xtcThreshold;
    private float temperature;
    private float temperatureRange;
    private float temperatureExponent;
    private int repeatLastN;
    private float repeatPenalty;
    private float frequencyPenalty;
    private float presencePenalty;
    private float dryMultiplier;
    private float dryBase;
    private int dryAllowedLength;
    private int dryLastN;
    private List<String> dryBreakers;
    private int mirostat;
    private float mirostatTau;
    private float mirostatEta;
    private float adaptiveTarget;
    private float adaptiveDecay;
    private Map<Integer, Float> logitBias;
    private long seed;

    Draft(SamplerSettings from) {
      stages = from.stages;
      minKeep = from.minKeep;
      topK = from.topK;
      topP = from.topP;
      minP = from.minP;
      typicalP = from.typicalP;
      topNSigma = from.topNSigma;
      xtcProbability = from.xtcProbability;
      xtcThreshold = from.xtcThreshold;
      temperature = from.temperature;
      temperatureRange = from.temperatureRange;
      temperatureExponent = from.temperatureExponent;
      repeatLastN = from.repeatLastN;
      repeatPenalty = from.repeatPenalty;
      frequencyPenalty = from.frequencyPenalty;
      presencePenalty = from.presencePenalty;
      dryMultiplier = from.dryMultiplier;
      dryBase = from.dryBase;
      dryAllowedLength = from.dryAllowedLength;
      dryLastN = from.dryLastN;
      dryBreakers = from.dryBreakers;
      mirostat = from.mirostat;
      mirostatTau = from.mirostatTau;
      mirostatEta = from.mirostatEta;
      adaptiveTarget = from.adaptiveTarget;
      adaptiveDecay = from.adaptiveDecay;
      logitBias = from.logitBias;
      seed = from.seed;
    }

    SamplerSettings finish() {
      return new SamplerSettings(
          stages,
          minKeep,
          topK,
          topP,
          minP,
          typicalP,
          topNSigma,
          xtcProbability,
          xtcThreshold,
          temperature,
          temperatureRange,
          temperatureExponent,
          repeatLastN,
          repeatPenalty,
          frequencyPenalty,
          presencePenalty,
          dryMultiplier,
          dryBase,
          dryAllowedLength,
          dryLastN,
          dryBreakers,
          mirostat,
          mirostatTau,
          mirostatEta,
          adaptiveTarget,
          adaptiveDecay,
          logitBias,
          seed);
    }
  }
}
