package dev.tenon.grammar;

import java.nio.charset.StandardCharsets;

/// Whether a text has the form of a grammar, and if not, where it departs from it.
///
/// @param accepted whether it has
/// @param premature whether it is well as far as it goes, but ends where it must go on
/// @param offset the byte at which the first character stands that does not fit, or the number of
///     bytes; -1 where the text is accepted
/// @param line that character's line, from 1; 0 where the text is accepted
/// @param column that character's place among the characters (code points) of the line, from 1; 0
///     where the text is accepted
/// @param message what is wrong, with the place; `accepted` where nothing is
public record Match(
    boolean accepted, boolean premature, int offset, int line, int column, String message) {
  static final Match ACCEPTED = new Match(true, false, -1, 0, 0, "accepted");

  static Match failure(byte[] utf8, int offset, boolean premature) {
    int line = 1;
    int start = 0;
    for (int i = 0; i < offset; i++) {
      if (utf8[i] == '\n') {
        line++;
        start = i + 1;
      }
    }
    int column = 1;
    for (int i = start; i < offset; i++) {
      column += (utf8[i] & 0xc0) == 0x80 ? 0 : 1;
    }
    var message =
        "line "
            + line
            + ", column "
            + column
            + (premature
                ? ": the text ends where the grammar goes on"
                : ": the grammar has no place for " + found(utf8, offset))
            + " (byte "
            + offset
            + ")";
    return new Match(false, premature, offset, line, column, message);
  }

  private static String found(byte[] utf8, int offset) {
    int n = Math.min(4, utf8.length - offset);
    var text = new String(utf8, offset, n, StandardCharsets.UTF_8);
    int c = text.codePointAt(0);
    boolean valid =
        c != 0xfffd || n >= 3 && utf8[offset] == (byte) 0xef && utf8[offset + 1] == (byte) 0xbf;
    return valid ? Grammar.quoted(c) : String.format("the byte 0x%02X, no UTF-8", utf8[offset]);
  }
}
