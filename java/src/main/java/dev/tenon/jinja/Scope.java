package dev.tenon.jinja;

import java.util.HashMap;
import java.util.Map;

/// Names and their values; what is not here is looked up further out.
final class Scope {
  /// What a name is that exists nowhere, or not yet.
  static final Object MISSING = new Object();

  private final Scope outer;
  private final Map<String, Object> values;

  Scope(Scope outer) {
    this(outer, new HashMap<>());
  }

  /// A scope over values that are given.
  Scope(Scope outer, Map<String, Object> values) {
    this.outer = outer;
    this.values = values;
  }

  /// {@return a name's value, or [#MISSING]}
  Object get(String name) {
    for (var scope = this; scope != null; scope = scope.outer) {
      var value = scope.values.get(name);
      if (value != null || scope.values.containsKey(name)) return value;
    }
    return MISSING;
  }

  void set(String name, Object value) {
    values.put(name, value);
  }

  void clear() {
    values.clear();
  }
}
