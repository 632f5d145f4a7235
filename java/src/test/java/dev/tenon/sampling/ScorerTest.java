package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Test;

class ScorerTest {
  /// What may be drawn, and how likely it is, as transformers' warpers (4.57.1) leave it.
  @Test
  void leavesWhatTransformersLeaves() throws IOException {
    for (var given : cases()) {
      var model =
          new HashModel(
              integer(given, "seed"), integer(given, "scale"), integer(given, "vocab"), 0);
      var settings = settings(given);
      var scorer = new Scorer(settings, model.vocabulary(), 2, new int[0]);
      var scores = scorer.ofLogits(model.logits(1, 2), new int[] {1, 2}, 2);
      var kept = (Map<?, ?>) given.get("kept");
      for (int token = 0; token < scores.length; token++) {
        var expected = (Number) kept.get(Integer.toString(token));
        double found = Math.exp(scorer.logProbability(token));
        assertThat(scores[token] > Float.NEGATIVE_INFINITY)
            .as("%s: token %d", settings, token)
            .isEqualTo(expected != null);
        assertThat(found).isCloseTo(expected == null ? 0 : expected.doubleValue(), within(2e-6));
      }
    }
  }

  private static GenerationSettings settings(Map<?, ?> given) {
    var values = (Map<?, ?>) given.get("settings");
    var settings =
        GenerationSettings.defaults()
            .withDoSample(true)
            .withNumBeams(integer(given, "num_beams"))
            .withEos(Collections.nCopies(integer(given, "ends"), 0))
            .withTopK(integer(values, "top_k"));
    settings = with(settings, values, "temperature", GenerationSettings::withTemperature);
    settings = with(settings, values, "top_p", GenerationSettings::withTopP);
    settings = with(settings, values, "min_p", GenerationSettings::withMinP);
    settings = with(settings, values, "typical_p", GenerationSettings::withTypicalP);
    settings = with(settings, values, "epsilon_cutoff", GenerationSettings::withEpsilonCutoff);
    return with(settings, values, "eta_cutoff", GenerationSettings::withEtaCutoff);
  }

  private static GenerationSettings with(
      GenerationSettings settings,
      Map<?, ?> values,
      String name,
      BiFunction<GenerationSettings, Double, GenerationSettings> change) {
    var value = (Number) values.get(name);
    return value == null ? settings : change.apply(settings, value.doubleValue());
  }

  private static int integer(Map<?, ?> members, String name) {
    return ((Number) members.get(name)).intValue();
  }

  private static List<Map<?, ?>> cases() throws IOException {
    try (var in = ScorerTest.class.getResourceAsStream("warpers.json")) {
      var parsed = (List<?>) Json.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
      return parsed.stream().<Map<?, ?>>map(c -> (Map<?, ?>) c).toList();
    }
  }

  @Test
  void logSoftmaxIsThatOfDoublesAtAllSizes() {
    var random = new Random(3);
    var logSoftmax = new LogSoftmax();
    for (int size : new int[] {1, 2, 7, 1023, 1024, 1025, 5000, 58_101}) {
      for (float scale : new float[] {0, 1, 10, 100, 1e6f}) {
        var logits = new float[size];
        for (int i = 0; i < size; i++) {
          logits[i] = (float) random.nextGaussian() * scale - 30;
        }
        logits[size / 2] = size > 2 ? Float.NEGATIVE_INFINITY : logits[size / 2];
        double max = Float.NEGATIVE_INFINITY;
        for (float logit : logits) {
          max = Math.max(max, logit);
        }
        double sum = 0;
        for (float logit : logits) {
          sum += Math.exp(logit - max);
        }
        var found = new float[size];
        logSoftmax.apply(logits, found);
        for (int i = 0; i < size; i += Math.max(1, size / 100)) {
          double expected = logits[i] - max - Math.log(sum);
          if (Double.isInfinite(expected)) {
            assertThat(found[i]).isEqualTo(Float.NEGATIVE_INFINITY);
          } else {
            var margin = within(2e-6 + 2e-7 * Math.abs(expected));
            assertThat((double) found[i]).isCloseTo(expected, margin);
            assertThat((double) logSoftmax.at(i, logits)).isCloseTo(expected, margin);
          }
        }
      }
    }
  }

  @Test
  void logSoftmaxOfWhatIsNoNumber() {
    var logSoftmax = new LogSoftmax();
    float none = Float.NaN;
    float low = Float.NEGATIVE_INFINITY;
    float high = Float.POSITIVE_INFINITY;
    float half = (float) -Math.log(2);
    assertThat(of(logSoftmax, none, 1, 1)).containsExactly(low, half, half);
    assertThat(of(logSoftmax, high, 1, high, none)).containsExactly(half, low, half, low);
    assertThat(of(logSoftmax, low, none)).containsExactly(half, half);
    var many = new float[3000];
    many[5] = 40;
    many[1029] = none; // in the column of the highest
    many[2999] = low;
    var scores = of(logSoftmax, many);
    assertThat(scores[5]).isZero();
    assertThat(scores[1029]).isEqualTo(low);
    assertThat(scores[0]).isEqualTo(-40);
    assertThat(logSoftmax.at(1, new float[] {1, high})).isZero();
    assertThat(logSoftmax.at(0, new float[] {1, high})).isEqualTo(low);
  }

  private static float[] of(LogSoftmax logSoftmax, float... logits) {
    var scores = new float[logits.length];
    logSoftmax.apply(logits, scores);
    return scores;
  }
}
