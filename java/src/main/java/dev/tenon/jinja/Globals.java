package dev.tenon.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Map;

/// The functions that a template has without being given them.
final class Globals {
  static final Builtin DICT =
      new Builtin("dict", "*args, **kwargs", (in, a) -> dict(in.meter(), a));

  private static final Map<String, Object> ALL = new HashMap<>();

  private Globals() {}

  static {
    add("range", "*args", (_, a) -> range((Tuple) a[0]));
    ALL.put("dict", DICT);
    add("namespace", "*args, **kwargs", (in, a) -> new Namespace(dict(in.meter(), a)));
    add("cycler", "*items", (_, a) -> new Cycler(((Tuple) a[0]).items()));
    add("joiner", "sep=', '", (_, a) -> new Joiner(a[0]));
    add(
        "lipsum",
        "n=5, html=True, min=20, max=100",
        (in, a) ->
            Lipsum.generate(
                in,
                Numbers.clamped("lipsum", a[0]),
                Values.truth(a[1]),
                Numbers.clamped("lipsum", a[2]),
                Numbers.clamped("lipsum", a[3])));
    add(
        "raise_exception",
        "message",
        (in, a) -> {
          throw new TemplateException(Repr.text(in.meter(), a[0]));
        });
    add(
        "strftime_now",
        "format",
        (in, a) -> Strftime.format(in.meter(), in.now(), StringMethods.text(a[0])));
  }

  private static void add(String name, String parameters, Builtin.Body body) {
    ALL.put(name, new Builtin(name, parameters, body));
  }

  /// {@return the scope that has them}
  static Scope scope() {
    return new Scope(null, ALL);
  }

  private static Range range(Tuple arguments) {
    var values = arguments.items();
    if (values.isEmpty() || values.size() > 3)
      throw new TemplateException("range expected 1 to 3 arguments, got " + values.size());
    var bounds = new ArrayList<Long>();
    for (var value : values) {
      if (value instanceof Undefined undefined) throw undefined.error();
      var integer = Numbers.integerOrNull(value);
      if (integer == null)
        throw new TemplateException(
            "'" + Types.name(value) + "' object cannot be interpreted as an integer");
      if (!(integer instanceof Long bound) || Math.abs(bound) > 1L << 53)
        throw new TemplateException("a range beyond 2**53 is not supported");
      bounds.add(bound);
    }
    return bounds.size() == 1
        ? new Range(0, bounds.get(0), 1)
        : new Range(bounds.get(0), bounds.get(1), bounds.size() == 3 ? bounds.get(2) : 1);
  }

  /// {@return a dict of another one or of pairs, and of names}
  private static Dict dict(Meter meter, Object[] a) {
    var arguments = ((Tuple) a[0]).items();
    if (arguments.size() > 1)
      throw new TemplateException("dict expected at most 1 argument, got " + arguments.size());
    var dict = new Dict();
    if (!arguments.isEmpty()) {
      if (arguments.getFirst() instanceof Dict other) {
        meter.elements(other.size());
        dict.putAll(other);
      } else {
        for (var items = Values.iterate(meter, arguments.getFirst()); items.hasNext(); ) {
          var pair = Values.list(meter, items.next());
          if (pair.size() != 2)
            throw new TemplateException(
                "dictionary update sequence element has length " + pair.size() + "; 2 is required");
          dict.put(meter, pair.get(0), pair.get(1));
        }
      }
    }
    dict.putAll((Dict) a[1]);
    return dict;
  }

  static Dict fromKeys(Meter meter, Object keys, Object value) {
    var dict = new Dict();
    for (var items = Values.iterate(meter, keys); items.hasNext(); )
      dict.put(meter, items.next(), value);
    return dict;
  }
}
