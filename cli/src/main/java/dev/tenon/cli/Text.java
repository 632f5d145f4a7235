package dev.tenon.cli;

import java.util.Locale;

/// How texts and numbers look to a person.
final class Text {
  private Text() {}

  /// {@return the text with escapes (`\n`, `\u001b`) in place of what would move a cursor or change
  /// a colour}
  static String visible(String text) {
    int i = 0;
    while (i < text.length() && !isControl(text.charAt(i))) {
      i++;
    }
    if (i == text.length()) {
      return text;
    }
    var shown = new StringBuilder(text.length() + 16).append(text, 0, i);
    for (; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\n' -> shown.append("\\n");
        case '\r' -> shown.append("\\r");
        case '\t' -> shown.append("\\t");
        default -> {
          if (isControl(c)) {
            shown.append(String.format("\\u%04x", (int) c));
          } else {
            shown.append(c);
          }
        }
      }
    }
    return shown.toString();
  }

  /// Controls of ASCII and Latin 1, line separators, and marks that turn the direction of text.
  /// {@return a text on one line: its line ends are spaces}
  static String oneLine(String text) {
    return text.replace("\r", "").replace('\n', ' ');
  }

  private static boolean isControl(char c) {
    return Character.isISOControl(c)
        || c >= '\u2028' && c <= '\u202e'
        || c >= '\u2066' && c <= '\u2069';
  }

  /// {@return for example `1.24 GiB`}
  static String bytes(long bytes) {
    if (bytes < 1024) {
      return bytes + " B";
    }
    double size = bytes;
    int unit = -1;
    while (size >= 1024 && unit < 4) {
      size /= 1024;
      unit++;
    }
    return String.format(Locale.ROOT, "%.2f %ciB", size, "KMGTP".charAt(unit));
  }

  /// {@return for example `1.24 B`}
  static String count(long count) {
    if (count >= 1_000_000_000) {
      return String.format(Locale.ROOT, "%.2f B", count / 1e9);
    }
    return count >= 1_000_000 ? String.format(Locale.ROOT, "%.2f M", count / 1e6) : "" + count;
  }
}
