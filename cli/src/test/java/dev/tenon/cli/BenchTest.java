package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonToken;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BenchTest {
  @TempDir static Path folder;
  private static String tiny;

  @BeforeAll
  static void write() throws IOException {
    tiny = TinyModel.write(folder.resolve("tiny.gguf")).toString();
  }

  @Test
  void printsATableAsLlamaBench() {
    var lines =
        tenon("bench", "-m", tiny, "-p", "4-8*2", "-n", "2", "-pg", "3,1", "-r", "2", "-t", "1")
            .succeeded()
            .out()
            .lines()
            .toList();
    assertThat(lines.get(0))
        .matches(
            "\\| model +\\| +size \\| +params \\| backend +\\| threads \\| +test \\| +t/s \\|");
    assertThat(lines.get(1)).matches("\\|( -+[-:] \\|){7}");
    assertThat(lines.get(2)).contains(" pp4 |").containsPattern("[0-9.]+ ± [0-9.]+ \\|");
    assertThat(lines.get(3)).contains(" pp8 |");
    assertThat(lines.get(4)).contains(" tg2 |");
    assertThat(lines.get(5)).contains(" pp3+tg1 |");
    assertThat(lines.get(7)).startsWith("build: ");
    assertThat(lines.subList(0, 6)).allMatch(line -> line.length() == lines.get(0).length());
  }

  @Test
  void listsAndDepthsAreCombined() throws IOException {
    var args =
        ("bench -p 2 -n 1 -r 3 -t 1 -d 0,5 -fa on,off -ub 1,512 -o json -m " + tiny).split(" ");
    var json = tenon(args).succeeded();
    var depths = new ArrayList<Integer>();
    int samples = 0;
    try (var parser = new JsonFactory().createParser(json.bytes())) {
      for (JsonToken token; (token = parser.nextToken()) != null; ) {
        if (token == JsonToken.FIELD_NAME && parser.currentName().equals("n_depth")) {
          depths.add(parser.nextIntValue(-1));
        } else if (token == JsonToken.FIELD_NAME && parser.currentName().equals("samples_ns")) {
          parser.nextToken();
          while (parser.nextToken() != JsonToken.END_ARRAY) {
            assertThat(parser.getLongValue()).isPositive();
            samples++;
          }
        }
      }
    }
    assertThat(depths).hasSize(16).containsOnly(0, 5);
    assertThat(samples).isEqualTo(48);
    assertThat(json.out()).contains("\"avg_ts\"", "\"model_n_params\"", "\"flash_attn\"");
  }

  @Test
  void csvHasOneLineForEachTestAndTheNames() {
    var lines =
        with()
            .env("TENON_MODEL", tiny)
            .env("TENON_THREADS", "1")
            .run("bench", "-p", "2", "-n", "1", "-r", "1", "-o", "csv", "--no-warmup")
            .succeeded()
            .out()
            .lines()
            .toList();
    assertThat(lines).hasSize(3);
    assertThat(lines.get(0)).startsWith("build_commit,cpu_info,").endsWith("avg_ts,stddev_ts");
    assertThat(lines.get(1).split("\",\"")).hasSameSizeAs(lines.get(0).split(","));
  }

  @Test
  void aMissingModelIsOneLine() {
    var tried = tenon("bench", "-m", folder.resolve("none.gguf").toString());
    assertThat(tried.code()).isEqualTo(1);
    assertThat(tried.err()).startsWith("tenon: ").contains("none.gguf");
  }
}
