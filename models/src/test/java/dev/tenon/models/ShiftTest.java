package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.tenon.Model;
import dev.tenon.SessionOptions;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Batch;
import dev.tenon.model.Decoder;
import dev.tenon.model.Evaluator;
import dev.tenon.model.Hyperparameters;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Tokens that move to other positions. In a model of one layer, keys and values depend on their
/// own token alone: after a move they must be what a fresh evaluation at the new positions gives.
class ShiftTest {
  private static final TinyLlama ONE_LAYER =
      new TinyLlama(1, 64, 2, 1, 32, 0, 0, false, false, true, 5);

  @TempDir Path folder;

  static Stream<Arguments> ways() {
    Consumer<GgufWriter> plain = _ -> {};
    Consumer<GgufWriter> linear =
        w -> {
          w.put("llama.rope.scaling.type", "linear");
          real(w, "llama.rope.scaling.factor", 4);
        };
    Consumer<GgufWriter> yarn =
        w -> {
          w.put("llama.rope.scaling.type", "yarn");
          real(w, "llama.rope.scaling.factor", 4);
          TinyFile.number(w, "llama.rope.scaling.original_context_length", 64);
        };
    Consumer<GgufWriter> factors =
        w -> {
          var bytes = ByteBuffer.allocate(64).order(ByteOrder.LITTLE_ENDIAN);
          for (int i = 0; i < 16; i++) bytes.putFloat(1 + 0.5f * i);
          w.tensor(
              "rope_freqs.weight",
              TensorType.F32,
              Shape.of(16),
              MemorySegment.ofArray(bytes.array()));
        };
    return Stream.of(
        Arguments.of("f32", plain, TensorType.F32, 1e-9),
        Arguments.of("f16", plain, TensorType.F16, 1e-5),
        Arguments.of("q8_0", plain, TensorType.Q8_0, 1e-3),
        Arguments.of("linear", linear, TensorType.F32, 1e-9),
        Arguments.of("yarn", yarn, TensorType.F32, 1e-9),
        Arguments.of("factors", factors, TensorType.F32, 1e-9));
  }

  private static void real(GgufWriter w, String key, float value) {
    w.put(key, new GgufValue.Real(GgufType.FLOAT32, value));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("ways")
  void movedTokensAreAsIfEvaluatedThere(
      String what, Consumer<GgufWriter> change, TensorType type, double tolerance)
      throws IOException {
    var text = new Random(1).ints(200, 3, TinyLlama.TOKENS).toArray();
    var last = new int[] {7, 8, 9};
    try (var backend = Backend.cpu(1);
        var model = Model.load(ONE_LAYER.write(folder.resolve("m.gguf"), change), backend);
        var session = model.newSession(options(type));
        var fresh = model.newSession(options(type))) {
      session.evaluate(text);
      session.drop(20, 90);
      session.drop(0, 5);
      session.drop(60, 61);
      var kept =
          IntStream.concat(
                  IntStream.concat(IntStream.range(5, 20), IntStream.range(90, 135)),
                  IntStream.range(136, 200))
              .map(i -> text[i])
              .toArray();
      assertThat(session.tokens()).isEqualTo(kept);
      fresh.evaluate(kept);
      double error = Logits.nmse(session.evaluateAll(last), fresh.evaluateAll(last));
      assertThat(error).isLessThanOrEqualTo(tolerance);
      // To leave the keys as they were would be seen.
      session.rewind(0);
      session.evaluate(Arrays.copyOf(text, 100));
      var unmoved = session.evaluateAll(last);
      session.rewind(0);
      session.evaluate(Arrays.copyOfRange(text, 50, 100));
      assertThat(Logits.nmse(session.evaluateAll(last), unmoved)).isGreaterThan(10 * tolerance);
    }
  }

  private static SessionOptions options(TensorType type) {
    // Small passes: keys are turned in several.
    return SessionOptions.of(300).withKeyType(type).withValueType(type).withMicroBatch(32);
  }

  @Test
  void anInterruptDoesNotStopAMoveHalfway() throws IOException {
    try (var backend = Backend.cpu(1);
        var model = Model.load(ONE_LAYER.write(folder.resolve("m.gguf")), backend);
        var session = model.newSession(options(TensorType.F32));
        var other = model.newSession(options(TensorType.F32))) {
      var text = new Random(2).ints(150, 3, TinyLlama.TOKENS).toArray();
      session.evaluate(text);
      other.evaluate(text);
      Thread.currentThread().interrupt();
      session.drop(10, 60);
      assertThat(Thread.interrupted()).isTrue();
      other.drop(10, 60);
      assertThat(session.evaluate(5)).containsExactly(other.evaluate(5));
    }
  }

  @Test
  void whatCannotMoveIsRefusedAndStays() throws IOException {
    var file = TinyLlama.DENSE.write(folder.resolve("m.gguf"));
    try (var backend = Backend.cpu(1);
        var gguf = Gguf.open(file)) {
      var hp = Hyperparameters.of(gguf);
      var weights = Weights.of(gguf, backend, hp.layers(), new Weights.Placement(0, false));
      var decoder = new Llama().bind(gguf, weights);
      weights.load((_, _) -> {});
      var settings = Evaluations.settings(TensorType.F32, true);
      Decoder learned = decoder::forward; // as one whose positions are learned
      try (var cache = new KvCache(weights, hp.cacheLayout(), 256, settings);
          var fixed = new Evaluator(learned, weights, cache, hp.vocabulary(), 64);
          var movable = new Evaluator(decoder, weights, cache, hp.vocabulary(), 64)) {
        var tokens = new int[] {5, 6, 7, 8, 9};
        fixed.evaluate(Batch.next(tokens, 0, 0));
        assertThatExceptionOfType(UnsupportedOperationException.class)
            .isThrownBy(() -> fixed.drop(0, 1, 2))
            .withMessageContaining("move");
        assertThat(cache.length(0)).isEqualTo(5);
        cache.fork(0, 3);
        assertThatIllegalStateException()
            .isThrownBy(() -> movable.drop(0, 1, 2))
            .withMessageContaining("shares");
        assertThat(cache.length(0)).isEqualTo(5);
        // The end can go, for nothing behind it moves.
        movable.drop(0, 3, 5);
        assertThat(cache.length(0)).isEqualTo(3);
        assertThat(cache.length(3)).isEqualTo(5);
        cache.rewind(3, 0);
        movable.drop(0, 0, 1);
        assertThat(cache.length(0)).isEqualTo(2);
      } finally {
        weights.close();
      }
    }
  }
}
