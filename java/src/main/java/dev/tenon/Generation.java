package dev.tenon;

import dev.tenon.sampling.LogProbabilities;
import java.time.Duration;

/// What happens while generating.
public sealed interface Generation {
  /// A token was generated.
  ///
  /// @param token its id; -1 where `text` is what was held back at the end: of a character the last
  ///     token left unfinished, or of what might have become a stop string
  /// @param text the text it completes; empty inside a character of several tokens, inside what may
  ///     become a stop string, and for a token that ends generation
  /// @param logProbabilities of the token and the likeliest ones, as the model has them before any
  ///     filter; null where they were not asked for, or there is no token
  record Piece(int token, String text, LogProbabilities logProbabilities) implements Generation {}

  /// Generation is over.
  ///
  /// @param reason why
  /// @param stop the stop string that ended it; empty where the reason is another
  /// @param promptTokens tokens evaluated before the first piece; 0 where there was none
  /// @param reusedTokens tokens in front of those that the session held already
  /// @param generatedTokens tokens generated
  /// @param draftedTokens tokens that the drafter guessed and that were evaluated
  /// @param acceptedTokens those of them that are in the text; the others were forgotten again
  /// @param promptTime time to evaluate the prompt
  /// @param generateTime time from then to the end
  record Done(
      Reason reason,
      String stop,
      int promptTokens,
      int reusedTokens,
      int generatedTokens,
      int draftedTokens,
      int acceptedTokens,
      Duration promptTime,
      Duration generateTime)
      implements Generation {}

  /// Why generation ended.
  enum Reason {
    /// The model ended its turn, or a stop token did.
    END_OF_TEXT,
    /// A stop string is in the text.
    STOP_STRING,
    /// As many tokens were generated as were asked for.
    MAX_TOKENS,
    /// The time is up.
    TIME,
    /// No room is left in the context.
    CONTEXT_FULL,
    /// The thread was interrupted; it still is.
    INTERRUPTED
  }
}
