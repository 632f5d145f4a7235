package dev.tenon.grammar;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// Waits for the triggers of a lazy grammar, as llama.cpp does.
///
/// The text is looked at byte by byte, each byte as one character, for tokens may end within one.
final class TriggerWatch {
  /// How many characters one search may look at: enough for any expression that does not try
  /// everything over and over.
  private static final int MAX_STEPS = 1 << 24;

  private final List<Pattern> patterns = new ArrayList<>();
  private final List<String> words = new ArrayList<>();
  private final List<Integer> tokens = new ArrayList<>();
  private final List<Piece> pieces = new ArrayList<>();
  private final StringBuilder text = new StringBuilder();

  /// What the grammar is to read: a token, and the part of its bytes that is to count.
  record Piece(int token, byte[] bytes) {}

  TriggerWatch(List<Trigger> triggers) {
    if (triggers.isEmpty()) {
      throw new IllegalArgumentException("a lazy grammar needs a trigger");
    }
    for (var trigger : triggers) {
      switch (trigger) {
        case Trigger.Word word -> words.add(latin(word.text()));
        case Trigger.Regex(var regex) ->
            patterns.add(Pattern.compile(latin(regex.pattern()), regex.flags()));
        case Trigger.Token(int id) -> tokens.add(id);
      }
    }
  }

  private static String latin(String text) {
    return new String(text.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1);
  }

  void reset() {
    pieces.clear();
    text.setLength(0);
  }

  /// {@return what the grammar is to read from the trigger on, or null where there was none yet}
  List<Piece> accept(int token, byte[] bytes) {
    if (tokens.contains(token)) {
      reset();
      return List.of(new Piece(token, bytes));
    }
    int before = text.length();
    pieces.add(new Piece(token, bytes));
    text.append(new String(bytes, StandardCharsets.ISO_8859_1));
    int start = start(before);
    if (start < 0) {
      return null;
    }
    var replayed = new ArrayList<Piece>();
    int at = 0;
    for (var piece : pieces) {
      int end = at + piece.bytes.length;
      if (end > start) {
        int skipped = Math.max(0, start - at);
        replayed.add(
            skipped == 0
                ? piece
                : new Piece(
                    piece.token, Arrays.copyOfRange(piece.bytes, skipped, piece.bytes.length)));
      }
      at = end;
    }
    reset();
    return replayed;
  }

  /// Where the grammar is to begin, or -1.
  ///
  /// @param seen how much of the text was looked through before
  private int start(int seen) {
    int first = -1;
    for (var word : words) {
      int found = text.indexOf(word, Math.max(0, seen - word.length() + 1));
      if (found >= 0 && (first < 0 || found < first)) {
        first = found;
      }
    }
    if (first >= 0) {
      return first;
    }
    for (var pattern : patterns) {
      var regex = pattern.pattern();
      var matcher = pattern.matcher(new Metered(text.toString()));
      try {
        boolean whole = regex.startsWith("^") && regex.endsWith("$") && matcher.matches();
        if (whole || matcher.reset().find()) {
          return start(matcher);
        }
      } catch (StackOverflowError _) {
        throw new IllegalStateException(
            "a trigger's regular expression goes too deep for a text this long: " + regex);
      }
    }
    return -1;
  }

  private static int start(Matcher matcher) {
    for (int group = 1; group <= matcher.groupCount(); group++) {
      if (matcher.end(group) > matcher.start(group)) {
        return matcher.start(group);
      }
    }
    return matcher.start();
  }

  /// A text that can be looked at only so often: an expression that would take for ever ends in an
  /// error.
  private static final class Metered implements CharSequence {
    private final CharSequence text;
    private int steps;

    Metered(CharSequence text) {
      this.text = text;
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public char charAt(int index) {
      if (++steps > MAX_STEPS) {
        throw new IllegalStateException(
            "a trigger's regular expression tries too much: over " + MAX_STEPS + " steps");
      }
      return text.charAt(index);
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.subSequence(start, end);
    }

    @Override
    public String toString() {
      return text.toString();
    }
  }
}
