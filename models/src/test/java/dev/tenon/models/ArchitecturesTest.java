package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Every architecture on files of random weights: however the tokens are cut up, the logits are the
/// same, and a file that does not fit is refused by name.
class ArchitecturesTest {
  @TempDir Path folder;

  private static int[] tokens() {
    return new Random(5).ints(40, 0, TinyFile.TOKENS).toArray();
  }

  static Stream<TinyFile> files() {
    return Stream.of(
        TinyLlama.DENSE,
        TinyLlama.BIASED,
        TinyLlama.MIXTURE,
        TinyGpt2.TIED,
        TinyGpt2.UNTIED,
        TinyQwen.TWO,
        TinyQwen.TWO_UNTIED,
        TinyQwen.THREE,
        TinyQwen.THREE_UNTIED,
        TinyGemma3.SEVEN,
        TinyGemma3.CAPPED,
        TinyPhi3.PLAIN,
        TinyPhi3.PARTIAL,
        TinyPhi3.LONG);
  }

  static Stream<Arguments> withAndWithoutFlashAttention() {
    return files().flatMap(tiny -> Stream.of(true, false).map(flash -> Arguments.of(tiny, flash)));
  }

  /// All logits, each evaluated exactly.
  private static float[][] exact(Path file, TinyFile tiny) throws IOException {
    try (var open =
        new Evaluations(
            file, tiny.architecture(), Evaluations.settings(TensorType.F32, false), false)) {
      return open.all(tokens());
    }
  }

  @ParameterizedTest
  @MethodSource("withAndWithoutFlashAttention")
  void theSameHoweverTheTokensAreCutUp(TinyFile tiny, boolean flash) throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"));
    try (var open =
        new Evaluations(
            file, tiny.architecture(), Evaluations.settings(TensorType.F32, flash), false)) {
      open.check(tokens(), open.all(tokens()), 1e-10);
    }
  }

  @ParameterizedTest
  @MethodSource("withAndWithoutFlashAttention")
  void aSmallerCacheIsAlmostAsGood(TinyFile tiny, boolean flash) throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"));
    try (var open =
        new Evaluations(
            file, tiny.architecture(), Evaluations.settings(TensorType.F16, flash), true)) {
      open.check(tokens(), exact(file, tiny), 1e-4);
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void theSameWhereQueriesKeysAndValuesAreOneMatrix(TinyFile tiny) throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"));
    try (var open =
        new Evaluations(
            fused(file, folder.resolve("fused.gguf")),
            tiny.architecture(),
            Evaluations.settings(TensorType.F32, false),
            false)) {
      open.check(tokens(), exact(file, tiny), 1e-10);
    }
  }

  /// A copy in which `attn_q`, `attn_k` and `attn_v` lie below each other.
  private static Path fused(Path file, Path copy) throws IOException {
    try (var gguf = Gguf.open(file);
        var arena = Arena.ofConfined()) {
      var writer = new GgufWriter().copy(gguf);
      for (var info : gguf.tensors()) {
        if (info.name().contains("attn_q.")) {
          var fused = new ByteArrayOutputStream();
          for (var part : new String[] {"attn_q.", "attn_k.", "attn_v."}) {
            var tensor = gguf.tensor(info.name().replace("attn_q.", part));
            fused.write(gguf.map(tensor, arena).toArray(ValueLayout.JAVA_BYTE));
          }
          long rows = fused.size() / 4 / (info.name().endsWith("bias") ? 1 : info.shape().n0());
          writer.tensor(
              info.name().replace("attn_q.", "attn_qkv."),
              TensorType.F32,
              info.name().endsWith("bias") ? Shape.of(rows) : Shape.of(info.shape().n0(), rows),
              MemorySegment.ofArray(fused.toByteArray()));
        } else if (!info.name().matches(".*attn_[kv]\\..*")) {
          writer.tensor(gguf, info);
        }
      }
      writer.write(copy);
    }
    return copy;
  }

  @ParameterizedTest
  @MethodSource("files")
  void aTensorOfAnotherShapeIsRefusedByName(TinyFile tiny) throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"));
    try (var gguf = Gguf.open(file)) {
      for (var wrong : gguf.tensors()) {
        var longer = new long[] {wrong.shape().n0() + 32, wrong.shape().n1(), wrong.shape().n2()};
        var writer = new GgufWriter().copy(gguf);
        for (var info : gguf.tensors()) {
          if (info != wrong) writer.tensor(gguf, info);
          else
            writer.tensor(
                info.name(),
                TensorType.F32,
                Shape.of(longer),
                MemorySegment.ofArray(new byte[4 * (int) Shape.of(longer).elements()]));
        }
        refuses(tiny, writer, "tensor " + wrong.name() + " of shape");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void aTensorThatIsMissingIsRefusedByName(TinyFile tiny) throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"));
    try (var gguf = Gguf.open(file)) {
      for (var missing : gguf.tensors()) {
        if (!missing.name().matches(".*(norm|embd|ffn_.*|attn_output|attn_v)\\.weight")) continue;
        var writer = new GgufWriter().copy(gguf);
        for (var info : gguf.tensors()) if (info != missing) writer.tensor(gguf, info);
        refuses(tiny, writer, "tensor " + missing.name());
      }
    }
  }

  @ParameterizedTest
  @MethodSource("files")
  void aNumberThatIsMissingIsRefusedByName(TinyFile tiny) throws IOException {
    var file = tiny.write(folder.resolve("m.gguf"));
    try (var gguf = Gguf.open(file)) {
      for (var key : gguf.keys()) {
        if (!key.matches(".*\\.(block_count|embedding_length|head_count|context_length|.*epsilon)"))
          continue;
        var writer = new GgufWriter().copy(gguf).remove(key);
        for (var info : gguf.tensors()) writer.tensor(gguf, info);
        refuses(tiny, writer, key);
      }
    }
  }

  private void refuses(TinyFile tiny, GgufWriter writer, String message) throws IOException {
    var file = folder.resolve("bad.gguf");
    writer.write(file);
    assertThatExceptionOfType(GgufFormatException.class)
        .isThrownBy(
            () ->
                new Evaluations(
                        file,
                        tiny.architecture(),
                        Evaluations.settings(TensorType.F32, false),
                        false)
                    .close())
        .withMessageContainingAll(file.toString(), message)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }
}
