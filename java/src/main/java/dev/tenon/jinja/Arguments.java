package dev.tenon.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The values that a call is given.
///
/// @param positional those without a name
/// @param named those with one, in their order
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /// {@return these after a first one}
  Arguments after(Object first) {
    var all = new ArrayList<Object>(positional.size() + 1);
    all.add(first);
    all.addAll(positional);
    return new Arguments(all, named);
  }

  /// {@return these with one more that has a name}
  Arguments with(String name, Object value) {
    var all = new LinkedHashMap<>(named);
    all.put(name, value);
    return new Arguments(positional, all);
  }
}
