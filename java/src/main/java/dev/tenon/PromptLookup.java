package dev.tenon;

import java.util.Arrays;

/// Guesses that what followed the last tokens before follows them again: prompt lookup (Saxena,
/// 2023). It pays where an answer repeats its prompt or itself, as summaries, corrections of a
/// text or program code do, and costs next to nothing elsewhere.
///
/// Places are found as compressors find them: a table has for each run of tokens the last place
/// where it ended, and each place the one before it. The longest match counts, of several the
/// latest. A token added to the text is added to the table, and what was taken off its end is taken
/// off; nothing is ever searched from the start.
public final class PromptLookup implements Drafter {
  private static final int[] NONE = {};

  /// No guess is longer.
  private static final int MOST = 1024;

  /// So many places are compared, so far back each.
  private static final int MOST_PLACES = 64;

  private static final int LONGEST_MATCH = 32;

  private final int least;
  private int[] text = NONE;
  private int length;
  private int[] before = NONE; // of each place, the one before it with the same hash; -1: none
  private int[] last = new int[1024]; // of each hash, its last place; -1: none
  private int indexed; // places before here are in the table

  /// Looks for the last three tokens, and more where they match.
  public PromptLookup() {
    this(3);
  }

  /// Looks for so many tokens at least.
  ///
  /// @param leastMatch tokens that a place must have in common with the end of the text, from 1 to
  ///     32: with fewer there are more guesses, and more of them wrong
  /// @throws IllegalArgumentException if it is out of range
  public PromptLookup(int leastMatch) {
    if (leastMatch < 1 || leastMatch > LONGEST_MATCH)
      throw new IllegalArgumentException(
          "prompt lookup: matches of " + leastMatch + " tokens, from 1 to " + LONGEST_MATCH);
    this.least = leastMatch;
    Arrays.fill(last, -1);
  }

  @Override
  public int[] draft(int[] tokens, int most) {
    if (most < 1) throw new IllegalArgumentException("draft: " + most + " tokens, at least 1");
    take(tokens);
    int place = longestMatch();
    if (place < 0) return NONE;
    var guess = new int[Math.min(most, MOST)];
    // A match that overlaps the end of the text goes on with the guess itself.
    for (int i = 0; i < guess.length; i++) {
      int from = place + 1 + i;
      guess[i] = from < length ? text[from] : guess[from - length];
    }
    return guess;
  }

  /// Makes the table that of `tokens`. A place is in it when a token follows that can be guessed.
  private void take(int[] tokens) {
    int known = Math.min(length, tokens.length);
    int common = Arrays.mismatch(text, 0, known, tokens, 0, known);
    if (common < 0) common = known;
    while (indexed > Math.max(0, common - 1)) {
      indexed--;
      if (indexed >= least - 1) last[hash(indexed)] = before[indexed];
    }
    if (tokens.length > text.length) {
      text = Arrays.copyOf(text, Math.max(tokens.length, 2 * text.length));
      before = Arrays.copyOf(before, text.length);
    }
    System.arraycopy(tokens, common, text, common, tokens.length - common);
    length = tokens.length;
    if (length > last.length) enlarge();
    for (; indexed < length - 1; indexed++) {
      if (indexed < least - 1) continue;
      int hash = hash(indexed);
      before[indexed] = last[hash];
      last[hash] = indexed;
    }
  }

  /// Makes a table of twice the text's length, and begins it anew.
  private void enlarge() {
    last = new int[Integer.highestOneBit(length) << 1];
    Arrays.fill(last, -1);
    indexed = 0;
  }

  /// The end of the longest match before the end of the text, or -1.
  private int longestMatch() {
    if (length <= least) return -1;
    int best = -1;
    int bestLength = least - 1;
    int place = last[hash(length - 1)];
    for (int tried = 0; place >= 0 && tried < MOST_PLACES; tried++, place = before[place]) {
      int match = match(place);
      if (match <= bestLength) continue;
      best = place;
      bestLength = match;
      if (match == LONGEST_MATCH) break;
    }
    return best;
  }

  private int match(int place) {
    int most = Math.min(LONGEST_MATCH, place + 1);
    int match = 0;
    while (match < most && text[place - match] == text[length - 1 - match]) match++;
    return match;
  }

  /// Of the tokens that end at a place, multiplied as Fibonacci hashing has it (Knuth, vol. 3).
  private int hash(int place) {
    int hash = 0;
    for (int i = place - least + 1; i <= place; i++) hash = (hash + text[i]) * 0x9E3779B1;
    return hash >>> Integer.numberOfLeadingZeros(last.length) + 1;
  }
}
