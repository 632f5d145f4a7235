package dev.tenon.jinja;

/// What prints nothing when it is called first and a separator from then on.
final class Joiner implements Callable {
  final Object separator;
  boolean used;

  Joiner(Object separator) {
    this.separator = separator;
  }

  @Override
  public Object call(Interpreter in, Arguments given) {
    if (!given.equals(Arguments.NONE)) throw new TemplateException("a joiner takes no arguments");
    if (used) return separator;
    used = true;
    return "";
  }
}
