package dev.tenon.jinja;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;

/// Breaks lines as Python's `textwrap` does.
final class TextWrap {
  private static final String SPACE = "[\\t\\n\\x0b\\f\\r ]";
  private static final String WORD = "[\\p{L}\\p{N}_]";
  private static final String LETTER = "[\\p{L}_]";
  private static final String PUNCTUATION = "[\\p{L}\\p{N}_!\"'&.,?]";

  private static final Pattern SPACES = Pattern.compile(SPACE + "+");

  /// What stays together: white space, dashes between words, words up to their hyphens.
  private static final Pattern CHUNK =
      Pattern.compile(
          SPACE
              + "+|(?<="
              + PUNCTUATION
              + ")-{2,100}(?="
              + WORD
              + ")|[^\\t\\n\\x0b\\f\\r ]+?(?:-(?:(?<="
              + LETTER
              + "{2}-)|(?<="
              + LETTER
              + "-"
              + PUNCTUATION
              + "-))(?="
              + LETTER
              + "-?"
              + LETTER
              + ")|(?="
              + SPACE
              + "|\\z)|(?<="
              + PUNCTUATION
              + ")(?=-{2,100}"
              + WORD
              + "))");

  private final Meter meter;
  private final int width;
  private final boolean breakWords;
  private final boolean breakHyphens;

  /// @param width the most characters of a line
  /// @param breakWords whether words that are longer are broken
  /// @param breakHyphens whether words are broken after hyphens
  TextWrap(Meter meter, int width, boolean breakWords, boolean breakHyphens) {
    this.meter = meter;
    this.width = width;
    this.breakWords = breakWords;
    this.breakHyphens = breakHyphens;
  }

  /// {@return the lines of a paragraph}
  List<String> wrap(String text) {
    if (width <= 0) throw new TemplateException("invalid width " + width + " (must be > 0)");
    var chunks = chunks(text);
    var lines = new ArrayList<String>();
    while (!chunks.isEmpty()) {
      if (!lines.isEmpty() && Strings.isBlank(chunks.peek())) chunks.pop();
      var line = line(chunks);
      if (!line.isEmpty() && Strings.isBlank(line.getLast())) line.removeLast();
      if (!line.isEmpty()) lines.add(String.join("", line));
    }
    return lines;
  }

  private Deque<String> chunks(String text) {
    var chunks = new ArrayDeque<String>();
    var matcher = (breakHyphens ? CHUNK : SPACES).matcher(text);
    int start = 0;
    while (matcher.find()) {
      meter.step();
      if (start < matcher.start()) chunks.add(text.substring(start, matcher.start()));
      if (!matcher.group().isEmpty()) chunks.add(matcher.group());
      start = matcher.end();
    }
    if (start < text.length()) chunks.add(text.substring(start));
    return chunks;
  }

  private List<String> line(Deque<String> chunks) {
    var line = new ArrayList<String>();
    int length = 0;
    while (!chunks.isEmpty() && length + Strings.length(chunks.peek()) <= width) {
      length += Strings.length(chunks.peek());
      line.add(chunks.pop());
    }
    if (chunks.isEmpty() || Strings.length(chunks.peek()) <= width) return line;
    if (breakWords) {
      var chunk = chunks.pop();
      meter.characters(chunk.length());
      int end = end(chunk, width - length);
      line.add(chunk.substring(0, end));
      chunks.push(chunk.substring(end));
    } else if (line.isEmpty()) {
      line.add(chunks.pop());
    }
    return line;
  }

  private int end(String chunk, int left) {
    int end = chunk.offsetByCodePoints(0, left);
    if (!breakHyphens) return end;
    int hyphen = chunk.substring(0, end).lastIndexOf('-');
    boolean breaks = hyphen > 0 && chunk.substring(0, hyphen).chars().anyMatch(c -> c != '-');
    return breaks ? hyphen + 1 : end;
  }
}
