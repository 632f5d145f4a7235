package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.tenon.fixtures.Fixtures;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// What each of llama.cpp's samplers leaves of a list of candidates: the ids, in llama.cpp's order
/// where the sampler orders them, and values to 1e-5.
class FixturesTest {
  @TestFactory
  Stream<DynamicTest> leavesWhatLlamaCppLeaves() throws IOException {
    var cases = new ArrayList<Map<?, ?>>();
    var file = Fixtures.need("sampling/expected.json");
    try (var json = new JsonFactory().createParser(file.toFile())) {
      json.nextToken();
      var root = (Map<?, ?>) value(json);
      for (var entry : (List<?>) root.get("cases")) {
        cases.add((Map<?, ?>) entry);
      }
    }
    return Stream.iterate(0, i -> i < cases.size(), i -> i + 1)
        .map(
            i ->
                DynamicTest.dynamicTest(
                    i + " " + cases.get(i).get("sampler") + " " + cases.get(i).get("params"),
                    () -> check(cases.get(i))));
  }

  private static void check(Map<?, ?> given) {
    var params = (Map<?, ?>) given.get("params");
    var filter =
        switch ((String) given.get("sampler")) {
          case "top_k" -> Filter.topK((int) number(params, "k"));
          case "top_p" ->
              Filter.topP((float) number(params, "p"), (int) number(params, "min_keep"));
          case "min_p" ->
              Filter.minP((float) number(params, "p"), (int) number(params, "min_keep"));
          case "temp" -> Filter.temperature((float) number(params, "t"));
          case "penalties" ->
              Filter.penalties(
                  (int) number(params, "last_n"),
                  (float) number(params, "repeat"),
                  (float) number(params, "freq"),
                  (float) number(params, "present"));
          case "typical" ->
              Filter.typical((float) number(params, "p"), (int) number(params, "min_keep"));
          case "temp_ext" ->
              Filter.temperature(
                  (float) number(params, "t"),
                  (float) number(params, "delta"),
                  (float) number(params, "exponent"));
          case "top_n_sigma" -> Filter.topNSigma((float) number(params, "n"));
          case "dry" ->
              Filter.dry(
                  (float) number(params, "multiplier"),
                  (float) number(params, "base"),
                  (int) number(params, "allowed_length"),
                  (int) number(params, "last_n"),
                  List.of());
          case "xtc" ->
              Filter.xtc(
                  (float) number(params, "probability"),
                  (float) number(params, "threshold"),
                  (int) number(params, "min_keep"),
                  new MersenneTwister(0));
          case String unknown -> throw new AssertionError("no filter is like " + unknown);
        };

    for (var token : (List<?>) given.get("history")) {
      filter.accept(((Double) token).intValue());
    }
    var logits = (List<?>) given.get("logits");
    var scores = new float[logits.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = score(logits.get(i));
    }
    var candidates = Candidates.of(scores);
    filter.apply(candidates);

    // Candidates of equal logits may change places; the logits themselves are in order.
    var remaining = (List<?>) given.get("remaining");
    assertThat(candidates.size()).isEqualTo(remaining.size());
    var expected = new TreeMap<Integer, List<?>>();
    for (var row : remaining) {
      expected.put(((Double) ((List<?>) row).getFirst()).intValue(), (List<?>) row);
    }
    var ids = new TreeSet<Integer>();
    for (int i = 0; i < candidates.size(); i++) {
      ids.add(candidates.id(i));
      assertClose(candidates.logit(i), score(((List<?>) remaining.get(i)).get(1)), "place " + i);
    }
    assertThat(ids).isEqualTo(expected.keySet());
    for (int i = 0; i < candidates.size(); i++) {
      int id = candidates.id(i);
      assertClose(candidates.logit(i), score(expected.get(id).get(1)), "logit of " + id);
      assertClose(candidates.probability(i), score(expected.get(id).get(2)), "p of " + id);
    }
  }

  private static void assertClose(float actual, float expected, String what) {
    if (Float.isInfinite(expected)) {
      assertThat(actual).as(what).isEqualTo(expected);
    } else {
      var tolerance = within(1e-5f * Math.max(1, Math.abs(expected)));
      assertThat(actual).as(what).isCloseTo(expected, tolerance);
    }
  }

  private static double number(Map<?, ?> params, String name) {
    return (Double) params.get(name);
  }

  /// JSON has no infinity; an excluded candidate is written as null.
  private static float score(Object value) {
    return value == null ? Float.NEGATIVE_INFINITY : ((Double) value).floatValue();
  }

  /// The value the parser stands on: a map, a list, a string, a double or null.
  private static Object value(JsonParser json) throws IOException {
    switch (json.currentToken()) {
      case START_OBJECT -> {
        var map = new LinkedHashMap<String, Object>();
        while (json.nextToken() != JsonToken.END_OBJECT) {
          var name = json.currentName();
          json.nextToken();
          map.put(name, value(json));
        }
        return map;
      }
      case START_ARRAY -> {
        var list = new ArrayList<>();
        while (json.nextToken() != JsonToken.END_ARRAY) {
          list.add(value(json));
        }
        return list;
      }
      case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> {
        return json.getDoubleValue();
      }
      case VALUE_NULL -> {
        return null;
      }
      default -> {
        return json.getText();
      }
    }
  }
}
