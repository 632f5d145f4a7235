package dev.tenon.jinja;

/// A method of a value, ready to be called.
///
/// @param self the value
/// @param function the method
record Method(Object self, Callable function) implements Callable {
  @Override
  public Object call(Interpreter in, Arguments given) {
    return function.call(in, given.after(self));
  }
}
