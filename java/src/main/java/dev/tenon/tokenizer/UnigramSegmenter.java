package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufValue;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// The model `Unigram` of a `tokenizer.json`: the pieces that the library tokenizers gives. What is
/// no piece becomes its bytes, where the vocabulary has them all, or one unknown token. Immutable
/// and thread-safe.
final class UnigramSegmenter implements Segmenter {
  private static final String SCORES = "tokenizer.ggml.scores";

  /// Pieces by text; their numbers are ids.
  private final PieceTrie trie = new PieceTrie();

  private final Unigram unigram;
  private final int unknown;
  private final boolean byteFallback;

  /// @param model with `unk_id`, `byte_fallback` and `vocab_size`: ids from there on are tokens
  ///     that were added, and no pieces
  /// @param texts of all tokens by id, null for those that are never used
  UnigramSegmenter(Gguf gguf, Normalizer.Step model, List<String> texts)
      throws GgufFormatException {
    int size = (int) Math.min(number(model, "vocab_size", texts.size()), texts.size());
    unknown = (int) Math.min(number(model, "unk_id", Vocabulary.NONE), size - 1L);
    byteFallback = model.flag("byte_fallback", false);
    var scores = scores(gguf, size);
    double least = Double.POSITIVE_INFINITY;
    for (int id = 0; id < size; id++) {
      least = scores[id] < least ? scores[id] : least;
      if (texts.get(id) != null && !Double.isNaN(scores[id])) {
        trie.put(texts.get(id), id);
      }
    }
    unigram = new Unigram(trie, scores, least - Unigram.UNKNOWN_PENALTY, Unigram.Rounding.DOUBLE);
  }

  private static long number(Normalizer.Step model, String key, long fallback) {
    return switch (model.get(key)) {
      case null -> fallback;
      case Long number when number >= 0 -> number;
      default -> throw model.wrong(key, "a number of 0 or more");
    };
  }

  private static double[] scores(Gguf gguf, int size) throws GgufFormatException {
    var key = gguf.has(TokenizerSteps.SCORES) ? TokenizerSteps.SCORES : SCORES;
    var scores = new double[size];
    if (gguf.get(key) instanceof GgufValue.Array array
        && array.elementType().isReal()
        && array.size() >= size) {
      for (int id = 0; id < size; id++) {
        scores[id] = ((GgufValue.Real) array.get(id)).value();
      }
      return scores;
    }
    throw gguf.malformed(key, key + " to be an array of at least " + size + " numbers", "another");
  }

  @Override
  public void segment(String word, Tokens tokens) {
    unigram.segment(
        word,
        (piece, from, to) -> {
          if (piece == PieceTrie.NONE) {
            addUnknown(word.substring(from, to), to, tokens);
          } else {
            tokens.add(piece, to);
          }
        });
  }

  private void addUnknown(String text, int end, Tokens tokens) {
    int whole = trie.find(text); // several unknown characters may be a piece that was no good
    if (whole != PieceTrie.NONE) {
      tokens.add(whole, end);
    } else if (byteFallback && hasBytes(text)) {
      for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
        tokens.add(byteToken(b), end);
      }
    } else if (unknown != Vocabulary.NONE) {
      tokens.add(unknown, end);
    }
  }

  private boolean hasBytes(String text) {
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if (byteToken(b) == PieceTrie.NONE) {
        return false;
      }
    }
    return true;
  }

  private int byteToken(byte b) {
    return trie.find("<0x%02X>".formatted(b));
  }
}
