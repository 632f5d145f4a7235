package dev.tenon.sampling;

import java.util.Arrays;
import java.util.Objects;

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

  private int vocabulary;
  private long[] keys = {};

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
    }
    for (int i = 0; i < n; i++) {
      ids[i] = i;
    }
    for (int i = 0; i < n; i++) {
      float score = scores[i];
      logits[i] = score >= Float.NEGATIVE_INFINITY ? score : Float.NEGATIVE_INFINITY;
    }
    Arrays.fill(probabilities, 0, n, 0);
    size = n;
    sorted = false;
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
    return probabilities[Objects.checkIndex(index, size)];
  }

  /// Changes the logit of a candidate; `-∞` excludes it. The list no longer counts as sorted.
  ///
  /// @param index from 0 to [#size], exclusive
  /// @param logit the new score; not a number becomes `-∞`
  /// @throws IndexOutOfBoundsException if `index` is out of range
  public void setLogit(int index, float logit) {
    logits[Objects.checkIndex(index, size)] = Float.isNaN(logit) ? Float.NEGATIVE_INFINITY : logit;
    sorted = false;
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
    }
    size = to - from;
  }

  /// {@return the index of a token, or -1 if it is not in the list}
  ///
  /// @param id a token id
  public int indexOf(int id) {
    // As loaded, and mostly still while all of the vocabulary is there, the index is the id.
    if (id >= 0 && id < size && ids[id] == id) {
      return id;
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
      findBest(kept);
      gather(kept);
    }
    size = kept;
  }

  /// Keeps the fewest of the best whose probabilities sum to `p`, highest first. They are few as a
  /// rule, so it is a growing part of the list that is sorted.
  void keepNucleus(float p, int minKeep) {
    for (int k = Math.min(256, size); ; k = Math.min(16 * k, size)) {
      if (!sorted) {
        findBest(k);
      }
      float sum = 0;
      int kept = 0;
      boolean enough = false;
      while (kept < k && !enough) {
        sum += probabilities[sorted ? kept : (int) keys[kept]];
        kept++;
        enough = sum >= p && kept >= minKeep;
      }
      if (enough || k == size) {
        if (!sorted) {
          gather(kept);
        }
        size = kept;
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

  /// {@return the index of one candidate, drawn with the probabilities of the softmax, which are
  /// left in the list}
  ///
  /// @param uniform where in the distribution to look, from 0 to 1, exclusive
  int draw(double uniform) {
    requireSome();
    float max = logits[best()];
    double sum = 0;
    for (int i = 0; i < size; i++) {
      float p = weight(logits[i], max);
      probabilities[i] = p;
      sum += p;
    }
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

  /// e to the distance from the best, which is 1 for the best even where that is infinite.
  private static float weight(float logit, float max) {
    return logit == max ? 1 : (float) Math.exp(logit - max);
  }

  private void requireSome() {
    if (size == 0) {
      throw new IllegalStateException("no candidate is left to choose from");
    }
  }

  /// Moves the `k` candidates that [#findBest] has found to the front. What is behind them is lost,
  /// so the caller cuts the list to `k`, or `k` is its size.
  private void gather(int k) {
    var oldIds = new int[k];
    var oldLogits = new float[k];
    var oldProbabilities = new float[k];
    for (int i = 0; i < k; i++) {
      int from = (int) keys[i];
      oldIds[i] = ids[from];
      oldLogits[i] = logits[from];
      oldProbabilities[i] = probabilities[from];
    }
    System.arraycopy(oldIds, 0, ids, 0, k);
    System.arraycopy(oldLogits, 0, logits, 0, k);
    System.arraycopy(oldProbabilities, 0, probabilities, 0, k);
    sorted = true;
  }

  /// Fills `keys` with those of the `k` best candidates, best first. Most of a vocabulary fails the
  /// one comparison with the worst of the best so far, which is what makes a small `k` fast.
  private void findBest(int k) {
    if (keys.length < size) {
      keys = new long[size];
    }
    if (k >= size / 8) {
      for (int i = 0; i < size; i++) {
        keys[i] = key(i);
      }
      Arrays.sort(keys, 0, size);
      return;
    }
    for (int i = 0; i < k; i++) {
      keys[i] = key(i);
    }
    for (int i = k / 2 - 1; i >= 0; i--) {
      sink(i, k);
    }
    float worst = logits[(int) keys[0]];
    for (int i = k; i < size; i++) {
      if (logits[i] > worst) {
        keys[0] = key(i);
        sink(0, k);
        worst = logits[(int) keys[0]];
      }
    }
    Arrays.sort(keys, 0, k);
  }

  /// A number that is lower the better the candidate is: its logit turned over in the upper half,
  /// its index, which decides between equal ones, in the lower.
  private long key(int index) {
    int bits = Float.floatToRawIntBits(logits[index] + 0f); // -0 becomes 0
    int ascending = bits ^ ((bits >> 31) & Integer.MAX_VALUE);
    return (long) ~ascending << 32 | index;
  }

  /// Restores the heap whose root is the worst key after the entry at `i` has changed.
  private void sink(int i, int k) {
    long key = keys[i];
    for (int child = 2 * i + 1; child < k; child = 2 * i + 1) {
      if (child + 1 < k && keys[child + 1] > keys[child]) {
        child++;
      }
      if (keys[child] <= key) {
        break;
      }
      keys[i] = keys[child];
      i = child;
    }
    keys[i] = key;
  }
}
