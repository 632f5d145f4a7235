package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

class SamplerTest {
  private static final float NAN = Float.NaN;
  private static final float INF = Float.POSITIVE_INFINITY;

  @Test
  void greedyTakesTheHighestAndTheLowestIdOnATie() {
    var greedy = Sampler.greedy();
    assertThat(greedy.sample(new float[] {1, 3, 2, 3})).isEqualTo(1);
    assertThat(greedy.sample(new float[] {NAN, 3, INF, 3})).isEqualTo(2);
    assertThat(greedy.sample(new float[] {NAN, -INF, -5})).isEqualTo(2);
    assertThat(greedy.sample(new float[] {-INF, NAN, -INF})).isZero();
    assertThat(greedy.sample(new float[] {NAN})).isZero();
    assertThatThrownBy(() -> greedy.sample(new float[0]))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void temperatureZeroIsGreedyWithPenaltiesToo() {
    var random = new Random(2);
    for (int round = 0; round < 100; round++) {
      var logits = logits(random, 300);
      int best = Sampler.greedy().sample(logits);
      for (float temperature : new float[] {0, -1}) {
        var settings = SamplerSettings.defaults().withTemperature(temperature);
        assertThat(settings.sampler().sample(logits)).isEqualTo(best);
        var penalised = settings.withPenalties(64, 1, 0, 1000).sampler();
        assertThat(penalised.sample(logits)).isEqualTo(best);
        penalised.accept(best);
        assertThat(penalised.sample(logits)).isNotEqualTo(best);
      }
    }
  }

  @Test
  void theSameSeedGivesTheSameTokensAndAnotherSeedOthers() {
    assertThat(draws(42)).isEqualTo(draws(42)).isNotEqualTo(draws(43));
    assertThat(draws(-1)).isNotEqualTo(draws(-1));
  }

  private static int[] draws(long seed) {
    var random = new Random(5);
    var sampler = SamplerSettings.defaults().withSeed(seed).withTemperature(2).sampler();
    var tokens = new int[100];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = sampler.sample(logits(random, 1000));
      sampler.accept(tokens[i]);
    }
    return tokens;
  }

  @Test
  void drawsInProportion() {
    var sampler = Sampler.of(new Random(7));
    var logits = new float[] {(float) Math.log(0.1), (float) Math.log(0.6), (float) Math.log(0.3)};
    var counts = new int[3];
    for (int i = 0; i < 100_000; i++) {
      counts[sampler.sample(logits)]++;
    }
    assertThat(counts[0] / 1e5).isCloseTo(0.1, within(0.01));
    assertThat(counts[1] / 1e5).isCloseTo(0.6, within(0.01));
    assertThat(counts[2] / 1e5).isCloseTo(0.3, within(0.01));
  }

  @Test
  void anyLogitsGiveAToken() {
    var values = new float[] {NAN, INF, -INF, 0, -0f, Float.MAX_VALUE, -Float.MAX_VALUE, 1, 1e-45f};
    var random = new Random(11);
    var settings =
        new SamplerSettings[] {
          SamplerSettings.defaults().withSeed(1),
          SamplerSettings.defaults().withSeed(1).withTopK(0),
          SamplerSettings.defaults().withSeed(1).withTopK(0).withTopP(1).withMinP(0),
          SamplerSettings.defaults().withSeed(1).withTemperature(0).withPenalties(8, 1.5f, 1, 1),
          SamplerSettings.defaults().withSeed(1).withTemperature(1e-45f),
          SamplerSettings.defaults().withTopP(-1).withMinP(2).withTopK(Integer.MAX_VALUE),
          SamplerSettings.defaults().withPenalties(Integer.MAX_VALUE, 1e38f, 3e38f, 3e38f),
          SamplerSettings.defaults().withPenalties(3, 1e-38f, -3e38f, -3e38f),
          everything(),
          everything().withTemperature(0),
          everything().withTemperatureRange(3e38f, -3).withTopNSigma(1e-30f),
          everything().withDry(3e38f, 3e38f, 0, Integer.MAX_VALUE).withTypicalP(-1),
          everything().withStages(Stage.ofLetters("txytxpa")).withAdaptiveP(0.3f, 0.9f),
          everything().withStages(Stage.ofLetters("a")).withAdaptiveP(-1, 5),
          everything().withStages(List.of()),
          everything().withMirostat(1, 5, 0.1f),
          everything().withMirostat(2, -3e38f, 3e38f),
          everything().withMirostat(1, 3e38f, 3e38f),
        };
    for (var each : settings) {
      var sampler = each.sampler();
      for (int round = 0; round < 800; round++) {
        var logits = new float[1 + random.nextInt(20)];
        for (int i = 0; i < logits.length; i++) {
          logits[i] = values[random.nextInt(values.length)];
        }
        var before = logits.clone();
        int token = sampler.sample(logits);
        assertThat(token).isBetween(0, logits.length - 1);
        assertThat(logits).isEqualTo(before);
        sampler.accept(token);
      }
    }
  }

  private static SamplerSettings everything() {
    return SamplerSettings.defaults()
        .withSeed(1)
        .withMinKeep(3)
        .withTypicalP(0.8f)
        .withTopNSigma(1)
        .withXtc(1, 0.01f)
        .withTemperatureRange(0.5f, 2)
        .withPenalties(8, 1.5f, 1, 1)
        .withDry(0.8f, 1.75f, 1, 32)
        .withDryBreakers(List.of())
        .withLogitBias(Map.of(0, 3f, 2, -INF, 30, INF));
  }

  @Test
  void allExcludedIsUniformOverWhatTheFiltersLeave() {
    var none = new float[100];
    Arrays.fill(none, NAN);
    var sampler = SamplerSettings.defaults().withSeed(3).withTopP(1).sampler();
    var seen = new TreeSet<Integer>();
    for (int i = 0; i < 2000; i++) {
      seen.add(sampler.sample(none));
    }
    assertThat(seen).hasSize(40);
    assertThat(seen.first()).isZero();
    assertThat(seen.last()).isEqualTo(39);
  }

  @Test
  void penaltiesSeeTheLastTokensOnly() {
    var penalties = Filter.penalties(3, 2, 0.5f, 0.25f);
    for (int token : new int[] {0, 1, 1, 2}) {
      penalties.accept(token);
    }
    var candidates = Candidates.of(4, 4, -4, 4);
    penalties.apply(candidates);
    assertThat(candidates.logit(0)).isEqualTo(4); // gone from the window
    assertThat(candidates.logit(1)).isEqualTo(4 / 2f - 2 * 0.5f - 0.25f);
    assertThat(candidates.logit(2)).isEqualTo(-4 * 2f - 0.5f - 0.25f);
    assertThat(candidates.logit(3)).isEqualTo(4);

    penalties.reset();
    candidates = Candidates.of(4, 4, -4, 4);
    penalties.apply(candidates);
    assertThat(candidates.logit(1)).isEqualTo(4);
  }

  @Test
  void penaltiesCountAsALongHistoryDoes() {
    var random = new Random(13);
    for (int window : new int[] {1, 2, 63, 64, 65, 200, 1000}) {
      var penalties = Filter.penalties(window, 1, 1, 0);
      var history = new int[500];
      for (int i = 0; i < history.length; i++) {
        history[i] = random.nextInt(30);
        penalties.accept(history[i]);
      }
      penalties.accept(1_000_000); // outside the vocabulary: takes its place and no more
      var candidates = Candidates.of(new float[30]);
      candidates.sort();
      candidates.keep(3, 27);
      penalties.apply(candidates);
      for (int i = 0; i < candidates.size(); i++) {
        int id = candidates.id(i);
        int first = Math.max(0, history.length + 1 - window);
        long count = Arrays.stream(history, first, history.length).filter(t -> t == id).count();
        assertThat(candidates.logit(i)).as("%d in %d", id, window).isEqualTo(-count);
      }
    }
  }

  @Test
  void refusesSettingsThatMakeNoSense() {
    var settings = SamplerSettings.defaults();
    assertThatThrownBy(() -> settings.withTemperature(NAN)).hasMessageContaining("temperature");
    assertThatThrownBy(() -> settings.withTopP(NAN)).hasMessageContaining("top-p");
    assertThatThrownBy(() -> settings.withMinP(NAN)).hasMessageContaining("min-p");
    assertThatThrownBy(() -> settings.withPenalties(64, 0, 0, 0)).hasMessageContaining("repeat");
    assertThatThrownBy(() -> settings.withPenalties(64, INF, 0, 0)).hasMessageContaining("repeat");
    assertThatThrownBy(() -> settings.withPenalties(64, 1, NAN, 0))
        .hasMessageContaining("frequency");
    assertThatThrownBy(() -> settings.withPenalties(64, 1, 0, -INF))
        .hasMessageContaining("presence");
    assertThatThrownBy(() -> settings.sampler().accept(-1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> settings.withPenalties(64, 2, 0, 0).sampler().accept(-1))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> Sampler.of(null)).isInstanceOf(NullPointerException.class);
  }

  /// The first and the ten-thousandth number of the generator's definition, and the first doubles
  /// that libstdc++ makes of it for seed 42.
  @Test
  void drawsAsLlamaCppDoes() {
    var twister = new MersenneTwister(5489);
    int last = twister.nextInt();
    assertThat(Integer.toUnsignedLong(last)).isEqualTo(3499211612L);
    for (int i = 1; i < 10_000; i++) {
      last = twister.nextInt();
    }
    assertThat(Integer.toUnsignedLong(last)).isEqualTo(4123659995L);
    var doubles = new MersenneTwister(42);
    assertThat(doubles.nextDouble()).isEqualTo(0x1.97d47b66bfc3cp-1);
    assertThat(doubles.nextDouble()).isEqualTo(0x1.77aca8779b102p-3);
  }

  private static float[] logits(Random random, int n) {
    var logits = new float[n];
    for (int i = 0; i < n; i++) {
      logits[i] = (float) random.nextGaussian() * 3;
    }
    return logits;
  }
}
