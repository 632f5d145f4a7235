package dev.tenon.sampling;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The token sequences across which DRY sees no repetition, by their first tokens.
///
/// A breaker given as text is found in tokens that contain it and in those that end with its
/// beginning, if the tokens of its rest come after (llama.cpp's `get_overlapping_token_sequences`).
final class SequenceBreakers {
  /// Longer texts are cut, in bytes, and so are longer rests, in tokens.
  private static final int LONGEST_TEXT = 40;

  private static final int LONGEST_REST = 20;

  private final Map<Integer, List<int[]>> rests = new HashMap<>();

  /// @param sequences each of at least one token
  SequenceBreakers(Collection<int[]> sequences) {
    for (var sequence : sequences) {
      if (sequence.length == 0) {
        throw new IllegalArgumentException("a sequence breaker has no tokens");
      }
      add(sequence[0], Arrays.copyOfRange(sequence, 1, sequence.length));
    }
  }

  /// @param texts empty ones are passed over
  SequenceBreakers(Collection<String> texts, Vocabulary vocabulary) {
    var breakers = new ArrayList<byte[]>();
    for (var text : texts) {
      var utf8 = text.getBytes(StandardCharsets.UTF_8);
      if (utf8.length > 0) {
        breakers.add(Arrays.copyOf(utf8, Math.min(utf8.length, LONGEST_TEXT)));
      }
    }
    for (int token = 0; token < vocabulary.size() && !breakers.isEmpty(); token++) {
      var text = vocabulary.text(token);
      for (var breaker : breakers) {
        addOverlaps(token, text, breaker, vocabulary);
      }
    }
  }

  private void addOverlaps(int token, byte[] text, byte[] breaker, Vocabulary vocabulary) {
    int[] wholly = {};
    for (int start = 0; start + breaker.length <= text.length; start++) {
      if (Arrays.equals(text, start, start + breaker.length, breaker, 0, breaker.length)) {
        add(token, wholly);
        return;
      }
    }
    for (int start = Math.max(0, text.length - breaker.length + 1); start < text.length; start++) {
      int length = text.length - start;
      if (Arrays.equals(text, start, text.length, breaker, 0, length)) {
        var rest = new String(breaker, length, breaker.length - length, StandardCharsets.UTF_8);
        var tokens = vocabulary.encode(rest);
        add(token, Arrays.copyOf(tokens, Math.min(tokens.length, LONGEST_REST)));
      }
    }
  }

  private void add(int first, int[] rest) {
    var known = rests.computeIfAbsent(first, _ -> new ArrayList<>(1));
    if (known.stream().noneMatch(other -> Arrays.equals(other, rest))) {
      known.add(rest);
    }
  }

  /// {@return whether a token is a breaker by itself}
  boolean single(int token) {
    return rests.getOrDefault(token, List.of()).stream().anyMatch(rest -> rest.length == 0);
  }

  /// {@return how many tokens of the end of a text are free of a breaker; the search goes `length`
  /// tokens back}
  int unbroken(RecentTokens recent, int length) {
    for (int i = 0; i < length; i++) {
      int longest = -1;
      for (var rest : rests.getOrDefault(recent.fromEnd(i), List.of())) {
        if (rest.length > longest && rest.length <= i && follows(recent, i, rest)) {
          longest = rest.length;
        }
      }
      if (longest >= 0) {
        return i - longest;
      }
    }
    return length;
  }

  private static boolean follows(RecentTokens recent, int i, int[] rest) {
    for (int j = 0; j < rest.length; j++) {
      if (rest[j] != recent.fromEnd(i - j - 1)) {
        return false;
      }
    }
    return true;
  }
}
