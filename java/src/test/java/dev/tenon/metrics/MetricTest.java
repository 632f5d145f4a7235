package dev.tenon.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// BLEU, chrF and TER. The numbers are sacreBLEU's.
class MetricTest {
  private static final List<String> HYPOTHESES =
      List.of("The cat sat on the mat.", "It costs $3.50 , doesn't it?");

  /// The second hypothesis has one reference alone.
  private static final List<List<String>> REFERENCES =
      List.of(
          List.of("The cat is on the mat.", "It's 3.50 dollars, isn't it?"),
          Arrays.asList("A cat sat on a mat.", null));

  @Test
  void bleuHasItsParts() {
    var score = Bleu.defaults().corpus(HYPOTHESES, REFERENCES);
    assertThat(score.score()).isCloseTo(33.073910244428156, within(1e-12));
    assertThat(score.counts()).containsExactly(11.0, 7.0, 3.0, 1.0);
    assertThat(score.totals()).containsExactly(15.0, 13.0, 11.0, 9.0);
    assertThat(score.sysLen()).isEqualTo(15);
    assertThat(score.refLen()).isEqualTo(14);
    assertThat(score.bp()).isEqualTo(1);
    assertThat(score.signature())
        .startsWith("nrefs:var|case:mixed|eff:no|tok:13a|smooth:exp|version:");
    assertThat(score.format(1))
        .matches(
            "BLEU\\|nrefs:var\\|.* = 33\\.1 73\\.3/53\\.8/27\\.3/11\\.1"
                + " \\(BP = 1\\.000 ratio = 1\\.071 hyp_len = 15 ref_len = 14\\)");
  }

  @ParameterizedTest
  @CsvSource({
    "intl, false, exp,   0,     4, 40.65152548955962,  eff:no|tok:intl|smooth:exp",
    "none, true,  exp,   0,     4, 27.91974132362089,  eff:no|tok:none|smooth:exp",
    "char, false, exp,   0,     4, 67.43685684609221,  eff:no|tok:char|smooth:exp",
    "13a,  false, floor, 0.1,   6, 12.2737994168074,   eff:no|tok:13a|smooth:floor[0.10]",
    "13a,  false, add-k, 0.125, 4, 34.266059014723425, eff:no|tok:13a|smooth:add-k[0.12]",
  })
  void bleuHasSettings(
      String tokenize,
      boolean lowercase,
      String smoothing,
      double value,
      int order,
      double expected,
      String signature) {
    var score =
        Bleu.defaults()
            .withTokenize(BleuTokenizer.of(tokenize))
            .withLowercase(lowercase)
            .withSmoothing(Bleu.Smoothing.of(smoothing), value)
            .withMaxNgramOrder(order)
            .corpus(HYPOTHESES, REFERENCES);
    assertThat(score.score()).isCloseTo(expected, within(1e-12));
    assertThat(score.signature()).contains("case:" + (lowercase ? "lc" : "mixed"), signature);
  }

  @Test
  void aShortSentenceIsScoredByTheOrdersThatItHas() {
    var references = List.of("the cat sat");
    assertThat(Bleu.defaults().sentence("the cat", references).score()).isZero();
    var effective = Bleu.defaults().withEffectiveOrder(true).sentence("the cat", references);
    assertThat(effective.score()).isCloseTo(100 * Math.exp(-0.5), within(1e-12));
    assertThat(effective.signature()).startsWith("nrefs:1|case:mixed|eff:yes|");
    assertThat(effective.precisions()).containsExactly(100.0, 100.0, 0.0, 0.0);
  }

  @ParameterizedTest
  @CsvSource({
    "6, 0, 2, false, false, false, 47.666269153287246, chrF2,   eff:yes|nc:6|nw:0|space:no",
    "6, 2, 2, false, false, false, 49.68419828388745,  chrF2++, eff:yes|nc:6|nw:2|space:no",
    "6, 0, 2, true,  true,  false, 55.434660492829344, chrF2,   eff:yes|nc:6|nw:0|space:yes",
    "4, 0, 1, false, false, true,  58.27848486385071,  chrF1,   eff:no|nc:4|nw:0|space:no",
  })
  void chrfHasSettings(
      int characters,
      int words,
      int beta,
      boolean lowercase,
      boolean whitespace,
      boolean eps,
      double expected,
      String name,
      String signature) {
    var score =
        new Chrf(characters, words, beta, lowercase, whitespace, eps)
            .corpus(HYPOTHESES, REFERENCES);
    assertThat(score.score()).isCloseTo(expected, within(1e-12));
    assertThat(score.name()).isEqualTo(name);
    assertThat(score.signature()).contains(signature + "|version:");
  }

  @ParameterizedTest
  @CsvSource({
    "false, false, false, false, 6, 9,  case:lc|tok:tercom|norm:no|punct:yes|asian:no",
    "true,  false, false, false, 4, 11, case:lc|tok:tercom|norm:yes|punct:yes|asian:no",
    "true,  false, true,  false, 4, 15, case:lc|tok:tercom|norm:yes|punct:yes|asian:yes",
    "true,  true,  true,  false, 3, 12, case:lc|tok:tercom|norm:yes|punct:no|asian:yes",
    "false, false, false, true,  6, 9,  case:mixed|tok:tercom|norm:no|punct:yes|asian:no",
  })
  void terHasSettings(
      boolean normalized,
      boolean noPunct,
      boolean asian,
      boolean caseSensitive,
      int edits,
      double length,
      String signature) {
    var score =
        new Ter(normalized, noPunct, asian, caseSensitive)
            .corpus(
                List.of("sat on the mat the cat today .", "“你好” , 世界.5"),
                List.of(List.of("the cat sat on the mat today.", "你好，世界 .5")));
    assertThat(score.numEdits()).isEqualTo(edits);
    assertThat(score.refLength()).isEqualTo(length);
    assertThat(score.score()).isCloseTo(100.0 * edits / length, within(1e-12));
    assertThat(score.signature()).startsWith("nrefs:1|" + signature + "|version:");
  }

  @Test
  void aShiftIsOneEdit() {
    assertThat(Ter.defaults().sentence("sat the cat", List.of("the cat sat")).numEdits())
        .isEqualTo(1);
    assertThat(Ter.defaults().sentence("a b c d e f", List.of("d e f a b c")).numEdits())
        .isEqualTo(1);
  }

  @Test
  void ofSeveralReferencesTheNearestCounts() {
    var references = List.of("d e f g", "a b c", "a b c d e f g h");
    assertThat(Ter.defaults().sentence("a b c", references).numEdits()).isZero();
    assertThat(Ter.defaults().sentence("a b c", references).refLength()).isEqualTo(5);
    assertThat(Chrf.defaults().sentence("a b c", references).score()).isEqualTo(100);
    assertThat(Bleu.defaults().sentence("a b c d e f", references).refLen()).isEqualTo(4);
  }

  @Test
  void emptyTextsAreTexts() {
    for (var metric : List.of(Bleu.defaults(), Chrf.defaults())) {
      assertThat(metric.sentence("", List.of("a")).score()).isZero();
      assertThat(metric.sentence("a", List.of("")).score()).isZero();
      assertThat(metric.sentence("", List.of("")).score()).isZero();
    }
    assertThat(Ter.defaults().sentence("", List.of("a b")).score()).isEqualTo(100);
    assertThat(Ter.defaults().sentence("a b", List.of("")).score()).isEqualTo(100);
    assertThat(Ter.defaults().sentence("", List.of("")).score()).isZero();
  }

  @Test
  void whatCannotBeScoredIsRefused() {
    for (var metric : List.of(Bleu.defaults(), Chrf.defaults(), Ter.defaults())) {
      refused("no hypothesis", () -> metric.corpus(List.of(), List.of(List.of())));
      refused("no references", () -> metric.corpus(List.of("a"), List.of()));
      refused(
          "2 hypotheses, but 1 references in stream 2",
          () -> metric.corpus(List.of("a", "b"), List.of(List.of("a", "b"), List.of("a"))));
      refused(
          "hypothesis 2 has no reference",
          () -> metric.corpus(List.of("a", "b"), List.of(Arrays.asList("a", null))));
      refused("no reference", () -> metric.sentence("a", List.of()));
    }
    var bleu = Bleu.defaults();
    refused("up to 0 words", () -> bleu.withMaxNgramOrder(0));
    refused("up to 1001 words", () -> bleu.withMaxNgramOrder(1001));
    refused("value of -0.1", () -> bleu.withSmoothing(Bleu.Smoothing.FLOOR, -0.1));
    refused("value of NaN", () -> bleu.withSmoothing(Bleu.Smoothing.ADD_K, Double.NaN));
    refused("'best'", () -> Bleu.Smoothing.of("best"));
    var chrf = Chrf.defaults();
    refused("charOrder -1", () -> chrf.withCharOrder(-1));
    refused("wordOrder 1001", () -> chrf.withWordOrder(1001));
    refused("neither", () -> chrf.withCharOrder(0));
    refused("beta -1", () -> chrf.withBeta(-1));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> BleuTokenizer.of("ja-mecab"))
        .withMessageContaining("'ja-mecab'")
        .withMessageContaining("13a, intl, char, zh, none");
  }

  private static void refused(String message, Runnable call) {
    assertThatIllegalArgumentException().isThrownBy(call::run).withMessageContaining(message);
  }
}
