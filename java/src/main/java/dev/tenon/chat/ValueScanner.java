package dev.tenon.chat;

/// Finds where a value ends that is written as JSON or in Python, in a text that may end before.
///
/// A result holds the end and how it fits in one number, since a long value is scanned anew for
/// each piece of a reply.
final class ValueScanner {
  /// As deep as values may be nested.
  private static final int MAX_DEPTH = 200;

  private static final long UNFINISHED = 1L << 32;
  private static final long FAILS = 2L << 32;

  private final String text;
  private final boolean python;
  private int depth;

  private ValueScanner(String text, boolean python) {
    this.text = text;
    this.python = python;
  }

  static int end(long scanned) {
    return (int) scanned;
  }

  static boolean unfinished(long scanned) {
    return (scanned & UNFINISHED) != 0;
  }

  static boolean fails(long scanned) {
    return (scanned & FAILS) != 0;
  }

  /// Scans a value of JSON.
  static long json(String text, int at) {
    return new ValueScanner(text, false).value(at);
  }

  /// Scans a value of Python's: strings in either quotes; True, False and None, or JSON's names.
  static long python(String text, int at) {
    return new ValueScanner(text, true).value(at);
  }

  /// Scans up to a quote that is not escaped, and does not take it.
  static long quoted(String text, int at, char quote) {
    for (int i = at; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == quote) return i;
      if (c != '\\') continue;
      int escape = i++;
      if (i == text.length()) return escape | UNFINISHED;
      char escaped = text.charAt(i);
      if (escaped == 'u') {
        for (int digit = 0; digit < 4; digit++) {
          if (++i == text.length()) return escape | UNFINISHED;
          if (Character.digit(text.charAt(i), 16) < 0 || text.charAt(i) > 'f') return i | FAILS;
        }
      } else if (escaped != quote && "\\/bfnrt\"".indexOf(escaped) < 0) {
        return i | FAILS;
      }
    }
    return text.length() | UNFINISHED;
  }

  /// {@return the kind of value that begins with a character}
  static ParameterSchema.Kind kind(char first) {
    return switch (first) {
      case '{' -> ParameterSchema.Kind.OBJECT;
      case '[' -> ParameterSchema.Kind.ARRAY;
      case '"' -> ParameterSchema.Kind.STRING;
      case 't', 'f' -> ParameterSchema.Kind.BOOLEAN;
      case 'n' -> ParameterSchema.Kind.NULL;
      default -> ParameterSchema.Kind.NUMBER;
    };
  }

  private long value(int at) {
    if (at >= text.length()) return at | UNFINISHED;
    char c = text.charAt(at);
    return switch (c) {
      case '{' -> container(at, '}');
      case '[' -> container(at, ']');
      case '"' -> string(at, c);
      case '\'' -> python ? string(at, c) : at | FAILS;
      case 't' -> word(at, "true");
      case 'f' -> word(at, "false");
      case 'n' -> word(at, "null");
      case 'T' -> python ? word(at, "True") : at | FAILS;
      case 'F' -> python ? word(at, "False") : at | FAILS;
      case 'N' -> python ? word(at, "None") : at | FAILS;
      default -> number(at);
    };
  }

  private long container(int at, char closing) {
    if (++depth > MAX_DEPTH) return at | FAILS;
    int i = afterSpace(at + 1);
    if (i == text.length()) return i | UNFINISHED;
    if (text.charAt(i) != closing) {
      while (true) {
        long scanned = closing == '}' ? member(i) : value(i);
        if (scanned > Integer.MAX_VALUE) return scanned;
        i = afterSpace(end(scanned));
        if (i == text.length()) return i | UNFINISHED;
        if (text.charAt(i) == closing) break;
        if (text.charAt(i) != ',') return i | FAILS;
        i = afterSpace(i + 1);
      }
    }
    depth--;
    return i + 1;
  }

  private long member(int at) {
    if (at == text.length()) return at | UNFINISHED;
    char quote = text.charAt(at);
    if (quote != '"' && !(python && quote == '\'')) return at | FAILS;
    long name = string(at, quote);
    if (name > Integer.MAX_VALUE) return name;
    int i = afterSpace(end(name));
    if (i == text.length()) return i | UNFINISHED;
    if (text.charAt(i) != ':') return i | FAILS;
    return value(afterSpace(i + 1));
  }

  private long string(int at, char quote) {
    long scanned = quoted(text, at + 1, quote);
    return scanned > Integer.MAX_VALUE ? scanned : end(scanned) + 1;
  }

  private long word(int at, String word) {
    int there = Math.min(word.length(), text.length() - at);
    if (!text.regionMatches(at, word, 0, there)) return at | FAILS;
    return there == word.length() ? at + there : at + there | UNFINISHED;
  }

  /// A number at the end of the text is not finished: more digits may follow.
  private long number(int at) {
    int i = at;
    if (text.charAt(i) == '-') i++;
    int digits = digits(i);
    if (digits == i) return i == text.length() ? i | UNFINISHED : i | FAILS;
    if (text.charAt(i) == '0' && digits > i + 1) return i | FAILS;
    i = digits;
    if (i < text.length() && text.charAt(i) == '.') {
      digits = digits(i + 1);
      if (digits == i + 1) return digits == text.length() ? digits | UNFINISHED : digits | FAILS;
      i = digits;
    }
    if (i < text.length() && (text.charAt(i) == 'e' || text.charAt(i) == 'E')) {
      i++;
      if (i < text.length() && (text.charAt(i) == '+' || text.charAt(i) == '-')) i++;
      digits = digits(i);
      if (digits == i) return i == text.length() ? i | UNFINISHED : i | FAILS;
      i = digits;
    }
    if (i == text.length()) return i | UNFINISHED;
    return "0123456789.eE+-".indexOf(text.charAt(i)) < 0 ? i : i | FAILS;
  }

  private int digits(int at) {
    int i = at;
    while (i < text.length() && text.charAt(i) >= '0' && text.charAt(i) <= '9') i++;
    return i;
  }

  private int afterSpace(int at) {
    int i = at;
    while (i < text.length() && PegMatcher.isSpace(text.charAt(i))) i++;
    return i;
  }
}
