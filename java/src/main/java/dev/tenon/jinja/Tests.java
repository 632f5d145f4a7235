package dev.tenon.jinja;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.Map;
import java.util.function.Predicate;

/// What can stand after `is`.
final class Tests {
  private static final Map<String, Builtin> ALL = new HashMap<>();

  private Tests() {}

  static {
    simple("defined", value -> !(value instanceof Undefined));
    simple("undefined", value -> value instanceof Undefined);
    simple("none", value -> value == null);
    simple("boolean", value -> value instanceof Boolean);
    simple("false", value -> Boolean.FALSE.equals(value));
    simple("true", value -> Boolean.TRUE.equals(value));
    simple("integer", value -> value instanceof Long || value instanceof BigInteger);
    simple("float", value -> value instanceof Double);
    simple("number", Numbers::isNumber);
    simple("string", Values::isText);
    simple("mapping", value -> value instanceof Dict);
    simple("sequence", Tests::isSequence);
    simple("iterable", Values::isIterable);
    simple("callable", value -> value instanceof Callable || value instanceof Undefined);
    simple("escaped", value -> value instanceof Markup);
    add("lower", "value", (in, a) -> Characters.isLower(Repr.text(in.meter(), a[0])));
    add("upper", "value", (in, a) -> Characters.isUpper(Repr.text(in.meter(), a[0])));
    add("odd", "value", (in, a) -> remainder(in, a[0], 2L, 1L));
    add("even", "value", (in, a) -> remainder(in, a[0], 2L, 0L));
    add("divisibleby", "value, num", (in, a) -> remainder(in, a[0], a[1], 0L));
    add("sameas", "value, other", (_, a) -> isSame(a[0], a[1]));
    add("in", "value, seq", (in, a) -> Values.contains(in.meter(), a[1], a[0]));
    add("filter", "value", (in, a) -> Filters.has(name(in, a[0])));
    add("test", "value", (in, a) -> has(name(in, a[0])));
    comparison("==", "eq", "equalto");
    comparison("!=", "ne");
    comparison(">", "gt", "greaterthan");
    comparison(">=", "ge");
    comparison("<", "lt", "lessthan");
    comparison("<=", "le");
  }

  private static void add(String name, String parameters, Builtin.Body body) {
    ALL.put(name, new Builtin(name, parameters, body));
  }

  private static void simple(String name, Predicate<Object> test) {
    add(name, "value", (_, a) -> test.test(a[0]));
  }

  private static void comparison(String sign, String... names) {
    add(sign, "a, b, /", (in, a) -> Operators.compare(in.meter(), sign, a[0], a[1]));
    for (var name : names) ALL.put(name, ALL.get(sign));
  }

  static boolean has(String name) {
    return name != null && ALL.containsKey(name);
  }

  /// {@return a test}
  ///
  /// @throws TemplateException if there is none of that name
  static Builtin get(String name) {
    var test = ALL.get(name);
    if (test == null) throw new TemplateException("No test named '" + name + "'.");
    return test;
  }

  private static String name(Interpreter in, Object value) {
    Dict.key(in.meter(), value); // refuses what can be no key
    return Values.textOrNull(value);
  }

  private static boolean isSequence(Object value) {
    return Values.sizeOrMinusOne(value) >= 0
        && !(value instanceof DictView)
        && !(value instanceof Loop);
  }

  private static boolean remainder(Interpreter in, Object value, Object by, Object expected) {
    return Values.equal(in.meter(), Operators.binary(in.meter(), "%", value, by), expected);
  }

  /// Whether two values are one object: Python keeps one of each small integer.
  private static boolean isSame(Object a, Object b) {
    return a == b
        || a instanceof Long x && b instanceof Long y && x.equals(y) && x >= -5 && x <= 256
        || a instanceof Boolean && a.equals(b)
        || a instanceof String x && x.equals(b);
  }
}
