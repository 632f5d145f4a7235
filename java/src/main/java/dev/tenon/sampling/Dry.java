package dev.tenon.sampling;

import java.util.Objects;

/// Makes tokens less likely that would prolong a repetition of what the text has already ("don't
/// repeat yourself", p-e-w, 2024). The penalty is multiplier · base^(length - allowed length),
/// where length is how many tokens before it are repeated already.
final class Dry implements Filter {
  /// The logarithm of the highest float, about, beyond which a power of the base overflows.
  private static final float HIGHEST_LOG = 88.7228391f;

  private final float multiplier;
  private final float base;
  private final int allowedLength;
  private final SequenceBreakers breakers;
  private final RecentTokens recent;

  /// How many tokens before each token of the text, counted from its end, are its last ones.
  private int[] repeats = {};

  /// For each token of the vocabulary, the longest repetition it would prolong, and 0 for none; one
  /// more than the length, because a length may be 0.
  private int[] longest = {};

  Dry(float multiplier, float base, int allowedLength, int lastN, SequenceBreakers breakers) {
    check(multiplier, base, allowedLength);
    this.multiplier = multiplier;
    this.base = base;
    this.allowedLength = allowedLength;
    this.breakers = Objects.requireNonNull(breakers);
    recent = new RecentTokens(lastN);
  }

  static void check(float multiplier, float base, int allowedLength) {
    Numbers.finite("dry multiplier", multiplier);
    Numbers.finite("dry base", base);
    if (allowedLength < 0) {
      throw new IllegalArgumentException(
          "dry allowed length " + allowedLength + ", from 0 to " + Integer.MAX_VALUE);
    }
  }

  /// {@return whether such a filter does anything}
  static boolean active(float multiplier, float base, int lastN) {
    return multiplier != 0 && base >= 1 && lastN > 0;
  }

  @Override
  public void accept(int token) {
    recent.add(token);
  }

  @Override
  public void reset() {
    recent.clear();
  }

  @Override
  public void apply(Candidates candidates) {
    int length = recent.size();
    if (multiplier == 0 || base < 1 || length <= allowedLength) {
      return;
    }
    int most = breakers.unbroken(recent, length);
    if (most < allowedLength) {
      return;
    }
    findRepeats(length, most);
    int vocabulary = candidates.vocabularySize();
    if (longest.length < vocabulary) {
      longest = new int[vocabulary];
    }
    for (int k = 1; k < length; k++) {
      int next = recent.fromEnd(k - 1);
      if (repeats[k] >= allowedLength && next < vocabulary) {
        longest[next] = Math.max(longest[next], repeats[k] + 1);
      }
    }
    if (candidates.inIdOrder) {
      for (int k = 1; k < length; k++) {
        int token = recent.fromEnd(k - 1);
        if (token < vocabulary && longest[token] > 0) {
          penalise(candidates, candidates.indexOf(token), token);
          longest[token] = 0;
        }
      }
      return;
    }
    for (int i = 0; i < candidates.size; i++) {
      if (longest[candidates.ids[i]] > 0) {
        penalise(candidates, i, candidates.ids[i]);
      }
    }
    for (int k = 1; k < length; k++) {
      int token = recent.fromEnd(k - 1);
      if (token < vocabulary) {
        longest[token] = 0;
      }
    }
  }

  /// Finds, for each place k tokens before the end, how many tokens up to there are the last ones
  /// of the text, at most `most`: the Z algorithm, from the end to the beginning.
  private void findRepeats(int length, int most) {
    if (repeats.length < length) {
      repeats = new int[Math.max(length, Math.min(2 * repeats.length, 1 << 20))];
    }
    int left = 0;
    int right = 0;
    for (int k = 1; k < length; k++) {
      if (k <= right && repeats[k - left] < right - k + 1) {
        repeats[k] = Math.min(repeats[k - left], most);
        continue;
      }
      int end = k <= right ? right + 1 : k;
      while (end < length && recent.fromEnd(end) == recent.fromEnd(end - k)) {
        end++;
      }
      if (k <= right || end > k) {
        left = k;
        right = end - 1;
      }
      repeats[k] = Math.min(end - k, most);
    }
  }

  private void penalise(Candidates candidates, int index, int token) {
    if (index < 0 || breakers.single(token)) {
      return;
    }
    int exponent = longest[token] - 1 - allowedLength;
    int highest = base > 1.000001f ? (int) (HIGHEST_LOG / (float) Math.log(base)) : 0;
    if (highest > 0) {
      exponent = Math.min(exponent, highest);
    }
    float penalty = (float) (multiplier * Math.pow(base, exponent));
    candidates.setLogit(index, candidates.logits[index] - penalty);
  }
}
