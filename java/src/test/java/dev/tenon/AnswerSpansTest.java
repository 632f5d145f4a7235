package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.AnswerSpans.Span;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AnswerSpansTest {
  /// The first token, one of the question, three of the context, the last.
  private static final boolean[] POSSIBLE = {true, false, true, true, true, false};

  @Test
  void probabilitiesAreOfTheContextAndOfNoAnswer() {
    float half = (float) Math.log(2);
    var spans =
        new AnswerSpans(
            new float[] {half, 9, 0, half, 0, 9}, new float[] {0, 9, 0, 0, half, 9}, POSSIBLE);
    assertThat(spans.none()).isCloseTo(2 / 6f * (1 / 5f), within(1e-6f));
    var best = spans.best(3, 15);
    assertThat(best).hasSize(3);
    assertThat(best.getFirst().start()).isEqualTo(3);
    assertThat(best.getFirst().end()).isEqualTo(4);
    assertThat(best.getFirst().score()).isCloseTo(2 / 6f * (2 / 5f), within(1e-6f));
  }

  @Test
  void thereAreNoMoreThanThereAre() {
    var spans = new AnswerSpans(new float[6], new float[6], POSSIBLE);
    assertThat(spans.best(100, 15)).hasSize(6);
    assertThat(spans.best(100, 2)).hasSize(5);
    assertThat(spans.best(Integer.MAX_VALUE, Integer.MAX_VALUE)).hasSize(6);
    var nothing = new AnswerSpans(new float[2], new float[2], new boolean[] {true, false});
    assertThat(nothing.best(10, 10)).isEmpty();
    assertThat(nothing.none()).isEqualTo(1);
  }

  @Test
  void theBestAreTheBestOfAll() {
    var random = new Random(7);
    for (int round = 0; round < 100; round++) {
      int length = 2 + random.nextInt(30);
      var starts = new float[length];
      var ends = new float[length];
      var possible = new boolean[length];
      possible[0] = true;
      for (int i = 0; i < length; i++) {
        starts[i] = (float) random.nextGaussian();
        ends[i] = (float) random.nextGaussian();
        possible[i] |= random.nextInt(4) > 0;
      }
      var spans = new AnswerSpans(starts, ends, possible);
      var all = new ArrayList<>(spans.best(Integer.MAX_VALUE, length));
      assertThat(all).isSortedAccordingTo(Comparator.comparingDouble(Span::score).reversed());
      int longest = 1 + random.nextInt(6);
      int most = 1 + random.nextInt(12);
      all.removeIf(span -> span.end() - span.start() >= longest);
      assertThat(spans.best(most, longest))
          .isEqualTo(all.subList(0, Math.min(most, all.size())))
          .allMatch(span -> possible[span.start()] && possible[span.end()] && span.start() > 0);
    }
  }
}
