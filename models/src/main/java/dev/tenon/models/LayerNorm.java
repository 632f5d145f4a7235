package dev.tenon.models;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;

/// A layer norm with its weight and bias.
///
/// @param weight F32 `[width]`
/// @param bias F32 `[width]`
/// @param epsilon added to the variance
record LayerNorm(Tensor weight, Tensor bias, float epsilon) {
  static LayerNorm bind(Weights w, String name, int width, float epsilon)
      throws GgufFormatException {
    return new LayerNorm(
        w.vector(name + ".weight", width), w.vector(name + ".bias", width), epsilon);
  }

  /// `x` F32 `[width, t]`, normed.
  Tensor apply(Graph g, Tensor x) {
    return g.layerNorm(x, weight, bias, epsilon);
  }
}
