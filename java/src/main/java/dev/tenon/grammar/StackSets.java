package dev.tenon.grammar;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/// Sets of pushdown stacks, each known by a number: equal sets have equal numbers.
///
/// A set is a list of the positions on top of its stacks, ascending, each once and with the set of
/// what lies below it. So stacks share what they have in common at their tops as well as at their
/// bottoms, and a grammar that can be read in many ways needs no more room than one that cannot.
final class StackSets {
  /// No stack at all.
  static final int NONE = 0;

  /// The empty stack alone.
  static final int EMPTY = 1;

  /// On top of the empty stack, for want of a position.
  static final int BOTTOM = -1;

  /// The deepest a union goes: far deeper than texts are nested.
  private static final int MAX_UNION_DEPTH = 1500;

  /// The most work at a time: half a second or so.
  private static final long MAX_WORK = 20_000_000;

  private int count;
  private int[] offsets = new int[256]; // where the entries of a set begin, and the next set's
  private int[] tops = new int[256];
  private int[] rests = new int[256];
  private int[] table = new int[512]; // numbers by hash, plus one
  private final Map<Members, Integer> unions = new HashMap<>();
  private int unionDepth;
  private long work;

  /// A list of sets as a key.
  private record Members(int[] sets) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Members m && Arrays.equals(sets, m.sets);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(sets);
    }
  }

  StackSets() {
    intern(new long[0], 0);
    intern(new long[] {entry(BOTTOM, NONE)}, 1);
  }

  /// {@return how many sets there are}
  int count() {
    return count;
  }

  /// Counts work: what it is to put one entry into a set.
  ///
  /// @throws IllegalStateException if it is too much since the last [#relieve]
  void work(long more) {
    work += more;
    if (work > MAX_WORK) {
      unionDepth = 0;
      throw new IllegalStateException(
          "the grammar can be read in too many ways: to follow them takes too long");
    }
  }

  /// Takes off the work that what has been read since is worth.
  void relieve(long worth) {
    work = Math.max(0, work - worth);
  }

  /// {@return the work that counts}
  long work() {
    return work;
  }

  /// {@return bytes that they take, roughly}
  long bytes() {
    return 20L * count + 8L * offsets[count] + 100L * unions.size();
  }

  /// {@return the index of a set's first entry; one past its last is that of the set after it}
  int begin(int set) {
    return offsets[set];
  }

  int end(int set) {
    return offsets[set + 1];
  }

  /// {@return the position on top, or [#BOTTOM]}
  int top(int entry) {
    return tops[entry];
  }

  /// {@return the set of what lies below}
  int rest(int entry) {
    return rests[entry];
  }

  /// {@return whether the empty stack is in a set}
  boolean holdsEmpty(int set) {
    return offsets[set] < offsets[set + 1] && tops[offsets[set]] == BOTTOM;
  }

  /// {@return the stacks of a set with one more position on top}
  int push(int position, int set) {
    return intern(new long[] {entry(position, set)}, 1);
  }

  /// A position on top of the stacks of a set, in the order of positions.
  static long entry(int top, int rest) {
    return (long) top << 32 | rest;
  }

  /// {@return the set of what `entries` hold, which may be in any order and name a top repeatedly}
  ///
  /// @param entries changed
  int of(long[] entries, int n) {
    Arrays.sort(entries, 0, n);
    int kept = 0;
    for (int i = 0; i < n; ) {
      int top = (int) (entries[i] >> 32);
      int j = i + 1;
      while (j < n && (int) (entries[j] >> 32) == top) {
        j++;
      }
      int rest = (int) entries[i];
      if (j > i + 1) {
        var below = new int[j - i];
        for (int k = i; k < j; k++) {
          below[k - i] = (int) entries[k];
        }
        rest = union(below, below.length);
      }
      entries[kept++] = entry(top, rest);
      i = j;
    }
    return intern(entries, kept);
  }

  /// {@return the stacks that are in any of some sets}
  ///
  /// @param sets changed
  /// @throws IllegalStateException if they are alike too far down, or it is too much work
  int union(int[] sets, int n) {
    Arrays.sort(sets, 0, n);
    int distinct = 0;
    for (int i = 0; i < n; i++) {
      if (sets[i] != NONE && (distinct == 0 || sets[i] != sets[distinct - 1])) {
        sets[distinct++] = sets[i];
      }
    }
    if (distinct <= 1) {
      return distinct == 0 ? NONE : sets[0];
    }
    var members = new Members(Arrays.copyOf(sets, distinct));
    var known = unions.get(members);
    if (known != null) {
      return known;
    }
    int size = 0;
    for (int set : members.sets) {
      size += end(set) - begin(set);
    }
    work(size);
    var entries = new long[size];
    size = 0;
    for (int set : members.sets) {
      for (int i = begin(set); i < end(set); i++) {
        entries[size++] = entry(tops[i], rests[i]);
      }
    }
    if (++unionDepth > MAX_UNION_DEPTH) {
      unionDepth = 0;
      throw new IllegalStateException(
          "the grammar can be read in too many ways: they differ over "
              + MAX_UNION_DEPTH
              + " levels down");
    }
    int union = of(entries, size);
    unionDepth--;
    unions.put(members, union);
    return union;
  }

  private int intern(long[] entries, int n) {
    int hash = n;
    for (int i = 0; i < n; i++) {
      hash = 31 * hash + Long.hashCode(entries[i] * 0x9e3779b97f4a7c15L);
    }
    int slot = hash ^ hash >>> 15;
    for (; ; slot++) {
      int found = table[slot & table.length - 1] - 1;
      if (found < 0) {
        break;
      }
      if (equal(found, entries, n)) {
        return found;
      }
    }
    int begin = offsets[count];
    if (begin + n > tops.length) {
      int capacity = Math.max(begin + n, 2 * tops.length);
      tops = Arrays.copyOf(tops, capacity);
      rests = Arrays.copyOf(rests, capacity);
    }
    for (int i = 0; i < n; i++) {
      tops[begin + i] = (int) (entries[i] >> 32);
      rests[begin + i] = (int) entries[i];
    }
    int set = count++;
    if (count == offsets.length - 1) {
      offsets = Arrays.copyOf(offsets, 2 * offsets.length);
    }
    offsets[count] = begin + n;
    table[slot & table.length - 1] = set + 1;
    if (2 * count > table.length) {
      rehash();
    }
    return set;
  }

  private boolean equal(int set, long[] entries, int n) {
    int begin = offsets[set];
    if (offsets[set + 1] - begin != n) {
      return false;
    }
    for (int i = 0; i < n; i++) {
      if (entries[i] != entry(tops[begin + i], rests[begin + i])) {
        return false;
      }
    }
    return true;
  }

  private void rehash() {
    table = new int[2 * table.length];
    for (int set = 0; set < count; set++) {
      int hash = end(set) - begin(set);
      for (int i = begin(set); i < end(set); i++) {
        hash = 31 * hash + Long.hashCode(entry(tops[i], rests[i]) * 0x9e3779b97f4a7c15L);
      }
      int slot = hash ^ hash >>> 15;
      while (table[slot & table.length - 1] != 0) {
        slot++;
      }
      table[slot & table.length - 1] = set + 1;
    }
  }

  /// {@return a set of `from` among these}
  int copy(StackSets from, int set) {
    // What lies below a set was there before it, so numbers ascend from the bottom up.
    var needed = new boolean[set + 1];
    needed[set] = true;
    for (int s = set; s >= 0; s--) {
      for (int i = from.begin(s); needed[s] && i < from.end(s); i++) {
        needed[from.rests[i]] = true;
      }
    }
    var copies = new int[set + 1];
    for (int s = 0; s <= set; s++) {
      if (needed[s]) {
        var entries = new long[from.end(s) - from.begin(s)];
        for (int i = from.begin(s); i < from.end(s); i++) {
          entries[i - from.begin(s)] = entry(from.tops[i], copies[from.rests[i]]);
        }
        copies[s] = intern(entries, entries.length);
      }
    }
    return copies[set];
  }
}
