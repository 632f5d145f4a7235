package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.TensorType;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Files made and changed: quantize, split, merge, metadata and inspect --diff.
class QuantizeTest {
  @TempDir Path folder;
  private String in;

  @BeforeEach
  void write() throws IOException {
    in = TinyModel.write(folder.resolve("in.gguf")).toString();
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  @Test
  void argumentsMayLeaveOutTheNameOfTheFile() throws IOException {
    assertThat(tenon("quantize", in, path("out.gguf"), "q8_0", "1").succeeded().out())
        .contains("out.gguf", "bits a weight");
    tenon("quantize", in, "Q8_0").succeeded();
    assertThat(Files.readAllBytes(folder.resolve("ggml-model-Q8_0.gguf")))
        .isEqualTo(Files.readAllBytes(folder.resolve("out.gguf")));
    tenon("run", "-m", path("out.gguf"), "-p", "a", "-n", "2").succeeded();
  }

  @Test
  void optionsAreThoseOfLlamaQuantize() throws IOException {
    Files.writeString(folder.resolve("types.txt"), "attn_v=q5_1\n blk\\.0\\.ffn_up=F16 ");
    tenon(
            "quantize",
            "--leave-output-tensor",
            "--token-embedding-type=Q5_0",
            "--tensor-type=ATTN_Q=q4_1",
            "--tensor-type-file=" + path("types.txt"),
            "--override-kv=general.name=str:other",
            "--override-kv=a.number=int:-3",
            "--max-buffer-size=1",
            in,
            path("out.gguf"),
            "Q8_0")
        .succeeded();
    try (var gguf = Gguf.open(folder.resolve("out.gguf"))) {
      assertThat(gguf.tensor("output.weight").type()).isEqualTo(TensorType.F32);
      assertThat(gguf.tensor("token_embd.weight").type()).isEqualTo(TensorType.Q5_0);
      assertThat(gguf.tensor("blk.1.attn_q.weight").type()).isEqualTo(TensorType.Q4_1);
      assertThat(gguf.tensor("blk.1.attn_v.weight").type()).isEqualTo(TensorType.Q5_1);
      assertThat(gguf.tensor("blk.0.ffn_up.weight").type()).isEqualTo(TensorType.F16);
      assertThat(gguf.tensor("blk.1.ffn_up.weight").type()).isEqualTo(TensorType.Q8_0);
      assertThat(gguf.text("general.name")).isEqualTo("other");
      assertThat(gguf.integer("a.number")).isEqualTo(3);
    }
    tenon("quantize", path("out.gguf"), path("again.gguf"), "Q4_0")
        .failed("quantized already", "--allow-requantize");
    assertThat(folder.resolve("again.gguf")).doesNotExist();
    tenon("quantize", "--allow-requantize", path("out.gguf"), path("again.gguf"), "Q4_0")
        .succeeded();
  }

  @Test
  void aDryRunWritesNothing() {
    assertThat(tenon("quantize", "--dry-run", in, "IQ2_XXS").succeeded().out())
        .contains("f32 -> iq4_nl", "which iq2_xxs needs", "blk.1.ffn_down.weight");
    var plan = Json.object(tenon("quantize", "--dry-run", "--json", in, "Q8_0").succeeded().out());
    assertThat(plan).containsEntry("type", "Q8_0").containsKeys("tensor_bytes", "tensors");
    assertThat(folder).isDirectoryNotContaining("glob:**/ggml*");
    var made = Json.object(tenon("quantize", "--json", in, path("o.gguf"), "Q8_0").out());
    assertThat(made.get("tensor_bytes")).isEqualTo(plan.get("tensor_bytes"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "quantize IN                                     | IN [OUT] TYPE",
        "quantize IN out.gguf                            | which type? Known: F32",
        "quantize IN out.gguf Q9_9                       | no type Q9_9 to quantize to",
        "quantize IN out.gguf Q8_0 x                     | 'x' is not a number of threads",
        "quantize IN out.gguf Q8_0 1000                  | 1000, from 1 to 512",
        "quantize IN out.gguf Q8_0 1 1                   | too many",
        "quantize IN Q8_0 --tensor-type attn             | 'attn' is not REGEX=TYPE",
        "quantize IN Q8_0 --tensor-type (=q8_0           | '(=q8_0'",
        "quantize IN Q8_0 --tensor-type attn=q9          | no tensor type q9",
        "quantize IN Q8_0 --output-tensor-type q9        | no tensor type q9",
        "quantize IN Q8_0 --prune-layers 1,x             | 'x' is not the number of a layer",
        "quantize IN Q8_0 --override-kv a=b              | is not KEY=TYPE:VALUE",
        "quantize IN Q8_0 --override-kv a=int:x          | 'x' is no value",
        "quantize IN Q8_0 --override-kv a=bool:x         | 'x' is no value",
        "quantize IN Q8_0 --max-buffer-size 0            | at least 1",
        "quantize IN Q8_0 --include-weights a --exclude-weights b | not both",
        "split IN                                        | IN PREFIX",
        "split IN x --split-max-size 3                   | '3' is no size",
        "split IN x --split-max-tensors 0                | at least one",
        "split IN x --split-max-tensors 1 --split-max-size 1M | not both",
        "merge IN                                        | FIRST OUT",
        "metadata set IN                                 | set FILE KEY VALUE",
        "metadata put IN a b                             | set or remove",
        "metadata set IN llama.block_count x             | no value for llama.block_count",
        "metadata set IN llama.block_count -1            | cannot hold -1",
        "metadata set IN a b --type real                 | no type real",
        "inspect --diff IN                               | two files",
        "inspect IN IN                                   | one argument too many",
      })
  void whatMakesNoSenseIsRefused(String line, String hint) {
    var args = line.strip().split(" +");
    for (int i = 0; i < args.length; i++) {
      args[i] = args[i].equals("IN") ? in : args[i].equals("out.gguf") ? path(args[i]) : args[i];
    }
    tenon(args).refused(hint);
    assertThat(folder).isDirectoryNotContaining("glob:**/{out,ggml}*");
  }

  @Test
  void whatFailsLeavesNothing() throws IOException {
    tenon("quantize", path("none.gguf"), path("o.gguf"), "Q8_0").failed("no such file");
    tenon("quantize", in, in, "Q8_0").failed("same file");
    tenon("quantize", in, path("no/o.gguf"), "Q8_0").failed("no folder");
    tenon("quantize", "--imatrix", in, in, path("o.gguf"), "Q8_0").failed("importance matrix");
    tenon("merge", in, path("o.gguf")).failed("not the first of a split set");
    tenon("metadata", "remove", in, "none").failed("no key none");
    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(1);
    }
  }

  @Test
  void whatIsSplitAndMergedDiffersInNothing() throws IOException {
    assertThat(tenon("split", "--split-max-tensors", "9", in, path("set")).succeeded().out())
        .contains("set-00001-of-00003.gguf: 9 tensors", "set-00003-of-00003.gguf: 3 tensors");
    tenon("merge", path("set-00001-of-00003.gguf"), path("one.gguf")).succeeded();
    assertThat(tenon("inspect", "--diff", in, path("one.gguf")).succeeded().out()).isEmpty();
    assertThat(Files.readAllBytes(folder.resolve("one.gguf")))
        .isEqualTo(Files.readAllBytes(Path.of(in)));
  }

  @Test
  void differencesAreOneLineEach() throws IOException {
    tenon("quantize", in, path("q8.gguf"), "Q8_0", "--tensor-type", "norm=f32").succeeded();
    tenon("metadata", "set", path("q8.gguf"), "general.name", "a\nb").succeeded();
    tenon("metadata", "remove", path("q8.gguf"), "tokenizer.ggml.scores").succeeded();
    var diff = tenon("inspect", "--diff", in, path("q8.gguf"));
    assertThat(diff.code()).isEqualTo(1);
    assertThat(diff.err()).isEmpty();
    assertThat(diff.out().lines())
        .contains(
            "metadata general.name: tiny -> a\\nb",
            "metadata general.file_type: 7 in the second alone",
            "tensor blk.0.attn_q.weight: f32 [32, 32] -> q8_0 [32, 32]")
        .anyMatch(line -> line.matches("metadata tokenizer.ggml.scores: .* in the first alone"))
        .noneMatch(line -> line.contains("norm"));
    var json = tenon("inspect", "--diff", "--json", in, path("q8.gguf"));
    assertThat(json.code()).isEqualTo(1);
    assertThat(Json.parse(json.out()))
        .asInstanceOf(InstanceOfAssertFactories.LIST)
        .hasSize((int) diff.out().lines().count());
  }

  @Test
  void metadataKeepTheirTypes() throws IOException {
    var out = path("out.gguf");
    assertThat(tenon("metadata", "set", in, "llama.block_count", "3", "-o", out).succeeded().out())
        .isEqualTo("llama.block_count = 3 (uint32)\n");
    tenon("metadata", "set", out, "tokenizer.ggml.token_type", "[1, 2]").succeeded();
    tenon("metadata", "set", out, "a.list", "[1.5, 2]", "--type", "[float32]").succeeded();
    tenon("metadata", "set", out, "a.flag", "true", "--type", "bool").succeeded();
    Files.writeString(folder.resolve("template"), "{{ x }}\n");
    tenon("metadata", "set", out, "a.text", "--value-file", path("template")).succeeded();
    try (var gguf = Gguf.open(Path.of(out))) {
      assertThat(gguf.integer("llama.block_count")).isEqualTo(3);
      assertThat(gguf.integers("tokenizer.ggml.token_type")).containsExactly(1, 2);
      assertThat(gguf.reals("a.list")).containsExactly(1.5f, 2);
      assertThat(gguf.bool("a.flag", false)).isTrue();
      assertThat(gguf.text("a.text")).isEqualTo("{{ x }}\n");
    }
  }
}
