package dev.tenon.jinja;

import java.util.List;

/// A tuple, its items perhaps with names.
///
/// @param items the items
/// @param names the names of the items, empty where they have none
record Tuple(List<Object> items, List<String> names) {
  Tuple(List<Object> items) {
    this(items, List.of());
  }

  static Tuple of(Object first, Object second) {
    return new Tuple(java.util.Arrays.asList(first, second));
  }
}
