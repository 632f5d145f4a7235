package dev.tenon.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Locale;
import java.util.regex.Pattern;

/// Numbers as text and back, as Python's `repr`, `int` and `float` do it.
final class NumberText {
  private static final Pattern DECIMAL =
      Pattern.compile(
          "[+-]?(?:\\d++(?:_\\d++)*+(?:\\.(?:\\d++(?:_\\d++)*+)?)?|\\.\\d++(?:_\\d++)*+)"
              + "(?:[eE][+-]?\\d++(?:_\\d++)*+)?");

  /// The longest text of an integer in a base that is a power of 2, where Python has no limit.
  static final int MAX_PARSED = 10_000;

  private NumberText() {}

  /// {@return a float as the shortest text that gives it back}
  static String of(double value) {
    if (Double.isNaN(value)) return "nan";
    if (Double.isInfinite(value)) return value > 0 ? "inf" : "-inf";
    if (value == 0) return 1 / value < 0 ? "-0.0" : "0.0";
    var decimal = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
    var digits = decimal.unscaledValue().toString();
    int exponent = digits.length() - decimal.scale() - 1;
    var text =
        exponent < -4 || exponent >= 16
            ? scientific(digits, exponent, 'e')
            : fixed(digits, exponent);
    return value < 0 ? "-" + text : text;
  }

  private static String fixed(String digits, int exponent) {
    if (exponent < 0) return "0." + "0".repeat(-exponent - 1) + digits;
    if (digits.length() <= exponent + 1)
      return digits + "0".repeat(exponent + 1 - digits.length()) + ".0";
    return digits.substring(0, exponent + 1) + "." + digits.substring(exponent + 1);
  }

  private static String scientific(String digits, int exponent, char sign) {
    return digits.charAt(0)
        + (digits.length() > 1 ? "." + digits.substring(1) : "")
        + exponentText(exponent, sign);
  }

  private static String exponentText(int exponent, char sign) {
    return sign
        + (exponent < 0 ? "-" : "+")
        + (Math.abs(exponent) < 10 ? "0" : "")
        + Math.abs(exponent);
  }

  /// {@return a finite, non-negative float as C's `%e`, `%f` or `%g` writes it}
  ///
  /// @param kind one of `efgEFG`
  /// @param alternate whether the point and zeros stay
  static String format(double value, char kind, int precision, boolean alternate) {
    var exact = new BigDecimal(value);
    return switch (kind) {
      case 'f', 'F' -> {
        var text = exact.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
        yield alternate && precision == 0 ? text + "." : text;
      }
      case 'e', 'E' -> exponential(exact, kind, precision, alternate);
      default -> general(exact, kind, precision, alternate);
    };
  }

  private static String exponential(BigDecimal value, char kind, int precision, boolean alternate) {
    var rounded = significant(value, precision + 1);
    var digits = rounded.unscaledValue().toString();
    digits = digits + "0".repeat(Math.max(0, precision + 1 - digits.length()));
    int exponent = value.signum() == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
    return digits.charAt(0)
        + (precision > 0 ? "." + digits.substring(1, precision + 1) : alternate ? "." : "")
        + exponentText(exponent, kind);
  }

  private static String general(BigDecimal value, char kind, int precision, boolean alternate) {
    int digits = Math.max(1, precision);
    var rounded = significant(value, digits);
    int exponent = value.signum() == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
    boolean scientific = exponent < -4 || exponent >= digits;
    var text =
        scientific
            ? exponential(value, kind == 'G' ? 'E' : 'e', digits - 1, alternate)
            : value.setScale(digits - 1 - exponent, RoundingMode.HALF_EVEN).toPlainString();
    if (alternate) return text.contains(".") ? text : text + ".";
    int end = scientific ? text.indexOf(kind == 'G' ? 'E' : 'e') : text.length();
    return withoutZeros(text.substring(0, end)) + text.substring(end);
  }

  private static BigDecimal significant(BigDecimal value, int digits) {
    return value.signum() == 0
        ? BigDecimal.ZERO
        : value.round(new java.math.MathContext(digits, RoundingMode.HALF_EVEN));
  }

  private static String withoutZeros(String text) {
    if (!text.contains(".")) return text;
    int end = text.length();
    while (text.charAt(end - 1) == '0') end--;
    if (text.charAt(end - 1) == '.') end--;
    return text.substring(0, end);
  }

  /// {@return what `float(text)` gives, or null where it is an error}
  static Double parseFloat(String text) {
    var trimmed = asciiDigits(Strings.strip(text, null));
    if (DECIMAL.matcher(trimmed).matches()) return Double.valueOf(trimmed.replace("_", ""));
    boolean negative = trimmed.startsWith("-");
    var name = negative || trimmed.startsWith("+") ? trimmed.substring(1) : trimmed;
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "inf", "infinity" -> negative ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
      case "nan" -> Double.NaN;
      default -> null;
    };
  }

  /// {@return what `int(text, base)` gives, or null where it is an error}
  ///
  /// @param base 2 to 36, or 0 for what the text's prefix says
  static Object parseInteger(String text, int base) {
    var digits = asciiDigits(Strings.strip(text, null));
    boolean negative = digits.startsWith("-");
    if (negative || digits.startsWith("+")) digits = digits.substring(1);
    int radix = base;
    if (digits.length() > 1 && digits.charAt(0) == '0') {
      int prefixed =
          switch (Character.toLowerCase(digits.charAt(1))) {
            case 'x' -> 16;
            case 'o' -> 8;
            case 'b' -> 2;
            default -> 0;
          };
      if (prefixed != 0 && (base == 0 || base == prefixed)) {
        radix = prefixed;
        digits = digits.substring(2);
        if (digits.startsWith("_")) digits = digits.substring(1);
      }
    }
    if (radix == 0) {
      radix = 10;
      if (digits.startsWith("0") && !digits.replace("_", "").matches("0+")) return null;
    }
    if (digits.isEmpty() || digits.startsWith("_") || digits.endsWith("_") || digits.contains("__"))
      return null;
    digits = digits.replace("_", "");
    for (int i = 0; i < digits.length(); i++)
      if (digits.charAt(i) >= 0x80 || Character.digit(digits.charAt(i), radix) < 0) return null;
    if (Integer.bitCount(radix) != 1 && digits.length() > Numbers.MAX_DIGITS) return null;
    if (digits.length() > MAX_PARSED)
      throw new TemplateException("an integer of more than " + MAX_PARSED + " digits");
    var value = new BigInteger(digits, radix);
    return Numbers.normal(negative ? value.negate() : value);
  }

  /// {@return a text with the decimal digits of other scripts as ASCII's}
  private static String asciiDigits(String text) {
    if (text.chars().allMatch(c -> c < 0x80)) return text;
    var out = new StringBuilder();
    text.codePoints()
        .forEach(
            c -> {
              int digit = Character.isDigit(c) ? Character.digit(c, 10) : -1;
              if (digit >= 0) out.append((char) ('0' + digit));
              else out.appendCodePoint(c);
            });
    return out.toString();
  }
}
