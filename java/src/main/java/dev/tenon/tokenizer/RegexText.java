package dev.tenon.tokenizer;

import java.util.Arrays;

/// A text as the regular expressions of [PreTokenizer] are to see it, so that Java's classes are
/// those of llama.cpp: `\s` has every white space of Unicode, and characters are what they were in
/// Unicode 15.1.
final class RegexText {
  /// White space beyond ASCII.
  private static final String SPACES =
      "\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
          + "\u2028\u2029\u202f\u205f\u3000";

  /// The first and last character of each range that Unicode 16 added. Java 25 knows them; in 15.1
  /// they had no category.
  private static final int[] ADDED = {
    0x0897, 0x0897, 0x1b4e, 0x1b4f, 0x1b7f, 0x1b7f, 0x1c89, 0x1c8a, 0x2427, 0x2429, 0x31e4, 0x31e5,
    0xa7cb, 0xa7cd, 0xa7da, 0xa7dc, 0x105c0, 0x105f3, 0x10d40, 0x10d65, 0x10d69, 0x10d85, 0x10d8e,
    0x10d8f, 0x10ec2, 0x10ec4, 0x10efc, 0x10efc, 0x11380, 0x11389, 0x1138b, 0x1138b, 0x1138e,
    0x1138e, 0x11390, 0x113b5, 0x113b7, 0x113c0, 0x113c2, 0x113c2, 0x113c5, 0x113c5, 0x113c7,
    0x113ca, 0x113cc, 0x113d5, 0x113d7, 0x113d8, 0x113e1, 0x113e2, 0x116d0, 0x116e3, 0x11bc0,
    0x11be1, 0x11bf0, 0x11bf9, 0x11f5a, 0x11f5a, 0x13460, 0x143fa, 0x16100, 0x16139, 0x16d40,
    0x16d79, 0x18cff, 0x18cff, 0x1cc00, 0x1ccf9, 0x1cd00, 0x1ceb3, 0x1e5d0, 0x1e5fa, 0x1e5ff,
    0x1e5ff, 0x1f8b2, 0x1f8bb, 0x1f8c0, 0x1f8c1, 0x1fa89, 0x1fa89, 0x1fa8f, 0x1fa8f, 0x1fabe,
    0x1fabe, 0x1fac6, 0x1fac6, 0x1fadc, 0x1fadc, 0x1fadf, 0x1fadf, 0x1fae9, 0x1fae9, 0x1fbcb,
    0x1fbef
  };

  /// For an added character: one of the same length that has no category either, and lies in the
  /// same of the ranges that regular expressions name (U+0800 to U+4E00, U+8C48 to U+FAFF).
  private static final int BELOW_4E00 = 0x2e9a;

  private static final int FROM_4E00 = 0xa48f;
  private static final int SUPPLEMENTARY = 0x1ffff;

  private RegexText() {}

  /// {@return `text` with every character that Java would take for something else replaced}
  static String of(String text) {
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      if (c != replacement(c)) {
        return replaced(text, i);
      }
      i += Character.charCount(c);
    }
    return text;
  }

  private static String replaced(String text, int from) {
    var result = new StringBuilder(text.length()).append(text, 0, from);
    text.codePoints()
        .skip(text.codePointCount(0, from))
        .map(RegexText::replacement)
        .forEach(result::appendCodePoint);
    return result.toString();
  }

  private static int replacement(int c) {
    if (c < 0x80) {
      return c;
    }
    if (c <= 0x3000 && SPACES.indexOf(c) >= 0) {
      return 0x0b;
    }
    if (c < ADDED[0]) {
      return c;
    }
    int at = Arrays.binarySearch(ADDED, c);
    // A hit is the first or last of a range; else the range begins at an even index.
    boolean added = at >= 0 || (-at - 1) % 2 == 1;
    return !added ? c : c < 0x4e00 ? BELOW_4E00 : c < 0x10000 ? FROM_4E00 : SUPPLEMENTARY;
  }
}
