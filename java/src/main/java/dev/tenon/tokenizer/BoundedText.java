package dev.tenon.tokenizer;

import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// A text for a regular expression of a file, which may take its time only: one that looks at its
/// characters far more often than there are characters is stopped. Used for one search; confined to
/// one thread.
final class BoundedText implements CharSequence {
  private static final int LONGEST_REGEX = 1 << 14;

  /// A backslash and what follows it, a property with its name; or the end of a class.
  private static final Pattern SYNTAX =
      Pattern.compile("\\\\(?:[pP]\\{(\\w+)\\}|.)|[\\[\\]]", Pattern.DOTALL);

  /// Characters of words are other ones in Java, and in Oniguruma a few more outside of classes.
  private static final String WORD_IN_CLASS = "[\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}]";

  private static final String WORD = WORD_IN_CLASS.replace("]", "\u00b2\u00b3\u00b9\u00bc-\u00be]");
  private static final String EDGE = "(?:(?<=%1$s)(?!%1$s)|(?<!%1$s)(?=%1$s))".formatted(WORD);
  private static final String NO_EDGE = "(?:(?<=%1$s)(?=%1$s)|(?<!%1$s)(?!%1$s))".formatted(WORD);

  private final CharSequence text;
  private long left;

  BoundedText(CharSequence text) {
    this.text = text;
    left = 1 << 20 | 4096L * text.length();
  }

  /// {@return a compiled regular expression of Oniguruma's, which tokenizers use: classes are those
  /// of Unicode, `^` and `$` are the ends of lines, and a line feed alone ends one}
  ///
  /// @throws UnsupportedOperationException if Java does not have it; the message has it
  static Pattern compile(String what, String regex) {
    try {
      if (regex.length() > LONGEST_REGEX) {
        throw new UnsupportedOperationException(
            what + ": a regular expression of " + regex.length() + " characters");
      }
      return Pattern.compile(
          inJava(regex), Pattern.UNICODE_CHARACTER_CLASS | Pattern.MULTILINE | Pattern.UNIX_LINES);
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

  /// {@return a regular expression of Oniguruma's as Java has it: scripts are `\p{IsHan}` for
  /// `\p{Han}`, and words are made of other characters}
  private static String inJava(String regex) {
    var result = new StringBuilder();
    int end = 0;
    int depth = 0; // of classes
    for (var matcher = SYNTAX.matcher(regex); matcher.find(); end = matcher.end()) {
      var found = matcher.group();
      depth += found.equals("[") ? 1 : found.equals("]") ? -1 : 0;
      var script = matcher.group(1);
      result.append(regex, end, matcher.start());
      result.append(
          switch (found) {
            case "\\w" -> depth > 0 ? WORD_IN_CLASS : WORD;
            case "\\W" -> "[^" + (depth > 0 ? WORD_IN_CLASS : WORD).substring(1);
            case "\\b" -> depth > 0 ? found : EDGE;
            case "\\B" -> depth > 0 ? found : NO_EDGE;
            default ->
                script != null && isScript(script)
                    ? found.substring(0, 3) + "Is" + found.substring(3)
                    : found;
          });
    }
    return result.append(regex, end, regex.length()).toString();
  }

  private static boolean isScript(String name) {
    try {
      return name.length() > 2 && Character.UnicodeScript.forName(name) != null;
    } catch (IllegalArgumentException _) {
      return false;
    }
  }

  /// {@return what to throw where an expression fills the stack}
  static UnsupportedOperationException tooDeep(StackOverflowError cause) {
    return new UnsupportedOperationException(
        "a regular expression of the tokenizer goes too deep for this text", cause);
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
