package dev.tenon.jinja;

import dev.tenon.jinja.Statement.Definition;
import java.util.LinkedHashMap;

/// A macro, or the body of a call block.
///
/// @param definition its parameters and body
/// @param scope where it was defined, in which its body looks names up
record Macro(Definition definition, Scope scope) implements Callable {
  @Override
  public Object call(Interpreter in, Arguments given) {
    in.meter().enter();
    var inside = bind(in, given);
    var text = in.capture(() -> in.run(definition.body(), inside));
    in.meter().leave();
    return in.autoescape() ? new Markup(text) : text;
  }

  private Scope bind(Interpreter in, Arguments given) {
    var inside = new Scope(scope);
    var parameters = definition.parameters();
    var named = new LinkedHashMap<>(given.named());
    int positional = Math.min(parameters.size(), given.positional().size());
    for (int i = 0; i < parameters.size(); i++) {
      var name = parameters.get(i);
      if (i < positional) inside.set(name, given.positional().get(i));
      else if (named.containsKey(name)) inside.set(name, named.remove(name));
      else inside.set(name, Scope.MISSING);
    }
    if (definition.usesCaller() && !parameters.contains("caller")) {
      var caller = named.remove("caller");
      inside.set("caller", caller != null ? caller : Undefined.because("No caller defined"));
    }
    if (definition.usesKwargs()) {
      var rest = new Dict();
      named.forEach(rest::put);
      inside.set("kwargs", rest);
    } else if (!named.isEmpty()) {
      throw new TemplateException(
          named.containsKey("caller")
              ? label() + " was invoked with two values for the special caller argument"
              : label() + " takes no keyword argument '" + named.firstEntry().getKey() + "'");
    }
    if (definition.usesVarargs())
      inside.set(
          "varargs", new Tuple(given.positional().subList(positional, given.positional().size())));
    else if (given.positional().size() > parameters.size())
      throw new TemplateException(
          label() + " takes not more than " + parameters.size() + " argument(s)");
    setDefaults(in, inside);
    return inside;
  }

  private void setDefaults(Interpreter in, Scope inside) {
    var parameters = definition.parameters();
    int first = parameters.size() - definition.defaults().size();
    for (int i = 0; i < parameters.size(); i++) {
      var name = parameters.get(i);
      if (inside.get(name) != Scope.MISSING) continue;
      inside.set(
          name,
          i < first
              ? Undefined.because("parameter '" + name + "' was not provided")
              : in.evaluate(definition.defaults().get(i - first), inside));
    }
  }

  /// {@return an attribute, or [Scope#MISSING]}
  Object attribute(String name) {
    return switch (name) {
      case "name" -> definition.name();
      case "arguments" -> new Tuple(java.util.List.copyOf(definition.parameters()));
      case "catch_kwargs" -> definition.usesKwargs();
      case "catch_varargs" -> definition.usesVarargs();
      case "caller" -> definition.usesCaller();
      case "explicit_caller" -> definition.parameters().contains("caller");
      default -> Scope.MISSING;
    };
  }

  private String label() {
    return "macro " + (definition.name() == null ? "None" : "'" + definition.name() + "'");
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    return System.identityHashCode(this);
  }
}
