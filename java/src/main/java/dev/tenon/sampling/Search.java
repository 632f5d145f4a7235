package dev.tenon.sampling;

import java.util.List;
import java.util.Objects;
import java.util.random.RandomGenerator;

/// Generates sequences for one prompt, step by step, as transformers' `generate` does: by taking
/// the best token, by drawing one or by beam search. Who calls it evaluates the model.
///
/// ```java
/// var search = Search.of(settings, vocabulary, prompt, source);
/// var logits = new float[][] {evaluate(prompt)}; // after its last token
/// while (true) {
///   search.step(logits);
///   if (search.done()) break;
///   // Row i goes on from row parents()[i] of the last step, with tokens()[i].
///   logits = evaluate(search.parents(), search.tokens());
/// }
/// search.results(); // best first
/// ```
///
/// A step takes one row of logits for each sequence that goes on. Equal ones have one row together:
/// the first step takes one row, and so does the second where the first token was forced. Searches
/// know nothing of each other, so that those of several prompts can step side by side, with rows of
/// one evaluation and in threads of their own; one search belongs to one thread at a time.
public sealed interface Search permits BeamSearch, TokenSearch {
  /// {@return a search with a random source of its own, where one is needed}
  ///
  /// @param settings how to generate
  /// @param vocabulary how many scores a row of logits has
  /// @param prompt ids that the sequences begin with, at least one: with an encoder, what the
  ///     decoder begins with; copied
  /// @param source ids that the encoder was given, or the prompt where there is none; copied
  /// @throws IllegalArgumentException if `prompt` is empty or has all the tokens that a sequence
  ///     may have, or `vocabulary` is not above 0
  /// @throws IndexOutOfBoundsException if an id of the prompt is negative
  static Search of(GenerationSettings settings, int vocabulary, int[] prompt, int... source) {
    return of(settings, RandomGenerator.getDefault(), vocabulary, prompt, source);
  }

  /// {@return a search}
  ///
  /// @param settings how to generate
  /// @param random what tokens are drawn with, where they are drawn
  /// @param vocabulary how many scores a row of logits has
  /// @param prompt ids that the sequences begin with, at least one: with an encoder, what the
  ///     decoder begins with; copied
  /// @param source ids that the encoder was given, or the prompt where there is none; copied
  /// @throws IllegalArgumentException if `prompt` is empty or has all the tokens that a sequence
  ///     may have, or `vocabulary` is not above 0
  /// @throws IndexOutOfBoundsException if an id of the prompt is negative
  static Search of(
      GenerationSettings settings,
      RandomGenerator random,
      int vocabulary,
      int[] prompt,
      int... source) {
    Objects.requireNonNull(random);
    Objects.requireNonNull(source);
    if (vocabulary < 1) {
      throw new IllegalArgumentException("vocabulary of " + vocabulary + " tokens");
    }
    int limit = settings.lengthLimit(prompt.length);
    if (prompt.length == 0 || prompt.length >= limit) {
      throw new IllegalArgumentException(
          "a prompt of " + prompt.length + " tokens, of sequences of at most " + limit);
    }
    for (int token : prompt) {
      if (token < 0) {
        throw new IndexOutOfBoundsException("prompt: id " + token + " is negative");
      }
    }
    return settings.numBeams() > 1
        ? new BeamSearch(settings, random, vocabulary, prompt, source)
        : new TokenSearch(settings, random, vocabulary, prompt, source);
  }

  /// {@return whether it is over}
  boolean done();

  /// {@return how many rows of logits the next step takes: 1 at first, 0 when it is done}
  int rows();

  /// {@return for each row of the next step, the token to evaluate for it; at first the prompt's
  /// last}
  int[] tokens();

  /// {@return for each row of the next step, the row of the last step that it goes on from: what to
  /// fork the cache by; at first 0}
  int[] parents();

  /// Chooses the next token of each sequence.
  ///
  /// @param logits for each of the [#rows] the scores of the token after it; left as they are. What
  ///     is not a number counts as `-∞`.
  /// @throws IllegalArgumentException if there are not as many rows, or one is not as long as the
  ///     vocabulary
  /// @throws IllegalStateException if it is [#done]
  void step(float[]... logits);

  /// {@return the sequences, best first; of a search that is not done, what is there already}
  ///
  /// There are as many as the settings ask for, but fewer where the search found no more.
  List<ScoredTokens> results();
}
