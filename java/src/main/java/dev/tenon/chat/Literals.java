package dev.tenon.chat;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;

/// Values as models write them, which is JSON, Python or something between.
final class Literals {
  private static final String[][] WORDS = {{"True", "true"}, {"False", "false"}, {"None", "null"}};

  private Literals() {}

  /// {@return the value that a text stands for, or the text where it is none}
  static Object value(String text) {
    try {
      return Json.parse(text);
    } catch (JsonException _) {
      try {
        return Json.parse(json(text));
      } catch (JsonException _) {
        return text;
      }
    }
  }

  /// Writes a literal of Python's as JSON: quotes, names, and line ends in strings.
  static String json(String text) {
    var json = new StringBuilder(text.length() + 16);
    char quote = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (quote == 0) {
        int taken = word(text, i, json);
        if (taken > 0) {
          i += taken - 1;
        } else if (c == '"' || c == '\'') {
          quote = c;
          json.append('"');
        } else {
          json.append(c);
        }
      } else if (c == quote) {
        quote = 0;
        json.append('"');
      } else if (c == '\\' && i + 1 < text.length()) {
        char escaped = text.charAt(++i);
        if (escaped != '\'') json.append('\\');
        json.append(escaped);
      } else if (c == '"') {
        json.append("\\\"");
      } else if (c < ' ') {
        json.append("\\u%04x".formatted((int) c));
      } else {
        json.append(c);
      }
    }
    return json.toString();
  }

  /// Appends the JSON of a name of Python's that stands here.
  ///
  /// @return how many characters it takes, or 0
  private static int word(String text, int at, StringBuilder json) {
    if (at > 0 && isWord(text.charAt(at - 1))) return 0;
    for (var word : WORDS) {
      int end = at + word[0].length();
      if (text.startsWith(word[0], at) && (end == text.length() || !isWord(text.charAt(end)))) {
        json.append(word[1]);
        return word[0].length();
      }
    }
    return 0;
  }

  private static boolean isWord(char c) {
    return Character.isLetterOrDigit(c) || c == '_';
  }
}
