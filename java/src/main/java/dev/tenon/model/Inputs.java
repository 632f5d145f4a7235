package dev.tenon.model;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;

/// The inputs of one pass, in its graph.
///
/// @param tokens ids, I32 `[t]`
/// @param positions position of each token in its sequence, I32 `[t]`
/// @param outputs rows of the pass whose logits are wanted, I32 `[n]`
public record Inputs(Tensor tokens, Tensor positions, Tensor outputs) {
  /// Declares the inputs of a pass.
  ///
  /// @param g graph being built
  /// @param rows tokens of the pass
  /// @param outputs how many of them have their logits wanted
  static Inputs of(Graph g, int rows, int outputs) {
    return new Inputs(
        g.input("tokens", TensorType.I32, Shape.of(rows)),
        g.input("positions", TensorType.I32, Shape.of(rows)),
        g.input("outputs", TensorType.I32, Shape.of(outputs)));
  }
}
