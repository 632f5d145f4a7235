package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.Classifier;
import dev.tenon.FillMask;
import dev.tenon.Model;
import dev.tenon.QuestionAnswerer;
import dev.tenon.Reranker;
import dev.tenon.TokenClassifier;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// What transformers' pipelines answer, of every folder that has recorded answers: labels, words,
/// spans and places exactly, scores nearly.
class PipelinesConformanceTest {
  private static final double TOLERANCE = 1e-4;

  /// Of what ggml takes from a table of half precision.
  private static final double TABLE_TOLERANCE = 2e-3;

  @TempDir private Path temporary;

  @TestFactory
  Stream<DynamicContainer> answersAsTransformersDoes() throws IOException {
    return FolderCase.all(temporary, Map.of("pipeline", this::answers));
  }

  private void answers(FolderCase one) throws IOException {
    Assumptions.assumeTrue(one.expected().has("pipeline"), "no recorded answers");
    double tolerance = one.usesTable() ? TABLE_TOLERANCE : TOLERANCE;
    int tried = 0;
    for (var recorded : one.expected().list("pipeline")) {
      if (!(recorded instanceof Map<?, ?> entry)) throw new AssertionError(recorded);
      var given = answer(one.model(), entry);
      if (given == null) continue;
      tried++;
      var place = one.folder().getFileName() + ": " + entry.get("input");
      check(given, entry.get("result"), tolerance, place);
    }
    Assumptions.assumeTrue(tried > 0, "no task that is here");
  }

  /// {@return what ours answers, in JSON's types; null where there is no such task}
  private static Object answer(Model model, Map<?, ?> entry) {
    var input = (Map<?, ?>) entry.get("input");
    var settings = (Map<?, ?>) entry.get("settings");
    return switch ((String) entry.get("task")) {
      case "fill-mask" -> {
        try (var fill = new FillMask(model)) {
          var text = (String) input.get("text");
          int most = number(settings, "top_k", FillMask.USUAL_TOP_K);
          var masks =
              settings.containsKey("targets")
                  ? fill.fill(text, most, texts(settings.get("targets")))
                  : fill.fill(text, most);
          var all = masks.stream().map(PipelinesConformanceTest::guesses).toList();
          yield all.size() == 1 ? all.getFirst() : all;
        }
      }
      case "text-classification" -> {
        try (var classifier = new Classifier(model)) {
          var labels =
              classifier.classify((String) input.get("text"), (String) input.get("text_pair"));
          int most = settings.containsKey("top_k") ? number(settings, "top_k", 1 << 20) : 1;
          yield labels.stream().limit(most).map(PipelinesConformanceTest::label).toList();
        }
      }
      case "token-classification" -> {
        try (var classifier = new TokenClassifier(model)) {
          var how = settings.get("aggregation_strategy");
          var aggregation =
              how == null
                  ? TokenClassifier.Aggregation.NONE
                  : TokenClassifier.Aggregation.valueOf(how.toString().toUpperCase(Locale.ROOT));
          var text = (String) input.get("text");
          var ignored =
              settings.containsKey("ignore_labels")
                  ? texts(settings.get("ignore_labels"))
                  : TokenClassifier.USUAL_IGNORED;
          var entities =
              settings.containsKey("stride")
                  ? classifier.classify(text, aggregation, ignored, number(settings, "stride", 0))
                  : classifier.classify(text, aggregation, ignored);
          yield entities.stream().map(PipelinesConformanceTest::entity).toList();
        }
      }
      case "question-answering" -> {
        try (var answerer = new QuestionAnswerer(model)) {
          var how =
              new QuestionAnswerer.Settings(
                  number(settings, "top_k", 1),
                  number(settings, "max_answer_len", 15),
                  Boolean.TRUE.equals(settings.get("handle_impossible_answer")),
                  number(settings, "max_seq_len", 0),
                  number(settings, "doc_stride", -1),
                  !Boolean.FALSE.equals(settings.get("align_to_words")));
          var answers =
              answerer
                  .answer((String) input.get("question"), (String) input.get("context"), how)
                  .stream()
                  .map(PipelinesConformanceTest::answer)
                  .toList();
          yield answers.size() == 1 ? answers.getFirst() : answers;
        }
      }
      case "rerank" -> {
        try (var reranker = new Reranker(model)) {
          var documents = texts(input.get("documents"));
          yield reranker.rank((String) input.get("query"), documents).stream()
              .map(hit -> members("corpus_id", (long) hit.corpusId(), "score", hit.score()))
              .toList();
        }
      }
      default -> null;
    };
  }

  private static List<String> texts(Object list) {
    return ((List<?>) list).stream().map(String.class::cast).toList();
  }

  private static List<Object> guesses(List<FillMask.Guess> guesses) {
    var list = new ArrayList<Object>();
    for (var guess : guesses)
      list.add(
          members(
              "score", guess.score(),
              "token", (long) guess.token(),
              "token_str", guess.tokenStr(),
              "sequence", guess.sequence()));
    return list;
  }

  private static Object label(Classifier.Label label) {
    return members("label", label.label(), "score", label.score());
  }

  private static Object entity(TokenClassifier.Entity entity) {
    var members =
        members(
            entity.index() < 0 ? "entity_group" : "entity",
            entity.label(),
            "score",
            entity.score(),
            "word",
            entity.word(),
            "start",
            (long) entity.start(),
            "end",
            (long) entity.end());
    if (entity.index() >= 0) members.put("index", (long) entity.index());
    return members;
  }

  private static Object answer(QuestionAnswerer.Answer answer) {
    return members(
        "score",
        answer.score(),
        "start",
        (long) answer.start(),
        "end",
        (long) answer.end(),
        "answer",
        answer.answer());
  }

  private static Map<String, Object> members(Object... namesAndValues) {
    var members = new LinkedHashMap<String, Object>();
    for (int i = 0; i < namesAndValues.length; i += 2)
      members.put((String) namesAndValues[i], namesAndValues[i + 1]);
    return members;
  }

  private static int number(Map<?, ?> settings, String key, int usual) {
    return settings.get(key) instanceof Number number ? number.intValue() : usual;
  }

  private static void check(Object given, Object expected, double tolerance, String what) {
    switch (expected) {
      case List<?> list -> {
        assertThat(given).as(what).isInstanceOf(List.class);
        assertThat((List<?>) given).as(what).hasSameSizeAs(list);
        for (int i = 0; i < list.size(); i++)
          check(((List<?>) given).get(i), list.get(i), tolerance, what + ", " + i);
      }
      case Map<?, ?> map -> {
        assertThat(given).as(what).isInstanceOf(Map.class);
        assertThat(((Map<?, ?>) given).keySet()).as(what).isEqualTo(map.keySet());
        map.forEach(
            (key, value) ->
                check(((Map<?, ?>) given).get(key), value, tolerance, what + ", " + key));
      }
      case Double number ->
          assertThat(((Number) given).doubleValue()).as(what).isCloseTo(number, within(tolerance));
      default -> assertThat(given).as(what).isEqualTo(expected);
    }
  }
}
