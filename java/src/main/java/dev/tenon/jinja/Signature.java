package dev.tenon.jinja;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What arguments a function takes, written as in Python: `s, width=4, first=False, *args`.
///
/// Before a `/` stand parameters that have no name outside. `*args` takes further values as a
/// [Tuple], `**kwargs` further names as a [Dict].
final class Signature {
  /// The default of a parameter that must be given.
  private static final Object REQUIRED = new Object();

  private final List<String> names = new ArrayList<>();
  private final List<Object> defaults = new ArrayList<>();
  private final Map<String, Integer> byName = new HashMap<>();
  private int positional;
  private boolean varargs;
  private boolean kwargs;

  Signature(String text) {
    for (var parameter : text.isEmpty() ? new String[0] : text.split(", (?! *')")) {
      if (parameter.equals("/")) {
        byName.clear();
      } else if (parameter.startsWith("**")) {
        kwargs = true;
      } else if (parameter.startsWith("*")) {
        varargs = true;
      } else {
        int equals = parameter.indexOf('=');
        var name = equals < 0 ? parameter : parameter.substring(0, equals);
        byName.put(name, positional++);
        names.add(name);
        defaults.add(equals < 0 ? REQUIRED : literal(parameter.substring(equals + 1)));
      }
    }
  }

  private static Object literal(String text) {
    return switch (text) {
      case "None" -> null;
      case "True" -> true;
      case "False" -> false;
      default -> {
        if (text.startsWith("'")) yield text.substring(1, text.length() - 1);
        if (text.contains(".")) yield Double.valueOf(text);
        yield Long.valueOf(text);
      }
    };
  }

  /// {@return a value for each parameter, then the tuple and the dict of what is left}
  ///
  /// @throws TemplateException if an argument is missing or too many
  Object[] bind(String function, Arguments given) {
    var bound = new Object[positional + (varargs ? 1 : 0) + (kwargs ? 1 : 0)];
    Arrays.fill(bound, 0, positional, REQUIRED);
    int count = Math.min(positional, given.positional().size());
    for (int i = 0; i < count; i++) bound[i] = given.positional().get(i);
    if (varargs)
      bound[positional] = new Tuple(given.positional().subList(count, given.positional().size()));
    else if (given.positional().size() > positional)
      throw new TemplateException(
          "%s() takes at most %d arguments, got %d"
              .formatted(function, positional, given.positional().size()));
    var others = new LinkedHashMap<String, Object>();
    given
        .named()
        .forEach(
            (name, value) -> {
              var index = byName.get(name);
              if (index == null) others.put(name, value);
              else if (bound[index] != REQUIRED)
                throw new TemplateException(
                    function + "() got multiple values for argument '" + name + "'");
              else bound[index] = value;
            });
    if (kwargs) {
      var rest = new Dict();
      others.forEach(rest::put);
      bound[bound.length - 1] = rest;
    } else if (!others.isEmpty()) {
      throw new TemplateException(
          function
              + "() got an unexpected keyword argument '"
              + others.keySet().iterator().next()
              + "'");
    }
    for (int i = 0; i < positional; i++) {
      if (bound[i] != REQUIRED) continue;
      if (defaults.get(i) == REQUIRED)
        throw new TemplateException(function + "() is missing the argument '" + names.get(i) + "'");
      bound[i] = defaults.get(i);
    }
    return bound;
  }
}
