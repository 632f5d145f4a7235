package dev.tenon.tokenizer;

/// Finds places in a text that are given by the bytes of its UTF-8. Places are asked for in
/// ascending order, so that a text is gone through once.
final class Utf8Cursor {
  private final String text;

  /// The character that the last place was in: where it begins in UTF-16 and in UTF-8.
  private int at;

  private int bytes;

  /// @param text without half surrogate pairs
  Utf8Cursor(String text) {
    this.text = text;
  }

  /// {@return where the character begins that has a byte; the end of the text where there is none}
  int floor(int place) {
    while (at < text.length() && bytes + length(text.charAt(at)) <= place) {
      bytes += length(text.charAt(at));
      at += Character.isHighSurrogate(text.charAt(at)) ? 2 : 1;
    }
    return at;
  }

  /// {@return where the characters end whose bytes end at a place, or after it}
  int ceil(int place) {
    int from = floor(place);
    if (bytes >= place || from == text.length()) {
      return from;
    }
    return from + (Character.isHighSurrogate(text.charAt(from)) ? 2 : 1);
  }

  /// {@return the length in UTF-8 of the character that a unit begins}
  private static int length(char c) {
    return c < 0x80 ? 1 : c < 0x800 ? 2 : Character.isHighSurrogate(c) ? 4 : 3;
  }
}
