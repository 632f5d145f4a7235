package dev.tenon.cli;

/// What the numbers that shape an answer may be, as a flag and as a parameter of a chat.
enum Range {
  TEMPERATURE(-Range.MOST, Range.MOST),
  TOP_P(0, 1),
  MIN_P(0, 1),
  TYPICAL_P(0, 1),
  TOP_N_SIGMA(-Range.MOST, Range.MOST),
  XTC_PROBABILITY(0, 1),
  XTC_THRESHOLD(0, 1),
  DYNATEMP_RANGE(0, Range.MOST),
  DYNATEMP_EXPONENT(-Range.MOST, Range.MOST),
  REPEAT_PENALTY(Float.MIN_VALUE, Range.MOST),
  FREQUENCY_PENALTY(-Range.MOST, Range.MOST),
  PRESENCE_PENALTY(-Range.MOST, Range.MOST),
  DRY_MULTIPLIER(-Range.MOST, Range.MOST),
  DRY_BASE(1, Range.MOST),
  DRY_ALLOWED_LENGTH(0, Integer.MAX_VALUE),
  DRY_LAST_N(-1, Integer.MAX_VALUE),
  MIROSTAT(0, 2),
  MIROSTAT_ENTROPY(0, Range.MOST),
  MIROSTAT_RATE(0, Range.MOST),
  ADAPTIVE_TARGET(-Range.MOST, 1),
  ADAPTIVE_DECAY(0, 0.99f);

  private static final double MOST = Float.MAX_VALUE;

  private final double from;
  private final double to;

  Range(double from, double to) {
    this.from = from;
    this.to = to;
  }

  /// {@return the value}
  ///
  /// @param name what it is called where it was given
  /// @throws IllegalArgumentException if it is out of the range, with its name and what it may be
  float check(String name, float value) {
    if (!(value >= from && value <= to)) {
      throw new IllegalArgumentException(name + " " + plain(value) + ", " + this);
    }
    return value;
  }

  /// The same for a whole number.
  int check(String name, int value) {
    if (value < from || value > to) {
      throw new IllegalArgumentException(name + " " + value + ", " + this);
    }
    return value;
  }

  /// {@return for example `from 0 to 1`}
  @Override
  public String toString() {
    if (to == Integer.MAX_VALUE) {
      return "from " + plain(from);
    }
    if (to != MOST) {
      return (from == -MOST ? "at most " : "from " + plain(from) + " to ") + plain(to);
    }
    if (from == Float.MIN_VALUE) {
      return "a finite number above 0";
    }
    return from == -MOST ? "a finite number" : "a finite number from " + plain(from);
  }

  /// {@return a number of 32 bits without a fraction that is none}
  static String plain(double value) {
    return value == (int) value ? "" + (int) value : "" + (float) value;
  }
}
