package dev.tenon.huggingface;

import java.io.IOException;
import java.nio.file.Path;

/// A file that is not what its name says it is.
public final class FormatException extends IOException {
  private static final long serialVersionUID = 1;

  private static final int QUOTED = 120;
  private static final int MOST = 1000;

  /// Where in the file, or -1.
  private final long offset;

  /// Says what was wrong where.
  ///
  /// @param file the file
  /// @param offset the byte in the file at which the malformed part begins
  /// @param expected what should have been there
  /// @param found what was there instead
  public FormatException(Path file, long offset, String expected, String found) {
    super(file + ", byte " + offset + ": expected " + line(expected) + ", found " + line(found));
    this.offset = offset;
  }

  /// Says what was wrong in a file of text, where a place has a name and no number.
  ///
  /// @param file the file
  /// @param place a key or line
  /// @param expected what should have been there
  /// @param found what was there instead
  public FormatException(Path file, String place, String expected, String found) {
    super(file + ", " + line(place) + ": expected " + line(expected) + ", found " + line(found));
    this.offset = -1;
  }

  /// {@return the byte in the file at which the malformed part begins, or -1 in a file of text}
  public long offset() {
    return offset;
  }

  /// {@return a text from a file as messages have it: on one line, cut where it is long}
  static String quote(String text) {
    var shown = text.length() <= QUOTED ? text : text.substring(0, QUOTED) + "…";
    return '"' + line(shown) + '"';
  }

  /// {@return a text without what would break a line, and not without end: names from a file may
  /// have anything}
  private static String line(String text) {
    var shown = text.length() <= MOST ? text : text.substring(0, MOST) + "…";
    return shown.replaceAll("\\p{Cntrl}", "\ufffd");
  }
}
