package dev.tenon.models;

import static dev.tenon.models.Events.done;
import static dev.tenon.models.Events.ids;
import static dev.tenon.models.Events.joined;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.tenon.DraftModel;
import dev.tenon.Drafter;
import dev.tenon.GenerateOptions;
import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.PromptLookup;
import dev.tenon.Session;
import dev.tenon.SessionOptions;
import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.TensorType;
import dev.tenon.sampling.Sampler;
import dev.tenon.sampling.SamplerSettings;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// With a drafter, whatever it guesses, a session says what it says without one, and holds what it
/// holds without one.
class DraftingTest {
  /// An exact cache, so that a token's logits depend least on how many are evaluated with it.
  private static final SessionOptions EXACT =
      SessionOptions.of(256).withKeyType(TensorType.F32).withValueType(TensorType.F32);

  @TempDir Path folder;
  private Backend backend;
  private Model model;

  @BeforeEach
  void open() throws IOException {
    backend = Backend.cpu(1);
    model = Model.load(TinyLlama.DENSE.write(folder.resolve("tiny.gguf")), backend);
  }

  @AfterEach
  void close() {
    model.close();
    backend.close();
  }

  private static GenerateOptions options(int maxTokens) {
    return GenerateOptions.of(maxTokens).withIgnoreEos(true);
  }

  /// Guesses `truth`, with each token wrong so often, and sometimes less or more than it is asked
  /// for, or ids that no model has.
  private static Drafter guessing(int[] truth, double wrong, long seed) {
    var random = new Random(seed);
    return (text, most) -> {
      int n = random.nextInt(5) == 0 ? random.nextInt(2 * most) : most;
      var guess = new int[n];
      for (int i = 0; i < n; i++) {
        int at = text.length + i;
        guess[i] = at < truth.length ? truth[at] : 9;
        if (random.nextDouble() < wrong)
          guess[i] = random.nextInt(10) == 0 ? random.nextInt() : random.nextInt(TinyLlama.TOKENS);
      }
      return guess;
    };
  }

  static Stream<Arguments> samplers() {
    var settings = SamplerSettings.defaults().withSeed(7).withTemperature(1.5f);
    Supplier<Sampler> greedy = Sampler::greedy;
    Supplier<Sampler> sampled = settings::sampler;
    Supplier<Sampler> penalised =
        () ->
            Sampler.of(
                new Random(5),
                dev.tenon.sampling.Filter.penalties(30, 1.3f, 0.2f, 0.1f),
                dev.tenon.sampling.Filter.temperature(0.9f));
    return Stream.of(
            Arguments.of("greedy", greedy),
            Arguments.of("sampled", sampled),
            Arguments.of("penalised", penalised))
        .flatMap(
            s ->
                Stream.of(0.0, 0.3, 1.0).map(wrong -> Arguments.of(s.get()[0], s.get()[1], wrong)));
  }

  @ParameterizedTest(name = "{0}, {2} of the guesses wrong")
  @MethodSource("samplers")
  void theTextIsTheSame(String name, Supplier<Sampler> sampler, double wrong) {
    var prompt = new int[] {1, 5, 9};
    int accepted = 0;
    int drafted = 0;
    try (var plain = model.newSession(EXACT);
        var session = model.newSession(EXACT)) {
      for (int round = 0; round < 30; round++) {
        plain.rewind(0);
        session.rewind(0);
        prompt[2] = 3 + round;
        var told = new Events.Told(sampler.get());
        var expected = ids(plain.events(prompt, sampler.get(), options(20 + round)).toList());
        var truth = joined(prompt, expected);
        var events =
            session
                .events(
                    prompt, told, options(20 + round).withDrafter(guessing(truth, wrong, round)))
                .toList();
        assertThat(ids(events)).isEqualTo(expected);
        assertThat(told.array()).isEqualTo(truth);
        assertThat(session.tokens()).isEqualTo(plain.tokens());
        assertThat(done(events).reason()).isEqualTo(Generation.Reason.MAX_TOKENS);
        assertThat(done(events).generatedTokens()).isEqualTo(20 + round);
        accepted += done(events).acceptedTokens();
        drafted += done(events).draftedTokens();
        // The cache too is as it would be.
        assertThat(Logits.nmse(one(session.evaluate(4)), one(plain.evaluate(4)))).isLessThan(1e-9);
      }
    }
    assertThat(drafted).isGreaterThan(30);
    if (wrong == 0) assertThat(accepted).isGreaterThan(drafted / 2);
    else assertThat(accepted).isLessThan(drafted);
  }

  private static float[][] one(float[] row) {
    return new float[][] {row};
  }

  @Test
  void atEveryPullTheSessionIsWhereItIsWithoutADrafter() {
    var prompt = new int[] {1, 5, 9};
    try (var plain = model.newSession(EXACT);
        var session = model.newSession(EXACT)) {
      var truth = joined(prompt, ids(plain.events(prompt, Sampler.greedy(), options(60)).toList()));
      for (int stop = 1; stop < 40; stop++) {
        session.rewind(0);
        var drafting = options(60).withDrafter(guessing(truth, 0.1, stop));
        var pulled = session.events(prompt, Sampler.greedy(), drafting).limit(stop).toList();
        assertThat(ids(pulled)).isEqualTo(Arrays.copyOfRange(truth, 3, 3 + stop));
        assertThat(session.position()).isEqualTo(3 + stop - 1);
        assertThat(session.tokens()).isEqualTo(Arrays.copyOf(truth, 3 + stop - 1));
        // Going on from there in any way: guesses that were evaluated are not in the way.
        var last = new int[] {truth[3 + stop - 1]};
        var more = ids(session.events(last, Sampler.greedy(), options(10)).toList());
        assertThat(more).isEqualTo(Arrays.copyOfRange(truth, 3 + stop, 13 + stop));
      }
    }
  }

  @Test
  void aSessionUsedBetweenTwoPullsDoesNotMixTheTexts() {
    var prompt = new int[] {1, 5, 9};
    try (var session = model.newSession(EXACT);
        var plain = model.newSession(EXACT)) {
      var truth = joined(prompt, ids(plain.events(prompt, Sampler.greedy(), options(60)).toList()));
      for (int at = 1; at < 30; at++) {
        session.rewind(0);
        plain.rewind(0);
        var drafting = options(30).withDrafter(guessing(truth, 0, 1));
        var ahead = session.events(prompt, Sampler.greedy(), drafting).iterator();
        var without = plain.events(prompt, Sampler.greedy(), options(30)).iterator();
        for (int i = 0; i < 30; i++) {
          if (i == at) {
            session.evaluate(77);
            plain.evaluate(77);
          }
          assertThat(ahead.next()).isEqualTo(without.next());
          assertThat(session.tokens()).isEqualTo(plain.tokens());
        }
      }
    }
  }

  @Test
  void anInterruptInAVerificationTakesNothingAway() {
    var prompt = new int[] {1, 5, 9};
    try (var plain = model.newSession(EXACT);
        var session = model.newSession(EXACT)) {
      var truth = joined(prompt, ids(plain.events(prompt, Sampler.greedy(), options(60)).toList()));
      for (int nth = 1; nth < 4; nth++) {
        session.rewind(0);
        int interrupted = nth;
        var calls = new int[1];
        Drafter drafter =
            (text, most) -> {
              if (++calls[0] == interrupted) Thread.currentThread().interrupt();
              return Arrays.copyOfRange(truth, text.length, text.length + most);
            };
        var events =
            session.events(prompt, Sampler.greedy(), options(40).withDrafter(drafter)).toList();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(done(events).reason()).isEqualTo(Generation.Reason.INTERRUPTED);
        int said = ids(events).length;
        assertThat(said).isLessThan(40);
        assertThat(session.tokens()).isEqualTo(Arrays.copyOf(truth, 3 + said - 1));
        var last = new int[] {truth[3 + said - 1]};
        assertThat(ids(session.events(last, Sampler.greedy(), options(8)).toList()))
            .isEqualTo(Arrays.copyOfRange(truth, 3 + said, 11 + said));
      }
    }
  }

  @Test
  void interruptsAtAnyMomentLoseNothing() {
    var prompt = new int[] {1, 5, 9};
    var shifting = options(250).withContextShift(2);
    try (var plain = model.newSession(EXACT.withContextLength(64));
        var session = model.newSession(EXACT.withContextLength(64))) {
      var truth = joined(prompt, ids(plain.events(prompt, Sampler.greedy(), shifting).toList()));
      var end = plain.tokens();
      var random = new Random(8);
      int interrupts = 0;
      for (int round = 0; round < 40; round++) {
        session.rewind(0);
        var said = prompt;
        var next = prompt;
        while (said.length < truth.length) {
          int so = said.length;
          Drafter drafter =
              (text, most) -> {
                // The length of what is held says nothing once some of it was forgotten.
                int at = lastPlace(truth, text);
                var guess = new int[most];
                for (int i = 0; i < most; i++) guess[i] = truth[Math.min(at + i, truth.length - 1)];
                return guess;
              };
          var main = Thread.currentThread();
          int wait = random.nextInt(4_000_000);
          var interrupter =
              Thread.ofPlatform()
                  .start(
                      () -> {
                        LockSupport.parkNanos(wait);
                        main.interrupt();
                      });
          var events =
              session
                  .events(
                      next,
                      Sampler.greedy(),
                      shifting.withMaxTokens(truth.length - so).withDrafter(drafter))
                  .toList();
          joinThoughInterrupted(interrupter);
          var more = ids(events);
          if (done(events).reason() == Generation.Reason.INTERRUPTED) interrupts++;
          if (more.length == 0) continue; // the prompt is as it was
          said = joined(said, more);
          next = new int[] {said[said.length - 1]};
        }
        assertThat(said).isEqualTo(truth);
        assertThat(session.tokens()).isEqualTo(end);
      }
      assertThat(interrupts).isPositive();
    }
  }

  private static void joinThoughInterrupted(Thread thread) {
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException _) {
        // That is what it is there for.
      }
    }
    Thread.interrupted();
  }

  /// The place behind the last tokens of `text` in `truth`.
  private static int lastPlace(int[] truth, int[] text) {
    for (int length = Math.min(8, text.length); length > 0; length--) {
      var end = Arrays.copyOfRange(text, text.length - length, text.length);
      for (int at = truth.length - 1; at >= length; at--)
        if (Arrays.equals(truth, at - length, at, end, 0, length)) return at;
    }
    return truth.length;
  }

  @Test
  void anInterruptBetweenGuessesIsHeeded() {
    try (var session = model.newSession(EXACT)) {
      var prompt = new int[] {1, 5, 9};
      var truth =
          joined(prompt, ids(session.events(prompt, Sampler.greedy(), options(60)).toList()));
      for (int at = 1; at < 20; at++) {
        session.rewind(0);
        var events = new ArrayList<Generation>();
        int stop = at;
        session
            .events(prompt, Sampler.greedy(), options(60).withDrafter(guessing(truth, 0, 1)))
            .forEach(
                event -> {
                  events.add(event);
                  if (events.size() == stop) Thread.currentThread().interrupt();
                });
        assertThat(Thread.interrupted()).isTrue();
        assertThat(done(events).generatedTokens()).isEqualTo(at);
        assertThat(session.position()).isEqualTo(3 + at - 1);
      }
    }
  }

  @Test
  void limitsHoldInsideAGuess() {
    var prompt = new int[] {1, 5, 9};
    try (var session = model.newSession(EXACT);
        var small = model.newSession(EXACT.withContextLength(20))) {
      var truth =
          joined(prompt, ids(session.events(prompt, Sampler.greedy(), options(80)).toList()));
      for (int most = 0; most < 30; most++) {
        session.rewind(0);
        var events =
            session
                .events(
                    prompt, Sampler.greedy(), options(most).withDrafter(guessing(truth, 0, most)))
                .toList();
        assertThat(ids(events)).isEqualTo(Arrays.copyOfRange(truth, 3, 3 + most));
        assertThat(done(events).draftedTokens()).isLessThanOrEqualTo(most);
      }
      // The context is full.
      var events =
          small
              .events(prompt, Sampler.greedy(), options(-1).withDrafter(guessing(truth, 0, 3)))
              .toList();
      assertThat(done(events).reason()).isEqualTo(Generation.Reason.CONTEXT_FULL);
      assertThat(ids(events)).isEqualTo(Arrays.copyOfRange(truth, 3, 21));
      assertThat(small.position()).isEqualTo(20);
      // A stop token in the middle.
      for (int at = 5; at < 30; at++) {
        session.rewind(0);
        int stop = truth[at];
        int first = 3;
        while (truth[first] != stop) first++;
        events =
            session
                .events(
                    prompt,
                    Sampler.greedy(),
                    options(80)
                        .withStopTokens(java.util.Set.of(stop))
                        .withDrafter(guessing(truth, 0, at)))
                .toList();
        assertThat(done(events).reason()).isEqualTo(Generation.Reason.END_OF_TEXT);
        assertThat(ids(events)).isEqualTo(Arrays.copyOfRange(truth, 3, first + 1));
        assertThat(session.tokens()).isEqualTo(Arrays.copyOf(truth, first));
      }
    }
  }

  @Test
  void aContextShiftsUnderADrafter() {
    var options = SessionOptions.of(64);
    var prompt = new int[] {1, 5, 9};
    try (var plain = model.newSession(options);
        var session = model.newSession(options);
        var drafter = new DraftModel(model, model, SessionOptions.of(48))) {
      var shifting = options(300).withContextShift(2);
      var expected = plain.events(prompt, Sampler.greedy(), shifting).toList();
      for (var with : List.of(new PromptLookup(1), drafter)) {
        session.rewind(0);
        var events = session.events(prompt, Sampler.greedy(), shifting.withDrafter(with)).toList();
        assertThat(ids(events)).isEqualTo(ids(expected));
        assertThat(session.tokens()).isEqualTo(plain.tokens());
      }
    }
  }

  @Test
  void anExceptionOfSamplerOrDrafterPassesThrough() {
    var prompt = new int[] {1, 5, 9};
    try (var session = model.newSession(EXACT)) {
      var calls = new int[1];
      Sampler failing =
          logits -> {
            if (++calls[0] == 9) throw new IllegalStateException("no more");
            return 7;
          };
      Drafter sevens =
          (_, most) -> {
            var guess = new int[most];
            Arrays.fill(guess, 7);
            return guess;
          };
      assertThatExceptionOfType(IllegalStateException.class)
          .isThrownBy(
              () -> session.events(prompt, failing, options(50).withDrafter(sevens)).toList())
          .withMessage("no more");
      assertThat(session.tokens()).isEqualTo(joined(prompt, 7, 7, 7, 7, 7, 7, 7, 7));
      Drafter broken =
          (_, _) -> {
            throw new UnsupportedOperationException("broken");
          };
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(
              () ->
                  session
                      .events(prompt, Sampler.greedy(), options(50).withDrafter(broken))
                      .toList())
          .withMessage("broken");
      session.rewind(3);
      session.evaluate(5);
    }
  }

  @Test
  void aDraftModelNeedsTheVocabularyOfItsTarget() throws IOException {
    var other =
        TinyLlama.BIASED.write(
            folder.resolve("other.gguf"),
            w -> {
              var pieces = new ArrayList<String>();
              for (int i = 0; i < TinyLlama.TOKENS; i++)
                pieces.add(
                    i < 3
                        ? "<" + i + ">"
                        : "<0x%02X>".formatted((i == 40 || i == 41 ? 81 - i : i) - 3));
              w.put("tokenizer.ggml.tokens", GgufValue.Array.strings(pieces));
            });
    var d = TinyLlama.DENSE;
    var bare =
        new TinyLlama(
                d.layers(),
                d.width(),
                d.heads(),
                d.kvHeads(),
                d.ffn(),
                0,
                0,
                false,
                false,
                false,
                9)
            .write(folder.resolve("bare.gguf"));
    try (var wrong = Model.load(other, backend);
        var none = Model.load(bare, backend)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new DraftModel(model, wrong, EXACT))
          .withMessageContaining("token 40");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> new DraftModel(model, none, EXACT))
          .withMessageContaining("vocabulary");
      new DraftModel(none, none, EXACT).close();
    }
  }

  @Test
  void aDraftModelEvaluatesOnlyWhatIsNew() {
    try (var drafter = new DraftModel(model, model, EXACT);
        var plain = model.newSession(EXACT)) {
      var text = new int[] {1, 5, 9};
      var truth = joined(text, ids(plain.events(text, Sampler.greedy(), options(200)).toList()));
      var random = new Random(1);
      for (int n = 3; n < 150; n += random.nextInt(4))
        assertThat(drafter.draft(Arrays.copyOf(truth, n), 5))
            .isEqualTo(Arrays.copyOfRange(truth, n, n + 5));
      // Near the end of its context it guesses less, or moves on; never fails.
      for (int n = 245; n < 300; n++)
        assertThat(drafter.draft(Arrays.copyOf(truth, n), 9).length).isBetween(0, 9);
    }
  }

  @Test
  void aStoryIsTheSameWithAndWithout() throws IOException {
    var file = Fixtures.need("models/stories260K.gguf");
    try (var stories = Model.load(file, backend);
        var small = Model.load(file, backend)) {
      var expected = tell(stories, null);
      assertThat(expected).hasSize(500);
      for (int least = 1; least < 5; least++)
        assertThat(tell(stories, new PromptLookup(least))).isEqualTo(expected);
      try (var drafter = new DraftModel(stories, small, SessionOptions.of(0))) {
        assertThat(tell(stories, drafter)).isEqualTo(expected);
      }
      // A lookup that goes on from one text to the next knows the first.
      var lookup = new PromptLookup();
      tell(stories, lookup);
      assertThat(tell(stories, lookup)).isEqualTo(expected);
    }
  }

  private static int[] tell(Model stories, Drafter drafter) {
    try (Session session = stories.newSession(SessionOptions.of(512))) {
      return ids(
          session
              .events(new int[] {1}, Sampler.greedy(), options(500).withDrafter(drafter))
              .toList());
    }
  }
}
