package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.function.ToIntFunction;

/// A SentencePiece model, whose pieces are looked up by their text in a vocabulary that numbers
/// them in its own way, as tokenizers of transformers have it that are not the fast ones.
///
/// What the model cuts is the pieces that SentencePiece gives, of unigram and of byte-pair
/// encodings; a piece that the vocabulary does not have is its unknown token. Immutable and
/// thread-safe.
final class SentencePieces implements Segmenter {
  private static final int NORMAL = 1;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final int BYTE = 6;

  private final PieceTrie trie = new PieceTrie();
  private final PieceTrie userDefined = new PieceTrie();
  private final double[] scores;
  private final long[] types;

  /// The ids of the pieces.
  private final int[] ids;

  /// The ids of the bytes, for what is no piece, or null.
  private final int[] byteIds;

  private final int unknown;
  private final ToIntFunction<String> vocabulary;

  /// Cuts by scores; null for a byte-pair encoding.
  private final Unigram unigram;

  /// Whether a text may begin with a token for its language, as in `>>fra<<`.
  private final boolean languages;

  /// Reads the keys of a model.
  ///
  /// @param prefix what they begin with: `tenon.tokenizer.source`
  /// @param vocabulary finds the id of a piece, or [Vocabulary#NONE]
  /// @param unknown the id for what has none, or [Vocabulary#NONE] where that is left out
  /// @param languages whether a text may begin with a token for its language, `>>` to `<<`
  SentencePieces(
      Gguf gguf, String prefix, ToIntFunction<String> vocabulary, int unknown, boolean languages)
      throws GgufFormatException {
    this.vocabulary = vocabulary;
    this.unknown = unknown;
    this.languages = languages;
    var pieces = gguf.strings(prefix + ".pieces");
    var floats = gguf.reals(prefix + ".scores");
    types = gguf.integers(prefix + ".types");
    if (floats.length != pieces.size() || types.length != pieces.size()) {
      throw gguf.malformed(
          prefix + ".pieces",
          "as many pieces, scores and types",
          pieces.size() + ", " + floats.length + " and " + types.length);
    }
    boolean isUnigram =
        switch (gguf.text(prefix + ".model")) {
          case "unigram" -> true;
          case "bpe" -> false;
          default ->
              throw new UnsupportedOperationException(
                  prefix
                      + ".model "
                      + Vocabulary.quote(gguf.text(prefix + ".model"))
                      + " is not supported; known are bpe, unigram");
        };
    scores = new double[floats.length];
    ids = new int[floats.length];
    boolean bytes = false;
    float least = Float.MAX_VALUE;
    float most = Float.MIN_NORMAL;
    for (int i = 0; i < floats.length; i++) {
      if (types[i] == NORMAL) {
        least = floats[i] < least ? floats[i] : least; // NaN is none
        most = floats[i] > most ? floats[i] : most;
      }
      bytes |= types[i] == BYTE;
    }
    for (int i = 0; i < floats.length; i++) {
      var text = pieces.get(i);
      ids[i] = id(text);
      scores[i] = floats[i];
      if (isUnigram && types[i] == USER_DEFINED) {
        // So that it is always chosen.
        scores[i] = text.getBytes(StandardCharsets.UTF_8).length * most - 0.1;
      }
      boolean isPiece =
          types[i] == NORMAL || types[i] == USER_DEFINED || types[i] == UNUSED && !isUnigram;
      try {
        if (isPiece && !Double.isNaN(scores[i])) {
          trie.put(text, i);
        }
        if (types[i] == USER_DEFINED) {
          userDefined.put(text, i);
        }
      } catch (IllegalArgumentException e) {
        throw gguf.malformed(prefix + ".pieces", "short pieces", e.getMessage());
      }
    }
    unigram =
        isUnigram
            ? new Unigram(trie, scores, least - Unigram.UNKNOWN_PENALTY, Unigram.Rounding.FLOAT)
            : null;
    byteIds = bytes ? new int[256] : null;
    for (int b = 0; bytes && b < 256; b++) {
      byteIds[b] = id("<0x%02X>".formatted(b));
    }
  }

  private int id(String piece) {
    int id = vocabulary.applyAsInt(piece);
    return id == Vocabulary.NONE ? unknown : id;
  }

  @Override
  public void segment(String word, Tokens tokens) {
    int from = languages ? addLanguage(word, tokens) : 0;
    var text = word.substring(from);
    var pieces = new Adder(text, from, tokens);
    if (unigram != null) {
      unigram.segment(text, pieces);
    } else {
      new Merger(text).segment(pieces);
    }
    pieces.finish();
  }

  /// {@return where the text begins after the token for its language, 0 where it has none}
  private int addLanguage(String word, Tokens tokens) {
    int end = word.startsWith(">>") ? word.indexOf("<<") : -1;
    if (end < 0) {
      return 0;
    }
    add(id(word.substring(0, end + 2)), end + 2, tokens);
    return end + 2;
  }

  private static void add(int id, int end, Tokens tokens) {
    if (id != Vocabulary.NONE) {
      tokens.add(id, end);
    }
  }

  /// Adds the tokens of pieces; unknown ones side by side are one.
  private final class Adder implements Unigram.Pieces {
    private final String text;
    private final int offset;
    private final Tokens tokens;
    private int unknownFrom = -1;
    private int unknownTo;

    Adder(String text, int offset, Tokens tokens) {
      this.text = text;
      this.offset = offset;
      this.tokens = tokens;
    }

    @Override
    public void add(int piece, int from, int to) {
      if (piece == PieceTrie.NONE) {
        unknownFrom = unknownFrom < 0 ? from : unknownFrom;
        unknownTo = to;
        return;
      }
      finish();
      SentencePieces.add(ids[piece], offset + to, tokens);
    }

    void finish() {
      if (unknownFrom < 0) {
        return;
      }
      var piece = text.substring(unknownFrom, unknownTo);
      unknownFrom = -1;
      if (byteIds == null) {
        SentencePieces.add(id(piece), offset + unknownTo, tokens);
        return;
      }
      for (byte b : piece.getBytes(StandardCharsets.UTF_8)) {
        SentencePieces.add(byteIds[b & 0xff], offset + unknownTo, tokens);
      }
    }
  }

  /// Byte-pair encoding: the two pieces merge whose result has the highest score.
  private final class Merger extends PairMerger {
    private final String text;

    /// Where each symbol begins; where the text ends.
    private final int[] starts;

    private final boolean[] whole;
    private final int n;

    /// What a piece that is never to be given was merged of: where its second part begins in it.
    private final Map<String, Integer> parts = new HashMap<>();

    Merger(String text) {
      this.text = text;
      var places = new int[text.length() + 1];
      whole = new boolean[text.length() + 1];
      int count = 0;
      for (int at = 0; at < text.length(); count++) {
        int end = userDefined.longest(text, at);
        places[count] = at;
        whole[count] = end > at;
        at = end > at ? end : at + Character.charCount(text.codePointAt(at));
      }
      places[count] = text.length();
      n = count;
      starts = Arrays.copyOf(places, n + 1);
    }

    private int find(int from, int to) {
      int node = PieceTrie.ROOT;
      for (int i = from; i < to && node != PieceTrie.NONE; i++) {
        node = trie.child(node, text.charAt(i));
      }
      return node == PieceTrie.NONE ? PieceTrie.NONE : trie.value(node);
    }

    @Override
    int order(int left, int right, int end) {
      if (whole[left] || whole[right]) {
        return NEVER;
      }
      int piece = find(starts[left], starts[end]);
      if (piece == PieceTrie.NONE) {
        return NEVER;
      }
      if (types[piece] == UNUSED) {
        parts.put(text.substring(starts[left], starts[end]), starts[right] - starts[left]);
      }
      return descending((float) scores[piece]);
    }

    void segment(Unigram.Pieces pieces) {
      merge(n);
      for (int i = 0; i < n; i = next(i)) {
        give(starts[i], starts[next(i)], pieces);
      }
    }

    /// Gives a piece, or the parts of one that is never to be given.
    private void give(int from, int to, Unigram.Pieces pieces) {
      var open = new ArrayDeque<int[]>();
      open.push(new int[] {from, to});
      while (!open.isEmpty()) {
        var range = open.pop();
        int piece = find(range[0], range[1]);
        boolean unused = piece != PieceTrie.NONE && types[piece] == UNUSED;
        var second = unused ? parts.get(text.substring(range[0], range[1])) : null;
        if (second == null) {
          pieces.add(piece, range[0], range[1]);
        } else {
          open.push(new int[] {range[0] + second, range[1]});
          open.push(new int[] {range[0], range[0] + second});
        }
      }
    }
  }

  /// {@return an int that is the smaller, the higher a score}
  private static int descending(float score) {
    int bits = Float.floatToIntBits(score + 0f); // no -0
    return bits < 0 ? bits & Integer.MAX_VALUE : ~bits;
  }
}
