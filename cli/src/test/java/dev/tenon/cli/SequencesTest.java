package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Whole sequences, from the command: `translate`, and `run` with beams.
class SequencesTest {
  @TempDir static Path folder;
  private static String tiny;

  @BeforeAll
  static void write() throws IOException {
    tiny = TinyModel.write(folder.resolve("tiny.gguf")).toString();
  }

  private static String[] beams(String... more) {
    var usual = new String[] {"run", "-m", tiny, "--tokens", "1,5,6", "--ids", "-n", "6"};
    var all = Arrays.copyOf(usual, usual.length + more.length);
    System.arraycopy(more, 0, all, usual.length, more.length);
    return all;
  }

  @Test
  void asManySequencesAsAskedForComeBestFirst() {
    var lines =
        tenon(beams("--num-beams", "4", "--num-return-sequences", "3", "--scores"))
            .succeeded()
            .out()
            .lines()
            .toList();
    assertThat(lines).hasSize(3);
    double before = Double.POSITIVE_INFINITY;
    var seen = new HashSet<Object>();
    for (var line : lines) {
      var parts = line.split("\t");
      var ids = (List<?>) Json.parse(parts[0]);
      assertThat(ids.subList(0, 3)).isEqualTo(List.of(1L, 5L, 6L));
      assertThat(ids.size()).isBetween(4, 9);
      assertThat(seen.add(ids)).as("another sequence than before: %s", ids).isTrue();
      double score = Double.parseDouble(parts[1]);
      assertThat(score).isLessThanOrEqualTo(before).isNegative();
      before = score;
    }
  }

  @Test
  void processorsHoldForTokensThatComeOneByOneAndForBeams() {
    for (var more : List.of(List.of("--temp", "0"), List.of("--num-beams", "2"))) {
      var flags = more.toArray(String[]::new);
      var free = (List<?>) Json.parse(tenon(beams(flags)).succeeded().out());
      var forced = Arrays.copyOf(flags, flags.length + 2);
      forced[flags.length] = "--no-repeat-ngram-size";
      forced[flags.length + 1] = "1";
      var once = (List<?>) Json.parse(tenon(beams(forced)).succeeded().out());
      assertThat(once).as("each token once").doesNotHaveDuplicates();
      var end = Arrays.copyOf(flags, flags.length + 2);
      end[flags.length] = "--eos-id";
      end[flags.length + 1] = free.get(3).toString();
      if (more.contains("0"))
        assertThat((List<?>) Json.parse(tenon(beams(end)).succeeded().out()))
            .isEqualTo(free.subList(0, 4));
    }
  }

  @Test
  void whatHasNoMeaningIsRefused() {
    tenon(beams("--num-beams", "0")).refused("num_beams");
    tenon(beams("--num-beams", "65")).refused("num_beams");
    tenon(beams("--num-beams", "2", "--num-return-sequences", "3")).refused("num_return_sequences");
    tenon(beams("--num-beams", "2", "--grammar", "root ::= \"a\"")).refused("--grammar");
    tenon(beams("--early-stopping", "maybe")).refused("maybe");
    tenon("translate", "-m", tiny, "hello").failed("a decoder", "encoder-decoder");
    tenon("embed", "-m", tiny, "hello").failed("a decoder");
  }

  @Test
  void translatesInTheOrderOfTheLines() throws IOException {
    var source = Fixtures.need("models/bart-g2p-us").toString();
    var model = folder.resolve("g2p.gguf").toString();
    tenon("convert", source, "-o", model, "--outtype", "f32").succeeded();
    assertThat(tenon("translate", "-m", model, "hello").succeeded().out()).isEqualTo("hˈɛlO\n");
    assertThat(with().in("hello\n\nworld\n").run("translate", "-m", model).succeeded().out())
        .isEqualTo("hˈɛlO\n\nwˈɜɹld\n");
    assertThat(Json.parse(tenon("translate", "-m", model, "--json", "hello").succeeded().out()))
        .isEqualTo(List.of(Map.of("translation_text", "hˈɛlO")));
    assertThat(tenon("run", "-m", model, "-p", "hello").succeeded().out()).isEqualTo("hˈɛlO\n");
    tenon("translate", "-m", model, " ").refused("empty");
    tenon("translate", "-m", model, "x".repeat(100)).failed("positions");
    tenon("chat", "-m", model).failed("an encoder-decoder");
  }
}
