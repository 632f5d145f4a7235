package dev.tenon;

/// Guesses how a text goes on, more cheaply than the model does (Leviathan et al., 2023).
///
/// A session evaluates a guess in one pass, which takes little longer than one token, and keeps of
/// it what the model would have picked by itself: the text is the same with a drafter as without,
/// and only the speed differs. How much is guessed, and whether at all, follows from what came of
/// it lately.
///
/// A drafter may remember, and belongs to one session at a time. It is used by that session's
/// thread.
///
/// ```java
/// var options = GenerateOptions.of(500).withDrafter(new PromptLookup());
/// ```
@FunctionalInterface
public interface Drafter {
  /// Guesses the next tokens.
  ///
  /// @param text all tokens so far, the drafter's own to keep; usually that of the last call with
  ///     some more at the end, but it may be any other
  /// @param most how many tokens at most, at least 1
  /// @return the guess, the likeliest first; empty where there is none; what is beyond `most`, and
  ///     what follows an id that the model does not have, is left out
  int[] draft(int[] text, int most);
}
