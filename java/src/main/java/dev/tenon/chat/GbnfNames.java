package dev.tenon.chat;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Names of rules in the text of a grammar.
final class GbnfNames {
  /// A text, a class of characters, a count, or a name.
  private static final Pattern TOKEN =
      Pattern.compile(
          "\"(?:[^\"\\\\]|\\\\.)*\"|\\[(?:[^\\]\\\\]|\\\\.)*\\]|\\{[^}]*\\}|([a-zA-Z][a-zA-Z0-9-]*)");

  private GbnfNames() {}

  /// {@return the right side of a rule with other names}
  static String replace(String body, Map<String, String> names) {
    return TOKEN
        .matcher(body)
        .replaceAll(
            token ->
                Matcher.quoteReplacement(
                    token.group(1) == null
                        ? token.group()
                        : names.getOrDefault(token.group(1), token.group(1))));
  }
}
