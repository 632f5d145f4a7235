package dev.tenon.sampling;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;

/// Picks among few tokens when a gap in a text is filled, or ends. It is meant for code, where a
/// few tokens that begin alike often share the probability of what is right.
///
/// Where the end is likely, the tokens that end remain. Else tokens that begin with another one are
/// joined with it, and those that are left without much probability are dropped.
final class Infill implements Filter {
  private static final float LEAST = 0.2f;

  private final Vocabulary vocabulary;

  Infill(Vocabulary vocabulary) {
    this.vocabulary = Objects.requireNonNull(vocabulary);
    if (vocabulary.endOfTurn() < 0) {
      throw new IllegalArgumentException("infill: the vocabulary has no token that ends a text");
    }
  }

  @Override
  public void apply(Candidates candidates) {
    if (candidates.size == 0) {
      return;
    }
    candidates.sort();
    candidates.softmax();
    float ends = 0;
    float others = 0;
    for (int i = 0; i < candidates.size; i++) {
      if (vocabulary.endsGeneration(candidates.ids[i])) {
        ends += candidates.probabilities[i];
      } else {
        others += candidates.probabilities[i];
      }
    }
    if (3 * ends * candidates.size > others) {
      keepAbove(candidates, Float.POSITIVE_INFINITY);
      normalise(candidates);
      return;
    }
    joinPrefixes(candidates);
    int kept = keepAbove(candidates, LEAST);
    if (kept == 0) {
      candidates.keep(0, 1);
      candidates.setId(0, vocabulary.endOfTurn());
      candidates.setLogit(0, 1);
      return;
    }
    normalise(candidates);
    keepAbove(candidates, (float) (1.0 / (kept + 1)));
    normalise(candidates);
  }

  /// Keeps the tokens that end and the others that have some probability, or the first candidate if
  /// there are none.
  ///
  /// @return how many tokens that do not end are kept for their probability
  private int keepAbove(Candidates candidates, float least) {
    int kept = 0;
    int others = 0;
    for (int i = 0; i < candidates.size; i++) {
      boolean end = vocabulary.endsGeneration(candidates.ids[i]);
      if (end || candidates.probabilities[i] >= least) {
        others += end ? 0 : 1;
        candidates.move(i, kept++);
      }
    }
    candidates.compacted(Math.max(1, kept));
    return others;
  }

  private static void normalise(Candidates candidates) {
    float sum = 0;
    for (int i = 0; i < candidates.size; i++) {
      sum += candidates.probabilities[i];
    }
    for (int i = 0; i < candidates.size; i++) {
      candidates.probabilities[i] /= sum;
    }
  }

  /// Adds the probability of the less likely of two tokens, of which one begins with the other, to
  /// that of the more likely one, and excludes it.
  private void joinPrefixes(Candidates candidates) {
    var pieces = new String[candidates.size];
    var followers = new HashMap<String, List<Integer>>();
    for (int i = 0; i < pieces.length; i++) {
      // One character for each byte.
      var piece = vocabulary.piece(candidates.ids[i]);
      pieces[i] = new String(piece, StandardCharsets.ISO_8859_1);
      if (piece.length > 0) {
        followers.putIfAbsent(pieces[i], new ArrayList<>());
      }
    }
    for (int i = 0; i < pieces.length; i++) {
      for (int length = 1; length <= pieces[i].length(); length++) {
        var found = followers.get(pieces[i].substring(0, length));
        if (found != null) {
          found.add(i);
        }
      }
    }
    for (int i = 0; i < pieces.length; i++) {
      joinPrefix(candidates, i, followers.getOrDefault(pieces[i], List.of()));
    }
  }

  private static void joinPrefix(Candidates candidates, int prefix, List<Integer> followers) {
    var logits = candidates.logits;
    var probabilities = candidates.probabilities;
    for (int other : followers) {
      if (logits[prefix] == Float.NEGATIVE_INFINITY) {
        return;
      }
      if (other == prefix || logits[other] == Float.NEGATIVE_INFINITY) {
        continue;
      }
      boolean swapped = probabilities[other] > probabilities[prefix];
      int to = swapped ? other : prefix;
      int from = swapped ? prefix : other;
      probabilities[to] += probabilities[from];
      probabilities[from] = 0;
      logits[from] = Float.NEGATIVE_INFINITY;
      candidates.rescored(false);
    }
  }
}
