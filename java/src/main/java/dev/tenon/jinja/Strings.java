package dev.tenon.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/// What Python's texts do; their characters are code points.
final class Strings {
  private Strings() {}

  static boolean isBlank(String text) {
    return text.codePoints().allMatch(Characters::isSpace);
  }

  static int length(String text) {
    return text.codePointCount(0, text.length());
  }

  private static boolean isPlain(String text) {
    for (int i = 0; i < text.length(); i++) if (Character.isSurrogate(text.charAt(i))) return false;
    return true;
  }

  /// {@return the order of two texts by code point}
  static int compare(String a, String b) {
    int common = Math.min(a.length(), b.length());
    for (int i = 0; i < common; i++) {
      if (a.charAt(i) == b.charAt(i)) continue;
      // A low surrogate that differs follows equal high ones, so that UTF-16 tells the order too.
      return Integer.compare(a.codePointAt(i), b.codePointAt(i));
    }
    return Integer.compare(a.length(), b.length());
  }

  static Iterator<Object> characters(String text) {
    return new Iterator<>() {
      private int next;

      @Override
      public boolean hasNext() {
        return next < text.length();
      }

      @Override
      public Object next() {
        var character = Character.toString(text.codePointAt(next));
        next += character.length();
        return character;
      }
    };
  }

  /// {@return the character at an index that is within}
  static String at(String text, int index) {
    return Character.toString(text.codePointAt(text.offsetByCodePoints(0, index)));
  }

  /// {@return the characters from one index to another, both within}
  static String part(String text, int from, int to) {
    if (isPlain(text)) return text.substring(from, to);
    int start = text.offsetByCodePoints(0, from);
    return text.substring(start, text.offsetByCodePoints(start, to - from));
  }

  static String reversed(String text) {
    return new StringBuilder(text).reverse().toString();
  }

  // White space and other characters at the ends; null stands for white space.

  static String strip(String text, String characters) {
    return stripLeading(stripTrailing(text, characters), characters);
  }

  static String stripLeading(String text, String characters) {
    var dropped = oneOf(characters);
    int start = 0;
    while (start < text.length() && dropped.test(text.codePointAt(start)))
      start += Character.charCount(text.codePointAt(start));
    return text.substring(start);
  }

  static String stripTrailing(String text, String characters) {
    var dropped = oneOf(characters);
    int end = text.length();
    while (end > 0 && dropped.test(text.codePointBefore(end)))
      end -= Character.charCount(text.codePointBefore(end));
    return text.substring(0, end);
  }

  private static IntPredicate oneOf(String characters) {
    return characters == null ? Characters::isSpace : c -> characters.indexOf(c) >= 0;
  }

  // Words and lines.

  /// {@return the parts between separators, at most so many cuts from the left}
  ///
  /// @param separator null for runs of white space
  /// @param cuts below 0 for any number
  static List<String> split(String text, String separator, int cuts) {
    var parts = new ArrayList<String>();
    if (separator != null) {
      checkSeparator(separator);
      int start = 0;
      int left = cuts;
      for (int end; left != 0 && (end = text.indexOf(separator, start)) >= 0; left--) {
        parts.add(text.substring(start, end));
        start = end + separator.length();
      }
      parts.add(text.substring(start));
      return parts;
    }
    int i = skip(text, 0, true);
    for (int left = cuts; i < text.length(); left--) {
      if (left == 0) {
        parts.add(text.substring(i));
        break;
      }
      int end = skip(text, i, false);
      parts.add(text.substring(i, end));
      i = skip(text, end, true);
    }
    return parts;
  }

  private static int skip(String text, int from, boolean space) {
    int i = from;
    while (i < text.length() && Characters.isSpace(text.charAt(i)) == space) i++;
    return i;
  }

  static List<String> splitRight(String text, String separator, int cuts) {
    var parts = new ArrayList<String>();
    if (separator != null) {
      checkSeparator(separator);
      int end = text.length();
      int left = cuts;
      for (int start; left != 0; left--) {
        start = text.lastIndexOf(separator, end - separator.length());
        if (start < 0 || end < separator.length()) break;
        parts.add(text.substring(start + separator.length(), end));
        end = start;
      }
      parts.add(text.substring(0, end));
      Collections.reverse(parts);
      return parts;
    }
    int end = stripTrailing(text, null).length();
    for (int left = cuts; end > 0; left--) {
      if (left == 0) {
        parts.add(text.substring(0, end));
        break;
      }
      int start = end;
      while (start > 0 && !Characters.isSpace(text.charAt(start - 1))) start--;
      parts.add(text.substring(start, end));
      end = start;
      while (end > 0 && Characters.isSpace(text.charAt(end - 1))) end--;
    }
    Collections.reverse(parts);
    return parts;
  }

  static void checkSeparator(String separator) {
    if (separator.isEmpty()) throw new TemplateException("empty separator");
  }

  static List<String> lines(String text, boolean keepEnds) {
    var lines = new ArrayList<String>();
    int start = 0;
    while (start < text.length()) {
      int end = start;
      while (end < text.length() && !Characters.isLineEnd(text.charAt(end))) end++;
      int next = Math.min(end + 1, text.length());
      if (end + 1 < text.length() && text.charAt(end) == '\r' && text.charAt(end + 1) == '\n')
        next++;
      lines.add(text.substring(start, keepEnds ? next : end));
      start = next;
    }
    return lines;
  }

  // Case.

  static String upper(String text) {
    return text.toUpperCase(Locale.ROOT);
  }

  static String lower(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  /// {@return a text for comparison without case}
  static String casefold(String text) {
    var folded = lower(upper(text)).replace('ς', 'σ');
    return folded.replace("ß", "ss");
  }

  static String capitalize(String text) {
    if (text.isEmpty()) return text;
    int end = Character.charCount(text.codePointAt(0));
    return titleCase(text.codePointAt(0))
        + lower(text).substring(lower(text.substring(0, end)).length());
  }

  static String title(String text) {
    var out = new StringBuilder(text.length());
    boolean inWord = false;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      out.append(inWord ? lower(Character.toString(c)) : titleCase(c));
      inWord = Characters.isCased(c);
    }
    return out.toString();
  }

  private static String titleCase(int c) {
    int title = Character.toTitleCase(c);
    if (title != c) return Character.toString(title);
    var upper = upper(Character.toString(c));
    if (upper.codePointCount(0, upper.length()) == 1) return upper;
    int end = Character.charCount(upper.codePointAt(0));
    return upper.substring(0, end) + lower(upper.substring(end));
  }

  static String swapCase(String text) {
    var out = new StringBuilder(text.length());
    text.codePoints()
        .forEach(
            c ->
                out.append(
                    Character.isUpperCase(c)
                        ? lower(Character.toString(c))
                        : Character.isLowerCase(c)
                            ? upper(Character.toString(c))
                            : Character.toString(c)));
    return out.toString();
  }

  // Replacing and padding.

  /// {@return a text with another in place of a part, at most count times; below 0 always}
  static String replace(Meter meter, String text, String old, String by, int count) {
    if (count == 0) return text;
    meter.search(text, old);
    var out = new Output(meter);
    int left = count;
    int start = 0;
    if (old.isEmpty()) {
      while (left != 0) {
        out.append(by);
        left--;
        if (start >= text.length()) return out.toString();
        int next = start + Character.charCount(text.codePointAt(start));
        out.append(text, start, next);
        start = next;
      }
      return out.append(text, start, text.length()).toString();
    }
    int found = text.indexOf(old);
    if (found < 0) return text;
    for (; left != 0 && found >= 0; left--) {
      out.append(text, start, found).append(by);
      start = found + old.length();
      found = text.indexOf(old, start);
    }
    return out.append(text, start, text.length()).toString();
  }

  /// {@return how often a part occurs without overlap}
  static long count(String text, String part) {
    if (part.isEmpty()) return length(text) + 1L;
    long count = 0;
    for (int i = text.indexOf(part); i >= 0; i = text.indexOf(part, i + part.length())) count++;
    return count;
  }

  static String padLeft(Meter meter, String text, int width, String fill) {
    return meter.repeat(fill, (long) width - length(text)) + text;
  }

  static String padRight(Meter meter, String text, int width, String fill) {
    return text + meter.repeat(fill, (long) width - length(text));
  }

  static String center(Meter meter, String text, int width, String fill) {
    long padding = Math.max(0, (long) width - length(text));
    long left = padding / 2 + (padding & width & 1);
    return meter.repeat(fill, left) + text + meter.repeat(fill, padding - left);
  }

  static String zeroFill(Meter meter, String text, int width) {
    boolean signed = text.startsWith("-") || text.startsWith("+");
    var zeros = meter.repeat("0", (long) width - length(text));
    return signed ? text.charAt(0) + zeros + text.substring(1) : zeros + text;
  }

  static String expandTabs(Meter meter, String text, int size) {
    var out = new Output(meter);
    int column = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '\t') {
        int spaces = size > 0 ? size - column % size : 0;
        out.append(meter.repeat(" ", spaces));
        column += spaces;
      } else {
        out.append(c);
        if (c == '\n' || c == '\r') column = 0;
        else if (!Character.isLowSurrogate(c)) column++;
      }
    }
    return out.toString();
  }
}
