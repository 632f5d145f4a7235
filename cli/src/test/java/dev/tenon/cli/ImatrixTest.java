package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.convert.ImportanceMatrix;
import dev.tenon.gguf.Gguf;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Models judged over a text: imatrix and perplexity.
class ImatrixTest {
  @TempDir Path folder;
  private String model;
  private String text;

  @BeforeEach
  void write() throws IOException {
    model = TinyModel.write(folder.resolve("tiny.gguf")).toString();
    var words = new StringBuilder();
    var random = new Random(5);
    for (int i = 0; i < 600; i++) words.append(random.nextBoolean() ? "ab " : "b ");
    text = Files.writeString(folder.resolve("text.txt"), words).toString();
  }

  private String path(String name) {
    return folder.resolve(name).toString();
  }

  private Tried imatrix(String... more) {
    var args = new String[7 + more.length];
    System.arraycopy(new String[] {"imatrix", "-m", model, "-f", text, "-c", "64"}, 0, args, 0, 7);
    System.arraycopy(more, 0, args, 7, more.length);
    return tenon(args);
  }

  @Test
  void whatIsMeasuredServesQuantize() throws IOException {
    assertThat(imatrix("-o", path("m.gguf")).succeeded().out())
        .contains("perplexity: ", "m.gguf: 14 weights, ", " chunks of 64 tokens");
    tenon("quantize", "--imatrix", path("m.gguf"), model, path("q.gguf"), "IQ4_NL").succeeded();
    try (var gguf = Gguf.open(folder.resolve("q.gguf"))) {
      assertThat(gguf.text("quantize.imatrix.dataset")).isEqualTo(text);
      assertThat(gguf.integer("quantize.imatrix.entries_count")).isEqualTo(14);
    }
    imatrix("-o", path("old.dat"), "--output-format", "dat", "--process-output").succeeded();
    assertThat(ImportanceMatrix.read(folder.resolve("old.dat")).weights())
        .hasSize(15)
        .contains("output.weight");
  }

  @Test
  void partsAddUp() throws IOException {
    var all = Json.object(imatrix("-o", path("all.gguf"), "--json").succeeded().out());
    assertThat(all).containsEntry("weights", 14L).containsEntry("chunk_size", 64L);
    long chunks = (Long) all.get("chunks");
    assertThat(chunks).isGreaterThan(4);
    imatrix("-o", path("a.gguf"), "--chunks", "2", "--no-ppl").succeeded();
    imatrix("-o", path("b.gguf"), "--from-chunk", "2", "--save-frequency", "2", "-ofreq", "1")
        .succeeded();
    assertThat(folder.resolve("b.gguf.at_2")).exists();
    tenon(
            "imatrix",
            "-c",
            "64",
            "--in-file",
            path("a.gguf"),
            "--in-file",
            path("b.gguf"),
            "-o",
            path("ab.gguf"))
        .succeeded();
    imatrix("-o", path("ba.gguf"), "--chunks", "2", "--in-file", path("b.gguf")).succeeded();
    var expected = ImportanceMatrix.read(folder.resolve("all.gguf"));
    for (var name : new String[] {"ab.gguf", "ba.gguf"}) {
      var made = ImportanceMatrix.read(folder.resolve(name));
      assertThat(made.chunks()).isEqualTo((int) chunks);
      assertThat(made.datasets()).containsExactly(text, text);
      for (var weight : expected.weights()) {
        var importance = expected.of(weight);
        for (int i = 0; i < importance.length; i++) {
          assertThat(made.of(weight)[i])
              .isCloseTo(importance[i], within(1e-5f * importance[i] + 1e-6f));
        }
      }
    }
    var rows = tenon("imatrix", "--show-statistics", "--in-file", path("ab.gguf")).succeeded();
    assertThat(rows.out().lines()).hasSize(15).anyMatch(row -> row.startsWith("blk.1.attn_q.w"));
    var json =
        tenon("imatrix", "--show-statistics", "--json", "--in-file", path("ab.gguf")).succeeded();
    assertThat(Json.parse(json.out())).asInstanceOf(InstanceOfAssertFactories.LIST).hasSize(14);
  }

  @Test
  void divergenceFromItselfIsSmall() {
    var base = path("base.bin");
    var saved =
        tenon("perplexity", "-m", model, "-f", text, "-c", "32", "--kl-divergence-base", base)
            .succeeded();
    assertThat(saved.out()).startsWith("perplexity: ");
    var args =
        new String[] {"perplexity", "-m", model, "--kl-divergence", "--save-all-logits", base};
    assertThat(tenon(args).succeeded().out())
        .contains("same top, %: 100.0", "kl divergence median: ", "probability shift 99.9%, %: ");
    var json = Arrays.copyOf(args, args.length + 1);
    json[args.length] = "--json";
    var result = Json.object(tenon(json).succeeded().out());
    assertThat((Double) result.get("kl_divergence")).isCloseTo(0, within(1e-4));
    assertThat((Double) result.get("probability_shift")).isCloseTo(0, within(1e-4));
    assertThat((Map<?, ?>) result.get("kl_divergence_quantiles")).hasSize(11);
    assertThat(folder).isDirectoryNotContaining("glob:**/*.tmp");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "imatrix -m MODEL                                        | which text? Give -f FILE",
        "imatrix -f TEXT                                         | TENON_MODEL",
        "imatrix -m MODEL -f TEXT --output-format json           | gguf or dat",
        "imatrix -m MODEL -f TEXT --from-chunk -1                | at least 0",
        "imatrix -m MODEL -f TEXT -c -5                          | context of -5",
        "imatrix --show-statistics                               | one --in-file",
        "perplexity -m MODEL                                     | which text? Give -f FILE",
        "perplexity -m MODEL --kl-divergence                     | --kl-divergence-base FILE",
      })
  void whatMakesNoSenseIsRefused(String line, String hint) {
    tenon(given(line)).refused(hint);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "imatrix -m MODEL -f MODEL -o OUT                        | is not a text",
        "imatrix -m MODEL -f none.txt -o OUT                     | no such file: none.txt",
        "imatrix -m MODEL -f FOLDER -o OUT                       | a folder",
        "imatrix -m MODEL -f EMPTY -o OUT                        | has 1 tokens, and 1024 are",
        "imatrix -m MODEL -f TEXT -c 5000 -o OUT                 | and 10000 are needed",
        "imatrix -m MODEL -f TEXT -c 64 --chunk 900 -o OUT       | after the 900 that are left out",
        "imatrix -m MODEL -f TEXT -c 64 -o FOLDER                | no regular file",
        "imatrix -m MODEL -f TEXT -c 64 -o FOLDER/no/m.gguf      | no folder",
        "imatrix -m TEXT -f TEXT -c 64 -o OUT                    | GGUF",
        "imatrix -m MODEL -f TEXT -c 64 -o OUT --in-file TEXT    | expected an importance matrix",
        "imatrix -m MODEL -f TEXT -c 64 -o OUT --in-file MODEL   | expected an importance matrix",
        "imatrix --in-file EMPTY -o OUT                          | expected an importance matrix",
        "imatrix --show-statistics --in-file TEXT                | expected an importance matrix",
        "perplexity -m MODEL -f MODEL                            | is not a text",
        "perplexity -m MODEL -f EMPTY                            | has 1 tokens",
        "perplexity -m MODEL -f TEXT -c 2                        | at least 4",
        "perplexity -m MODEL -f TEXT -c 32 --save-all-logits FOLDER | no regular file",
        "perplexity -m MODEL --kl-divergence --kl-divergence-base TEXT | expected the saved logits",
      })
  void whatFailsLeavesNothing(String line, String hint) throws IOException {
    Files.writeString(folder.resolve("empty.txt"), "");
    tenon(given(line)).failed(hint);
    assertThat(folder.resolve("out.gguf")).doesNotExist();
    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(3);
    }
  }

  private String[] given(String line) {
    return line.strip()
        .replace("MODEL", model)
        .replace("TEXT", text)
        .replace("EMPTY", path("empty.txt"))
        .replace("OUT", path("out.gguf"))
        .replace("FOLDER", folder.toString())
        .split(" +");
  }

  @Test
  void theTextMayComeFromStdin() throws IOException {
    var read = Files.readAllBytes(Path.of(text));
    var args = new String[] {"perplexity", "-m", model, "-c", "64", "--json", "-f"};
    var from = Arrays.copyOf(args, 8);
    from[7] = "-";
    var named = Arrays.copyOf(args, 8);
    named[7] = text;
    assertThat(with().in(read).run(from).succeeded().out()).isEqualTo(tenon(named).out());
  }
}
