package dev.tenon.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// What Python's values do: their truth, size, items, equality and order.
final class Values {
  private Values() {}

  /// {@return a Java value as a template's value}
  ///
  /// @throws TemplateException if the value, or one inside it, is of a type that templates lack
  static Object of(Meter meter, Object value) {
    return switch (value) {
      case null -> null;
      case String text -> text;
      case Boolean truth -> truth;
      case Long number -> number;
      case Double number -> number;
      case Integer number -> number.longValue();
      case Short number -> number.longValue();
      case Byte number -> number.longValue();
      case Float number -> number.doubleValue();
      case BigInteger number -> Numbers.normal(number);
      case CharSequence text -> text.toString();
      case Map<?, ?> map -> {
        meter.enter();
        var dict = new Dict();
        for (var entry : map.entrySet())
          dict.put(meter, of(meter, entry.getKey()), of(meter, entry.getValue()));
        meter.leave();
        yield dict;
      }
      case Iterable<?> items -> {
        meter.enter();
        var list = new ArrayList<Object>();
        for (var item : items) list.add(of(meter, item));
        meter.leave();
        yield list;
      }
      default ->
          throw new TemplateException(
              "a variable holds a " + value.getClass().getName() + ", which templates lack");
    };
  }

  /// {@return the text of a text, else null}
  static String textOrNull(Object value) {
    return value instanceof String text
        ? text
        : value instanceof Markup markup ? markup.text() : null;
  }

  static boolean isText(Object value) {
    return value instanceof String || value instanceof Markup;
  }

  static boolean truth(Object value) {
    return switch (value) {
      case null -> false;
      case Boolean truth -> truth;
      case Long number -> number != 0;
      case BigInteger number -> number.signum() != 0;
      case Double number -> number != 0;
      case String text -> !text.isEmpty();
      case Markup markup -> !markup.text().isEmpty();
      default -> sizeOrMinusOne(value) != 0;
    };
  }

  /// {@return how many items a value has, or -1 if it has no length}
  static long sizeOrMinusOne(Object value) {
    return switch (value) {
      case String text -> text.codePointCount(0, text.length());
      case Markup markup -> sizeOrMinusOne(markup.text());
      case List<?> list -> list.size();
      case Tuple tuple -> tuple.items().size();
      case Dict dict -> dict.size();
      case DictView view -> view.dict().size();
      case Range range -> range.length();
      case Bytes bytes -> bytes.values().size();
      case Undefined _ -> 0;
      case Loop loop -> loop.length();
      case null, default -> -1;
    };
  }

  static long size(Object value) {
    long size = sizeOrMinusOne(value);
    if (size < 0)
      throw new TemplateException("object of type '" + Types.name(value) + "' has no len()");
    return size;
  }

  static boolean isIterable(Object value) {
    return value instanceof Generator || value instanceof Undefined || sizeOrMinusOne(value) >= 0;
  }

  /// {@return the items of a value, each a step}
  ///
  /// @throws TemplateException if it has none
  static Iterator<Object> iterate(Meter meter, Object value) {
    var items = items(value);
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        meter.enter(); // generators of generators of …
        boolean more = items.hasNext();
        meter.leave();
        return more;
      }

      @Override
      public Object next() {
        meter.step();
        return items.next();
      }
    };
  }

  private static Iterator<Object> items(Object value) {
    return switch (value) {
      case List<?> list -> unchanged(list.iterator());
      case Tuple tuple -> tuple.items().iterator();
      case Dict dict -> dict.keys();
      case DictView view -> view.iterator();
      case Range range -> range.iterator();
      case Generator generator -> generator;
      case Bytes bytes -> bytes.values().iterator();
      case String text -> Strings.characters(text);
      case Markup markup -> Strings.characters(markup.text());
      case Undefined _ -> java.util.Collections.emptyIterator();
      case Loop loop ->
          new Generator(() -> loop.hasNext() ? Tuple.of(loop.next(), loop) : Generator.END);
      case null, default ->
          throw new TemplateException("'" + Types.name(value) + "' object is not iterable");
    };
  }

  private static Iterator<Object> unchanged(Iterator<?> items) {
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return items.hasNext();
      }

      @Override
      public Object next() {
        return items.next();
      }
    };
  }

  static List<Object> list(Meter meter, Object value) {
    var list = new ArrayList<Object>();
    iterate(meter, value)
        .forEachRemaining(
            item -> {
              meter.elements(1);
              list.add(item);
            });
    return list;
  }

  // Equality and order.

  static boolean equal(Meter meter, Object a, Object b) {
    if (a == b) return !(a instanceof Double number && number.isNaN());
    if (a == null || b == null) return false;
    if (Numbers.isNumber(a)) return Numbers.isNumber(b) && Numbers.equal(a, b);
    return switch (a) {
      case String text -> {
        meter.scan(text);
        yield text.equals(textOrNull(b));
      }
      case Markup markup -> markup.text().equals(textOrNull(b));
      case Undefined _ -> b instanceof Undefined;
      case List<?> list -> b instanceof List<?> other && equalItems(meter, list, other);
      case Tuple tuple ->
          b instanceof Tuple other && equalItems(meter, tuple.items(), other.items());
      case Dict dict -> b instanceof Dict other && equalDicts(meter, dict, other);
      case Range range -> b instanceof Range other && equalRanges(range, other);
      case DictView view -> b instanceof DictView other && equalViews(meter, view, other);
      default -> a.equals(b);
    };
  }

  /// {@return whether two values are the same or equal, as for members of lists}
  static boolean same(Meter meter, Object a, Object b) {
    return a == b || equal(meter, a, b);
  }

  private static boolean equalItems(Meter meter, List<?> a, List<?> b) {
    if (a.size() != b.size()) return false;
    meter.enter();
    boolean equal = true;
    for (int i = 0; equal && i < a.size(); i++) {
      meter.step();
      equal = same(meter, a.get(i), b.get(i));
    }
    meter.leave();
    return equal;
  }

  private static boolean equalDicts(Meter meter, Dict a, Dict b) {
    if (a.size() != b.size()) return false;
    meter.enter();
    boolean equal = true;
    for (var items = a.items(); equal && items.hasNext(); ) {
      meter.step();
      var item = ((Tuple) items.next()).items();
      var other = b.get(meter, item.get(0), Scope.MISSING);
      equal = other != Scope.MISSING && same(meter, item.get(1), other);
    }
    meter.leave();
    return equal;
  }

  private static boolean equalRanges(Range a, Range b) {
    int length = a.length();
    return length == b.length()
        && (length == 0 || a.start() == b.start() && (length == 1 || a.step() == b.step()));
  }

  private static boolean equalViews(Meter meter, DictView a, DictView b) {
    if (a.kind() == DictView.Kind.VALUES || a.dict().size() != b.dict().size()) return false;
    for (var items = a.iterator(); items.hasNext(); )
      if (!contains(meter, b, items.next())) return false;
    return true;
  }

  /// {@return whether two values stand in an order: `<`, `<=`, `>` or `>=`}
  static boolean ordered(Meter meter, String sign, Object a, Object b) {
    if (Numbers.isNumber(a) && Numbers.isNumber(b)) return Numbers.ordered(sign, a, b);
    if (isText(a) && isText(b)) {
      meter.scan(textOrNull(a));
      return holds(sign, Strings.compare(textOrNull(a), textOrNull(b)));
    }
    if (a instanceof List<?> first && b instanceof List<?> second)
      return orderedItems(meter, sign, first, second);
    if (a instanceof Tuple first && b instanceof Tuple second)
      return orderedItems(meter, sign, first.items(), second.items());
    if (a instanceof Undefined undefined) throw undefined.error();
    if (b instanceof Undefined undefined) throw undefined.error();
    throw new TemplateException(
        "'%s' not supported between instances of '%s' and '%s'"
            .formatted(sign, Types.name(a), Types.name(b)));
  }

  private static boolean orderedItems(Meter meter, String sign, List<?> a, List<?> b) {
    meter.enter();
    int common = Math.min(a.size(), b.size());
    int i = 0;
    while (i < common && same(meter, a.get(i), b.get(i))) {
      meter.step();
      i++;
    }
    boolean result =
        i < common
            ? ordered(meter, sign, a.get(i), b.get(i))
            : holds(sign, Integer.compare(a.size(), b.size()));
    meter.leave();
    return result;
  }

  static boolean holds(String sign, int comparison) {
    return switch (sign) {
      case "<" -> comparison < 0;
      case "<=" -> comparison <= 0;
      case ">" -> comparison > 0;
      default -> comparison >= 0;
    };
  }

  static boolean less(Meter meter, Object a, Object b) {
    return ordered(meter, "<", a, b);
  }

  /// `item in container`.
  static boolean contains(Meter meter, Object container, Object item) {
    switch (container) {
      case String text -> {
        return containsText(meter, text, item);
      }
      case Markup markup -> {
        return containsText(meter, markup.text(), item);
      }
      case Dict dict -> {
        return dict.has(meter, item);
      }
      case DictView view when view.kind() == DictView.Kind.KEYS -> {
        return view.dict().has(meter, item);
      }
      case DictView view when view.kind() == DictView.Kind.ITEMS -> {
        if (!(item instanceof Tuple pair) || pair.items().size() != 2) return false;
        var value = view.dict().get(meter, pair.items().get(0), Scope.MISSING);
        return value != Scope.MISSING && same(meter, value, pair.items().get(1));
      }
      case Range range when Numbers.integerOrNull(item) != null -> {
        return Numbers.integerOrNull(item) instanceof Long number && range.contains(number);
      }
      case null, default -> {
        if (!isIterable(container))
          throw new TemplateException(
              "argument of type '" + Types.name(container) + "' is not iterable");
        for (var items = iterate(meter, container); items.hasNext(); )
          if (same(meter, items.next(), item)) return true;
        return false;
      }
    }
  }

  private static boolean containsText(Meter meter, String text, Object item) {
    var part = textOrNull(item);
    if (part == null)
      throw new TemplateException(
          "'in <string>' requires string as left operand, not " + Types.name(item));
    meter.search(text, part);
    return text.contains(part);
  }

  /// {@return items in ascending order of their keys, as Python's stable `sorted`}
  static List<Object> sorted(Meter meter, List<Object> items, List<Object> keys, boolean reverse) {
    int count = items.size();
    var order = new Integer[count];
    for (int i = 0; i < count; i++) order[i] = reverse ? count - 1 - i : i;
    mergeSort(meter, order, new Integer[count], 0, count, keys);
    var sorted = new ArrayList<Object>(count);
    for (int i = 0; i < count; i++) sorted.add(items.get(order[reverse ? count - 1 - i : i]));
    return sorted;
  }

  /// Java's own sort refuses orders that are none, such as that of numbers which are not.
  private static void mergeSort(
      Meter meter, Integer[] order, Integer[] spare, int from, int to, List<Object> keys) {
    if (to - from < 2) return;
    int middle = (from + to) >>> 1;
    mergeSort(meter, order, spare, from, middle, keys);
    mergeSort(meter, order, spare, middle, to, keys);
    System.arraycopy(order, from, spare, from, to - from);
    int left = from;
    int right = middle;
    for (int i = from; i < to; i++) {
      meter.step();
      boolean takeRight =
          right < to
              && (left >= middle || less(meter, keys.get(spare[right]), keys.get(spare[left])));
      order[i] = spare[takeRight ? right++ : left++];
    }
  }
}
