package dev.tenon.cli;

import java.util.regex.Pattern;

/// Inputs of several lines: `"""` opens one, alone or as the text of `/system`, and the next `"""`
/// at the end of a line closes it.
final class Multiline {
  private static final String QUOTES = "\"\"\"";
  private static final Pattern OPENING =
      Pattern.compile("\\s*(?:/(?:set\\s+)?system\\s+)?(?=" + QUOTES + ")");
  private static final Pattern CLOSING = Pattern.compile(QUOTES + "[ \\t]*(?=\\n|\\z)");

  private Multiline() {}

  /// {@return whether more lines belong to the input}
  static boolean isOpen(String input) {
    var opening = OPENING.matcher(input);
    return opening.lookingAt() && !CLOSING.matcher(input).find(opening.end() + QUOTES.length());
  }

  /// {@return the input without the quotes, and without the line ends just inside them}
  static String unquoted(String input) {
    var opening = OPENING.matcher(input);
    if (!opening.lookingAt()) {
      return input;
    }
    var closing = CLOSING.matcher(input);
    int from = opening.end() + QUOTES.length();
    boolean closed = closing.find(from);
    var inside = input.substring(from, closed ? closing.start() : input.length());
    if (inside.startsWith("\n")) {
      inside = inside.substring(1);
    }
    if (inside.endsWith("\n")) {
      inside = inside.substring(0, inside.length() - 1);
    }
    return input.substring(0, opening.end())
        + inside
        + (closed ? input.substring(closing.end()) : "");
  }
}
