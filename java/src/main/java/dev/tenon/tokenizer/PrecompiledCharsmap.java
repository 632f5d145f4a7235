package dev.tenon.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Pattern;

/// The table of SentencePiece's normaliser (`precompiled_charsmap`): what texts of a few characters
/// become.
///
/// It is the length of a tree in bytes, the tree, and what the texts become, each ended by a zero
/// byte. The tree is a double array as Darts-clone makes it: the unit of a byte is found by an
/// exclusive or of the unit before, the byte and an offset, and says of which byte it is. A unit
/// that the table does not have is as good as none, so that no table leads astray. Immutable and
/// thread-safe.
final class PrecompiledCharsmap {
  private static final int LEAF = 1 << 8;
  private static final int LABEL = 1 << 31 | 0xff;

  /// Longer clusters are taken character by character: tokenizers has it so.
  private static final int LONGEST_CLUSTER = 5;

  private static final Pattern CLUSTER = Pattern.compile("\\X");

  private final int[] units;

  /// What texts become.
  private final byte[] texts;

  /// Takes the text of another as it comes about.
  interface Replaced {
    /// @param text what takes the place of the text from one position to another
    void add(String text, int from, int to);
  }

  /// @throws IllegalArgumentException if the tree is longer than the table
  PrecompiledCharsmap(byte[] table) {
    long length = table.length < 4 ? -1 : unit(table, 0) & 0xffff_ffffL;
    if (length < 4 || length % 4 != 0 || length > table.length - 4) {
      throw new IllegalArgumentException(
          "precompiled_charsmap: expected a tree of units of 4 bytes within its "
              + table.length
              + " bytes, found one of "
              + (length < 0 ? "no length" : length + " bytes"));
    }
    units = new int[(int) length / 4];
    for (int i = 0; i < units.length; i++) {
      units[i] = unit(table, 4 + 4 * i);
    }
    texts = Arrays.copyOfRange(table, 4 + (int) length, table.length);
  }

  private static int unit(byte[] table, int at) {
    return table[at] & 0xff
        | (table[at + 1] & 0xff) << 8
        | (table[at + 2] & 0xff) << 16
        | (table[at + 3] & 0xff) << 24;
  }

  private static int offset(int unit) {
    return unit >>> 10 << ((unit & 1 << 9) >>> 6);
  }

  /// Gives each text of the table that begins at a place, as SentencePiece does: the longest.
  ///
  /// @param replaced takes it, or, where there is none, the character
  /// @return where it ends
  int longest(String text, int from, int to, Replaced replaced) {
    long match = match(text, from, to, false);
    int end = match < 0 ? from + Character.charCount(text.codePointAt(from)) : (int) (match >>> 32);
    replaced.add(match < 0 ? text.substring(from, end) : text((int) match), from, end);
    return end;
  }

  /// Goes through a text as tokenizers does: a cluster of at most five bytes becomes what the
  /// shortest text becomes that it begins with; else so does each character by itself.
  ///
  /// @param replaced takes everything in order
  void replace(String text, Replaced replaced) {
    var clusters = CLUSTER.matcher(text);
    for (int from = 0; from < text.length(); ) {
      int next = from + Character.charCount(text.codePointAt(from));
      int to = next;
      // Two of ASCII are apart, but for these: most of most texts needs no look at clusters.
      boolean apart =
          to == text.length()
              || text.charAt(from) < 0x80 && text.charAt(to) < 0x80 && text.charAt(from) != '\r';
      if (!apart && clusters.find(from)) {
        to = clusters.end();
      }
      long match = to > next && isShort(text, from, to) ? match(text, from, to, true) : -1;
      if (match >= 0) {
        replaced.add(text((int) match), from, to);
      } else {
        for (int at = from; at < to; ) {
          int end = at + Character.charCount(text.codePointAt(at));
          match = match(text, at, end, true);
          replaced.add(match < 0 ? text.substring(at, end) : text((int) match), at, end);
          at = end;
        }
      }
      from = to;
    }
  }

  private static boolean isShort(String text, int from, int to) {
    int bytes = 0;
    for (int i = from; i < to && bytes <= LONGEST_CLUSTER; ) {
      int c = text.codePointAt(i);
      bytes += length(c);
      i += Character.charCount(c);
    }
    return bytes <= LONGEST_CLUSTER;
  }

  private static int length(int c) {
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  }

  /// {@return where the first or the longest text of the table ends that begins at a place, in the
  /// upper half, and where in `texts` stands what it becomes, in the lower; -1 where there is none}
  private long match(String text, int from, int to, boolean first) {
    long found = -1;
    int node = offset(units[0]);
    for (int i = from; i < to; ) {
      int c = text.codePointAt(i);
      i += Character.charCount(c);
      if (c == 0) {
        break;
      }
      boolean leaf = false;
      for (int shift = 6 * (length(c) - 1), first8 = lead(c); shift >= 0; shift -= 6) {
        int b = first8 >= 0 ? first8 : 0x80 | c >> shift & 0x3f;
        first8 = -1;
        node ^= b;
        if (node < 0 || node >= units.length || (units[node] & LABEL) != b) {
          return found;
        }
        leaf = (units[node] & LEAF) != 0;
        node ^= offset(units[node]);
      }
      if (leaf && node >= 0 && node < units.length) {
        int value = units[node] & Integer.MAX_VALUE;
        if (value < texts.length) {
          found = (long) i << 32 | value;
          if (first) {
            return found;
          }
        }
      }
    }
    return found;
  }

  /// {@return the first byte of a character}
  private static int lead(int c) {
    return switch (length(c)) {
      case 1 -> c;
      case 2 -> 0xc0 | c >> 6;
      case 3 -> 0xe0 | c >> 12;
      default -> 0xf0 | c >> 18;
    };
  }

  private String text(int at) {
    int end = at;
    while (end < texts.length && texts[end] != 0) {
      end++;
    }
    return new String(texts, at, end - at, StandardCharsets.UTF_8);
  }
}
