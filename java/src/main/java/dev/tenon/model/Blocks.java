package dev.tenon.model;

import dev.tenon.gguf.Shape;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;

/// Sub-graphs that architectures share. What one alone uses stays in its own file.
public final class Blocks {
  private Blocks() {}

  /// {@return `x` seen as heads, `[dim, heads, t]`}
  ///
  /// @param g graph
  /// @param x F32 `[dim * heads, t]`, contiguous
  /// @param dim elements of a head
  /// @param heads how many
  public static Tensor heads(Graph g, Tensor x, int dim, int heads) {
    return g.reshape(x, Shape.of(dim, heads, x.shape().n1()));
  }
}
