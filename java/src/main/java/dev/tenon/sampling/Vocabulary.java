package dev.tenon.sampling;

/// What some filters must know of the tokens: DRY to find its sequence breakers in them, infill to
/// see which begin alike.
public interface Vocabulary {
  /// {@return the number of tokens}
  int size();

  /// {@return the UTF-8 of a text that is this token alone, control tokens as their text}
  ///
  /// @param token an id
  byte[] text(int token);

  /// {@return the bytes that a token adds to a text, none for a control token}
  ///
  /// @param token an id
  byte[] piece(int token);

  /// {@return the tokens of a text, without a begin or end token}
  ///
  /// @param text some text, in which control tokens are not recognised
  int[] encode(String text);

  /// {@return whether generation ends at a token}
  ///
  /// @param token an id
  boolean endsGeneration(int token);

  /// {@return the token that ends a turn, else the one that ends a text, else -1}
  int endOfTurn();
}
