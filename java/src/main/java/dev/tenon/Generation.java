package dev.tenon;

import java.time.Duration;

/// What happens while generating.
public sealed interface Generation {
  /// A token was generated.
  ///
  /// @param token its id; -1 where `text` is what was held back of a character the last token left
  ///     unfinished
  /// @param text the text it completes; empty inside a character of several tokens, and for a token
  ///     that ends generation
  record Piece(int token, String text) implements Generation {}

  /// Generation is over.
  ///
  /// @param reason why
  /// @param promptTokens tokens evaluated before the first piece; 0 where there was none
  /// @param generatedTokens tokens generated
  /// @param promptTime time to evaluate the prompt
  /// @param generateTime time from then to the end
  record Done(
      Reason reason,
      int promptTokens,
      int generatedTokens,
      Duration promptTime,
      Duration generateTime)
      implements Generation {}

  /// Why generation ended.
  enum Reason {
    /// The model ended its turn.
    END_OF_TEXT,
    /// As many tokens were generated as were asked for.
    MAX_TOKENS,
    /// No room is left in the context.
    CONTEXT_FULL,
    /// The thread was interrupted; it still is.
    INTERRUPTED
  }
}
