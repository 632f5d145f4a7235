package dev.tenon.jinja;

import java.util.List;
import java.util.regex.Pattern;

/// Finds addresses in text and makes links of them, as Jinja2's `urlize` does.
final class Urls {
  /// The longest word that may be an address.
  private static final int MAX_LENGTH = 2000;

  private static final String WORD = "[\\p{L}\\p{N}_]";
  private static final Pattern SPACES = Pattern.compile(Lexer.SPACE + "+");
  private static final Pattern HEAD = Pattern.compile("^(?:[(<]|&lt;)+");
  private static final Pattern TAIL = Pattern.compile("(?:[)>.,\\n]|&gt;)+$");
  private static final Pattern EMAIL =
      Pattern.compile("\\S+@" + WORD + "[\\p{L}\\p{N}_.-]*\\." + WORD + "+");
  private static final Pattern HTTP =
      Pattern.compile(
          "(?:(?:https?://|www\\.)(?:(?:[\\p{L}\\p{N}_%-]+\\.)+)?(?:[a-z]{2,63}"
              + "|xn--[\\p{L}\\p{N}_%]{2,59})|(?:[\\p{L}\\p{N}_%-]{2,63}\\.)+(?:com|net|int|edu|gov"
              + "|org|info|mil)|https?://(?:\\d{1,3}(?:\\.\\d{1,3}){3}"
              + "|\\[(?:[\\da-f]{0,4}:){2}(?:[\\da-f]{0,4}:?){1,6}\\]))"
              + "(?::\\d{1,5})?(?:[/?#]\\S*)?",
          Pattern.CASE_INSENSITIVE);

  private static final String[][] BRACKETS = {{"(", ")"}, {"<", ">"}, {"&lt;", "&gt;"}};

  private final Meter meter;
  private final int limit;
  private final String attributes;
  private final List<String> schemes;

  /// @param limit the most characters shown of an address, below 0 for all
  /// @param relations what a link's `rel` says
  /// @param target what a link's `target` says, empty for none
  /// @param schemes further beginnings of addresses
  Urls(Meter meter, int limit, String relations, String target, List<String> schemes) {
    this.meter = meter;
    this.limit = limit;
    this.schemes = schemes;
    attributes =
        " rel=\"%s\"".formatted(Markup.escape(relations))
            + (target.isEmpty() ? "" : " target=\"%s\"".formatted(Markup.escape(target)));
  }

  /// {@return escaped text with links in place of addresses}
  String link(String html) {
    var out = new Output(meter);
    var spaces = SPACES.matcher(html);
    int start = 0;
    while (spaces.find()) {
      out.append(word(html.substring(start, spaces.start()))).append(spaces.group());
      start = spaces.end();
    }
    return out.append(word(html.substring(start))).toString();
  }

  private String word(String word) {
    meter.step();
    if (word.length() > MAX_LENGTH) return word;
    var head = HEAD.matcher(word);
    int headEnd = head.lookingAt() ? head.end() : 0;
    var middle = word.substring(headEnd);
    var tail = "";
    var tailMatch = TAIL.matcher(middle);
    if (tailMatch.find()) {
      tail = tailMatch.group();
      middle = middle.substring(0, tailMatch.start());
    }
    for (var pair : BRACKETS) {
      // A closing bracket belongs to the address where an opening one does.
      long open = Strings.count(middle, pair[0]);
      if (open <= Strings.count(middle, pair[1])) continue;
      for (long left = Math.min(open, Strings.count(tail, pair[1])); left > 0; left--) {
        int end = tail.indexOf(pair[1]) + pair[1].length();
        middle += tail.substring(0, end);
        tail = tail.substring(end);
      }
    }
    return word.substring(0, headEnd) + linked(middle) + tail;
  }

  private String linked(String text) {
    if (HTTP.matcher(text).matches()) {
      boolean whole = text.startsWith("https://") || text.startsWith("http://");
      return "<a href=\"%s\"%s>%s</a>"
          .formatted(whole ? text : "https://" + text, attributes, shown(text));
    }
    if (text.startsWith("mailto:") && EMAIL.matcher(text.substring(7)).matches())
      return "<a href=\"%s\">%s</a>".formatted(text, text.substring(7));
    if (text.contains("@")
        && !text.startsWith("www.")
        && !text.startsWith("@")
        && !text.contains(":")
        && EMAIL.matcher(text).matches())
      return "<a href=\"mailto:%s\">%s</a>".formatted(text, text);
    var result = text;
    for (var scheme : schemes)
      if (!result.equals(scheme) && result.startsWith(scheme))
        result = "<a href=\"%s\"%s>%s</a>".formatted(result, attributes, result);
    return result;
  }

  private String shown(String text) {
    return limit < 0 || Strings.length(text) <= limit ? text : Strings.part(text, 0, limit) + "...";
  }
}
