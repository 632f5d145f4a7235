package dev.tenon.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class QuantizerTest {
  @TempDir Path folder;
  private Path in;
  private Path out;

  @BeforeEach
  void write() throws IOException {
    in = folder.resolve("in.gguf");
    out = folder.resolve("out.gguf");
    SmallFile.writer(256).write(in);
  }

  private static QuantizeOptions to(FileType type) {
    return QuantizeOptions.of(type).withThreads(2);
  }

  private Map<String, TensorType> types(QuantizeOptions options) throws IOException {
    try (var gguf = Gguf.open(in)) {
      var types = new LinkedHashMap<String, TensorType>();
      for (var step : Quantizer.of(gguf, options).steps()) types.put(step.name(), step.type());
      return types;
    }
  }

  private void quantize(QuantizeOptions options) throws IOException {
    try (var gguf = Gguf.open(in)) {
      Quantizer.of(gguf, options).write(out);
    }
  }

  private void refuses(QuantizeOptions options, Class<?> type, String... hints) {
    assertThatThrownBy(() -> quantize(options))
        .isInstanceOf(type)
        .satisfies(e -> assertThat(e.getMessage()).contains(hints).doesNotContain("\n"));
    assertThat(folder).isDirectoryNotContaining("glob:**/*.tmp");
    assertThat(out).doesNotExist();
  }

  @Test
  void someTensorsGetMoreBits() throws IOException {
    var types = types(to(FileType.Q4_K_M));
    assertThat(types)
        .containsEntry("output_norm.weight", TensorType.F32)
        .containsEntry("token_embd.weight", TensorType.Q4_K)
        .containsEntry("output.weight", TensorType.Q6_K)
        .containsEntry("blk.0.attn_v.weight", TensorType.Q6_K)
        .containsEntry("blk.1.attn_v.weight", TensorType.Q4_K)
        .containsEntry("blk.3.attn_v.weight", TensorType.Q6_K)
        .containsEntry("blk.7.ffn_down.weight", TensorType.Q6_K)
        .containsEntry("blk.2.ffn_down.weight", TensorType.Q4_K);
    assertThat(types.keySet())
        .startsWith("output.weight", "output_norm.weight", "token_embd.weight")
        .containsSequence("blk.0.ffn_down.weight", "blk.1.attn_k.weight");
  }

  @Test
  void optionsGoBeforeTheRule() throws IOException {
    assertThat(types(to(FileType.Q4_K_M).withPure(true)))
        .containsEntry("output.weight", TensorType.Q4_K)
        .containsEntry("blk.0.attn_v.weight", TensorType.Q4_K);
    var rules =
        List.of(
            new QuantizeOptions.Rule(Pattern.compile("attn_q"), TensorType.Q8_0),
            new QuantizeOptions.Rule(Pattern.compile("attn"), TensorType.F16));
    assertThat(
            types(
                to(FileType.Q4_K_M)
                    .withRules(rules)
                    .withLeaveOutput(true)
                    .withEmbeddingType(TensorType.Q5_0)))
        .containsEntry("output.weight", TensorType.F32)
        .containsEntry("token_embd.weight", TensorType.Q5_0)
        .containsEntry("blk.0.attn_q.weight", TensorType.Q8_0)
        .containsEntry("blk.0.attn_v.weight", TensorType.F16);
    assertThat(types(to(FileType.COPY))).containsOnlyKeys(types(to(FileType.Q8_0)).keySet());
    assertThat(types(to(FileType.COPY)).values()).containsOnly(TensorType.F32);
  }

  @ParameterizedTest
  @ValueSource(ints = {32, 40})
  void rowsThatAreNoMultipleOfABlockGetAnotherType(int width) throws IOException {
    SmallFile.writer(width).write(in);
    assertThat(types(to(FileType.Q4_K_S)))
        .containsEntry("blk.7.attn_q.weight", width == 32 ? TensorType.Q5_0 : TensorType.F16);
    assertThatThrownBy(() -> types(to(FileType.Q1_0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("[" + width + ", ")
        .hasMessageContaining("multiple of 128");
    assertThatThrownBy(() -> types(to(FileType.Q8_0).withOutputType(TensorType.Q6_K)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("output.weight");
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q4_K_M", "IQ4_XS", "F16", "COPY"})
  void neitherThreadsNorMemoryChangeTheFile(FileType type) throws IOException {
    quantize(to(type).withThreads(1));
    var bytes = Files.readAllBytes(out);
    quantize(to(type).withThreads(3).withBufferBytes(1));
    assertThat(Files.readAllBytes(out)).isEqualTo(bytes);
    quantize(to(type).withThreads(2).withBufferBytes(40_000));
    assertThat(Files.readAllBytes(out)).isEqualTo(bytes);
  }

  @Test
  void metadataSayWhatWasDone() throws IOException {
    quantize(to(FileType.Q8_0).withMetadata(Map.of("general.name", new GgufValue.Text("new"))));
    try (var gguf = Gguf.open(out)) {
      assertThat(gguf.integer("general.file_type")).isEqualTo(7);
      assertThat(gguf.integer("general.quantization_version")).isEqualTo(2);
      assertThat(gguf.text("general.name")).isEqualTo("new");
      assertThat(gguf.keys()).endsWith("general.file_type", "general.name");
    }
    quantize(to(FileType.COPY));
    try (var gguf = Gguf.open(out)) {
      assertThat(gguf.integer("general.file_type")).isEqualTo(1024); // guessed: F32
    }
  }

  @Test
  void layersAreLeftOutAndRenumbered() throws IOException {
    var options = to(FileType.COPY).withPrunedLayers(new TreeSet<>(List.of(0, 3)));
    quantize(options);
    try (var before = Gguf.open(in);
        var after = Gguf.open(out)) {
      assertThat(after.integer("llama.block_count")).isEqualTo(6);
      assertThat(after.hasTensor("blk.6.attn_q.weight")).isFalse();
      for (int layer : new int[] {1, 2, 4, 7}) {
        int now = layer - (layer > 3 ? 2 : 1);
        var name = ".attn_q.weight";
        var was = before.data(before.tensor("blk." + layer + name));
        assertThat(was.mismatch(after.data(after.tensor("blk." + now + name)))).isEqualTo(-1);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q8_0", "Q4_K_M", "F16", "BF16", "COPY"})
  void weightsThatAreNoNumbersAreRefused(FileType type) throws IOException {
    for (float bad : new float[] {Float.NaN, Float.NEGATIVE_INFINITY}) {
      var writer = SmallFile.writer(256);
      var values = new float[512];
      values[300] = bad;
      SmallFile.tensor(writer, "blk.8.attn_q.weight", values, 256, 2);
      writer.write(in);
      refuses(to(type), IOException.class, in.toString(), "blk.8.attn_q.weight", "row 1");
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"Q4_0", "Q8_0", "Q4_K_M", "F16", "IQ3_S"})
  void weightsTooLargeForTheirTypeAreRefused(FileType type) throws IOException {
    var writer = SmallFile.writer(256);
    var values = new float[256 * 2];
    values[256] = 1e30f;
    SmallFile.tensor(writer, "blk.8.attn_q.weight", values, 256, 2);
    writer.write(in);
    refuses(to(type).withPure(true), IOException.class, "blk.8.attn_q.weight");
    quantize(to(FileType.BF16)); // holds them
  }

  @Test
  void whatCannotBeDoneIsRefusedBeforeAnythingIsWritten() throws IOException {
    refuses(to(FileType.IQ2_XXS), IllegalArgumentException.class, "importance");
    refuses(
        to(FileType.Q8_0).withEmbeddingType(TensorType.IQ1_S),
        IllegalArgumentException.class,
        "token_embd.weight",
        "importance");
    refuses(
        to(FileType.Q8_0).withOutputType(TensorType.I32),
        IllegalArgumentException.class,
        "output.weight",
        "i32");
    var rule = new QuantizeOptions.Rule(Pattern.compile("attn_q"), TensorType.Q8_1);
    refuses(to(FileType.Q8_0).withRules(List.of(rule)), IllegalArgumentException.class, "q8_1");
    quantize(to(FileType.Q8_0));
    Files.move(out, folder.resolve("q8.gguf"));
    in = folder.resolve("q8.gguf");
    refuses(to(FileType.Q4_0), IllegalStateException.class, "quantized already", "q8_0");
    quantize(to(FileType.Q4_0).withRequantize(true));
    assertThat(out).exists();
  }

  @Test
  void theSourceIsNoTarget() throws IOException {
    var before = Files.readAllBytes(in);
    var link = folder.resolve("link.gguf");
    Files.createSymbolicLink(link, in);
    for (var target : List.of(in, folder.resolve("./in.gguf"), link)) {
      out = target;
      assertThatThrownBy(() -> quantize(to(FileType.Q8_0)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("same file");
    }
    assertThat(Files.readAllBytes(in)).isEqualTo(before);
  }

  @Test
  void anInterruptionLeavesNothingBehind() throws IOException {
    var options = to(FileType.Q4_K_M).withProgress((_, _) -> Thread.currentThread().interrupt());
    assertThatThrownBy(() -> quantize(options)).isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(SmallFile.names(folder)).containsExactly("in.gguf");
    try (var gguf = Gguf.open(in)) {
      var quantizer = Quantizer.of(gguf, to(FileType.Q8_0));
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> quantizer.write(out)).isInstanceOf(CancellationException.class);
    }
    assertThat(Thread.interrupted()).isTrue();
    assertThat(SmallFile.names(folder)).containsExactly("in.gguf");
  }

  @Test
  void progressEndsWithAllBytes() throws IOException {
    var last = new long[2];
    quantize(
        to(FileType.Q8_0)
            .withProgress(
                (done, total) -> {
                  assertThat(done).isGreaterThan(last[0]);
                  last[0] = done;
                  last[1] = total;
                }));
    assertThat(last[0]).isEqualTo(last[1]).isPositive();
  }

  @Test
  void aSplitSetStaysOneWhereThatIsWanted() throws IOException {
    try (var gguf = Gguf.open(in)) {
      var cut = new SplitSet.Cut(20, 0, false);
      SplitSet.split(gguf, folder.resolve("set"), cut, (_, _) -> {});
    }
    in = SplitSet.path(folder.resolve("set"), 0, 3);
    quantize(to(FileType.Q8_0));
    quantize(to(FileType.Q8_0).withKeepSplit(true));
    try (var one = Gguf.open(out);
        var set = Gguf.open(folder.resolve("out-00001-of-00003.gguf"))) {
      assertThat(set.parts()).isEqualTo(3);
      for (var tensor : one.tensors())
        assertThat(one.data(tensor).mismatch(set.data(set.tensor(tensor.name())))).isEqualTo(-1);
    }
  }

  @Test
  void anImportanceMustHaveTheRightSize() throws IOException {
    var matrix = SmallFile.writer(256);
    matrix.put("imatrix.datasets", GgufValue.Array.strings(List.of("text")));
    matrix.put("imatrix.chunk_count", new GgufValue.Int(GgufType.UINT32, 3));
    matrix.put("imatrix.chunk_size", new GgufValue.Int(GgufType.UINT32, 128));
    var sums = new float[128];
    SmallFile.tensor(matrix, "blk.0.attn_q.weight.in_sum2", sums, 128);
    SmallFile.tensor(matrix, "blk.0.attn_q.weight.counts", new float[] {4}, 1);
    var file = folder.resolve("matrix.gguf");
    matrix.write(file);
    var read = ImportanceMatrix.read(file);
    refuses(
        to(FileType.Q4_0).withImportance(read),
        IllegalArgumentException.class,
        "128 columns",
        "blk.0.attn_q.weight",
        "256");
    quantize(to(FileType.Q4_0).withImportance(read.without(List.of("attn"))));
    try (var gguf = Gguf.open(out)) {
      assertThat(gguf.has("quantize.imatrix.file")).isFalse();
    }
  }
}
