package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.sampling.LogProbabilities.Entry;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class LogProbabilitiesTest {
  private static final float NAN = Float.NaN;
  private static final float INF = Float.POSITIVE_INFINITY;

  @Test
  void areTheLogarithmsOfTheSoftmax() {
    var random = new Random(3);
    for (int n : new int[] {1, 2, 50, 10_000}) {
      for (float offset : new float[] {0, -1e4f, 1e4f}) {
        var logits = new float[n];
        for (int i = 0; i < n; i++) {
          logits[i] = offset + random.nextInt(200) / 8f;
        }
        double sum = 0;
        for (float logit : logits) {
          sum += Math.exp((double) logit - offset);
        }
        int token = random.nextInt(n);
        var found = LogProbabilities.of(logits, token, 20);
        assertThat(found.chosen().token()).isEqualTo(token);
        assertThat(found.chosen().logProbability())
            .isCloseTo((float) (logits[token] - offset - Math.log(sum)), within(1e-5f));
        var best =
            IntStream.range(0, n)
                .boxed()
                .sorted(Comparator.comparing((Integer i) -> -logits[i]))
                .limit(20)
                .toList();
        assertThat(found.top()).extracting(Entry::token).isEqualTo(best);
        for (var entry : found.top()) {
          assertThat(entry).isEqualTo(LogProbabilities.of(logits, entry.token(), 0).chosen());
        }
      }
    }
  }

  @Test
  void surviveWhatIsNoFiniteNumber() {
    float half = (float) -Math.log(2);
    assertThat(LogProbabilities.of(new float[] {0, INF, 5, INF}, 1, 3).top())
        .containsExactly(new Entry(1, half), new Entry(3, half), new Entry(2, -INF));
    assertThat(LogProbabilities.of(new float[] {-INF, NAN}, 1, 5).top())
        .containsExactly(new Entry(0, half), new Entry(1, half));
    assertThat(LogProbabilities.of(new float[] {NAN, 3, -INF}, 0, 1))
        .isEqualTo(new LogProbabilities(new Entry(0, -INF), List.of(new Entry(1, 0))));
  }

  @Test
  void refuseWhatIsOutOfRange() {
    var logits = new float[] {1, 2};
    assertThatThrownBy(() -> LogProbabilities.of(logits, 2, 1))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> LogProbabilities.of(logits, 0, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("top -1");
    assertThat(LogProbabilities.of(logits, 0, 0).top()).isEmpty();
  }
}
