package dev.tenon.jinja;

import java.util.function.IntPredicate;

/// What kind of character a code point is, as Python's methods of texts ask.
final class Characters {
  private Characters() {}

  static boolean isSpace(int c) {
    return c >= 0x09 && c <= 0x0d
        || c >= 0x1c && c <= 0x20
        || c == 0x85
        || c == 0xa0
        || c == 0x1680
        || c >= 0x2000 && c <= 0x200a
        || c == 0x2028
        || c == 0x2029
        || c == 0x202f
        || c == 0x205f
        || c == 0x3000;
  }

  static boolean isLineEnd(int c) {
    return c >= 0x0a && c <= 0x0d
        || c >= 0x1c && c <= 0x1e
        || c == 0x85
        || c == 0x2028
        || c == 0x2029;
  }

  static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL,
          Character.FORMAT,
          Character.SURROGATE,
          Character.PRIVATE_USE,
          Character.UNASSIGNED,
          Character.LINE_SEPARATOR,
          Character.PARAGRAPH_SEPARATOR ->
          false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }

  static boolean isAlpha(int c) {
    return Character.isLetter(c);
  }

  static boolean isDecimal(int c) {
    return Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER;
  }

  /// Decimal digits and those that stand alone, such as superscripts.
  static boolean isDigit(int c) {
    return isDecimal(c)
        || c == 0xb2
        || c == 0xb3
        || c == 0xb9
        || c >= 0x1369 && c <= 0x1371
        || c == 0x19da
        || c == 0x2070
        || c >= 0x2074 && c <= 0x2079
        || c >= 0x2080 && c <= 0x2089
        || c >= 0x2460 && c <= 0x2468
        || c >= 0x2474 && c <= 0x247c
        || c >= 0x2488 && c <= 0x2490
        || c == 0x24ea
        || c >= 0x24f5 && c <= 0x24fd
        || c == 0x24ff
        || c >= 0x2776 && c <= 0x277e
        || c >= 0x2780 && c <= 0x2788
        || c >= 0x278a && c <= 0x2792
        || c >= 0x10a40 && c <= 0x10a43
        || c >= 0x10e60 && c <= 0x10e68
        || c >= 0x11052 && c <= 0x1105a
        || c >= 0x1f100 && c <= 0x1f10a;
  }

  /// Everything that stands for a number, Chinese numerals too.
  static boolean isNumeric(int c) {
    int type = Character.getType(c);
    return type == Character.DECIMAL_DIGIT_NUMBER
        || type == Character.LETTER_NUMBER
        || type == Character.OTHER_NUMBER
        || Character.isIdeographic(c)
            && "㐅㒃㠪㭍一七万三九二五亖亿什仟仨伍佰億兆兩八六十千卄卅卌叁参參叄四壱壹弌弍弎弐廾廿捌拾柒柶漆玖百肆萬貮貳贰阡陆陌陸零".indexOf(c) >= 0;
  }

  static boolean isAlphanumeric(int c) {
    return isAlpha(c) || isNumeric(c) || isDigit(c);
  }

  static boolean isCased(int c) {
    return Character.isLowerCase(c) || Character.isUpperCase(c) || Character.isTitleCase(c);
  }

  static boolean isWord(int c) {
    return isAlphanumeric(c) || c == '_';
  }

  /// Whether a character can stand in a name, as far as Jinja's lexer is concerned.
  static boolean isNamePart(int c) {
    int type = Character.getType(c);
    return isWord(c)
        || type == Character.NON_SPACING_MARK
        || type == Character.COMBINING_SPACING_MARK
        || type == Character.CONNECTOR_PUNCTUATION
        || c == 0xb7
        || c == 0x387;
  }

  static boolean isIdentifier(String text) {
    if (text.isEmpty()) return false;
    int first = text.codePointAt(0);
    return (first == '_' || Character.isUnicodeIdentifierStart(first))
        && text.codePoints()
            .skip(1)
            .allMatch(
                c ->
                    c == '_'
                        || Character.isUnicodeIdentifierPart(c)
                            && !Character.isIdentifierIgnorable(c));
  }

  /// {@return whether a text has characters and all of them are of a kind}
  static boolean all(String text, IntPredicate kind) {
    return !text.isEmpty() && text.codePoints().allMatch(kind);
  }

  /// {@return whether a text has cased characters and all of them are lower case}
  static boolean isLower(String text) {
    return text.codePoints().anyMatch(Character::isLowerCase)
        && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
  }

  /// {@return whether a text has cased characters and all of them are upper case}
  static boolean isUpper(String text) {
    return text.codePoints().anyMatch(Character::isUpperCase)
        && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
  }

  /// {@return whether every word begins with an upper case character and goes on with lower case}
  static boolean isTitle(String text) {
    boolean cased = false;
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      boolean upper = Character.isUpperCase(c) || Character.isTitleCase(c);
      if (upper && inWord || Character.isLowerCase(c) && !inWord) return false;
      inWord = upper || Character.isLowerCase(c);
      cased |= inWord;
    }
    return cased;
  }
}
