package dev.tenon;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.sampling.Vocabulary;
import dev.tenon.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;

/// What the filters that look at texts may know of a model's tokens.
record TokenTexts(Tokenizer tokenizer, int endOfTurn) implements Vocabulary {
  /// Texts of tokens that end a turn. Where several end the generation, the first counts.
  private static final List<String> TURN_ENDS =
      List.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "<|end_of_text|>",
          "<EOT>",
          "_<EOT>",
          "[EOT]",
          "<｜end▁of▁sentence｜>",
          "<end_of_utterance>");

  static TokenTexts of(Model model) throws GgufFormatException {
    var tokenizer = model.tokenizer();
    long told = model.gguf().integer("tokenizer.ggml.eot_token_id", -1);
    boolean known = told >= 0 && told < tokenizer.vocabularySize();
    return new TokenTexts(tokenizer, known ? (int) told : endOfTurn(model));
  }

  private static int endOfTurn(Model model) {
    var tokenizer = model.tokenizer();
    var ends = model.endTokens(false);
    return TURN_ENDS.stream()
        .flatMap(
            text -> Arrays.stream(ends).filter(end -> tokenizer.piece(end).equals(text)).boxed())
        .findFirst()
        .orElse(tokenizer.eos());
  }

  @Override
  public int size() {
    return tokenizer.vocabularySize();
  }

  @Override
  public byte[] text(int token) {
    var bytes = tokenizer.bytes(token, true);
    // SentencePiece's space in front of a text is not part of it.
    boolean dropped =
        bytes.length > 0
            && bytes[0] == ' '
            && !tokenizer.decode(new int[] {token}, true).startsWith(" ");
    return dropped ? Arrays.copyOfRange(bytes, 1, bytes.length) : bytes;
  }

  @Override
  public byte[] piece(int token) {
    return tokenizer.bytes(token, false);
  }

  @Override
  public int[] encode(String text) {
    return tokenizer.encode(text);
  }

  @Override
  public boolean endsGeneration(int token) {
    return tokenizer.endsGeneration(token);
  }
}
