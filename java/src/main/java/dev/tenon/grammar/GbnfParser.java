package dev.tenon.grammar;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/// Reads GBNF: the same grammars as llama.cpp's parser, with the same limits on repetitions.
///
/// Groups and repetitions become rules of their own, as there:
/// `S{2,4}` is `S S T`, with `T ::= S U |` and `U ::= S |`; `S*` is `T ::= S T |`.
final class GbnfParser {
  /// More repetitions than that are refused, and an upper bound above it is none.
  private static final int MAX_REPETITIONS = 2000;

  /// The most elements of all rules together, repetitions written out.
  private static final int MAX_ELEMENTS = 1 << 22;

  /// The deepest nesting of groups.
  private static final int MAX_DEPTH = 500;

  private static final long UNBOUNDED = Long.MAX_VALUE;

  private final String text;
  private final ToIntFunction<String> tokens;
  private int at;
  private int depth;
  private int elements;

  // Rules by number, in the order in which they are first named; made-up ones among them.
  private final Map<String, Integer> numbers = new HashMap<>();
  private final List<Definition> definitions = new ArrayList<>();
  private final Map<CharClass, Integer> classes = new HashMap<>();

  /// What is known of a rule.
  private static final class Definition {
    final String name;
    final int place; // where it is first named
    Sequence body; // null until it is defined

    Definition(String name, int place) {
      this.name = name;
      this.place = place;
    }
  }

  /// Elements of a rule: operation and argument. [Rules#END] stands between alternatives, too.
  private static final class Sequence {
    long[] elements = new long[8];
    int size;

    void add(long element) {
      if (size == elements.length) {
        elements = Arrays.copyOf(elements, 2 * size);
      }
      elements[size++] = element;
    }
  }

  private GbnfParser(String text, ToIntFunction<String> tokens) {
    this.text = text;
    this.tokens = tokens;
  }

  /// {@return the rules of a grammar, without dead ends}
  ///
  /// @param tokens the id of a token by its text, such as `<think>`, or -1; null where there is no
  ///     vocabulary
  /// @throws GrammarException if it is no grammar
  static Rules parse(String text, ToIntFunction<String> tokens) {
    return new GbnfParser(text, tokens).grammar();
  }

  private Rules grammar() {
    space(true);
    while (at < text.length()) {
      rule();
    }
    for (var definition : definitions) {
      if (definition.body == null) {
        throw GrammarException.at(
            text, definition.place, "the rule " + definition.name + " is not defined");
      }
    }
    var root = numbers.get("root");
    if (root == null) {
      throw new GrammarException("the grammar has no rule root, with which it would begin");
    }
    var rules = compile(root);
    var circle = LeftRecursion.find(rules);
    if (circle != null) {
      var names = new StringBuilder();
      String before = null;
      for (int i = 0; i < circle.length; i++) {
        var name = definitions.get(circle[i] - 1).name;
        if (!name.equals(before) || i == circle.length - 1) {
          names.append(i == 0 ? "" : " -> ").append(name);
        }
        before = name;
      }
      throw GrammarException.at(
          text,
          definitions.get(circle[0] - 1).place,
          "left recursion: a rule that begins with itself can never be done: " + names);
    }
    return rules.withoutDeadEnds();
  }

  private Rules compile(int root) {
    int size = 2;
    int alternatives = 1;
    for (var definition : definitions) {
      size += definition.body.size;
      for (int i = 0; i < definition.body.size; i++) {
        alternatives += definition.body.elements[i] == 0 ? 1 : 0;
      }
    }
    var operation = new byte[size];
    var argument = new int[size];
    var starts = new int[alternatives];
    var first = new int[definitions.size() + 2];
    operation[Rules.START] = Rules.CALL;
    argument[Rules.START] = root + 1;
    int p = 2;
    int a = 1;
    for (int d = 0; d < definitions.size(); d++) {
      var body = definitions.get(d).body;
      first[d + 1] = a;
      boolean begins = true;
      for (int i = 0; i < body.size; i++) {
        if (begins) {
          starts[a++] = p;
        }
        operation[p] = (byte) (body.elements[i] >>> 32);
        argument[p] = (int) body.elements[i] + (operation[p] == Rules.CALL ? 1 : 0);
        begins = operation[p++] == Rules.END;
      }
    }
    first[definitions.size() + 1] = a;
    var byNumber = new CharClass[classes.size()];
    classes.forEach((characters, number) -> byNumber[number] = characters);
    return new Rules(operation, argument, byNumber, starts, first);
  }

  // Rules, alternatives and sequences.

  private void rule() {
    int begin = at;
    var name = name();
    int number = number(name, begin);
    space(false);
    if (!text.startsWith("::=", at)) {
      throw error("expected ::= after the name " + name);
    }
    at += 3;
    space(true);
    definitions.get(number).body = alternatives(name, false);
    if (text.startsWith("\r\n", at)) {
      at += 2;
    } else if (here() == '\n' || here() == '\r') {
      at++;
    } else if (at < text.length()) {
      throw error("expected the end of the line or of the rule " + name);
    }
    space(true);
  }

  private Sequence alternatives(String name, boolean nested) {
    var rule = new Sequence();
    sequence(name, rule, nested);
    while (here() == '|') {
      add(rule, Rules.END, 0);
      at++;
      space(true);
      sequence(name, rule, nested);
    }
    add(rule, Rules.END, 0);
    return rule;
  }

  private void sequence(String name, Sequence rule, boolean nested) {
    int last = rule.size; // where the item begins that a repetition would repeat
    long weight = 1; // how many rules it stands for
    while (true) {
      switch (here()) {
        case '"' -> {
          last = rule.size;
          weight = 1;
          literal(rule);
        }
        case '[' -> {
          last = rule.size;
          weight = 1;
          characters(rule);
        }
        case '.' -> {
          last = rule.size;
          weight = 1;
          at++;
          add(rule, Rules.CHARACTER, number(CharClass.ANY));
        }
        case '<', '!' -> {
          last = rule.size;
          weight = 1;
          token(rule);
        }
        case '(' -> {
          last = rule.size;
          int before = definitions.size();
          add(rule, Rules.CALL, group(name));
          weight = definitions.size() - before;
        }
        case '*', '+', '?', '{' -> {
          int operator = at;
          long[] times = times(nested);
          weight *= repeat(name, rule, last, weight, times[0], times[1], operator);
        }
        default -> {
          if (!isWord(here())) {
            return;
          }
          int begin = at;
          last = rule.size;
          weight = 1;
          add(rule, Rules.CALL, number(name(), begin));
        }
      }
      space(nested);
    }
  }

  private int group(String name) {
    if (++depth > MAX_DEPTH) {
      throw error("groups are nested deeper than " + MAX_DEPTH);
    }
    int open = at++;
    space(true);
    int number = definitions.size();
    var definition = new Definition(name, open);
    definitions.add(definition);
    definition.body = alternatives(name, true);
    if (here() != ')') {
      throw error("expected ) to close the group");
    }
    at++;
    depth--;
    return number;
  }

  // Repetition.

  /// Reads an operator: the fewest and the most times.
  private long[] times(boolean nested) {
    switch (text.charAt(at++)) {
      case '*' -> {
        return new long[] {0, UNBOUNDED};
      }
      case '+' -> {
        return new long[] {1, UNBOUNDED};
      }
      case '?' -> {
        return new long[] {0, 1};
      }
      default -> {}
    }
    space(nested);
    int begin = at;
    long min = integer();
    long max = min;
    space(nested);
    if (here() == ',') {
      at++;
      space(nested);
      max = UNBOUNDED;
      if (isDigit(here())) {
        max = integer();
        space(nested);
      }
    } else if (here() != '}') {
      throw error("expected , or } after the number of repetitions");
    }
    if (here() != '}') {
      throw error("expected } to close the repetition");
    }
    at++;
    if (min > MAX_REPETITIONS) {
      throw tooMany(begin, min);
    }
    if (max < min) {
      throw GrammarException.at(
          text, begin, "a repetition of at least " + min + " and at most " + max);
    }
    return new long[] {min, max > MAX_REPETITIONS ? UNBOUNDED : max};
  }

  private GrammarException tooMany(int place, Object count) {
    return GrammarException.at(
        text, place, "too many repetitions: " + count + "; at most " + MAX_REPETITIONS + " can be");
  }

  /// Repeats what lies in `rule` from `last` on.
  ///
  /// @return by how much heavier it is now
  private long repeat(
      String name, Sequence rule, int last, long weight, long min, long max, int operator) {
    if (last == rule.size) {
      throw GrammarException.at(text, operator, "there is nothing before it to be repeated");
    }
    boolean bounded = max != UNBOUNDED;
    long times = bounded && max > 0 ? max : Math.max(min, 1);
    if (weight * times > MAX_REPETITIONS) {
      throw tooMany(operator, weight + " times " + times);
    }
    var item = Arrays.copyOfRange(rule.elements, last, rule.size);
    if (min == 0) {
      rule.size = last;
    }
    for (long i = 1; i < min; i++) {
      addAll(rule, item);
    }
    long optional = bounded ? max - min : 1;
    for (long i = 0; i < optional; i++) {
      int number = definitions.size();
      var definition = new Definition(name, operator);
      definitions.add(definition);
      definition.body = new Sequence();
      addAll(definition.body, item);
      if (!bounded) {
        add(definition.body, Rules.CALL, number);
      } else if (i > 0) {
        add(definition.body, Rules.CALL, number - 1);
      }
      add(definition.body, Rules.END, 0);
      add(definition.body, Rules.END, 0);
    }
    if (optional > 0) {
      add(rule, Rules.CALL, definitions.size() - 1);
    }
    return times;
  }

  // What matches characters and tokens.

  private void literal(Sequence rule) {
    int open = at++;
    while (here() != '"') {
      if (at >= text.length()) {
        throw GrammarException.at(text, open, "the literal is not closed");
      }
      add(rule, Rules.CHARACTER, number(CharClass.of(character())));
    }
    at++;
  }

  private void characters(Sequence rule) {
    int open = at++;
    boolean negated = here() == '^';
    if (negated) {
      at++;
    }
    var pairs = new long[8];
    int n = 0;
    while (here() != ']') {
      if (at >= text.length()) {
        throw GrammarException.at(text, open, "the character class is not closed");
      }
      long first = character();
      long last = first;
      if (here() == '-' && at + 1 < text.length() && text.charAt(at + 1) != ']') {
        at++;
        last = character();
      }
      if (n == pairs.length) {
        pairs = Arrays.copyOf(pairs, 2 * n);
      }
      pairs[n++] = first << 32 | last;
    }
    at++;
    if (n > 0) { // an empty one, negated or not, matches the empty text
      add(rule, Rules.CHARACTER, number(CharClass.of(pairs, n, negated)));
    }
  }

  /// Reads `<[id]>` or `<text>`, or either with `!` before it.
  private void token(Sequence rule) {
    boolean negated = here() == '!';
    if (negated) {
      at++;
    }
    int open = at;
    if (here() != '<') {
      throw error("expected < after !");
    }
    at++;
    byte operation = negated ? Rules.NOT_TOKEN : Rules.TOKEN;
    if (here() == '[') {
      at++;
      int begin = at;
      long id = integer();
      if (id > Integer.MAX_VALUE) {
        throw GrammarException.at(text, begin, "no token has so high an id");
      }
      if (!text.startsWith("]>", at)) {
        throw error("expected ]> after the id of a token");
      }
      at += 2;
      add(rule, operation, (int) id);
      return;
    }
    int close = text.indexOf('>', at);
    if (close < 0) {
      throw GrammarException.at(text, open, "expected > to close the token");
    }
    at = close + 1;
    var token = text.substring(open, at);
    if (token.contains("\n")) {
      throw GrammarException.at(text, open, "expected > to close the token on the same line");
    }
    if (tokens == null) {
      throw GrammarException.at(
          text, open, "the token " + token + " needs a vocabulary; <[id]> does without");
    }
    int id = tokens.applyAsInt(token);
    if (id < 0) {
      throw GrammarException.at(text, open, token + " is not one token of the vocabulary");
    }
    add(rule, operation, id);
  }

  /// Reads a character of a literal or a class: 32 unsigned bits, for an escape may say so much.
  private long character() {
    if (here() != '\\') {
      int c = text.codePointAt(at);
      at += Character.charCount(c);
      return c;
    }
    char escaped = at + 1 < text.length() ? text.charAt(at + 1) : 0;
    at += 2;
    return switch (escaped) {
      case 'x' -> hexadecimal(2);
      case 'u' -> hexadecimal(4);
      case 'U' -> hexadecimal(8);
      case 't' -> '\t';
      case 'r' -> '\r';
      case 'n' -> '\n';
      case '\\', '"', '[', ']', '-' -> escaped;
      default -> {
        at -= 2;
        throw error("unknown escape");
      }
    };
  }

  private long hexadecimal(int digits) {
    long value = 0;
    for (int i = 0; i < digits; i++) {
      int c = here();
      int digit = c < 0x80 ? Character.digit(c, 16) : -1;
      if (digit < 0) {
        throw error("expected " + digits + " hexadecimal digits");
      }
      value = value << 4 | digit;
      at++;
    }
    return value;
  }

  // Names, numbers and what lies between.

  private int number(String name, int place) {
    var number = numbers.get(name);
    if (number == null) {
      number = definitions.size();
      numbers.put(name, number);
      definitions.add(new Definition(name, place));
    }
    return number;
  }

  private int number(CharClass characters) {
    return classes.computeIfAbsent(characters, _ -> classes.size());
  }

  private String name() {
    int begin = at;
    while (isWord(here())) {
      at++;
    }
    if (at == begin) {
      throw error("expected the name of a rule");
    }
    return text.substring(begin, at);
  }

  private long integer() {
    if (!isDigit(here())) {
      throw error("expected a whole number");
    }
    long value = 0;
    while (isDigit(here())) {
      value = Math.min(10 * value + here() - '0', Integer.MAX_VALUE + 1L);
      at++;
    }
    return value;
  }

  private void space(boolean lines) {
    while (true) {
      int c = here();
      if (c == '#') {
        while (at < text.length() && here() != '\n' && here() != '\r') {
          at++;
        }
      } else if (c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r')) {
        at++;
      } else {
        return;
      }
    }
  }

  /// The character at the cursor, or -1 at the end.
  private int here() {
    return at < text.length() ? text.charAt(at) : -1;
  }

  private static boolean isDigit(int c) {
    return '0' <= c && c <= '9';
  }

  private static boolean isWord(int c) {
    return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '-' || isDigit(c);
  }

  private void addAll(Sequence sequence, long[] items) {
    for (long item : items) {
      add(sequence, (byte) (item >>> 32), (int) item);
    }
  }

  private void add(Sequence sequence, byte operation, int argument) {
    if (++elements > MAX_ELEMENTS) {
      throw error(
          "with its repetitions written out the grammar has over " + MAX_ELEMENTS + " elements");
    }
    sequence.add((long) operation << 32 | argument);
  }

  /// What was expected and what stands there.
  private GrammarException error(String message) {
    var found =
        at >= text.length() ? "the grammar ends" : "found " + Grammar.quoted(text.codePointAt(at));
    return GrammarException.at(text, Math.min(at, text.length()), message + "; " + found);
  }
}
