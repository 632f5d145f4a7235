package dev.tenon.jinja;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// HTML as text.
final class Html {
  private static final Pattern REFERENCE =
      Pattern.compile("&(#[0-9]+;?|#[xX][0-9a-fA-F]+;?|[^\\t\\n\\f <&#;]{1,32};?)");

  /// What numbers 0x80 to 0x9f stand for, from Windows' character set.
  private static final String WINDOWS =
      "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d"
          + "\u008f\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153"
          + "\u009d\u017e\u0178";

  private Html() {}

  /// The named references, read when they are first needed.
  private static final class Entities {
    static final Map<String, String> ALL = read();

    private static Map<String, String> read() {
      var all = new HashMap<String, String>();
      try (var in =
          new BufferedReader(
              new InputStreamReader(
                  Html.class.getResourceAsStream("entities.txt"), StandardCharsets.UTF_8))) {
        for (var line = in.readLine(); line != null; line = in.readLine()) {
          if (line.startsWith("#")) continue;
          var parts = line.split(" ");
          var text = new StringBuilder();
          for (int i = 1; i < parts.length; i++)
            text.appendCodePoint(Integer.parseInt(parts[i], 16));
          all.put(parts[0], text.toString());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
      return all;
    }
  }

  /// {@return a text with characters in place of references such as `&amp;`}
  static String unescape(String text) {
    if (text.indexOf('&') < 0) return text;
    return REFERENCE.matcher(text).replaceAll(match -> Matcher.quoteReplacement(character(match)));
  }

  private static String character(MatchResult match) {
    var name = match.group(1);
    if (name.startsWith("#")) return numbered(name);
    var found = Entities.ALL.get(name);
    if (found != null) return found;
    for (int end = name.length() - 1; end > 1; end--) {
      found = Entities.ALL.get(name.substring(0, end));
      if (found != null) return found + name.substring(end);
    }
    return match.group();
  }

  private static String numbered(String reference) {
    var digits =
        reference.endsWith(";")
            ? reference.substring(1, reference.length() - 1)
            : reference.substring(1);
    boolean hexadecimal = digits.startsWith("x") || digits.startsWith("X");
    if (hexadecimal) digits = digits.substring(1);
    digits = digits.replaceFirst("^0+(?=.)", "");
    long code =
        digits.length() > 9 ? Long.MAX_VALUE : Long.parseLong(digits, hexadecimal ? 16 : 10);
    if (code == 0 || code >= 0xd800 && code <= 0xdfff || code > Character.MAX_CODE_POINT)
      return "\ufffd";
    if (code >= 0x80 && code <= 0x9f)
      return WINDOWS.substring((int) code - 0x80, (int) code - 0x7f);
    if (code == 0x0d) return "\r";
    boolean none =
        code < 0x20 && code != '\t' && code != '\n' && code != '\f'
            || code == 0x7f
            || code >= 0xfdd0 && code <= 0xfdef
            || (code & 0xfffe) == 0xfffe;
    return none ? "" : Character.toString((int) code);
  }

  /// {@return HTML without its tags and comments, runs of white space as one space}
  static String stripTags(String html) {
    var text = new StringBuilder();
    int position = 0;
    for (int start; (start = html.indexOf('<', position)) >= 0; ) {
      boolean comment = html.startsWith("<!--", start);
      int end = comment ? html.indexOf("-->", start + 4) : html.indexOf('>', start);
      if (end < 0) break;
      text.append(html, position, start);
      position = end + (comment ? 3 : 1);
    }
    text.append(html, position, html.length());
    return unescape(String.join(" ", Strings.split(text.toString(), null, -1)));
  }
}
