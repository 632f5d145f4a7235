package dev.tenon.tokenizer;

/// Merges adjacent symbols of a sequence, the pair that is first in order first and the leftmost
/// among equals, until no pair merges: O(n log n) for n symbols, whatever they are.
///
/// A symbol is known by where it begins: a merged one keeps the place of its left part. Used for
/// one sequence after another, so that its arrays are made once; confined to one thread.
abstract class PairMerger {
  /// The order of a pair that does not merge.
  static final int NEVER = Integer.MAX_VALUE;

  /// The symbol after and before each; the number of symbols after the last, -1 before the first.
  private int[] next = {};

  private int[] previous = {};

  /// The order of each symbol and the next.
  private int[] order = {};

  /// Pairs by order and place. One whose order is not in `order` any more is out of date.
  private final LongHeap queue = new LongHeap();

  /// {@return when two symbols merge: the smaller, the earlier, or [#NEVER]}
  ///
  /// @param left the place of the first
  /// @param right the place of the second
  /// @param end the place after the second
  abstract int order(int left, int right, int end);

  /// Hears that two symbols become one, which keeps the place of the first.
  void merged(int left, int right) {}

  /// Merges the symbols at places 0 to `n` - 1.
  final void merge(int n) {
    if (n > order.length) {
      int length = Math.max(n, 2 * order.length);
      next = new int[length];
      previous = new int[length];
      order = new int[length];
    }
    for (int i = 0; i < n; i++) {
      next[i] = i + 1;
      previous[i] = i - 1;
    }
    for (int i = 0; i < n; i++) {
      enqueue(i, n);
    }
    while (!queue.isEmpty()) {
      long pair = queue.remove();
      int left = LongHeap.position(pair);
      if (order[left] != LongHeap.order(pair)) {
        continue;
      }
      int right = next[left];
      merged(left, right);
      order[right] = NEVER;
      next[left] = next[right];
      if (next[left] < n) {
        previous[next[left]] = left;
      }
      if (previous[left] >= 0) {
        enqueue(previous[left], n);
      }
      enqueue(left, n);
    }
  }

  /// {@return the place of the symbol after that at `i`, once merged}
  final int next(int i) {
    return next[i];
  }

  private void enqueue(int left, int n) {
    int right = next[left];
    order[left] = right < n ? order(left, right, next[right]) : NEVER;
    if (order[left] != NEVER) {
      queue.add(LongHeap.element(order[left], left));
    }
  }
}
