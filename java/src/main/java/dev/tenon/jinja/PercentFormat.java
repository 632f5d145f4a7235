package dev.tenon.jinja;

import java.util.List;
import java.util.Locale;

/// Python's `text % values`, as C's `printf`.
final class PercentFormat {
  private final Meter meter;
  private final String format;
  private final boolean markup;
  private final Object values;
  private final List<Object> list;

  private int position;
  private int next;

  private boolean left;
  private boolean plus;
  private boolean space;
  private boolean alternate;
  private boolean zero;

  private PercentFormat(Meter meter, Object format, Object values) {
    this.meter = meter;
    this.format = Values.textOrNull(format);
    this.markup = format instanceof Markup;
    this.values = values;
    list =
        values instanceof Tuple tuple ? tuple.items() : java.util.Collections.singletonList(values);
  }

  /// {@return the format with values in place of its conversions}
  ///
  /// @param format a text
  /// @param values a tuple of values, a dict of named values or one value
  static Object format(Meter meter, Object format, Object values) {
    var filled = new PercentFormat(meter, format, values).fill();
    return format instanceof Markup ? new Markup(filled) : filled;
  }

  private String fill() {
    var out = new Output(meter);
    while (position < format.length()) {
      char c = format.charAt(position++);
      if (c != '%') out.append(c);
      else if (peek() == '%') out.append(format.charAt(position++));
      else conversion(out);
    }
    if (next < list.size() && !isSubscriptable(values))
      throw new TemplateException("not all arguments converted during string formatting");
    return out.toString();
  }

  /// Whether Python takes a value for one that names may be looked up in.
  private static boolean isSubscriptable(Object value) {
    return value instanceof Dict
        || value instanceof List<?>
        || value instanceof Range
        || value instanceof Bytes
        || value instanceof Undefined;
  }

  private void conversion(Output out) {
    Object named = Scope.MISSING;
    if (peek() == '(') named = named();
    flags();
    int width = size(named);
    if (width < 0) {
      left = true;
      width = -width;
    }
    int precision = -1;
    if (peek() == '.') {
      position++;
      precision = Math.max(0, size(named));
    }
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') position++;
    if (position >= format.length()) throw new TemplateException("incomplete format");
    char type = format.charAt(position++);
    var value = named != Scope.MISSING ? named : next();
    if (precision >= 0) meter.characters(precision);
    var text =
        switch (type) {
          case 's', 'r', 'a' -> text(type, value, precision);
          case 'c' -> character(value);
          case 'd', 'i', 'u', 'o', 'x', 'X' -> integer(type, value, precision);
          case 'e', 'E', 'f', 'F', 'g', 'G' -> real(type, value, precision < 0 ? 6 : precision);
          default -> throw new TemplateException("unsupported format character '" + type + "'");
        };
    boolean numeric = "srac".indexOf(type) < 0;
    if (zero && !left && numeric) text = padWithZeros(text, width);
    out.append(
        left
            ? Strings.padRight(meter, text, width, " ")
            : Strings.padLeft(meter, text, width, " "));
  }

  private char peek() {
    return position < format.length() ? format.charAt(position) : 0;
  }

  private Object named() {
    if (!(values instanceof Dict) && !Values.isIterable(values) || Values.isText(values))
      throw new TemplateException("format requires a mapping");
    int start = ++position;
    int open = 1;
    while (position < format.length() && open > 0) {
      char c = format.charAt(position++);
      if (c == '(') open++;
      if (c == ')') open--;
    }
    if (open > 0) throw new TemplateException("incomplete format key");
    if (!(values instanceof Dict dict)) throw new TemplateException("format requires a mapping");
    var name = format.substring(start, position - 1);
    var value = dict.get(meter, name, Scope.MISSING);
    if (value == Scope.MISSING) throw new TemplateException("format: no value '" + name + "'");
    return value;
  }

  private void flags() {
    left = plus = space = alternate = zero = false;
    for (; ; position++) {
      switch (peek()) {
        case '-' -> left = true;
        case '+' -> plus = true;
        case ' ' -> space = true;
        case '#' -> alternate = true;
        case '0' -> zero = true;
        default -> {
          return;
        }
      }
    }
  }

  private int size(Object named) {
    if (peek() == '*') {
      position++;
      if (named != Scope.MISSING) throw new TemplateException("* wants int");
      if (!(Numbers.integerOrNull(next()) instanceof Long size))
        throw new TemplateException("* wants int");
      return Math.clamp(size, -Integer.MAX_VALUE, Integer.MAX_VALUE);
    }
    int start = position;
    while (peek() >= '0' && peek() <= '9') position++;
    if (position - start > 9) throw new TemplateException("width too big");
    return position == start ? 0 : Integer.parseInt(format.substring(start, position));
  }

  private Object next() {
    if (next >= list.size()) throw new TemplateException("not enough arguments for format string");
    return list.get(next++);
  }

  private String text(char type, Object value, int precision) {
    String text;
    if (type == 's') text = markup ? Markup.escape(meter, value).text() : Repr.text(meter, value);
    else {
      text = Repr.of(meter, value);
      if (markup) text = Markup.escape(text);
      if (type == 'a') text = BraceFormat.ascii(text);
    }
    return precision >= 0 && precision < Strings.length(text)
        ? Strings.part(text, 0, precision)
        : text;
  }

  private static String character(Object value) {
    var text = Values.textOrNull(value);
    if (text != null && Strings.length(text) == 1) return text;
    if (!(Numbers.integerOrNull(value) instanceof Long code))
      throw new TemplateException("%c requires int or char");
    if (code < 0 || code > Character.MAX_CODE_POINT)
      throw new TemplateException("%c arg not in range(0x110000)");
    return Character.toString(code.intValue());
  }

  private String integer(char type, Object value, int precision) {
    Object integer = Numbers.integerOrNull(value);
    if (integer == null && value instanceof Double real && "diu".indexOf(type) >= 0)
      integer = Numbers.normal(Numbers.toInteger(real));
    if (integer == null) throw wrong(type, value, "a number is required");
    var number = Numbers.big(integer);
    var digits =
        switch (type) {
          case 'o' -> number.abs().toString(8);
          case 'x' -> number.abs().toString(16);
          case 'X' -> number.abs().toString(16).toUpperCase(Locale.ROOT);
          default -> Numbers.digits(Numbers.normal(number.abs()));
        };
    digits = Strings.padLeft(meter, digits, precision, "0");
    if (alternate && "oxX".indexOf(type) >= 0) digits = "0" + type + digits;
    return sign(number.signum() < 0) + digits;
  }

  private String real(char type, Object value, int precision) {
    if (!Numbers.isNumber(value)) throw wrong(type, value, "must be real number");
    double number = Numbers.toDouble(value);
    boolean negative = number < 0 || number == 0 && 1 / number < 0;
    double size = Math.abs(number);
    String digits;
    if (Double.isNaN(size) || Double.isInfinite(size)) {
      digits = Double.isNaN(size) ? "nan" : "inf";
      if (Character.isUpperCase(type)) digits = digits.toUpperCase(Locale.ROOT);
    } else {
      digits = NumberText.format(size, type, precision, alternate);
    }
    return sign(negative) + digits;
  }

  private TemplateException wrong(char type, Object value, String what) {
    if (value instanceof Undefined undefined) return undefined.error();
    return new TemplateException("%" + type + " format: " + what + ", not " + Types.name(value));
  }

  private String sign(boolean negative) {
    return negative ? "-" : plus ? "+" : space ? " " : "";
  }

  private String padWithZeros(String text, int width) {
    int start = 0;
    if (!text.isEmpty() && "+- ".indexOf(text.charAt(0)) >= 0) start = 1;
    if (alternate && text.length() > start + 1 && "oxX".indexOf(text.charAt(start + 1)) >= 0)
      start += 2;
    return text.substring(0, start)
        + meter.repeat("0", (long) width - text.length())
        + text.substring(start);
  }
}
