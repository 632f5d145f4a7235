package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.tenon.Model;
import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.FileType;
import dev.tenon.convert.QuantizeOptions;
import dev.tenon.convert.Quantizer;
import dev.tenon.convert.SplitSet;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import dev.tenon.huggingface.FormatException;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class ConverterTest {
  @TempDir private Path temporary;

  private Path folder() {
    return temporary.resolve("Tiny-Instruct-v0.2");
  }

  private Path convert(Path folder, ConvertOptions options) throws IOException {
    var target = temporary.resolve("out.gguf");
    try (var open = ModelFolder.open(folder)) {
      Converter.of(open, options.withThreads(2)).write(target);
    }
    return target;
  }

  private static ConvertOptions to(FileType type) {
    return ConvertOptions.usual().withType(type);
  }

  /// Everything refused is refused in one line, and nothing is written.
  private void refused(Path folder, ConvertOptions options, Class<?> type, String... parts)
      throws IOException {
    assertThatThrownBy(() -> convert(folder, options))
        .isInstanceOf(type)
        .hasMessageContainingAll(parts)
        .hasMessageNotContaining("\n");
    try (var files = Files.list(temporary)) {
      assertThat(files).as("nothing is left").containsExactly(folder);
    }
  }

  private List<String> names() throws IOException {
    try (var files = Files.list(temporary)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static float[] logits(Path file) throws IOException {
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend);
        var session = model.newSession(8)) {
      return session.evaluate(1, 2, 3);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = FileType.class,
      names = {"F32", "F16", "BF16", "Q8_0", "Q4_0", "TQ2_0"})
  void aFileOfEachKindLoads(FileType type) throws IOException {
    var file = convert(new TinyFolder().write(folder()), to(type));
    assertThat(logits(file)).hasSize(TinyFolder.VOCABULARY).doesNotContain(Float.NaN);
    try (var gguf = Gguf.open(file)) {
      assertThat(gguf.integer("general.file_type")).isEqualTo(type.id());
      assertThat(gguf.text("general.name")).isEqualTo("Tiny Instruct v0.2");
      assertThat(gguf.text("tokenizer.ggml.model")).isEqualTo("none");
      assertThat(gguf.tensor("output_norm.weight").type()).isEqualTo(TensorType.F32);
    }
    try (var files = Files.list(temporary)) {
      assertThat(files).hasSize(2);
    }
  }

  @Test
  void rowsThatNoBlockDividesAreHalves() throws IOException {
    var file = convert(new TinyFolder().write(folder()), to(FileType.TQ2_0));
    try (var gguf = Gguf.open(file)) {
      assertThat(gguf.tensor("blk.0.ffn_up.weight").type()).isEqualTo(TensorType.F16);
    }
  }

  @Test
  void theStoredHalfTypeIsTheUsual() throws IOException {
    try (var gguf =
        Gguf.open(convert(new TinyFolder().halved().write(folder()), ConvertOptions.usual()))) {
      assertThat(gguf.tensor("blk.0.ffn_up.weight").type()).isEqualTo(TensorType.BF16);
    }
    try (var gguf = Gguf.open(convert(new TinyFolder().write(folder()), ConvertOptions.usual()))) {
      assertThat(gguf.tensor("blk.0.ffn_up.weight").type()).isEqualTo(TensorType.F16);
    }
  }

  @Test
  void shardsMakeTheSameFile() throws IOException {
    var one = Files.readAllBytes(convert(new TinyFolder().write(folder()), to(FileType.Q8_0)));
    Files.delete(folder().resolve("model.safetensors"));
    var three = convert(new TinyFolder().write(folder(), 3), to(FileType.Q8_0));
    assertThat(three).hasBinaryContent(one);
  }

  @Test
  void scaledEightBitsAreWhatTheyStandFor() throws IOException {
    var tiny = new TinyFolder();
    var name = "model.layers.0.mlp.up_proj.weight";
    var bytes = new byte[64 * 32];
    Arrays.fill(bytes, (byte) 0x3c); // 1.5
    tiny.tensors.put(name, new TinyFolder.Tensor("F8_E4M3", new long[] {64, 32}, bytes));
    tiny.tensors.put(name + "_scale_inv", TinyFolder.Tensor.of(new long[] {2, 1}, 2, 4));
    tiny.config =
        tiny.config.replaceFirst(
            "\\}$",
            ",\"quantization_config\":{\"quant_method\":\"fp8\",\"weight_block_size\":[32,32]}}");
    try (var gguf = Gguf.open(convert(tiny.write(folder()), to(FileType.F32)))) {
      var data = gguf.data(gguf.tensor("blk.0.ffn_up.weight"));
      assertThat(data.getAtIndex(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(3);
      assertThat(data.getAtIndex(ValueLayout.JAVA_FLOAT, 32 * 32)).isEqualTo(6);
    }
  }

  @Test
  void aVocabularyAloneHasNoTensors() throws IOException {
    var folder = new TinyFolder().write(folder());
    try (var gguf = Gguf.open(convert(folder, ConvertOptions.usual().withVocabularyOnly(true)))) {
      assertThat(gguf.tensors()).isEmpty();
      assertThat(gguf.integer("llama.vocab_size")).isEqualTo(TinyFolder.VOCABULARY);
    }
  }

  @Test
  void aCutFileIsASet() throws IOException {
    var folder = new TinyFolder().write(folder());
    var whole = logits(convert(folder, to(FileType.F32)));
    var target = temporary.resolve("cut.gguf");
    try (var open = ModelFolder.open(folder)) {
      var options = to(FileType.F32).withCut(new SplitSet.Cut(8, 0, true));
      var files = Converter.of(open, options).write(target);
      assertThat(files).hasSize(4).allMatch(Files::exists);
      assertThat(logits(files.getFirst())).isEqualTo(whole);
    }
    assertThat(target).doesNotExist();
  }

  /// Of the same matrices as Q4_K_M, so that there is more than one type.
  @Test
  void aQuantizedFileIsCutAsItsPlanSays() throws IOException {
    var tiny = new TinyFolder();
    widen(tiny, 0);
    var folder = tiny.write(folder());
    var whole = logits(convert(folder, to(FileType.Q4_K_M)));
    try (var open = ModelFolder.open(folder)) {
      for (var cut : List.of(new SplitSet.Cut(8, 0, true), new SplitSet.Cut(0, 30_000, false))) {
        var target = temporary.resolve(cut.tensors() + "cut.gguf");
        var converter = Converter.of(open, to(FileType.Q4_K_M).withCut(cut));
        var files = converter.write(target);
        assertThat(files).hasSameSizeAs(converter.parts()).hasSizeGreaterThan(2);
        assertThat(logits(files.getFirst())).isEqualTo(whole);
        try (var set = Gguf.open(files.getFirst())) {
          var counts = new int[files.size()];
          for (var tensor : set.tensors()) counts[tensor.part()]++;
          assertThat(counts).containsExactly(converter.parts().toArray(Integer[]::new));
        }
        assertThat(target).doesNotExist();
      }
    }
    assertThat(names()).noneMatch(name -> name.endsWith(".tmp"));
  }

  /// What cannot be made without an importance is left out.
  @ParameterizedTest
  @EnumSource(
      value = FileType.class,
      mode = EnumSource.Mode.MATCH_NONE,
      names = {"COPY", "B?F\\d+", "Q8_0", "TQ.*", "Q1_0", "Q2_K_S", "IQ[12].*", "IQ3_X.*"})
  void aQuantizedFileIsThatOfAQuantizer(FileType type) throws IOException {
    for (var tiny : List.of(new TinyFolder(), new TinyFolder().halved())) {
      if (tiny.tensors.get("lm_head.weight").type().equals("F32")) widen(tiny, 0);
      var folder = tiny.write(folder());
      try (var open = ModelFolder.open(folder)) {
        var exact = temporary.resolve("exact.gguf");
        var expected = temporary.resolve("expected.gguf");
        Converter.of(open, to(open.halfType() == null ? FileType.F32 : FileType.BF16)).write(exact);
        try (var source = Gguf.open(exact)) {
          Quantizer.of(source, QuantizeOptions.of(type)).write(expected);
        }
        var converter = Converter.of(open, to(type));
        var target = temporary.resolve("out.gguf");
        converter.write(target);
        assertThat(Files.mismatch(expected, target)).isEqualTo(-1);
        try (var made = Gguf.open(target)) {
          assertThat(converter.metadata().keySet()).containsExactlyElementsOf(made.keys());
          assertThat(converter.bytes())
              .isEqualTo(made.tensors().stream().mapToLong(TensorInfo::bytes).sum());
        }
      }
    }
  }

  @Test
  void twoConversionsToOneTargetLeaveEachOtherAlone() throws IOException {
    var folder = new TinyFolder().write(folder());
    var target = temporary.resolve("out.gguf");
    try (var open = ModelFolder.open(folder)) {
      var converter = Converter.of(open, to(FileType.Q4_K_M));
      converter.write(target);
      var expected = Files.readAllBytes(target);
      converter.write(
          target,
          (_, _) -> {
            try {
              if (names().stream().filter(name -> name.endsWith(".tmp")).count() == 1)
                converter.write(target);
            } catch (IOException e) {
              throw new UncheckedIOException(e);
            }
          });
      assertThat(target).hasBinaryContent(expected);
    }
    assertThat(names()).containsExactly(folder.getFileName().toString(), "out.gguf");
  }

  @ParameterizedTest
  @EnumSource(
      value = FileType.class,
      names = {"F32", "Q4_K_M"})
  void aTargetMayHaveTheLongestName(FileType type) throws IOException {
    var folder = new TinyFolder().write(folder());
    var target = temporary.resolve("x".repeat(250) + ".gguf");
    try (var open = ModelFolder.open(folder)) {
      Converter.of(open, to(type)).write(target);
    }
    assertThat(target).exists();
  }

  @Test
  void whatIsKnownOtherwiseIsInTheFile() throws IOException {
    var folder = new TinyFolder().write(folder());
    Files.writeString(folder.resolve("README.md"), "---\nlicense: mit\nbase_model: a/B-1B\n---\n");
    Files.writeString(folder.resolve("generation_config.json"), "{\"top_k\":40,\"num_beams\":4}");
    var options = to(FileType.F32).withName("x").withMetadata(Map.of("general.author", "me"));
    try (var gguf = Gguf.open(convert(folder, options))) {
      assertThat(gguf.text("general.name")).isEqualTo("x");
      assertThat(gguf.text("general.author")).isEqualTo("me");
      assertThat(gguf.text("general.license")).isEqualTo("mit");
      assertThat(gguf.text("general.finetune")).isEqualTo("Instruct");
      assertThat(gguf.text("general.base_model.0.name")).isEqualTo("B 1B");
      assertThat(gguf.integer("general.sampling.top_k")).isEqualTo(40);
      assertThat(gguf.text("tenon.generation_config")).isEqualTo("{\"top_k\":40,\"num_beams\":4}");
    }
  }

  @Test
  void aClassThatIsNotHereIsNamedWithThoseThatAre() throws IOException {
    var tiny = new TinyFolder();
    tiny.config = tiny.config.replace("LlamaForCausalLM", "FooForCausalLM");
    refused(
        tiny.write(folder()),
        ConvertOptions.usual(),
        UnsupportedOperationException.class,
        "FooForCausalLM",
        "LlamaForCausalLM");
    tiny.config = tiny.config.replaceFirst("\"architectures\":[^,]*,", "");
    refused(
        tiny.write(folder()),
        ConvertOptions.usual(),
        UnsupportedOperationException.class,
        "names no class",
        "LlamaForCausalLM");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '~',
      value = {
        "\"hidden_size\":32;\"hidden_size\":\"x\";hidden_size",
        "\"hidden_size\":32,;;hidden_size",
        "\"num_hidden_layers\":2;\"num_hidden_layers\":3;model.layers.2",
        "\"num_hidden_layers\":2;\"num_hidden_layers\":1;model.layers.1",
        "\"num_hidden_layers\":2;\"num_hidden_layers\":2000000000;model.layers.2",
        "\"num_attention_heads\":4;\"num_attention_heads\":5;5 heads",
        "\"num_attention_heads\":4;\"num_attention_heads\":3;heads",
        "\"intermediate_size\":64;\"intermediate_size\":63;ffn_gate.weight",
        "\"vocab_size\":40;\"vocab_size\":41;41",
        "\"hidden_size\":32;\"hidden_size\":32,\"hidden_act\":\"relu\";hidden_act",
        "\"hidden_size\":32;\"hidden_size\":32,\"rope_scaling\":{\"type\":\"x\"};rope_type",
        "\"rms_norm_eps\":1e-5;\"rms_norm_eps\":-1;rms_epsilon"
      })
  void configurationsThatDoNotGoWithTheTensorsAreRefused(String from, String to, String message)
      throws IOException {
    var tiny = new TinyFolder();
    tiny.config = tiny.config.replace(from, to == null ? "" : to);
    refused(tiny.write(folder()), ConvertOptions.usual(), Exception.class, message);
  }

  @Test
  void aTensorTooManyOrTooFewIsRefused() throws IOException {
    var more = new TinyFolder();
    more.tensors.put("model.extra.weight", TinyFolder.Tensor.of(new long[] {1}, 1));
    refused(
        more.write(folder()), ConvertOptions.usual(), FormatException.class, "model.extra.weight");
    var fewer = new TinyFolder();
    fewer.tensors.remove("model.norm.weight");
    refused(fewer.write(folder()), ConvertOptions.usual(), IOException.class, "model.norm.weight");
  }

  @Test
  void aTensorOfAnotherShapeIsRefusedBeforeAnythingIsWritten() throws IOException {
    var tiny = new TinyFolder();
    var name = "model.layers.1.mlp.up_proj.weight";
    tiny.tensors.put(name, new TinyFolder.Tensor("F32", new long[] {32, 64}, new byte[4 * 2048]));
    refused(tiny.write(folder()), ConvertOptions.usual(), IOException.class, "blk.1.ffn_up.weight");
  }

  private static TinyFolder with(float value) {
    var tiny = new TinyFolder();
    var values = new float[64 * 32];
    values[5 * 32 + 7] = value;
    tiny.tensors.put(
        "model.layers.0.mlp.up_proj.weight", TinyFolder.Tensor.of(new long[] {64, 32}, values));
    return tiny;
  }

  @ParameterizedTest
  @CsvSource({
    "NaN, Q8_0",
    "Infinity, Q8_0",
    "NaN, Q4_K_M",
    "NaN, TQ1_0",
    "1e30, Q8_0",
    "1e6, F16",
    "3.4e38, BF16"
  })
  void weightsThatATypeCannotHoldAreRefused(float value, FileType type) throws IOException {
    var tiny = with(value);
    if (type == FileType.TQ1_0) widen(tiny, value);
    refused(tiny.write(folder()), to(type), IOException.class, "blk.0.ffn_up.weight", "row 5");
  }

  /// Rows of 256, which ternary blocks need.
  private static void widen(TinyFolder tiny, float value) {
    tiny.tensors.clear();
    tiny.tensors.putAll(new TinyFolder().tensors);
    tiny.config = tiny.config.replace("\"hidden_size\":32", "\"hidden_size\":256");
    tiny.tensors.replaceAll(
        (name, tensor) -> {
          var shape = tensor.shape();
          for (int d = 0; d < shape.length; d++) {
            if (shape[d] == 32) shape[d] = 256;
            else if (shape[d] == 16) shape[d] = 128;
          }
          var values = new float[(int) Arrays.stream(shape).reduce(1, (a, b) -> a * b)];
          if (name.equals("model.layers.0.mlp.up_proj.weight")) values[5 * 256 + 7] = value;
          return TinyFolder.Tensor.of(shape, values);
        });
  }

  @ParameterizedTest
  @CsvSource({"NaN, F32", "NaN, F16", "NaN, BF16", "Infinity, F16", "65519, F16"})
  void weightsThatATypeHoldsStay(float value, FileType type) throws IOException {
    try (var gguf = Gguf.open(convert(with(value).write(folder()), to(type)))) {
      var data = gguf.data(gguf.tensor("blk.0.ffn_up.weight"));
      int at = 5 * 32 + 7;
      float got =
          switch (type) {
            case F32 -> data.getAtIndex(ValueLayout.JAVA_FLOAT, at);
            case F16 -> Float.float16ToFloat(data.getAtIndex(ValueLayout.JAVA_SHORT, at));
            default -> Float.intBitsToFloat(data.getAtIndex(ValueLayout.JAVA_SHORT, at) << 16);
          };
      assertThat(Float.valueOf(got))
          .isEqualTo(value == 65519 ? Float.valueOf(65504) : (Float) value);
    }
  }

  @Test
  void aTokenizerOfAnUnknownKindIsNamed() throws IOException {
    var folder = new TinyFolder().write(folder());
    Files.writeString(folder.resolve("tekken.json"), "{}");
    refused(folder, ConvertOptions.usual(), UnsupportedOperationException.class, "tekken.json");
    Files.writeString(folder.resolve("tokenizer.json"), "{\"model\":{\"type\":\"Foo\"}}");
    refused(folder, ConvertOptions.usual(), UnsupportedOperationException.class, "\"Foo\"");
  }

  @Test
  void typesThatNeedAnImportanceAreRefusedBeforeAnythingIsWritten() throws IOException {
    var tiny = new TinyFolder();
    widen(tiny, 0);
    refused(
        tiny.write(folder()), to(FileType.IQ2_XXS), IllegalArgumentException.class, "importance");
  }

  @Test
  void anIndexStaysInItsFolder() throws IOException {
    var folder = new TinyFolder().write(folder(), 2);
    var index = folder.resolve("model.safetensors.index.json");
    Files.writeString(
        index,
        Files.readString(index)
            .replace("model-00001", "../" + folder.getFileName() + "/model-00001"));
    refused(folder, ConvertOptions.usual(), FormatException.class, "index.json");
  }

  @Test
  void targetsThatCannotBeAreRefused() throws IOException {
    var folder = new TinyFolder().write(folder());
    try (var open = ModelFolder.open(folder)) {
      var converter = Converter.of(open, to(FileType.F32));
      assertThatThrownBy(() -> converter.write(temporary.resolve("none/out.gguf")))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no folder");
      assertThatThrownBy(() -> converter.write(folder.resolve("model.safetensors")))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> converter.write(folder)).isInstanceOf(IOException.class);
      var quantized = Converter.of(open, to(FileType.Q4_0));
      assertThatThrownBy(() -> quantized.write(temporary.resolve("none/out.gguf")))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no folder");
      assertThatThrownBy(() -> quantized.write(folder, (_, _) -> fail("begun")))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no regular file");
    }
    try (var files = Files.list(temporary)) {
      assertThat(files).containsExactly(folder);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = FileType.class,
      names = {"F32", "Q4_0"})
  void anInterruptedConversionLeavesNothing(FileType type) throws IOException {
    var folder = new TinyFolder().write(folder());
    try (var open = ModelFolder.open(folder)) {
      var converter = Converter.of(open, to(type));
      var target = temporary.resolve("out.gguf");
      assertThatThrownBy(
              () -> converter.write(target, (_, _) -> Thread.currentThread().interrupt()))
          .isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
    }
    try (var files = Files.list(temporary)) {
      assertThat(files).containsExactly(folder);
    }
  }

  @Test
  void progressEndsAtItsTotal() throws IOException {
    var folder = new TinyFolder().write(folder());
    try (var open = ModelFolder.open(folder)) {
      for (var type : List.of(FileType.F32, FileType.Q4_0)) {
        var last = new long[2];
        Converter.of(open, to(type))
            .write(
                temporary.resolve("out.gguf"),
                (done, total) -> {
                  assertThat(done).isBetween(last[0], total);
                  last[0] = done;
                  last[1] = total;
                });
        assertThat(last[0]).isPositive().isEqualTo(last[1]);
      }
    }
  }

  @Test
  void theKnownClassesAreThoseOfTheArchitectures() {
    assertThat(Converter.known()).containsEntry("LlamaForCausalLM", "llama");
  }
}
