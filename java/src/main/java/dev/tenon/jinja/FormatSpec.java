package dev.tenon.jinja;

import java.math.BigInteger;
import java.util.regex.Pattern;

/// Python's mini-language of formats: `[[fill]align][sign][z][#][0][width][,][.precision][type]`.
///
/// @param fill what pads
/// @param align `<`, `>`, `^`, `=` or 0 for the type's own
/// @param sign `+`, `-` or a space
/// @param alternate whether `#` is given
/// @param noNegativeZero whether `z` is given: a float that is shown as zero has no sign
/// @param width the least width, -1 for none
/// @param grouping `,`, `_` or 0
/// @param precision -1 for none
/// @param type the type's letter, 0 for none
record FormatSpec(
    String fill,
    char align,
    char sign,
    boolean alternate,
    boolean noNegativeZero,
    int width,
    char grouping,
    int precision,
    char type) {
  private static final Pattern SYNTAX =
      Pattern.compile(
          "(?:(?<fill>.)?(?<align>[<>=^]))?(?<sign>[-+ ])?(?<z>z)?(?<alternate>#)?(?<zero>0)?"
              + "(?<width>\\d+)?(?<grouping>[,_])?(?:\\.(?<precision>\\d+))?"
              + "(?<type>[bcdeEfFgGnosxX%])?",
          Pattern.DOTALL);

  /// {@return a value in a format}
  static String format(Meter meter, Object value, String spec) {
    if (spec.isEmpty()) return Repr.text(meter, value);
    if (value instanceof Undefined || !Values.isText(value) && !Numbers.isNumber(value))
      throw new TemplateException(
          "unsupported format string passed to " + Types.name(value) + ".__format__");
    var parsed = parse(spec);
    if (Values.isText(value)) return parsed.text(meter, Values.textOrNull(value));
    if (value instanceof Boolean truth && parsed.type() == 0 && parsed.isTextual())
      return parsed.number(meter, truth ? 1L : 0L);
    return parsed.number(meter, value);
  }

  private boolean isTextual() {
    return precision < 0;
  }

  private static FormatSpec parse(String spec) {
    var match = SYNTAX.matcher(spec);
    if (!match.matches()) throw new TemplateException("Invalid format specifier '" + spec + "'");
    var fill = match.group("fill");
    var align = match.group("align");
    boolean zero = match.group("zero") != null;
    return new FormatSpec(
        fill != null ? fill : zero && align == null ? "0" : zero && fill == null ? "0" : " ",
        align != null ? align.charAt(0) : zero ? '=' : 0,
        match.group("sign") == null ? '-' : match.group("sign").charAt(0),
        match.group("alternate") != null,
        match.group("z") != null,
        size(match.group("width")),
        match.group("grouping") == null ? 0 : match.group("grouping").charAt(0),
        size(match.group("precision")),
        match.group("type") == null ? 0 : match.group("type").charAt(0));
  }

  private static int size(String digits) {
    if (digits == null) return -1;
    if (digits.length() > 9)
      throw new TemplateException("Too many decimal digits in format string");
    return Integer.parseInt(digits);
  }

  private String text(Meter meter, String value) {
    if (type != 0 && type != 's') throw unknown("str");
    if (sign != '-' || alternate || noNegativeZero || grouping != 0)
      throw new TemplateException("Sign, '#' or grouping not allowed in string format specifier");
    if (align == '=' && !fill.equals("0"))
      throw new TemplateException("'=' alignment not allowed in string format specifier");
    int length = Strings.length(value);
    var shown = precision >= 0 && precision < length ? Strings.part(value, 0, precision) : value;
    return padded(meter, "", shown, align == 0 || align == '=' ? '<' : align);
  }

  private String number(Meter meter, Object value) {
    boolean integral = Numbers.integerOrNull(value) != null;
    boolean asInteger = integral && (type == 0 || "bcdoxXn".indexOf(type) >= 0);
    if (!asInteger && type != 0 && "eEfFgGn%".indexOf(type) < 0) throw unknown(Types.name(value));
    if (type == 'c') return character(meter, value);
    if (precision >= 0) meter.characters(precision);
    if (asInteger && precision >= 0)
      throw new TemplateException("Precision not allowed in integer format specifier");
    boolean negative =
        asInteger ? Numbers.big(value).signum() < 0 : isNegative(Numbers.toDouble(value));
    var digits = asInteger ? integer(Numbers.big(value).abs()) : real(Numbers.toDouble(value));
    if (noNegativeZero) {
      if (asInteger)
        throw new TemplateException("Negative zero coercion (z) not allowed with integers");
      negative &= digits.chars().anyMatch(c -> c >= '1' && c <= '9');
    }
    var prefix = negative ? "-" : sign == '-' ? "" : Character.toString(sign);
    if (asInteger && alternate && "boxX".indexOf(type) >= 0) prefix += "0" + type;
    char side = align == 0 ? '>' : align;
    if (grouping != 0) digits = grouped(meter, digits, prefix, side);
    return padded(meter, prefix, digits, side);
  }

  private static boolean isNegative(double value) {
    return value < 0 || value == 0 && 1 / value < 0;
  }

  private String character(Meter meter, Object value) {
    var code = Numbers.big(value);
    if (code.signum() < 0 || code.bitLength() > 21 || !Character.isValidCodePoint(code.intValue()))
      throw new TemplateException("%c arg not in range(0x110000)");
    return padded(meter, "", Character.toString(code.intValue()), align == 0 ? '<' : align);
  }

  private String integer(BigInteger value) {
    return switch (type) {
      case 'b' -> value.toString(2);
      case 'o' -> value.toString(8);
      case 'x' -> value.toString(16);
      case 'X' -> value.toString(16).toUpperCase(java.util.Locale.ROOT);
      default -> Numbers.digits(Numbers.normal(value));
    };
  }

  private String real(double signed) {
    double value = Math.abs(type == '%' ? signed * 100 : signed);
    boolean upper = type == 'E' || type == 'F' || type == 'G';
    if (Double.isNaN(value) || Double.isInfinite(value)) {
      var name = Double.isNaN(value) ? "nan" : "inf";
      return (upper ? name.toUpperCase(java.util.Locale.ROOT) : name) + (type == '%' ? "%" : "");
    }
    return switch (type) {
      case 0 -> {
        if (precision < 0) yield NumberText.of(value);
        yield shortest(value);
      }
      case '%' -> NumberText.format(value, 'f', precision < 0 ? 6 : precision, alternate) + "%";
      default ->
          NumberText.format(
              value, type == 'n' ? 'g' : type, precision < 0 ? 6 : precision, alternate);
    };
  }

  /// A float without a type: as `g`, but with a digit after the point, and an exponent sooner.
  private String shortest(double value) {
    int digits = Math.max(1, precision);
    var general = NumberText.format(value, 'g', digits, alternate);
    if (general.contains("e")) return general;
    var exponential = NumberText.format(value, 'e', digits - 1, false);
    int exponent = Integer.parseInt(exponential.substring(exponential.indexOf('e') + 1));
    if (exponent >= digits - 1 && value != 0) {
      int end = exponential.indexOf('e');
      var head = exponential.substring(0, end);
      if (head.contains(".")) head = head.replaceAll("0+$", "").replaceAll("\\.$", "");
      return head + exponential.substring(end);
    }
    return general.contains(".") ? general : general + ".0";
  }

  private String grouped(Meter meter, String digits, String prefix, char side) {
    int end = 0;
    while (end < digits.length()
        && Character.digit(digits.charAt(end), 16) >= 0
        && !(type != 'x' && type != 'X' && !Character.isDigit(digits.charAt(end)))) end++;
    int size = "boxX".indexOf(type) >= 0 && type != 0 ? 4 : 3;
    var whole = digits.substring(0, end);
    if (side == '=' && fill.equals("0")) {
      int rest = digits.length() - end + prefix.length();
      int wanted = whole.length();
      while (groupedLength(wanted, size) + rest < width) wanted++;
      whole = Strings.zeroFill(meter, whole, wanted);
    }
    var out = new StringBuilder();
    for (int i = 0; i < whole.length(); i++) {
      if (i > 0 && (whole.length() - i) % size == 0) out.append(grouping);
      out.append(whole.charAt(i));
    }
    return out + digits.substring(end);
  }

  private static int groupedLength(int digits, int size) {
    return digits + Math.max(0, digits - 1) / size;
  }

  private String padded(Meter meter, String prefix, String text, char side) {
    long padding = (long) width - Strings.length(text) - prefix.length();
    if (padding <= 0) return prefix + text;
    return switch (side) {
      case '<' -> prefix + text + meter.repeat(fill, padding);
      case '^' ->
          meter.repeat(fill, padding / 2)
              + prefix
              + text
              + meter.repeat(fill, padding - padding / 2);
      case '=' -> prefix + meter.repeat(fill, padding) + text;
      default -> meter.repeat(fill, padding) + prefix + text;
    };
  }

  private TemplateException unknown(String of) {
    return new TemplateException(
        "Unknown format code '" + type + "' for object of type '" + of + "'");
  }
}
