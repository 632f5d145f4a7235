package dev.tenon.models;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.Shape;
import dev.tenon.model.Hyperparameters;
import dev.tenon.model.Projection;
import dev.tenon.tensor.CrossCache;
import dev.tenon.tensor.CrossView;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.PackedAttention;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;

/// An attention block as both halves of an encoder-decoder have it: four projections, with biases
/// where the file has them, and as many heads of keys and values as of queries.
///
/// @param hp of the half it is in
/// @param queries `[width, headDim * heads]`
/// @param keys `[width, headDim * heads]`
/// @param values `[width, valueDim * heads]`
/// @param output `[valueDim * heads, width]`
record Attention(
    Hyperparameters hp, Projection queries, Projection keys, Projection values, Projection output) {

  /// Binds the projections of a name, for example `attn` or `cross_attn`.
  static Attention bind(Hyperparameters hp, Weights w, String name) throws GgufFormatException {
    long keyWidth = (long) hp.headDim() * hp.heads();
    long valueWidth = (long) hp.valueDim() * hp.heads();
    return new Attention(
        hp,
        Projection.bind(w, name + "_q", hp.width(), keyWidth),
        Projection.bind(w, name + "_k", hp.width(), keyWidth),
        Projection.bind(w, name + "_v", hp.width(), valueWidth),
        Projection.bind(w, name + "_o", valueWidth, hp.width()));
  }

  /// Each token of `x` F32 `[width, t]` looks at all of its sequence.
  Tensor within(Graph g, PackedAttention sequences, int layer, Tensor x) {
    var attended =
        sequences.attend(
            layer,
            heads(g, queries.apply(g, x), hp.headDim()),
            heads(g, keys.apply(g, x), hp.headDim()),
            heads(g, values.apply(g, x), hp.valueDim()),
            scale());
    return output.apply(g, attended); // [width, t]
  }

  /// Each token of `x` F32 `[width, t]` looks at those before it and at itself.
  Tensor causal(Graph g, KvView cache, int layer, Tensor x) {
    var attended =
        cache.attend(
            layer,
            heads(g, queries.apply(g, x), hp.headDim()),
            heads(g, keys.apply(g, x), hp.headDim()),
            heads(g, values.apply(g, x), hp.valueDim()),
            scale());
    return output.apply(g, attended); // [width, t]
  }

  /// Each token of `x` F32 `[width, t]` looks at its source.
  Tensor cross(Graph g, CrossView sources, int layer, Tensor x) {
    var attended = sources.attend(layer, heads(g, queries.apply(g, x), hp.headDim()), scale());
    return output.apply(g, attended); // [width, t]
  }

  /// Keeps what [#cross] looks at of sources: `states` F32 `[width, t]`.
  void remember(Graph g, CrossCache.Writer sources, int layer, Tensor states) {
    sources.write(layer, keys.apply(g, states), values.apply(g, states));
  }

  private float scale() {
    return (float) (1 / Math.sqrt(hp.headDim()));
  }

  /// `x` `[dim * heads, t]` seen as heads, `[dim, heads, t]`.
  private Tensor heads(Graph g, Tensor x, int dim) {
    return g.reshape(x, Shape.of(dim, hp.heads(), x.shape().n1()));
  }
}
