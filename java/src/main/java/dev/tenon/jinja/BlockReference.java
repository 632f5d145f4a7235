package dev.tenon.jinja;

/// A block that prints itself once more when it is called.
///
/// @param block the block
/// @param scope where it looks names up
record BlockReference(Statement.Block block, Scope scope) implements Callable {
  @Override
  public Object call(Interpreter in, Arguments given) {
    if (!given.equals(Arguments.NONE)) throw new TemplateException("a block takes no arguments");
    var text = in.capture(() -> in.runBlock(block, scope));
    return in.autoescape() ? new Markup(text) : text;
  }
}
