package dev.tenon.metrics;

import java.util.Arrays;

/// The fewest edits found that make a reference of a hypothesis, as in sacreBLEU's `lib_ter`, which
/// follows Tercom: shift the run of words whose shift saves most, as long as one saves anything,
/// and count the rest by edit distance. The search is greedy and has limits, so that there may be
/// fewer; to be comparable it has the same limits and the same preferences among equals.
final class TranslationEdits {
  private static final int MAX_SHIFT_SIZE = 10;
  private static final int MAX_SHIFT_DISTANCE = 50;
  private static final int MAX_CANDIDATES = 1000;

  private final int[] reference;
  private final BeamEditDistance distance;

  private int candidates;

  private TranslationEdits(int[] hypothesis, int[] reference) {
    this.reference = reference;
    distance = new BeamEditDistance(hypothesis.length, reference);
  }

  /// {@return the edits}
  ///
  /// @param hypothesis words by number
  /// @param reference words by number
  static int count(int[] hypothesis, int[] reference) {
    if (reference.length == 0) return hypothesis.length;
    return new TranslationEdits(hypothesis, reference).count(hypothesis);
  }

  private int count(int[] hypothesis) {
    var words = hypothesis;
    for (int shifts = 0; ; shifts++) {
      var rows = distance.rows(words);
      var best = bestShift(words, rows);
      // Once there were too many candidates the best of the last round is not taken either.
      if (best == null || best.saved <= 0 || candidates >= MAX_CANDIDATES) {
        return shifts + distance.of(rows);
      }
      words = best.words;
    }
  }

  /// A run of words moved.
  ///
  /// @param saved by how much the distance shrinks
  /// @param length words that are moved
  /// @param start of the first of them
  /// @param target where it is moved to
  /// @param words the hypothesis after it
  private record Shift(int saved, int length, int start, int target, int[] words) {
    /// Tercom's ranking: what saves most, then the longest, the earliest, and the earliest target.
    boolean betterThan(Shift other) {
      return other == null
          || saved > other.saved
          || saved == other.saved
              && (length > other.length
                  || length == other.length
                      && (start < other.start || start == other.start && target < other.target));
    }
  }

  /// {@return the best shift of a run that stands in the reference too, or null}
  private Shift bestShift(int[] words, BeamEditDistance.Row[] rows) {
    var alignment = distance.alignment(rows);
    int before = distance.of(rows);
    Shift best = null;
    for (int start = 0; start < words.length; start++) {
      int first = Math.max(0, start - MAX_SHIFT_DISTANCE);
      int last = Math.min(reference.length - 1, start + MAX_SHIFT_DISTANCE);
      for (int at = first; at <= last; at++) {
        int longest = matching(words, start, at);
        for (int length = 1; length <= longest; length++) {
          if (!worthwhile(alignment, start, at, length)) continue;
          int previous = -1;
          for (int offset = -1; offset < length; offset++) {
            // Unlike Tercom, which inserts after a word, sacreBLEU inserts before one.
            int target = at + offset < 0 ? 0 : alignment.hypothesis()[at + offset] + 1;
            if (target == previous) continue;
            previous = target;
            int to = destination(words, start, length, target);
            var shifted = shifted(words, start, length, to);
            int after =
                distance.of(shifted, rows, Math.min(start, to), Math.max(start, to) + length);
            int saved = before - after;
            candidates++;
            var shift = new Shift(saved, length, start, target, shifted);
            if (shift.betterThan(best)) best = shift;
          }
          if (candidates >= MAX_CANDIDATES) return best;
        }
      }
    }
    return best;
  }

  /// {@return how many words from `start` on are those of the reference from `at` on}
  private int matching(int[] words, int start, int at) {
    int most = Math.min(MAX_SHIFT_SIZE, Math.min(words.length - start, reference.length - at));
    int length = 0;
    while (length < most && words[start + length] == reference[at + length]) length++;
    return length;
  }

  /// {@return whether there is something wrong with the run and with where it would go, and it does
  /// not go into itself}
  private static boolean worthwhile(
      BeamEditDistance.Alignment alignment, int start, int at, int length) {
    return any(alignment.hypothesisErrors(), start, length)
        && any(alignment.referenceErrors(), at, length)
        && (alignment.hypothesis()[at] < start || alignment.hypothesis()[at] >= start + length);
  }

  private static boolean any(boolean[] flags, int from, int length) {
    for (int i = from; i < from + length; i++) {
      if (flags[i]) return true;
    }
    return false;
  }

  /// {@return where a run begins after it was moved: before what stands at `target`, but where that
  /// is in the run itself, so many words further on}
  private static int destination(int[] words, int start, int length, int target) {
    return target > start + length ? target - length : Math.min(target, words.length - length);
  }

  /// {@return the words with a run of them at another place}
  private static int[] shifted(int[] words, int start, int length, int to) {
    int end = start + length;
    var shifted = new int[words.length];
    var others = Arrays.copyOf(words, words.length - length);
    System.arraycopy(words, end, others, start, words.length - end);
    System.arraycopy(others, 0, shifted, 0, to);
    System.arraycopy(words, start, shifted, to, length);
    System.arraycopy(others, to, shifted, to + length, others.length - to);
    return shifted;
  }
}
