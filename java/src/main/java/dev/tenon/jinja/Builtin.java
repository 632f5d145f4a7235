package dev.tenon.jinja;

import java.util.List;

/// A function that every template has: a filter, a test, a global or a method.
///
/// @param name its name
/// @param signature its parameters; a filter's, a test's or a method's first is what it is applied
///     to
/// @param body what it does
record Builtin(String name, Signature signature, Body body) implements Callable {
  /// What a function does.
  interface Body {
    /// @param in the rendering
    /// @param a the arguments, one for each parameter
    /// @return a value, null for `None`
    Object apply(Interpreter in, Object[] a);
  }

  Builtin(String name, String signature, Body body) {
    this(name, new Signature(signature), body);
  }

  @Override
  public Object call(Interpreter in, Arguments given) {
    in.meter().step();
    var result = body.apply(in, signature.bind(name, given));
    if (result instanceof String text) in.meter().characters(text.length());
    else if (result instanceof List<?> list) in.meter().elements(list.size());
    return result;
  }
}
