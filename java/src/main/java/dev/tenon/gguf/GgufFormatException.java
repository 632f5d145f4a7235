package dev.tenon.gguf;

import java.io.IOException;
import java.nio.file.Path;

/// A file that is not what it must be. The message, one line, has the file, the byte offset, what
/// was expected there and what was found.
public final class GgufFormatException extends IOException {
  private static final long serialVersionUID = 1;

  private static final int QUOTED_CHARACTERS = 80;

  /// Byte offset, or -1.
  private final long offset;

  /// Says what is wrong with a file. Control characters, which names from a file may have, are
  /// written as escapes.
  ///
  /// @param file the file, or the part of a split set
  /// @param offset where it is wrong, in bytes from the start of the file; -1 where there is no
  ///     single place
  /// @param expected what must be there, for example `a power of two`
  /// @param found what is there
  public GgufFormatException(Path file, long offset, String expected, String found) {
    super(
        oneLine(
            file
                + (offset < 0 ? "" : ": byte " + offset)
                + ": expected "
                + expected
                + ", found "
                + found));
    this.offset = offset;
  }

  /// {@return where the file is wrong, in bytes from its start; -1 where there is no single place}
  public long offset() {
    return offset;
  }

  /// {@return a name from a file as messages have it: quoted, cut where it is long}
  static String quote(String name) {
    return name.length() <= QUOTED_CHARACTERS
        ? '"' + name + '"'
        : '"' + name.substring(0, QUOTED_CHARACTERS) + "…\"";
  }

  private static String oneLine(String message) {
    var line = new StringBuilder(message.length());
    message
        .codePoints()
        .forEach(
            c -> {
              switch (Character.getType(c)) {
                case Character.CONTROL,
                    Character.FORMAT,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.SURROGATE ->
                    line.append(c < 0x10000 ? "\\u%04x".formatted(c) : "\\U%06x".formatted(c));
                default -> line.appendCodePoint(c);
              }
            });
    return line.toString();
  }
}
