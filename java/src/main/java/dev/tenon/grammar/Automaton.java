package dev.tenon.grammar;

import dev.tenon.grammar.CharClass.Cover;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/// A grammar as a machine that reads UTF-8, built where it goes: each state is found once, and what
/// follows it is then a look-up.
///
/// A state at the border of two characters is a set of stacks, each with an element that matches a
/// character or a token on top. A state within a character knows the bytes so far. Only well-formed
/// UTF-8 gets through. Not thread-safe.
final class Automaton {
  /// What states, stacks and masks may take before the machine is built afresh, and before it gives
  /// up within one step.
  private static final long BYTES_KEPT = 48L << 20;

  private static final long BYTES_AT_MOST = 256L << 20;

  /// Some position of [Rules#END]: what is left to do there is to return, whichever it is.
  private static final int RETURN = Rules.START + 1;

  /// All that a piece with its characters in two state's runs needs; longer pieces are stepped
  /// through.
  private static final int MAX_RUN = 64;

  /// What one more position on the way to what can be matched is as work of [StackSets].
  private static final int CLOSE_WORK = 20;

  /// The work that a character of a text is worth: some milliseconds.
  private static final long CHARACTER_WORK = 200_000;

  private final Rules rules;
  private final StackSets sets = new StackSets();
  private final LongIntMap closures = new LongIntMap(); // by position and set below it
  private State[] bySet = new State[256];
  private final State dead = new State(StackSets.NONE);
  private final State start;
  private long bytes;

  // Of one closure at a time.
  private long[] todo = new long[64];
  private long[] found = new long[64];
  private final LongIntMap seen = new LongIntMap();

  /// Where the reading stands.
  static final class State {
    /// The stacks; at the border of two characters alone, else [StackSets#NONE].
    final int set;

    /// Of a state within a character: the one before it, null where it does not matter any more,
    /// which is when every way to go on leads to `after`.
    private State before;

    private State after;
    private int value;
    private int missing;
    private int low;
    private int high;

    // Of a state at a border, once it has been stepped from.
    private State[] ascii;
    private State other; // where all characters from U+0080 lead, null if not all to the same
    private Map<Integer, State> within; // by `missing` and `value`
    private final State[] arriving = new State[8]; // states within a character that end here
    private Run run;

    /// The tokens that may come, by id; null until somebody has found out.
    long[] mask;

    State(int set) {
      this.set = set;
    }

    boolean atBorder() {
      return missing == 0;
    }
  }

  /// The characters with which a reading goes on and on: those that lead from a state to the one
  /// state to which most lead, there again, and so forth. After `i` steps those of `low[i]`,
  /// `high[i]` and `other[i]` have led there from every state on the way.
  private static final class Run {
    final long[] low = new long[MAX_RUN + 1];
    final long[] high = new long[MAX_RUN + 1];
    final boolean[] other = new boolean[MAX_RUN + 1];
    int known;
    State last; // after the known steps
    long ownLow;
    long ownHigh;
    boolean ownOther;
    State next;
  }

  /// Characters that lead to the same state, and the sets that follow the elements they match.
  private static final class Block {
    long low;
    long high;
    boolean other;
    int[] sets;
    int size;

    Block(long low, long high, boolean other, int[] sets, int size) {
      this.low = low;
      this.high = high;
      this.other = other;
      this.sets = sets;
      this.size = size;
    }

    void add(int set) {
      if (size == sets.length) {
        sets = Arrays.copyOf(sets, Math.max(4, 2 * size));
      }
      sets[size++] = set;
    }
  }

  Automaton(Rules rules) {
    this.rules = rules;
    bySet[StackSets.NONE] = dead;
    start = state(close(Rules.START, StackSets.EMPTY));
  }

  private Automaton(Rules rules, StackSets sets, int set) {
    this(rules);
    this.sets.work(sets.work());
    rebased = state(this.sets.copy(sets, set));
  }

  private State rebased;

  State start() {
    return start;
  }

  boolean isDead(State state) {
    return state == dead;
  }

  /// {@return whether the text may end here}
  boolean mayEnd(State state) {
    return state.atBorder() && sets.holdsEmpty(state.set);
  }

  /// {@return whether it takes so much memory that it is better built afresh}
  boolean isLarge() {
    return bytes + sets.bytes() > BYTES_KEPT;
  }

  /// {@return a fresh machine whose [#current] is the same as `state` here}
  Automaton rebasedOn(State state) {
    return new Automaton(rules, sets, state.set);
  }

  /// {@return the state on which a machine was made by [#rebasedOn]}
  State current() {
    return rebased;
  }

  /// Notes that somebody keeps memory with a state.
  void keeps(long more) {
    bytes += more;
    if (bytes + sets.bytes() > BYTES_AT_MOST) {
      throw new IllegalStateException(
          "the grammar can be read in too many ways: to follow them takes over "
              + (BYTES_AT_MOST >> 20)
              + " MiB");
    }
  }

  /// Notes that a text has gone on by a character: work may be in proportion to its length.
  void readCharacter() {
    sets.relieve(CHARACTER_WORK);
  }

  /// Notes that a token has been chosen: what the next one takes counts anew.
  void readToken() {
    sets.relieve(Long.MAX_VALUE);
  }

  // Bytes.

  /// {@return where a byte leads}
  State step(State state, int b) {
    b &= 0xff;
    if (state.missing > 0) {
      return continuation(state, b);
    }
    if (b < 0x80) {
      return ascii(state)[b];
    }
    return switch (b >> 4) {
      case 0xc, 0xd -> b < 0xc2 ? dead : within(state, b & 0x1f, 1, 0x80, 0xbf);
      case 0xe -> within(state, b & 0xf, 2, b == 0xe0 ? 0xa0 : 0x80, b == 0xed ? 0x9f : 0xbf);
      case 0xf ->
          b > 0xf4
              ? dead
              : within(state, b & 7, 3, b == 0xf0 ? 0x90 : 0x80, b == 0xf4 ? 0x8f : 0xbf);
      default -> dead;
    };
  }

  private State continuation(State state, int b) {
    if (b < state.low || b > state.high) {
      return dead;
    }
    int value = state.value << 6 | b & 0x3f;
    if (state.before == null) {
      return state.missing == 1
          ? state.after
          : arriving(state.after, state.missing - 1, 0x80, 0xbf);
    }
    return state.missing == 1
        ? character(state.before, value)
        : within(state.before, value, state.missing - 1, 0x80, 0xbf);
  }

  /// The state in the middle of a character, with bytes missing of which the next is limited.
  private State within(State before, int value, int missing, int low, int high) {
    ascii(before);
    if (before.other != null) {
      return before.other == dead ? dead : arriving(before.other, missing, low, high);
    }
    if (before.within == null) {
      before.within = new HashMap<>();
    }
    var known = before.within.get(missing << 24 | value);
    if (known != null) {
      return known;
    }
    int shift = 6 * (missing - 1);
    int first = (value << 6 | low & 0x3f) << shift;
    int last = (value << 6 | high & 0x3f) << shift | (1 << shift) - 1;
    State state;
    var after = uniform(before, first, last);
    if (after != null) {
      state = after == dead ? dead : arriving(after, missing, low, high);
    } else {
      state = new State(StackSets.NONE);
      state.before = before;
      state.value = value;
      state.missing = missing;
      state.low = low;
      state.high = high;
    }
    before.within.put(missing << 24 | value, state);
    keeps(160);
    return state;
  }

  /// The state within a character of which every completion leads to one state.
  private State arriving(State after, int missing, int low, int high) {
    int kind = low == 0xa0 ? 4 : high == 0x9f ? 5 : low == 0x90 ? 6 : high == 0x8f ? 7 : missing;
    var state = after.arriving[kind];
    if (state == null) {
      state = new State(StackSets.NONE);
      state.after = after;
      state.missing = missing;
      state.low = low;
      state.high = high;
      after.arriving[kind] = state;
      keeps(100);
    }
    return state;
  }

  /// {@return the one state to which all characters of a range lead, or null}
  private State uniform(State state, int first, int last) {
    var next = new int[sets.end(state.set) - sets.begin(state.set)];
    int n = 0;
    for (int i = sets.begin(state.set); i < sets.end(state.set); i++) {
      var characters = characters(sets.top(i));
      var cover = characters == null ? Cover.NONE : characters.cover(first, last);
      if (cover == Cover.PART) {
        return null;
      }
      if (cover == Cover.ALL) {
        next[n++] = close(sets.top(i) + 1, sets.rest(i));
      }
    }
    return state(sets.union(next, n));
  }

  private State character(State state, int codePoint) {
    return uniform(state, codePoint, codePoint);
  }

  /// {@return where each ASCII character leads}
  private State[] ascii(State state) {
    if (state.ascii != null) {
      return state.ascii;
    }
    var blocks = new Block[129];
    int n = 1;
    blocks[0] = new Block(-1, -1, true, new int[4], 0);
    boolean mixed = false;
    for (int i = sets.begin(state.set); i < sets.end(state.set); i++) {
      var characters = characters(sets.top(i));
      if (characters == null) {
        continue;
      }
      int next = close(sets.top(i) + 1, sets.rest(i));
      var cover = characters.cover(0x80, Character.MAX_CODE_POINT);
      mixed |= cover == Cover.PART;
      for (int b = n - 1; b >= 0; b--) {
        var block = blocks[b];
        long low = block.low & characters.low();
        long high = block.high & characters.high();
        boolean other = block.other && cover == Cover.ALL;
        if (low == 0 && high == 0 && !other) {
          continue;
        }
        if (low == block.low && high == block.high && other == block.other) {
          block.add(next);
          continue;
        }
        var inside = new Block(low, high, other, block.sets.clone(), block.size);
        inside.add(next);
        blocks[n++] = inside;
        block.low &= ~low;
        block.high &= ~high;
        block.other &= !other;
      }
    }
    var ascii = new State[128];
    Arrays.fill(ascii, dead);
    var targets = new State[n];
    for (int b = 0; b < n; b++) {
      var block = blocks[b];
      var target = state(sets.union(block.sets, block.size));
      targets[b] = target;
      for (long bits = block.low; bits != 0; bits &= bits - 1) {
        ascii[Long.numberOfTrailingZeros(bits)] = target;
      }
      for (long bits = block.high; bits != 0; bits &= bits - 1) {
        ascii[64 + Long.numberOfTrailingZeros(bits)] = target;
      }
      if (block.other && !mixed) {
        state.other = target;
      }
    }
    state.run = run(blocks, targets, n, mixed);
    state.ascii = ascii;
    keeps(700);
    return ascii;
  }

  private Run run(Block[] blocks, State[] targets, int n, boolean mixed) {
    Run best = null;
    int most = 0;
    for (int b = 0; b < n; b++) {
      if (targets[b] == dead || best != null && targets[b] == best.next) {
        continue;
      }
      var run = new Run();
      run.next = targets[b];
      for (int i = b; i < n; i++) {
        if (targets[i] == targets[b]) {
          run.ownLow |= blocks[i].low;
          run.ownHigh |= blocks[i].high;
          run.ownOther |= blocks[i].other && !mixed;
        }
      }
      int weight = Long.bitCount(run.ownLow) + Long.bitCount(run.ownHigh) + (run.ownOther ? 64 : 0);
      if (weight > most) {
        most = weight;
        best = run;
      }
    }
    return best;
  }

  /// {@return whether every text of at most `length` characters gets through from a state, if it is
  /// made of nothing but these}
  ///
  /// Where this says no, some may.
  ///
  /// @param low the characters below 64, one bit each
  /// @param high those from 64 to 127
  /// @param other whether there are any above
  boolean runs(State state, long low, long high, boolean other, int length) {
    if (!state.atBorder() || state == dead) {
      return false;
    }
    ascii(state);
    var run = state.run;
    if (run == null
        || (low & ~run.ownLow) != 0
        || (high & ~run.ownHigh) != 0
        || other && !run.ownOther) {
      return false;
    }
    if (run.next == state) {
      return true; // for ever
    }
    if (length > MAX_RUN) {
      return false;
    }
    if (run.known == 0) {
      run.known = 1;
      run.last = run.next;
      run.low[1] = run.ownLow;
      run.high[1] = run.ownHigh;
      run.other[1] = run.ownOther;
      keeps(1200);
    }
    while (run.known < length) {
      int i = run.known++;
      if (run.last != null) {
        ascii(run.last);
      }
      var step = run.last == null ? null : run.last.run;
      if (step != null) {
        run.low[i + 1] = run.low[i] & step.ownLow;
        run.high[i + 1] = run.high[i] & step.ownHigh;
        run.other[i + 1] = run.other[i] && step.ownOther;
      }
      run.last = step == null ? null : step.next;
    }
    return (low & ~run.low[length]) == 0
        && (high & ~run.high[length]) == 0
        && (!other || run.other[length]);
  }

  /// Where characters of a class lead from a state, one after the other.
  ///
  /// @param characters the class: those that most often lead on, with all from U+0080
  /// @param states after none of them, after one, and so on, up to [TokenRuns#LONG]
  /// @param endless whether the last leads to itself; else, if there are fewer, nowhere
  record Course(CharClass characters, State[] states, boolean endless) {}

  /// {@return where a wide class of characters leads from a state, or null where there is none or
  /// its characters part}
  Course course(State state) {
    if (!state.atBorder() || state == dead) {
      return null;
    }
    ascii(state);
    var first = state.run;
    if (first == null
        || !first.ownOther
        || Long.bitCount(first.ownLow) + Long.bitCount(first.ownHigh) < 64) {
      return null;
    }
    var characters = new CharClass(first.ownLow, first.ownHigh, CharClass.ANY.ranges());
    var states = new State[TokenRuns.LONG + 1];
    int n = 0;
    for (var at = state; n <= TokenRuns.LONG; at = at.run.next) {
      states[n++] = at;
      if (!goesOn(at, characters)) {
        return isDeadEnd(at, characters)
            ? new Course(characters, Arrays.copyOf(states, n), false)
            : null;
      }
      if (at.run.next == at) {
        return new Course(characters, Arrays.copyOf(states, n), true);
      }
    }
    return new Course(characters, states, false);
  }

  private boolean goesOn(State state, CharClass characters) {
    ascii(state);
    var run = state.run;
    return run != null
        && (characters.low() & ~run.ownLow) == 0
        && (characters.high() & ~run.ownHigh) == 0
        && run.ownOther;
  }

  private boolean isDeadEnd(State state, CharClass characters) {
    var ascii = ascii(state);
    for (int c = 0; c < 128; c++) {
      long bits = c < 64 ? characters.low() : characters.high();
      if ((bits >>> c & 1) != 0 && ascii[c] != dead) {
        return false;
      }
    }
    return state.other == dead;
  }

  // Tokens.

  /// What is asked of a token that an element names, or names as the one that may not come.
  interface TokenElements {
    void element(int id, boolean negated);
  }

  /// Tells of each element that matches a token as such.
  void tokens(State state, TokenElements elements) {
    for (int i = sets.begin(state.set); i < sets.end(state.set); i++) {
      int p = sets.top(i);
      if (p >= 0 && rules.operation()[p] >= Rules.TOKEN) {
        elements.element(rules.argument()[p], rules.operation()[p] == Rules.NOT_TOKEN);
      }
    }
  }

  /// {@return where a token leads that elements match as such}
  State token(State state, int token) {
    var next = new int[sets.end(state.set) - sets.begin(state.set)];
    int n = 0;
    for (int i = sets.begin(state.set); i < sets.end(state.set); i++) {
      int p = sets.top(i);
      if (p >= 0
          && rules.operation()[p] >= Rules.TOKEN
          && (rules.argument()[p] == token) == (rules.operation()[p] == Rules.TOKEN)) {
        next[n++] = close(p + 1, sets.rest(i));
      }
    }
    return state(sets.union(next, n));
  }

  /// {@return both: the one state or the other}, each at a border or dead.
  State either(State a, State b) {
    return a == dead ? b : b == dead ? a : state(sets.union(new int[] {a.set, b.set}, 2));
  }

  // Stacks.

  private CharClass characters(int position) {
    return position >= 0 && rules.operation()[position] == Rules.CHARACTER
        ? rules.classes()[rules.argument()[position]]
        : null;
  }

  private State state(int set) {
    if (set >= bySet.length) {
      bySet = Arrays.copyOf(bySet, Math.max(set + 1, 2 * bySet.length));
    }
    var state = bySet[set];
    if (state == null) {
      state = new State(set);
      bySet[set] = state;
      keeps(110);
    }
    return state;
  }

  /// {@return the stacks that a position on top of others leads to, with elements on top that match
  /// something}
  private int close(int position, int below) {
    if (rules.operation()[position] == Rules.END) {
      position = RETURN;
    }
    long key = (long) position << 32 | below;
    int known = closures.get(key);
    if (known >= 0) {
      return known;
    }
    seen.clear();
    int n = todo(0, position, below);
    int results = 0;
    while (n > 0) {
      long entry = todo[--n];
      int p = (int) (entry >>> 32);
      int rest = (int) entry;
      sets.work(CLOSE_WORK);
      switch (rules.operation()[p]) {
        case Rules.END -> {
          sets.work(sets.end(rest) - sets.begin(rest));
          for (int i = sets.begin(rest); i < sets.end(rest); i++) {
            if (sets.top(i) == StackSets.BOTTOM) {
              results = result(results, StackSets.BOTTOM, StackSets.NONE);
            } else {
              n = todo(n, sets.top(i), sets.rest(i));
            }
          }
        }
        case Rules.CALL -> {
          // The last call of a rule leaves nothing to come back to.
          int after = p + 1;
          int inner = rules.operation()[after] == Rules.END ? rest : sets.push(after, rest);
          int rule = rules.argument()[p];
          sets.work(rules.first()[rule + 1] - rules.first()[rule]);
          for (int a = rules.first()[rule]; a < rules.first()[rule + 1]; a++) {
            n = todo(n, rules.alternatives()[a], inner);
          }
        }
        default -> results = result(results, p, rest);
      }
    }
    keeps(24);
    int set = sets.of(found, results);
    closures.put(key, set);
    return set;
  }

  private int todo(int n, int position, int rest) {
    long entry = (long) (rules.operation()[position] == Rules.END ? RETURN : position) << 32 | rest;
    if (seen.get(entry) >= 0) {
      return n;
    }
    seen.put(entry, 0);
    if (n == todo.length) {
      todo = Arrays.copyOf(todo, 2 * n);
    }
    todo[n] = entry;
    return n + 1;
  }

  private int result(int n, int top, int rest) {
    if (n == found.length) {
      found = Arrays.copyOf(found, 2 * n);
    }
    found[n] = StackSets.entry(top, rest);
    return n + 1;
  }
}
