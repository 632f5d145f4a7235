package dev.tenon.sampling;

import java.util.Arrays;
import java.util.Objects;
import java.util.random.RandomGenerator;

/// The tokens that may come next, each with its logit and, once [#softmax] has run, its
/// probability.
///
/// Loading makes one candidate of each token of the vocabulary, in the order of their ids; filters
/// then remove, rescale and order them in place. Among equal logits the lower id stays first.
/// Not thread-safe; the arrays are reused from one token to the next.
public final class Candidates {
  // Parallel arrays, of which the first `size` entries count. The filters of this package work on
  // them directly.
  int[] ids = {};
  float[] logits = {};
  float[] probabilities = {};
  int size;
  boolean sorted;
  boolean inIdOrder;

  private final Ranking ranking = new Ranking();
  private int vocabulary;
  private int selected = -1;

  // Whether the probabilities have been computed since the list was loaded.
  private boolean weighted;

  // From here on each id is its index, as loading leaves it.
  private int moved;

  /// An empty list.
  public Candidates() {}

  /// {@return one candidate for each logit}
  ///
  /// @param logits one score for each token id; copied
  public static Candidates of(float... logits) {
    var candidates = new Candidates();
    candidates.load(logits);
    return candidates;
  }

  /// Replaces the list by one candidate for each logit, in the order of the ids, with probability
  /// 0. A logit that is not a number becomes `-∞`.
  ///
  /// @param scores one score for each token id; copied
  public void load(float[] scores) {
    int n = scores.length;
    if (ids.length < n) {
      ids = new int[n];
      logits = new float[n];
      probabilities = new float[n];
      moved = n;
    }
    for (int i = 0; i < Math.min(moved, ids.length); i++) {
      ids[i] = i;
    }
    System.arraycopy(scores, 0, logits, 0, n);
    if (ranking.anyNan(logits, n)) {
      for (int i = 0; i < n; i++) {
        if (Float.isNaN(logits[i])) {
          logits[i] = Float.NEGATIVE_INFINITY;
        }
      }
    }
    moved = 0;
    size = n;
    sorted = false;
    inIdOrder = true;
    weighted = false;
    selected = -1;
    vocabulary = n;
  }

  /// {@return the number of candidates}
  public int size() {
    return size;
  }

  /// {@return the number of tokens loaded; every id is below it}
  public int vocabularySize() {
    return vocabulary;
  }

  /// {@return whether the logits are known to descend}
  public boolean sorted() {
    return sorted;
  }

  /// {@return the token id of a candidate}
  ///
  /// @param index from 0 to [#size], exclusive
  /// @throws IndexOutOfBoundsException if `index` is out of range
  public int id(int index) {
    return ids[Objects.checkIndex(index, size)];
  }

  /// {@return the logit of a candidate}
  ///
  /// @param index from 0 to [#size], exclusive
  /// @throws IndexOutOfBoundsException if `index` is out of range
  public float logit(int index) {
    return logits[Objects.checkIndex(index, size)];
  }

  /// {@return the probability of a candidate as the last [#softmax] left it, else 0}
  ///
  /// @param index from 0 to [#size], exclusive
  /// @throws IndexOutOfBoundsException if `index` is out of range
  public float probability(int index) {
    Objects.checkIndex(index, size);
    return weighted ? probabilities[index] : 0;
  }

  /// {@return the index of the candidate that a filter has [selected][#select], or -1}
  public int selected() {
    return selected;
  }

  /// Makes the choice: the sampler takes this candidate and draws none. It holds until the list is
  /// changed.
  ///
  /// @param index from 0 to [#size], exclusive
  /// @throws IndexOutOfBoundsException if `index` is out of range
  public void select(int index) {
    selected = Objects.checkIndex(index, size);
  }

  /// Changes the logit of a candidate; `-∞` excludes it. The list no longer counts as sorted.
  ///
  /// @param index from 0 to [#size], exclusive
  /// @param logit the new score; not a number becomes `-∞`
  /// @throws IndexOutOfBoundsException if `index` is out of range
  public void setLogit(int index, float logit) {
    logits[Objects.checkIndex(index, size)] = Float.isNaN(logit) ? Float.NEGATIVE_INFINITY : logit;
    rescored(false);
  }

  /// Keeps the candidates from one index to another and drops the others.
  ///
  /// @param from first to keep
  /// @param to one past the last to keep, above `from`
  /// @throws IndexOutOfBoundsException if the range is outside the list
  /// @throws IllegalArgumentException if the range is empty: one candidate must remain
  public void keep(int from, int to) {
    Objects.checkFromToIndex(from, to, size);
    if (from == to) {
      throw new IllegalArgumentException("keep(" + from + ", " + to + ") leaves no candidate");
    }
    if (from > 0) {
      System.arraycopy(ids, from, ids, 0, to - from);
      System.arraycopy(logits, from, logits, 0, to - from);
      System.arraycopy(probabilities, from, probabilities, 0, to - from);
      moved = Math.max(moved, to - from);
    }
    cut(to - from);
  }

  /// Keeps the candidates whose ids are allowed, in the order they have, and drops the others.
  ///
  /// @param allowed a bit for each token id, 64 to a word, the lowest id in the lowest bit; ids
  ///     beyond the array are not allowed
  /// @throws IllegalStateException if none of the candidates is allowed: one must remain. The list
  ///     is then as it was.
  public void retain(long[] allowed) {
    int kept = 0;
    if (size == vocabulary && inIdOrder) {
      // All of the vocabulary is there, so the index is the id: only what is kept is looked at.
      for (int word = 0; word < allowed.length && word << 6 < size; word++) {
        for (long bits = allowed[word]; bits != 0; bits &= bits - 1) {
          int id = (word << 6) + Long.numberOfTrailingZeros(bits);
          if (id < size) {
            move(id, kept++);
          }
        }
      }
    } else {
      for (int i = 0; i < size; i++) {
        int word = ids[i] >> 6;
        if (word < allowed.length && (allowed[word] >>> ids[i] & 1) != 0) {
          move(i, kept++);
        }
      }
    }
    if (kept == 0) {
      throw new IllegalStateException("retain: none of the " + size + " candidates is allowed");
    }
    compacted(kept);
  }

  /// Copies a candidate to a place at or before its own; [#compacted] tells when that is over.
  void move(int from, int to) {
    ids[to] = ids[from];
    logits[to] = logits[from];
    probabilities[to] = probabilities[from];
  }

  /// Cuts the list to the candidates that were [moved][#move] to its front.
  void compacted(int kept) {
    moved = Math.max(moved, kept);
    cut(kept);
  }

  private void cut(int kept) {
    size = kept;
    selected = -1;
  }

  /// Makes another token of a candidate.
  void setId(int index, int id) {
    ids[index] = id;
    moved = Math.max(moved, index + 1);
    inIdOrder = false;
  }

  /// Says that logits have been changed.
  ///
  /// @param stillSorted whether they are known to descend
  void rescored(boolean stillSorted) {
    sorted = stillSorted;
    selected = -1;
  }

  /// {@return the index of a token, or -1 if it is not in the list}
  ///
  /// @param id a token id
  public int indexOf(int id) {
    // As loaded, and mostly still while all of the vocabulary is there, the index is the id.
    if (id >= 0 && id < size && ids[id] == id) {
      return id;
    }
    if (inIdOrder) {
      return Math.max(-1, Arrays.binarySearch(ids, 0, size, id));
    }
    for (int i = 0; i < size; i++) {
      if (ids[i] == id) {
        return i;
      }
    }
    return -1;
  }

  /// {@return the index of the highest logit, the first of several}
  ///
  /// @throws IllegalStateException if the list is empty
  public int best() {
    requireSome();
    if (sorted) {
      return 0;
    }
    int best = 0;
    for (int i = 1; i < size; i++) {
      if (logits[i] > logits[best]) {
        best = i;
      }
    }
    return best;
  }

  /// Orders the list, highest logit first.
  public void sort() {
    keepBest(Math.max(1, size));
  }

  /// Keeps the `k` highest logits, highest first.
  ///
  /// @param k at least 1; more than there are keeps all
  /// @throws IllegalArgumentException if `k < 1`
  public void keepBest(int k) {
    if (k < 1) {
      throw new IllegalArgumentException("keepBest(" + k + ") leaves no candidate");
    }
    int kept = Math.min(k, size);
    if (!sorted) {
      ranking.rank(logits, size, kept);
      gather(kept);
    }
    cut(kept);
  }

  /// Keeps the fewest of the best whose probabilities sum to `p`, highest first. They are few as a
  /// rule, so it is a growing part of the list that is sorted.
  void keepNucleus(float p, int minKeep) {
    float sum = 0;
    int kept = 0;
    for (int k = Math.min(256, size); ; k = Math.min(4 * k, size)) {
      int ranked = sorted ? size : ranking.rank(logits, size, k);
      boolean enough = false;
      while (kept < ranked && !enough) {
        sum += probabilities[sorted ? kept : ranking.index(kept)];
        kept++;
        enough = sum >= p && kept >= minKeep;
      }
      if (enough || ranked == size) {
        if (!sorted) {
          gather(kept);
        }
        cut(kept);
        return;
      }
    }
  }

  /// Computes the probabilities: the softmax of the logits. Where the highest logit is infinite,
  /// the candidates that have it share all of the probability.
  public void softmax() {
    if (size == 0) {
      return;
    }
    weighted = true;
    float max = logits[best()];
    float sum = 0;
    for (int i = 0; i < size; i++) {
      float p = weight(logits[i], max);
      probabilities[i] = p;
      sum += p;
    }
    for (int i = 0; i < size; i++) {
      probabilities[i] /= sum;
    }
  }

  /// {@return the entropy of the probabilities as they stand, in nats}
  float entropy() {
    float entropy = 0;
    for (int i = 0; i < size; i++) {
      float p = probabilities[i];
      if (p > 0) {
        entropy -= p * (float) Math.log(p);
      }
    }
    return entropy;
  }

  /// {@return the index of one candidate, drawn with the probabilities of the softmax, which are
  /// left in the list}
  ///
  /// @param uniform where in the distribution to look, from 0 to 1, exclusive
  int draw(double uniform) {
    requireSome();
    double sum = weigh();
    double target = sum * uniform;
    double running = 0;
    int drawn = -1;
    int likely = 0;
    for (int i = 0; i < size; i++) {
      float p = probabilities[i];
      running += p;
      if (p > 0) {
        likely = i;
        if (drawn < 0 && running > target) {
          drawn = i;
        }
      }
      probabilities[i] = (float) (p / sum);
    }
    // Rounding may leave the target at the sum itself: then the last that can be drawn.
    return drawn < 0 ? likely : drawn;
  }

  /// The [#softmax] with a sum that is not rounded, as llama.cpp has it after a temperature.
  void softmaxInDoubles() {
    if (size > 0) {
      double sum = weigh();
      for (int i = 0; i < size; i++) {
        probabilities[i] = (float) (probabilities[i] / sum);
      }
    }
  }

  /// Puts weights in the place of the probabilities.
  ///
  /// @return their sum
  private double weigh() {
    weighted = true;
    float max = logits[best()];
    double sum = 0;
    for (int i = 0; i < size; i++) {
      float p = weight(logits[i], max);
      probabilities[i] = p;
      sum += p;
    }
    return sum;
  }

  /// Selects one candidate, drawn with the probabilities as they stand, as C++'s
  /// `discrete_distribution` does: a single one takes no number.
  void selectByProbability(RandomGenerator random) {
    requireSome();
    if (size == 1) {
      selected = 0;
      return;
    }
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += probabilities[i];
    }
    double target = random.nextDouble();
    double running = 0;
    selected = -1;
    for (int i = 0; i < size && (selected < 0 || running < target); i++) {
      if (probabilities[i] > 0) {
        running += probabilities[i] / sum;
        selected = i;
      }
    }
  }

  /// e to the distance from the best, which is 1 for the best even where that is infinite.
  private static float weight(float logit, float max) {
    return logit == max ? 1 : (float) Math.exp(logit - max);
  }

  private void requireSome() {
    if (size == 0) {
      throw new IllegalStateException("no candidate is left to choose from");
    }
  }

  /// Moves the `k` candidates that were ranked best to the front. What is behind them is lost, so
  /// the caller cuts the list to `k`, or `k` is its size.
  private void gather(int k) {
    var oldIds = new int[k];
    var oldLogits = new float[k];
    var oldProbabilities = new float[k];
    for (int i = 0; i < k; i++) {
      int from = ranking.index(i);
      oldIds[i] = ids[from];
      oldLogits[i] = logits[from];
      oldProbabilities[i] = probabilities[from];
    }
    System.arraycopy(oldIds, 0, ids, 0, k);
    System.arraycopy(oldLogits, 0, logits, 0, k);
    System.arraycopy(oldProbabilities, 0, probabilities, 0, k);
    moved = Math.max(moved, k);
    sorted = true;
    inIdOrder = false;
  }

  /// Orders the list by some numbers, highest first.
  ///
  /// @param scores one for each candidate, in the order of the list
  void orderBy(float[] scores) {
    ranking.rank(scores, size, size);
    gather(size);
    rescored(false);
  }
}
