package dev.tenon.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Attributes, items and slices of values, as Jinja2's sandbox lets templates see them.
final class Items {
  /// What would change a list or a dict.
  private static final Set<String> LIST_CHANGES =
      Set.of("append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove");

  private static final Set<String> DICT_CHANGES =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  private static final Map<String, Builtin> SEQUENCE_METHODS =
      Map.of(
          "count",
          new Builtin("count", "self, value, /", (in, a) -> count(in.meter(), a[0], a[1])),
          "index",
          new Builtin(
              "index",
              "self, value, start=0, stop=9223372036854775807, /",
              (in, a) -> index(in.meter(), a)));

  private static final Builtin LIST_COPY =
      new Builtin("copy", "self, /", (_, a) -> new ArrayList<>((List<?>) a[0]));

  private static final Map<String, Builtin> DICT_METHODS =
      Map.of(
          "keys",
          view("keys", DictView.Kind.KEYS),
          "values",
          view("values", DictView.Kind.VALUES),
          "items",
          view("items", DictView.Kind.ITEMS),
          "get",
          new Builtin(
              "get",
              "self, key, default=None, /",
              (in, a) -> ((Dict) a[0]).get(in.meter(), a[1], a[2])),
          "copy",
          new Builtin("copy", "self, /", (in, a) -> copy(in.meter(), (Dict) a[0])),
          "fromkeys",
          new Builtin(
              "fromkeys",
              "self, iterable, value=None, /",
              (in, a) -> Globals.fromKeys(in.meter(), a[1], a[2])));

  private static final Map<String, Builtin> INTEGER_METHODS =
      Map.of(
          "bit_length",
          new Builtin(
              "bit_length", "self, /", (_, a) -> (long) Numbers.big(a[0]).abs().bitLength()),
          "bit_count",
          new Builtin("bit_count", "self, /", (_, a) -> (long) Numbers.big(a[0]).abs().bitCount()),
          "conjugate",
          new Builtin("conjugate", "self, /", (_, a) -> Numbers.integerOrNull(a[0])),
          "as_integer_ratio",
          new Builtin(
              "as_integer_ratio", "self, /", (_, a) -> Tuple.of(Numbers.integerOrNull(a[0]), 1L)));

  private static final Map<String, Builtin> FLOAT_METHODS =
      Map.of(
          "is_integer",
          new Builtin("is_integer", "self, /", (_, a) -> Numbers.isWhole((Double) a[0])),
          "conjugate",
          new Builtin("conjugate", "self, /", (_, a) -> a[0]));

  private Items() {}

  private static Builtin view(String name, DictView.Kind kind) {
    return new Builtin(name, "self, /", (_, a) -> new DictView((Dict) a[0], kind));
  }

  private static Dict copy(Meter meter, Dict dict) {
    meter.elements(dict.size());
    var copy = new Dict();
    copy.putAll(dict);
    return copy;
  }

  // What templates ask for.

  /// `target.name`: the attribute, else the item, else undefined.
  static Object attribute(Meter meter, Object target, String name) {
    if (target instanceof Undefined undefined) throw undefined.error();
    var attribute = attributeOrMissing(target, name);
    if (attribute != Scope.MISSING) return attribute;
    if (target instanceof Dict dict) {
      var item = dict.get(meter, name, Scope.MISSING);
      if (item != Scope.MISSING) return item;
    }
    return name.startsWith("__") && name.endsWith("__")
        ? Undefined.unsafe(target, name)
        : Undefined.attribute(target, name);
  }

  /// `target[key]`: the item, else the attribute, else undefined.
  static Object item(Meter meter, Object target, Object key) {
    if (target instanceof Undefined undefined) throw undefined.error();
    var item = itemOrMissing(meter, target, key);
    if (item != Scope.MISSING) return item;
    var name = Values.textOrNull(key);
    if (name != null) {
      var attribute = attributeOrMissing(target, name);
      if (attribute != Scope.MISSING) return attribute;
    }
    return Undefined.item(target, name != null ? name : key);
  }

  /// {@return the item of a key or index, or [Scope#MISSING]}
  static Object itemOrMissing(Meter meter, Object target, Object key) {
    if (target instanceof Dict dict)
      return key instanceof List<?> || key instanceof Dict
          ? Scope.MISSING
          : dict.get(meter, key, Scope.MISSING);
    if (!(Numbers.integerOrNull(key) instanceof Long index)) return Scope.MISSING;
    if (!isSequence(target)) return Scope.MISSING;
    var whole = Values.textOrNull(target);
    if (whole != null && index != 0) meter.scan(whole);
    if (index >= 0 && target instanceof String text && index < text.length())
      return stringItem(text, index.intValue());
    long size = Values.sizeOrMinusOne(target);
    long i = index < 0 ? index + size : index;
    if (i < 0 || i >= size) return Scope.MISSING;
    return get(target, (int) i);
  }

  private static Object stringItem(String text, int index) {
    // The usual first character, without a look at all of them.
    if (index == 0) return Character.toString(text.codePointAt(0));
    int length = Strings.length(text);
    return index < length ? Strings.at(text, index) : Scope.MISSING;
  }

  private static boolean isSequence(Object value) {
    return Values.isText(value)
        || value instanceof List<?>
        || value instanceof Tuple
        || value instanceof Range
        || value instanceof Bytes;
  }

  private static Object get(Object sequence, int index) {
    return switch (sequence) {
      case List<?> list -> list.get(index);
      case Tuple tuple -> tuple.items().get(index);
      case Range range -> range.get(index);
      case Bytes bytes -> bytes.values().get(index);
      case Markup markup -> new Markup(Strings.at(markup.text(), index));
      default -> Strings.at((String) sequence, index);
    };
  }

  /// `target[start:stop:step]`.
  static Object slice(Meter meter, Object target, Object start, Object stop, Object step) {
    if (target instanceof Undefined undefined) throw undefined.error();
    if (!isSequence(target))
      throw new TemplateException(
          target instanceof Dict
              ? "unhashable type: 'slice'"
              : "'" + Types.name(target) + "' object is not subscriptable");
    int length = (int) Values.size(target);
    int by = step == null ? 1 : bound(step);
    if (by == 0) throw new TemplateException("slice step cannot be zero");
    int first = start == null ? by > 0 ? 0 : length - 1 : clamp(bound(start), length, by);
    int end = stop == null ? by > 0 ? length : -1 : clamp(bound(stop), length, by);
    if (target instanceof Range range)
      return new Range(
          range.start() + first * range.step(),
          range.start() + end * range.step(),
          range.step() * by);
    var text = Values.textOrNull(target);
    if (text != null) {
      var part = textSlice(meter, text, first, end, by);
      return target instanceof Markup ? new Markup(part) : part;
    }
    var items = new ArrayList<Object>();
    for (long i = first; by > 0 ? i < end : i > end; i += by) {
      meter.elements(1);
      items.add(get(target, (int) i));
    }
    return switch (target) {
      case Tuple _ -> new Tuple(items);
      case Bytes _ -> new Bytes(items);
      default -> items;
    };
  }

  private static String textSlice(Meter meter, String text, int first, int end, int step) {
    meter.characters(Math.abs(end - first) / Math.abs(step));
    if (step == 1) return first < end ? Strings.part(text, first, end) : "";
    int[] characters = text.codePoints().toArray();
    var part = new StringBuilder();
    for (long i = first; step > 0 ? i < end : i > end; i += step)
      part.appendCodePoint(characters[(int) i]);
    return part.toString();
  }

  private static int bound(Object value) {
    if (value instanceof Undefined undefined) throw undefined.error();
    if (Numbers.integerOrNull(value) == null)
      throw new TemplateException("slice indices must be integers or None");
    return Math.max(-Integer.MAX_VALUE, Numbers.clamped("slice", value));
  }

  private static int clamp(int index, int length, int step) {
    int i = index < 0 ? index + length : index;
    if (i < 0) return step > 0 ? 0 : -1;
    return Math.min(i, step > 0 ? length : length - 1);
  }

  // Attributes of each type.

  /// {@return an attribute, what stands for one that is hidden, or [Scope#MISSING]}
  static Object attributeOrMissing(Object target, String name) {
    return switch (target) {
      case String text -> method(text, StringMethods.get(text, name));
      case Markup markup -> method(markup, StringMethods.get(markup, name));
      case Dict dict ->
          DICT_CHANGES.contains(name)
              ? Undefined.unsafe(dict, name)
              : method(dict, DICT_METHODS.get(name));
      case List<?> list -> {
        if (LIST_CHANGES.contains(name)) yield Undefined.unsafe(list, name);
        yield method(list, name.equals("copy") ? LIST_COPY : SEQUENCE_METHODS.get(name));
      }
      case Tuple tuple -> {
        int index = tuple.names().indexOf(name);
        yield index >= 0 ? tuple.items().get(index) : method(tuple, SEQUENCE_METHODS.get(name));
      }
      case Range range -> rangeAttribute(range, name);
      case Long number -> integerAttribute(number, name);
      case BigInteger number -> integerAttribute(number, name);
      case Boolean truth -> integerAttribute(truth ? 1L : 0L, name);
      case Double number ->
          switch (name) {
            case "real" -> number;
            case "imag" -> 0.0;
            default -> method(number, FLOAT_METHODS.get(name));
          };
      case Namespace namespace -> {
        var value = namespace.attributes().get(null, name, Scope.MISSING);
        yield value != Scope.MISSING && name.startsWith("_")
            ? Undefined.unsafe(namespace, name)
            : value;
      }
      case Loop loop -> loop.attribute(name);
      case Macro macro -> macro.attribute(name);
      case Cycler cycler -> cyclerAttribute(cycler, name);
      case Joiner joiner ->
          switch (name) {
            case "sep" -> joiner.separator;
            case "used" -> joiner.used;
            default -> Scope.MISSING;
          };
      case TemplateReference template -> template.get(name);
      case BlockReference block ->
          switch (name) {
            case "name" -> block.block().name();
            case "super" ->
                Undefined.because(
                    "there is no parent block called '" + block.block().name() + "'.");
            default -> Scope.MISSING;
          };
      case Builtin function when function == Globals.DICT && name.equals("fromkeys") ->
          method(function, DICT_METHODS.get(name));
      case null, default -> Scope.MISSING;
    };
  }

  private static Object method(Object self, Builtin method) {
    return method == null ? Scope.MISSING : new Method(self, method);
  }

  private static Object integerAttribute(Object number, String name) {
    return switch (name) {
      case "real", "numerator" -> number;
      case "imag" -> 0L;
      case "denominator" -> 1L;
      default -> method(number, INTEGER_METHODS.get(name));
    };
  }

  private static Object rangeAttribute(Range range, String name) {
    return switch (name) {
      case "start" -> range.start();
      case "stop" -> range.stop();
      case "step" -> range.step();
      default -> method(range, SEQUENCE_METHODS.get(name));
    };
  }

  private static Object cyclerAttribute(Cycler cycler, String name) {
    return switch (name) {
      case "items" -> new Tuple(cycler.items);
      case "pos" -> (long) cycler.position;
      case "current" -> cycler.current();
      case "next" -> new Builtin("next", "", (_, _) -> cycler.next());
      case "reset" ->
          new Builtin(
              "reset",
              "",
              (_, _) -> {
                cycler.position = 0;
                return null;
              });
      default -> Scope.MISSING;
    };
  }

  private static long count(Meter meter, Object sequence, Object value) {
    long count = 0;
    for (var items = Values.iterate(meter, sequence); items.hasNext(); )
      if (Values.same(meter, items.next(), value)) count++;
    return count;
  }

  private static long index(Meter meter, Object[] a) {
    int length = (int) Values.size(a[0]);
    int start = clamp(bound(a[2]), length, 1);
    int stop = clamp(bound(a[3]), length, 1);
    for (int i = start; i < stop; i++) {
      meter.step();
      if (Values.same(meter, get(a[0], i), a[1])) return i;
    }
    throw new TemplateException("the value is not in the " + Types.name(a[0]));
  }
}
