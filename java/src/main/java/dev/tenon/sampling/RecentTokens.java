package dev.tenon.sampling;

import java.util.Arrays;

/// The last tokens of a text, up to a number of them: a ring that grows as it fills.
final class RecentTokens {
  private final int capacity;
  private int[] ring = {};
  private int size;
  private int oldest;

  /// @param capacity how many to keep; 0 or less for none
  RecentTokens(int capacity) {
    this.capacity = Math.max(0, capacity);
  }

  void add(int token) {
    if (token < 0) {
      throw new IllegalArgumentException("accept(" + token + "): an id is not negative");
    }
    if (capacity == 0) {
      return;
    }
    if (size == ring.length && size < capacity) {
      // Not yet full, so the oldest is still at 0.
      ring = Arrays.copyOf(ring, (int) Math.min(capacity, Math.max(64L, 2L * size)));
    }
    if (size < capacity) {
      ring[size++] = token;
    } else {
      ring[oldest] = token;
      oldest = oldest + 1 == capacity ? 0 : oldest + 1;
    }
  }

  void clear() {
    size = 0;
    oldest = 0;
  }

  int size() {
    return size;
  }

  /// {@return a token, counted from the end: 0 for the last}
  int fromEnd(int i) {
    int place = size - 1 - i + oldest;
    return ring[place < size ? place : place - size];
  }
}
