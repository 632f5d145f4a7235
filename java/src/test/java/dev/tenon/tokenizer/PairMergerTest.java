package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/// Merging of pairs, against the definition done naively.
class PairMergerTest {
  /// Merges texts of up to four characters, in an order that comes from the text.
  private static final class Texts extends PairMerger {
    private final String text;
    private final int orders;
    private long asked;

    Texts(String text, int orders) {
      this.text = text;
      this.orders = orders;
    }

    @Override
    int order(int left, int right, int end) {
      asked++;
      return order(text.substring(left, end), orders);
    }

    static int order(String pair, int orders) {
      int hash = Math.floorMod(pair.hashCode() * 31, orders + 2) - orders / 2;
      return pair.length() > 4 || hash > orders / 2 ? NEVER : hash;
    }

    List<String> merged() {
      merge(text.length());
      var symbols = new ArrayList<String>();
      for (int i = 0; i < text.length(); i = next(i)) {
        symbols.add(text.substring(i, next(i)));
      }
      return symbols;
    }
  }

  private static List<String> naive(String text, int orders) {
    var symbols = new ArrayList<String>(text.chars().mapToObj(Character::toString).toList());
    while (true) {
      int best = -1;
      int order = PairMerger.NEVER;
      for (int i = 0; i + 1 < symbols.size(); i++) {
        int here = Texts.order(symbols.get(i) + symbols.get(i + 1), orders);
        if (here < order) {
          best = i;
          order = here;
        }
      }
      if (best < 0) {
        return symbols;
      }
      symbols.set(best, symbols.get(best) + symbols.remove(best + 1));
    }
  }

  @Test
  void mergesTheFirstInOrderAndTheLeftmostAmongEquals() {
    var random = new Random(3);
    for (int round = 0; round < 5_000; round++) {
      var text = new StringBuilder();
      for (int i = random.nextInt(30); i > 0; i--) {
        text.append((char) ('a' + random.nextInt(4)));
      }
      int orders = 1 + random.nextInt(200);
      assertThat(new Texts(text.toString(), orders).merged())
          .as("%s with %s orders", text, orders)
          .isEqualTo(naive(text.toString(), orders));
    }
  }

  @Test
  void aLongRunIsNoTrouble() {
    int n = 1 << 20;
    var texts = new Texts("a".repeat(n), 1 << 20);
    texts.merged();
    assertThat(texts.asked).isLessThan(3L * n);
  }

  @Test
  void isUsedAgain() {
    var texts = new Texts("abcabcabcaab", 9);
    var first = texts.merged();
    assertThat(texts.merged()).isEqualTo(first);
  }
}
