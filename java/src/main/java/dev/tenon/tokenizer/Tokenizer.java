package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.util.List;

/// Text to token ids and back: the ids that llama.cpp gives, and for a file that has the steps of a
/// `tokenizer.json` those that transformers gives.
///
/// ```java
/// try (var gguf = Gguf.open(Path.of("model.gguf"))) {
///   var tokenizer = Tokenizer.of(gguf);
///   int[] ids = tokenizer.encode("Hello world"); // [9906, 1917] for Llama 3
///   String text = tokenizer.decode(ids); // "Hello world"
/// }
/// ```
///
/// Texts are taken as UTF-8; half a surrogate pair in one counts as U+FFFD. The time to encode
/// grows with the length of a text, whatever it holds.
///
/// Immutable and thread-safe.
public interface Tokenizer {
  /// {@return the tokenizer that the `tokenizer.ggml.*` keys of a file describe}
  ///
  /// @param gguf an open file; not retained
  /// @throws GgufFormatException if keys are missing or disagree
  /// @throws UnsupportedOperationException if `tokenizer.ggml.model` or `tokenizer.ggml.pre` is
  ///     unknown; the message has the known ones
  /// @throws IllegalStateException if the file is closed
  static Tokenizer of(Gguf gguf) throws GgufFormatException {
    var model = gguf.text(VocabularyTokenizer.MODEL);
    if (TokenizerSteps.hasModel(gguf)) {
      return new StepsTokenizer(gguf);
    }
    return switch (model) {
      case "bert" -> new PhantomWordPiece(gguf);
      case "llama" -> new SentencePieceBpe(gguf);
      case "t5" -> new UnigramTokenizer(gguf);
      case "gpt2" ->
          new ByteLevelBpe(
              gguf, PreTokenizer.of(gguf.text("tokenizer.ggml.pre", "default")), 11, 11);
      case "gemma4" -> new ByteLevelBpe(gguf, PreTokenizer.GEMMA4, -1, -1);
      default ->
          throw new UnsupportedOperationException(
              VocabularyTokenizer.MODEL
                  + " \""
                  + model
                  + "\" is not supported; known are bert, gemma4, gpt2, llama, t5");
    };
  }

  /// {@return whether a file has a vocabulary}
  ///
  /// It has none where `tokenizer.ggml.model` is absent, `none` or `no_vocab`, or `test`: what
  /// llama.cpp writes to files with random weights.
  ///
  /// @param gguf an open file; not retained
  /// @throws GgufFormatException if `tokenizer.ggml.model` is no string
  static boolean present(Gguf gguf) throws GgufFormatException {
    return switch (gguf.text(VocabularyTokenizer.MODEL, "none")) {
      case "none", "no_vocab", "test" -> false;
      default -> true;
    };
  }

  /// Encodes plain text. Text that looks like a control token (`<|im_end|>`) stays text; a
  /// [user-defined][TokenType#USER_DEFINED] one is a token wherever it stands.
  ///
  /// @param text any text
  /// @return ids, each from 0 to [#vocabularySize] - 1; no begin or end token is added
  default int[] encode(String text) {
    return encode(text, false, false);
  }

  /// Encodes text.
  ///
  /// @param text any text
  /// @param addSpecial whether to add the begin and end tokens that the model asks for
  /// @param parseSpecial whether control tokens are recognised in the text
  /// @return ids, each from 0 to [#vocabularySize] - 1
  int[] encode(String text, boolean addSpecial, boolean parseSpecial);

  /// Encodes a rendered prompt: control tokens are recognised, and the begin and end tokens that
  /// the model asks for are added.
  ///
  /// @param prompt any text
  /// @return ids, each from 0 to [#vocabularySize] - 1
  default int[] encodePrompt(String prompt) {
    return encode(prompt, true, true);
  }

  /// Tokenizes a text: the ids of [#encodePrompt], and where each comes from.
  ///
  /// @param text any text
  /// @return its tokens, with those that the tokenizer puts around it
  default TokenizedText tokenize(String text) {
    return tokenize(text, null);
  }

  /// Tokenizes a pair of texts. Control tokens in them are recognised.
  ///
  /// @param text any text
  /// @param pair any text, or null for none
  /// @return their tokens, with those that the tokenizer puts around and between them
  TokenizedText tokenize(String text, String pair);

  /// Tokenizes a pair of texts and cuts it to a length.
  ///
  /// @param text any text
  /// @param pair any text, or null for none
  /// @param truncation how it is cut where it is too long
  /// @return its tokens, at most as many as are asked for
  /// @throws IllegalArgumentException if it cannot be cut so: the text that is to lose tokens is
  ///     too short or is not there, or has no room for the stride
  TokenizedText tokenize(String text, String pair, Truncation truncation);

  /// Tokenizes a pair of texts into windows of a length: what is cut off of a text is in later
  /// ones, each with all that the tokenizer adds. Where both texts are cut there is a window for
  /// each two of their parts.
  ///
  /// @param text any text
  /// @param pair any text, or null for none
  /// @param truncation the length and overlap of windows, and which text is cut
  /// @return at least one; the first is what [#tokenize(String, String, Truncation)] gives
  /// @throws IllegalArgumentException as there, or if there would be too many windows
  List<TokenizedText> windows(String text, String pair, Truncation truncation);

  /// Decodes tokens, with control and unknown tokens left out.
  ///
  /// @param tokens ids
  /// @return their text; malformed UTF-8 becomes U+FFFD
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary
  default String decode(int... tokens) {
    return decode(tokens, false);
  }

  /// Decodes tokens. The space that SentencePiece puts in front of a text is taken off the first
  /// token that has text; spaces are not tidied up otherwise.
  ///
  /// @param tokens ids
  /// @param special whether control and unknown tokens are rendered as their text, else left out
  /// @return their text; malformed UTF-8 becomes U+FFFD
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary
  String decode(int[] tokens, boolean special);

  /// {@return the bytes that a token stands for, which may be part of a character}
  ///
  /// @param token an id
  /// @param special whether a control or unknown token is rendered as its text, else empty
  /// @throws IndexOutOfBoundsException if the id is outside the vocabulary
  byte[] bytes(int token, boolean special);

  /// {@return the text of a token as it stands in the vocabulary, such as `▁Hello` or `ĠHello`}
  ///
  /// @param token an id
  /// @throws IndexOutOfBoundsException if the id is outside the vocabulary
  String piece(int token);

  /// {@return the id of a token by its [#piece], or -1}
  ///
  /// @param piece the text of a token as it stands in the vocabulary
  int find(String piece);

  /// {@return the text that pieces make, joined as the decoder of the model does; what is no piece
  /// is taken as it is}
  ///
  /// @param pieces texts of tokens as they stand in the vocabulary
  String join(List<String> pieces);

  /// {@return whether a token that goes on with a word is marked as one, such as `##ing`}
  default boolean marksSubwords() {
    return false;
  }

  /// {@return what a token is for}
  ///
  /// @param token an id
  /// @throws IndexOutOfBoundsException if the id is outside the vocabulary
  TokenType type(int token);

  /// {@return a new decoder of a stream of tokens, with control and unknown tokens left out}
  default TextDecoder decoder() {
    return decoder(false);
  }

  /// {@return a new decoder of a stream of tokens}
  ///
  /// @param special whether control and unknown tokens are rendered as their text, else left out
  TextDecoder decoder(boolean special);

  /// {@return the number of tokens}
  int vocabularySize();

  /// {@return the id of the token that begins a text, or -1}
  int bos();

  /// {@return the id of the token that ends a text, or -1}
  int eos();

  /// {@return the id of the token whose state stands for a whole text, or -1}
  int cls();

  /// {@return the id of the token that parts two texts, or -1}
  int sep();

  /// {@return the id of the token that fills up a text, or -1}
  int pad();

  /// {@return the id of the token that stands for one to be found, or -1}
  int mask();

  /// {@return the id of the token for what has none, or -1}
  int unknown();

  /// {@return whether the model asks for the begin token in front of a text}
  boolean addsBos();

  /// {@return whether generation ends at a token: the end of a text, a turn or a message}
  ///
  /// @param token an id
  /// @throws IndexOutOfBoundsException if the id is outside the vocabulary
  boolean endsGeneration(int token);
}
