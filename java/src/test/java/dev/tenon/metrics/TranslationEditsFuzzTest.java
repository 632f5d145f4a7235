package dev.tenon.metrics;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class TranslationEditsFuzzTest {
  @Test
  void editsAreAtMostTheDistanceAndNoneForTheSame() {
    var random = new Random(7);
    for (int round = 0; round < 2000; round++) {
      var hypothesis = words(random, random.nextInt(24), 6);
      var reference = words(random, random.nextInt(24), 6);
      int edits = TranslationEdits.count(hypothesis, reference);
      assertThat(edits)
          .isBetween(
              Math.abs(hypothesis.length - reference.length), distance(hypothesis, reference));
      assertThat(edits == 0).isEqualTo(Arrays.equals(hypothesis, reference));
    }
  }

  /// Rows around the diagonal have to meet however much the lengths differ.
  @Test
  void lengthsMayDifferByAnyAmount() {
    var random = new Random(8);
    for (int length : new int[] {1, 2, 7, 60, 300, 2000}) {
      for (int other : new int[] {1, 2, 7, 60, 300, 2000}) {
        var hypothesis = words(random, length, 40);
        var reference = words(random, other, 40);
        assertThatCode(
                () ->
                    assertThat(TranslationEdits.count(hypothesis, reference))
                        .isBetween(
                            Math.abs(hypothesis.length - reference.length),
                            Math.max(hypothesis.length, reference.length)))
            .as(length + " words for " + other)
            .doesNotThrowAnyException();
      }
    }
  }

  private static int[] words(Random random, int length, int different) {
    return random.ints(length, 0, different).toArray();
  }

  private static int distance(int[] a, int[] b) {
    var above = new int[b.length + 1];
    Arrays.setAll(above, i -> i);
    for (int i = 1; i <= a.length; i++) {
      var row = new int[b.length + 1];
      row[0] = i;
      for (int j = 1; j <= b.length; j++) {
        int same = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
        row[j] = Math.min(same, 1 + Math.min(above[j], row[j - 1]));
      }
      above = row;
    }
    return above[b.length];
  }
}
