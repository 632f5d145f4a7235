package dev.tenon.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// What sacreBLEU and rouge-score say: every score to 1e-6, every signature but its version.
class FixturesTest {
  @TestFactory
  Stream<DynamicTest> saysWhatTheOthersSay() throws IOException {
    var file = Fixtures.need("metrics/expected.json");
    var cases = (List<?>) Json.parse(Files.readString(file));
    return IntStream.range(0, cases.size())
        .mapToObj(
            i -> {
              var given = (Map<?, ?>) cases.get(i);
              return DynamicTest.dynamicTest(
                  i + " " + given.get("metric") + " " + given.get("settings"), () -> check(given));
            });
  }

  private static void check(Map<?, ?> given) {
    var hypotheses = texts(given.get("hypotheses"));
    var references = new ArrayList<List<String>>();
    for (var stream : (List<?>) given.get("references")) references.add(texts(stream));

    var name = ((String) given.get("metric")).replace("sentence-", "");
    var settings = (Map<?, ?>) given.get("settings");
    if (name.equals("rouge")) {
      var rouge = new Rouge(flag(settings, "use_stemmer"));
      each(given, hypotheses, references, rouge::sentence);
      return;
    }
    var metric =
        switch (name) {
          case "bleu" -> bleu(settings);
          case "chrf" -> chrf(settings);
          case "ter" -> ter(settings);
          default -> throw new AssertionError("no metric " + name);
        };
    if (given.containsKey("scores")) {
      each(given, hypotheses, references, metric::sentence);
    } else {
      compare(given, metric.corpus(hypotheses, references));
    }
  }

  private interface Sentence {
    Object score(String hypothesis, List<String> references);
  }

  private static void each(
      Map<?, ?> given, List<String> hypotheses, List<List<String>> references, Sentence metric) {
    var scores = (List<?>) given.get("scores");
    assertThat(scores).hasSameSizeAs(hypotheses);
    for (int i = 0; i < scores.size(); i++) {
      int line = i;
      var own = references.stream().map(stream -> stream.get(line)).toList();
      compare(scores.get(i), metric.score(hypotheses.get(i), own));
    }
  }

  /// Whatever is expected has to be there, under the names that it has in Python.
  private static void compare(Object expected, Object actual) {
    if (expected instanceof Number number) {
      double is = actual instanceof Score score ? score.score() : ((Number) actual).doubleValue();
      assertThat(is).isCloseTo(number.doubleValue(), within(1e-6));
    } else if (expected instanceof List<?> list) {
      assertThat((List<?>) actual).hasSameSizeAs(list);
      for (int i = 0; i < list.size(); i++) compare(list.get(i), ((List<?>) actual).get(i));
    } else if (expected instanceof Map<?, ?> fields) {
      var parts = parts(actual);
      for (var field : fields.entrySet()) {
        switch ((String) field.getKey()) {
          case "metric", "settings", "hypotheses", "references" -> {}
          case "signature" ->
              assertThat(version(((Score) actual).signature()))
                  .isEqualTo(version((String) field.getValue()));
          default -> {
            assertThat(parts).containsKey((String) field.getKey());
            compare(field.getValue(), parts.get(field.getKey()));
          }
        }
      }
    } else {
      assertThat(actual).isEqualTo(expected);
    }
  }

  private static Map<String, Object> parts(Object score) {
    var parts = new LinkedHashMap<String, Object>();
    try {
      for (var component : score.getClass().getRecordComponents()) {
        var name = component.getName().replaceAll("(?<=[a-z])(?=[A-Z][a-z])", "_");
        parts.put(
            name.startsWith("rouge") ? component.getName() : name.toLowerCase(),
            component.getAccessor().invoke(score));
      }
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
    return parts;
  }

  private static String version(String signature) {
    return signature.replaceFirst("version:.*", "version:");
  }

  private static Metric bleu(Map<?, ?> settings) {
    var method = Bleu.Smoothing.of(text(settings, "smooth_method", "exp"));
    return new Bleu(
        BleuTokenizer.of(text(settings, "tokenize", "13a")),
        flag(settings, "lowercase"),
        method,
        number(settings, "smooth_value", method.usualValue()),
        (int) number(settings, "max_ngram_order", 4),
        flag(settings, "effective_order"));
  }

  private static Metric chrf(Map<?, ?> settings) {
    return new Chrf(
        (int) number(settings, "char_order", 6),
        (int) number(settings, "word_order", 0),
        (int) number(settings, "beta", 2),
        flag(settings, "lowercase"),
        flag(settings, "whitespace"),
        flag(settings, "eps_smoothing"));
  }

  private static Metric ter(Map<?, ?> settings) {
    return new Ter(
        flag(settings, "normalized"),
        flag(settings, "no_punct"),
        flag(settings, "asian_support"),
        flag(settings, "case_sensitive"));
  }

  private static List<String> texts(Object list) {
    var texts = new ArrayList<String>();
    for (var text : (List<?>) list) texts.add((String) text);
    return texts;
  }

  private static boolean flag(Map<?, ?> settings, String name) {
    return Boolean.TRUE.equals(settings.get(name));
  }

  private static double number(Map<?, ?> settings, String name, double usual) {
    return settings.get(name) instanceof Number number ? number.doubleValue() : usual;
  }

  private static String text(Map<?, ?> settings, String name, String usual) {
    return settings.get(name) instanceof String text ? text : usual;
  }
}
