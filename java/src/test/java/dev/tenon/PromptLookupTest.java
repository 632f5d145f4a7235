package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PromptLookupTest {
  @Test
  void whatFollowedBeforeFollowsAgain() {
    var lookup = new PromptLookup(2);
    assertThat(lookup.draft(new int[] {1, 2, 3, 4, 5, 1, 2}, 3)).containsExactly(3, 4, 5);
    assertThat(lookup.draft(new int[] {1, 2, 3, 4, 5, 1, 2, 9}, 3)).isEmpty();
    assertThat(lookup.draft(new int[] {1}, 3)).isEmpty();
  }

  @Test
  void aCycleGoesOnBeyondTheEndOfTheText() {
    assertThat(new PromptLookup().draft(new int[] {9, 1, 2, 3, 1, 2, 3, 1, 2}, 7))
        .containsExactly(3, 1, 2, 3, 1, 2, 3);
    assertThat(new PromptLookup().draft(new int[] {5, 5, 5, 5, 5}, 3)).containsExactly(5, 5, 5);
  }

  @Test
  void theLongestMatchCountsThenTheLatest() {
    var text = new int[] {7, 1, 2, 30, 8, 1, 2, 40, 7, 1, 2};
    assertThat(new PromptLookup(2).draft(text, 1)).containsExactly(30);
    text = new int[] {6, 1, 2, 30, 8, 1, 2, 40, 7, 1, 2};
    assertThat(new PromptLookup(2).draft(text, 1)).containsExactly(40);
  }

  @Test
  void textsThatGrowShrinkAndChangeGiveWhatAFreshLookupGives() {
    var random = new Random(3);
    var lookup = new PromptLookup(2);
    var text = new int[0];
    for (int round = 0; round < 3000; round++) {
      int kept = random.nextInt(4) > 0 ? text.length : random.nextInt(text.length + 1);
      if (text.length > 3000) kept = random.nextInt(100);
      var more = random.ints(random.nextInt(9), 0, 4).toArray();
      var next = Arrays.copyOf(text, kept + more.length);
      System.arraycopy(more, 0, next, kept, more.length);
      text = next;
      int most = 1 + random.nextInt(5);
      assertThat(lookup.draft(text.clone(), most))
          .isEqualTo(new PromptLookup(2).draft(text.clone(), most));
    }
  }

  @Test
  void aLongTextTakesNoLongerThanAShortOne() {
    var random = new Random(4);
    var text = random.ints(200_000, 0, 50_000).toArray();
    var lookup = new PromptLookup();
    lookup.draft(Arrays.copyOf(text, 100_000), 8);
    long begun = System.nanoTime();
    for (int n = 100_001; n < 100_301; n++) lookup.draft(Arrays.copyOf(text, n), 8);
    // Copying and comparing the text is all that grows with it: some 50 µs each.
    assertThat((System.nanoTime() - begun) / 300).isLessThan(5_000_000);
  }

  @Test
  void mistakesAreExceptions() {
    assertThatIllegalArgumentException().isThrownBy(() -> new PromptLookup(0));
    assertThatIllegalArgumentException().isThrownBy(() -> new PromptLookup(33));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new PromptLookup().draft(new int[] {1}, 0));
  }
}
