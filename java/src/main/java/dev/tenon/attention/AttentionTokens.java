package dev.tenon.attention;

import java.util.List;

/// The tokens of one side, encoder or decoder.
///
/// @param texts what a person reads of each: its piece in the vocabulary or its decoded text
/// @param ids their ids, or none if they are not known
/// @param types their token types, such as 0 for the first and 1 for the second text of a pair, or
///     none if there are no types
public record AttentionTokens(List<String> texts, int[] ids, int[] types) {
  /// No tokens: the side that a network does not have.
  public static final AttentionTokens NONE = new AttentionTokens(List.of());

  /// Copies what it is given.
  ///
  /// @throws IllegalArgumentException if there are ids or types, but not one for each text
  public AttentionTokens {
    texts = List.copyOf(texts);
    ids = checked("ids", ids, texts.size());
    types = checked("types", types, texts.size());
  }

  /// Tokens without types.
  ///
  /// @param texts what a person reads of each
  /// @param ids their ids, or none if they are not known
  /// @throws IllegalArgumentException if there are ids, but not one for each text
  public AttentionTokens(List<String> texts, int[] ids) {
    this(texts, ids, new int[0]);
  }

  /// Tokens of which the texts alone are known.
  ///
  /// @param texts what a person reads of each
  public AttentionTokens(List<String> texts) {
    this(texts, new int[0]);
  }

  private static int[] checked(String what, int[] given, int tokens) {
    if (given.length != 0 && given.length != tokens) {
      throw new IllegalArgumentException(
          "attention: " + given.length + " " + what + " of " + tokens + " tokens");
    }
    return given.clone();
  }

  /// {@return how many there are}
  public int size() {
    return texts.size();
  }

  /// {@return a copy of the ids; none if they are not known}
  @Override
  public int[] ids() {
    return ids.clone();
  }

  /// {@return a copy of the types; none if there are no types}
  @Override
  public int[] types() {
    return types.clone();
  }
}
