package dev.tenon.metrics;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;

/// The n-grams of several sequences, one order after the other. Equal n-grams have equal numbers,
/// whichever sequence they are of, so that counting and comparing them needs no texts.
final class NGrams {
  private final int[][] items; // [sequence][position]
  private final int[][] numbers; // [sequence][start of the n-gram]
  private int order;
  private int distinct;

  /// Stands before the first order.
  ///
  /// @param sequences of numbers that are not negative; not changed
  NGrams(List<int[]> sequences) {
    items = sequences.toArray(int[][]::new);
    numbers = sequences.stream().map(sequence -> new int[sequence.length]).toArray(int[][]::new);
  }

  /// {@return sequences of words as numbers, equal ones for equal words}
  static List<int[]> numbered(List<List<String>> sequences) {
    var known = new HashMap<String, Integer>();
    var numbered = new ArrayList<int[]>(sequences.size());
    for (var words : sequences) {
      var sequence = new int[words.size()];
      for (int i = 0; i < sequence.length; i++) {
        sequence[i] = known.computeIfAbsent(words.get(i), _ -> known.size());
      }
      numbered.add(sequence);
    }
    return numbered;
  }

  /// Goes on to the n-grams that are longer by one: each is an n-gram of before and an item.
  void next() {
    order++;
    var known = new HashMap<Long, Integer>();
    for (int s = 0; s < items.length; s++) {
      var longer = new int[Math.max(0, items[s].length - order + 1)];
      for (int i = 0; i < longer.length; i++) {
        long key = (long) numbers[s][i] << 32 | items[s][i + order - 1];
        longer[i] = known.computeIfAbsent(key, _ -> known.size());
      }
      numbers[s] = longer;
    }
    distinct = known.size();
  }

  /// {@return how many n-grams a sequence has}
  int total(int sequence) {
    return numbers[sequence].length;
  }

  /// {@return how often a sequence has each n-gram, by its number}
  int[] counts(int sequence) {
    var counts = new int[distinct];
    for (int number : numbers[sequence]) counts[number]++;
    return counts;
  }

  /// {@return how many n-grams two have in common, of each as many as the one with fewer has}
  static long common(int[] counts, int[] others) {
    long common = 0;
    for (int i = 0; i < counts.length; i++) common += Math.min(counts[i], others[i]);
    return common;
  }
}
