package dev.tenon.model;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.Shape;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;

/// What gives an attention block its queries, keys and values: three matrices, `attn_q`, `attn_k`
/// and `attn_v`, or one in which a file has them below each other, `attn_qkv`.
public final class QkvProjection {
  private final Hyperparameters hp;
  private final Projection fused; // [width, queries + keys + values], or null
  private final Projection q; // [width, headDim * heads]
  private final Projection k; // [width, headDim * kvHeads]
  private final Projection v; // [width, valueDim * kvHeads]

  private QkvProjection(
      Hyperparameters hp, Projection fused, Projection q, Projection k, Projection v) {
    this.hp = hp;
    this.fused = fused;
    this.q = q;
    this.k = k;
    this.v = v;
  }

  /// Activations seen as heads, each contiguous.
  ///
  /// @param queries F32 `[headDim, heads, t]`
  /// @param keys F32 `[headDim, kvHeads, t]`
  /// @param values F32 `[valueDim, kvHeads, t]`
  public record Heads(Tensor queries, Tensor keys, Tensor values) {}

  /// {@return the projections of a block, with scales and biases where the file has them}
  ///
  /// @param hp numbers of heads and their lengths
  /// @param w weights of the block
  /// @throws GgufFormatException if a weight is absent or has another shape
  public static QkvProjection bind(Hyperparameters hp, Weights w) throws GgufFormatException {
    if (w.has("attn_qkv.weight"))
      return new QkvProjection(
          hp,
          Projection.bind(w, "attn_qkv", hp.width(), (long) queries(hp) + keys(hp) + values(hp)),
          null,
          null,
          null);
    return new QkvProjection(
        hp,
        null,
        Projection.bind(w, "attn_q", hp.width(), queries(hp)),
        Projection.bind(w, "attn_k", hp.width(), keys(hp)),
        Projection.bind(w, "attn_v", hp.width(), values(hp)));
  }

  /// {@return queries, keys and values of activations}
  ///
  /// @param g graph
  /// @param x F32 `[width, t]`
  public Heads apply(Graph g, Tensor x) {
    if (fused == null) return heads(g, q.apply(g, x), k.apply(g, x), v.apply(g, x));
    var all = fused.apply(g, x); // [queries + keys + values, t]
    return heads(
        g,
        g.slice(all, 0, queries(hp)),
        g.slice(all, queries(hp), keys(hp)),
        g.slice(all, (long) queries(hp) + keys(hp), values(hp)));
  }

  private Heads heads(Graph g, Tensor queries, Tensor keys, Tensor values) {
    return new Heads(
        heads(g, queries, hp.headDim(), hp.heads()),
        heads(g, keys, hp.headDim(), hp.kvHeads()),
        heads(g, values, hp.valueDim(), hp.kvHeads()));
  }

  private static int queries(Hyperparameters hp) {
    return hp.headDim() * hp.heads();
  }

  private static int keys(Hyperparameters hp) {
    return hp.headDim() * hp.kvHeads();
  }

  private static int values(Hyperparameters hp) {
    return hp.valueDim() * hp.kvHeads();
  }

  /// `x` `[dim * heads, t]` seen as heads, `[dim, heads, t]`.
  private static Tensor heads(Graph g, Tensor x, int dim, int heads) {
    return g.reshape(x, Shape.of(dim, heads, x.shape().n1()));
  }
}
