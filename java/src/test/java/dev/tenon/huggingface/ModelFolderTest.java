package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.GgufValue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelFolderTest {
  @TempDir private Path folder;

  /// Tensors of two bytes each, `[1, 1]` of BF16.
  private void write(String config, String... names) throws IOException {
    var header = new StringBuilder("{");
    for (int i = 0; i < names.length; i++)
      header.append(
          "%s\"%s\":{\"dtype\":\"BF16\",\"shape\":[1,1],\"data_offsets\":[%d,%d]}"
              .formatted(i == 0 ? "" : ",", names[i], 2 * i, 2 * i + 2));
    var text = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    var bytes =
        ByteBuffer.allocate(8 + text.length + 2 * names.length).order(ByteOrder.LITTLE_ENDIAN);
    Files.write(folder.resolve("model.safetensors"), bytes.putLong(text.length).put(text).array());
    Files.writeString(folder.resolve("config.json"), config);
  }

  @Test
  void whatWasNotAskedForIsUnused() throws IOException {
    write(
        "{\"architectures\":[\"X\"],\"quantization_config\":{\"quant_method\":\"fp8\"}}",
        "a.weight",
        "a.weight_scale_inv",
        "b.weight",
        "c.weight",
        "d.rotary_emb.inv_freq",
        "a.input_scale");
    try (var open = ModelFolder.open(folder)) {
      assertThat(open.modelClass()).isEqualTo("X");
      assertThat(open.halfType()).isEqualTo(ElementType.BF16);
      assertThat(open.weight("a.weight").isStored()).as("scaled").isFalse();
      assertThat(open.unused()).containsExactly("b.weight", "c.weight");
      open.leaveOut(Pattern.compile("b\\..*"));
      assertThat(open.unused()).containsExactly("c.weight");
      assertThat(open.prefix("z.", "b.", "")).isEqualTo("b.");
      assertThat(open.prefix("z.", "y.")).isEqualTo("y.");
      assertThatThrownBy(() -> open.weight("x"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no tensor x");
    }
  }

  @Test
  void defaultsStandWhereThereIsNotEvenNull() throws IOException {
    write("{\"a\":null,\"b\":2}", "w");
    try (var open = ModelFolder.open(folder)) {
      open.assume(Map.of("a", 1L, "b", 1L, "c", 1L));
      assertThat(open.config().has("a")).isFalse();
      assertThat(open.config().size("b")).isEqualTo(2);
      assertThat(open.config().size("c")).isEqualTo(1);
    }
  }

  @Test
  void embeddingsAreTiedAsTheFolderSays() throws IOException {
    write("{\"tie_word_embeddings\":false}", "embed", "head");
    try (var open = ModelFolder.open(folder)) {
      assertThat(new GgufPlan("x").embeddings(open, "embed", "head", true).tensors().keySet())
          .containsExactly("output.weight", "token_embd.weight");
    }
    write("{}", "embed", "head");
    try (var open = ModelFolder.open(folder)) {
      assertThat(new GgufPlan("x").embeddings(open, "embed", "head", true).tensors().keySet())
          .containsExactly("token_embd.weight");
      assertThat(open.unused()).isEmpty();
    }
    write("{\"tie_word_embeddings\":true}", "head");
    try (var open = ModelFolder.open(folder)) {
      var tensors = new GgufPlan("x").embeddings(open, "embed", "head", false).tensors();
      assertThat(tensors.get("token_embd.weight").names()).containsExactly("head");
    }
    write("{\"tie_word_embeddings\":false}", "embed");
    try (var open = ModelFolder.open(folder)) {
      assertThatThrownBy(() -> new GgufPlan("x").embeddings(open, "embed", "head", true))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no tensor head");
    }
  }

  @Test
  void plansKeepTheirOrderAndRefuseTwoOfOneName() {
    var plan = new GgufPlan("x").key("b", 1).key("a", 0.5).own("c", new GgufValue.Bool(true));
    plan.block(3).tensor("w.weight", Weight.of(1f));
    assertThat(plan.keys().keySet()).containsExactly("x.b", "x.a", "tenon.c");
    assertThat(plan.tensors().keySet()).containsExactly("blk.3.w.weight");
    assertThatThrownBy(() -> plan.block(3).tensor("w.weight", Weight.of(1f)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("blk.3.w.weight");
    assertThatThrownBy(() -> plan.key("n", -1L)).isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void unknownQuantizationsAreNamed() throws IOException {
    write("{\"quantization_config\":{\"quant_method\":\"awq\"}}", "w");
    assertThatThrownBy(() -> ModelFolder.open(folder))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("\"awq\"")
        .hasMessageContaining("fp8");
    write(
        "{\"quantization_config\":{\"quant_method\":\"compressed-tensors\","
            + "\"format\":\"pack-quantized\"}}",
        "w");
    assertThatThrownBy(() -> ModelFolder.open(folder))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("\"pack-quantized\"")
        .hasMessageContaining("float-quantized");
  }

  @Test
  void aFolderWithoutConfigurationSaysSo() throws IOException {
    write("{}", "w");
    Files.delete(folder.resolve("config.json"));
    assertThatThrownBy(() -> ModelFolder.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("config.json");
  }
}
