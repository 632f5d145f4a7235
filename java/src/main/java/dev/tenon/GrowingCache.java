package dev.tenon;

import dev.tenon.model.Batch;
import dev.tenon.model.Evaluator;
import dev.tenon.tensor.KvCache;
import java.util.function.Function;

/// A cache of sequences that step side by side, with what evaluates them: how many tokens they will
/// have is not known before, so that it grows with them.
final class GrowingCache implements AutoCloseable {
  private final Function<KvCache, Evaluator> evaluators;
  private KvCache cache;
  private Evaluator evaluator;

  /// Takes a cache, which this closes.
  ///
  /// @param evaluators makes what evaluates with a cache
  GrowingCache(KvCache cache, Function<KvCache, Evaluator> evaluators) {
    this.evaluators = evaluators;
    this.cache = cache;
    try {
      this.evaluator = evaluators.apply(cache);
    } catch (Throwable e) {
      cache.close();
      throw e;
    }
  }

  /// The position of a sequence's next token.
  int length(int sequence) {
    return cache.length(sequence);
  }

  /// Evaluates tokens, with a row of logits for each output.
  void evaluate(Batch batch, float[][] rows) {
    int needed = Math.addExact(cache.used(), batch.tokens().length);
    if (needed > cache.cells()) grow(Math.max(needed, cache.cells() + cache.cells() / 2));
    evaluator.evaluate(batch, rows);
  }

  private void grow(int cells) {
    var larger = cache.grown(cells);
    Evaluator next;
    try {
      next = evaluators.apply(larger);
    } catch (Throwable e) {
      larger.close();
      throw e;
    }
    evaluator.close();
    cache.close();
    cache = larger;
    evaluator = next;
  }

  /// Makes the sequences anew: see [KvCache#reorder].
  void reorder(int[] from) {
    cache.reorder(from);
  }

  @Override
  public void close() {
    evaluator.close();
    cache.close();
  }
}
