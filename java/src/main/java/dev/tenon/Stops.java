package dev.tenon;

import java.util.List;
import java.util.Set;

/// What in the generated text ends generation.
///
/// @param ignoreEos whether tokens by which the model ends its turn are never picked; else they end
///     generation
/// @param strings texts that end generation where one stands in the generated text, however it is
///     cut into tokens; the first to be complete counts, of several the longest. It is not given
///     out, nor is what the same token has after it
/// @param tokens ids that end generation as the model's own end tokens do
/// @param asConfigured whether the model's own end tokens are those alone that the
///     `generation_config.json` it was made with names, as in transformers; else, and where the
///     file knows of none, all by which it ends a turn
/// @param eos ids that take the place of the model's own end tokens; null to leave it those
public record Stops(
    boolean ignoreEos,
    List<String> strings,
    Set<Integer> tokens,
    boolean asConfigured,
    Set<Integer> eos) {
  /// The model's own end tokens alone.
  static final Stops DEFAULT = new Stops(false, List.of(), Set.of(), false, null);

  /// Checks and copies the lists.
  ///
  /// @throws IllegalArgumentException if a string is empty or an id negative
  public Stops {
    strings = List.copyOf(strings);
    tokens = Set.copyOf(tokens);
    eos = eos == null ? null : Set.copyOf(eos);
    if (strings.contains(""))
      throw new IllegalArgumentException("stops: an empty string is in every text");
    for (var ids : eos == null ? List.of(tokens) : List.of(tokens, eos)) {
      for (int token : ids) {
        if (token < 0) throw new IllegalArgumentException("stops: " + token + " is no token");
      }
    }
  }
}
