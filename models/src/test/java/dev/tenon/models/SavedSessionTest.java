package dev.tenon.models;

import static dev.tenon.models.Events.done;
import static dev.tenon.models.Events.ids;
import static dev.tenon.models.Events.joined;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.FlashAttention;
import dev.tenon.GenerateOptions;
import dev.tenon.Model;
import dev.tenon.PromptLookup;
import dev.tenon.Session;
import dev.tenon.SessionOptions;
import dev.tenon.gguf.TensorType;
import dev.tenon.sampling.Sampler;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// A session's state in a file and back.
class SavedSessionTest extends WithTinyModel {
  private static final TinyLlama WIDE = new TinyLlama(3, 64, 2, 1, 32, 0, 0, false, false, true, 5);

  private Path saved;

  @BeforeEach
  void name() {
    saved = folder.resolve("talk.session");
  }

  @Override
  TinyLlama shape() {
    return WIDE;
  }

  private static int[] random(int seed, int length) {
    return new Random(seed).ints(length, 3, TinyLlama.TOKENS).toArray();
  }

  private static SessionOptions options(TensorType type, boolean flash) {
    return SessionOptions.of(600)
        .withKeyType(type)
        .withValueType(type)
        .withFlashAttention(flash ? FlashAttention.AUTO : FlashAttention.OFF);
  }

  static Stream<Arguments> caches() {
    return Stream.of(
        Arguments.of(TensorType.F32, true),
        Arguments.of(TensorType.F32, false),
        Arguments.of(TensorType.F16, true),
        Arguments.of(TensorType.F16, false),
        Arguments.of(TensorType.Q8_0, true));
  }

  @ParameterizedTest
  @MethodSource("caches")
  void logitsAreTheSameToTheLastBit(TensorType type, boolean flash) throws IOException {
    try (var session = model.newSession(options(type, flash))) {
      // Holes, cells out of order, keys turned.
      session.evaluate(random(1, 400));
      session.rewind(300);
      session.drop(50, 120);
      session.evaluate(random(2, 150));
      session.drop(3, 9);
      session.evaluate(random(3, 20));
      session.save(saved);
      int[] tokens = session.tokens();
      var expected = session.evaluateAll(random(4, 30));
      try (var other = model.newSession(options(type, flash))) {
        other.evaluate(random(5, 17));
        other.restore(saved);
        assertThat(other.tokens()).isEqualTo(tokens);
        assertThat(other.evaluateAll(random(4, 30))).isDeepEqualTo(expected);
        // Again into the same session, and after generating.
        other.restore(saved);
        assertThat(other.position()).isEqualTo(tokens.length);
        assertThat(other.evaluateAll(random(4, 30))).isDeepEqualTo(expected);
      }
      try (var larger = model.newSession(options(type, flash).withContextLength(2000))) {
        larger.restore(saved);
        assertThat(larger.evaluateAll(random(4, 30))).isDeepEqualTo(expected);
      }
    }
  }

  @Test
  void aSmallerContextThatHoldsTheTokensWillDo() throws IOException {
    try (var session = model.newSession(options(TensorType.F32, true));
        var small = model.newSession(options(TensorType.F32, true).withContextLength(110));
        var tooSmall = model.newSession(options(TensorType.F32, true).withContextLength(99))) {
      session.evaluate(random(1, 500));
      session.drop(0, 400);
      session.save(saved);
      small.restore(saved);
      assertThat(small.tokens()).isEqualTo(session.tokens());
      assertThat(Logits.nmse(small.evaluateAll(7, 8), session.evaluateAll(7, 8))).isLessThan(1e-10);
      tooSmall.evaluate(1, 2, 3);
      refused(tooSmall, "100 tokens", "99");
      assertThat(tooSmall.tokens()).containsExactly(1, 2, 3);
    }
  }

  @Test
  void anEmptySessionAndOneThatGuessedAhead() throws IOException {
    try (var session = model.newSession(256);
        var other = model.newSession(256)) {
      session.save(saved);
      other.evaluate(5);
      assertThat(other.restore(saved)).isEmpty();
      assertThat(other.position()).isZero();
      var drafting =
          GenerateOptions.of(60).withIgnoreEos(true).withDrafter((_, most) -> new int[most]);
      var pulled = session.events(new int[] {1, 9}, Sampler.greedy(), drafting).limit(20).toList();
      assertThat(ids(pulled)).hasSize(20);
      session.save(saved, "who said what: é");
      assertThat(other.restore(saved)).isEqualTo("who said what: é");
      assertThat(other.tokens()).isEqualTo(session.tokens()).hasSize(21);
      assertThat(other.evaluate(7)).isEqualTo(session.evaluate(7));
    }
  }

  @Test
  void aRestoredTextIsNotEvaluatedAgainThoughItShifted() throws IOException {
    var shifting =
        GenerateOptions.of(40)
            .withIgnoreEos(true)
            .withContextShift(4)
            .withDrafter(new PromptLookup(1));
    var small = SessionOptions.of(64);
    int[] text = random(1, 50);
    try (var session = model.newSession(small)) {
      for (int turn = 0; turn < 3; turn++)
        text = joined(text, ids(session.complete(text, Sampler.greedy(), shifting).toList()));
      session.save(saved);
    }
    try (var session = model.newSession(small)) {
      session.restore(saved);
      var events = session.complete(joined(text, 5, 6), Sampler.greedy(), shifting).toList();
      assertThat(done(events).promptTokens()).isEqualTo(3);
    }
  }

  @Test
  void aShorterTextAfterAShiftIsSavedToo() throws IOException {
    try (var session = model.newSession(options(TensorType.F32, true).withContextLength(64))) {
      var options = GenerateOptions.of(60).withIgnoreEos(true).withContextShift(30);
      session.complete(random(1, 50), Sampler.greedy(), options).toList();
      session.complete(random(2, 9), Sampler.greedy(), GenerateOptions.of(2)).toList();
      session.save(saved);
      var tokens = session.tokens();
      session.rewind(0);
      session.restore(saved);
      assertThat(session.tokens()).isEqualTo(tokens);
    }
  }

  private void refused(Session session, String... why) {
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> session.restore(saved))
        .withMessageContainingAll(why)
        .withMessageContaining(saved.toString())
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }

  @Test
  void anotherModelOrOtherSettingsAreRefused() throws IOException {
    try (var session = model.newSession(256)) {
      session.evaluate(1, 2, 3);
      session.save(saved);
    }
    // The same shape, other weights; the same weights, another name.
    var other = new TinyLlama(3, 64, 2, 1, 32, 0, 0, false, false, true, 6);
    try (var wrong = Model.load(other.write(folder.resolve("other.gguf")), backend);
        var renamed =
            Model.load(
                WIDE.write(folder.resolve("r.gguf"), w -> w.put("general.name", "x")), backend);
        var same = Model.load(WIDE.write(folder.resolve("copy.gguf")), backend)) {
      for (var m : new Model[] {wrong, renamed}) {
        try (var session = m.newSession(256)) {
          session.evaluate(4);
          refused(session, "another model");
          assertThat(session.tokens()).containsExactly(4);
        }
      }
      try (var session = same.newSession(256)) {
        session.restore(saved);
        assertThat(session.position()).isEqualTo(3);
      }
    }
    for (var settings :
        new SessionOptions[] {
          SessionOptions.of(256).withKeyType(TensorType.F32),
          SessionOptions.of(256).withValueType(TensorType.F32),
          SessionOptions.of(256).withFlashAttention(FlashAttention.OFF)
        }) {
      try (var session = model.newSession(settings)) {
        refused(session, "another cache");
      }
    }
  }

  @Test
  void whatIsNoSavedSessionIsRefused() throws IOException {
    try (var session = model.newSession(256)) {
      session.evaluate(1, 2, 3);
      assertThatExceptionOfType(NoSuchFileException.class).isThrownBy(() -> session.restore(saved));
      Files.write(saved, new byte[0]);
      refused(session, "no saved session");
      Files.write(saved, new byte[100_000]);
      refused(session, "no saved session");
      Files.copy(
          folder.resolve("tiny.gguf"), saved, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
      refused(session, "no saved session");
      assertThatExceptionOfType(IOException.class).isThrownBy(() -> session.restore(folder));
      assertThatExceptionOfType(IOException.class).isThrownBy(() -> session.save(folder));
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> session.save(folder.resolve("none/here")));
      assertThat(session.tokens()).containsExactly(1, 2, 3);
      try (var files = Files.list(folder)) {
        assertThat(files).hasSize(2); // nothing half written is left
      }
    }
  }

  @Test
  void whatAKilledProcessLeftGoesAndASpecialFileStays() throws IOException {
    var left = folder.resolve(".talk.session.0123456789abcdef.tmp");
    Files.writeString(left, "half");
    try (var session = model.newSession(256)) {
      session.evaluate(1, 2, 3);
      session.save(saved);
      assertThat(left).doesNotExist();
      assertThatExceptionOfType(FileSystemException.class)
          .isThrownBy(() -> session.save(folder))
          .withMessage(folder + ": no regular file; cannot be replaced");
      assertThatExceptionOfType(NoSuchFileException.class)
          .isThrownBy(() -> session.save(folder.resolve("none/here")))
          .withMessageContaining("none");
    }
  }

  @Test
  void anInterruptionIsLeftForWhatComesAfter() throws IOException {
    try (var session = model.newSession(256)) {
      session.evaluate(1, 2, 3);
      Thread.currentThread().interrupt();
      try {
        session.save(saved);
      } finally {
        assertThat(Thread.interrupted()).isTrue();
      }
      session.rewind(0);
      session.restore(saved);
      assertThat(session.tokens()).containsExactly(1, 2, 3);
    }
  }

  @Test
  void damageIsAlwaysFound() throws IOException {
    var random = new Random(11);
    try (var session = model.newSession(256)) {
      session.evaluate(random(1, 20));
      session.save(saved);
      var whole = Files.readAllBytes(saved);
      int[] before = {7, 8};
      session.rewind(0);
      session.evaluate(before);
      for (int round = 0; round < 400; round++) {
        var bytes = whole.clone();
        if (round % 3 == 0) bytes = Arrays.copyOf(bytes, random.nextInt(2 * bytes.length));
        else
          for (int flips = 1 + random.nextInt(4); flips > 0; flips--)
            bytes[random.nextInt(round % 3 == 1 ? 200 : bytes.length)] ^=
                (byte) (1 + random.nextInt(255));
        if (Arrays.equals(bytes, whole)) continue;
        Files.write(saved, bytes);
        refused(session, "saved session");
        assertThat(session.tokens()).isEqualTo(before);
      }
    }
  }

  @Test
  void numbersThatLieUnderATrueChecksumAreRefused() throws IOException {
    var random = new Random(12);
    try (var session = model.newSession(256)) {
      session.evaluate(random(1, 20));
      session.save(saved);
      var whole = Files.readAllBytes(saved);
      // Four counts stand in front of the 20 tokens and their 20 cells.
      int payload = 3 * 2 * 2 * 20 * 32;
      int counts = whole.length - 8 - payload - 4 * (4 + 40);
      assertThat(ByteBuffer.wrap(whole).getInt(counts)).isEqualTo(20);
      for (int round = 0; round < 500; round++) {
        var bytes = ByteBuffer.wrap(whole.clone());
        int at = counts + 4 * random.nextInt(round % 2 == 0 ? 4 : 44);
        int was = bytes.getInt(at);
        int[] values = {-1, 0, 19, 21, 255, 256, 300, Integer.MAX_VALUE, random.nextInt()};
        int value = values[random.nextInt(values.length)];
        bytes.putInt(at, value);
        var sum = new CRC32C();
        sum.update(bytes.array(), 0, whole.length - 8);
        bytes.putLong(whole.length - 8, sum.getValue());
        Files.write(saved, bytes.array());
        try {
          session.restore(saved);
          // Another token or another free cell is a state like any other.
          assertThat(session.position()).isEqualTo(20);
          session.evaluate(5);
        } catch (IOException e) {
          assertThat(value).isNotEqualTo(was);
          assertThat(e).hasMessageContaining(saved.toString());
        }
        session.rewind(Math.min(2, session.position()));
        session.evaluate(9);
      }
    }
  }
}
