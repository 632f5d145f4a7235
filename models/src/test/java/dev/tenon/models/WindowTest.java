package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.Model;
import dev.tenon.SessionOptions;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Layers that see the last tokens alone: what is beyond the window is forgotten, whatever else is
/// in the cache.
class WindowTest {
  private static final int WINDOW = 6;

  @TempDir Path folder;

  private static int[] tokens() {
    return new Random(6).ints(40, 3, TinyFile.TOKENS).toArray();
  }

  /// Models of one layer, so that a token sees no further than its window, with the key for it.
  static Stream<Arguments> models() {
    return Stream.of(
            Arguments.of(
                new TinyLlama(1, 32, 4, 2, 48, 0, 0, false, false, true, 1),
                "tenon.attention.sliding_window"),
            Arguments.of(
                new TinyPhi3(1, 32, 4, 2, 8, 48, 0, 0, true, true, 2),
                "phi3.attention.sliding_window"),
            Arguments.of(
                new TinyGemma3(1, 32, 4, 2, 8, 48, 0, 0, true, false, 3),
                "gemma3.attention.sliding_window"))
        .flatMap(
            model ->
                Stream.of(true, false)
                    .map(flash -> Arguments.of(model.get()[0], model.get()[1], flash)));
  }

  private float[][] logits(TinyFile tiny, Consumer<GgufWriter> change, boolean flash, int[] tokens)
      throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"), change);
    try (var open =
        new Evaluations(
            file, tiny.architecture(), Evaluations.settings(TensorType.F32, flash), false)) {
      return open.all(tokens);
    }
  }

  private static Consumer<GgufWriter> window(String key, long tokens) {
    return w -> TinyFile.number(w, key, tokens);
  }

  @ParameterizedTest
  @MethodSource("models")
  void aTokenIsSeenByThoseWithinTheWindowAlone(TinyFile tiny, String key, boolean flash)
      throws IOException {
    var tokens = tokens();
    var before = logits(tiny, window(key, WINDOW), flash, tokens);
    int changed = 10;
    tokens[changed] = tokens[changed] == 7 ? 8 : 7;
    var after = logits(tiny, window(key, WINDOW), flash, tokens);
    for (int i = 0; i < tokens.length; i++) {
      double error = Logits.nmse(new float[][] {after[i]}, new float[][] {before[i]});
      if (i >= changed && i < changed + WINDOW) assertThat(error).as("at " + i).isGreaterThan(1e-6);
      else assertThat(error).as("at " + i).isLessThan(1e-12);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aWindowAsLongAsTheTokensIsNone(TinyFile tiny, String key, boolean flash) throws IOException {
    var tokens = tokens();
    var all = logits(tiny, _ -> {}, flash, tokens);
    if (!(tiny instanceof TinyGemma3)) { // whose local layers rotate by another base
      assertThat(Logits.nmse(logits(tiny, window(key, 40), flash, tokens), all)).isLessThan(1e-12);
      assertThat(Logits.nmse(logits(tiny, window(key, Integer.MAX_VALUE), flash, tokens), all))
          .isLessThan(1e-12);
    }
    assertThat(Logits.nmse(logits(tiny, window(key, 0), flash, tokens), all)).isLessThan(1e-12);
    assertThat(Logits.nmse(logits(tiny, window(key, 39), flash, tokens), all)).isGreaterThan(1e-9);
  }

  @ParameterizedTest
  @MethodSource("models")
  void aTokenInAWindowOfOneIsAlone(TinyFile tiny, String key, boolean flash) throws IOException {
    var tokens = tokens();
    var file = tiny.write(folder.resolve("m.gguf"), window(key, 1));
    try (var open =
        new Evaluations(
            file, tiny.architecture(), Evaluations.settings(TensorType.F32, flash), false)) {
      var all = open.all(tokens);
      for (int i = 0; i < tokens.length; i++) {
        var alone = open.all(new int[] {tokens[i]});
        assertThat(Logits.nmse(alone, new float[][] {all[i]})).isLessThan(1e-8);
      }
    }
  }

  @Test
  void localLayersAreListedOrAllButEachLastOfSome() throws IOException {
    var tokens = tokens();
    var usual = pattern(tokens, _ -> {});
    var listed = pattern(tokens, w -> list(w, 1, 1, 1, 1, 1, 0, 1));
    assertThat(Logits.nmse(listed, usual)).isZero();
    assertThat(Logits.nmse(pattern(tokens, w -> period(w, 6)), usual)).isZero();
    var third = pattern(tokens, w -> period(w, 3));
    assertThat(Logits.nmse(third, usual)).isGreaterThan(1e-4);
    assertThat(Logits.nmse(pattern(tokens, w -> list(w, 1, 1, 0, 1, 1, 0, 1)), third)).isZero();
    var all = pattern(tokens, w -> period(w, 0));
    assertThat(Logits.nmse(pattern(tokens, w -> list(w, 1, 1, 1, 1, 1, 1, 1)), all)).isZero();
    var none = pattern(tokens, w -> period(w, 1));
    assertThat(Logits.nmse(pattern(tokens, w -> list(w, 0, 0, 0, 0, 0, 0, 0)), none)).isZero();
    var without = pattern(tokens, w -> w.remove("gemma3.attention.sliding_window"));
    assertThat(Logits.nmse(without, none)).isZero();
  }

  private float[][] pattern(int[] tokens, Consumer<GgufWriter> change) throws IOException {
    var file = TinyGemma3.SEVEN.write(folder.resolve("m.gguf"), change);
    try (var open =
        new Evaluations(file, new Gemma3(), Evaluations.settings(TensorType.F32, false), false)) {
      return open.all(tokens);
    }
  }

  private static void list(GgufWriter w, int... local) {
    var flags = IntStream.of(local).mapToObj(i -> new GgufValue.Bool(i != 0)).toList();
    w.put("gemma3.attention.sliding_window_pattern", GgufValue.Array.of(GgufType.BOOL, flags));
  }

  private static void period(GgufWriter w, long layers) {
    TinyFile.number(w, "gemma3.attention.sliding_window_pattern", layers);
  }

  /// The first layer is silent, so that keys of the second depend on their own token alone: those
  /// that have moved must be what a fresh evaluation gives, by the base of that layer.
  @ParameterizedTest
  @MethodSource("orders")
  void movedTokensAreTurnedByTheBaseOfTheirLayer(int[] local) throws IOException {
    var tiny = new TinyGemma3(2, 32, 4, 2, 16, 48, 30, 0, true, true, 5);
    var file = tiny.write(folder.resolve("m.gguf"), w -> list(w, local));
    var text = new Random(1).ints(120, 3, TinyFile.TOKENS).toArray();
    var last = new int[] {7, 8, 9};
    var options = SessionOptions.of(300).withKeyType(TensorType.F32).withValueType(TensorType.F32);
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend);
        var session = model.newSession(options);
        var fresh = model.newSession(options)) {
      session.evaluate(text);
      session.drop(10, 70);
      fresh.evaluate(
          IntStream.range(0, 120).filter(i -> i < 10 || i >= 70).map(i -> text[i]).toArray());
      double error = Logits.nmse(session.evaluateAll(last), fresh.evaluateAll(last));
      assertThat(error).isLessThan(1e-8);
    }
  }

  static Stream<int[]> orders() {
    return Stream.of(new int[] {0, 1}, new int[] {1, 0});
  }

  static Stream<Arguments> badFiles() {
    return Stream.of(
        bad("too long a list", "for each of the 7 layers", w -> list(w, 1, 1, 1, 1, 1, 1, 1, 1)),
        bad("no list", "for each of the 7 layers", w -> list(w)),
        bad(
            "a list of texts",
            "sliding_window_pattern",
            w ->
                w.put(
                    "gemma3.attention.sliding_window_pattern",
                    GgufValue.Array.strings(List.of("a")))),
        bad("a huge period", "sliding_window_pattern from 0", w -> period(w, 0xFFFFFFFFL)),
        bad(
            "a huge window",
            "gemma3.attention.sliding_window from 0",
            w -> TinyFile.number(w, "gemma3.attention.sliding_window", 0x80000000L)),
        bad(
            "a negative window",
            "gemma3.attention.sliding_window from 0",
            w -> w.put("gemma3.attention.sliding_window", new GgufValue.Int(GgufType.INT32, -1))),
        bad(
            "no base",
            "gemma3.rope.freq_base_swa above 0",
            w -> TinyFile.real(w, "gemma3.rope.freq_base_swa", 0)),
        bad(
            "a negative base",
            "gemma3.rope.freq_base above 0",
            w -> TinyFile.real(w, "gemma3.rope.freq_base", -1)),
        bad(
            "a base that is no number",
            "gemma3.rope.freq_base_swa finite",
            w -> TinyFile.real(w, "gemma3.rope.freq_base_swa", Double.NaN)),
        bad(
            "an endless base",
            "gemma3.rope.freq_base finite",
            w -> TinyFile.real(w, "gemma3.rope.freq_base", Double.POSITIVE_INFINITY)),
        bad(
            "a negative scale",
            "gemma3.attention.scale of at least 0",
            w -> TinyFile.real(w, "gemma3.attention.scale", -1)),
        bad(
            "a cap that is no number",
            "gemma3.final_logit_softcapping finite",
            w -> TinyFile.real(w, "gemma3.final_logit_softcapping", Double.NaN)),
        bad(
            "a negative stretch",
            "gemma3.rope.scaling.factor of at least 0",
            w -> TinyFile.real(w, "gemma3.rope.scaling.factor", -4)),
        bad(
            "heads of another length in local layers",
            "gemma3.attention.key_length_swa",
            w -> TinyFile.number(w, "gemma3.attention.key_length_swa", 8)));
  }

  private static Arguments bad(String what, String message, Consumer<GgufWriter> change) {
    return Arguments.of(what, message, change);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badFiles")
  void aFileThatDoesNotFitIsRefusedByName(String what, String message, Consumer<GgufWriter> change)
      throws IOException {
    var file = TinyGemma3.SEVEN.write(folder.resolve("m.gguf"), change);
    assertThatExceptionOfType(GgufFormatException.class)
        .isThrownBy(
            () ->
                new Evaluations(
                        file, new Gemma3(), Evaluations.settings(TensorType.F32, false), false)
                    .close())
        .withMessageContainingAll(file.toString(), message);
  }

  @Test
  void aWindowOfMistralThatIsNoneIsRefused() throws IOException {
    var file =
        TinyLlama.DENSE.write(
            folder.resolve("m.gguf"), w -> w.put("tenon.attention.sliding_window", "all"));
    assertThatExceptionOfType(GgufFormatException.class)
        .isThrownBy(
            () ->
                new Evaluations(
                        file, new Llama(), Evaluations.settings(TensorType.F32, false), false)
                    .close())
        .withMessageContaining("tenon.attention.sliding_window");
  }
}
