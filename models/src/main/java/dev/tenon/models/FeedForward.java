package dev.tenon.models;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.model.Hyperparameters;
import dev.tenon.model.Projection;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;

/// A feed-forward block of two projections, as the first Transformers had it.
///
/// @param up `[width, ffnWidth]`
/// @param activation between the two
/// @param down `[ffnWidth, width]`
record FeedForward(Projection up, Activation activation, Projection down) {
  static FeedForward bind(Hyperparameters hp, Weights w, Activation activation)
      throws GgufFormatException {
    return new FeedForward(
        Projection.bind(w, "ffn_up", hp.width(), hp.ffnWidth()),
        activation,
        Projection.bind(w, "ffn_down", hp.ffnWidth(), hp.width()));
  }

  /// `x` F32 `[width, t]`; the result is as large.
  Tensor apply(Graph g, Tensor x) {
    return down.apply(g, activation.apply(g, up.apply(g, x)));
  }
}
