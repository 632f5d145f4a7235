package dev.tenon.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/// Merges the most frequent pair of tokens in all words, over and over: what Hugging Face's
/// tokenizers does (`tokenizers/src/models/bpe/trainer.rs` of release 0.22). Of pairs that are as
/// frequent the one of smaller ids comes first.
///
/// The time goes with the number of symbols that are merged, for there is a list of the places of
/// each pair. It is complete once the merge is done that made its later token: what a part of a
/// word becomes does not depend on what is around it, so a text becomes a token everywhere in one
/// merge, and in one way.
final class PairLearner {
  /// The tokens that there are before anything is learnt.
  static final int BYTES = 256;

  private static final int NONE = -1;
  private static final char FIRST_BYTE = '!';
  private static final char LAST_BYTE = '\u0143';

  private final BpeTrainer.Options options;

  // The symbols of all distinct words, one word after another. A merged symbol keeps the place of
  // its left part.

  /// The token of each, or [#NONE] where it went into the one before.
  private final int[] symbols;

  /// The places of its neighbours in the word, or [#NONE].
  private final int[] next;

  private final int[] previous;

  /// The word of each, and how often each word occurs.
  private final int[] words;

  private final long[] weights;

  // Pairs of tokens, numbered as they are found.

  /// The left token in the upper half, the right one in the lower.
  private long[] pairs = new long[1 << 12];

  private long[] counts = new long[1 << 12];

  /// Where each was seen last, as a number of a visit.
  private int[] last = new int[1 << 12];

  private int size;

  /// A hash table with linear probing: the number of a pair plus one, or 0. At most half full.
  private int[] slots = new int[1 << 13];

  // Visits of pairs: the place, and the visit of the same pair before.

  private int[] places = new int[1 << 12];
  private int[] before = new int[1 << 12];
  private int visits;

  private final PriorityQueue<Candidate> queue = new PriorityQueue<>();
  private final List<String> tokens = new ArrayList<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final List<String> merges = new ArrayList<>();
  private final IntList found = new IntList();

  /// A pair to merge.
  ///
  /// @param count how often it occurred when that was last looked at
  /// @param pair its tokens
  /// @param number of the pair
  private record Candidate(long count, long pair, int number) implements Comparable<Candidate> {
    @Override
    public int compareTo(Candidate other) {
      return count == other.count
          ? Long.compare(pair, other.pair)
          : Long.compare(other.count, count);
    }
  }

  /// @param words distinct and not empty
  /// @param weights how often each occurs
  /// @param bytes those of all words
  PairLearner(TextTable words, long[] weights, int bytes, BpeTrainer.Options options) {
    this.options = options;
    this.weights = weights;
    options.specialTokens().forEach(this::token);
    var bytesOf = new int[LAST_BYTE + 1];
    for (char c = FIRST_BYTE; c <= LAST_BYTE; c++) {
      bytesOf[c] = isByte(c) ? token(String.valueOf(c)) : NONE;
    }
    symbols = new int[bytes];
    next = new int[bytes];
    previous = new int[bytes];
    this.words = new int[bytes];
    int at = 0;
    for (int word = 0; word < words.size(); word++) {
      var written = ByteLevelBpe.written(words.text(word));
      for (int i = 0; i < written.length(); i++, at++) {
        symbols[at] = bytesOf[written.charAt(i)];
        previous[at] = i == 0 ? NONE : at - 1;
        next[at] = i == written.length() - 1 ? NONE : at + 1;
        this.words[at] = word;
      }
    }
  }

  /// {@return whether a byte is written as that character}
  static boolean isByte(char c) {
    return c >= FIRST_BYTE && c <= LAST_BYTE && (c < 0x7f || c > 0xa0) && c != 0xad;
  }

  /// {@return the id of a token, the next one where it is new}
  private int token(String text) {
    var id = ids.putIfAbsent(text, tokens.size());
    if (id != null) {
      return id;
    }
    tokens.add(text);
    return tokens.size() - 1;
  }

  /// Merges until there are enough tokens, or no pair is left that is frequent enough.
  void learn(BpeTrainer.Progress progress) {
    for (int i = 0; i < symbols.length; i++) {
      if (next[i] != NONE) {
        visit(symbols[i], symbols[next[i]], i);
      }
    }
    enqueueFrom(0);
    while (tokens.size() < options.vocabularySize() && !queue.isEmpty()) {
      var top = queue.remove();
      if (top.count != counts[top.number]) { // other merges have taken some
        enqueue(top.number);
        continue;
      }
      int known = size;
      merge(top);
      enqueueFrom(known);
      progress.at(tokens.size(), options.vocabularySize());
    }
  }

  private void enqueueFrom(int number) {
    for (int pair = number; pair < size; pair++) {
      enqueue(pair);
    }
  }

  /// Queues a pair that is frequent enough; it will not become more frequent.
  private void enqueue(int pair) {
    if (counts[pair] >= Math.max(1, options.minFrequency())) {
      queue.add(new Candidate(counts[pair], pairs[pair], pair));
    }
  }

  private void merge(Candidate pair) {
    int left = (int) (pair.pair >> 32);
    int right = (int) pair.pair;
    merges.add(tokens.get(left) + " " + tokens.get(right));
    int merged = token(tokens.get(left) + tokens.get(right));
    found.cut(0);
    for (int visit = last[pair.number]; visit != NONE; visit = before[visit]) {
      found.add(places[visit]);
    }
    // From left to right, which matters where a token stands beside itself.
    for (int i = found.size() - 1; i >= 0; i--) {
      merge(found.get(i), left, right, merged);
    }
  }

  /// Makes one symbol of two, where they are still there.
  private void merge(int place, int left, int right, int merged) {
    int other = next[place];
    if (symbols[place] != left || other == NONE || symbols[other] != right) {
      return;
    }
    int ahead = previous[place];
    int behind = next[other];
    symbols[place] = merged;
    symbols[other] = NONE;
    next[place] = behind;
    if (ahead != NONE) {
      counts[number(symbols[ahead], left)] -= weights[words[place]];
      visit(symbols[ahead], merged, ahead);
    }
    if (behind != NONE) {
      previous[behind] = place;
      counts[number(right, symbols[behind])] -= weights[words[place]];
      visit(merged, symbols[behind], place);
    }
  }

  /// Counts a pair at a place.
  private void visit(int left, int right, int place) {
    int pair = number(left, right);
    counts[pair] += weights[words[place]];
    if (visits == places.length) {
      places = grow(places);
      before = grow(before);
    }
    places[visits] = place;
    before[visits] = last[pair];
    last[pair] = visits++;
  }

  /// {@return the number of a pair, the next one where it is new}
  private int number(int left, int right) {
    long pair = (long) left << 32 | right;
    int slot = slot(pair);
    if (slots[slot] != 0) {
      return slots[slot] - 1;
    }
    if (size == last.length) {
      last = grow(last);
      pairs = Arrays.copyOf(pairs, last.length);
      counts = Arrays.copyOf(counts, last.length);
    }
    pairs[size] = pair;
    last[size] = NONE;
    slots[slot] = ++size;
    if (2L * size > slots.length) {
      slots = new int[Math.multiplyExact(2, slots.length)];
      for (int i = 0; i < size; i++) {
        slots[slot(pairs[i])] = i + 1;
      }
    }
    return size - 1;
  }

  private int slot(long pair) {
    int slot = (int) (pair * 0x9e3779b97f4a7c15L >>> 32) & slots.length - 1;
    while (slots[slot] != 0 && pairs[slots[slot] - 1] != pair) {
      slot = slot + 1 & slots.length - 1;
    }
    return slot;
  }

  private static int[] grow(int[] array) {
    return Arrays.copyOf(array, (int) Math.min(2L * array.length, Integer.MAX_VALUE - 8));
  }

  /// {@return the texts of tokens, by id}
  List<String> tokens() {
    return tokens;
  }

  /// {@return the merges in order, two tokens with a space between}
  List<String> merges() {
    return merges;
  }

  /// {@return how many tokens all texts have now}
  long corpusTokens() {
    long count = 0;
    for (int i = 0; i < symbols.length; i++) {
      count += symbols[i] == NONE ? 0 : weights[words[i]];
    }
    return count;
  }
}
