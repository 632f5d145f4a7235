package dev.tenon.grammar;

import java.util.Arrays;

/// The rules of a grammar as the matcher runs them: one array of elements, in which each
/// alternative of each rule is a run that ends with [#END].
///
/// Rule 0 is no rule of the grammar: its one alternative calls the root, and begins at [#START].
///
/// @param operation what each element is
/// @param argument of [#CALL] the rule, of [#CHARACTER] the class, of [#TOKEN] and [#NOT_TOKEN] the
///     id
/// @param classes the character classes, each once
/// @param alternatives where each alternative begins, the rules in order
/// @param first of each rule the first of its alternatives, and behind the last rule their number
record Rules(
    byte[] operation, int[] argument, CharClass[] classes, int[] alternatives, int[] first) {
  static final byte END = 0;
  static final byte CALL = 1;
  static final byte CHARACTER = 2;
  static final byte TOKEN = 3;
  static final byte NOT_TOKEN = 4;

  /// The position at which the root is called.
  static final int START = 0;

  int count() {
    return first.length - 1;
  }

  /// {@return whether each rule can be done with the elements that `free` says can be had alone}
  ///
  /// With no element free these are the rules that match the empty text; with every element that
  /// matches something, those that match some text.
  ///
  /// @param free of each position
  boolean[] satisfied(boolean[] free) {
    // Each call waits for its rule; an alternative is done when it waits for nothing any more.
    int[] owner = owners();
    var waiting = new int[alternatives.length];
    var callers =
        new int[count() + 1]; // how many calls there are of each rule, then where they are
    for (int a = 0; a < alternatives.length; a++) {
      for (int p = alternatives[a]; operation[p] != END; p++) {
        if (operation[p] == CALL) {
          callers[argument[p] + 1]++;
          waiting[a]++;
        } else if (!free[p]) {
          waiting[a]++;
        }
      }
    }
    for (int r = 0; r < count(); r++) {
      callers[r + 1] += callers[r];
    }
    var calls = new int[callers[count()]];
    var next = Arrays.copyOf(callers, count());
    for (int a = 0; a < alternatives.length; a++) {
      for (int p = alternatives[a]; operation[p] != END; p++) {
        if (operation[p] == CALL) {
          calls[next[argument[p]]++] = a;
        }
      }
    }
    var satisfied = new boolean[count()];
    var todo = new int[count()];
    int n = 0;
    for (int a = 0; a < alternatives.length; a++) {
      if (waiting[a] == 0 && !satisfied[owner[a]]) {
        satisfied[owner[a]] = true;
        todo[n++] = owner[a];
      }
    }
    while (n > 0) {
      int rule = todo[--n];
      for (int i = callers[rule]; i < callers[rule + 1]; i++) {
        int a = calls[i];
        if (--waiting[a] == 0 && !satisfied[owner[a]]) {
          satisfied[owner[a]] = true;
          todo[n++] = owner[a];
        }
      }
    }
    return satisfied;
  }

  /// {@return the rules without the alternatives that match no text at all}: whoever enters one
  /// never gets out of it again.
  Rules withoutDeadEnds() {
    var free = new boolean[operation.length];
    for (int p = 0; p < operation.length; p++) {
      free[p] = operation[p] != CHARACTER || !classes[argument[p]].isEmpty();
    }
    var alive = satisfied(free);
    var kept = new int[alternatives.length];
    var firstKept = new int[first.length];
    int n = 0;
    for (int r = 0; r < count(); r++) {
      firstKept[r] = n;
      for (int a = first[r]; a < first[r + 1]; a++) {
        boolean live = true;
        for (int p = alternatives[a]; operation[p] != END && live; p++) {
          live = operation[p] == CALL ? alive[argument[p]] : free[p];
        }
        if (live) {
          kept[n++] = alternatives[a];
        }
      }
    }
    firstKept[count()] = n;
    return new Rules(operation, argument, classes, Arrays.copyOf(kept, n), firstKept);
  }

  /// {@return whether no text at all matches}, once the dead ends are gone.
  boolean isEmpty() {
    return first[0] == first[1];
  }

  private int[] owners() {
    var owner = new int[alternatives.length];
    for (int r = 0; r < count(); r++) {
      Arrays.fill(owner, first[r], first[r + 1], r);
    }
    return owner;
  }
}
