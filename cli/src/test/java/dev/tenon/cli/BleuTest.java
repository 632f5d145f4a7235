package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The scores are those that sacreBLEU's own command prints for these files.
class BleuTest {
  private static final Offset<Double> CLOSE = within(1e-9);

  @TempDir static Path folder;
  private static String hypotheses;
  private static String first;
  private static String second;

  @BeforeAll
  static void write() throws IOException {
    // White space at the ends of lines, a line end of Windows and a last line without one.
    hypotheses = file("hyp", "The cat sat on the mat. \t\nIt costs $3.50 , doesn't it?\r\n");
    first = file("first", "The cat is on the mat.\nIt's 3.50 dollars, isn't it?");
    second = file("second", "A cat sat on a mat.\nb\n");
  }

  @Test
  void printsTheLineThatSacrebleuDoes() {
    assertThat(score(hypotheses, first, second))
        .matches(
            "BLEU\\|nrefs:2\\|case:mixed\\|eff:no\\|tok:13a\\|smooth:exp\\|version:.* = 33\\.1"
                + " 73\\.3/53\\.8/27\\.3/11\\.1"
                + " \\(BP = 1\\.000 ratio = 1\\.071 hyp_len = 15 ref_len = 14\\)\n");
    assertThat(score("-m", "chrf", hypotheses, first, second))
        .matches(
            "chrF2\\|nrefs:2\\|case:mixed\\|eff:yes\\|nc:6\\|nw:0\\|space:no\\|version:.* ="
                + " 47\\.7\n");
    assertThat(score("-m", "ter", "-w", "3", hypotheses, first, second))
        .matches(
            "TER\\|nrefs:2\\|case:lc\\|tok:tercom\\|norm:no\\|punct:yes\\|asian:no\\|version:.* ="
                + " 66\\.667\n");
    assertThat(score("-m", "rouge", hypotheses, first))
        .isEqualTo("rouge1 = 75.0 rouge2 = 45.4 rougeL = 75.0 rougeLsum = 75.0\n");
  }

  @Test
  void eachLineByItselfHasItsEffectiveOrder() {
    assertThat(score("--sentence-level", hypotheses, first, second).lines())
        .hasSize(2)
        .allMatch(line -> line.contains("|eff:yes|"))
        .anyMatch(line -> line.contains(" = 62.2 100.0/100.0/60.0/25.0 "))
        .anyMatch(line -> line.contains(" = 13.1 50.0/14.3/8.3/5.0 "));
  }

  @Test
  void jsonHasTheParts() {
    var bleu = Json.object(score("--json", hypotheses, first, second));
    assertThat(bleu)
        .containsEntry("name", "BLEU")
        .containsEntry("nrefs", "2")
        .containsEntry("case", "mixed")
        .containsEntry("tok", "13a")
        .containsEntry("counts", List.of(11L, 7L, 3L, 1L))
        .containsEntry("totals", List.of(15L, 13L, 11L, 9L))
        .containsEntry("bp", 1.0)
        .containsEntry("sys_len", 15L)
        .containsEntry("ref_len", 14L);
    assertThat((double) bleu.get("score")).isCloseTo(33.073910244428156, CLOSE);
    assertThat((List<?>) bleu.get("precisions")).hasSize(4);
    assertThat((String) bleu.get("signature")).startsWith("nrefs:2|case:mixed|eff:no|");
    assertThat((String) bleu.get("verbose_score")).startsWith("73.3/53.8/27.3/11.1 (BP");

    var ter = Json.object(score("--json", "--metric", "ter", hypotheses, first, second));
    assertThat(ter).containsEntry("num_edits", 6L).containsEntry("ref_length", 9.0);
    var chrf = Json.object(score("--json", "-m", "chrf", "-cw", "2", hypotheses, first, second));
    assertThat(chrf).containsEntry("name", "chrF2++").containsEntry("word_order", 2L);
  }

  @Test
  void jsonOfEachLineIsAList() {
    var lines = (List<?>) Json.parse(score("--json", "-sl", hypotheses, first));
    assertThat(lines).hasSize(2);
    assertThat(((Map<?, ?>) lines.getFirst()).get("sys_len")).isEqualTo(7L);
    assertThat(((Map<?, ?>) lines.getLast()).get("sys_len")).isEqualTo(8L);

    var rouge = (List<?>) Json.parse(score("--json", "-sl", "-m", "rouge", hypotheses, first));
    for (var kind : new String[] {"rouge1", "rouge2", "rougeL", "rougeLsum"}) {
      var part = (Map<?, ?>) ((Map<?, ?>) rouge.getFirst()).get(kind);
      assertThat(part.keySet()).hasToString("[precision, recall, f]");
    }
    var all = Json.object(score("--json", "-m", "rouge", hypotheses, first));
    assertThat((double) ((Map<?, ?>) all.get("rouge1")).get("f")).isCloseTo(0.75, CLOSE);
  }

  @ParameterizedTest
  @CsvSource({
    "-tok char, 67.43685685",
    "--tokenize intl --lowercase, 40.65152549",
    "-s floor -sv 0.2 --max-ngram-order 5, 20.26631674",
    "--smooth-method add-k, 40.88302567",
    "-m chrf --chrf-char-order 4 --chrf-beta 1 -lc, 58.27848486",
    "-m chrf --chrf-whitespace --chrf-eps-smoothing, 55.43463779",
    "-m ter --ter-case-sensitive --ter-normalized --ter-no-punct --ter-asian-support, 52.63157895",
  })
  void optionsAreSacrebleus(String options, double expected) {
    var args = new ArrayList<>(List.of(options.split(" ")));
    args.addAll(List.of("--json", hypotheses, first, second));
    var score = (double) Json.object(score(args.toArray(String[]::new))).get("score");
    assertThat(score).isCloseTo(expected, within(1e-7));
  }

  @Test
  void hypothesesMayComeFromStdin() throws IOException {
    assertThat(
            with().in(Files.readAllBytes(Path.of(hypotheses))).run("bleu", "-", first).succeeded())
        .extracting(Tried::out)
        .isEqualTo(score(hypotheses, first));
  }

  @Test
  void textsThatLookTokenizedAreRemarkedOn() throws IOException {
    var tokenized = file("tokenized", "A cat .\n".repeat(100));
    var tried = tenon("bleu", tokenized, tokenized);
    assertThat(tried.code()).isZero();
    assertThat(tried.err()).startsWith("tenon: 100 lines").contains("--force");
    tenon("bleu", "--force", tokenized, tokenized).succeeded();
    tenon("bleu", "-m", "chrf", tokenized, tokenized).succeeded();
  }

  @Test
  void badFilesAreOneLine() throws IOException {
    tenon("bleu", hypotheses, folder.resolve("none").toString()).failed("no such file");
    tenon("bleu", hypotheses, folder.toString()).failed("it is a folder");
    tenon("bleu", hypotheses, file("one", "a\n")).failed("one has 1 lines, but ", "hyp has 2");
    tenon("bleu", file("empty", ""), first).failed("empty has no lines");
    var binary = Files.write(folder.resolve("binary"), new byte[] {'a', (byte) 0xff, '\n'});
    tenon("bleu", binary.toString(), first).failed("binary is not a text: it is not UTF-8");
    with().in("a\n").run("bleu", "-", first).failed("first has 2 lines, but stdin has 1");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      value = {
        "``, which texts",
        "a, which texts",
        "- -, stdin",
        "-m meteor a b, 'meteor' is not bleu",
        "-tok ja-mecab a b, 'ja-mecab' is not 13a",
        "-s best a b, 'best' is not exp",
        "-s floor -sv x a b, 'x' is not a number",
        "-s floor -sv -1 a b, smoothing value of -1",
        "--max-ngram-order 0 a b, up to 0 words",
        "-m chrf --chrf-char-order -1 a b, charOrder -1",
        "-m chrf --chrf-char-order 0 a b, neither",
        "-m chrf --chrf-beta -1 a b, beta -1",
        "--width 99 a b, --width 99",
      })
  void wrongUsageIsOneLine(String arguments, String hint) {
    tenon(("bleu " + arguments).strip().split(" ")).refused(hint);
  }

  private static String score(String... arguments) {
    var all = new ArrayList<>(List.of("bleu"));
    all.addAll(List.of(arguments));
    return tenon(all.toArray(String[]::new)).succeeded().out();
  }

  private static String file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text).toString();
  }
}
