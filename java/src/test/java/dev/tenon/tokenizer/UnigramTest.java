package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;

class UnigramTest {
  private static final double UNKNOWN = -20;

  private final PieceTrie trie = new PieceTrie();

  private Unigram unigram(List<String> pieces, double... scores) {
    for (int i = 0; i < pieces.size(); i++) {
      trie.put(pieces.get(i), i);
    }
    return new Unigram(trie, scores, UNKNOWN, Unigram.Rounding.DOUBLE);
  }

  private static List<String> cut(Unigram unigram, String text) {
    var pieces = new ArrayList<String>();
    unigram.segment(
        text, (piece, from, to) -> pieces.add((piece < 0 ? "?" : "") + text.substring(from, to)));
    return pieces;
  }

  @Test
  void piecesWithTheHighestSum() {
    var unigram = unigram(List.of("a", "b", "ab", "abc", "c"), -1, -1, -3, -2.5, -1);
    assertThat(cut(unigram, "abc")).containsExactly("abc");
    assertThat(cut(unigram, "abab")).containsExactly("a", "b", "a", "b");
    assertThat(cut(unigram, "")).isEmpty();
  }

  @Test
  void theFirstOfEqualWays() {
    var unigram = unigram(List.of("a", "aa"), -1, -1);
    assertThat(cut(unigram, "aaa")).containsExactly("a", "aa");
  }

  @Test
  void unknownCharactersSideBySideAreOne() {
    var unigram = unigram(List.of("a", "xy"), -1, -100);
    assertThat(cut(unigram, "a😀😀a?")).containsExactly("a", "?😀😀", "a", "??");
    assertThat(cut(unigram, "xy")).containsExactly("?xy");
  }

  @Test
  void sumsAreRoundedAsAsked() {
    var pieces = List.of("a", "b", "ab");
    var scores = new double[] {-1e8f, -1, -1e8f};
    var text = "ab";
    assertThat(cut(unigram(pieces, scores), text)).containsExactly("ab");
    // As binary32 both ways are as good, and the longer piece was offered first.
    var single = new Unigram(trie, scores, UNKNOWN, Unigram.Rounding.FLOAT);
    assertThat(cut(single, text)).containsExactly("ab");
    assertThat(cut(single, "bab")).containsExactly("b", "ab");
  }

  /// Against all ways there are, of scores whose sums are exact.
  @Test
  void noOtherWayIsBetter() {
    var random = new Random(7);
    for (int round = 0; round < 300; round++) {
      var pieces = new ArrayList<String>();
      for (int i = 0; i < 8; i++) {
        var piece = text(random, 1 + random.nextInt(4));
        if (!pieces.contains(piece)) {
          pieces.add(piece);
        }
      }
      var scores = random.doubles(pieces.size(), -8, 0).map(d -> Math.rint(d * 16) / 16).toArray();
      var trie = new PieceTrie();
      for (int i = 0; i < scores.length; i++) {
        trie.put(pieces.get(i), i);
      }
      var unigram = new Unigram(trie, scores, UNKNOWN, Unigram.Rounding.DOUBLE);
      var text = text(random, random.nextInt(12));
      double[] sum = {0};
      unigram.segment(
          text, (piece, from, to) -> sum[0] += piece < 0 ? (to - from) * UNKNOWN : scores[piece]);
      assertThat(sum[0]).as("%s of %s", text, pieces).isEqualTo(best(text, pieces, scores));
    }
  }

  private static String text(Random random, int length) {
    var text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.append("abc".charAt(random.nextInt(3)));
    }
    return text.toString();
  }

  private static double best(String text, List<String> pieces, double[] scores) {
    if (text.isEmpty()) {
      return 0;
    }
    double best = Double.NEGATIVE_INFINITY;
    if (!pieces.contains(text.substring(0, 1))) {
      best = UNKNOWN + best(text.substring(1), pieces, scores);
    }
    for (int i = 0; i < scores.length; i++) {
      if (text.startsWith(pieces.get(i))) {
        double rest = best(text.substring(pieces.get(i).length()), pieces, scores);
        best = Math.max(best, scores[i] + rest);
      }
    }
    return best;
  }

  @Test
  void timeGrowsWithTheText() {
    var unigram = unigram(List.of("a", "aa", "aaa", "▁a"), -1, -1.5, -2.25, -1);
    Assertions.assertTimeout(
        Duration.ofSeconds(20),
        () -> {
          int[] end = {0};
          unigram.segment("a".repeat(3_000_000), (piece, from, to) -> end[0] = to);
          assertThat(end[0]).isEqualTo(3_000_000);
        });
  }

  @Test
  void aPieceMayNotBeLong() {
    assertThatThrownBy(() -> trie.put("x".repeat(PieceTrie.LONGEST + 1), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1025 characters");
  }

  @Test
  void aTrieFindsWhatWasPut() {
    var random = new Random(3);
    var texts = new ArrayList<String>();
    for (int i = 0; i < 5000; i++) {
      var text =
          random
              .ints(1 + i % 7, 'a', 'k')
              .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
              .toString();
      texts.add(text);
      trie.put(text, i);
    }
    for (int i = 0; i < texts.size(); i++) {
      assertThat(trie.find(texts.get(i))).isEqualTo(texts.lastIndexOf(texts.get(i)));
    }
    assertThat(trie.find("zz")).isEqualTo(PieceTrie.NONE);
    assertThat(trie.find("")).isEqualTo(PieceTrie.NONE);
  }
}
