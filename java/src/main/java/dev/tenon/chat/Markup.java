package dev.tenon.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// Texts with markers in them, `<…>` and `[…]`, and what differs between two of them.
final class Markup {
  /// A marker, as a regular expression.
  static final String MARKER = "(?:<[^>]*>|\\[[^\\]]*\\])";

  private static final Pattern A_MARKER = Pattern.compile(MARKER);

  private Markup() {}

  /// A stretch of text, or a marker.
  ///
  /// @param text what it says
  /// @param marker whether it is a marker
  record Segment(String text, boolean marker) {
    boolean blank() {
      return trim(text).isEmpty();
    }
  }

  /// Two texts: what they begin with and end with alike, and what is between.
  ///
  /// @param prefix what both begin with
  /// @param suffix what both end with
  /// @param left what only the first has
  /// @param right what only the second has
  record Difference(String prefix, String suffix, String left, String right) {}

  static List<Segment> segments(String text) {
    var segments = new ArrayList<Segment>();
    int done = 0;
    char closing = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (closing == 0 && (c == '<' || c == '[')) {
        if (done < i) segments.add(new Segment(text.substring(done, i), false));
        done = i;
        closing = c == '<' ? '>' : ']';
      } else if (closing != 0 && c == closing) {
        segments.add(new Segment(text.substring(done, i + 1), true));
        done = i + 1;
        closing = 0;
      }
    }
    if (done < text.length()) segments.add(new Segment(text.substring(done), false));
    return segments;
  }

  static List<Segment> segmentsWithText(String text) {
    return segments(text).stream().filter(segment -> !segment.blank()).toList();
  }

  /// Finds where two texts differ, without cutting a marker in two: segments are taken from both
  /// sides in turn while they are the same, then characters of what is left where that is text.
  /// As llama.cpp's `calculate_diff_split`.
  static Difference difference(String left, String right) {
    var a = segments(left);
    var b = segments(right);
    if (a.isEmpty()) return new Difference("", "", "", right);
    if (b.isEmpty()) return new Difference("", "", left, "");
    // Each side is from its first segment up to and with its last one, or without it where that
    // one is spent.
    int aFrom = 0;
    int aTo = a.size() - 1;
    int bFrom = 0;
    int bTo = b.size() - 1;
    boolean aSpent = false;
    boolean bSpent = false;
    var prefix = new StringBuilder();
    var suffix = new StringBuilder();
    while (aFrom != aTo && bFrom != bTo) {
      boolean moved = false;
      if (a.get(aFrom).equals(b.get(bFrom))) {
        prefix.append(a.get(aFrom).text());
        aFrom++;
        bFrom++;
        moved = true;
      }
      if (a.get(aTo).equals(b.get(bTo))) {
        suffix.insert(0, a.get(aTo).text());
        if (aFrom != aTo) aTo--;
        else aSpent = true;
        if (bFrom != bTo) bTo--;
        else bSpent = true;
        moved = true;
      }
      if (!moved) break;
    }
    if (aFrom == aTo && bFrom != bTo) {
      if (a.get(aFrom).equals(b.get(bTo))) {
        suffix.insert(0, b.get(bTo).text());
        bTo--;
        aSpent = true;
      } else if (a.get(aFrom).equals(b.get(bFrom))) {
        prefix.append(b.get(bFrom).text());
        bFrom++;
        aSpent = true;
      }
    } else if (bFrom == bTo && aFrom != aTo) {
      if (a.get(aTo).equals(b.get(bFrom))) {
        suffix.insert(0, a.get(aTo).text());
        aTo--;
        bSpent = true;
      } else if (a.get(aFrom).equals(b.get(bFrom))) {
        prefix.append(a.get(aFrom).text());
        aFrom++;
        bSpent = true;
      }
    } else if (aFrom == aTo
        && bFrom == bTo
        && a.get(aFrom).marker()
        && a.get(aFrom).equals(b.get(bFrom))) {
      prefix.append(b.get(bFrom).text());
      aSpent = true;
      bSpent = true;
    }
    boolean textEnds = !a.get(aTo).marker() && !b.get(bTo).marker();
    boolean textBegins = !a.get(aFrom).marker() && !b.get(bFrom).marker();
    var restA = join(a, aFrom, aSpent ? aTo : aTo + 1);
    var restB = join(b, bFrom, bSpent ? bTo : bTo + 1);
    int ending = textEnds ? commonSuffix(restA, restB) : 0;
    int beginning =
        textBegins
            ? commonPrefix(
                restA.substring(0, restA.length() - ending),
                restB.substring(0, restB.length() - ending))
            : 0;
    prefix.append(restA, 0, beginning);
    suffix.insert(0, restA.substring(restA.length() - ending));
    var onlyA = restA.substring(beginning, restA.length() - ending);
    var onlyB = restB.substring(beginning, restB.length() - ending);
    if (onlyA.isEmpty() && onlyB.isEmpty()) return new Difference(left, "", "", "");
    // Where the first text is the beginning of the second, what follows is the difference.
    if (onlyA.isEmpty() && right.startsWith(left)) {
      return new Difference(left, "", "", right.substring(left.length()));
    }
    return new Difference(prefix.toString(), suffix.toString(), onlyA, onlyB);
  }

  private static String join(List<Segment> segments, int from, int to) {
    var text = new StringBuilder();
    for (int i = from; i < to; i++) text.append(segments.get(i).text());
    return text.toString();
  }

  static int commonPrefix(String a, String b) {
    int most = Math.min(a.length(), b.length());
    int length = 0;
    while (length < most && a.charAt(length) == b.charAt(length)) length++;
    return length;
  }

  private static int commonSuffix(String a, String b) {
    int most = Math.min(a.length(), b.length());
    int length = 0;
    while (length < most
        && a.charAt(a.length() - 1 - length) == b.charAt(b.length() - 1 - length)) {
      length++;
    }
    return length;
  }

  /// {@return the text up to its first marker}
  static String beforeMarker(String text) {
    var marker = A_MARKER.matcher(text);
    return marker.find() ? text.substring(0, marker.start()) : text;
  }

  /// {@return the text from its last marker on, or null where there is none}
  static String fromLastMarker(String text) {
    var marker = A_MARKER.matcher(text);
    int last = -1;
    while (marker.find()) last = marker.start();
    return last < 0 ? null : text.substring(last);
  }

  /// {@return the first marker, or an empty text}
  static String firstMarker(String text) {
    var marker = A_MARKER.matcher(text);
    return marker.find() ? marker.group() : "";
  }

  /// {@return the last marker, or an empty text}
  static String lastMarker(String text) {
    var last = fromLastMarker(text);
    return last == null ? "" : firstMarker(last);
  }

  /// {@return the first place where a pattern fits, whose parts may be several lines, or null}
  static java.util.regex.Matcher find(String pattern, String text) {
    var matcher = Pattern.compile(pattern, Pattern.DOTALL).matcher(text);
    return matcher.find() ? matcher : null;
  }

  // White space as C has it: what markers are printed with.

  static String trim(String text) {
    return trimStart(trimEnd(text));
  }

  static String trimStart(String text) {
    int i = 0;
    while (i < text.length() && PegMatcher.isSpace(text.charAt(i))) i++;
    return text.substring(i);
  }

  static String trimEnd(String text) {
    int end = text.length();
    while (end > 0 && PegMatcher.isSpace(text.charAt(end - 1))) end--;
    return text.substring(0, end);
  }
}
