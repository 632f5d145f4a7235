package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.tenon.Model;
import dev.tenon.SessionOptions;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Rotary factors that depend on the context asked for, however few tokens it holds.
class LongRopeTest {
  private static final int ORIGINAL = 100;

  @TempDir Path folder;

  /// One layer, so that keys depend on their own token alone.
  private static final TinyLlama LLAMA =
      new TinyLlama(1, 32, 4, 2, 48, 0, 0, false, false, true, 1);

  private static final TinyPhi3 PHI = new TinyPhi3(1, 32, 4, 2, 8, 48, 0, 0, true, true, 2);

  static Stream<TinyFile> models() {
    return Stream.of(LLAMA, PHI);
  }

  private static int[] tokens() {
    return new Random(7).ints(60, 3, TinyFile.TOKENS).toArray();
  }

  /// Both of four factors, for heads of 8.
  private static Consumer<GgufWriter> factors(TinyFile tiny, float usual, float beyond) {
    return w -> {
      var key = tiny.architecture().name() + ".rope.scaling.";
      w.put(key + "type", "longrope");
      TinyFile.number(w, key + "original_context_length", ORIGINAL);
      TinyFile.real(w, key + "attn_factor", 1.3);
      TinyPhi3.factors(w, "rope_factors_short.weight", 4, usual);
      TinyPhi3.factors(w, "rope_factors_long.weight", 4, beyond);
    };
  }

  private static SessionOptions options(int context) {
    return SessionOptions.of(context).withKeyType(TensorType.F32).withValueType(TensorType.F32);
  }

  private float[][] logits(TinyFile tiny, float usual, float beyond, int context)
      throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"), factors(tiny, usual, beyond));
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend);
        var session = model.newSession(options(context))) {
      return session.evaluateAll(tokens());
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void theContextAskedForChooses(TinyFile tiny) throws IOException {
    var usual = logits(tiny, 0.1f, 0.1f, ORIGINAL);
    var beyond = logits(tiny, 2, 2, ORIGINAL);
    assertThat(Logits.nmse(usual, beyond)).isGreaterThan(1e-4);
    assertThat(Logits.nmse(logits(tiny, 0.1f, 2, ORIGINAL - 40), usual)).isZero();
    assertThat(Logits.nmse(logits(tiny, 0.1f, 2, ORIGINAL), usual)).isZero();
    assertThat(Logits.nmse(logits(tiny, 0.1f, 2, ORIGINAL + 1), beyond)).isZero();
    assertThat(Logits.nmse(logits(tiny, 0.1f, 2, 0), beyond)).isZero(); // all that was trained
  }

  @ParameterizedTest
  @MethodSource("models")
  void movedTokensAreTurnedByTheSameFactors(TinyFile tiny) throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"), factors(tiny, 0.1f, 2));
    var last = new int[] {7, 8, 9};
    for (int context : new int[] {ORIGINAL, ORIGINAL + 1}) {
      try (var backend = Backend.cpu(1);
          var model = Model.load(file, backend);
          var session = model.newSession(options(context));
          var fresh = model.newSession(options(context))) {
        session.evaluate(tokens());
        session.drop(0, 20);
        fresh.evaluate(Arrays.copyOfRange(tokens(), 20, 60));
        double error = Logits.nmse(session.evaluateAll(last), fresh.evaluateAll(last));
        assertThat(error).isLessThan(1e-8);
      }
    }
  }

  @Test
  void aSavedSessionGoesOnInAContextOfItsOwnKind() throws IOException {
    var file = PHI.write(folder.resolve("m.gguf"), factors(PHI, 0.1f, 2));
    var saved = folder.resolve("session");
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend)) {
      try (var session = model.newSession(options(ORIGINAL))) {
        session.evaluate(tokens());
        session.save(saved);
      }
      try (var session = model.newSession(options(ORIGINAL - 20))) {
        session.restore(saved);
        assertThat(session.tokens()).isEqualTo(tokens());
      }
      try (var session = model.newSession(options(ORIGINAL + 1))) {
        assertThatIOException()
            .isThrownBy(() -> session.restore(saved))
            .withMessageContaining("factors of a long context");
        assertThat(session.position()).isZero();
      }
    }
  }

  @Test
  void theMagnitudeCounts() throws IOException {
    var file = PHI.write(folder.resolve("m.gguf"), factors(PHI, 1, 1));
    var other =
        PHI.write(
            folder.resolve("other.gguf"),
            factors(PHI, 1, 1).andThen(w -> TinyFile.real(w, "phi3.rope.scaling.attn_factor", 1)));
    try (var one =
            new Evaluations(file, new Phi3(), Evaluations.settings(TensorType.F32, false), false);
        var two =
            new Evaluations(
                other, new Phi3(), Evaluations.settings(TensorType.F32, false), false)) {
      assertThat(Logits.nmse(one.all(tokens()), two.all(tokens()))).isGreaterThan(1e-4);
    }
  }

  static Stream<Arguments> badFiles() {
    return Stream.of(
        bad(
            "short ones alone",
            "rope_factors_long.weight",
            w -> TinyPhi3.factors(w, "rope_factors_short.weight", 4, 1)),
        bad(
            "long ones alone",
            "rope_factors_short.weight",
            w -> TinyPhi3.factors(w, "rope_factors_long.weight", 4, 1)),
        bad(
            "too many",
            "rope_factors_long.weight",
            w -> {
              TinyPhi3.factors(w, "rope_factors_short.weight", 4, 1);
              TinyPhi3.factors(w, "rope_factors_long.weight", 5, 1);
            }),
        bad(
            "too few",
            "rope_factors_short.weight",
            w -> {
              TinyPhi3.factors(w, "rope_factors_short.weight", 3, 1);
              TinyPhi3.factors(w, "rope_factors_long.weight", 4, 1);
            }),
        bad(
            "no magnitude",
            "rope.scaling.attn_factor finite",
            w -> {
              TinyFile.real(w, "phi3.rope.scaling.attn_factor", Double.NaN);
              TinyFile.real(w, "llama.rope.scaling.attn_factor", Double.NaN);
            }));
  }

  private static Arguments bad(String what, String message, Consumer<GgufWriter> change) {
    return Arguments.of(what, message, change);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badFiles")
  void factorsThatDoNotFitAreRefusedByName(String what, String message, Consumer<GgufWriter> change)
      throws IOException {
    for (var tiny : new TinyFile[] {LLAMA, PHI}) {
      var file = tiny.write(folder.resolve("m.gguf"), change);
      assertThatExceptionOfType(GgufFormatException.class)
          .isThrownBy(
              () ->
                  new Evaluations(
                          file,
                          tiny.architecture(),
                          Evaluations.settings(TensorType.F32, false),
                          false)
                      .close())
          .withMessageContainingAll(file.toString(), message);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'[1, 2, 3, 4]', '[1, 2, 3]', 'short_factor'",
    "'[1, 2, 3, 4, 5]', '[1, 2, 3, 4]', 'long_factor'",
    "'[1, 2, 3, 4]', '[]', 'short_factor'",
    "'[1, 2, 3, \"4\"]', '[1, 2, 3, 4]', 'long_factor'",
  })
  void aFolderWhoseFactorsDoNotFitIsRefusedByName(String beyond, String usual, String key) {
    var config =
        """
        {"architectures": ["Phi3ForCausalLM"], "hidden_size": 32, "num_attention_heads": 4,
         "num_hidden_layers": 1, "vocab_size": 9, "max_position_embeddings": 64,
         "original_max_position_embeddings": 16, "intermediate_size": 8, "rms_norm_eps": 1e-5,
         "rope_scaling": {"type": "longrope", "factor": 2, "long_factor": %s, "short_factor": %s}}
        """
            .formatted(beyond, usual);
    for (var mapping : List.of(new Phi3(), new Llama())) {
      assertThatIOException()
          .isThrownBy(() -> MappedFolder.map(folder, config, mapping))
          .withMessageContainingAll("config.json", key);
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, 0.1, 0.4, 1.5, -1})
  void aPartOfAHeadThatIsNoPairsIsRefusedByName(double part) {
    var config =
        """
        {"architectures": ["Phi3ForCausalLM"], "hidden_size": 32, "num_attention_heads": 4,
         "num_hidden_layers": 1, "max_position_embeddings": 64, "intermediate_size": 8,
         "rms_norm_eps": 1e-5, "partial_rotary_factor": %s}
        """
            .formatted(part);
    assertThatIOException()
        .isThrownBy(() -> MappedFolder.map(folder, config, new Phi3()))
        .withMessageContainingAll("config.json", "partial_rotary_factor");
  }
}
