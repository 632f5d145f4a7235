package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.tokenizer.BpeTrainer.Options;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What is learnt from random words, with many ties, beside counting all pairs anew each time.
class BpeTrainerFuzzTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 5, 26})
  void learnsWhatCountingAnewGives(int letters) {
    var random = new Random(letters);
    for (int round = 0; round < 60; round++) {
      var words = words(random, letters);
      int frequency = random.nextInt(4);
      var expected = merges(words, Math.max(1, frequency), random.nextInt(80));
      var trainer = new BpeTrainer(Options.of(256 + expected.size()).withMinFrequency(frequency));
      words.forEach(trainer::accept);
      var learned = trainer.train();
      assertThat(learned.merges()).as("%s", words).isEqualTo(expected);
      assertThat(learned.tokens()).doesNotHaveDuplicates();
    }
  }

  private static List<String> words(Random random, int letters) {
    var words = new ArrayList<String>();
    for (int i = random.nextInt(40); i >= 0; i--) {
      var word = new StringBuilder();
      for (int runs = random.nextInt(6); runs >= 0; runs--) {
        word.repeat('a' + random.nextInt(letters), 1 + random.nextInt(1 + random.nextInt(9)));
      }
      for (int times = random.nextInt(3); times >= 0; times--) {
        words.add(word.toString());
      }
    }
    return words;
  }

  /// {@return the merges by the plain rule: count all, take the most frequent, of these the first}
  private static List<String> merges(List<String> words, int frequency, int most) {
    var ids = new HashMap<String, Integer>();
    for (char c = 'a'; c <= 'z'; c++) {
      ids.put("" + c, (int) c);
    }
    var symbols = new ArrayList<List<String>>();
    words.forEach(word -> symbols.add(new ArrayList<>(List.of(word.split("")))));
    var merges = new ArrayList<String>();
    while (merges.size() < most) {
      var counts = new HashMap<List<String>, Integer>();
      for (var word : symbols) {
        for (int i = 0; i + 1 < word.size(); i++) {
          counts.merge(List.copyOf(word.subList(i, i + 2)), 1, Integer::sum);
        }
      }
      List<String> best = null;
      for (var pair : counts.keySet()) {
        if (counts.get(pair) >= frequency
            && (best == null || before(pair, counts.get(pair), best, counts.get(best), ids))) {
          best = pair;
        }
      }
      if (best == null) {
        break;
      }
      var merged = best.getFirst() + best.getLast();
      merges.add(best.getFirst() + " " + best.getLast());
      ids.putIfAbsent(merged, 256 + ids.size());
      for (var word : symbols) {
        for (int i = 0; i + 1 < word.size(); i++) {
          if (word.subList(i, i + 2).equals(best)) {
            word.set(i, merged);
            word.remove(i + 1);
          }
        }
      }
    }
    return merges;
  }

  private static boolean before(
      List<String> a, int countA, List<String> b, int countB, HashMap<String, Integer> ids) {
    if (countA != countB) {
      return countA > countB;
    }
    int left = Integer.compare(ids.get(a.getFirst()), ids.get(b.getFirst()));
    return left != 0 ? left < 0 : ids.get(a.getLast()) < ids.get(b.getLast());
  }
}
