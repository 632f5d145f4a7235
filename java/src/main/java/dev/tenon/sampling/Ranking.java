package dev.tenon.sampling;

import java.util.Arrays;

/// Finds the best of many candidates: the highest logit first and, among equal ones, the one that
/// stands first.
///
/// A vocabulary has a hundred thousand tokens and a sampler wants forty of them. The list is seen
/// as rows of 1024, one below the other. The highest logit of each column is found with vector
/// instructions; the k-th best of these is a floor under the k-th best of all, so what is below
/// it needs no second look: the k best are all in the few columns that reach it.
final class Ranking {
  private static final int COLUMNS = 1024;

  /// From here on the list is sorted as a whole.
  private static final int MANY = COLUMNS;

  private static final int DIGIT_BITS = 11;

  private long[] keys = {};
  private long[] spare = {};
  private float[] peaks = {};
  private float[] row = {};

  /// Finds the `k` best.
  ///
  /// @param logits none of them is not a number
  /// @param size how many of them count
  /// @param k from 0 to `size`
  /// @return how many are found, best first, for [#index]: at least `k`
  int rank(float[] logits, int size, int k) {
    if (k == 0) {
      return 0;
    }
    if (k > MANY || k >= size / 8) {
      return rankAll(logits, size);
    }
    room(k);
    if (size < 8 * COLUMNS) {
      scan(logits, size, k, Float.NEGATIVE_INFINITY);
    } else {
      scanColumns(logits, size, k);
    }
    Arrays.sort(keys, 0, k);
    return k;
  }

  /// {@return the index of a candidate that [#rank] has found}
  ///
  /// @param place 0 for the best
  int index(int place) {
    return (int) keys[place];
  }

  /// {@return whether one of some logits is not a number}
  boolean anyNan(float[] logits, int size) {
    int rest = 0;
    if (size >= COLUMNS) {
      rest = findPeaks(logits, size);
      for (float peak : peaks) {
        if (Float.isNaN(peak)) {
          return true;
        }
      }
    }
    for (int i = rest; i < size; i++) {
      if (Float.isNaN(logits[i])) {
        return true;
      }
    }
    return false;
  }

  /// Finds the highest logit of each column of the whole rows. It is not a number where one of the
  /// column is not.
  ///
  /// @return where the whole rows end
  private int findPeaks(float[] logits, int size) {
    if (peaks.length == 0) {
      peaks = new float[COLUMNS];
      row = new float[COLUMNS];
    }
    System.arraycopy(logits, 0, peaks, 0, COLUMNS);
    int from = COLUMNS;
    for (; from + COLUMNS <= size; from += COLUMNS) {
      // The compiler makes vector instructions of the loop only where the two arrays are in step.
      System.arraycopy(logits, from, row, 0, COLUMNS);
      raise(peaks, row);
    }
    return from;
  }

  private static void raise(float[] peaks, float[] row) {
    for (int i = 0; i < peaks.length; i++) {
      peaks[i] = Math.max(peaks[i], row[i]);
    }
  }

  private void scanColumns(float[] logits, int size, int k) {
    int rest = findPeaks(logits, size);
    scan(peaks, COLUMNS, k, Float.NEGATIVE_INFINITY);
    float floor = peaks[(int) keys[0]];
    int reach = 0;
    for (float peak : peaks) {
      reach += peak >= floor ? 1 : 0;
    }
    if (reach > COLUMNS / 8) {
      scan(logits, size, k, floor);
      return;
    }
    int found = 0;
    for (int column = 0; column < COLUMNS; column++) {
      if (peaks[column] >= floor) {
        for (int i = column; i < rest; i += COLUMNS) {
          if (logits[i] >= floor) {
            found = offer(key(logits[i], i), found, k);
          }
        }
      }
    }
    for (int i = rest; i < size; i++) {
      if (logits[i] >= floor) {
        found = offer(key(logits[i], i), found, k);
      }
    }
  }

  /// Makes `keys` a heap of the `k` best of the candidates that are not below `floor`, which are
  /// at least as many; its root is the worst.
  private void scan(float[] logits, int size, int k, float floor) {
    int found = 0;
    float least = floor;
    for (int i = 0; i < size; i++) {
      if (logits[i] >= least) {
        found = offer(key(logits[i], i), found, k);
        if (found == k) {
          // The index of an equal one would be higher than that of the worst.
          least = Math.nextUp(logits[(int) keys[0]]);
        }
      }
    }
  }

  private int offer(long key, int found, int k) {
    if (found < k) {
      keys[found] = key;
      if (found + 1 == k) {
        for (int i = k / 2 - 1; i >= 0; i--) {
          sink(i, k);
        }
      }
      return found + 1;
    }
    if (key < keys[0]) {
      keys[0] = key;
      sink(0, k);
    }
    return found;
  }

  /// Restores the heap whose root is the worst key after the entry at `i` has changed.
  private void sink(int i, int k) {
    long key = keys[i];
    for (int child = 2 * i + 1; child < k; child = 2 * i + 1) {
      if (child + 1 < k && keys[child + 1] > keys[child]) {
        child++;
      }
      if (keys[child] <= key) {
        break;
      }
      keys[i] = keys[child];
      i = child;
    }
    keys[i] = key;
  }

  private int rankAll(float[] logits, int size) {
    room(size);
    for (int i = 0; i < size; i++) {
      keys[i] = key(logits[i], i);
    }
    if (size < 1 << DIGIT_BITS) {
      Arrays.sort(keys, 0, size);
    } else {
      sortByDigits(size);
    }
    return size;
  }

  /// Sorts the keys, which are in the order of their indices, by the three digits of their upper
  /// halves, the lowest digit first; those of equal digits stay in order.
  private void sortByDigits(int size) {
    if (spare.length < size) {
      spare = new long[size];
    }
    for (int shift = 32; shift < 64; shift += DIGIT_BITS) {
      var ends = new int[1 << DIGIT_BITS];
      for (int i = 0; i < size; i++) {
        ends[digit(keys[i], shift)]++;
      }
      int start = 0;
      for (int i = 0; i < ends.length; i++) {
        int count = ends[i];
        ends[i] = start;
        start += count;
      }
      for (int i = 0; i < size; i++) {
        spare[ends[digit(keys[i], shift)]++] = keys[i];
      }
      var sorted = spare;
      spare = keys;
      keys = sorted;
    }
  }

  private static int digit(long key, int shift) {
    return (int) ((key ^ Long.MIN_VALUE) >>> shift) & (1 << DIGIT_BITS) - 1;
  }

  /// A number that is lower the better the candidate is: its logit turned over in the upper half,
  /// its index, which decides between equal ones, in the lower.
  private static long key(float logit, int index) {
    int bits = Float.floatToRawIntBits(logit + 0f); // -0 becomes 0
    int ascending = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    return (long) ~ascending << 32 | index;
  }

  private void room(int size) {
    if (keys.length < size) {
      keys = new long[size];
    }
  }
}
