package dev.tenon.jinja;

/// A template that cannot be read or rendered: what is wrong and where.
///
/// The message begins with the place: `line 3, column 7: 'messages' is undefined`.
public final class TemplateException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  private final String reason;
  private final int line;
  private final int column;

  /// What is wrong in an operation that knows no place; the interpreter adds it.
  TemplateException(String reason) {
    this(reason, 0, 0, null);
  }

  TemplateException(String reason, Position at) {
    this(reason, at.line(), at.column(), null);
  }

  private TemplateException(String reason, int line, int column, TemplateException cause) {
    super(line > 0 ? "line " + line + ", column " + column + ": " + reason : reason, cause);
    this.reason = reason;
    this.line = line;
    this.column = column;
  }

  /// {@return this with a place, unless it has one}
  TemplateException at(Position place) {
    return line > 0 ? this : new TemplateException(reason, place.line(), place.column(), this);
  }

  /// {@return what is wrong, without the place; what the template gave `raise_exception`}
  public String reason() {
    return reason;
  }

  /// {@return the line in the template's source, from 1; 0 where no place is to blame}
  public int line() {
    return line;
  }

  /// {@return the column in that line in UTF-16 units, from 1; 0 where no place is to blame}
  public int column() {
    return column;
  }
}
