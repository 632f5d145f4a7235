package dev.tenon.grammar;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// A regular expression of a schema's `pattern` as the right side of a rule, the way llama.cpp
/// makes it one.
///
/// The rule is about a string as JSON has it: quotes and backslashes are escaped in it, and so are
/// control characters where a pattern asks for them; where it only allows them they are left out.
final class PatternRule {
  private static final int MAX_DEPTH = 100;
  private static final String SPECIAL = "|.()[]{}*+?^$";
  private static final String ESCAPED = "^$.[]()|{}*+?";

  /// Any character but the ends of lines, and those that JSON has only escaped.
  private static final String DOT = "[^\"\\\\\\x00-\\x1F\\x85\\u2028\\u2029]";

  private static final Pattern NUMBER = Pattern.compile("\\s*([+-]?[0-9]+).*", Pattern.DOTALL);

  private final String pattern;
  private final String name;
  private final JsonSchemaGrammar rules;
  private final Map<String, String> repeated = new HashMap<>(); // the rules of what is repeated
  private int at;
  private int depth;

  /// A valid expression for which there is no grammar.
  static final class UnsupportedException extends Exception {
    private static final long serialVersionUID = 1;

    UnsupportedException(String message) {
      super(message);
    }
  }

  /// What is no valid expression.
  static final class InvalidException extends Exception {
    private static final long serialVersionUID = 1;

    InvalidException(String message) {
      super(message);
    }
  }

  /// A part of a sequence: characters of a literal, or elements of a rule.
  private record Part(String text, boolean literal) {
    String rule() {
      return literal ? '"' + text + '"' : text;
    }
  }

  private PatternRule(String pattern, String name, JsonSchemaGrammar rules) {
    this.pattern = pattern;
    this.name = name;
    this.rules = rules;
  }

  /// {@return the right side of the rule of a JSON string whose characters match}
  ///
  /// @param name of the rule, with which those that it needs begin
  /// @param rules where those are put
  static String of(String pattern, String name, JsonSchemaGrammar rules)
      throws UnsupportedException, InvalidException {
    boolean begins = pattern.startsWith("^");
    boolean ends = pattern.endsWith("$") && pattern.length() > (begins ? 1 : 0);
    for (int i = pattern.length() - 2; ends && i >= 0 && pattern.charAt(i) == '\\'; i -= 2) {
      ends = i > 0 && pattern.charAt(i - 1) == '\\';
    }
    var inner =
        new PatternRule(
            pattern.substring(begins ? 1 : 0, pattern.length() - (ends ? 1 : 0)), name, rules);
    var rule = inner.sequence();
    if (inner.depth != 0) {
      throw new InvalidException("unbalanced parentheses");
    }
    var any = begins && ends ? "" : rules.common("char") + "*";
    return "\"\\\"\" "
        + (begins ? "" : any + " ")
        + "("
        + rule
        + ")"
        + (ends ? "" : " " + any)
        + " \"\\\"\"";
  }

  /// Reads up to the end of the group or of the pattern.
  private String sequence() throws UnsupportedException, InvalidException {
    var parts = new ArrayList<Part>();
    while (at < pattern.length()) {
      char c = pattern.charAt(at);
      switch (c) {
        case '.' -> {
          at++;
          parts.add(new Part(rules.add("dot", DOT), false));
        }
        case '(' -> parts.add(group());
        case ')' -> {
          at++;
          if (depth == 0) {
            throw new InvalidException("unbalanced parentheses");
          }
          depth--;
          return join(parts);
        }
        case '^', '$' -> throw new UnsupportedException("it has an anchor inside");
        case '[' -> parts.add(characters());
        case '|' -> {
          at++;
          parts.add(new Part("|", false));
        }
        case '*', '+', '?' -> {
          at++;
          parts.add(new Part(toRepeat(parts).rule() + c, false));
        }
        case '{' -> parts.add(repetition(parts));
        default -> {
          var set = shorthand();
          var others = set == null ? otherThan() : null;
          parts.add(
              set != null
                  ? new Part("[" + set + "]", false)
                  : others != null ? new Part(others, false) : literal());
        }
      }
    }
    return join(parts);
  }

  private static Part toRepeat(List<Part> parts) throws InvalidException {
    if (parts.isEmpty()) {
      throw new InvalidException("nothing to repeat");
    }
    return parts.removeLast();
  }

  /// Puts the parts one after the other, literals next to each other into one.
  private static String join(List<Part> parts) {
    var rules = new ArrayList<String>();
    var literal = new StringBuilder();
    for (var part : parts) {
      if (part.literal) {
        literal.append(part.text);
        continue;
      }
      if (!literal.isEmpty()) {
        rules.add("\"" + literal + '"');
        literal.setLength(0);
      }
      rules.add(part.text);
    }
    if (!literal.isEmpty()) {
      rules.add("\"" + literal + '"');
    }
    return String.join(" ", rules);
  }

  private Part group() throws UnsupportedException, InvalidException {
    at++;
    if (at < pattern.length() && pattern.charAt(at) == '?') {
      if (!pattern.startsWith("?:", at)) {
        throw new UnsupportedException("it has a group that looks around or has a name or flags");
      }
      at += 2;
    }
    if (++depth > MAX_DEPTH) {
      throw new UnsupportedException("its groups are nested too deeply");
    }
    return new Part('(' + sequence() + ')', false);
  }

  private Part characters() throws UnsupportedException, InvalidException {
    int open = at++;
    boolean negated = at < pattern.length() && pattern.charAt(at) == '^';
    at += negated ? 1 : 0;
    var set = new StringBuilder(); // as GBNF has it
    var escaped = new StringBuilder(); // what JSON has only escaped
    boolean changed = false;
    while (at < pattern.length() && pattern.charAt(at) != ']') {
      int begin = at;
      var shorthand = shorthand();
      if (shorthand != null) {
        set.append(shorthand);
        changed = true;
        continue;
      }
      int first = classCharacter();
      int last = first;
      if (at + 1 < pattern.length() && pattern.charAt(at) == '-' && pattern.charAt(at + 1) != ']') {
        at++;
        last = classCharacter();
      }
      if (negated || (first > '\\' || last < first) || !holdsEscaped(first, last)) {
        var given = pattern.substring(begin, at);
        set.append(given.equals("-") ? "\\-" : gbnf(begin, at));
        changed |= !gbnf(begin, at).equals(given);
      } else {
        changed = true;
        split(first, last, set, escaped);
      }
    }
    if (at == pattern.length()) {
      throw new InvalidException("a character class is not closed");
    }
    at++;
    if (negated) {
      return new Part("[^" + set + "\"\\\\\\x00-\\x1F]", false);
    }
    if (!changed) {
      return new Part(pattern.substring(open, at), false);
    }
    if (escaped.isEmpty()) {
      return new Part("[" + set + "]", false);
    }
    var escapes = "\"\\\\\" (" + escaped.substring(3) + ")";
    return new Part(
        set.isEmpty() ? "(" + escapes + ")" : "([" + set + "] | " + escapes + ")", false);
  }

  private static boolean holdsEscaped(int first, int last) {
    return first < 0x20 || first <= '"' && '"' <= last || first <= '\\' && '\\' <= last;
  }

  /// Adds a range: to `set` what stands for itself in JSON, to `escaped` the others.
  private static void split(int first, int last, StringBuilder set, StringBuilder escaped) {
    int from = Math.max(first, 0x20);
    for (int c = first; c <= Math.min(last, '\\'); c++) {
      if (c >= 0x20 && c != '"' && c != '\\') {
        continue;
      }
      // Of a wide range only what has a name.
      if (first == last || "\"\\\b\f\n\r\t".indexOf(c) >= 0) {
        escaped.append(" | \"").append(json(c).substring(2)).append('"');
      }
      if (c >= 0x20) {
        range(from, c - 1, set);
        from = c + 1;
      }
    }
    range(from, last, set);
  }

  private static void range(int first, int last, StringBuilder set) {
    if (first <= last) {
      set.append(String.format("\\U%08X", first));
      set.append(first < last ? String.format("-\\U%08X", last) : "");
    }
  }

  /// Reads a character of a class.
  private int classCharacter() throws UnsupportedException, InvalidException {
    int c = pattern.codePointAt(at);
    if (c != '\\') {
      at += Character.charCount(c);
      return c;
    }
    int escape = escapeLength();
    if (escape == 0) {
      throw new UnsupportedException("it has an escape in a character class");
    }
    int value = value(escape);
    at += escape;
    return value;
  }

  /// Part of a class as GBNF has it: some escapes it does not know.
  private String gbnf(int from, int to) {
    var out = new StringBuilder();
    for (int i = from; i < to; i++) {
      char c = pattern.charAt(i);
      if (c == '\\') {
        char escaped = pattern.charAt(++i);
        boolean known = "xuUtrn\\\"[]-".indexOf(escaped) >= 0;
        out.append(known ? "\\" + escaped : escaped == '^' ? "\\x5E" : "" + escaped);
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }

  /// Reads `\d` or `\w`, within a class or not: what they stand for; null where there is none.
  private String shorthand() throws UnsupportedException {
    if (pattern.startsWith("\\d", at)) {
      at += 2;
      return "0-9";
    }
    if (pattern.startsWith("\\w", at)) {
      at += 2;
      return "a-zA-Z0-9_";
    }
    if (pattern.startsWith("\\s", at)) {
      at += 2;
      return " ";
    }
    return null;
  }

  private Part repetition(List<Part> parts) throws UnsupportedException, InvalidException {
    int close = pattern.indexOf('}', at);
    if (close < 0) {
      throw new UnsupportedException("a curly bracket is not closed");
    }
    var numbers = pattern.substring(at + 1, close).split(",", -1);
    at = close + 1;
    if (numbers.length > 2) {
      throw new UnsupportedException("it has too many numbers in curly brackets");
    }
    int min;
    int max;
    if (numbers.length == 1) {
      min = number(numbers[0]);
      max = min;
    } else {
      min = numbers[0].isEmpty() ? 0 : number(numbers[0]);
      max = numbers[1].isEmpty() ? Integer.MAX_VALUE : number(numbers[1]);
    }
    var item = toRepeat(parts);
    var rule = item.rule();
    if (!item.literal) {
      var known = repeated.get(rule);
      if (known == null) {
        known = rules.add(name + "-" + (repeated.size() + 1), rule);
        repeated.put(rule, known);
      }
      rule = known;
    }
    return new Part(JsonSchemaGrammar.repetition(rule, min, max, ""), false);
  }

  private static int number(String text) throws UnsupportedException {
    var number = NUMBER.matcher(text);
    try {
      if (number.matches()) {
        return Integer.parseInt(number.group(1));
      }
    } catch (NumberFormatException _) {
      // too large: the same
    }
    throw new UnsupportedException("it has no number in curly brackets");
  }

  /// Reads `\D`, `\W` or `\S`: a class of all others; null where there is none.
  private String otherThan() {
    for (var entry :
        List.of("\\D0-9", "\\Wa-zA-Z0-9_", "\\S \\xA0\\uFEFF\\u2000-\\u200A\\u2028\\u2029")) {
      if (pattern.startsWith(entry.substring(0, 2), at)) {
        at += 2;
        return "[^" + entry.substring(2) + "\"\\\\\\x00-\\x1F]";
      }
    }
    return null;
  }

  /// Reads characters that stand for themselves. The last before an operator is left for a part of
  /// its own, for the operator is about it alone.
  private Part literal() throws UnsupportedException, InvalidException {
    int begin = at;
    var literal = new StringBuilder();
    while (at < pattern.length()) {
      int c = pattern.codePointAt(at);
      int next = at + Character.charCount(c);
      String text;
      if (c == '\\') {
        if (next == pattern.length()) {
          throw new InvalidException("a backslash at the end");
        }
        if ("dwsDWS".indexOf(pattern.charAt(next)) >= 0 && !literal.isEmpty()) {
          break;
        }
        int escape = escapeLength();
        if (escape == 0) {
          throw new UnsupportedException("it has the escape " + pattern.substring(at, at + 2));
        }
        int value = value(escape);
        next = at + escape;
        boolean plain = ESCAPED.indexOf(value) >= 0 && escape == 2;
        text = isEscaped(value) ? json(value) : plain ? "" + (char) value : gbnf(at, next);
      } else if (SPECIAL.indexOf(c) >= 0) {
        break;
      } else {
        text = isEscaped(c) ? json(c) : Character.toString(c);
      }
      boolean operator =
          next < pattern.length()
              && pattern.charAt(next) != '.'
              && SPECIAL.indexOf(pattern.charAt(next)) >= 0;
      if (operator && !literal.isEmpty()) {
        break;
      }
      literal.append(text);
      at = next;
    }
    if (at == begin) {
      throw new UnsupportedException("it has a stray " + pattern.charAt(at));
    }
    return new Part(literal.toString(), true);
  }

  /// The length of an escape of one character, or 0 where it is none.
  private int escapeLength() {
    if (at + 1 >= pattern.length()) {
      return 0;
    }
    char c = pattern.charAt(at + 1);
    int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    boolean letter = c < 0x80 && Character.isLetterOrDigit(c);
    if (letter && digits == 0 && "trnfv".indexOf(c) < 0
        || Character.isSurrogate(c)
        || at + 2 + digits > pattern.length()) {
      return 0;
    }
    for (int i = at + 2; i < at + 2 + digits; i++) {
      if ("0123456789abcdefABCDEF".indexOf(pattern.charAt(i)) < 0) {
        return 0;
      }
    }
    return 2 + digits;
  }

  /// The character that the escape at the cursor stands for.
  private int value(int length) {
    char c = pattern.charAt(at + 1);
    if (length > 2) {
      return (int)
          Math.min(Long.parseLong(pattern.substring(at + 2, at + length), 16), Integer.MAX_VALUE);
    }
    int i = "trnfv".indexOf(c);
    return i < 0 ? c : "\t\r\n\f\u000b".charAt(i);
  }

  private static boolean isEscaped(int c) {
    return c < 0x20 || c == '"' || c == '\\';
  }

  /// How JSON has a character that it must escape, in a literal of GBNF.
  private static String json(int c) {
    return switch (c) {
      case '"' -> "\\\\\\\"";
      case '\\' -> "\\\\\\\\";
      case '\b' -> "\\\\b";
      case '\f' -> "\\\\f";
      case '\n' -> "\\\\n";
      case '\r' -> "\\\\r";
      case '\t' -> "\\\\t";
      default -> String.format("\\\\u%04x", c);
    };
  }
}
