package dev.tenon.grammar;

/// The whole numbers between two bounds, digit by digit, as llama.cpp writes them: where one side
/// is open, numbers have at most 16 digits.
///
/// There, a bound such as 105 lets 15 through, and numbers below a negative bound may begin with
/// zeros, which is no JSON; here they do not.
final class IntegerRange {
  private static final int DIGITS = 16;

  private final StringBuilder out = new StringBuilder();

  private IntegerRange() {}

  /// {@return the right side of a rule}
  ///
  /// @param min the lowest; [Long#MIN_VALUE] for none
  /// @param max the highest, at least `min`; [Long#MAX_VALUE] for none; one of both is there
  static String of(long min, long max) {
    var range = new IntegerRange();
    range.out.append('(');
    range.range(min, max, DIGITS, true);
    return range.out.append(')').toString();
  }

  /// @param digits how many digits there may still be where there is no upper bound
  /// @param whole whether the first digit of the number is still to come
  private void range(long min, long max, int digits, boolean whole) {
    if (min == Long.MIN_VALUE) {
      atMost(max, digits, whole);
    } else if (max == Long.MAX_VALUE) {
      atLeast(min, digits, whole);
    } else {
      between(min, max, digits);
    }
  }

  private void between(long min, long max, int digits) {
    if (min < 0 && max < 0) {
      out.append("\"-\" (");
      range(-max, -min, digits, true);
      out.append(')');
      return;
    }
    if (min < 0) {
      out.append("\"-\" (");
      range(0, -min, digits, true);
      out.append(") | ");
      min = 0;
    }
    var from = Long.toString(min);
    var to = Long.toString(max);
    for (int n = from.length(); n < to.length(); n++) {
      alike(from, "9".repeat(n));
      from = "1" + "0".repeat(n);
      out.append(" | ");
    }
    alike(from, to);
  }

  /// Between two numbers with as many digits.
  private void alike(String from, String to) {
    int i = 0;
    while (i < from.length() && from.charAt(i) == to.charAt(i)) {
      i++;
    }
    if (i > 0) {
      out.append('"').append(from, 0, i).append('"');
    }
    if (i == from.length()) {
      return;
    }
    if (i > 0) {
      out.append(' ');
    }
    int more = from.length() - i - 1;
    char first = from.charAt(i);
    char last = to.charAt(i);
    if (more == 0) {
      out.append('[').append(first).append('-').append(last).append(']');
      return;
    }
    var fromRest = from.substring(i + 1);
    var toRest = to.substring(i + 1);
    var zeros = "0".repeat(more);
    var nines = "9".repeat(more);
    boolean done = false;
    out.append('(');
    if (fromRest.equals(zeros)) {
      digit(first, (char) (last - 1));
      out.append(' ');
      digits(more, more);
    } else {
      out.append('[').append(first).append("] (");
      alike(fromRest, nines);
      out.append(')');
      if (first < last - 1) {
        out.append(" | ");
        done = toRest.equals(nines);
        digit((char) (first + 1), done ? last : (char) (last - 1));
        out.append(' ');
        digits(more, more);
      }
    }
    if (!done) {
      out.append(" | ");
      digit(last, last);
      out.append(' ');
      alike(zeros, toRest);
    }
    out.append(')');
  }

  private void atLeast(long min, int digits, boolean whole) {
    int fewer = Math.max(digits - 1, 1);
    if (min < 0) {
      out.append("\"-\" (");
      range(Long.MIN_VALUE, -min, digits, false);
      out.append(") | [0] | [1-9] ");
      digits(0, digits - 1);
    } else if (min == 0) {
      if (whole) {
        out.append("[0] | [1-9] ");
        digits(0, fewer);
      } else {
        digits(1, digits);
      }
    } else if (min <= 9) {
      char digit = (char) ('0' + min);
      char lowest = whole ? '1' : '0';
      if (digit > lowest) {
        digit(lowest, (char) (digit - 1));
        out.append(' ');
        digits(1, fewer);
        out.append(" | ");
      }
      digit(digit, '9');
      out.append(' ');
      digits(0, fewer);
    } else {
      var text = Long.toString(min);
      char digit = text.charAt(0);
      if (digit > '1') {
        digit(whole ? '1' : '0', (char) (digit - 1));
        out.append(' ');
        digits(text.length(), fewer);
        out.append(" | ");
      }
      digit(digit, digit);
      out.append(" (");
      var rest = text.substring(1);
      if (rest.length() > 1 && rest.startsWith("0")) {
        digitsAtLeast(rest, fewer);
      } else {
        range(Long.parseLong(rest), Long.MAX_VALUE, fewer, false);
      }
      out.append(')');
      if (digit < '9') {
        out.append(" | ");
        digit((char) (digit + 1), '9');
        out.append(' ');
        digits(text.length() - 1, fewer);
      }
    }
  }

  /// The last digits of a number: more than `min` has, or as many and none lower.
  private void digitsAtLeast(String min, int digits) {
    int n = min.length();
    int fewer = Math.max(digits - 1, 1);
    if (min.equals("0".repeat(n))) {
      digits(n, digits);
    } else if (n == 1) {
      range(Long.parseLong(min), Long.MAX_VALUE, digits, false);
    } else {
      char digit = min.charAt(0);
      if (digit > '0') {
        digit('0', (char) (digit - 1));
        out.append(' ');
        digits(n, fewer);
        out.append(" | ");
      }
      digit(digit, digit);
      out.append(" (");
      digitsAtLeast(min.substring(1), fewer);
      out.append(')');
      if (digit < '9') {
        out.append(" | ");
        digit((char) (digit + 1), '9');
        out.append(' ');
        digits(n - 1, fewer);
      }
    }
  }

  private void atMost(long max, int digits, boolean whole) {
    if (max < 0) {
      out.append("\"-\" (");
      range(-max, Long.MAX_VALUE, digits, true);
      out.append(')');
      return;
    }
    if (whole) {
      out.append("\"-\" [1-9] ");
      digits(0, Math.max(digits - 1, 1));
      out.append(" | ");
    }
    range(0, max, digits, true);
  }

  private void digit(char from, char to) {
    out.append('[').append(from);
    if (from != to) {
      out.append('-').append(to);
    }
    out.append(']');
  }

  private void digits(int min, int max) {
    if (min > max) {
      throw new GrammarException(
          "JSON Schema: the bound of an integer has too many digits where the other side is open;"
              + " numbers have at most "
              + DIGITS);
    }
    out.append("[0-9]");
    if (min == 1 && max == 1) {
      return;
    }
    out.append('{').append(min);
    if (min != max) {
      out.append(',').append(max);
    }
    out.append('}');
  }
}
