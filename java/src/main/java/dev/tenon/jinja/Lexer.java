package dev.tenon.jinja;

import dev.tenon.jinja.Token.Type;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Cuts a template's source into tokens.
///
/// White space around tags goes as in Jinja2 with `trim_blocks` and `lstrip_blocks`: a line end
/// after a statement or comment is dropped, and so is white space before one that is first in its
/// line; `-` drops all white space on its side, `+` keeps it.
final class Lexer {
  /// What Python's `\s` matches.
  static final String SPACE =
      "[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]";

  private static final Pattern SPACES = Pattern.compile(SPACE + "+");
  private static final Pattern TAG = Pattern.compile("\\{[%{#][-+]?");
  private static final Pattern RAW_BEGIN =
      Pattern.compile("\\{%[-+]?" + SPACE + "*raw" + SPACE + "*(?:-%\\}" + SPACE + "*|%\\})");
  private static final Pattern RAW_END =
      Pattern.compile(
          "\\{%([-+]?)" + SPACE + "*endraw" + SPACE + "*(?:\\+%\\}|-%\\}" + SPACE + "*|%\\}\\n?)");
  private static final Pattern COMMENT_END =
      Pattern.compile("\\+#\\}|-#\\}" + SPACE + "*|#\\}\\n?");
  private static final Pattern BLOCK_END = Pattern.compile("\\+%\\}|-%\\}" + SPACE + "*|%\\}\\n?");
  private static final Pattern VARIABLE_END = Pattern.compile("-\\}\\}" + SPACE + "*|\\}\\}");
  private static final Pattern FLOAT =
      Pattern.compile(
          "(?<!\\.)(?:\\d+_)*+\\d+(?:(?:\\.(?:\\d+_)*+\\d+)?[eE][+-]?(?:\\d+_)*+\\d+"
              + "|\\.(?:\\d+_)*+\\d+)");
  private static final Pattern INTEGER =
      Pattern.compile(
          "0[bB](?:_?[01])++|0[oO](?:_?[0-7])++|0[xX](?:_?[0-9a-fA-F])++"
              + "|[1-9](?:_?\\d)*+|0(?:_?0)*+");
  private static final String OPERATORS = "+-/*%~[](){}=!<>.:|,;";

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private final int[] lineStarts;
  private final Matcher matcher;

  private int position;

  /// Whether what was read last ends a line.
  private boolean lineStarting = true;

  private Lexer(String source) {
    var text = source.replace("\r\n", "\n").replace('\r', '\n');
    this.source = text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
    lineStarts = lineStarts(this.source);
    matcher = SPACES.matcher(this.source);
  }

  /// {@return the tokens of a template, the last an [Type#END]}
  ///
  /// @throws TemplateException if a character, a string or a bracket has no place
  static List<Token> tokens(String source) {
    var lexer = new Lexer(source);
    lexer.readAll();
    return lexer.tokens;
  }

  private void readAll() {
    while (position < source.length()) {
      int begin = position;
      if (!found(TAG)) {
        add(Type.DATA, source.substring(begin), begin);
        break;
      }
      int tag = matcher.start();
      int end = matcher.end();
      char kind = source.charAt(tag + 1);
      char sign = source.charAt(end - 1);
      var data = stripped(source.substring(begin, tag), sign, kind == '{');
      if (!data.isEmpty()) add(Type.DATA, data, begin);
      position = tag;
      if (kind == '%' && at(RAW_BEGIN)) {
        readRaw(tag);
      } else {
        position = end;
        lineStarting = false;
        switch (kind) {
          case '#' -> readComment(tag);
          case '%' -> readTag(tag, Type.BLOCK_BEGIN, Type.BLOCK_END, BLOCK_END);
          default -> readTag(tag, Type.VARIABLE_BEGIN, Type.VARIABLE_END, VARIABLE_END);
        }
      }
    }
    add(Type.END, "", source.length());
  }

  /// {@return text before a tag without the white space that the tag drops}
  private String stripped(String data, char sign, boolean variable) {
    if (sign == '-') return Strings.stripTrailing(data, null);
    if (sign == '+' || variable) return data;
    int line = data.lastIndexOf('\n') + 1;
    boolean blank = (line > 0 || lineStarting) && Strings.isBlank(data.substring(line));
    return blank ? data.substring(0, line) : data;
  }

  private void readRaw(int tag) {
    consume();
    int begin = position;
    if (begin == source.length()) return; // Jinja2 forgives it here
    if (!found(RAW_END)) throw error("Missing end of raw directive", tag);
    var sign = matcher.group(1);
    var data =
        stripped(
            source.substring(begin, matcher.start()), sign.isEmpty() ? '%' : sign.charAt(0), false);
    if (!data.isEmpty()) add(Type.DATA, data, begin);
    consume();
  }

  private void readComment(int tag) {
    if (position == source.length()) return; // Jinja2 forgives it here
    if (!found(COMMENT_END)) throw error("Missing end of comment tag", tag);
    consume();
  }

  private void readTag(int tag, Type begin, Type end, Pattern endPattern) {
    add(begin, source.substring(tag, position), tag);
    var open = new ArrayDeque<Character>();
    while (position < source.length()) {
      int start = position;
      if (open.isEmpty() && at(endPattern)) {
        add(end, matcher.group(), start);
        consume();
        return;
      }
      int c = source.codePointAt(start);
      if (Characters.isSpace(c)) {
        while (position < source.length() && Characters.isSpace(source.charAt(position)))
          position++;
        lineStarting = source.charAt(position - 1) == '\n';
      } else if (c >= '0' && c <= '9') {
        readNumber(start);
      } else if (isNamePart(c)) {
        while (position < source.length() && isNamePart(source.codePointAt(position)))
          position += Character.charCount(source.codePointAt(position));
        var name = source.substring(start, position);
        if (!Characters.isIdentifier(name)) throw error("Invalid character in identifier", start);
        add(Type.NAME, name, start);
        lineStarting = false;
      } else if (c == '"' || c == '\'') {
        readString(start);
      } else {
        readOperator(start, open);
      }
    }
  }

  private static boolean isNamePart(int c) {
    return c < 0x80
        ? c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
        : Characters.isNamePart(c);
  }

  private void readNumber(int start) {
    boolean real = at(FLOAT);
    if (!real && !at(INTEGER)) throw error("unexpected digit", start);
    var text = matcher.group();
    tokens.add(
        real
            ? new Token(Type.FLOAT, text, Double.valueOf(text.replace("_", "")), place(start))
            : new Token(Type.INTEGER, text, integer(text, start), place(start)));
    consume();
  }

  private void readOperator(int start, ArrayDeque<Character> open) {
    var sign = operator(start);
    if (sign == null)
      throw error("unexpected char '" + Character.toString(source.codePointAt(start)) + "'", start);
    balance(open, sign.charAt(0), start);
    add(Type.OPERATOR, sign, start);
    position += sign.length();
    lineStarting = false;
  }

  /// {@return the sign at a place, or null where there is none}
  private String operator(int start) {
    char c = source.charAt(start);
    if (OPERATORS.indexOf(c) < 0) return null;
    char next = start + 1 < source.length() ? source.charAt(start + 1) : 0;
    boolean two = (c == '/' || c == '*') && next == c || "=!<>".indexOf(c) >= 0 && next == '=';
    if (c == '!' && !two) return null;
    return source.substring(start, start + (two ? 2 : 1));
  }

  private void balance(ArrayDeque<Character> open, char sign, int start) {
    switch (sign) {
      case '(' -> open.push(')');
      case '[' -> open.push(']');
      case '{' -> open.push('}');
      case ')', ']', '}' -> {
        if (open.isEmpty()) throw error("unexpected '" + sign + "'", start);
        char expected = open.pop();
        if (expected != sign)
          throw error("unexpected '" + sign + "', expected '" + expected + "'", start);
      }
      default -> {}
    }
  }

  private void readString(int start) {
    char quote = source.charAt(start);
    int end = start + 1;
    while (end < source.length() && source.charAt(end) != quote)
      end += source.charAt(end) == '\\' ? 2 : 1;
    if (end >= source.length()) throw error("unexpected char '" + quote + "'", start);
    try {
      add(Type.STRING, Escapes.decode(source.substring(start + 1, end)), start);
    } catch (TemplateException e) {
      throw e.at(place(start));
    }
    position = end + 1;
    lineStarting = false;
  }

  private Object integer(String text, int start) {
    var digits = text.replace("_", "").toLowerCase(java.util.Locale.ROOT);
    int radix =
        digits.startsWith("0x")
            ? 16
            : digits.startsWith("0o") ? 8 : digits.startsWith("0b") ? 2 : 10;
    int longest = radix == 10 ? Numbers.MAX_DIGITS : NumberText.MAX_PARSED;
    if (digits.length() > longest)
      throw error("an integer of more than " + longest + " digits", start);
    return Numbers.normal(new BigInteger(radix == 10 ? digits : digits.substring(2), radix));
  }

  private boolean at(Pattern pattern) {
    matcher.usePattern(pattern).region(position, source.length());
    matcher.useTransparentBounds(true);
    return matcher.lookingAt();
  }

  private boolean found(Pattern pattern) {
    matcher.usePattern(pattern).region(position, source.length());
    return matcher.find();
  }

  private void consume() {
    lineStarting = matcher.end() > 0 && source.charAt(matcher.end() - 1) == '\n';
    position = matcher.end();
  }

  private void add(Type type, String text, int start) {
    tokens.add(new Token(type, text, null, place(start)));
  }

  private TemplateException error(String reason, int start) {
    return new TemplateException(reason, place(start));
  }

  private Position place(int offset) {
    int found = java.util.Arrays.binarySearch(lineStarts, offset);
    int line = found >= 0 ? found : -found - 2;
    return new Position(line + 1, offset - lineStarts[line] + 1);
  }

  private static int[] lineStarts(String source) {
    var starts = java.util.stream.IntStream.builder().add(0);
    for (int end = source.indexOf('\n'); end >= 0; end = source.indexOf('\n', end + 1))
      starts.add(end + 1);
    return starts.build().toArray();
  }
}
