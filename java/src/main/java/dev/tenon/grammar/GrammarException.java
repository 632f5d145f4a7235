package dev.tenon.grammar;

/// A grammar or a JSON Schema that cannot be used. The message says where it is wrong.
public final class GrammarException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  /// Line of the grammar's text, from 1; 0 where none is to blame.
  private final int line;

  /// Code point of that line, from 1; 0 where none is to blame.
  private final int column;

  GrammarException(String message) {
    super(message);
    line = 0;
    column = 0;
  }

  private GrammarException(String message, int line, int column) {
    super("line " + line + ", column " + column + ": " + message);
    this.line = line;
    this.column = column;
  }

  /// {@return what is wrong at one place of a text}
  ///
  /// @param text the grammar
  /// @param at index into it, at most its length
  static GrammarException at(String text, int at, String message) {
    int line = 1;
    int start = 0;
    for (int i = 0; i < at; i++) {
      if (text.charAt(i) == '\n') {
        line++;
        start = i + 1;
      }
    }
    return new GrammarException(message, line, 1 + text.codePointCount(start, at));
  }

  /// {@return the line of the grammar, from 1, or 0 where the mistake has no place in its text}
  public int line() {
    return line;
  }

  /// {@return the code point of the line, from 1, or 0 where the mistake has no place in the text}
  public int column() {
    return column;
  }
}
