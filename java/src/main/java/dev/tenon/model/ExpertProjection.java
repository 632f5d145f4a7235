package dev.tenon.model;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.Shape;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;

/// One matrix for each expert of a mixture, with the scales a file may give them.
///
/// @param weight `[in, out, experts]`
/// @param scale F32 `[experts]`, or null
public record ExpertProjection(Tensor weight, Tensor scale) {
  /// {@return the projections `name.weight`, with `name.scale` where the file has it}
  ///
  /// @param w weights
  /// @param name for example `ffn_up_exps`
  /// @param in length of the input
  /// @param out length of the output
  /// @param experts how many
  /// @throws GgufFormatException if a weight is absent or has another shape
  public static ExpertProjection bind(Weights w, String name, long in, long out, long experts)
      throws GgufFormatException {
    return new ExpertProjection(
        w.experts(name + ".weight", in, out, experts),
        w.has(name + ".scale") ? w.vector(name + ".scale", experts) : null);
  }

  /// {@return each token's activations projected by the experts chosen for it: F32
  /// `[out, used, t]`}
  ///
  /// @param g graph
  /// @param x F32 `[in, used, t]`, or `[in, 1, t]` for the same to all
  /// @param chosen experts of each token, I32 `[used, t]`
  public Tensor apply(Graph g, Tensor x, Tensor chosen) {
    var y = g.matmul(weight, x, chosen); // [out, used, t]
    if (scale == null) return y;
    long experts = scale.shape().n0();
    var scales =
        g.repeat(g.reshape(scale, Shape.of(1, experts)), Shape.of(1, experts, x.shape().n2()));
    return g.mul(y, g.rows(scales, chosen)); // scales of those chosen: [1, used, t]
  }
}
