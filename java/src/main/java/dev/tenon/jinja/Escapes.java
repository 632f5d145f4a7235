package dev.tenon.jinja;

/// The backslashes of string literals, as Python's codec `unicode-escape` reads them.
final class Escapes {
  private Escapes() {}

  /// {@return the value of a literal}
  ///
  /// @param text what stands between the quotes
  /// @throws TemplateException if an escape is cut off or names no character
  static String decode(String text) {
    if (text.indexOf('\\') < 0) return text;
    var out = new StringBuilder(text.length());
    int i = 0;
    while (i < text.length()) {
      char c = text.charAt(i++);
      if (c != '\\') {
        out.append(c);
        continue;
      }
      int escaped = text.codePointAt(i);
      i += Character.charCount(escaped);
      switch (escaped) {
        case '\n' -> {}
        case '\\', '\'', '"' -> out.appendCodePoint(escaped);
        case 'a' -> out.append('\u0007');
        case 'b' -> out.append('\b');
        case 'f' -> out.append('\f');
        case 'n' -> out.append('\n');
        case 'r' -> out.append('\r');
        case 't' -> out.append('\t');
        case 'v' -> out.append('\u000b');
        case 'x' -> i = hex(text, i, 2, out);
        case 'u' -> i = hex(text, i, 4, out);
        case 'U' -> i = hex(text, i, 8, out);
        case 'N' -> i = named(text, i, out);
        case '0', '1', '2', '3', '4', '5', '6', '7' -> {
          int value = escaped - '0';
          int end = Math.min(i + 2, text.length());
          while (i < end && text.charAt(i) >= '0' && text.charAt(i) <= '7')
            value = value * 8 + text.charAt(i++) - '0';
          out.append((char) value);
        }
        default -> {
          // Python writes what is not ASCII as an escape first, which the backslash then spoils.
          out.append('\\');
          if (escaped < 0x80) out.append((char) escaped);
          else if (escaped < 0x100) out.append("x%02x".formatted(escaped));
          else if (escaped < 0x10000) out.append("u%04x".formatted(escaped));
          else out.append("U%08x".formatted(escaped));
        }
      }
    }
    return out.toString();
  }

  private static int hex(String text, int from, int digits, StringBuilder out) {
    long value = 0;
    for (int i = from; i < from + digits; i++) {
      int digit =
          i < text.length() && text.charAt(i) < 0x80 ? Character.digit(text.charAt(i), 16) : -1;
      if (digit < 0) throw new TemplateException("a string has a truncated \\x, \\u or \\U escape");
      value = value * 16 + digit;
    }
    if (value > Character.MAX_CODE_POINT)
      throw new TemplateException("a string has an illegal Unicode character");
    out.appendCodePoint((int) value);
    return from + digits;
  }

  private static int named(String text, int from, StringBuilder out) {
    int end = text.indexOf('}', from);
    if (from >= text.length() || text.charAt(from) != '{' || end < 0)
      throw new TemplateException("a string has a malformed \\N character escape");
    try {
      out.appendCodePoint(Character.codePointOf(text.substring(from + 1, end)));
    } catch (IllegalArgumentException e) {
      throw new TemplateException("a string has an unknown Unicode character name");
    }
    return end + 1;
  }
}
