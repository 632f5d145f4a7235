package dev.tenon.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Distinct texts, numbered from 0 in the order in which they were added, and found by their UTF-8.
///
/// Two arrays hold 128 thousand tokens and one finds them: no object for each.
final class TextTable {
  /// Not the same in any two runs, so that no file can be made of texts that all collide.
  private static final long MULTIPLIER = System.nanoTime() * 0x9e3779b97f4a7c15L | 1;

  private byte[] bytes;

  /// Where each text ends in `bytes`; each begins where the one before ends.
  private int[] ends;

  /// A hash table with linear probing: the number of a text plus one, or 0. At most half full.
  private int[] slots;

  private int size;
  private int longest;

  TextTable(int expected) {
    bytes = new byte[8 * Math.min(expected, 1 << 24) + 16];
    ends = new int[expected + 1];
    slots = new int[Math.max(4, Integer.highestOneBit(2 * expected) * 2)];
  }

  int size() {
    return size;
  }

  /// {@return the length of the longest text, in bytes}
  int longest() {
    return longest;
  }

  /// Adds a text that is not there yet.
  ///
  /// @return its number, or -1 where it is there already
  int add(byte[] text, int from, int to) {
    int slot = slot(text, from, to);
    if (slots[slot] != 0) {
      return -1;
    }
    int start = start(size);
    int length = to - from;
    if (length > bytes.length - start) {
      bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, Math.addExact(start, length)));
    }
    if (size == ends.length) {
      ends = Arrays.copyOf(ends, 2 * size);
    }
    System.arraycopy(text, from, bytes, start, length);
    ends[size] = start + length;
    longest = Math.max(longest, length);
    slots[slot] = ++size;
    if (2 * size > slots.length) {
      slots = new int[2 * slots.length];
      for (int i = 0; i < size; i++) {
        slots[slot(bytes, start(i), ends[i])] = i + 1;
      }
    }
    return size - 1;
  }

  /// {@return the number of a text, or -1 where there is no such text}
  int find(byte[] text, int from, int to) {
    return to - from > longest ? -1 : slots[slot(text, from, to)] - 1;
  }

  /// {@return the number of a text, or -1 where there is no such text}
  int find(String text) {
    var utf8 = text.getBytes(StandardCharsets.UTF_8);
    return find(utf8, 0, utf8.length);
  }

  int length(int number) {
    return ends[number] - start(number);
  }

  byte[] bytes(int number) {
    return Arrays.copyOfRange(bytes, start(number), ends[number]);
  }

  String text(int number) {
    int start = start(number);
    return new String(bytes, start, ends[number] - start, StandardCharsets.UTF_8);
  }

  /// {@return the slot of a text, or the empty one that it would get}
  private int slot(byte[] text, int from, int to) {
    long hash = 0;
    for (int i = from; i < to; i++) {
      hash = (hash ^ text[i]) * MULTIPLIER;
      hash ^= hash >>> 29;
    }
    int slot = (int) hash & slots.length - 1;
    while (slots[slot] != 0 && !equals(slots[slot] - 1, text, from, to)) {
      slot = slot + 1 & slots.length - 1;
    }
    return slot;
  }

  private boolean equals(int number, byte[] text, int from, int to) {
    return Arrays.equals(bytes, start(number), ends[number], text, from, to);
  }

  private int start(int number) {
    return number == 0 ? 0 : ends[number - 1];
  }
}
