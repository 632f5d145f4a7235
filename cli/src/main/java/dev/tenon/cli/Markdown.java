package dev.tenon.cli;

import dev.tenon.cli.Screen.Style;

/// Colours Markdown as it streams: headings, bold text and code. Every character stays, the marks
/// too, so that what is copied from a terminal is what the model wrote.
///
/// Text comes in pieces of any length. A mark is told by what follows it, so a few characters are
/// held back until then; [#finish] gives them.
final class Markdown {
  private static final int LONGEST = 64; // marks in a row, of which more tells nothing new

  private final StringBuilder text = new StringBuilder(); // what came, and is not shown
  private final StringBuilder shown = new StringBuilder(); // by the call in progress
  private int at; // in text: the next to show
  private Style style = Style.PLAIN; // as the terminal has it

  // Where in the document that is.
  private boolean lineStart = true;
  private char before = '\n';
  private boolean heading;
  private boolean bold;
  private int ticks; // backticks that began the code in this line; 0 outside
  private String fence; // what began the block of code; null outside
  private boolean fenceLine; // within the line that began it

  /// {@return what can be printed now that more text has come}
  String accept(String piece) {
    text.append(piece);
    return show(false);
  }

  /// {@return what was held back, and the end of all colour; the next text begins anew}
  String finish() {
    show(true);
    wear(Style.PLAIN);
    endLine();
    fence = null;
    return shown.toString();
  }

  private String show(boolean last) {
    shown.setLength(0);
    int end;
    while (at < text.length() && (end = lineStart ? line(last) : inline(last)) > 0) {
      before = text.charAt(end - 1);
      at = end;
    }
    text.delete(0, at);
    at = 0;
    return shown.toString();
  }

  /// Shows what a line begins with: up to three spaces, then a mark or anything else.
  ///
  /// @return where what was shown ends; -1 where it takes more text to tell
  private int line(boolean last) {
    int mark = at;
    while (mark < text.length() && mark < at + 3 && text.charAt(mark) == ' ') {
      mark++;
    }
    if (mark == text.length()) {
      return last ? print(mark, current()) : -1;
    }
    char c = text.charAt(mark);
    int end = c == '#' || c == '`' || c == '~' ? run(mark) : mark;
    if (end > mark && undecided(mark, end, last)) {
      return -1;
    }
    lineStart = false;
    int count = end - mark;
    if (c == '#') {
      heading = fence == null && count <= 6 && blankAt(end);
      return print(end, current());
    }
    if (count >= 3 && fence == null) {
      fence = text.substring(mark, end);
      fenceLine = true;
      return print(end, Style.CODE);
    }
    if (count >= 3 && text.substring(mark, end).startsWith(fence) && blankAt(end)) {
      fence = null;
      return print(end, Style.CODE);
    }
    return mark > at ? print(mark, current()) : inline(last);
  }

  /// Shows the next character or mark within a line.
  ///
  /// @return where what was shown ends; -1 where it takes more text to tell
  private int inline(boolean last) {
    char c = text.charAt(at);
    if (c == '\n') {
      endLine();
      return print(at + 1, current());
    }
    if (c != '`' && c != '*' || fence != null && !(fenceLine && c == '`')) {
      return print(at + 1, current());
    }
    int end = run(at);
    if (undecided(at, end, last)) {
      return -1;
    }
    int count = end - at;
    if (c == '`') {
      if (fenceLine) { // a line that has them after the mark is text: ```so```
        fence = null;
        fenceLine = false;
      }
      boolean closes = ticks == count;
      ticks = ticks == 0 ? count : ticks;
      print(end, current());
      ticks = closes ? 0 : ticks;
      return end;
    }
    if (ticks > 0 || count != 2 && count != 3) {
      return print(end, current());
    }
    boolean closes = bold && !Character.isWhitespace(before);
    bold |= !blankAt(end);
    print(end, current());
    bold &= !closes;
    return end;
  }

  /// Nothing but a block of code lasts longer than its line.
  private void endLine() {
    lineStart = true;
    before = '\n';
    heading = false;
    bold = false;
    ticks = 0;
    fenceLine = false;
  }

  /// {@return where the run of the character at `from` ends}
  private int run(int from) {
    int end = from + 1;
    while (end < text.length() && text.charAt(end) == text.charAt(from)) {
      end++;
    }
    return end;
  }

  private boolean undecided(int from, int end, boolean last) {
    return end == text.length() && !last && end - from < LONGEST;
  }

  private boolean blankAt(int index) {
    return index == text.length() || Character.isWhitespace(text.charAt(index));
  }

  private Style current() {
    return fence != null || ticks > 0
        ? Style.CODE
        : heading ? Style.HEADING : bold ? Style.BOLD : Style.PLAIN;
  }

  private int print(int end, Style as) {
    wear(as);
    shown.append(text, at, end);
    return end;
  }

  private void wear(Style as) {
    if (style != as) {
      style = as;
      shown.append(as.on());
    }
  }
}
