package dev.tenon.jinja;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// What can stand after `|`.
final class Filters {
  private static final Map<String, Builtin> ALL = new HashMap<>();

  private Filters() {}

  static {
    for (var group : List.of(TextFilters.ALL, NumberFilters.ALL, ListFilters.ALL, HtmlFilters.ALL))
      for (var filter : group) ALL.put(filter.name(), filter);
    ALL.put("d", ALL.get("default"));
    ALL.put("e", ALL.get("escape"));
    ALL.put("count", ALL.get("length"));
  }

  static boolean has(String name) {
    return name != null && ALL.containsKey(name);
  }

  /// {@return a filter}
  ///
  /// @throws TemplateException if there is none of that name
  static Builtin get(String name) {
    var filter = ALL.get(name);
    if (filter == null) throw new TemplateException("No filter named '" + name + "'.");
    return filter;
  }

  /// {@return a value's text, as filters take what is no text}
  static String soft(Interpreter in, Object value) {
    return Repr.text(in.meter(), value);
  }

  /// {@return a text, as HTML where the value it was made from is}
  static Object like(Object value, String text) {
    return value instanceof Markup ? new Markup(text) : text;
  }
}
