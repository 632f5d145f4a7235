package dev.tenon.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.function.Function;

/// Filters of lists, dicts and whatever has items.
final class ListFilters {
  private static final List<String> GROUP = List.of("grouper", "list");

  static final List<Builtin> ALL =
      List.of(
          new Builtin("length", "obj, /", ListFilters::length),
          new Builtin("list", "value", (in, a) -> Values.list(in.meter(), a[0])),
          new Builtin("first", "seq", ListFilters::first),
          new Builtin("last", "seq", ListFilters::last),
          new Builtin("random", "seq", ListFilters::random),
          new Builtin("reverse", "value", ListFilters::reverse),
          new Builtin("join", "value, d='', attribute=None", ListFilters::join),
          new Builtin("sum", "iterable, attribute=None, start=0", ListFilters::sum),
          new Builtin("min", "value, case_sensitive=False, attribute=None", best("<")),
          new Builtin("max", "value, case_sensitive=False, attribute=None", best(">")),
          new Builtin(
              "sort",
              "value, reverse=False, case_sensitive=False, attribute=None",
              ListFilters::sort),
          new Builtin(
              "dictsort",
              "value, case_sensitive=False, by='key', reverse=False",
              ListFilters::dictSort),
          new Builtin("unique", "value, case_sensitive=False, attribute=None", ListFilters::unique),
          new Builtin(
              "groupby",
              "value, attribute, default=None, case_sensitive=False",
              ListFilters::groupBy),
          new Builtin("batch", "value, linecount, fill_with=None", ListFilters::batch),
          new Builtin("slice", "value, slices, fill_with=None", ListFilters::slice),
          new Builtin("items", "value", ListFilters::items),
          new Builtin("map", "value, /, *args, **kwargs", ListFilters::map),
          new Builtin("select", "value, /, *args, **kwargs", pick(true, false)),
          new Builtin("reject", "value, /, *args, **kwargs", pick(false, false)),
          new Builtin("selectattr", "value, /, *args, **kwargs", pick(true, true)),
          new Builtin("rejectattr", "value, /, *args, **kwargs", pick(false, true)),
          new Builtin("attr", "obj, name", ListFilters::attribute),
          new Builtin(
              "default",
              "value, default_value='', boolean=False",
              (_, a) ->
                  a[0] instanceof Undefined || Values.truth(a[2]) && !Values.truth(a[0])
                      ? a[1]
                      : a[0]));

  private ListFilters() {}

  /// A path such as `a.b.0` that leads from an item to a value inside it.
  private record Path(List<Object> parts, Object otherwise) {
    static Path of(Object attribute, Object otherwise) {
      if (attribute == null) return new Path(List.of(), otherwise);
      var text = Values.textOrNull(attribute);
      if (text == null) return new Path(Collections.singletonList(attribute), otherwise);
      var parts = new ArrayList<Object>();
      for (var part : text.split("\\.", -1)) {
        boolean number = Characters.all(part, Characters::isDigit);
        var index = number ? NumberText.parseInteger(part, 10) : part;
        if (index == null)
          throw new TemplateException("invalid literal for int() with base 10: " + Repr.of(part));
        parts.add(index);
      }
      return new Path(parts, otherwise);
    }

    Object get(Meter meter, Object item) {
      var value = item;
      for (var part : parts) {
        value = Items.item(meter, value, part);
        if (otherwise != null && value instanceof Undefined) value = otherwise;
      }
      return value;
    }

    /// {@return the value, in lower case if it is a text and case does not count}
    Object key(Meter meter, Object item, boolean caseSensitive) {
      return ignoreCase(get(meter, item), caseSensitive);
    }
  }

  private static Object ignoreCase(Object value, boolean caseSensitive) {
    var text = caseSensitive ? null : Values.textOrNull(value);
    return text == null ? value : Strings.lower(text);
  }

  // Ends and order.

  private static Object length(Interpreter in, Object[] a) {
    var text = Values.textOrNull(a[0]);
    if (text != null) in.meter().scan(text);
    return Values.size(a[0]);
  }

  private static Object first(Interpreter in, Object[] a) {
    var items = Values.iterate(in.meter(), a[0]);
    return items.hasNext() ? items.next() : Undefined.because("No first item, sequence was empty.");
  }

  private static Object last(Interpreter in, Object[] a) {
    var items = reversedOrNull(in.meter(), a[0]);
    if (items == null)
      throw new TemplateException("'" + Types.name(a[0]) + "' object is not reversible");
    return items.hasNext() ? items.next() : Undefined.because("No last item, sequence was empty.");
  }

  private static Object random(Interpreter in, Object[] a) {
    int size = (int) Values.size(a[0]);
    if (size == 0) return Undefined.because("No random item, sequence was empty.");
    return Items.item(in.meter(), a[0], (long) in.random().nextInt(size));
  }

  private static Object reverse(Interpreter in, Object[] a) {
    var text = Values.textOrNull(a[0]);
    if (text != null) return Filters.like(a[0], Strings.reversed(text));
    var items = reversedOrNull(in.meter(), a[0]);
    if (items != null) return Generator.of(items);
    if (!Values.isIterable(a[0])) throw new TemplateException("argument must be iterable");
    var list = Values.list(in.meter(), a[0]);
    Collections.reverse(list);
    return list;
  }

  /// {@return the items from the last to the first, or null if they have no such order}
  private static Iterator<Object> reversedOrNull(Meter meter, Object value) {
    if (value instanceof Generator || value instanceof Loop || !Values.isIterable(value))
      return null;
    if (value instanceof List<?> list) return backwards(meter, list);
    if (value instanceof Tuple tuple) return backwards(meter, tuple.items());
    var items = Values.list(meter, value);
    Collections.reverse(items);
    return items.iterator();
  }

  private static Iterator<Object> backwards(Meter meter, List<?> list) {
    return new Iterator<>() {
      private int next = list.size();

      @Override
      public boolean hasNext() {
        return next > 0;
      }

      @Override
      public Object next() {
        meter.step();
        return list.get(--next);
      }
    };
  }

  private static Object sort(Interpreter in, Object[] a) {
    var meter = in.meter();
    var text = Values.textOrNull(a[3]);
    var paths = new ArrayList<Path>();
    if (text == null) paths.add(Path.of(a[3], null));
    else for (var part : text.split(",", -1)) paths.add(Path.of(part, null));
    var items = Values.list(meter, a[0]);
    var keys = new ArrayList<Object>(items.size());
    for (var item : items) {
      meter.elements(paths.size());
      var key = new ArrayList<Object>(paths.size());
      for (var path : paths) key.add(path.key(meter, item, Values.truth(a[2])));
      keys.add(key);
    }
    return Values.sorted(meter, items, keys, Values.truth(a[1]));
  }

  private static Object dictSort(Interpreter in, Object[] a) {
    var by = Values.textOrNull(a[2]);
    if (!"key".equals(by) && !"value".equals(by))
      throw new TemplateException("You can only sort by either \"key\" or \"value\"");
    if (a[0] instanceof Undefined undefined) throw undefined.error();
    if (!(a[0] instanceof Dict dict))
      throw new TemplateException("dictsort: '" + Types.name(a[0]) + "' object has no items");
    var items = Values.list(in.meter(), new DictView(dict, DictView.Kind.ITEMS));
    var keys = new ArrayList<Object>();
    for (var item : items)
      keys.add(
          ignoreCase(((Tuple) item).items().get(by.equals("key") ? 0 : 1), Values.truth(a[1])));
    return Values.sorted(in.meter(), items, keys, Values.truth(a[3]));
  }

  /// `min` and `max`.
  private static Builtin.Body best(String sign) {
    return (in, a) -> {
      var items = Values.iterate(in.meter(), a[0]);
      if (!items.hasNext()) return Undefined.because("No aggregated item, sequence was empty.");
      var path = Path.of(a[2], null);
      boolean caseSensitive = Values.truth(a[1]);
      var best = items.next();
      var bestKey = path.key(in.meter(), best, caseSensitive);
      while (items.hasNext()) {
        var item = items.next();
        var key = path.key(in.meter(), item, caseSensitive);
        if (!Values.ordered(in.meter(), sign, key, bestKey)) continue;
        best = item;
        bestKey = key;
      }
      return best;
    };
  }

  // All items into one value.

  private static Object join(Interpreter in, Object[] a) {
    var meter = in.meter();
    var path = Path.of(a[2], null);
    var items = new ArrayList<Object>();
    boolean markup = a[1] instanceof Markup;
    for (var all = Values.iterate(meter, a[0]); all.hasNext(); ) {
      var item = path.get(meter, all.next());
      meter.elements(1);
      items.add(item);
      markup |= item instanceof Markup;
    }
    boolean escape = in.autoescape() && markup;
    var separator = escape ? Markup.escape(meter, a[1]).text() : Filters.soft(in, a[1]);
    var out = new Output(meter);
    for (int i = 0; i < items.size(); i++) {
      if (i > 0) out.append(separator);
      out.append(
          escape ? Markup.escape(meter, items.get(i)).text() : Filters.soft(in, items.get(i)));
    }
    return escape ? new Markup(out.toString()) : out.toString();
  }

  private static Object sum(Interpreter in, Object[] a) {
    var path = Path.of(a[1], null);
    if (Values.isText(a[2]))
      throw new TemplateException("sum() can't sum strings [use ''.join(seq) instead]");
    var sum = a[2];
    for (var items = Values.iterate(in.meter(), a[0]); items.hasNext(); )
      sum = Operators.binary(in.meter(), "+", sum, path.get(in.meter(), items.next()));
    return sum;
  }

  private static Object groupBy(Interpreter in, Object[] a) {
    var meter = in.meter();
    var path = Path.of(a[1], a[2]);
    boolean caseSensitive = Values.truth(a[3]);
    var items = Values.list(meter, a[0]);
    var keys = new ArrayList<Object>();
    for (var item : items) keys.add(path.key(meter, item, caseSensitive));
    var groups = new ArrayList<Object>();
    List<Object> group = null;
    Object current = null;
    for (var item : Values.sorted(meter, items, keys, false)) {
      var key = path.key(meter, item, caseSensitive);
      if (group == null || !Values.same(meter, key, current)) {
        group = new ArrayList<>();
        current = key;
        groups.add(new Tuple(java.util.Arrays.asList(path.get(meter, item), group), GROUP));
      }
      meter.elements(1);
      group.add(item);
    }
    return groups;
  }

  // Items one by one: nothing happens before the first is asked for.

  /// {@return the items of a value, which need not have any before the first is asked for}
  private static Iterator<Object> later(Interpreter in, Object value) {
    return new Iterator<>() {
      private Iterator<Object> items;

      @Override
      public boolean hasNext() {
        if (items == null) items = Values.iterate(in.meter(), value);
        return items.hasNext();
      }

      @Override
      public Object next() {
        return items.next();
      }
    };
  }

  private static Object unique(Interpreter in, Object[] a) {
    var meter = in.meter();
    var path = Path.of(a[2], null);
    var items = later(in, a[0]);
    var seen = new HashSet<>();
    return new Generator(
        () -> {
          while (items.hasNext()) {
            var item = items.next();
            meter.elements(1);
            if (seen.add(Dict.key(meter, path.key(meter, item, Values.truth(a[1]))))) return item;
          }
          return Generator.END;
        });
  }

  private static Object batch(Interpreter in, Object[] a) {
    int size = Numbers.clamped("batch", a[1]);
    var items = later(in, a[0]);
    return new Generator(
        new Generator.Source() {
          private List<Object> row = new ArrayList<>();
          private boolean ended;

          @Override
          public Object next() {
            while (items.hasNext()) {
              var full = row.size() == size ? row : null;
              if (full != null) row = new ArrayList<>();
              in.meter().elements(1);
              row.add(items.next());
              if (full != null) return full;
            }
            if (ended || row.isEmpty()) return Generator.END;
            ended = true;
            if (a[2] != null && row.size() < size) {
              in.meter().elements(size - row.size());
              while (row.size() < size) row.add(a[2]);
            }
            return row;
          }
        });
  }

  private static Object slice(Interpreter in, Object[] a) {
    int slices = Numbers.clamped("slice", a[1]);
    return new Generator(
        new Generator.Source() {
          private List<Object> items;
          private int number;
          private int offset;

          @Override
          public Object next() {
            if (items == null) items = Values.list(in.meter(), a[0]);
            if (slices == 0) throw new TemplateException("integer division or modulo by zero");
            if (number >= slices) return Generator.END;
            int size = items.size() / slices;
            int longer = items.size() % slices;
            int start = offset + number * size;
            if (number < longer) offset++;
            int end = offset + (number + 1) * size;
            in.meter().step();
            in.meter().elements(end - start + 1L);
            var part = new ArrayList<>(items.subList(start, end));
            if (a[2] != null && number >= longer) part.add(a[2]);
            number++;
            return part;
          }
        });
  }

  private static Object items(Interpreter in, Object[] a) {
    return new Generator(
        new Generator.Source() {
          private Iterator<Object> items;

          @Override
          public Object next() {
            if (a[0] instanceof Undefined) return Generator.END;
            if (!(a[0] instanceof Dict dict))
              throw new TemplateException("Can only get item pairs from a mapping.");
            if (items == null) items = dict.items();
            return items.hasNext() ? items.next() : Generator.END;
          }
        });
  }

  private static Object map(Interpreter in, Object[] a) {
    return lazily(in, a, (positional, named) -> mapping(in, positional, named), null);
  }

  private static Function<Object, Object> mapping(
      Interpreter in, List<Object> positional, Dict named) {
    var meter = in.meter();
    if (positional.isEmpty() && named.has(meter, "attribute")) {
      for (var keys = named.keys(); keys.hasNext(); ) {
        var key = keys.next();
        if (!key.equals("attribute") && !key.equals("default"))
          throw new TemplateException("Unexpected keyword argument '" + key + "'");
      }
      var path = Path.of(named.get(meter, "attribute", null), named.get(meter, "default", null));
      return item -> path.get(meter, item);
    }
    if (positional.isEmpty()) throw new TemplateException("map requires a filter argument");
    var filter = Filters.get(name("filter", positional.getFirst()));
    var arguments = arguments(positional.subList(1, positional.size()), named);
    return item -> filter.call(in, arguments.after(item));
  }

  /// `select`, `reject` and their forms for attributes.
  private static Builtin.Body pick(boolean wanted, boolean ofAttribute) {
    return (in, a) ->
        lazily(in, a, (positional, named) -> testing(in, positional, named, ofAttribute), wanted);
  }

  private static Function<Object, Object> testing(
      Interpreter in, List<Object> positional, Dict named, boolean ofAttribute) {
    if (ofAttribute && positional.isEmpty())
      throw new TemplateException("Missing parameter for attribute name");
    var path = Path.of(ofAttribute ? positional.getFirst() : null, null);
    int first = ofAttribute ? 1 : 0;
    if (positional.size() == first) return item -> path.get(in.meter(), item);
    var test = Tests.get(name("test", positional.get(first)));
    var arguments = arguments(positional.subList(first + 1, positional.size()), named);
    return item -> test.call(in, arguments.after(path.get(in.meter(), item)));
  }

  private interface Preparation {
    Function<Object, Object> prepare(List<Object> positional, Dict named);
  }

  /// {@return what a function gives for each item, or the items for which it gives what is wanted}
  private static Generator lazily(
      Interpreter in, Object[] a, Preparation preparation, Boolean wanted) {
    return new Generator(
        new Generator.Source() {
          private Iterator<Object> items;
          private Function<Object, Object> function;

          @Override
          public Object next() {
            if (items == null) {
              if (!Values.truth(a[0])) return Generator.END;
              function = preparation.prepare(((Tuple) a[1]).items(), (Dict) a[2]);
              items = Values.iterate(in.meter(), a[0]);
            }
            while (items.hasNext()) {
              var item = items.next();
              var result = function.apply(item);
              if (wanted == null) return result;
              if (Values.truth(result) == wanted) return item;
            }
            return Generator.END;
          }
        });
  }

  private static String name(String what, Object value) {
    var name = Values.textOrNull(value);
    if (name == null)
      throw new TemplateException("No " + what + " named " + Types.name(value) + ".");
    return name;
  }

  private static Arguments arguments(List<Object> positional, Dict named) {
    var names = new java.util.LinkedHashMap<String, Object>();
    var keys = named.keys();
    var values = named.values();
    while (keys.hasNext()) names.put((String) keys.next(), values.next());
    return new Arguments(positional, names);
  }

  private static Object attribute(Interpreter in, Object[] a) {
    if (a[0] instanceof Undefined undefined) throw undefined.error();
    var name = StringMethods.text(a[1]);
    var value = Items.attributeOrMissing(a[0], name);
    return value == Scope.MISSING ? Undefined.attribute(a[0], name) : value;
  }
}
