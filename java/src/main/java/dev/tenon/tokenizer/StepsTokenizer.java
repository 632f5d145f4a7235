package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

/// A tokenizer by the steps of a `tokenizer.json` ([TokenizerSteps]): the ids that transformers
/// gives.
///
/// Tokens that stand in the text are cut out of it, what is left is normalised, those that stand in
/// the normalised text are cut out, the rest is split into words, and each word is cut into tokens:
/// by byte-pair encoding ([Bpe], or [SentencePieceBpe] where there is no list of merges), by
/// [WordPiece], a unigram model ([UnigramSegmenter]), a SentencePiece model with numbers of its own
/// ([SentencePieces]) or character by character ([CharacterSegmenter]).
final class StepsTokenizer extends VocabularyTokenizer {
  private static final String GGML_MERGES = "tokenizer.ggml.merges";

  private final Normalizer normalizer;
  private final Splitter splitter;
  private final AddedTokens asWritten;
  private final AddedTokens normalized;
  private final Decoding decoding;
  private final Segmenter segmenter;

  /// Whether the white space at both ends of a decoded text is left out.
  private final boolean trims;

  /// The texts of tokens as the `tokenizer.json` has them.
  private final TokenTexts texts;

  StepsTokenizer(Gguf gguf) throws GgufFormatException {
    this(gguf, new Vocabulary(gguf, Vocabulary.Defaults.NOTHING), TokenizerSteps.read(gguf));
  }

  private StepsTokenizer(Gguf gguf, Vocabulary vocabulary, Map<String, Object> steps)
      throws GgufFormatException {
    this(gguf, vocabulary, steps, texts(gguf, vocabulary, steps));
  }

  private static TokenTexts texts(Gguf gguf, Vocabulary vocabulary, Map<String, Object> steps)
      throws GgufFormatException {
    try {
      TokenizerSteps.check(steps);
      return new TokenTexts(vocabulary, steps);
    } catch (IllegalArgumentException e) {
      throw gguf.malformed(TokenizerSteps.STEPS, "steps of a tokenizer", e.getMessage());
    }
  }

  private StepsTokenizer(
      Gguf gguf, Vocabulary vocabulary, Map<String, Object> steps, TokenTexts texts)
      throws GgufFormatException {
    super(vocabulary, post(gguf, vocabulary, steps, texts));
    this.texts = texts;
    try {
      normalizer = Normalizer.of(steps.get("normalizer"));
      splitter = Splitter.of(steps.get("pre_tokenizer"));
      decoding = Decoding.of(steps.get("decoder"));
      trims =
          steps.get("decoder") instanceof Map<?, ?> map && "SentencePiece".equals(map.get("type"));
      asWritten = new AddedTokens(texts.asWritten());
      normalized = new AddedTokens(texts.normalized(normalizer));
      segmenter = segmenter(gguf, new Normalizer.Step("model", steps.get("model")));
    } catch (IllegalArgumentException e) {
      throw gguf.malformed(TokenizerSteps.STEPS, "steps of a tokenizer", e.getMessage());
    }
  }

  private static PostProcessor post(
      Gguf gguf, Vocabulary vocabulary, Map<String, Object> steps, TokenTexts texts)
      throws GgufFormatException {
    try {
      return PostProcessor.of(
          steps.get("post_processor"),
          PostProcessor.of(gguf, vocabulary),
          texts::find,
          vocabulary.size());
    } catch (IllegalArgumentException e) {
      throw gguf.malformed(TokenizerSteps.STEPS, "steps of a tokenizer", e.getMessage());
    }
  }

  private Segmenter segmenter(Gguf gguf, Normalizer.Step model) throws GgufFormatException {
    return switch (model.type()) {
      case "WordPiece" -> new WordPiece(model, texts.all());
      case "Unigram" -> new UnigramSegmenter(gguf, model, texts.all());
      case "SentencePiece" ->
          new SentencePieces(
              gguf,
              TokenizerSteps.SOURCE,
              texts::find,
              texts.find(model.text("unk_token", "")),
              model.flag("language_codes", false));
      case "Characters" ->
          new CharacterSegmenter(
              gguf.strings(TokenizerSteps.SOURCE + ".tokens"),
              texts.find(model.text("unk_token", "")));
      default -> {
        var key = gguf.has(TokenizerSteps.MERGES) ? TokenizerSteps.MERGES : GGML_MERGES;
        yield gguf.has(key)
            ? new Bpe(gguf, key, model, texts::word, vocabulary.byteTokens())
            : new ByScores(
                new SentencePieceBpe(gguf),
                model.flag("fuse_unk", false)
                    ? texts.find(model.text("unk_token", ""))
                    : Vocabulary.NONE);
      }
    };
  }

  /// Merges by the scores of tokens.
  ///
  /// @param fused the token of which several side by side are one, or [Vocabulary#NONE]
  private record ByScores(SentencePieceBpe model, int fused) implements Segmenter {
    @Override
    public void segment(String word, Tokens tokens) {
      var found = new TokenList();
      model.encode(word, false, found);
      for (int i = 0; i < found.size(); i++) {
        int from = i;
        while (found.id(i) == fused && i + 1 < found.size() && found.id(i + 1) == fused) {
          i++;
        }
        tokens.add(found.id(i), found.start(from), found.end(i));
      }
    }
  }

  @Override
  public int find(String piece) {
    return texts.find(piece);
  }

  @Override
  public String join(List<String> pieces) {
    return decoding.join(pieces);
  }

  @Override
  public boolean marksSubwords() {
    return decoding.pieces() != null;
  }

  @Override
  boolean addsSpace() {
    return decoding.strips() || decoding.pieces() != null;
  }

  @Override
  boolean trims() {
    return trims;
  }

  @Override
  String text(int token) {
    return texts.text(token);
  }

  @Override
  byte[] normal(int token) {
    if (decoding.pieces() != null) {
      return Normalizer.utf8(decoding.pieces().text(texts.text(token), false));
    }
    var text = vocabulary.text(token);
    if (decoding.bytes()) {
      return ByteLevelBpe.bytes(text);
    }
    if (decoding.space() != null) {
      text = text.replace(decoding.space(), " ");
    }
    if (decoding.suffix() != null) {
      text = text.replace(decoding.suffix(), " ");
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  byte[] first(int token) {
    return decoding.pieces() != null
        ? Normalizer.utf8(decoding.pieces().text(texts.text(token), true))
        : normal(token);
  }

  @Override
  byte[] written(int token) {
    return decoding.pieces() != null ? normal(token) : super.written(token);
  }

  @Override
  void encode(String text, TokenList tokens, boolean parseSpecial) {
    var cutter = segmenter.forOneText();
    var whole = AlignedText.of(text);
    for (var part : asWritten.split(text, parseSpecial)) {
      var piece = whole.part(part.from(), part.to());
      if (part.token() != Vocabulary.NONE) {
        tokens.addAsItStands(part.token(), part.from(), part.to(), piece.text());
      } else {
        encode(normalizer.apply(piece), cutter, tokens, parseSpecial);
      }
    }
  }

  private void encode(AlignedText text, Segmenter cutter, TokenList tokens, boolean parseSpecial) {
    var found = new Segmenter.Tokens(); // of one word after another
    for (var part : normalized.split(text.text(), parseSpecial)) {
      var piece = text.part(part.from(), part.to());
      if (part.token() != Vocabulary.NONE) {
        tokens.addAsItStands(
            part.token(), piece.start(0), piece.end(piece.length() - 1), piece.text());
        continue;
      }
      for (var word : splitter.split(piece)) {
        found.cut(0);
        cutter.segment(word.text(), found);
        tokens.nextWord();
        for (int i = 0; i < found.size(); i++) {
          int start = Math.min(found.start(i), word.length() - 1);
          int end = Math.max(found.end(i), start + 1);
          tokens.add(found.id(i), word.start(start), word.end(end - 1));
        }
      }
    }
  }

  @Override
  void encode(String text, boolean leading, TokenList tokens) {
    encode(text, tokens, false);
  }
}
