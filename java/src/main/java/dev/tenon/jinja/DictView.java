package dev.tenon.jinja;

import java.util.Iterator;

/// What a dict's `keys()`, `values()` and `items()` give.
///
/// @param dict the dict
/// @param kind which of them
record DictView(Dict dict, Kind kind) {
  enum Kind {
    KEYS("dict_keys"),
    VALUES("dict_values"),
    ITEMS("dict_items");

    final String typeName;

    Kind(String typeName) {
      this.typeName = typeName;
    }
  }

  Iterator<Object> iterator() {
    return switch (kind) {
      case KEYS -> dict.keys();
      case VALUES -> dict.values();
      case ITEMS -> dict.items();
    };
  }
}
