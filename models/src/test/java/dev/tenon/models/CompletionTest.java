package dev.tenon.models;

import static dev.tenon.models.Events.done;
import static dev.tenon.models.Events.ids;
import static dev.tenon.models.Events.joined;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.tenon.GenerateOptions;
import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.SessionOptions;
import dev.tenon.sampling.Sampler;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole texts continued: what the session holds of one is not evaluated again, and a full context
/// shifts.
class CompletionTest {
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

  private static int[] random(int seed, int length) {
    return new Random(seed).ints(length, 3, TinyLlama.TOKENS).toArray();
  }

  private static GenerateOptions options(int maxTokens) {
    return GenerateOptions.of(maxTokens).withIgnoreEos(true);
  }

  private static List<Generation> complete(Session session, int[] text, GenerateOptions options) {
    return session.complete(text, Sampler.greedy(), options).toList();
  }

  @Test
  void onlyWhatIsNewIsEvaluated() {
    try (var session = model.newSession(256);
        var fresh = model.newSession(256)) {
      var first = random(1, 40);
      var events = complete(session, first, options(20));
      assertThat(done(events).promptTokens()).isEqualTo(40);
      assertThat(done(events).reusedTokens()).isZero();
      // The next turn: all that was said, the last token of it not evaluated yet, and more.
      var second = joined(joined(first, ids(events)), random(2, 15));
      var again = complete(session, second, options(20));
      assertThat(done(again).reusedTokens()).isEqualTo(59);
      assertThat(done(again).promptTokens()).isEqualTo(16);
      assertThat(ids(again)).isEqualTo(ids(complete(fresh, second, options(20))));
      assertThat(session.tokens()).isEqualTo(fresh.tokens());
    }
  }

  @Test
  void aTextThatPartsFromTheOneHeldIsEvaluatedFromThere() {
    try (var session = model.newSession(256);
        var fresh = model.newSession(256)) {
      var text = random(3, 50);
      complete(session, text, options(5));
      var other = joined(Arrays.copyOf(text, 30), random(4, 10));
      var events = complete(session, other, options(9));
      assertThat(done(events).reusedTokens()).isEqualTo(30);
      assertThat(ids(events)).isEqualTo(ids(complete(fresh, other, options(9))));
      // The same again, a shorter one, and one that has nothing in common.
      assertThat(done(complete(session, other, options(1))).promptTokens()).isEqualTo(1);
      assertThat(done(complete(session, Arrays.copyOf(other, 7), options(1))).reusedTokens())
          .isEqualTo(6);
      assertThat(session.position()).isEqualTo(7);
      assertThat(done(complete(session, new int[] {5}, options(0))).reusedTokens()).isZero();
    }
  }

  @Test
  void theSamplerIsToldTheWholeText() {
    try (var session = model.newSession(256)) {
      var text = random(5, 20);
      complete(session, text, options(5));
      var sampler = new Events.Told(Sampler.greedy());
      var events = session.complete(text, sampler, options(5)).toList();
      assertThat(sampler.array()).isEqualTo(joined(text, ids(events)));
    }
  }

  @Test
  void mistakesAreExceptions() {
    try (var session = model.newSession(64)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.complete(new int[0], Sampler.greedy(), options(1)));
      assertThatIllegalStateException()
          .isThrownBy(() -> session.complete(new int[65], Sampler.greedy(), options(1)))
          .withMessageContainingAll("65", "64");
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> session.drop(0, 1));
      session.evaluate(1, 2, 3);
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> session.drop(2, 1));
      session.drop(1, 1);
      assertThat(session.tokens()).containsExactly(1, 2, 3);
    }
  }

  @Test
  void aFullContextShiftsAndKeepsTheFirstTokens() {
    try (var session = model.newSession(64)) {
      var prompt = random(6, 20);
      var sampler = new Events.Told(Sampler.greedy());
      var events = session.events(prompt, sampler, options(300).withContextShift(10)).toList();
      var whole = joined(prompt, ids(events));
      assertThat(whole).hasSize(320).isEqualTo(sampler.array());
      assertThat(done(events).reason()).isEqualTo(Generation.Reason.MAX_TOKENS);
      // It holds the first ten and the last ones, but for the very last, not evaluated yet.
      assertThat(session.position()).isBetween(64 - 27, 64);
      var tokens = session.tokens();
      assertThat(Arrays.copyOf(tokens, 10)).isEqualTo(Arrays.copyOf(whole, 10));
      assertThat(Arrays.copyOfRange(tokens, 10, tokens.length))
          .isEqualTo(Arrays.copyOfRange(whole, 319 - (tokens.length - 10), 319));
    }
  }

  @Test
  void aTextThatWasShiftedIsKnownWhenItComesAgain() {
    try (var session = model.newSession(64)) {
      var shifting = options(30).withContextShift(5);
      var text = random(7, 50);
      for (int turn = 0; turn < 12; turn++) {
        var events = complete(session, text, shifting);
        text = joined(text, ids(events));
        text = joined(text, random(100 + turn, 8));
        if (turn == 0) continue;
        // What was said since, and the last token of the answer before it.
        assertThat(done(events).promptTokens()).as("turn " + turn).isEqualTo(9);
        assertThat(done(events).generatedTokens()).isEqualTo(30);
      }
      assertThat(text.length).isGreaterThan(400);
      // Another text that parts from it in what has been forgotten, or before.
      var other = text.clone();
      other[20] = other[20] == 9 ? 10 : 9;
      var events = complete(session, other, shifting);
      assertThat(done(events).reusedTokens()).isEqualTo(5);
      assertThat(session.position()).isLessThanOrEqualTo(64);
      other[3] = other[3] == 9 ? 10 : 9;
      assertThat(done(complete(session, other, shifting)).reusedTokens()).isEqualTo(3);
    }
  }

  @Test
  void aTextLongerThanTheContextLosesItsMiddle() {
    try (var session = model.newSession(64);
        var fresh = model.newSession(64)) {
      var text = random(8, 990);
      var events = complete(session, text, options(3).withContextShift(12));
      var tokens = session.tokens();
      assertThat(done(events).promptTokens()).isLessThanOrEqualTo(64);
      int held = done(events).promptTokens();
      assertThat(held).isGreaterThan(64 - 26);
      var expected =
          joined(
              Arrays.copyOf(text, 12),
              Arrays.copyOfRange(text, text.length - (held - 12), text.length));
      assertThat(Arrays.copyOf(tokens, held)).isEqualTo(expected);
      assertThat(ids(events)).isEqualTo(ids(complete(fresh, expected, options(3))));
      // And goes on from there.
      var more = joined(joined(text, ids(events)), random(9, 4));
      assertThat(done(complete(session, more, options(3).withContextShift(12))).promptTokens())
          .isEqualTo(5);
    }
  }

  @Test
  void whereAllMustBeKeptAFullContextEndsGeneration() {
    try (var session = model.newSession(32)) {
      var events = complete(session, random(10, 30), options(20).withContextShift(31));
      assertThat(done(events).reason()).isEqualTo(Generation.Reason.CONTEXT_FULL);
      assertThat(done(events).generatedTokens()).isEqualTo(3);
      events = complete(session, random(11, 50), options(20).withContextShift(100));
      assertThat(done(events).reason()).isEqualTo(Generation.Reason.CONTEXT_FULL);
      assertThat(done(events).generatedTokens()).isZero();
      session.rewind(0);
      session.evaluate(1, 2, 3);
    }
  }

  @Test
  void theBeginTokenIsAlwaysKept() throws IOException {
    var text = joined(new int[] {1}, random(12, 60));
    try (var session = model.newSession(64)) {
      var events = complete(session, text, options(100).withContextShift(0));
      assertThat(done(events).generatedTokens()).isEqualTo(100);
      assertThat(session.tokens()[0]).isEqualTo(1);
    }
  }

  @Test
  void randomTurnsHoldWhatTheyShould() {
    var random = new Random(13);
    try (var session = model.newSession(SessionOptions.of(48).withMicroBatch(16))) {
      var text = random(14, 10);
      for (int turn = 0; turn < 200; turn++) {
        switch (random.nextInt(6)) {
          case 0 -> text = Arrays.copyOf(text, 1 + random.nextInt(text.length));
          case 1 -> text[random.nextInt(text.length)] = 3 + random.nextInt(200);
          case 2 -> session.rewind(random.nextInt(session.position() + 1));
          case 3 -> {
            int from = random.nextInt(session.position() + 1);
            session.drop(from, from + random.nextInt(session.position() - from + 1));
          }
          default -> {}
        }
        if (text.length > 500) text = Arrays.copyOf(text, 20);
        var events = complete(session, text, options(random.nextInt(40)).withContextShift(6));
        var whole = joined(text, ids(events));
        var tokens = session.tokens();
        var done = done(events);
        assertThat(done.reason()).isEqualTo(Generation.Reason.MAX_TOKENS);
        if (done.generatedTokens() == 0) continue; // evaluates nothing
        // All that is held is the text's start and its end, in front of the last token.
        int prefix = 0;
        while (prefix < tokens.length && tokens[prefix] == whole[prefix]) prefix++;
        int suffix = 0;
        while (suffix < tokens.length
            && tokens[tokens.length - 1 - suffix] == whole[whole.length - 2 - suffix]) suffix++;
        assertThat(prefix + suffix).as("turn " + turn).isGreaterThanOrEqualTo(tokens.length);
        text = whole;
      }
    }
  }
}
