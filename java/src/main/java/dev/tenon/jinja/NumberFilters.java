package dev.tenon.jinja;

import java.math.RoundingMode;
import java.util.List;

/// Filters of numbers.
final class NumberFilters {
  static final List<Builtin> ALL =
      List.of(
          new Builtin("abs", "x, /", (_, a) -> Numbers.absolute(number("abs", a[0]))),
          new Builtin("int", "value, default=0, base=10", NumberFilters::integer),
          new Builtin("float", "value, default=0.0", NumberFilters::real),
          new Builtin("round", "value, precision=0, method='common'", NumberFilters::round),
          new Builtin("filesizeformat", "value, binary=False", NumberFilters::fileSize));

  private NumberFilters() {}

  private static Object number(String filter, Object value) {
    if (value instanceof Undefined undefined) throw undefined.error();
    if (!Numbers.isNumber(value))
      throw new TemplateException(filter + ": expected a number, got '" + Types.name(value) + "'");
    return value;
  }

  private static Object integer(Interpreter in, Object[] a) {
    if (a[0] instanceof Undefined undefined) throw undefined.error();
    var text = Values.textOrNull(a[0]);
    if (text != null) {
      var base = Numbers.integerOrNull(a[2]);
      if (base instanceof Long radix && (radix == 0 || radix >= 2 && radix <= 36)) {
        var parsed = NumberText.parseInteger(text, radix.intValue());
        if (parsed != null) return parsed;
      }
      var real = NumberText.parseFloat(text);
      return real == null || real.isNaN() || real.isInfinite()
          ? a[1]
          : Numbers.normal(Numbers.toInteger(real));
    }
    if (a[0] instanceof Double real)
      return real.isNaN() ? a[1] : Numbers.normal(Numbers.toInteger(real));
    var integer = Numbers.integerOrNull(a[0]);
    return integer != null ? integer : a[1];
  }

  private static Object real(Interpreter in, Object[] a) {
    if (a[0] instanceof Undefined undefined) throw undefined.error();
    var text = Values.textOrNull(a[0]);
    if (text != null) {
      var parsed = NumberText.parseFloat(text);
      return parsed != null ? parsed : a[1];
    }
    return Numbers.isNumber(a[0]) ? (Object) Numbers.toDouble(a[0]) : a[1];
  }

  private static Object round(Interpreter in, Object[] a) {
    var method = Values.textOrNull(a[2]);
    if (!"common".equals(method) && !"ceil".equals(method) && !"floor".equals(method))
      throw new TemplateException("method must be common, ceil or floor");
    var value = number("round", a[0]);
    if (method.equals("common")) {
      if (a[1] != null) return Numbers.round(value, Numbers.clamped("round", a[1]));
      return value instanceof Double real
          ? Numbers.normal(Numbers.toInteger(Math.rint(real)))
          : Numbers.integerOrNull(value);
    }
    var meter = in.meter();
    var scale = Operators.binary(meter, "**", 10L, a[1]);
    var scaled = Operators.binary(meter, "*", value, scale);
    var whole =
        scaled instanceof Double real
            ? Numbers.normal(rounded(real, method.equals("ceil")))
            : scaled;
    return Operators.binary(meter, "/", whole, scale);
  }

  private static java.math.BigInteger rounded(double value, boolean up) {
    Numbers.toInteger(value); // refuses what is not finite
    return new java.math.BigDecimal(value)
        .setScale(0, up ? RoundingMode.CEILING : RoundingMode.FLOOR)
        .toBigInteger();
  }

  private static Object fileSize(Interpreter in, Object[] a) {
    var text = Values.textOrNull(a[0]);
    var parsed = text == null ? null : NumberText.parseFloat(text);
    if (text != null && parsed == null)
      throw new TemplateException("could not convert string to float: " + Repr.of(text));
    double bytes = parsed != null ? parsed : Numbers.toDouble(number("filesizeformat", a[0]));
    boolean binary = Values.truth(a[1]);
    int base = binary ? 1024 : 1000;
    if (bytes == 1) return "1 Byte";
    if (bytes < base) return Numbers.toInteger(bytes) + " Bytes";
    double unit = base;
    var prefixes = binary ? "KMGTPEZY" : "kMGTPEZY";
    for (int i = 0; ; i++) {
      unit *= base;
      if (bytes < unit || i == prefixes.length() - 1)
        return FormatSpec.format(in.meter(), base * bytes / unit, ".1f")
            + " "
            + prefixes.charAt(i)
            + (binary ? "iB" : "B");
    }
  }
}
