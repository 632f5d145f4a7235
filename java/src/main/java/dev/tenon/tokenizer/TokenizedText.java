package dev.tenon.tokenizer;

import java.util.Arrays;

/// A text, or a pair of texts, as tokens, each with where it comes from. All arrays have one
/// element a token. Not copied: change none of them.
///
/// @param ids the tokens
/// @param typeIds the segment of each token: 0, or what the tokenizer's template says (BERT: 1 for
///     the second text)
/// @param sequences which text a token is of: 0, 1, or -1 where the template added it
/// @param starts where a token begins in its text, in Unicode code points; 0 for added ones
/// @param ends where it ends, in Unicode code points; 0 for added ones
/// @param words the number of the word that a token is of in its text, -1 for added ones
public record TokenizedText(
    int[] ids, int[] typeIds, int[] sequences, int[] starts, int[] ends, int[] words) {
  /// Checks that all arrays have one length.
  ///
  /// @throws IllegalArgumentException if they have not
  public TokenizedText {
    int n = ids.length;
    if (typeIds.length != n
        || sequences.length != n
        || starts.length != n
        || ends.length != n
        || words.length != n) {
      throw new IllegalArgumentException(
          "TokenizedText: arrays of one length are needed, given "
              + n
              + " ids, "
              + typeIds.length
              + " typeIds, "
              + sequences.length
              + " sequences, "
              + starts.length
              + " starts, "
              + ends.length
              + " ends, "
              + words.length
              + " words");
    }
  }

  /// {@return the number of tokens}
  public int length() {
    return ids.length;
  }

  /// {@return this, with tokens behind it up to a length; itself where it is as long or longer}
  ///
  /// What is added is of no text and of segment 0.
  ///
  /// @param length of the result
  /// @param padId the token that is added
  public TokenizedText padded(int length, int padId) {
    return length <= ids.length
        ? this
        : new TokenizedText(
            filled(ids, length, padId),
            filled(typeIds, length, 0),
            filled(sequences, length, -1),
            filled(starts, length, 0),
            filled(ends, length, 0),
            filled(words, length, -1));
  }

  private static int[] filled(int[] values, int length, int value) {
    var result = Arrays.copyOf(values, length);
    Arrays.fill(result, values.length, length, value);
    return result;
  }

  /// {@return whether both have the same tokens from the same places}
  @Override
  public boolean equals(Object other) {
    return other instanceof TokenizedText that
        && Arrays.equals(ids, that.ids)
        && Arrays.equals(typeIds, that.typeIds)
        && Arrays.equals(sequences, that.sequences)
        && Arrays.equals(starts, that.starts)
        && Arrays.equals(ends, that.ends)
        && Arrays.equals(words, that.words);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(ids);
  }

  @Override
  public String toString() {
    return "TokenizedText" + Arrays.toString(ids);
  }
}
