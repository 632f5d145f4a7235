package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.nio.charset.StandardCharsets;

/// SentencePiece's byte-pair encoding (`tokenizer.ggml.model` = `llama`), as llama.cpp's
/// `llm_tokenizer_spm`.
///
/// Spaces are written as U+2581. Adjacent pieces merge as long as the two together are a token, the
/// token with the highest score first. A character without a token becomes its bytes, or the
/// unknown token where the vocabulary has none for bytes. `tokenizer.ggml.remove_extra_whitespaces`
/// has no effect on this algorithm.
final class SentencePieceBpe extends VocabularyTokenizer {
  private static final char SPACE = '\u2581';

  private final boolean addsSpace;

  /// The token of each byte, or [Vocabulary#NONE].
  private final int[] byteTokens;

  SentencePieceBpe(Gguf gguf) throws GgufFormatException {
    super(gguf, new Vocabulary(gguf, new Vocabulary.Defaults(1, 2, true, false)));
    addsSpace = gguf.bool("tokenizer.ggml.add_space_prefix", true);
    byteTokens = vocabulary.byteTokens();
    var singleBytes = vocabulary.singleBytes();
    for (int b = 0; b < byteTokens.length; b++) {
      if (byteTokens[b] == Vocabulary.NONE) {
        byteTokens[b] = singleBytes[b];
      }
      if (byteTokens[b] == Vocabulary.NONE && vocabulary.unknown() == Vocabulary.NONE) {
        throw gguf.malformed(
            Vocabulary.TOKENS,
            "a token <0x%02X>, or one for what is unknown".formatted(b),
            "neither");
      }
    }
  }

  @Override
  boolean addsSpace() {
    return addsSpace;
  }

  @Override
  byte[] normal(int token) {
    return vocabulary.text(token).replace(SPACE, ' ').getBytes(StandardCharsets.UTF_8);
  }

  @Override
  void encode(String text, boolean leading, TokenList tokens) {
    boolean space = addsSpace && leading;
    var escaped = (space ? " " + text : text).replace(' ', SPACE);
    var utf8 = escaped.getBytes(StandardCharsets.UTF_8);
    int n = escaped.codePointCount(0, escaped.length());
    var starts = new int[n + 1]; // of each character; of the end
    int at = 0;
    for (int i = 0; i < n; i++) {
      starts[i] = at;
      at += length(utf8[at]);
    }
    starts[n] = at;
    var merger = new Merger(utf8, starts);
    merger.merge(n);
    tokens.nextWord();
    var places = new Utf8Cursor(escaped);
    for (int i = 0; i < n; i = merger.next(i)) {
      int from = places.floor(starts[i]);
      int to = places.floor(starts[merger.next(i)]);
      if (space) {
        // The space that was put in front comes from where the first character does.
        from = Math.max(0, from - 1);
        to = Math.max(Character.charCount(text.codePointAt(0)), to - 1);
      }
      add(utf8, starts[i], starts[merger.next(i)], from, to, tokens);
    }
  }

  /// Adds the token of a text, or those of its bytes.
  private void add(byte[] utf8, int from, int to, int start, int end, TokenList tokens) {
    int token = vocabulary.find(utf8, from, to);
    if (token != Vocabulary.NONE) {
      tokens.add(token, start, end);
      return;
    }
    for (int i = from; i < to; i++) {
      if (byteTokens[utf8[i] & 0xff] == Vocabulary.NONE) {
        tokens.add(vocabulary.unknown(), start, end);
        return;
      }
    }
    for (int i = from; i < to; i++) {
      tokens.add(byteTokens[utf8[i] & 0xff], start, end);
    }
  }

  private final class Merger extends PairMerger {
    private final byte[] utf8;
    private final int[] starts;

    Merger(byte[] utf8, int[] starts) {
      this.utf8 = utf8;
      this.starts = starts;
    }

    @Override
    int order(int left, int right, int end) {
      int token = vocabulary.find(utf8, starts[left], starts[end]);
      return token == Vocabulary.NONE ? NEVER : descending(vocabulary.score(token));
    }
  }

  /// {@return an int that is the smaller, the higher a score}
  private static int descending(float score) {
    int bits = Float.floatToIntBits(score + 0f); // no -0
    return bits < 0 ? bits & Integer.MAX_VALUE : ~bits;
  }
}
