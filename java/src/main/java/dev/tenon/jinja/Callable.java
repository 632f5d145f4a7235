package dev.tenon.jinja;

/// What can be called.
interface Callable {
  /// Calls it.
  ///
  /// @param in the rendering
  /// @param given the arguments
  /// @return a value, null for `None`
  Object call(Interpreter in, Arguments given);
}
