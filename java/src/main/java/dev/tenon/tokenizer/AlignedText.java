package dev.tenon.tokenizer;

import java.util.Arrays;

/// A text, and where each of its characters comes from in the text that it was made of: what
/// offsets of tokens are found by, through whatever a normaliser does. Immutable.
///
/// Places are counted in UTF-16 units. Both units of a character come from the same place. What
/// comes from where is as in the library tokenizers (`NormalizedString`).
final class AlignedText {
  private final String text;

  /// Where in the first text each unit begins and ends: that at `i` at `from + i`. Shared by parts.
  private final int[] starts;

  private final int[] ends;
  private final int from;

  /// Where in the first text this one begins.
  private final int begin;

  private AlignedText(String text, int[] starts, int[] ends, int from, int begin) {
    this.text = text;
    this.starts = starts;
    this.ends = ends;
    this.from = from;
    this.begin = begin;
  }

  /// {@return a text that comes from itself}
  static AlignedText of(String text) {
    var starts = new int[text.length()];
    var ends = new int[starts.length];
    for (int i = 0; i < starts.length; ) {
      int next = i + Character.charCount(text.codePointAt(i));
      for (int unit = i; unit < next; unit++) {
        starts[unit] = i;
        ends[unit] = next;
      }
      i = next;
    }
    return new AlignedText(text, starts, ends, 0, 0);
  }

  String text() {
    return text;
  }

  int length() {
    return text.length();
  }

  boolean isEmpty() {
    return text.isEmpty();
  }

  /// {@return whether this begins where the first text does}
  boolean isFirst() {
    return begin == 0;
  }

  /// {@return where in the first text the unit at a place begins}
  int start(int i) {
    return starts[from + i];
  }

  /// {@return where in the first text the unit at a place ends}
  int end(int i) {
    return ends[from + i];
  }

  /// {@return the part from one place to another}
  AlignedText part(int start, int end) {
    return new AlignedText(
        text.substring(start, end), starts, ends, from + start, start < end ? start(start) : 0);
  }

  /// {@return a text that is to be written in place of this}
  Edit edit() {
    return new Edit();
  }

  /// The characters of a text in the making: one after another takes the place of one of the text
  /// before, or is put in between, or is left out.
  final class Edit {
    private final StringBuilder result = new StringBuilder(text.length());
    private int[] newStarts = new int[text.length()];
    private int[] newEnds = new int[text.length()];

    /// How far the text before is gone through.
    private int at;

    /// Puts a character in place of the next one.
    void replace(int c) {
      int i = at;
      skip(1);
      put(c, i);
    }

    /// Puts a character after those gone through; it comes from where the last of them does.
    void insert(int c) {
      put(c, at - 1);
    }

    /// Leaves the next characters out.
    void skip(int characters) {
      for (int n = 0; n < characters && at < text.length(); n++) {
        at += Character.charCount(text.codePointAt(at));
      }
    }

    /// Does what the library's transformations do.
    ///
    /// @param change 1 to put a character in between, 0 to replace one, -n to replace one and leave
    ///     n after it out
    void add(int c, int change) {
      if (change > 0) {
        insert(c);
      } else {
        replace(c);
        skip(-change);
      }
    }

    /// Leaves what is next as it is, up to a place in the text before.
    void keep(int end) {
      int to = result.length();
      result.append(text, at, end);
      grow(result.length());
      System.arraycopy(starts, from + at, newStarts, to, end - at);
      System.arraycopy(ends, from + at, newEnds, to, end - at);
      at = end;
    }

    private void put(int c, int place) {
      int to = result.length();
      result.appendCodePoint(c);
      grow(result.length());
      for (int i = to; i < result.length(); i++) {
        newStarts[i] = place < 0 ? 0 : start(place);
        newEnds[i] = place < 0 ? 0 : end(place);
      }
    }

    private void grow(int length) {
      if (length > newStarts.length) {
        int size = Math.max(length, 2 * newStarts.length);
        newStarts = Arrays.copyOf(newStarts, size);
        newEnds = Arrays.copyOf(newEnds, size);
      }
    }

    /// {@return the length so far}
    int length() {
      return result.length();
    }

    /// {@return what was written; what was not gone through is left out}
    AlignedText done() {
      return new AlignedText(result.toString(), newStarts, newEnds, 0, begin);
    }
  }
}
