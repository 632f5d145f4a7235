package dev.tenon.model;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;

/// A feed-forward block gated by SiLU (Shazeer, GLU Variants Improve Transformer, 2020):
/// `down(silu(gate(x)) * up(x))`.
///
/// @param gate `[width, ffnWidth]`
/// @param up `[width, ffnWidth]`
/// @param down `[ffnWidth, width]`
public record SwiGlu(Projection gate, Projection up, Projection down) {
  /// {@return the block of `ffn_gate`, `ffn_up` and `ffn_down`, with scales and biases where the
  /// file has them}
  ///
  /// @param hp its lengths
  /// @param w weights of the layer
  /// @throws GgufFormatException if a weight is absent or has another shape
  public static SwiGlu bind(Hyperparameters hp, Weights w) throws GgufFormatException {
    return new SwiGlu(
        Projection.scaledLast(w, "ffn_gate", hp.width(), hp.ffnWidth()),
        Projection.scaledLast(w, "ffn_up", hp.width(), hp.ffnWidth()),
        Projection.scaledLast(w, "ffn_down", hp.ffnWidth(), hp.width()));
  }

  /// {@return the block's result, F32 `[width, t]`}
  ///
  /// @param g graph
  /// @param x F32 `[width, t]`
  public Tensor apply(Graph g, Tensor x) {
    return down.apply(g, g.swiglu(gate.apply(g, x), up.apply(g, x)));
  }
}
