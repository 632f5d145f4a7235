package dev.tenon.jinja;

import java.util.ArrayList;
import java.util.List;

/// What `+`, `-`, `*`, `/`, `//`, `%` and `**` do.
final class Operators {
  private Operators() {}

  static Object binary(Meter meter, String sign, Object a, Object b) {
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) return Numbers.apply(meter, sign, a, b);
    if (sign.equals("%") && Values.isText(a)) return PercentFormat.format(meter, a, b);
    if (a instanceof Undefined undefined) throw undefined.error();
    if (b instanceof Undefined undefined) throw undefined.error();
    var result =
        switch (sign) {
          case "+" -> sum(meter, a, b);
          case "*" -> isRepeatable(a) ? repeat(meter, a, b) : repeat(meter, b, a);
          default -> null;
        };
    if (result == null)
      throw new TemplateException(
          "unsupported operand type(s) for %s: '%s' and '%s'"
              .formatted(sign, Types.name(a), Types.name(b)));
    return result;
  }

  private static Object sum(Meter meter, Object a, Object b) {
    if (a instanceof String x && b instanceof String y) {
      meter.characters((long) x.length() + y.length());
      return x.concat(y);
    }
    if (Values.isText(a) && Values.isText(b))
      return new Markup(
          new Output(meter)
              .append(Markup.escape(meter, a).text())
              .append(Markup.escape(meter, b).text())
              .toString());
    if (a instanceof List<?> x && b instanceof List<?> y) return joined(meter, x, y);
    if (a instanceof Tuple x && b instanceof Tuple y)
      return new Tuple(joined(meter, x.items(), y.items()));
    return null;
  }

  private static List<Object> joined(Meter meter, List<?> a, List<?> b) {
    meter.elements((long) a.size() + b.size());
    var all = new ArrayList<Object>(a.size() + b.size());
    all.addAll(a);
    all.addAll(b);
    return all;
  }

  private static boolean isRepeatable(Object value) {
    return Values.isText(value) || value instanceof List<?> || value instanceof Tuple;
  }

  private static Object repeat(Meter meter, Object value, Object times) {
    var integer = Numbers.integerOrNull(times);
    if (integer == null) return null;
    if (!(integer instanceof Long) && isRepeatable(value))
      throw new TemplateException("cannot fit 'int' into an index-sized integer");
    long count = Math.max(0, Numbers.clamped("*", times));
    return switch (value) {
      case String text -> meter.repeat(text, count);
      case Markup markup -> new Markup(meter.repeat(markup.text(), count));
      case List<?> list -> repeated(meter, list, count);
      case Tuple tuple -> new Tuple(repeated(meter, tuple.items(), count));
      case null, default -> null;
    };
  }

  private static List<Object> repeated(Meter meter, List<?> items, long count) {
    meter.elements(items.size() * count);
    var all = new ArrayList<Object>((int) Math.min(items.size() * count, 1 << 20));
    if (!items.isEmpty()) for (long i = 0; i < count; i++) all.addAll(items);
    return all;
  }

  static Object negative(Object value) {
    return Numbers.negate(number("-", value));
  }

  static Object positive(Object value) {
    var number = number("+", value);
    return number instanceof Boolean ? Numbers.integerOrNull(number) : number;
  }

  private static Object number(String sign, Object value) {
    if (value instanceof Undefined undefined) throw undefined.error();
    if (!Numbers.isNumber(value))
      throw new TemplateException(
          "bad operand type for unary " + sign + ": '" + Types.name(value) + "'");
    return value;
  }

  /// {@return whether a comparison holds}
  static boolean compare(Meter meter, String sign, Object a, Object b) {
    return switch (sign) {
      case "==" -> Values.equal(meter, a, b);
      case "!=" -> !Values.equal(meter, a, b);
      case "in" -> Values.contains(meter, b, a);
      case "not in" -> !Values.contains(meter, b, a);
      default -> Values.ordered(meter, sign, a, b);
    };
  }
}
