package dev.tenon.jinja;

import java.util.Iterator;

/// Whole numbers from a first, a step apart.
///
/// @param start the first
/// @param stop what is not reached
/// @param step from one to the next, not 0
record Range(long start, long stop, long step) {
  /// The most numbers that the sandbox allows.
  private static final int MAX_LENGTH = 100_000;

  Range {
    if (step == 0) throw new TemplateException("range() arg 3 must not be zero");
    boolean empty = step > 0 ? start >= stop : start <= stop;
    if (!empty
        && (Long.divideUnsigned(step > 0 ? stop - start - 1 : start - stop - 1, Math.abs(step))
                + Long.MIN_VALUE
            >= MAX_LENGTH + Long.MIN_VALUE))
      throw new TemplateException(
          "Range too big. The sandbox blocks ranges larger than MAX_RANGE (" + MAX_LENGTH + ").");
  }

  int length() {
    if (step > 0 ? start >= stop : start <= stop) return 0;
    return (int) Long.divideUnsigned(step > 0 ? stop - start - 1 : start - stop - 1, Math.abs(step))
        + 1;
  }

  long get(int index) {
    return start + index * step;
  }

  boolean contains(long value) {
    int length = length();
    if (length == 0) return false;
    long last = get(length - 1);
    return value >= Math.min(start, last)
        && value <= Math.max(start, last)
        && (value - start) % step == 0;
  }

  Iterator<Object> iterator() {
    int length = length();
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        return next < length;
      }

      @Override
      public Object next() {
        return get(next++);
      }
    };
  }
}
