package dev.tenon.grammar;

import java.util.Arrays;

/// A map from non-negative longs to non-negative ints, by open addressing.
final class LongIntMap {
  private long[] keys;
  private int[] values;
  private int size;

  LongIntMap() {
    allocate(64);
  }

  private void allocate(int capacity) {
    keys = new long[capacity];
    Arrays.fill(keys, -1);
    values = new int[capacity];
  }

  /// {@return the value of a key, or -1}
  int get(long key) {
    int i = slot(key);
    return keys[i] == key ? values[i] : -1;
  }

  void put(long key, int value) {
    int i = slot(key);
    if (keys[i] != key) {
      if (2 * ++size > keys.length) {
        grow();
        i = slot(key);
      }
      keys[i] = key;
    }
    values[i] = value;
  }

  void clear() {
    if (size > 0) {
      size = 0;
      if (keys.length > 4096) {
        allocate(64);
      } else {
        Arrays.fill(keys, -1);
      }
    }
  }

  private int slot(long key) {
    long hash = key * 0x9e3779b97f4a7c15L;
    int i = (int) (hash >>> 33) & keys.length - 1;
    while (keys[i] != key && keys[i] >= 0) {
      i = i + 1 & keys.length - 1;
    }
    return i;
  }

  private void grow() {
    var oldKeys = keys;
    var oldValues = values;
    allocate(2 * oldKeys.length);
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldKeys[i] >= 0) {
        int to = slot(oldKeys[i]);
        keys[to] = oldKeys[i];
        values[to] = oldValues[i];
      }
    }
  }
}
