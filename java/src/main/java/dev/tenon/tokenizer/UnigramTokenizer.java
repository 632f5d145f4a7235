package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufValue;

/// The unigram model of a file that llama.cpp's converter made (`tokenizer.ggml.model` = `t5`), as
/// llama.cpp's `llm_tokenizer_ugm`.
///
/// A text becomes what `tokenizer.ggml.precompiled_charsmap` says, its spaces are merged where
/// `tokenizer.ggml.remove_extra_whitespaces` says so and written as U+2581, and it is cut into the
/// tokens with the highest sum of scores.
final class UnigramTokenizer extends VocabularyTokenizer {
  private static final String CHARSMAP = "tokenizer.ggml.precompiled_charsmap";

  private final PieceTrie userDefined = new PieceTrie();
  private final PrecompiledCharsmap charsmap;
  private final Unigram unigram;
  private final boolean addsSpace;
  private final boolean mergesSpaces;

  UnigramTokenizer(Gguf gguf) throws GgufFormatException {
    super(gguf, new Vocabulary(gguf, Vocabulary.Defaults.T5));
    addsSpace = gguf.bool("tokenizer.ggml.add_space_prefix", false);
    mergesSpaces = gguf.bool("tokenizer.ggml.remove_extra_whitespaces", false);
    charsmap = gguf.has(CHARSMAP) ? charsmap(gguf) : null;
    if (vocabulary.unknown() == Vocabulary.NONE) {
      throw gguf.malformed(Vocabulary.TOKENS, "a token for what is unknown", "none");
    }
    var trie = new PieceTrie();
    var scores = new double[vocabulary.size()];
    float least = Float.MAX_VALUE;
    try {
      for (int id = 0; id < scores.length; id++) {
        var type = vocabulary.type(id);
        float score = vocabulary.score(id);
        if (type == TokenType.NORMAL && score < least) {
          least = score;
        }
        // As llama.cpp has it: 0 is more than what any other scores.
        scores[id] = type == TokenType.USER_DEFINED ? 0 : score;
        boolean isPiece =
            type == TokenType.NORMAL || type == TokenType.USER_DEFINED || type == TokenType.UNUSED;
        if (isPiece && !Float.isNaN(score)) {
          trie.put(vocabulary.text(id), id);
        }
        if (type == TokenType.USER_DEFINED) {
          userDefined.put(vocabulary.text(id), id);
        }
      }
    } catch (IllegalArgumentException e) {
      throw gguf.malformed(Vocabulary.TOKENS, "short tokens", e.getMessage());
    }
    unigram = new Unigram(trie, scores, least - Unigram.UNKNOWN_PENALTY, Unigram.Rounding.DOUBLE);
  }

  private static PrecompiledCharsmap charsmap(Gguf gguf) throws GgufFormatException {
    if (!(gguf.get(CHARSMAP) instanceof GgufValue.Array array)
        || !array.elementType().isInteger()) {
      throw gguf.malformed(CHARSMAP, CHARSMAP + " to be an array of bytes", "another");
    }
    var numbers = gguf.integers(CHARSMAP);
    var table = new byte[numbers.length];
    for (int i = 0; i < table.length; i++) {
      table[i] = (byte) numbers[i];
    }
    try {
      return new PrecompiledCharsmap(table);
    } catch (IllegalArgumentException e) {
      throw gguf.malformed(
          CHARSMAP, CHARSMAP + " to be a table of SentencePiece's", e.getMessage());
    }
  }

  @Override
  boolean addsSpace() {
    return addsSpace;
  }

  @Override
  byte[] normal(int token) {
    return Normalizer.utf8(vocabulary.text(token).replace(Vocabulary.SPACE, ' '));
  }

  @Override
  void encode(String text, boolean leading, TokenList tokens) {
    var normalized = normalize(AlignedText.of(text));
    tokens.nextWord();
    unigram.segment(
        normalized.text(),
        (piece, from, to) ->
            tokens.add(
                piece == PieceTrie.NONE ? vocabulary.unknown() : piece,
                normalized.start(from),
                normalized.end(to - 1)));
  }

  /// A space stands before each word, or, where they are not merged, at least before the first.
  private AlignedText normalize(AlignedText aligned) {
    var text = aligned.text();
    var edit = aligned.edit();
    var spaces = new Spaces();
    for (int from = 0; from < text.length(); ) {
      int end = userDefined.longest(text, from);
      spaces.written.setLength(0);
      if (end > from) {
        spaces.add(text.substring(from, end), from, end);
      } else if (charsmap == null) {
        end = from + Character.charCount(text.codePointAt(from));
        spaces.add(text.substring(from, end), from, end);
      } else {
        end = charsmap.longest(text, from, text.length(), spaces);
      }
      SentencePieceNormalizer.put(spaces.written.toString(), text.codePointCount(from, end), edit);
      SentencePieceNormalizer.check(edit, aligned);
      from = end;
    }
    return edit.done();
  }

  /// Takes the parts of a text and writes its spaces.
  private final class Spaces implements PrecompiledCharsmap.Replaced {
    private final StringBuilder written = new StringBuilder();
    private boolean prefixed;
    private boolean inWord;

    @Override
    public void add(String text, int from, int to) {
      for (int i = 0; i < text.length(); i++) {
        char c = text.charAt(i);
        if (c == ' ') {
          inWord = false;
          if (!mergesSpaces) {
            written.append(Vocabulary.SPACE);
          }
          continue;
        }
        if (!inWord && (addsSpace && !prefixed || mergesSpaces)) {
          written.append(Vocabulary.SPACE);
          prefixed = true;
        }
        inWord = true;
        written.append(c);
      }
    }
  }
}
