package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.GenerateOptions;
import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.SessionOptions;
import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.TensorType;
import dev.tenon.sampling.Sampler;
import dev.tenon.sampling.SamplerSettings;
import dev.tenon.tensor.BackendException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/// The library from the outside: backend, model, session.
class SessionTest extends WithTinyModel {
  private static List<Integer> ids(List<Generation> events) {
    return events.stream()
        .filter(Generation.Piece.class::isInstance)
        .map(e -> ((Generation.Piece) e).token())
        .filter(id -> id >= 0)
        .toList();
  }

  private static Generation.Done done(List<Generation> events) {
    assertThat(events.getLast()).isInstanceOf(Generation.Done.class);
    return (Generation.Done) events.getLast();
  }

  @Test
  void tellsTheStoryThatLlama2cAndLlamaCppTell() throws IOException {
    var file = Fixtures.need("models/stories260K.gguf");
    var expected = Files.readString(Fixtures.need("models/stories260K.greedy.txt"));
    try (var stories = Model.load(file, backend);
        var session = stories.newSession(0)) {
      var text = session.generate("", Sampler.greedy(), 200).collect(Collectors.joining());
      assertThat(text).startsWith(expected);
    }
  }

  @Test
  void pullingEvaluatesAndNotPullingStops() {
    try (var session = model.newSession(128)) {
      var three = session.events(new int[] {1, 5, 9}, Sampler.greedy(), -1).limit(3).toList();
      assertThat(three).hasSize(3).allMatch(Generation.Piece.class::isInstance);
      assertThat(session.position()).isEqualTo(3 + 2); // the third token is not evaluated yet
      assertThat(session.tokens()).startsWith(1, 5, 9);
      // Going on from the last token gives what one stream gives.
      var last = ((Generation.Piece) three.getLast()).token();
      var more = session.events(new int[] {last}, Sampler.greedy(), 4).toList();
      try (var other = model.newSession(128)) {
        var whole = other.events(new int[] {1, 5, 9}, Sampler.greedy(), 7).toList();
        var joined = new ArrayList<>(ids(three));
        joined.addAll(ids(more));
        assertThat(ids(whole)).isEqualTo(joined);
        assertThat(done(whole).reason()).isEqualTo(Generation.Reason.MAX_TOKENS);
        assertThat(done(whole).promptTokens()).isEqualTo(3);
        assertThat(done(whole).generatedTokens()).isEqualTo(7);
      }
    }
  }

  @Test
  void theSameSeedGivesTheSameTokens() {
    var settings = SamplerSettings.defaults().withTemperature(1.5f).withSeed(42);
    try (var session = model.newSession(128)) {
      var first = ids(session.events(new int[] {1}, settings.sampler(), 50).toList());
      session.rewind(0);
      var second = ids(session.events(new int[] {1}, settings.sampler(), 50).toList());
      session.rewind(0);
      var other = ids(session.events(new int[] {1}, settings.withSeed(43).sampler(), 50).toList());
      assertThat(second).isEqualTo(first);
      assertThat(other).isNotEqualTo(first);
    }
  }

  @Test
  void rewindIsAsGoodAsNew() {
    try (var session = model.newSession(64);
        var fresh = model.newSession(64)) {
      session.evaluate(1, 2, 3, 4, 5, 6, 7);
      session.rewind(3);
      assertThat(session.position()).isEqualTo(3);
      var expected = fresh.evaluateAll(1, 2, 3, 9, 8)[4];
      assertThat(session.evaluate(9, 8)).containsExactly(expected, within(1e-4f));
      assertThat(session.tokens()).containsExactly(1, 2, 3, 9, 8);
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> session.rewind(6));
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> session.rewind(-1));
    }
  }

  @Test
  void aFullContextEndsGenerationAndRefusesMore() {
    try (var session = model.newSession(20)) {
      var options = GenerateOptions.of(-1).withIgnoreEos(true);
      var events = session.events(new int[] {1, 2}, Sampler.greedy(), options).toList();
      assertThat(done(events).reason()).isEqualTo(Generation.Reason.CONTEXT_FULL);
      assertThat(session.position()).isEqualTo(20);
      assertThat(ids(events)).hasSize(19).doesNotContain(2);
      assertThatIllegalStateException()
          .isThrownBy(() -> session.evaluate(1))
          .withMessageContainingAll("1", "20");
      assertThatIllegalStateException()
          .isThrownBy(() -> session.events(new int[30], Sampler.greedy(), 1));
      assertThat(session.position()).isEqualTo(20);
    }
  }

  @Test
  void mistakesAreExceptionsAndChangeNothing() {
    try (var session = model.newSession(64)) {
      session.evaluate(1, 2, 3);
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> session.evaluate(5, TinyLlama.TOKENS))
          .withMessageContainingAll("" + TinyLlama.TOKENS);
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> session.evaluate(-1));
      assertThatIllegalArgumentException().isThrownBy(session::evaluate);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.events(new int[0], Sampler.greedy(), 5));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.events(new int[] {1}, Sampler.greedy(), -2));
      assertThat(session.position()).isEqualTo(3);
    }
    assertThatIllegalArgumentException().isThrownBy(() -> model.newSession(-1));
    assertThatExceptionOfType(BackendException.class)
        .isThrownBy(() -> model.newSession(1 << 30))
        .withMessageContainingAll("cache", "free");
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> model.tokenizer().decode(TinyLlama.TOKENS));
  }

  @Test
  void parentsCloseAfterTheirChildren() {
    assertThatIllegalStateException().isThrownBy(backend::close).withMessageContaining("model");
    var session = model.newSession(64);
    assertThatIllegalStateException().isThrownBy(model::close).withMessageContaining("session");
    session.close();
    session.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> session.evaluate(1))
        .withMessageContaining("closed");
    assertThatIllegalStateException().isThrownBy(session::position);
    model.close();
    model.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> model.newSession(64))
        .withMessageContaining("closed");
    backend.close();
    backend.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> Model.load(folder.resolve("tiny.gguf"), backend))
        .withMessageContaining("closed");
  }

  @Test
  void aSessionIsConfinedToItsThread() throws InterruptedException {
    try (var session = model.newSession(64)) {
      var failures = new ArrayList<Throwable>();
      var thread =
          new Thread(
              () -> {
                failures.add(catchThrowable(() -> session.evaluate(1)));
                failures.add(catchThrowable(session::position));
                failures.add(catchThrowable(session::close));
              });
      thread.start();
      thread.join();
      assertThat(failures).hasSize(3).allMatch(WrongThreadException.class::isInstance);
      session.evaluate(1);
    }
  }

  @Test
  void sessionsOfOneModelRunOnThreadsOfTheirOwn() throws Exception {
    List<Integer> alone;
    try (var session = model.newSession(128)) {
      alone = ids(session.events(new int[] {1, 7}, Sampler.greedy(), 60).toList());
    }
    Callable<List<Integer>> task =
        () -> {
          try (var session = model.newSession(128)) {
            return ids(session.events(new int[] {1, 7}, Sampler.greedy(), 60).toList());
          }
        };
    try (var threads = Executors.newFixedThreadPool(4)) {
      for (var result : threads.invokeAll(java.util.Collections.nCopies(8, task))) {
        assertThat(result.get()).isEqualTo(alone);
      }
    }
  }

  @Test
  void anInterruptEndsTheStreamAndTheSessionGoesOn() {
    try (var session = model.newSession(128)) {
      var events = new ArrayList<Generation>();
      session
          .events(new int[] {1}, Sampler.greedy(), GenerateOptions.of(-1).withIgnoreEos(true))
          .forEach(
              event -> {
                events.add(event);
                if (events.size() == 5) Thread.currentThread().interrupt();
              });
      assertThat(Thread.interrupted()).isTrue();
      assertThat(done(events).reason()).isEqualTo(Generation.Reason.INTERRUPTED);
      assertThat(done(events).generatedTokens()).isEqualTo(5);
      assertThat(session.position()).isEqualTo(5);
      session.evaluate(3);
      assertThat(session.position()).isEqualTo(6);
    }
  }

  @Test
  void closingTheFileBeneathAModelTakesNothingAway() {
    try (var session = model.newSession(64)) {
      var before = session.evaluate(1, 2, 3);
      model.gguf().close();
      session.rewind(0);
      assertThat(session.evaluate(1, 2, 3)).containsExactly(before);
    }
  }

  @Test
  void aLongPromptIsEvaluatedInPassesThatSeeOnlyWhatIsBeforeThem() {
    var prompt = new java.util.Random(3).ints(300, 3, TinyLlama.TOKENS).toArray();
    var exact = SessionOptions.of(512).withKeyType(TensorType.F32).withValueType(TensorType.F32);
    try (var small = model.newSession(exact.withMicroBatch(7));
        var whole = model.newSession(exact.withMicroBatch(512))) {
      assertThat(small.evaluate(prompt)).containsExactly(whole.evaluate(prompt), within(1e-3f));
    }
  }

  @Test
  void aFileWithoutVocabularyTakesIdsAndSaysSo() throws IOException {
    var d = TinyLlama.DENSE;
    var plain =
        new TinyLlama(
            d.layers(), d.width(), d.heads(), d.kvHeads(), d.ffn(), 0, 0, false, false, false, 9);
    try (var bare = Model.load(plain.write(folder.resolve("bare.gguf")), backend);
        var session = bare.newSession(64)) {
      assertThat(bare.hasTokenizer()).isFalse();
      assertThat(ids(session.events(new int[] {1}, Sampler.greedy(), 5).toList())).hasSize(5);
      assertThatIllegalStateException()
          .isThrownBy(() -> session.generate("hello", Sampler.greedy(), 5))
          .withMessageContaining("vocabulary");
    }
  }

  @Test
  void anUnknownArchitectureIsNamedWithTheKnownOnes() throws IOException {
    var file =
        TinyLlama.DENSE.write(
            folder.resolve("other.gguf"), w -> w.put("general.architecture", "perceptron"));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Model.load(file, backend))
        .withMessageContainingAll("perceptron", "llama");
  }

  @Test
  void theEstimateIsWhatASessionTakes() throws IOException {
    var options = SessionOptions.of(512);
    try (var session = model.newSession(options)) {
      var estimate = Model.estimate(model.gguf(), options);
      assertThat(estimate.weightBytes()).isEqualTo(model.bytes());
      assertThat(estimate.total() - estimate.weightBytes())
          .isBetween(session.bytes() / 2, session.bytes() * 2);
    }
  }

  @Test
  void openingAndClosingLeavesNothingBehind() throws IOException {
    var file = folder.resolve("tiny.gguf");
    long before = 0;
    for (int round = 0; round < 60; round++) {
      if (round == 10) before = residentKilobytes();
      try (var again = Model.load(file, backend);
          var session = again.newSession(4096)) {
        session.evaluate(1, 2, 3);
      }
    }
    // A leaked cache alone would be 50 times 2 MB.
    assertThat(residentKilobytes() - before).isLessThan(50 * 1024);
  }

  private static long residentKilobytes() throws IOException {
    System.gc();
    var status = Path.of("/proc/self/status");
    org.junit.jupiter.api.Assumptions.assumeTrue(Files.exists(status), "no /proc on this system");
    return Files.readAllLines(status).stream()
        .filter(line -> line.startsWith("RssAnon:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void aSessionCannotBeUsedThroughItsStreamOnceClosed() {
    Session session = model.newSession(64);
    var stream = session.events(new int[] {1}, Sampler.greedy(), 5).iterator();
    stream.next();
    session.close();
    assertThatIllegalStateException().isThrownBy(stream::next);
  }
}
