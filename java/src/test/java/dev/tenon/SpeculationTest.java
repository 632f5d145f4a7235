package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// How many guesses are evaluated, on a clock of the test's own.
class SpeculationTest {
  /// A model that takes a millisecond for a token and so much more for each guess, and a drafter
  /// right so often.
  private static final class Run {
    final double rowCost;
    final double right;
    final Random random = new Random(1);
    final Speculation speculation;
    int passes;
    int tokens;
    double nanos;
    double plainNanos;
    boolean busy; // other programs take turns on the machine

    Run(double rowCost, double right, int passRows) {
      this.rowCost = rowCost;
      this.right = right;
      this.speculation =
          new Speculation(
              (text, most) -> {
                var guess = new int[most];
                // Token `n` is what truly follows a text of n tokens.
                for (int i = 0; i < most; i++)
                  guess[i] = random.nextDouble() < right ? text[0] + i : 7;
                return guess;
              },
              passRows,
              1_000_000);
    }

    void generate(int wanted) {
      while (tokens < wanted) {
        int at = tokens;
        var draft = speculation.draft(() -> new int[] {10_000 + at}, wanted - tokens - 1);
        double load = load();
        double took = load * (1 + rowCost * draft.length);
        nanos += took;
        passes++;
        speculation.evaluated(draft.length, (long) took);
        int i = 0;
        do {
          int token = 10_000 + tokens++;
          plainNanos += load;
          speculation.sampled(token);
          if (i == draft.length || draft[i++] != token) break;
        } while (true);
      }
    }

    /// How long a token takes at the moment: where the machine is busy, up to eight times as long
    /// for a while, and sometimes much longer.
    private double load() {
      if (!busy) return 1e6;
      double factor = 1 + new Random(tokens / 40).nextInt(8);
      return 1e6 * (random.nextInt(30) == 0 ? 10 * factor : factor * (1 + random.nextDouble()));
    }

    /// How much faster than one token at a time.
    double gain() {
      return plainNanos / nanos;
    }
  }

  @Test
  void guessesThatAreRightAreEvaluatedManyAtATime() {
    var run = new Run(0.1, 1, 512);
    run.generate(2000);
    assertThat(run.gain()).isGreaterThan(5);
    assertThat(run.tokens).isEqualTo(2000);
    assertThat(run.speculation.acceptedTokens()).isEqualTo(run.speculation.draftedTokens());
    assertThat(run.speculation.acceptedTokens()).isEqualTo(2000 - run.passes);
  }

  @Test
  void guessesThatAreWrongAreSoonNotEvaluated() {
    for (double cost : new double[] {0.02, 0.1, 0.5, 1, 2}) {
      var run = new Run(cost, 0, 512);
      run.generate(1000);
      assertThat(run.gain()).as("cost " + cost).isGreaterThan(0.95);
      assertThat(run.speculation.acceptedTokens()).isZero();
    }
  }

  @Test
  void neverMuchSlowerWhateverGuessesCostAndAreWorth() {
    for (double cost : new double[] {0.02, 0.1, 0.3, 1, 3}) {
      for (double right : new double[] {0.05, 0.2, 0.4, 0.6, 0.8, 0.95}) {
        var run = new Run(cost, right, 512);
        run.generate(2000);
        assertThat(run.gain()).as("cost " + cost + ", right " + right).isGreaterThan(0.95);
      }
    }
  }

  @Test
  void aBusyMachineConfusesItLittle() {
    for (double cost : new double[] {0.1, 0.2, 0.4}) {
      var run = new Run(cost, 1, 512);
      run.busy = true;
      run.generate(3000);
      assertThat(run.gain()).as("cost " + cost).isGreaterThan(0.6 * 32 / (1 + 31 * cost));
      run = new Run(cost, 0.1, 512);
      run.busy = true;
      run.generate(3000);
      assertThat(run.gain()).as("cost " + cost).isGreaterThan(0.95);
    }
  }

  @Test
  void asFastAsTheBestFixedNumberOfGuessesAlmost() {
    for (double right : new double[] {0.6, 0.9}) {
      var run = new Run(0.1, right, 512);
      run.generate(4000);
      double best = 0;
      for (int n : new int[] {1, 3, 7, 15, 31})
        best = Math.max(best, (1 - Math.pow(right, n + 1)) / (1 - right) / (1 + 0.1 * n));
      assertThat(run.gain()).as("right " + right).isGreaterThan(0.85 * best);
    }
  }

  @Test
  void noMoreGuessesThanAPassTakesOrCanBeOfUse() {
    for (int rows = 1; rows < 9; rows++) {
      var largest = new int[1];
      var speculation =
          new Speculation(
              (_, most) -> {
                largest[0] = Math.max(largest[0], most);
                return new int[most + 3];
              },
              rows,
              10);
      for (int i = 0; i < 300; i++) {
        var draft = speculation.draft(() -> new int[] {1}, i % 7);
        assertThat(draft.length).isLessThan(rows).isLessThanOrEqualTo(i % 7);
        speculation.evaluated(draft.length, 1000);
        speculation.sampled(0);
      }
      assertThat(largest[0]).isLessThan(Math.max(rows, 2));
    }
  }

  @Test
  void whatADrafterGivesBeyondTheVocabularyIsLeftOut() {
    var speculation = new Speculation((_, most) -> ids(most), 64, 10);
    boolean any = false;
    for (int i = 0; i < 50; i++) {
      var draft = speculation.draft(() -> new int[] {1}, 40);
      assertThat(Arrays.stream(draft)).allMatch(id -> id == 3);
      assertThat(draft.length).isLessThanOrEqualTo(1);
      any |= draft.length == 1;
      speculation.evaluated(draft.length, 1000);
      speculation.sampled(3);
    }
    assertThat(any).isTrue();
  }

  private static int[] ids(int most) {
    var ids = new int[most];
    Arrays.fill(ids, 10);
    ids[0] = 3;
    return ids;
  }
}
