package dev.tenon.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Says whether a grammar accepts a text, by Earley's algorithm over the characters: slow, plain,
/// and with nothing in common with the matcher but the rules.
final class Earley {
  private final Rules rules;
  private final boolean[] nullable;

  /// A place in an alternative, and where in the text that was begun.
  private record Item(int rule, int position, int origin) {}

  Earley(String gbnf) {
    rules = GbnfParser.parse(gbnf, null);
    nullable = rules.satisfied(new boolean[rules.operation().length]);
  }

  /// What becomes of a text.
  enum Verdict {
    ACCEPTED,
    /// It can become one that is accepted.
    PREFIX,
    REJECTED
  }

  Verdict read(String text) {
    var sets = new ArrayList<Set<Item>>();
    var first = new HashSet<Item>();
    predict(0, 0, first, new ArrayDeque<>());
    sets.add(complete(first, sets, 0));
    int[] codePoints = text.codePoints().toArray();
    for (int i = 0; i < codePoints.length; i++) {
      var next = new HashSet<Item>();
      for (var item : sets.get(i)) {
        if (rules.operation()[item.position] == Rules.CHARACTER
            && matches(rules.classes()[rules.argument()[item.position]], codePoints[i])) {
          next.add(new Item(item.rule, item.position + 1, item.origin));
        }
      }
      sets.add(complete(next, sets, i + 1));
      if (sets.getLast().isEmpty()) {
        return Verdict.REJECTED;
      }
    }
    for (var item : sets.getLast()) {
      if (item.rule == 0 && item.origin == 0 && rules.operation()[item.position] == Rules.END) {
        return Verdict.ACCEPTED;
      }
    }
    return Verdict.PREFIX;
  }

  private Set<Item> complete(Set<Item> kernel, List<Set<Item>> before, int at) {
    var all = new HashSet<Item>();
    var todo = new ArrayDeque<>(kernel);
    while (!todo.isEmpty()) {
      var item = todo.remove();
      if (!all.add(item)) {
        continue;
      }
      switch (rules.operation()[item.position]) {
        case Rules.CALL -> {
          int rule = rules.argument()[item.position];
          predict(rule, at, new HashSet<>(), todo);
          // An empty rule is done at once, whether its completion has been seen already or not.
          if (nullable[rule]) {
            todo.add(new Item(item.rule, item.position + 1, item.origin));
          }
        }
        case Rules.END -> {
          var callers = item.origin == at ? List.copyOf(all) : List.copyOf(before.get(item.origin));
          for (var caller : callers) {
            if (rules.operation()[caller.position] == Rules.CALL
                && rules.argument()[caller.position] == item.rule) {
              todo.add(new Item(caller.rule, caller.position + 1, caller.origin));
            }
          }
        }
        default -> {}
      }
    }
    return all;
  }

  private void predict(int rule, int at, Set<Item> into, ArrayDeque<Item> todo) {
    for (int a = rules.first()[rule]; a < rules.first()[rule + 1]; a++) {
      var item = new Item(rule, rules.alternatives()[a], at);
      into.add(item);
      todo.add(item);
    }
  }

  private static boolean matches(CharClass characters, int codePoint) {
    if (codePoint < 128) {
      return ((codePoint < 64 ? characters.low() : characters.high()) >>> codePoint & 1) != 0;
    }
    for (int i = 0; i < characters.ranges().length; i += 2) {
      if (characters.ranges()[i] <= codePoint && codePoint <= characters.ranges()[i + 1]) {
        return true;
      }
    }
    return false;
  }
}
