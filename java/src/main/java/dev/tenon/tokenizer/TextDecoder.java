package dev.tenon.tokenizer;

/// Turns a stream of tokens into text one token at a time, and never gives out half a character.
///
/// All that it gives, joined, is what [Tokenizer#decode(int...)] gives for all the tokens. To
/// continue a prompt, pass it the tokens of the prompt first and drop their text: the first token
/// of a stream loses the space that SentencePiece puts in front of a text, later ones keep theirs.
///
/// Not thread-safe.
public interface TextDecoder {
  /// Takes the next token.
  ///
  /// @param token an id
  /// @return the text that it completes: empty inside a character that takes several tokens, and
  ///     for control tokens where they are left out
  /// @throws IndexOutOfBoundsException if the id is outside the vocabulary
  String accept(int token);

  /// Ends the stream. The decoder is then as new.
  ///
  /// @return U+FFFD where the stream ended inside a character, else an empty string
  String finish();
}
