package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class CandidatesTest {
  private static final float NAN = Float.NaN;
  private static final float INF = Float.POSITIVE_INFINITY;

  @Test
  void theBestComeFirstAndTiesByIdWhateverTheNumber() {
    var random = new Random(1);
    for (int n : new int[] {1, 2, 7, 8, 9, 100, 1000, 5000}) {
      var logits = new float[n];
      for (int i = 0; i < n; i++) {
        // Few values, so that there are many ties; -0 equals 0.
        logits[i] = (random.nextInt(41) - 20) / 4f * (random.nextBoolean() ? 1 : -1);
      }
      var expected =
          IntStream.range(0, n)
              .boxed()
              .sorted(Comparator.comparing((Integer i) -> -(logits[i] + 0f)))
              .toList();
      for (int k : new int[] {1, 2, 3, 40, n / 9, n / 8, n / 2, n - 1, n, n + 1}) {
        if (k < 1) {
          continue;
        }
        var candidates = Candidates.of(logits);
        candidates.keepBest(k);
        int kept = Math.min(k, n);
        assertThat(candidates.size()).isEqualTo(kept);
        assertThat(candidates.sorted()).isTrue();
        assertThat(ids(candidates)).as("best %d of %d", k, n).isEqualTo(expected.subList(0, kept));
        for (int i = 0; i < kept; i++) {
          assertThat(candidates.logit(i)).isEqualTo(logits[candidates.id(i)]);
        }
      }
    }
  }

  @Test
  void softmaxSumsToOneAndSurvivesInfinities() {
    var plain = Candidates.of(1, 2, 3);
    plain.softmax();
    double sum = Math.exp(1) + Math.exp(2) + Math.exp(3);
    for (int i = 0; i < 3; i++) {
      assertThat(plain.probability(i)).isCloseTo((float) (Math.exp(i + 1) / sum), within(1e-6f));
    }
    assertThat(probabilities(0, INF, 3, INF)).containsExactly(0, 0.5f, 0, 0.5f);
    assertThat(probabilities(-INF, -INF)).containsExactly(0.5f, 0.5f);
    assertThat(probabilities(NAN, 0, -INF)).containsExactly(0, 1, 0);
    assertThat(probabilities(Float.MAX_VALUE, -Float.MAX_VALUE)).containsExactly(1, 0);
  }

  @Test
  void whatIsNotANumberIsExcluded() {
    var candidates = Candidates.of(NAN, 1, NAN);
    assertThat(candidates.logit(0)).isEqualTo(-INF);
    assertThat(candidates.best()).isEqualTo(1);
    candidates.setLogit(1, NAN);
    assertThat(candidates.logit(1)).isEqualTo(-INF);
  }

  @Test
  void loadingAgainForgetsEverything() {
    var candidates = Candidates.of(3, 1, 2, 5);
    candidates.softmax();
    candidates.sort();
    candidates.keep(1, 2);
    candidates.load(new float[] {7, 8, 9});
    assertThat(ids(candidates)).containsExactly(0, 1, 2);
    assertThat(candidates.vocabularySize()).isEqualTo(3);
    assertThat(candidates.sorted()).isFalse();
    assertThat(candidates.probability(0)).isZero();
  }

  @Test
  void findsAToken() {
    var candidates = Candidates.of(1, 2, 3, 4);
    assertThat(candidates.indexOf(2)).isEqualTo(2);
    candidates.keepBest(2);
    assertThat(candidates.indexOf(2)).isEqualTo(1);
    assertThat(candidates.indexOf(3)).isZero();
    assertThat(candidates.indexOf(0)).isEqualTo(-1);
    assertThat(candidates.indexOf(-1)).isEqualTo(-1);
    assertThat(candidates.indexOf(4)).isEqualTo(-1);
  }

  @Test
  void anEmptyListStaysEmpty() {
    var candidates = new Candidates();
    candidates.sort();
    candidates.softmax();
    for (var filter :
        List.of(
            Filter.topK(3),
            Filter.topP(0.5f),
            Filter.minP(0.5f),
            Filter.temperature(0),
            Filter.temperature(2))) {
      filter.apply(candidates);
      assertThat(candidates.size()).isZero();
    }
    assertThatThrownBy(candidates::best).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void keepsARange() {
    var candidates = Candidates.of(5, 4, 3, 2, 1);
    candidates.keep(1, 4);
    assertThat(ids(candidates)).containsExactly(1, 2, 3);
    assertThatThrownBy(() -> candidates.keep(1, 1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> candidates.keep(0, 4)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> candidates.keepBest(0)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> candidates.id(3)).isInstanceOf(IndexOutOfBoundsException.class);
  }

  @Test
  void neverDrawsWhatIsExcluded() {
    for (double uniform : new double[] {0, 0.25, 0.5, 0.999, Math.nextDown(1.0)}) {
      var candidates = Candidates.of(-INF, 1, NAN, 1, -INF);
      assertThat(candidates.id(candidates.draw(uniform))).isIn(1, 3);
    }
    assertThat(Candidates.of(-INF, 1, 1).draw(0)).isEqualTo(1);
    assertThatThrownBy(() -> new Candidates().draw(0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void nucleusIsTheSameWhetherSortedOrNot() {
    var random = new Random(3);
    var logits = new float[20_000];
    for (int i = 0; i < logits.length; i++) {
      logits[i] = (float) random.nextGaussian();
    }
    for (float p : new float[] {0, 0.001f, 0.3f, 0.9f, 0.999f}) {
      var unsorted = Candidates.of(logits);
      Filter.topP(p).apply(unsorted);
      var sorted = Candidates.of(logits);
      sorted.softmax();
      sorted.sort();
      int expected = 0;
      float sum = 0;
      while (expected == 0 || sum < p) {
        sum += sorted.probability(expected++);
      }
      assertThat(unsorted.size()).isEqualTo(expected);
      assertThat(ids(unsorted)).isEqualTo(ids(sorted).subList(0, expected));
    }
  }

  @Test
  void retainsWhatAMaskAllowsHoweverTheListIsOrdered() {
    var random = new Random(4);
    for (int n : new int[] {1, 5, 63, 64, 65, 128, 1000}) {
      var logits = new float[n];
      for (int i = 0; i < n; i++) {
        logits[i] = (float) random.nextGaussian();
      }
      for (int words : new int[] {1, (n + 63) / 64, (n + 63) / 64 + 2}) {
        var mask = new long[words];
        for (int i = 0; i < words; i++) {
          mask[i] = random.nextLong() & random.nextLong();
        }
        mask[0] |= 1; // one is always there
        for (int order = 0; order < 4; order++) {
          var candidates = Candidates.of(logits);
          switch (order) {
            case 1 -> candidates.sort();
            case 2 -> candidates.keep(0, Math.max(1, n - 3));
            case 3 -> candidates.setLogit(n / 2, 7);
            default -> {}
          }
          var expected =
              ids(candidates).stream()
                  .filter(id -> id >> 6 < words && (mask[id >> 6] >>> id & 1) != 0)
                  .toList();
          if (expected.isEmpty()) {
            continue;
          }
          boolean sorted = candidates.sorted();
          candidates.retain(mask);
          assertThat(ids(candidates)).isEqualTo(expected);
          assertThat(candidates.sorted()).isEqualTo(sorted);
          for (int i = 0; i < candidates.size(); i++) {
            assertThat(candidates.indexOf(candidates.id(i))).isEqualTo(i);
            if (order != 3) {
              assertThat(candidates.logit(i)).isEqualTo(logits[candidates.id(i)]);
            }
          }
          assertThat(candidates.indexOf(n)).isEqualTo(-1);
          candidates.load(logits);
          assertThat(ids(candidates)).isEqualTo(IntStream.range(0, n).boxed().toList());
        }
      }
    }
  }

  @Test
  void oneCandidateMustBeAllowed() {
    var candidates = Candidates.of(1, 2, 3);
    for (var mask : new long[][] {{}, {0}, {8}, {0, -1}}) {
      assertThatThrownBy(() -> candidates.retain(mask))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("none of the 3 candidates");
      assertThat(ids(candidates)).containsExactly(0, 1, 2);
    }
  }

  @Test
  void aChoiceHoldsUntilTheListIsChanged() {
    var candidates = Candidates.of(1, 2, 3);
    assertThat(candidates.selected()).isEqualTo(-1);
    candidates.select(1);
    candidates.softmax();
    assertThat(candidates.selected()).isEqualTo(1);
    assertThatThrownBy(() -> candidates.select(3)).isInstanceOf(IndexOutOfBoundsException.class);
    for (var change :
        List.<Filter>of(
            c -> c.setLogit(0, 4),
            c -> c.keep(0, 2),
            Candidates::sort,
            c -> c.retain(new long[] {3}),
            c -> c.load(new float[] {1, 2, 3}))) {
      candidates.select(0);
      change.apply(candidates);
      assertThat(candidates.selected()).isEqualTo(-1);
    }
  }

  private static List<Integer> ids(Candidates candidates) {
    return IntStream.range(0, candidates.size()).map(candidates::id).boxed().toList();
  }

  private static float[] probabilities(float... logits) {
    var candidates = Candidates.of(logits);
    candidates.softmax();
    var all = new float[logits.length];
    for (int i = 0; i < all.length; i++) {
      all[i] = candidates.probability(i);
    }
    return all;
  }
}
