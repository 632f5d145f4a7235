package dev.tenon.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.metrics.RougeScore.Part;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The numbers are those of rouge-score, the stems NLTK's.
class RougeTest {
  private static final String HYPOTHESIS = "A quick fox runs\nwhile the dogs were sleeping lazily";
  private static final List<String> REFERENCES =
      List.of("The foxes were running.\nDogs sleep, lazily.", "quick fox");

  @Test
  void eachKindHasTheReferenceThatSuitsItBest() {
    var score = new Rouge(false).sentence(HYPOTHESIS, REFERENCES);
    check(score.rouge1(), 0.4, 0.5714285714285714, 0.47058823529411764);
    check(score.rouge2(), 0.1111111111111111, 1, 0.2);
    check(score.rougeL(), 0.3, 0.42857142857142855, 0.3529411764705882);
    check(score.rougeLsum(), 0.4, 0.5714285714285714, 0.47058823529411764);
  }

  @Test
  void stemsMakeMoreWordsEqual() {
    var score = new Rouge(true).sentence(HYPOTHESIS, REFERENCES);
    check(score.rouge1(), 0.7, 1, 0.8235294117647058);
    check(score.rouge2(), 0.1111111111111111, 1, 0.2);
    check(score.rougeL(), 0.5, 0.7142857142857143, 0.588235294117647);
    check(score.rougeLsum(), 0.7, 1, 0.8235294117647058);
  }

  @Test
  void manyHaveTheMean() {
    var score = new Rouge(false).corpus(List.of("a b", "c"), List.of(List.of("a b", "d")));
    check(score.rouge1(), 0.5, 0.5, 0.5);
    check(score.rouge2(), 0.5, 0.5, 0.5);
    check(new Rouge(false).sentence("", List.of("a")).rougeLsum(), 0, 0, 0);
    check(new Rouge(false).sentence("我们", List.of("我们")).rouge1(), 0, 0, 0);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Rouge(false).corpus(List.of("a"), List.of(List.of())))
        .withMessageContaining("1 hypotheses, but 0 references");
  }

  @ParameterizedTest
  @CsvSource({
    "caresses, caress",
    "ties, tie",
    "ponies, poni",
    "agreed, agre",
    "feed, feed",
    "plastered, plaster",
    "hopping, hop",
    "falling, fall",
    "filing, file",
    "conflated, conflat",
    "happy, happi",
    "enjoy, enjoy",
    "relational, relat",
    "radically, radic",
    "geology, geolog",
    "hopefully, hope",
    "triplicate, triplic",
    "replacement, replac",
    "adoption, adopt",
    "controll, control",
    "rate, rate",
    "cease, ceas",
    "dying, die",
    "skies, sky",
    "news, news",
    "died, die",
    "spied, spi",
    "syzygies, syzygi",
    "yyyyed, yyyi",
    "1990s, 1990",
  })
  void wordsAreCutDownToTheirStems(String word, String stem) {
    assertThat(PorterStemmer.stem(word)).isEqualTo(stem);
  }

  private static void check(Part part, double precision, double recall, double f) {
    assertThat(part.precision()).isCloseTo(precision, within(1e-12));
    assertThat(part.recall()).isCloseTo(recall, within(1e-12));
    assertThat(part.f()).isCloseTo(f, within(1e-12));
  }
}
