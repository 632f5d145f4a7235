package dev.tenon.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/// What is expected is what SQuAD's evaluate-v2.0.py says.
class AnswersTest {
  @Test
  void caseArticlesAndPunctuationMakeNoDifference() {
    assertThat(Answers.exactMatch("The Eiffel-Tower!", List.of("eiffeltower"))).isTrue();
    assertThat(Answers.exactMatch("an apple a day", List.of("Apple  day."))).isTrue();
    assertThat(Answers.exactMatch("theatre", List.of("atre"))).isFalse();
    assertThat(Answers.exactMatch("a2", List.of("2"))).isFalse();
    // A combining mark ends a word, as Python's re has it.
    assertThat(Answers.exactMatch("a\u0301b", List.of("\u0301b"))).isTrue();
    assertThat(Answers.exactMatch("«the» x", List.of("« » x"))).isTrue();
  }

  @Test
  void f1IsOfTheWordsInCommon() {
    assertThat(Answers.f1("the old Eiffel Tower", List.of("Eiffel Tower")))
        .isCloseTo(0.8, within(1e-12));
    assertThat(Answers.f1("x x y", List.of("x z", "q"))).isCloseTo(0.4, within(1e-12));
    assertThat(Answers.f1("p", List.of("q"))).isZero();
  }

  @Test
  void whereThereIsNoAnswerNoneIsRight() {
    assertThat(Answers.exactMatch("", List.of())).isTrue();
    assertThat(Answers.f1("", List.of())).isEqualTo(1);
    assertThat(Answers.f1("the", List.of())).isEqualTo(1);
    assertThat(Answers.f1("Paris", List.of())).isZero();
    assertThat(Answers.exactMatch("", List.of("the", "Paris"))).isFalse();
    assertThat(Answers.f1("", List.of("Paris"))).isZero();
  }

  @Test
  void manyHaveTheMeanInPercent() {
    var mean =
        Answers.mean(List.of("Paris", "old Rome"), List.of(List.of("paris"), List.of("Rome")));
    assertThat(mean.exactMatch()).isEqualTo(50);
    assertThat(mean.f1()).isCloseTo(100 * (1 + 2.0 / 3) / 2, within(1e-9));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Answers.mean(List.of("a"), List.of()))
        .withMessageContaining("1 predictions for 0 questions");
    assertThatIllegalArgumentException().isThrownBy(() -> Answers.mean(List.of(), List.of()));
  }
}
