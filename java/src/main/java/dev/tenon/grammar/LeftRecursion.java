package dev.tenon.grammar;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Looks for rules that begin with themselves, which no stack could follow.
///
/// A rule calls another on its left where only rules that can be empty stand before the call. Two
/// kinds of circles of such calls are refused: those that grow the stack on their way, for which no
/// end is ever reached; and, as in llama.cpp, those in which all that is passed over has an
/// alternative that is plainly empty. A circle of the calls that remain does no harm: `("a"*)*` has
/// one, in which each call is the last thing its rule does.
final class LeftRecursion {
  private final Rules rules;

  // The calls on the left of each rule: whom, and of what kind.
  private final int[] start;
  private final int[] called;
  private final boolean[] plain; // only plainly empty rules are passed over
  private final boolean[] last; // nothing comes after the call

  private LeftRecursion(Rules rules) {
    this.rules = rules;
    var nullable = rules.satisfied(new boolean[rules.operation().length]);
    int calls = 0;
    for (byte operation : rules.operation()) {
      calls += operation == Rules.CALL ? 1 : 0;
    }
    start = new int[rules.count() + 1];
    called = new int[calls];
    plain = new boolean[calls];
    last = new boolean[calls];
    int n = 0;
    for (int r = 0; r < rules.count(); r++) {
      start[r] = n;
      for (int a = rules.first()[r]; a < rules.first()[r + 1]; a++) {
        int p = rules.alternatives()[a];
        boolean onlyPlain = true;
        while (rules.operation()[p] == Rules.CALL) {
          int rule = rules.argument()[p++];
          called[n] = rule;
          plain[n] = onlyPlain;
          last[n++] = rules.operation()[p] == Rules.END;
          if (!nullable[rule]) {
            break;
          }
          onlyPlain &= plainlyEmpty(rule);
        }
      }
    }
    start[rules.count()] = n;
  }

  /// {@return the rules of a circle in the order of their calls, the first again at the end; null
  /// where there is none}
  static int[] find(Rules rules) {
    return new LeftRecursion(rules).find();
  }

  private int[] find() {
    for (boolean onlyPlain : new boolean[] {true, false}) {
      var component = components(onlyPlain);
      for (int r = 0; r < rules.count(); r++) {
        for (int i = start[r]; i < start[r + 1]; i++) {
          boolean bad = onlyPlain ? plain[i] : !last[i];
          if (bad && component[r] == component[called[i]]) {
            return circle(r, called[i], component, onlyPlain);
          }
        }
      }
    }
    return null;
  }

  private boolean plainlyEmpty(int rule) {
    for (int a = rules.first()[rule]; a < rules.first()[rule + 1]; a++) {
      if (rules.operation()[rules.alternatives()[a]] == Rules.END) {
        return true;
      }
    }
    return false;
  }

  /// The shortest way from `to` back to `from`, which lie in one component.
  private int[] circle(int from, int to, int[] component, boolean onlyPlain) {
    var before = new int[rules.count()];
    Arrays.fill(before, -1);
    var todo = new ArrayDeque<Integer>(List.of(to));
    before[to] = to;
    while (!todo.isEmpty() && before[from] < 0) {
      int r = todo.remove();
      for (int i = start[r]; i < start[r + 1]; i++) {
        int c = called[i];
        if (before[c] < 0 && component[c] == component[to] && (plain[i] || !onlyPlain)) {
          before[c] = r;
          todo.add(c);
        }
      }
    }
    var way = new ArrayList<Integer>();
    for (int r = from; ; r = before[r]) {
      way.addFirst(r);
      if (r == to) {
        break;
      }
    }
    way.addFirst(from);
    return way.stream().mapToInt(Integer::intValue).toArray();
  }

  /// Tarjan's strongly connected components, without recursion: grammars may be deep.
  private int[] components(boolean onlyPlain) {
    int n = rules.count();
    var component = new int[n];
    var index = new int[n]; // from 1 in the order of discovery
    var low = new int[n];
    var edge = start.clone();
    var path = new int[n];
    var open = new int[n];
    Arrays.fill(component, -1);
    int discovered = 0;
    int opened = 0;
    for (int root = 0; root < n; root++) {
      if (index[root] != 0) {
        continue;
      }
      int depth = 0;
      path[0] = root;
      while (depth >= 0) {
        int r = path[depth];
        if (index[r] == 0) {
          index[r] = ++discovered;
          low[r] = discovered;
          open[opened++] = r;
        }
        int deeper = -1;
        while (edge[r] < start[r + 1] && deeper < 0) {
          int i = edge[r]++;
          if (onlyPlain && !plain[i]) {
            continue;
          }
          int c = called[i];
          if (index[c] == 0) {
            deeper = c;
          } else if (component[c] < 0) {
            low[r] = Math.min(low[r], index[c]);
          }
        }
        if (deeper >= 0) {
          path[++depth] = deeper;
          continue;
        }
        if (low[r] == index[r]) {
          int c;
          do {
            c = open[--opened];
            component[c] = r;
          } while (c != r);
        }
        if (--depth >= 0) {
          low[path[depth]] = Math.min(low[path[depth]], low[r]);
        }
      }
    }
    return component;
  }
}
