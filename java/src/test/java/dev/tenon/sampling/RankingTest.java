package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RankingTest {
  private static final float INF = Float.POSITIVE_INFINITY;

  @Test
  void findsTheBestInOrderWhateverTheLogits() {
    var random = new Random(21);
    var ranking = new Ranking();
    for (int n : new int[] {1, 7, 100, 3000, 8191, 8192, 9000, 20_001}) {
      for (int kind = 0; kind < 6; kind++) {
        var logits = new float[n];
        for (int i = 0; i < n; i++) {
          logits[i] =
              switch (kind) {
                case 0 -> (float) random.nextGaussian();
                case 1 -> random.nextInt(5) * (random.nextBoolean() ? 1 : -1);
                case 2 -> -INF;
                case 3 -> random.nextInt(2000) == 0 ? 1 : -INF;
                case 4 -> i; // the best are at the end, behind the whole rows
                default -> random.nextInt(1000) == 0 ? INF : -i;
              };
        }
        var expected =
            IntStream.range(0, n)
                .boxed()
                .sorted((a, b) -> logits[a] == logits[b] ? a - b : logits[a] > logits[b] ? -1 : 1)
                .mapToInt(Integer::intValue)
                .toArray();
        for (int k : new int[] {0, 1, 2, 40, 129, 500, 1024, 1025, n / 2, n}) {
          if (k > n) {
            continue;
          }
          int found = ranking.rank(logits, n, k);
          assertThat(found).isBetween(k, n);
          assertThat(IntStream.range(0, found).map(ranking::index).toArray())
              .as("%d of %d, kind %d", k, n, kind)
              .isEqualTo(Arrays.copyOf(expected, found));
        }
      }
    }
  }

  @Test
  void seesWhatIsNotANumber() {
    var ranking = new Ranking();
    for (int n : new int[] {1, 1000, 1024, 5000}) {
      var logits = new float[n];
      Arrays.fill(logits, -INF);
      logits[0] = INF;
      assertThat(ranking.anyNan(logits, n)).isFalse();
      for (int place : new int[] {0, n / 2, n - 1}) {
        var copy = logits.clone();
        copy[place] = Float.intBitsToFloat(place % 2 == 0 ? 0x7fc00001 : 0xffc00001);
        assertThat(ranking.anyNan(copy, n)).as("%d of %d", place, n).isTrue();
      }
    }
  }
}
