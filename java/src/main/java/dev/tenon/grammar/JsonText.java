package dev.tenon.grammar;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.List;
import java.util.Map;

/// JSON values as llama.cpp writes them into a grammar: compact, numbers in nlohmann's style.
final class JsonText {
  private static final int MAX_DEPTH = 500;
  private static final BigInteger MAX_UNSIGNED = BigInteger.TWO.pow(64).subtract(BigInteger.ONE);

  private JsonText() {}

  /// {@return a value as JSON}
  ///
  /// @throws IllegalArgumentException if it is no JSON value, or nested too deeply
  static String of(Object value) {
    var out = new StringBuilder();
    write(value, out, 0);
    return out.toString();
  }

  private static void write(Object value, StringBuilder out, int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException("values are nested deeper than " + MAX_DEPTH);
    }
    switch (value) {
      case null -> out.append("null");
      case Boolean b -> out.append(b);
      case String s -> string(s, out);
      case Long _, Integer _, Short _, Byte _ -> out.append(value);
      // Beyond 64 bits it is a double there.
      case BigInteger i
          when i.compareTo(MAX_UNSIGNED) <= 0
              && i.compareTo(BigInteger.valueOf(Long.MIN_VALUE)) >= 0 ->
          out.append(i);
      case Number n -> number(n.doubleValue(), out);
      case List<?> list -> {
        out.append('[');
        for (int i = 0; i < list.size(); i++) {
          out.append(i == 0 ? "" : ",");
          write(list.get(i), out, depth + 1);
        }
        out.append(']');
      }
      case Map<?, ?> map -> {
        out.append('{');
        boolean first = true;
        for (var entry : map.entrySet()) {
          out.append(first ? "" : ",");
          first = false;
          string(String.valueOf(entry.getKey()), out);
          out.append(':');
          write(entry.getValue(), out, depth + 1);
        }
        out.append('}');
      }
      default -> throw new IllegalArgumentException(value.getClass() + " is no JSON value");
    }
  }

  private static void string(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> {
          if (c < 0x20) {
            out.append(String.format("\\u%04x", (int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }

  /// The shortest digits that read back as the same double; the point or the exponent goes where
  /// nlohmann's to_chars puts it.
  private static void number(double value, StringBuilder out) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(value + " is no JSON value");
    }
    if (value < 0 || 1 / value < 0) {
      out.append('-');
    }
    if (value == 0) {
      out.append("0.0");
      return;
    }
    var decimal = new BigDecimal(Double.toString(Math.abs(value))).stripTrailingZeros();
    var digits = decimal.unscaledValue().toString();
    int k = digits.length();
    int point = k - decimal.scale(); // digits before the point
    if (k <= point && point <= 15) {
      out.append(digits).append("0".repeat(point - k)).append(".0");
    } else if (0 < point && point <= 15) {
      out.append(digits, 0, point).append('.').append(digits, point, k);
    } else if (-4 < point && point <= 0) {
      out.append("0.").append("0".repeat(-point)).append(digits);
    } else {
      out.append(digits.charAt(0));
      if (k > 1) {
        out.append('.').append(digits, 1, k);
      }
      int exponent = point - 1;
      out.append(exponent < 0 ? "e-" : "e+");
      out.append(Math.abs(exponent) < 10 ? "0" : "").append(Math.abs(exponent));
    }
  }
}
