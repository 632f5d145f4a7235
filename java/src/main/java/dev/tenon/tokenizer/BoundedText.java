package dev.tenon.tokenizer;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// A text for a regular expression of a file, which may take its time only: one that looks at its
/// characters far more often than there are characters is stopped. Used for one search; confined to
/// one thread.
final class BoundedText implements CharSequence {
  private static final int LONGEST_REGEX = 1 << 14;

  private final CharSequence text;
  private long left;

  BoundedText(CharSequence text) {
    this.text = text;
    left = 1 << 20 | 4096L * text.length();
  }

  /// {@return a compiled regular expression, whose classes are those of Unicode}
  ///
  /// @throws UnsupportedOperationException if Java does not have it; the message has it
  static Pattern compile(String what, String regex) {
    try {
      if (regex.length() > LONGEST_REGEX) {
        throw new UnsupportedOperationException(
            what + ": a regular expression of " + regex.length() + " characters");
      }
      return Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS);
    } catch (PatternSyntaxException | StackOverflowError e) {
      throw new UnsupportedOperationException(
          what
              + ": the regular expression "
              + Vocabulary.quote(regex)
              + " is not supported"
              + (e instanceof PatternSyntaxException p ? ": " + p.getDescription() : ""),
          e);
    }
  }

  @Override
  public char charAt(int index) {
    if (--left < 0) {
      throw new UnsupportedOperationException(
          "a regular expression of the tokenizer takes too long for this text");
    }
    return text.charAt(index);
  }

  @Override
  public int length() {
    return text.length();
  }

  @Override
  public CharSequence subSequence(int from, int to) {
    return text.subSequence(from, to);
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
