package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class SamplerSettingsTest {
  private static final SamplerSettings DEFAULTS = SamplerSettings.defaults().withSeed(9);

  @Test
  void theDefaultsAreThoseOfLlamaCpp() {
    var defaults = SamplerSettings.defaults();
    assertThat(String.join(";", defaults.stages().stream().map(Stage::toString).toList()))
        .isEqualTo("penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature");
    assertThat(defaults)
        .isEqualTo(
            new SamplerSettings(
                Stage.ofLetters("edskypmxt"),
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
                -1));
  }

  @Test
  void stagesHaveTheNamesThatLlamaCppKnows() {
    assertThat(Stage.ofNames("top_k;TOP-P;minp; temp ;typ;nucleus;;topnsigma;typ-p"))
        .containsExactly(
            Stage.TOP_K,
            Stage.TOP_P,
            Stage.MIN_P,
            Stage.TEMPERATURE,
            Stage.TYPICAL_P,
            Stage.TOP_P,
            Stage.TOP_N_SIGMA,
            Stage.TYPICAL_P);
    assertThat(Stage.ofNames("")).isEmpty();
    assertThat(Stage.ofLetters("edskypmxtia")).containsExactly(Stage.values());
    for (var stage : Stage.values()) {
      assertThat(Stage.ofNames(stage.toString())).containsExactly(stage);
      assertThat(Stage.ofLetters("" + stage.letter())).containsExactly(stage);
    }
    assertThatThrownBy(() -> Stage.ofNames("top_k;foo"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("'foo'")
        .hasMessageContaining("top_n_sigma");
    assertThatThrownBy(() -> Stage.ofLetters("kz")).hasMessageContaining("'z'");
  }

  /// Each setting against the chain written by hand.
  @Test
  void settingsAreTheChainInTheOrderOfTheStages() {
    same(
        DEFAULTS.withTypicalP(0.9f).withTopNSigma(2).withXtc(0.5f, 0.1f).withMinKeep(2),
        Filter.topNSigma(2),
        Filter.topK(40),
        Filter.typical(0.9f, 2),
        Filter.topP(0.95f, 2),
        Filter.minP(0.05f, 2),
        Filter.xtc(0.5f, 0.1f, 2, new MersenneTwister(9)),
        Filter.temperature(0.8f));
    same(
        DEFAULTS
            .withStages(Stage.ofNames("temperature;xtc;min_p;top_k"))
            .withXtc(1, 0.2f)
            .withTemperatureRange(0.3f, 2),
        Filter.temperature(0.8f, 0.3f, 2),
        Filter.xtc(1, 0.2f, 0, new MersenneTwister(9)),
        Filter.minP(0.05f),
        Filter.topK(40));
    same(
        DEFAULTS
            .withLogitBias(Map.of(3, 2f, 7, -1f))
            .withPenalties(8, 1.2f, 0.1f, 0.1f)
            .withDry(0.8f, 1.75f, 1, 32)
            .withDryBreakers(List.of()),
        Filter.logitBias(Map.of(3, 2f, 7, -1f)),
        Filter.penalties(8, 1.2f, 0.1f, 0.1f),
        Filter.dry(0.8f, 1.75f, 1, 32, List.of()),
        Filter.topK(40),
        Filter.topP(0.95f),
        Filter.minP(0.05f),
        Filter.temperature(0.8f));
    same(
        DEFAULTS.withStages(Stage.ofNames("adaptive_p;top_k")).withAdaptiveP(0.2f, 0.5f),
        Filter.topK(40),
        Filter.adaptiveP(0.2f, 0.5f, new MersenneTwister(9)));
    same(
        DEFAULTS.withMirostat(1, 3, 0.2f).withPenalties(8, 2, 2, 2),
        Filter.temperature(0.8f),
        Filter.mirostat(3, 0.2f, new MersenneTwister(9)));
    same(
        DEFAULTS.withMirostat(2, 3, 0.2f).withLogitBias(Map.of(1, 5f)),
        Filter.logitBias(Map.of(1, 5f)),
        Filter.temperature(0.8f),
        Filter.mirostat2(3, 0.2f, new MersenneTwister(9)));
    same(DEFAULTS.withStages(List.of()));
    same(DEFAULTS.withStages(List.of(Stage.TOP_K)).withTemperature(0), Filter.topK(40));
  }

  /// Where the temperature is 0, shortcuts are taken; the token must be that of the whole chain.
  @Test
  void temperatureZeroIsTheWholeChainsChoice() {
    var random = new Random(31);
    var stages = new ArrayList<>(Arrays.asList(Stage.values()));
    stages.remove(Stage.INFILL);
    for (int round = 0; round < 300; round++) {
      Collections.shuffle(stages, random);
      var order = List.copyOf(stages.subList(0, 1 + random.nextInt(stages.size())));
      var settings =
          DEFAULTS
              .withStages(order)
              .withTypicalP(random.nextBoolean() ? 1 : 0.5f)
              .withXtc(random.nextBoolean() ? 0 : 1, 0.05f)
              .withTopNSigma(random.nextInt(3))
              .withPenalties(random.nextBoolean() ? 0 : 20, 1, 1, 2)
              .withTemperature(0);
      var filters = new ArrayList<Filter>();
      for (var stage : order) {
        switch (stage) {
          case PENALTIES -> filters.add(Filter.penalties(settings.repeatLastN(), 1, 1, 2));
          case TOP_N_SIGMA -> filters.add(Filter.topNSigma(settings.topNSigma()));
          case TOP_K -> filters.add(Filter.topK(40));
          case TYPICAL_P -> filters.add(Filter.typical(settings.typicalP(), 0));
          case TOP_P -> filters.add(Filter.topP(0.95f));
          case MIN_P -> filters.add(Filter.minP(0.05f));
          case XTC ->
              filters.add(Filter.xtc(settings.xtcProbability(), 0.05f, 0, new MersenneTwister(9)));
          case TEMPERATURE -> filters.add(Filter.temperature(0));
          default -> {}
        }
      }
      if (order.contains(Stage.ADAPTIVE_P)) {
        filters.add(Filter.adaptiveP(-1, 0.9f, new MersenneTwister(9)));
      }
      same(settings, filters.toArray(Filter[]::new));
    }
  }

  private static void same(SamplerSettings settings, Filter... filters) {
    var one = settings.sampler();
    var other = Sampler.of(new MersenneTwister(9), filters);
    var random = new Random(settings.hashCode());
    for (int i = 0; i < 30; i++) {
      var logits = new float[60];
      for (int j = 0; j < logits.length; j++) {
        logits[j] = (float) random.nextGaussian() * 2;
      }
      int token = one.sample(logits);
      assertThat(token).as("%s", settings).isEqualTo(other.sample(logits));
      one.accept(token % 8);
      other.accept(token % 8);
    }
  }

  @Test
  void filtersOfTheCallerComeFirst() {
    var mask = new long[] {1L << 5 | 1L << 17};
    for (var settings :
        List.of(
            DEFAULTS,
            DEFAULTS.withTemperature(0),
            DEFAULTS.withMirostat(2, 5, 0.1f),
            DEFAULTS.withLogitBias(Map.of(3, 100f)))) {
      var sampler = settings.sampler(candidates -> candidates.retain(mask));
      for (int i = 0; i < 50; i++) {
        var logits = new float[60];
        logits[3] = 50;
        logits[17] = 0.1f;
        assertThat(sampler.sample(logits)).isIn(5, 17);
      }
    }
  }

  @Test
  void theVocabularyIsAskedForWhereItIsNeeded() {
    var dry = DEFAULTS.withDry(0.8f, 1.75f, 2, 64);
    assertThat(DEFAULTS.needsVocabulary()).isFalse();
    assertThat(dry.needsVocabulary()).isTrue();
    assertThat(dry.withDryBreakers(List.of()).needsVocabulary()).isFalse();
    assertThat(dry.withMirostat(2, 5, 0.1f).needsVocabulary()).isFalse();
    assertThat(dry.withStages(List.of(Stage.TOP_K)).needsVocabulary()).isFalse();
    assertThat(DEFAULTS.withStages(List.of(Stage.INFILL)).needsVocabulary()).isTrue();
    assertThatThrownBy(dry::sampler)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("vocabulary");
  }

  @Test
  void refusesWhatMakesNoSense() {
    float nan = Float.NaN;
    refused("typical-p", () -> DEFAULTS.withTypicalP(nan));
    refused("top-n-sigma", () -> DEFAULTS.withTopNSigma(nan));
    refused("xtc-probability", () -> DEFAULTS.withXtc(nan, 0));
    refused("xtc-threshold", () -> DEFAULTS.withXtc(0, nan));
    refused("range", () -> DEFAULTS.withTemperatureRange(1 / 0f, 1));
    refused("exponent", () -> DEFAULTS.withTemperatureRange(1, nan));
    refused("dry multiplier", () -> DEFAULTS.withDry(nan, 1, 1, 1));
    refused("dry base", () -> DEFAULTS.withDry(1, nan, 1, 1));
    refused("dry allowed length -1", () -> DEFAULTS.withDry(1, 1, -1, 1));
    refused("mirostat 3", () -> DEFAULTS.withMirostat(3, 5, 0.1f));
    refused("mirostat -1", () -> DEFAULTS.withMirostat(-1, 5, 0.1f));
    refused("entropy", () -> DEFAULTS.withMirostat(1, nan, 0.1f));
    refused("rate", () -> DEFAULTS.withMirostat(1, 5, nan));
    refused("target", () -> DEFAULTS.withAdaptiveP(nan, 0));
    refused("decay", () -> DEFAULTS.withAdaptiveP(0, nan));
    refused("token -4", () -> DEFAULTS.withLogitBias(Map.of(-4, 0f)));
    refused("token 4", () -> DEFAULTS.withLogitBias(Map.of(4, nan)));
    assertThatThrownBy(() -> DEFAULTS.withDryBreakers(null))
        .isInstanceOf(NullPointerException.class);
  }

  private static void refused(String hint, Runnable made) {
    assertThatThrownBy(made::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(hint);
  }
}
