package dev.tenon.jinja;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/// Python's numbers: integers of any size ([Long], beyond it [BigInteger]; booleans count as 1 and
/// 0) and floats ([Double]).
final class Numbers {
  /// The longest integer that Python turns to text or back.
  static final int MAX_DIGITS = 4300;

  /// The largest integer that an operation may make, in bits.
  private static final int MAX_BITS = 1 << 16;

  private static final BigInteger MIN_LONG = BigInteger.valueOf(Long.MIN_VALUE);
  private static final BigInteger MAX_LONG = BigInteger.valueOf(Long.MAX_VALUE);

  private Numbers() {}

  /// {@return a [Long] where the number fits, else the number}
  static Object normal(BigInteger number) {
    if (number.bitLength() < Long.SIZE) return number.longValue();
    return number;
  }

  static boolean isNumber(Object value) {
    return value instanceof Long
        || value instanceof Double
        || value instanceof Boolean
        || value instanceof BigInteger;
  }

  /// {@return an integer as [Long] or [BigInteger], a boolean as [Long], else null}
  static Object integerOrNull(Object value) {
    return switch (value) {
      case Long number -> number;
      case BigInteger number -> number;
      case Boolean truth -> truth ? 1L : 0L;
      case null, default -> null;
    };
  }

  static BigInteger big(Object integer) {
    return integer instanceof BigInteger big
        ? big
        : BigInteger.valueOf((Long) integerOrNull(integer));
  }

  /// {@return an integer argument within the range of int, further ones as its ends}
  static int clamped(String what, Object value) {
    var integer = integerOrNull(value);
    if (integer == null)
      throw new TemplateException(
          what + ": '" + Types.name(value) + "' object cannot be interpreted as an integer");
    if (integer instanceof BigInteger big)
      return big.signum() < 0 ? Integer.MIN_VALUE : Integer.MAX_VALUE;
    return Math.clamp((Long) integer, Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  static double toDouble(Object number) {
    return switch (number) {
      case Double value -> value;
      case BigInteger value -> {
        double result = value.doubleValue();
        if (Double.isInfinite(result))
          throw new TemplateException("int too large to convert to float");
        yield result;
      }
      default -> (double) (Long) integerOrNull(number);
    };
  }

  static boolean isWhole(double number) {
    return number == Math.rint(number) && !Double.isInfinite(number);
  }

  /// {@return a number without its fraction}
  static BigInteger toInteger(double number) {
    if (Double.isNaN(number)) throw new TemplateException("cannot convert float NaN to integer");
    if (Double.isInfinite(number))
      throw new TemplateException("cannot convert float infinity to integer");
    return new BigDecimal(number).toBigInteger();
  }

  // Comparison, exact between integers and floats.

  static boolean equal(Object a, Object b) {
    if (isNan(a) || isNan(b)) return false;
    return compare(a, b) == 0;
  }

  static boolean ordered(String sign, Object a, Object b) {
    return !isNan(a) && !isNan(b) && Values.holds(sign, compare(a, b));
  }

  private static boolean isNan(Object number) {
    return number instanceof Double value && value.isNaN();
  }

  private static int compare(Object a, Object b) {
    if (a instanceof Double first && b instanceof Double second)
      return first < second ? -1 : first > second ? 1 : 0;
    if (a instanceof Double first) return -compare(b, first);
    if (b instanceof Double second) {
      if (second.isInfinite()) return second > 0 ? -1 : 1;
      if (big(a).bitLength() > Double.MAX_EXPONENT + 1) return big(a).signum();
      return new BigDecimal(big(a)).compareTo(new BigDecimal(second));
    }
    var first = integerOrNull(a);
    var second = integerOrNull(b);
    if (first instanceof Long x && second instanceof Long y) return Long.compare(x, y);
    return big(first).compareTo(big(second));
  }

  // Arithmetic.

  /// {@return what an operation on two numbers gives}
  static Object apply(Meter meter, String sign, Object a, Object b) {
    if (a instanceof Double || b instanceof Double) return floats(sign, toDouble(a), toDouble(b));
    var first = integerOrNull(a);
    var second = integerOrNull(b);
    if (first instanceof Long x && second instanceof Long y) {
      var small = longs(sign, x, y);
      if (small != null) return small;
    }
    return bigs(meter, sign, big(first), big(second));
  }

  /// {@return the result, or null where it may not fit}
  private static Object longs(String sign, long x, long y) {
    switch (sign) {
      case "+" -> {
        long sum = x + y;
        return ((x ^ sum) & (y ^ sum)) < 0 ? null : sum;
      }
      case "-" -> {
        long difference = x - y;
        return ((x ^ y) & (x ^ difference)) < 0 ? null : difference;
      }
      case "*" -> {
        long product = x * y;
        return Math.multiplyHigh(x, y) == product >> 63 ? product : null;
      }
      case "//" -> {
        if (y == 0) throw new TemplateException("integer division or modulo by zero");
        return x == Long.MIN_VALUE ? null : (Object) Math.floorDiv(x, y);
      }
      case "%" -> {
        if (y == 0) throw new TemplateException("integer modulo by zero");
        return Math.floorMod(x, y);
      }
      default -> {
        return null;
      }
    }
  }

  private static Object bigs(Meter meter, String sign, BigInteger x, BigInteger y) {
    meter.steps((x.bitLength() + y.bitLength()) / 64);
    return switch (sign) {
      case "+" -> sized(meter, x.add(y));
      case "-" -> sized(meter, x.subtract(y));
      case "*" -> {
        checkBits((long) x.bitLength() + y.bitLength());
        yield sized(meter, x.multiply(y));
      }
      case "/" -> trueDivision(x, y);
      case "//" -> {
        if (y.signum() == 0) throw new TemplateException("integer division or modulo by zero");
        yield normal(floorDivision(x, y));
      }
      case "%" -> {
        if (y.signum() == 0) throw new TemplateException("integer modulo by zero");
        yield normal(x.subtract(floorDivision(x, y).multiply(y)));
      }
      default -> power(meter, x, y);
    };
  }

  private static Object sized(Meter meter, BigInteger number) {
    checkBits(number.bitLength());
    meter.characters(number.bitLength() / 16);
    return normal(number);
  }

  private static void checkBits(long bits) {
    if (bits > MAX_BITS)
      throw new TemplateException("an integer of more than " + MAX_BITS + " bits");
  }

  private static BigInteger floorDivision(BigInteger x, BigInteger y) {
    var parts = x.divideAndRemainder(y);
    return parts[1].signum() != 0 && parts[1].signum() != y.signum()
        ? parts[0].subtract(BigInteger.ONE)
        : parts[0];
  }

  private static double trueDivision(BigInteger x, BigInteger y) {
    if (y.signum() == 0) throw new TemplateException("division by zero");
    double exactX = x.doubleValue();
    double exactY = y.doubleValue();
    if (x.bitLength() <= 53 && y.bitLength() <= 53) return exactX / exactY;
    // More digits than a double has, and a last one that tells on which side of a tie it stands.
    var digits = new MathContext(800, RoundingMode.DOWN);
    double result = new BigDecimal(x).divide(new BigDecimal(y), digits).doubleValue();
    if (Double.isInfinite(result))
      throw new TemplateException("integer division result too large for a float");
    return result;
  }

  private static Object power(Meter meter, BigInteger x, BigInteger y) {
    if (y.signum() < 0) return floats("**", toDouble(normal(x)), toDouble(normal(y)));
    if (x.bitLength() <= 1 && x.abs().compareTo(BigInteger.ONE) <= 0) {
      boolean one = y.signum() == 0 || x.signum() > 0 || x.signum() < 0 && !y.testBit(0);
      return one ? 1L : x.longValue();
    }
    if (y.bitLength() > 31) checkBits(Long.MAX_VALUE);
    checkBits((long) (x.abs().bitLength() - 1) * y.intValue());
    meter.steps(x.bitLength() * y.longValue() / 1024);
    return sized(meter, x.pow(y.intValue()));
  }

  private static Object floats(String sign, double x, double y) {
    return switch (sign) {
      case "+" -> x + y;
      case "-" -> x - y;
      case "*" -> x * y;
      case "/" -> {
        if (y == 0) throw new TemplateException("float division by zero");
        yield x / y;
      }
      case "//" -> {
        if (y == 0) throw new TemplateException("float floor division by zero");
        yield floorQuotient(x, y);
      }
      case "%" -> {
        if (y == 0) throw new TemplateException("float modulo");
        yield floorRemainder(x, y);
      }
      default -> floatPower(x, y);
    };
  }

  private static double floorRemainder(double x, double y) {
    double remainder = x % y;
    if (remainder == 0) return Math.copySign(0.0, y);
    return remainder < 0 != y < 0 ? remainder + y : remainder;
  }

  private static double floorQuotient(double x, double y) {
    double remainder = x % y;
    double quotient = (x - remainder) / y;
    if (remainder != 0 && remainder < 0 != y < 0) quotient -= 1;
    if (quotient == 0) return Math.copySign(0.0, x / y);
    double floor = Math.floor(quotient);
    return quotient - floor > 0.5 ? floor + 1 : floor;
  }

  private static double floatPower(double x, double y) {
    if (x == 0 && y < 0) throw new TemplateException("0.0 cannot be raised to a negative power");
    if (x == 1 || y == 0) return 1;
    if (x == -1 && Double.isInfinite(y)) return 1;
    if (x < 0 && !Double.isInfinite(x) && !Double.isInfinite(y) && y != Math.rint(y))
      throw new TemplateException("complex numbers are not supported");
    double result = Math.pow(x, y);
    if (Double.isInfinite(result) && !Double.isInfinite(x) && !Double.isInfinite(y))
      throw new TemplateException("Numerical result out of range");
    return result;
  }

  static Object negate(Object number) {
    return switch (number) {
      case Double value -> -value;
      case BigInteger value -> normal(value.negate());
      default -> {
        long value = (Long) integerOrNull(number);
        yield value == Long.MIN_VALUE ? (Object) MIN_LONG.negate() : (Object) (-value);
      }
    };
  }

  static Object absolute(Object number) {
    return switch (number) {
      case Double value -> Math.abs(value);
      case BigInteger value -> normal(value.abs());
      default -> {
        var value = integerOrNull(number);
        yield (Long) value < 0 ? negate(value) : value;
      }
    };
  }

  /// {@return a number rounded to digits after the point, halves to even}
  static Object round(Object number, int digits) {
    if (number instanceof Double value) {
      if (value.isInfinite() || value.isNaN() || digits > 400) return value;
      if (digits < -400) return Math.copySign(0.0, value);
      double rounded = new BigDecimal(value).setScale(digits, RoundingMode.HALF_EVEN).doubleValue();
      if (Double.isInfinite(rounded))
        throw new TemplateException("rounded value too large to represent");
      return Math.copySign(rounded, value);
    }
    var integer = big(number);
    if (digits >= 0) return normal(integer);
    if (digits < -MAX_DIGITS) return 0L;
    return normal(new BigDecimal(integer).setScale(digits, RoundingMode.HALF_EVEN).toBigInteger());
  }

  /// {@return an integer as decimal digits}
  static String digits(Object integer) {
    if (integer instanceof Long value) return Long.toString(value);
    var value = big(integer);
    if (value.bitLength() > 14_287) {
      // 4300 digits are 14285 bits at most
      throw tooManyDigits();
    }
    var text = value.toString();
    if (text.length() - (value.signum() < 0 ? 1 : 0) > MAX_DIGITS) throw tooManyDigits();
    return text;
  }

  static TemplateException tooManyDigits() {
    return new TemplateException(
        "Exceeds the limit (" + MAX_DIGITS + " digits) for integer string conversion");
  }

  /// {@return whether an integer fits a long}
  static boolean fitsLong(BigInteger value) {
    return value.compareTo(MIN_LONG) >= 0 && value.compareTo(MAX_LONG) <= 0;
  }
}
