package dev.tenon.jinja;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A dict: keys as Python compares them (`1`, `1.0` and `true` are one), in the order they came.
final class Dict {
  private final Map<Object, Object> values = new LinkedHashMap<>();

  /// The keys that were written otherwise than they are compared.
  private Map<Object, Object> written;

  /// A tuple as a key.
  private record TupleKey(List<Object> items) {}

  /// {@return what a value is compared as, as a key}
  ///
  /// @throws TemplateException if the value can be no key
  static Object key(Meter meter, Object value) {
    return switch (value) {
      case null -> null;
      case String text -> text;
      case Long number -> number;
      case Boolean truth -> truth ? 1L : 0L;
      case Double number ->
          Numbers.isWhole(number) ? Numbers.normal(Numbers.toInteger(number)) : number;
      case Markup markup -> markup.text();
      case Undefined _ -> Undefined.KEY;
      case Tuple tuple -> {
        meter.enter();
        var items = new ArrayList<Object>(tuple.items().size());
        for (var item : tuple.items()) {
          meter.step();
          meter.characters(64);
          items.add(key(meter, item));
        }
        meter.leave();
        yield new TupleKey(items);
      }
      case List<?> list -> throw unhashable(list);
      case Dict dict -> throw unhashable(dict);
      case DictView view when view.kind() != DictView.Kind.VALUES -> throw unhashable(view);
      default -> value;
    };
  }

  private static TemplateException unhashable(Object value) {
    return new TemplateException("unhashable type: '" + Types.name(value) + "'");
  }

  void put(String key, Object value) {
    values.put(key, value);
  }

  void put(Meter meter, Object key, Object value) {
    var compared = key(meter, key);
    if (key instanceof Boolean
        || key instanceof Double
        || key instanceof Markup
        || key instanceof Tuple
        || key instanceof Undefined) {
      if (!values.containsKey(compared)) {
        if (written == null) written = new HashMap<>();
        written.put(compared, key);
      }
    }
    values.put(compared, value);
  }

  void putAll(Dict other) {
    for (var entry : other.values.entrySet()) {
      if (other.written != null
          && other.written.containsKey(entry.getKey())
          && !values.containsKey(entry.getKey())) {
        if (written == null) written = new HashMap<>();
        written.put(entry.getKey(), other.written.get(entry.getKey()));
      }
      values.put(entry.getKey(), entry.getValue());
    }
  }

  boolean has(Meter meter, Object key) {
    return values.containsKey(key(meter, key));
  }

  /// {@return the value of a key, or the other where there is none}
  Object get(Meter meter, Object key, Object otherwise) {
    var compared = key(meter, key);
    var value = values.get(compared);
    return value != null || values.containsKey(compared) ? value : otherwise;
  }

  int size() {
    return values.size();
  }

  /// {@return the keys, as written}
  Iterator<Object> keys() {
    var keys = values.keySet().iterator();
    if (written == null) return keys;
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return keys.hasNext();
      }

      @Override
      public Object next() {
        var key = keys.next();
        return written.getOrDefault(key, key);
      }
    };
  }

  Iterator<Object> values() {
    return values.values().iterator();
  }

  /// {@return pairs of key and value}
  Iterator<Object> items() {
    var keys = keys();
    var inOrder = values.values().iterator();
    return new Iterator<>() {
      @Override
      public boolean hasNext() {
        return keys.hasNext();
      }

      @Override
      public Object next() {
        return Tuple.of(keys.next(), inOrder.next());
      }
    };
  }
}
