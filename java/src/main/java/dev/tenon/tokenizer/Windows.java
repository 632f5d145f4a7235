package dev.tenon.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/// Cuts the tokens of a text, or of a pair, to a length and puts a tokenizer's own around them: as
/// the library tokenizers does (`truncate_encodings`, `Encoding::merge`). Used for one pair.
final class Windows {
  /// More tokens than these are not made of one pair.
  private static final long MOST_TOKENS = 1 << 24;

  private final PostProcessor post;
  private final IntFunction<String> texts;
  private final TokenList[] tokens;

  /// The part of a text that is in a window.
  ///
  /// @param first whether it is the first part of its text
  private record Part(int sequence, int from, int to, boolean first) {}

  /// @param texts gives the text of a token
  /// @param pair the second text, or null
  Windows(PostProcessor post, IntFunction<String> texts, TokenList text, TokenList pair) {
    this.post = post;
    this.texts = texts;
    tokens = pair == null ? new TokenList[] {text} : new TokenList[] {text, pair};
  }

  /// {@return both texts whole}
  TokenizedText whole() {
    var parts = new Part[tokens.length];
    for (int i = 0; i < parts.length; i++) {
      parts[i] = new Part(i, 0, tokens[i].size(), true);
    }
    return joined(parts);
  }

  /// {@return what is left of the texts}
  TokenizedText first(Truncation truncation) {
    int[] lengths = lengths(truncation);
    var parts = new Part[tokens.length];
    for (int i = 0; i < parts.length; i++) {
      checkStride(truncation, i, lengths[i]);
      parts[i] = new Part(i, 0, lengths[i], true);
    }
    return joined(parts);
  }

  /// {@return what is left of the texts, and every window on what was cut off}
  List<TokenizedText> all(Truncation truncation) {
    int[] lengths = lengths(truncation);
    var parts = new ArrayList<List<Part>>();
    long windows = 1;
    for (int i = 0; i < tokens.length; i++) {
      checkStride(truncation, i, lengths[i]);
      int size = tokens[i].size();
      long steps =
          lengths[i] == size
              ? 1
              : lengths[i] == 0 ? 2 : (size - lengths[i]) / (lengths[i] - truncation.stride()) + 2L;
      windows *= steps;
      if (windows > 4 && windows * truncation.maxLength() > MOST_TOKENS) {
        throw new IllegalArgumentException(
            "windows: too many windows of "
                + truncation.maxLength()
                + " tokens with a stride of "
                + truncation.stride());
      }
      parts.add(parts(i, lengths[i], truncation.stride()));
    }
    var all = new ArrayList<TokenizedText>();
    if (tokens.length == 1) {
      parts.getFirst().forEach(part -> all.add(joined(part)));
      return all;
    }
    // The two first parts, then the others of the text that comes first with all of the other.
    boolean inOrder = post.isInOrder();
    var firsts = parts.get(inOrder ? 0 : 1);
    var seconds = parts.get(inOrder ? 1 : 0);
    all.add(joined(firsts.getFirst(), seconds.getFirst()));
    for (var first : firsts.subList(1, firsts.size())) {
      seconds.forEach(second -> all.add(joined(first, second)));
    }
    for (var second : seconds.subList(1, seconds.size())) {
      all.add(joined(firsts.getFirst(), second));
    }
    return all;
  }

  private List<Part> parts(int sequence, int length, int stride) {
    int size = tokens[sequence].size();
    var parts = new ArrayList<Part>();
    if (length == 0 && size > 0) {
      parts.add(new Part(sequence, 0, 0, true));
      parts.add(new Part(sequence, 0, size, false));
      return parts;
    }
    int to;
    int from = 0;
    do {
      to = Math.min(from + length, size);
      parts.add(new Part(sequence, from, to, from == 0));
      from += length - stride;
    } while (to < size);
    return parts;
  }

  private void checkStride(Truncation truncation, int sequence, int length) {
    boolean isCut = length > 0 && length < tokens[sequence].size();
    if (isCut && truncation.stride() >= length) {
      throw new IllegalArgumentException(
          "truncation: a stride of "
              + truncation.stride()
              + " is not below the "
              + length
              + " tokens of the text that fit in maxLength "
              + truncation.maxLength());
    }
  }

  /// {@return how many tokens of each text stay}
  private int[] lengths(Truncation truncation) {
    var lengths = new int[tokens.length];
    long total = 0;
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = tokens[i].size();
      total += lengths[i];
    }
    long added =
        post.pieces(tokens.length == 2).stream().filter(piece -> piece.sequence() < 0).count();
    long most = truncation.maxLength() - added;
    if (most < 0) {
      throw new IllegalArgumentException(
          "truncation: maxLength "
              + truncation.maxLength()
              + " has no room for the "
              + added
              + " tokens that are added");
    }
    if (total <= most) {
      return lengths;
    }
    int target =
        switch (truncation.strategy()) {
          case LONGEST_FIRST -> -1;
          case ONLY_FIRST -> 0;
          case ONLY_SECOND -> 1;
        };
    if (most == 0) {
      return new int[lengths.length];
    }
    if (target == 1 && lengths.length == 1) {
      throw new IllegalArgumentException("truncation: ONLY_SECOND of a text without a second");
    }
    if (target >= 0) {
      long length = lengths[target] - (total - most);
      if (length <= 0) {
        throw new IllegalArgumentException(
            "truncation: "
                + truncation.strategy()
                + " cannot make "
                + total
                + " tokens at most "
                + most
                + ", as that text has "
                + lengths[target]);
      }
      lengths[target] = (int) length;
    } else if (lengths.length == 1) {
      lengths[0] = (int) most;
    } else {
      int shorter = lengths[0] <= lengths[1] ? 0 : 1;
      long one = lengths[shorter];
      long other = one > most ? one : Math.max(one, most - one);
      if (one + other > most) {
        one = most / 2;
        other = one + most % 2;
      }
      lengths[shorter] = (int) one;
      lengths[1 - shorter] = (int) other;
    }
    return lengths;
  }

  /// {@return the parts of texts with the tokenizer's own tokens around them}
  private TokenizedText joined(Part... given) {
    var parts = new Part[given.length];
    for (var part : given) {
      parts[part.sequence] = part;
    }
    var pieces = post.pieces(parts.length == 2);
    int n = 0;
    for (var piece : pieces) {
      n += piece.sequence() < 0 ? 1 : length(piece, parts);
    }
    var result =
        new TokenizedText(new int[n], new int[n], new int[n], new int[n], new int[n], new int[n]);
    int at = 0;
    for (var piece : pieces) {
      if (piece.sequence() < 0) {
        result.ids()[at] = piece.id();
        result.typeIds()[at] = piece.type();
        result.sequences()[at] = -1;
        result.words()[at++] = -1;
      } else if (piece.sequence() < parts.length) {
        copy(piece, parts[piece.sequence()], result, at);
        at += length(piece, parts);
      }
    }
    return result;
  }

  private static int length(PostProcessor.Piece piece, Part[] parts) {
    return piece.sequence() < parts.length
        ? parts[piece.sequence()].to - parts[piece.sequence()].from
        : 0;
  }

  private void copy(PostProcessor.Piece piece, Part part, TokenizedText result, int at) {
    var text = tokens[part.sequence];
    int type = part.first || !post.firstOnly() ? piece.type() : part.sequence;
    for (int i = part.from; i < part.to; i++, at++) {
      result.ids()[at] = text.id(i);
      result.typeIds()[at] = type;
      result.sequences()[at] = part.sequence;
      result.words()[at] = text.word(i);
      result.starts()[at] = text.start(i);
      result.ends()[at] = text.end(i);
      for (var trimming : post.trimmings()) {
        trim(trimming, text, i, i == part.from, result, at);
      }
    }
  }

  /// Takes the white space of a token from its place.
  private void trim(
      PostProcessor.Trimming trimming,
      TokenList text,
      int i,
      boolean first,
      TokenizedText result,
      int at) {
    var token = text.asItStood(i) == null ? texts.apply(text.id(i)) : text.asItStood(i);
    int leading = 0;
    while (leading < token.length() && isSpace(token.charAt(leading))) {
      leading++;
    }
    int trailing = 0;
    while (trailing < token.length() && isSpace(token.charAt(token.length() - 1 - trailing))) {
      trailing++;
    }
    int start = result.starts()[at];
    int end = result.ends()[at];
    if (leading == 1 && trimming.spaceAdded() && (first || start == 0)) {
      leading = 0;
    }
    start = Math.min(start + leading, end);
    if (trailing > 0 && end >= trailing) {
      end = Math.max(end - trailing, start);
    }
    result.starts()[at] = start;
    result.ends()[at] = end;
  }

  /// {@return whether a character of a token is white space, as byte-level tokens have it or not}
  private static boolean isSpace(char c) {
    return c == '\u0120' || Normalizer.isSpace(c);
  }
}
