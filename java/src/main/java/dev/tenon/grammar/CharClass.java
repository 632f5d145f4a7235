package dev.tenon.grammar;

import java.util.Arrays;

/// A set of code points.
///
/// @param low those below 64, one bit each
/// @param high those from 64 to 127
/// @param ranges those from 128 up: first and last of each range, ascending, with gaps between
record CharClass(long low, long high, int[] ranges) {
  /// How much of a range of code points is in a class.
  enum Cover {
    NONE,
    PART,
    ALL
  }

  static final CharClass ANY = new CharClass(-1, -1, new int[] {0x80, Character.MAX_CODE_POINT});

  /// {@return the class of one code point, or of none where there is no such code point}
  static CharClass of(long codePoint) {
    return of(new long[] {codePoint << 32 | codePoint}, 1, false);
  }

  /// {@return the class of some ranges}
  ///
  /// @param pairs first and last code point of each, 32 unsigned bits each; where the first is
  ///     above the last the range is empty
  /// @param count how many of them to take
  /// @param negated whether the class is everything else
  static CharClass of(long[] pairs, int count, boolean negated) {
    var sorted = new long[count];
    int n = 0;
    for (int i = 0; i < count; i++) {
      long first = pairs[i] >>> 32;
      long last = Math.min(pairs[i] & 0xffffffffL, Character.MAX_CODE_POINT);
      if (first <= last) {
        sorted[n++] = first << 32 | last;
      }
    }
    Arrays.sort(sorted, 0, n);
    var ranges = new int[2 * n + 2];
    int end = 0;
    int from = 0; // the first code point behind the ranges so far
    for (int i = 0; i < n; i++) {
      int first = (int) (sorted[i] >>> 32);
      int last = (int) sorted[i];
      if (negated) {
        if (first > from) {
          ranges[end++] = from;
          ranges[end++] = first - 1;
        }
      } else if (end > 0 && first <= ranges[end - 1] + 1) {
        ranges[end - 1] = Math.max(ranges[end - 1], last);
      } else {
        ranges[end++] = first;
        ranges[end++] = last;
      }
      from = Math.max(from, last + 1);
    }
    if (negated && from <= Character.MAX_CODE_POINT) {
      ranges[end++] = from;
      ranges[end++] = Character.MAX_CODE_POINT;
    }
    return ofRanges(ranges, end);
  }

  private static CharClass ofRanges(int[] ranges, int end) {
    long low = 0;
    long high = 0;
    int skip = 0;
    for (int i = 0; i < end; i += 2) {
      for (int c = ranges[i]; c <= Math.min(ranges[i + 1], 0x7f); c++) {
        if (c < 64) {
          low |= 1L << c;
        } else {
          high |= 1L << c;
        }
      }
      if (ranges[i + 1] < 0x80) {
        skip = i + 2;
      }
    }
    var above = Arrays.copyOfRange(ranges, skip, end);
    if (above.length > 0) {
      above[0] = Math.max(above[0], 0x80);
    }
    return new CharClass(low, high, above);
  }

  /// {@return whether no character is in it; half a surrogate pair is none}
  boolean isEmpty() {
    if (low != 0 || high != 0) {
      return false;
    }
    for (int i = 0; i < ranges.length; i += 2) {
      if (ranges[i] < Character.MIN_SURROGATE || ranges[i + 1] > Character.MAX_SURROGATE) {
        return false;
      }
    }
    return true;
  }

  /// {@return how much of a range is in it}
  ///
  /// @param first from 128
  /// @param last at least `first`
  Cover cover(int first, int last) {
    int i = 0;
    int j = ranges.length / 2; // the range looked for is the first that ends at `first` or later
    while (i < j) {
      int middle = (i + j) >>> 1;
      if (ranges[2 * middle + 1] < first) {
        i = middle + 1;
      } else {
        j = middle;
      }
    }
    if (2 * i == ranges.length || ranges[2 * i] > last) {
      return Cover.NONE;
    }
    return ranges[2 * i] <= first && last <= ranges[2 * i + 1] ? Cover.ALL : Cover.PART;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof CharClass o
        && low == o.low
        && high == o.high
        && Arrays.equals(ranges, o.ranges);
  }

  @Override
  public int hashCode() {
    return 31 * (31 * Long.hashCode(low) + Long.hashCode(high)) + Arrays.hashCode(ranges);
  }
}
