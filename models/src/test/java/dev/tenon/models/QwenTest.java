package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorType;
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
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What is Qwen's own: layers that see the last tokens alone, where a key of Tenon's says so.
class QwenTest {
  private static final int WINDOW = 6;
  private static final int[] TOKENS = new Random(5).ints(30, 0, TinyFile.TOKENS).toArray();

  @TempDir Path folder;

  static Stream<TinyQwen> models() {
    return Stream.of(TinyQwen.TWO, TinyQwen.THREE);
  }

  private static Consumer<GgufWriter> window(int... local) {
    return w -> {
      TinyFile.number(w, "tenon.attention.sliding_window", WINDOW);
      w.put(
          "tenon.attention.sliding_window_pattern",
          GgufValue.Array.of(
              GgufType.BOOL,
              Arrays.stream(local).mapToObj(flag -> new GgufValue.Bool(flag != 0)).toList()));
    };
  }

  private Evaluations open(TinyQwen tiny, Consumer<GgufWriter> change) throws IOException {
    return new Evaluations(
        tiny.write(folder.resolve("m.gguf"), change),
        tiny.architecture(),
        Evaluations.settings(TensorType.F32, false),
        false);
  }

  @ParameterizedTest
  @MethodSource("models")
  void aTokenBeyondTheWindowIsNotSeen(TinyQwen tiny) throws IOException {
    float[][] whole;
    try (var open = open(tiny, _ -> {})) {
      whole = open.all(TOKENS);
    }
    float[][] seen;
    try (var open = open(tiny, window(0, 1))) {
      seen = open.all(TOKENS);
      open.check(TOKENS, seen, 1e-10);
    }
    // Until the window is full nothing is different, and from then on something is.
    assertThat(nmse(seen, whole, 0, WINDOW)).isZero();
    for (int i = WINDOW; i < TOKENS.length; i++)
      assertThat(nmse(seen, whole, i, i + 1)).as("token " + i).isGreaterThan(1e-9);
    try (var open = open(tiny, window(0, 0))) {
      assertThat(Logits.nmse(open.all(TOKENS), whole)).isZero();
    }
  }

  private static double nmse(float[][] got, float[][] expected, int from, int to) {
    return Logits.nmse(Arrays.copyOfRange(got, from, to), Arrays.copyOfRange(expected, from, to));
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void inOneLayerTheLastTokensAreAllThereIs(boolean three) throws IOException {
    var tiny = new TinyQwen(three, 1, 32, 4, 2, 8, 48, true, 9);
    try (var open = open(tiny, window(1))) {
      var last = open.all(TOKENS)[TOKENS.length - 1];
      var alone = open.all(Arrays.copyOfRange(TOKENS, TOKENS.length - WINDOW, TOKENS.length));
      assertThat(Logits.nmse(new float[][] {last}, new float[][] {alone[WINDOW - 1]}))
          .isLessThan(1e-10);
    }
  }

  @Test
  void aPatternThatDoesNotFitIsRefusedByName() {
    for (var bad : List.of(window(), window(1), window(1, 0, 1))) {
      assertThatExceptionOfType(GgufFormatException.class)
          .isThrownBy(() -> open(TinyQwen.TWO, bad))
          .withMessageContaining("tenon.attention.sliding_window_pattern");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "gelu       | \"hidden_act\": \"gelu\"",
        "llama3     | \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0}",
        "longrope   | \"rope_scaling\": {\"type\": \"longrope\"}",
        "unheard-of | \"rope_scaling\": {\"type\": \"unheard-of\"}",
      })
  void aFolderThatAsksForSomethingElseIsRefusedByName(String refused, String setting)
      throws IOException {
    var sizes =
        "\"hidden_size\": 8, \"num_attention_heads\": 2, \"num_hidden_layers\": 1, "
            + "\"max_position_embeddings\": 64, \"intermediate_size\": 8, ";
    for (var mapping : List.of(new Qwen2(), new Qwen3())) {
      var config =
          "{\"architectures\": [\""
              + mapping.classes().getFirst()
              + "\"], "
              + sizes
              + setting
              + "}";
      assertThatExceptionOfType(UnsupportedOperationException.class)
          .isThrownBy(() -> MappedFolder.map(folder, config, mapping))
          .withMessageContainingAll("config.json", refused);
    }
  }
}
