package dev.tenon.tokenizer;

import java.util.Arrays;

/// A priority queue of longs, the smallest first. Two ints are packed into each: what orders them
/// in the upper half, a position in the lower.
final class LongHeap {
  private long[] heap = new long[16];
  private int size;

  /// {@return an element}
  ///
  /// @param order the smaller, the earlier
  /// @param position the smaller, the earlier among equals; not negative
  static long element(int order, int position) {
    return (long) order << 32 | position;
  }

  static int order(long element) {
    return (int) (element >> 32);
  }

  static int position(long element) {
    return (int) element;
  }

  boolean isEmpty() {
    return size == 0;
  }

  void add(long element) {
    if (size == heap.length) {
      heap = Arrays.copyOf(heap, 2 * size);
    }
    int at = size++;
    while (at > 0 && element < heap[(at - 1) / 2]) {
      heap[at] = heap[(at - 1) / 2];
      at = (at - 1) / 2;
    }
    heap[at] = element;
  }

  /// Takes the smallest element out. There must be one.
  long remove() {
    long smallest = heap[0];
    long last = heap[--size];
    int at = 0;
    while (2 * at + 1 < size) {
      int child = 2 * at + 1;
      if (child + 1 < size && heap[child + 1] < heap[child]) {
        child++;
      }
      if (last <= heap[child]) {
        break;
      }
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = last;
    return smallest;
  }
}
