package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.TokenClassifier.Aggregation;
import dev.tenon.TokenClassifier.Entity;
import dev.tenon.TokenEntities.Token;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Scores of tokens as a model may give them, and what transformers' pipeline makes of such.
class TokenEntitiesTest {
  private static final TokenEntities ENTITIES =
      new TokenEntities(
          List.of("O", "B-PER", "I-PER", "B-LOC", "x-y"),
          pieces -> String.join(" ", pieces).replace(" ##", ""));

  /// `An ##na ##s York is`, where the middle of the first word is surest of another label.
  private static final List<Token> TOKENS =
      List.of(
          token(1, "An", 0, 2, false, 0.1f, 0.4f, 0.3f, 0.2f, 0),
          token(2, "##na", 2, 4, true, 0, 0.05f, 0.05f, 0.9f, 0),
          token(3, "##s", 4, 5, true, 0.1f, 0.6f, 0.2f, 0.1f, 0),
          token(4, "York", 6, 10, false, 0, 0.1f, 0.7f, 0.2f, 0),
          token(5, "is", 11, 13, false, 0.8f, 0.1f, 0.1f, 0, 0));

  @Test
  void noneGivesEachToken() {
    assertThat(of(Aggregation.NONE))
        .containsExactly(
            new Entity("B-PER", 0.4f, 1, "An", 0, 2),
            new Entity("B-LOC", 0.9f, 2, "##na", 2, 4),
            new Entity("B-PER", 0.6f, 3, "##s", 4, 5),
            new Entity("I-PER", 0.7f, 4, "York", 6, 10));
  }

  @Test
  void whatIsIgnoredCanBeSaid() {
    assertThat(ENTITIES.of(TOKENS, Aggregation.NONE, List.of("B-PER", "B-LOC")))
        .containsExactly(
            new Entity("I-PER", 0.7f, 4, "York", 6, 10), new Entity("O", 0.8f, 5, "is", 11, 13));
    assertThat(ENTITIES.of(TOKENS, Aggregation.SIMPLE, List.of("PER", "LOC")))
        .containsExactly(new Entity("O", 0.8f, -1, "is", 11, 13));
  }

  @Test
  void simplePutsNeighboursOfOneLabelTogether() {
    assertThat(of(Aggregation.SIMPLE))
        .containsExactly(
            new Entity("PER", 0.4f, -1, "An", 0, 2),
            new Entity("LOC", 0.9f, -1, "##na", 2, 4),
            new Entity("PER", (0.6f + 0.7f) / 2, -1, "##s York", 4, 10));
  }

  @Test
  void wordsHaveTheLabelOfTheirFirstToken() {
    assertThat(of(Aggregation.FIRST))
        .containsExactly(new Entity("PER", (0.4f + 0.7f) / 2, -1, "Annas York", 0, 10));
  }

  @Test
  void wordsHaveTheLabelOfTheirSurestToken() {
    assertThat(of(Aggregation.MAX))
        .containsExactly(
            new Entity("LOC", 0.9f, -1, "Annas", 0, 5), new Entity("PER", 0.7f, -1, "York", 6, 10));
  }

  @Test
  void wordsHaveTheLabelThatIsBestOnAverage() {
    assertThat(of(Aggregation.AVERAGE))
        .containsExactly(
            new Entity("LOC", 1.2f / 3, -1, "Annas", 0, 5),
            new Entity("PER", 0.7f, -1, "York", 6, 10));
  }

  @Test
  void aLabelWithoutBeginningGoesOnAndLosesWhatIsBeforeItsDash() {
    var tokens =
        List.of(
            token(1, "a", 0, 1, false, 0, 0, 0, 0, 1), token(2, "b", 2, 3, false, 0, 0, 0, 0, 1));
    assertThat(ENTITIES.of(tokens, Aggregation.SIMPLE, List.of()))
        .containsExactly(new Entity("y", 1, -1, "a b", 0, 3));
  }

  @Test
  void nothingComesOfNothing() {
    for (var how : Aggregation.values())
      assertThat(ENTITIES.of(List.of(), how, List.of())).isEmpty();
  }

  @Test
  void ofOverlappingEntitiesTheLongestStaysThenTheSurest() {
    var first = new Entity("PER", 0.9f, -1, "ab", 0, 2);
    var longer = new Entity("LOC", 0.1f, -1, "bcd", 1, 4);
    var surer = new Entity("LOC", 0.2f, -1, "bcd", 1, 4);
    var next = new Entity("PER", 0.3f, -1, "e", 4, 5);
    assertThat(TokenEntities.merged(List.of(next, first, longer, surer)))
        .containsExactly(surer, next);
    assertThat(TokenEntities.merged(List.of())).isEmpty();
  }

  private static List<Entity> of(Aggregation aggregation) {
    return ENTITIES.of(TOKENS, aggregation, TokenClassifier.USUAL_IGNORED);
  }

  private static Token token(
      int index, String word, int start, int end, boolean subword, float... scores) {
    return new Token(word, scores, start, end, index, subword);
  }
}
