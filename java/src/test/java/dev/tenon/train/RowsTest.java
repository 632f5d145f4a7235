package dev.tenon.train;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class RowsTest {
  @Test
  void shortExamplesShareARowAndKeepToThemselves() {
    var first = Example.of(1, 2, 3);
    var second = new Example(new int[] {4, 5, 6, 7}, new boolean[] {false, false, true, true});
    var batch = Rows.of(List.of(first, second), 8).batch(new int[] {0}, 1);
    assertThat(batch.tokens()).containsExactly(1, 2, 4, 5, 6, 0, 0, 0);
    assertThat(batch.labels()).containsExactly(2, 3, -1, 6, 7, -1, -1, -1);
    assertThat(batch.positions()).containsExactly(0, 1, 0, 1, 2, 0, 1, 2);
    assertThat(batch.starts()).containsExactly(0, 0, 2, 2, 2, 5, 5, 5);
    assertThat(batch.counted()).isEqualTo(4);
  }

  @Test
  void aLongExampleGoesOnInTheNextRow() {
    var rows = Rows.of(List.of(Example.of(1, 2, 3, 4, 5, 6, 7, 8, 9)), 3);
    assertThat(rows.size()).isEqualTo(3);
    var batch = rows.batch(new int[] {0, 1, 2}, 3);
    assertThat(batch.tokens()).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 0);
    assertThat(batch.labels()).containsExactly(2, 3, 4, 5, 6, 7, 8, 9, -1);
  }

  @Test
  void missingRowsArePadding() {
    var batch = Rows.of(List.of(Example.of(1, 2)), 2).batch(new int[0], 1);
    assertThat(batch.labels()).containsExactly(-1, -1);
    assertThat(batch.starts()).containsExactly(0, 0);
    assertThat(batch.counted()).isZero();
  }

  @Test
  void everyTokenThatCountsIsInOneRowOnce() {
    var random = new Random(5);
    for (int length : new int[] {2, 5, 16, 33}) {
      var examples = new ArrayList<Example>();
      int expected = 0;
      for (int i = 0; i < 200; i++) {
        var tokens = random.ints(2 + random.nextInt(40), 0, 100).toArray();
        var wanted = new boolean[tokens.length];
        for (int j = 0; j < wanted.length; j++) wanted[j] = random.nextBoolean();
        examples.add(new Example(tokens, wanted));
        expected += examples.getLast().count();
      }
      var rows = Rows.of(examples, length);
      int counted = 0;
      for (int row = 0; row < rows.size(); row++) {
        var batch = rows.batch(new int[] {row}, 1);
        counted += batch.counted();
        assertThat(Arrays.stream(batch.labels()).filter(l -> l >= 0).count())
            .isEqualTo(batch.counted());
        for (int i = 0; i < length; i++) {
          assertThat(batch.starts()[i]).isBetween(0, i);
          assertThat(batch.positions()[i]).isEqualTo(i - batch.starts()[i]);
        }
      }
      assertThat(counted).isEqualTo(expected);
    }
  }

  @Test
  void anOrderOfChanceHasEveryRowOnceAndFollowsFromTheSeed() {
    var order = Rows.shuffled(100, 7, 3);
    assertThat(Rows.shuffled(100, 7, 3)).isEqualTo(order);
    assertThat(Rows.shuffled(100, 7, 4)).isNotEqualTo(order);
    assertThat(Arrays.stream(order).sorted().toArray())
        .isEqualTo(java.util.stream.IntStream.range(0, 100).toArray());
  }
}
