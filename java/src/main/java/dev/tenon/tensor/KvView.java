package dev.tenon.tensor;

import dev.tenon.gguf.Shape;

/// The keys and values that the tokens of a pass look at: those of a cache, or in training those of
/// the pass itself. An architecture calls [#attend] once for each layer, and need not know which.
/// Confined to the thread of its graph.
public abstract sealed class KvView permits CacheView, TrainingView {
  KvView() {}

  /// {@return what a sequence may grow to, in tokens: some rotations depend on it}
  public abstract int contextLength();

  /// Keeps the keys and values of this pass for a layer, then attends causally over everything each
  /// token sees, itself included.
  ///
  /// @param layer from 0
  /// @param q F32 `[headDim, heads, t]`
  /// @param k F32 `[headDim, kvHeads, t]`; `heads` is a multiple of `kvHeads`
  /// @param v F32 `[valueDim, kvHeads, t]`
  /// @param scale applied to scores, usually `1 / sqrt(headDim)`
  /// @return F32 `[valueDim * heads, t]`
  /// @throws IllegalArgumentException if a shape does not go with the others or the cache
  /// @throws IndexOutOfBoundsException if a cache has no such layer
  public final Tensor attend(int layer, Tensor q, Tensor k, Tensor v, float scale) {
    return attend(layer, q, k, v, scale, Integer.MAX_VALUE);
  }

  /// Keeps the keys and values of this pass for a layer, then attends causally over the last tokens
  /// that each token sees, itself included.
  ///
  /// @param layer from 0
  /// @param q F32 `[headDim, heads, t]`
  /// @param k F32 `[headDim, kvHeads, t]`; `heads` is a multiple of `kvHeads`
  /// @param v F32 `[valueDim, kvHeads, t]`
  /// @param scale applied to scores, usually `1 / sqrt(headDim)`
  /// @param window how many tokens each sees, at least 1: at position `p` those from
  ///     `p - window + 1` to `p`
  /// @return F32 `[valueDim * heads, t]`
  /// @throws IllegalArgumentException if a shape does not go with the others or the cache, or there
  ///     is no window
  /// @throws IndexOutOfBoundsException if a cache has no such layer
  public abstract Tensor attend(int layer, Tensor q, Tensor k, Tensor v, float scale, int window);

  static void expect(String what, Tensor x, Shape shape) {
    if (!x.shape().equals(shape))
      throw new IllegalArgumentException("attend: " + what + " " + x + ", expected " + shape);
  }

  static void checkWindow(int window) {
    if (window < 1)
      throw new IllegalArgumentException("attend: window of " + window + " tokens, at least 1");
  }
}
