package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.Classifier;
import dev.tenon.Embedder;
import dev.tenon.FillMask;
import dev.tenon.Model;
import dev.tenon.QuestionAnswerer;
import dev.tenon.QuestionAnswerer.Settings;
import dev.tenon.Reranker;
import dev.tenon.TokenClassifier;
import dev.tenon.TokenClassifier.Aggregation;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.model.Pooling;
import dev.tenon.models.TinyReader.Head;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What small encoders are asked through the library, and what they are asked in vain.
class EncoderTasksTest {
  private static final String LONG = "the cat ".repeat(30);

  @TempDir private Path folder;
  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = Backend.cpu(1);
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  private interface Use {
    void of(Model model) throws IOException;
  }

  private void with(TinyFile file, Use use) throws IOException {
    with(file, _ -> {}, use);
  }

  private void with(TinyFile file, Consumer<GgufWriter> change, Use use) throws IOException {
    try (var model = Model.load(file.write(folder.resolve("tiny.gguf"), change), backend)) {
      use.of(model);
    }
  }

  @Test
  void embeddingsDoNotDependOnWhatIsReadBeside() throws IOException {
    with(
        TinyReader.of(Head.NOTHING),
        model -> {
          var texts = new ArrayList<String>();
          for (int i = 0; i < 60; i++) texts.add("cat the ".repeat(i * 7 % 11) + "a".repeat(i % 5));
          try (var embedder = new Embedder(model)) {
            var together = embedder.embed(texts);
            for (int i = 0; i < texts.size(); i++) {
              assertThat(together[i]).containsExactly(embedder.embed(texts.get(i)), within(1e-5f));
              assertThat(Embedder.cosine(together[i], together[i])).isCloseTo(1, within(1e-9));
            }
            assertThat(together[3]).hasSize(embedder.width());
            assertThat(embedder.embed(List.of())).isEmpty();
          }
        });
  }

  @Test
  void textsToEmbedAreCutToWhatTheModelCanRead() throws IOException {
    with(
        TinyReader.of(Head.NOTHING),
        model -> {
          try (var embedder = new Embedder(model)) {
            assertThat(embedder.maxTokens()).isEqualTo(TinyReader.CONTEXT);
            assertThat(embedder.embed(LONG))
                .containsExactly(embedder.embed("the cat ".repeat(11)), within(1e-6f));
          }
          var four = new Pooling(Pooling.Mode.MEAN, true, 4, Map.of(), null);
          try (var embedder = new Embedder(model, four)) {
            assertThat(embedder.embed("the cat sat"))
                .containsExactly(embedder.embed("the cat"), within(1e-6f));
          }
        });
  }

  @Test
  void poolingIsAsAskedFor() throws IOException {
    with(
        TinyReader.of(Head.NOTHING),
        model -> {
          var vectors = new ArrayList<float[]>();
          for (var mode : Pooling.Mode.values()) {
            var pooling = new Pooling(mode, false, 512, Map.of("q", "the "), null);
            try (var embedder = new Embedder(model, pooling)) {
              vectors.add(embedder.embed("cat"));
            }
          }
          assertThat(vectors).doesNotHaveDuplicates();
          for (int i = 0; i < TinyReader.WIDTH; i++) {
            float most = Math.max(vectors.get(1)[i], vectors.get(2)[i]);
            assertThat(vectors.get(3)[i]).isGreaterThanOrEqualTo(most);
          }
          var prompted = new Pooling(Pooling.Mode.CLS, false, 512, Map.of("q", "the "), "q");
          var plain = new Pooling(Pooling.Mode.CLS, false, 512, Map.of(), null);
          try (var embedder = new Embedder(model, prompted);
              var other = new Embedder(model, plain)) {
            assertThat(embedder.embed("cat")).containsExactly(other.embed("the cat"));
          }
        });
  }

  @Test
  void masksAreFilled() throws IOException {
    with(
        TinyReader.of(Head.MASKS),
        model -> {
          try (var fill = new FillMask(model)) {
            assertThat(fill.mask()).isEqualTo("[MASK]");
            var one = fill.fill("the [MASK].", 3).getFirst();
            assertThat(one).hasSize(3);
            assertThat(one.getFirst().score()).isGreaterThanOrEqualTo(one.get(1).score());
            assertThat(one).allMatch(guess -> !guess.sequence().contains("[CLS]"));
            var all = fill.fill("the [MASK].", 1 << 20).getFirst();
            assertThat(all).hasSize(TinyReader.TOKENS.size()).startsWith(one.getFirst());
            assertThat(all.stream().mapToDouble(FillMask.Guess::score).sum())
                .isCloseTo(1, within(1e-5));
            var two = fill.fill("[MASK] [MASK]", 1);
            assertThat(two).hasSize(2);
            assertThat(two.getFirst().getFirst().sequence()).contains("[CLS]", "[MASK]", "[SEP]");
            var cat = fill.fill("the [MASK].", 5, List.of("cat", "##ing", "quark")).getFirst();
            assertThat(cat).extracting(FillMask.Guess::tokenStr).hasSize(3).contains("cat", "q");
            assertThatIllegalArgumentException()
                .isThrownBy(() -> fill.fill("the cat.", 3))
                .withMessageContaining("no [MASK]");
            assertThatIllegalArgumentException().isThrownBy(() -> fill.fill("[MASK]", 0));
            assertThatIllegalArgumentException()
                .isThrownBy(() -> fill.fill("[MASK]", 1, List.of("", " ")))
                .withMessageContaining("vocabulary");
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> fill.fill("[MASK]" + LONG, 3))
                .withMessageContaining("63")
                .withMessageContaining("" + TinyReader.CONTEXT);
          }
        });
  }

  @Test
  void aVocabularyWithoutAMaskIsRefused() throws IOException {
    with(
        TinyReader.of(Head.MASKS),
        gguf -> {
          gguf.put("tokenizer.ggml.model", "llama"); // which has no mask by itself
          gguf.put(
              "tokenizer.ggml.scores", GgufValue.Array.of(new float[TinyReader.TOKENS.size()]));
          gguf.remove("tokenizer.ggml.mask_token_id");
        },
        model ->
            assertThatIllegalStateException()
                .isThrownBy(() -> new FillMask(model))
                .withMessageContaining("no mask"));
  }

  @Test
  void textsAreClassified() throws IOException {
    with(
        TinyReader.of(Head.TEXTS),
        gguf -> TinyReader.labels(gguf, "x", "y", "z"),
        model -> {
          try (var classifier = new Classifier(model)) {
            assertThat(classifier.labels()).containsExactly("x", "y", "z");
            var both = classifier.classify(List.of("the cat", "", "the cat"));
            assertThat(both.getFirst()).hasSize(3).isEqualTo(both.get(2));
            assertThat(both.getFirst().stream().mapToDouble(Classifier.Label::score).sum())
                .isCloseTo(1, within(1e-5));
            assertThat(classifier.classify("the", "cat")).isNotEqualTo(both.getFirst());
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> classifier.classify(LONG));
          }
        });
  }

  @Test
  void scoresAreWhatTheProblemSays() throws IOException {
    var raw = new float[3];
    scores(gguf -> gguf.put("tenon.classifier.problem_type", "regression"), raw);
    var scores = new float[3];
    scores(gguf -> gguf.put("tenon.classifier.problem_type", "multi_label_classification"), scores);
    for (int i = 0; i < 3; i++)
      assertThat(scores[i]).isCloseTo((float) (1 / (1 + Math.exp(-raw[i]))), within(1e-6f));
    scores(
        gguf -> gguf.put("tenon.classifier.problem_type", "single_label_classification"), scores);
    assertThat(scores[0] + scores[1] + scores[2]).isCloseTo(1, within(1e-6f));
  }

  private void scores(Consumer<GgufWriter> change, float[] scores) throws IOException {
    with(
        TinyReader.of(Head.TEXTS),
        change,
        model -> {
          try (var classifier = new Classifier(model)) {
            for (var label : classifier.classify("the cat")) // named as transformers names them
            scores[Integer.parseInt(label.label().substring("LABEL_".length()))] = label.score();
          }
        });
  }

  @Test
  void otherLabelsThanClassesAreRefused() throws IOException {
    with(
        TinyReader.of(Head.TEXTS),
        gguf -> TinyReader.labels(gguf, "x", "y"),
        model ->
            assertThatIllegalStateException()
                .isThrownBy(() -> new Classifier(model))
                .withMessageContaining("2 labels for 3 classes"));
  }

  @Test
  void tokensAreClassified() throws IOException {
    with(
        TinyReader.of(Head.TOKENS),
        gguf -> {
          TinyReader.labels(gguf, "O", "B-X", "I-X");
          TinyFile.number(gguf, "tenon.tokenizer.max_length", TinyReader.CONTEXT);
        },
        model -> {
          try (var classifier = new TokenClassifier(model)) {
            var nothing = List.<String>of();
            var tokens = classifier.classify("the ab\u00e9😀 cat", Aggregation.NONE, nothing);
            assertThat(tokens)
                .extracting(TokenClassifier.Entity::word)
                .containsExactly("the", "ab\u00e9😀", "cat"); // the second is unknown: as it stands
            assertThat(tokens.get(2).start()).isEqualTo(9); // in code points
            assertThat(tokens.get(2).index()).isEqualTo(3);
            var words = classifier.classify("the aaing cat", Aggregation.FIRST, nothing);
            assertThat(words.getFirst().start()).isZero();
            assertThat(words.getLast().end()).isEqualTo(13);
            assertThat(classifier.classify("", Aggregation.SIMPLE)).isEmpty();
            // As the pipeline does: what is too long is cut, or read in windows where it is asked.
            var cut = classifier.classify(LONG, Aggregation.NONE, nothing);
            assertThat(cut).hasSize(TinyReader.CONTEXT - 2);
            var all = classifier.classify(LONG, Aggregation.SIMPLE, nothing, 5);
            assertThat(all.getLast().end()).isEqualTo(LONG.length() - 1);
            assertThatIllegalArgumentException()
                .isThrownBy(() -> classifier.classify(LONG, Aggregation.NONE, nothing, 5));
            assertThatIllegalArgumentException()
                .isThrownBy(() -> classifier.classify(LONG, Aggregation.MAX, nothing, 22));
          }
        });
  }

  @Test
  void answersAreFound() throws IOException {
    with(
        TinyReader.of(Head.ANSWERS),
        model -> {
          try (var answerer = new QuestionAnswerer(model)) {
            var usual = Settings.usual();
            var context = "the cat\u00e9 " + LONG;
            var answers = answerer.answer("a", context, usual.withTopK(4));
            assertThat(answers).hasSizeBetween(2, 4);
            for (var answer : answers)
              assertThat(context.substring(answer.start(), answer.end()))
                  .isEqualTo(answer.answer());
            assertThat(answerer.answer("a", " ", usual))
                .containsExactly(new QuestionAnswerer.Answer(0, 0, 0, ""));
            var none = new Settings(100, 15, true, 0, -1, true);
            assertThat(answerer.answer("a", "the cat", none))
                .extracting(QuestionAnswerer.Answer::answer)
                .containsExactlyInAnyOrder("", "the", "cat", "the cat");
            assertThatIllegalArgumentException().isThrownBy(() -> answerer.answer("", "a", usual));
            assertThatIllegalArgumentException().isThrownBy(() -> answerer.answer("a", "", usual));
            assertThatIllegalArgumentException()
                .isThrownBy(() -> answerer.answer(LONG, LONG, usual));
            var stride = new Settings(1, 15, false, 0, 20, true);
            assertThatIllegalArgumentException()
                .isThrownBy(() -> answerer.answer("a", LONG, stride));
            var longer = new Settings(1, 15, false, 30, -1, true);
            assertThatExceptionOfType(IndexOutOfBoundsException.class)
                .isThrownBy(() -> answerer.answer("a", LONG, longer));
          }
        });
    assertThatIllegalArgumentException().isThrownBy(() -> Settings.usual().withTopK(0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Settings(1, 0, false, 0, -1, true))
        .withMessageContaining("max_answer_len 0");
  }

  @Test
  void documentsAreRanked() throws IOException {
    with(
        new TinyReader(Head.TEXTS, 1, 3),
        model -> {
          try (var reranker = new Reranker(model)) {
            var documents = List.of("the cat", "", LONG, "a", "the cat");
            var hits = reranker.rank("the", documents);
            assertThat(hits).hasSize(5);
            for (int i = 0; i < 5; i++) {
              var hit = hits.get(i);
              assertThat(hit.text()).isEqualTo(documents.get(hit.corpusId()));
              assertThat(hit.score()).isBetween(0f, 1f);
              if (i > 0) assertThat(hit.score()).isLessThanOrEqualTo(hits.get(i - 1).score());
            }
            assertThat(hits.stream().map(Reranker.Hit::corpusId).toList().indexOf(0) + 1)
                .isEqualTo(hits.stream().map(Reranker.Hit::corpusId).toList().indexOf(4));
            assertThat(reranker.rank("the", List.of())).isEmpty();
          }
        });
    with(
        new TinyReader(Head.TEXTS, 1, 3),
        gguf -> gguf.put("tenon.classifier.activation", "identity"),
        model -> {
          try (var reranker = new Reranker(model)) {
            var scores = reranker.rank("the", List.of("a", "cat", "the")).stream();
            assertThat(scores.map(Reranker.Hit::score)).anyMatch(score -> score < 0 || score > 1);
          }
        });
  }

  @Test
  void aModelIsAskedOnlyForWhatItHasAHeadFor() throws IOException {
    for (var head : Head.values()) {
      with(
          TinyReader.of(head),
          model -> {
            refused(head == Head.MASKS, () -> new FillMask(model).close());
            refused(head == Head.TEXTS, () -> new Classifier(model).close());
            refused(head == Head.TOKENS, () -> new TokenClassifier(model).close());
            refused(head == Head.ANSWERS, () -> new QuestionAnswerer(model).close());
            refused(false, () -> new Reranker(model).close());
            new Embedder(model).close();
          });
    }
    with(
        TinyGpt2.TIED,
        model ->
            assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> new Embedder(model))
                .withMessageContaining("is a decoder")
                .withMessageContaining("embed texts"));
  }

  private static void refused(boolean possible, Runnable task) {
    if (possible) task.run();
    else
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(task::run)
          .withMessageContaining("it gives")
          .withMessageContaining("hidden_states");
  }
}
