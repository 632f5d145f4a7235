package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.GgufWriter;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Commands that make files, killed at several moments: a target is never half there, and doing it
/// again gives the same file and nothing beside.
class KilledTest {
  private static final int WIDTH = 1024;
  private static final int LAYERS = 8;
  private static final int KILLS = 5;

  @TempDir Path folder;
  private Path in;

  @BeforeEach
  void write() throws IOException {
    in = folder.resolve("in.gguf");
    var random = new Random(1);
    var to = new GgufWriter().put("general.architecture", "llama");
    TinyModel.number(to, "llama.block_count", LAYERS);
    for (int i = 0; i < LAYERS; i++) {
      TinyModel.tensor(to, random, "blk." + i + ".ffn_down.weight", WIDTH, WIDTH);
    }
    to.write(in);
  }

  /// A model of llama2.c.
  private void writeModel() throws IOException {
    int hidden = 2 * WIDTH;
    int tokens = 32;
    int context = 8;
    int floats =
        tokens * WIDTH + 4 * WIDTH * WIDTH + 3 * WIDTH * hidden + 3 * WIDTH + context * (WIDTH / 8);
    var bytes = ByteBuffer.allocate(7 * 4 + 4 * floats).order(ByteOrder.LITTLE_ENDIAN);
    for (int n : new int[] {WIDTH, hidden, 1, 8, 8, tokens, context}) bytes.putInt(n);
    var random = new Random(1);
    while (bytes.hasRemaining()) bytes.putFloat(random.nextFloat() - 0.5f);
    Files.write(in, bytes.array());
  }

  private List<String> names() throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "quantize IN OUT Q4_K_M",
        "quantize IN OUT Q8_0 1",
        "metadata set IN a b -o OUT",
        "convert IN -o OUT --type q4_k_m"
      })
  void doingItAgainGivesTheSameFile(String line) throws Exception {
    if (line.startsWith("convert")) writeModel();
    var out = folder.resolve("out.gguf");
    var args = line.replace("IN", in.toString()).replace("OUT", out.toString()).split(" ");
    tenon(args).succeeded();
    var expected = Files.readAllBytes(out);
    Files.delete(out);
    var random = new Random(2);
    int left = 0;
    for (int i = 0; i < KILLS; i++) {
      var process = Forked.tenon(args).start();
      try {
        // From when there is something beside until after it is done.
        while (process.isAlive() && names().size() == 1) Thread.sleep(1);
        process.waitFor(random.nextInt(1 + 300 * i / KILLS), TimeUnit.MILLISECONDS);
      } finally {
        process.destroyForcibly().waitFor();
      }
      left += names().stream().anyMatch(name -> name.endsWith(".tmp")) ? 1 : 0;
      if (Files.exists(out)) {
        assertThat(Files.readAllBytes(out)).isEqualTo(expected);
        Files.delete(out);
      }
    }
    // A kill comes too late for a folder of some kilobytes more often than not.
    if (!line.startsWith("convert")) assertThat(left).isPositive();
    tenon(args).succeeded();
    assertThat(Files.readAllBytes(out)).isEqualTo(expected);
    assertThat(names()).containsExactly("in.gguf", "out.gguf");
  }

  @Test
  void aSetIsDoneAgainToo() throws Exception {
    var args =
        new String[] {
          "split", "--split-max-tensors", "2", in.toString(), folder.resolve("set").toString()
        };
    for (int i = 0; i < KILLS; i++) {
      var process = Forked.tenon(args).start();
      try {
        while (process.isAlive() && names().size() < 2 + i) Thread.sleep(1);
      } finally {
        process.destroyForcibly().waitFor();
      }
    }
    tenon(args).succeeded();
    var expected = new ArrayList<String>();
    expected.add("in.gguf");
    for (int i = 1; i <= 4; i++) expected.add("set-0000" + i + "-of-00004.gguf");
    assertThat(names()).isEqualTo(expected);
    tenon(
            "merge",
            folder.resolve(expected.get(1)).toString(),
            folder.resolve("one.gguf").toString())
        .succeeded();
    assertThat(Files.mismatch(in, folder.resolve("one.gguf"))).isEqualTo(-1);
  }
}
