package dev.tenon.metrics;

import java.util.ArrayList;
import java.util.List;

/// What Python's `str` does with a text, where Java's `String` does something else.
final class PythonText {
  private static final int CAPITAL_SIGMA = 0x3a3;
  private static final int CAPITAL_I_WITH_DOT = 0x130;

  /// What may stand inside of a word as an apostrophe, a dot or a colon does.
  private static final String OTHER_IGNORABLE =
      "'.:\u00b7\u0387\u055f\u05f4\u2018\u2019\u2024\u2027"
          + "\ufe13\ufe52\ufe55\uff07\uff0e\uff1a";

  private PythonText() {}

  /// {@return whether `str.isspace` holds, which is what `split` and `strip` go by}
  static boolean isSpace(int c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  /// {@return whether `\w` of `re` matches: a letter, a number or an underscore, but no mark}
  static boolean isWord(int c) {
    return c == '_'
        || switch (Character.getType(c)) {
          case Character.UPPERCASE_LETTER,
              Character.LOWERCASE_LETTER,
              Character.TITLECASE_LETTER,
              Character.MODIFIER_LETTER,
              Character.OTHER_LETTER,
              Character.DECIMAL_DIGIT_NUMBER,
              Character.LETTER_NUMBER,
              Character.OTHER_NUMBER ->
              true;
          default -> false;
        };
  }

  /// {@return the words between white space}
  static List<String> split(String text) {
    var words = new ArrayList<String>();
    int from = -1;
    for (int i = 0; i < text.length(); i++) {
      boolean space = isSpace(text.charAt(i)); // white space is one char each
      if (space && from >= 0) {
        words.add(text.substring(from, i));
        from = -1;
      } else if (!space && from < 0) {
        from = i;
      }
    }
    if (from >= 0) words.add(text.substring(from));
    return words;
  }

  /// {@return the text without white space at its end}
  static String stripEnd(String text) {
    int end = text.length();
    while (end > 0 && isSpace(text.charAt(end - 1))) end--;
    return text.substring(0, end);
  }

  /// {@return the text without white space around it}
  static String strip(String text) {
    int start = 0;
    while (start < text.length() && isSpace(text.charAt(start))) start++;
    return stripEnd(text.substring(start));
  }

  /// {@return the text in lower case; a capital sigma becomes ς at the end of a word}
  static String lower(String text) {
    var lower = new StringBuilder(text.length());
    for (int i = 0, c; i < text.length(); i += Character.charCount(c)) {
      c = text.codePointAt(i);
      switch (c) {
        case CAPITAL_I_WITH_DOT -> lower.append("i\u0307");
        case CAPITAL_SIGMA -> lower.append(endsWord(text, i) ? 'ς' : 'σ');
        default -> lower.appendCodePoint(Character.toLowerCase(c));
      }
    }
    return lower.toString();
  }

  /// The condition Final_Sigma of the Unicode standard, section 3.13: a cased letter before it and
  /// none after it, whatever is ignored in between. (Java's own looks at word boundaries instead.)
  private static boolean endsWord(String text, int sigma) {
    int before = sigma;
    while (before > 0 && ignorable(text.codePointBefore(before))) {
      before -= Character.charCount(text.codePointBefore(before));
    }
    if (before == 0 || !cased(text.codePointBefore(before))) return false;
    int after = sigma + 1;
    while (after < text.length() && ignorable(text.codePointAt(after))) {
      after += Character.charCount(text.codePointAt(after));
    }
    return after == text.length() || !cased(text.codePointAt(after));
  }

  private static boolean cased(int c) {
    return Character.isLowerCase(c) || Character.isUpperCase(c) || Character.isTitleCase(c);
  }

  /// The property Case_Ignorable.
  private static boolean ignorable(int c) {
    return switch (Character.getType(c)) {
      case Character.NON_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.FORMAT,
          Character.MODIFIER_LETTER,
          Character.MODIFIER_SYMBOL ->
          true;
      default -> OTHER_IGNORABLE.indexOf(c) >= 0;
    };
  }
}
