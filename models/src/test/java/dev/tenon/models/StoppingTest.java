package dev.tenon.models;

import static dev.tenon.models.Events.done;
import static dev.tenon.models.Events.ids;
import static dev.tenon.models.Events.saying;
import static dev.tenon.models.Events.text;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.Drafter;
import dev.tenon.GenerateOptions;
import dev.tenon.Generation;
import dev.tenon.Generation.Reason;
import dev.tenon.Model;
import dev.tenon.sampling.Sampler;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What ends a generation. Each byte is a token, so that every stop string goes across borders.
class StoppingTest {
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

  private List<Generation> say(String said, GenerateOptions options) {
    try (var session = model.newSession(256)) {
      return session.events(new int[] {1}, saying(said), options).toList();
    }
  }

  private static GenerateOptions stops(String... strings) {
    return GenerateOptions.of(200).withStopStrings(strings);
  }

  @Test
  void aStopStringEndsTheTextBeforeIt() {
    var events = say("Hello there\nUser: hi", stops("\nUser:", "xyz"));
    assertThat(text(events)).isEqualTo("Hello there");
    assertThat(done(events).reason()).isEqualTo(Reason.STOP_STRING);
    assertThat(done(events).stop()).isEqualTo("\nUser:");
    assertThat(done(events).generatedTokens()).isEqualTo("Hello there\nUser:".length());
  }

  @Test
  void noPieceEverHoldsAPartOfAStopString() {
    var events = say("ab<|im_end|>", stops("<|im_end|>"));
    assertThat(text(events)).isEqualTo("ab");
    // What might have become one is held back and given out as soon as it cannot be.
    events = say("a<|im_enough", stops("<|im_end|>"));
    assertThat(text(events)).isEqualTo("a<|im_enough");
    assertThat(done(events).reason()).isEqualTo(Reason.END_OF_TEXT);
    assertThat(((Generation.Piece) events.get(8)).text()).isEqualTo("<|im_eno");
  }

  @Test
  void whatIsHeldBackAtTheEndIsGivenOut() {
    var events = say("text <|im", stops("<|im_end|>"));
    assertThat(text(events)).isEqualTo("text <|im");
    assertThat(events.get(events.size() - 2)).isEqualTo(new Generation.Piece(-1, "<|im", null));
    events = say("text <|im_end|>", stops("<|im_end|>").withMaxTokens(8));
    assertThat(text(events)).isEqualTo("text <|i");
    assertThat(done(events).reason()).isEqualTo(Reason.MAX_TOKENS);
    // Half a character, and half a stop string before it.
    events = say("xySé", stops("Stop").withMaxTokens(4));
    assertThat(text(events)).isEqualTo("xyS\uFFFD");
  }

  @Test
  void charactersOfSeveralBytesAreFoundWhole() {
    var events = say("naïve 🙂 stop", stops("🙂"));
    assertThat(text(events)).isEqualTo("naïve ");
    // Another character with the same first half.
    events = say("naïve 🙃!", stops("🙂"));
    assertThat(text(events)).isEqualTo("naïve 🙃!");
  }

  @Test
  void theTextInFrontDoesNotCount() {
    try (var session = model.newSession(256)) {
      var prompt = model.tokenizer().encode("ST");
      var events = session.events(prompt, saying("OP it"), stops("STOP")).toList();
      assertThat(text(events)).isEqualTo("OP it");
    }
  }

  @Test
  void stopStringsHoldInsideAGuess() {
    var said = "one two three STOP four";
    var bytes = said.getBytes(StandardCharsets.UTF_8);
    Drafter knows =
        (tokens, most) -> {
          var guess = new int[most];
          for (int i = 0; i < most; i++) {
            int at = tokens.length - 1 + i;
            guess[i] = at < bytes.length ? (bytes[at] & 0xff) + 3 : 2;
          }
          return guess;
        };
    var plain = say(said, stops("STOP"));
    var drafted = say(said, stops("STOP").withDrafter(knows));
    assertThat(text(drafted)).isEqualTo("one two three ").isEqualTo(text(plain));
    assertThat(ids(drafted)).isEqualTo(ids(plain));
    assertThat(done(drafted).acceptedTokens()).isPositive();
    assertThat(done(drafted).stop()).isEqualTo("STOP");
  }

  @Test
  void stopTokensEndAsEndTokensDo() {
    var events = say("abc", GenerateOptions.of(50).withStopTokens(Set.of('b' + 3)));
    assertThat(text(events)).isEqualTo("a");
    assertThat(done(events).reason()).isEqualTo(Reason.END_OF_TEXT);
    // Even where the model's own are ignored.
    var options = GenerateOptions.of(50).withStopTokens(Set.of('b' + 3)).withIgnoreEos(true);
    assertThat(text(say("abc", options))).isEqualTo("a");
  }

  @Test
  void timeEndsIt() {
    var events = say("a".repeat(100), GenerateOptions.of(-1).withMaxTime(Duration.ZERO));
    assertThat(done(events).reason()).isEqualTo(Reason.TIME);
    assertThat(done(events).generatedTokens()).isZero();
    try (var session = model.newSession(256)) {
      Sampler slow =
          _ -> {
            try {
              Thread.sleep(20);
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
            return 50;
          };
      var options = GenerateOptions.of(-1).withMaxTime(Duration.ofMillis(200));
      events = session.events(new int[] {1}, slow, options).toList();
      assertThat(done(events).reason()).isEqualTo(Reason.TIME);
      assertThat(done(events).generatedTokens()).isBetween(1, 10);
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GenerateOptions.of(1).withMaxTime(Duration.ofMillis(-1)));
    // Longer than a long has nanoseconds.
    events = say("ab", GenerateOptions.of(5).withMaxTime(Duration.ofSeconds(Long.MAX_VALUE)));
    assertThat(text(events)).isEqualTo("ab");
  }

  @Test
  void withoutVocabularyThereAreNoStopStrings() throws IOException {
    var d = TinyLlama.DENSE;
    var bare =
        new TinyLlama(
            d.layers(), d.width(), d.heads(), d.kvHeads(), d.ffn(), 0, 0, false, false, false, 9);
    try (var ids = Model.load(bare.write(folder.resolve("bare.gguf")), backend);
        var session = ids.newSession(64)) {
      assertThatIllegalStateException()
          .isThrownBy(() -> session.events(new int[] {1}, Sampler.greedy(), stops("a")))
          .withMessageContaining("vocabulary");
    }
  }

  @Test
  void piecesHaveTheModelsOwnLogProbabilities() {
    try (var session = model.newSession(256);
        var other = model.newSession(256)) {
      var options = GenerateOptions.of(8).withIgnoreEos(true).withLogProbabilities(3);
      var events = session.events(new int[] {1, 6}, Sampler.greedy(), options).toList();
      var logits = other.evaluate(1, 6);
      for (var event : events) {
        if (!(event instanceof Generation.Piece piece)) continue;
        double sum = 0;
        for (float logit : logits) sum += Math.exp(logit - logits[piece.token()]);
        assertThat(piece.logProbabilities().chosen().token()).isEqualTo(piece.token());
        assertThat(piece.logProbabilities().chosen().logProbability())
            .isCloseTo((float) -Math.log(sum), within(1e-4f));
        assertThat(piece.logProbabilities().top()).hasSize(3);
        logits = other.evaluate(piece.token());
      }
      var without = session.events(new int[] {1}, Sampler.greedy(), GenerateOptions.of(1)).toList();
      assertThat(((Generation.Piece) without.getFirst()).logProbabilities()).isNull();
    }
  }
}
