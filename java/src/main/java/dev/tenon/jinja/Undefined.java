package dev.tenon.jinja;

/// What a name, an attribute or an item is that does not exist: false, empty, printed as nothing;
/// whatever else is done with it is an error.
final class Undefined {
  /// What all of them are as a key of a dict.
  static final Object KEY = new Object();

  private final String message;

  private Undefined(String message) {
    this.message = message;
  }

  static Undefined name(String name) {
    return new Undefined("'" + name + "' is undefined");
  }

  static Undefined attribute(Object of, String name) {
    return new Undefined("'" + Types.name(of) + " object' has no attribute '" + name + "'");
  }

  static Undefined item(Object of, Object key) {
    return key instanceof String name
        ? attribute(of, name)
        : new Undefined(
            Types.name(of)
                + " object has no element "
                + (key instanceof Long || key == null ? Repr.of(key) : Types.name(key)));
  }

  /// An attribute that the sandbox hides.
  static Undefined unsafe(Object of, String name) {
    return new Undefined(
        "access to attribute '" + name + "' of '" + Types.name(of) + "' object is unsafe.");
  }

  static Undefined because(String message) {
    return new Undefined(message);
  }

  /// {@return the error of using it}
  TemplateException error() {
    return new TemplateException(message);
  }
}
