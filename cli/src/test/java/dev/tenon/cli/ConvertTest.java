package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.Gguf;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Folders made into files.
class ConvertTest {
  @TempDir Path folder;
  private String in;

  /// A model of llama2.c, which is one file: width 16, one layer, 32 tokens, output tied.
  @BeforeEach
  void write() throws IOException {
    int width = 16;
    int hidden = 32;
    int tokens = 32;
    int context = 8;
    int floats =
        tokens * width + 4 * width * width + 3 * width * hidden + 3 * width + context * 8 / 2 * 2;
    var bytes = ByteBuffer.allocate(7 * 4 + 4 * floats).order(ByteOrder.LITTLE_ENDIAN);
    for (int n : new int[] {width, hidden, 1, 2, 2, tokens, context}) bytes.putInt(n);
    var random = new Random(1);
    while (bytes.hasRemaining()) bytes.putFloat((float) random.nextGaussian() / 4);
    in = Files.write(folder.resolve("tiny.bin"), bytes.array()).toString();
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  @Test
  void theFileRuns() {
    assertThat(tenon("convert", in, "-o", path("{ftype}.gguf"), "--type", "q8_0").succeeded().out())
        .contains("q8_0.gguf", "llama", "11 tensors", "Q8_0");
    assertThat(
            tenon("run", "-m", path("q8_0.gguf"), "--tokens", "1,2", "--ids", "-n", "2")
                .succeeded()
                .out())
        .isNotBlank();
  }

  @Test
  void withoutANameItLiesBesideNamedByWhatIsKnown() throws IOException {
    tenon("convert", in, "--model-name", "My Model").succeeded();
    assertThat(folder.resolve("My-Model-3.1K-F16.gguf")).exists();
    tenon("convert", in, "-o", folder.toString(), "--vocab-only").succeeded();
    try (var gguf = Gguf.open(folder.resolve("Tiny-vocab.gguf"))) {
      assertThat(gguf.tensors()).isEmpty();
    }
  }

  @Test
  void metadataGoOverTheFolders() throws IOException {
    Files.writeString(folder.resolve("m.json"), "{\"general.author\":\"me\"}");
    tenon("convert", in, "-o", path("o.gguf"), "--metadata", path("m.json")).succeeded();
    try (var gguf = Gguf.open(folder.resolve("o.gguf"))) {
      assertThat(gguf.text("general.author")).isEqualTo("me");
    }
  }

  @Test
  void aPlanWritesNothing() throws IOException {
    assertThat(tenon("convert", in, "--dry-run", "--outtype", "f32").succeeded().out())
        .contains("blk.0.attn_q.weight [16, 16] f32", "model.layers.0.self_attn.q_proj.weight");
    var plan = Json.object(tenon("convert", in, "--dry-run", "--json").succeeded().out());
    assertThat(plan).containsEntry("architecture", "llama").containsEntry("type", "F16");
    assertThat((List<?>) plan.get("tensors")).hasSize(11);
    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void setsAreCutAsTheyAreMade() {
    var result =
        Json.object(
            tenon("convert", in, "-o", path("o.gguf"), "--split-max-tensors", "5", "--json")
                .succeeded()
                .out());
    assertThat((List<?>) result.get("files")).hasSize(3);
    tenon("run", "-m", path("o-00001-of-00003.gguf"), "--tokens", "1", "--ids", "-n", "1")
        .succeeded();
  }

  @Test
  void knownClassesAreListed() {
    assertThat(tenon("convert", "--print-supported-models").succeeded().out())
        .contains("LlamaForCausalLM (llama)");
  }

  @Test
  void whatCannotBeIsOneLine() throws IOException {
    tenon("convert").refused("DIR");
    tenon("convert", in, "--type", "q9").refused("q9", "Q8_0");
    tenon("convert", in, "--type", "copy").refused("copy is for quantize");
    tenon("convert", in, "--split-max-size", "x").refused("'x'");
    tenon("convert", in, "--split-max-size", "1G", "--split-max-tensors", "1").refused("not both");
    tenon("convert", path("none")).failed("none");
    tenon("convert", in, "-o", path("none/o.gguf")).failed("no folder");
    tenon("convert", in, "-o", in).failed("a file of the model");
    Files.writeString(folder.resolve("m.json"), "{\"general.author\":1}");
    tenon("convert", in, "--metadata", path("m.json")).failed("general.author");
    Files.createDirectory(folder.resolve("empty"));
    tenon("convert", path("empty")).failed("config.json");
    Files.writeString(folder.resolve("empty/config.json"), "{\"architectures\":[\"X\"]}");
    tenon("convert", path("empty")).failed("no weights");
  }
}
