package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerFlagsTest {
  @TempDir static Path folder;

  private static String tiny;

  @BeforeAll
  static void writeTheModel() throws Exception {
    tiny = TinyModel.write(folder.resolve("tiny.gguf")).toString();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "--samplers top_k;foo         | --samplers: no sampler 'foo'; known are penalties",
        "--sampler-seq kz             | --sampler-seq: no sampler 'z'; known are e (penalties)",
        "--samplers k --sampler-seq k | one of --samplers and --sampler-seq",
        "--top-p 95                   | --top-p 95, from 0 to 1",
        "--min-p NaN                  | --min-p NaN, from 0 to 1",
        "--typical -0.1               | --typical-p -0.1, from 0 to 1",
        "--top-nsigma NaN             | --top-n-sigma NaN, a finite number",
        "--xtc-probability 2          | --xtc-probability 2, from 0 to 1",
        "--xtc-threshold -1           | --xtc-threshold -1, from 0 to 1",
        "--dry-multiplier NaN         | --dry-multiplier NaN, a finite number",
        "--dry-base 0.5               | --dry-base 0.5, a finite number from 1",
        "--dry-allowed-length -1      | --dry-allowed-length -1, from 0",
        "--dry-penalty-last-n -2      | --dry-penalty-last-n -2, from -1",
        "--dynatemp-range -1          | --dynatemp-range -1, a finite number from 0",
        "--dynatemp-exp NaN           | --dynatemp-exp NaN, a finite number",
        "--mirostat 3                 | --mirostat 3, from 0 to 2",
        "--mirostat-ent -1            | --mirostat-ent -1, a finite number from 0",
        "--mirostat-lr NaN            | --mirostat-lr NaN, a finite number from 0",
        "--adaptive-target 2          | --adaptive-target 2, at most 1",
        "--adaptive-decay 1           | --adaptive-decay 1, from 0 to 0.99",
        "--frequency-penalty NaN      | --frequency-penalty NaN, a finite number",
        "--repeat-penalty 0           | --repeat-penalty 0, a finite number above 0",
        "--repeat-penalty Infinity    | --repeat-penalty Infinity, a finite number above 0",
        "--temp NaN                   | --temperature NaN, a finite number",
        "-l 5                         | --logit-bias: '5' is not a token's id",
        "-l x+1                       | --logit-bias: 'x+1' is not a token's id",
        "-l 5+nan                     | --logit-bias: '5+nan' is not a token's id",
        "-l 5+1f                      | --logit-bias: '5+1f' is not a token's id",
        "-l 99999999999+1             | --logit-bias: '99999999999+1' is not a token's id",
      })
  void badValuesAreToldBeforeTheModelIsLoaded(String flags, String hint) {
    // There is no such model, which would be told after.
    tenon(args("no/such.gguf", flags)).refused(hint);
  }

  @Test
  void aBiasIsForATokenOfTheModel() {
    tenon(args(tiny, "-l 99999+1")).failed("logit bias", "99999", "" + TinyModel.VOCABULARY);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--samplers top_k;temp",
        "--sampling-seq kt",
        "--samplers top-k;ADAPTIVE-P --adaptive-target 0.3 --adaptive-decay 0.5",
        "--samplers top_k;infill",
        "--mirostat 1 --mirostat-ent 3 --mirostat-lr 0.2",
        "--mirostat 2",
        "--typical-p 0.7 --top-n-sigma 1.5",
        "--xtc-probability 1 --xtc-threshold 0.01",
        "--dynatemp-range 0.5 --dynatemp-exp 2",
        "--dry-multiplier 1 --dry-base 2 --dry-allowed-length 1 --dry-penalty-last-n -1",
        "--dry-multiplier 1 --dry-sequence-breaker a --dry-sequence-breaker \\n",
        "--dry-multiplier 1 --dry-sequence-breaker none",
        "-l 5+1 --logit-bias 6-inf -l 7-0.5e1 -l 5-1",
      })
  void eachIsTakenAndASeedRepeatsIt(String flags) {
    var first = tenon(args(tiny, flags)).succeeded().out();
    assertThat(tenon(args(tiny, flags)).succeeded().out()).isEqualTo(first);
  }

  @Test
  void aBiasAndTheOrderOfTheSamplersTakeEffect() {
    assertThat(ids("-l 260+1000")).containsOnly("260");
    assertThat(ids("--temp 0 -l 260+1000")).containsOnly("260");
    var greedy = ids("--temp 0");
    assertThat(ids("--temp 9 --sampler-seq k --top-k 1")).isEqualTo(greedy);
    // A temperature that is not among the samplers has no effect.
    assertThat(ids("--temp 0 --samplers top_p")).isEqualTo(ids("--temp 1 --samplers top_p"));
    assertThat(ids("--mirostat 2 --temp 0")).isEqualTo(greedy);
  }

  @Test
  void dryBreaksARepetition() {
    // Greedy choice with a bias would repeat one token for ever.
    assertThat(ids("--temp 0 -l 260+100")).containsOnly("260");
    var flags = "--temp 0 -l 260+100 --dry-multiplier 1000 --dry-allowed-length 1";
    assertThat(ids(flags)).contains("260").anyMatch(id -> !id.equals("260"));
    // Not where the token is a breaker itself.
    assertThat(ids(flags + " --dry-sequence-breaker a")).containsOnly("260");
  }

  /// The ids that are generated.
  private static String[] ids(String flags) {
    var out = tenon(args(tiny, flags + " --ids --ignore-eos")).succeeded().out();
    var all = out.replaceAll("[\\[\\]\\s]", "").split(",");
    return Arrays.copyOfRange(all, all.length - 12, all.length);
  }

  private static String[] args(String model, String flags) {
    return Stream.concat(
            Stream.of("run", "-m", model, "-n", "12", "-s", "3", "-p", "ab"),
            Stream.of(flags.split(" ")))
        .toArray(String[]::new);
  }
}
