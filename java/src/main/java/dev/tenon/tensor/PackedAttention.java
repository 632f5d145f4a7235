package dev.tenon.tensor;

import dev.tenon.gguf.Shape;
import java.util.ArrayList;

/// Attention of sequences that lie in one pass: each token sees all tokens of its sequence, before
/// and behind it, and none of another's.
///
/// Sequences are taken as they lie, those of equal length in one operation, so that nothing is
/// computed for padding and nothing is masked. Confined to the thread of its graph.
public final class PackedAttention {
  private final Graph graph;
  private final Packing packing;
  private final int rows;
  private final AttentionTap tap;

  /// Prepares a graph.
  ///
  /// @param graph being built
  /// @param packing how the sequences lie in it
  /// @param tap keeps the probabilities; null where they are not wanted
  public PackedAttention(Graph graph, Packing packing, AttentionTap tap) {
    this.graph = graph;
    this.packing = packing;
    this.rows = packing.rows();
    this.tap = tap;
  }

  /// Attends over the tokens of each sequence.
  ///
  /// @param layer from 0
  /// @param q F32 `[headDim, heads, t]`, contiguous
  /// @param k F32 `[headDim, kvHeads, t]`, contiguous; `heads` is a multiple of `kvHeads`
  /// @param v F32 `[valueDim, kvHeads, t]`, contiguous
  /// @param scale applied to scores, usually `1 / sqrt(headDim)`
  /// @return F32 `[valueDim * heads, t]`
  /// @throws IllegalArgumentException if a shape does not go with the others or the packing
  public Tensor attend(int layer, Tensor q, Tensor k, Tensor v, float scale) {
    long heads = q.shape().n1();
    long kvHeads = k.shape().n1();
    expect("queries", q, Shape.of(q.shape().n0(), heads, rows));
    expect("keys", k, Shape.of(q.shape().n0(), kvHeads, rows));
    expect("values", v, Shape.of(v.shape().n0(), kvHeads, rows));
    var attended = new ArrayList<Tensor>();
    for (var run : packing.runs()) {
      attended.add(
          graph.attention(
              sequences(q, run),
              sequences(k, run),
              sequences(v, run),
              scale,
              tap == null ? null : p -> tap.keep(AttentionTap.Kind.ENCODER, layer, p)));
    }
    return graph.concatRows(attended); // [valueDim * heads, t]
  }

  /// The rows of a run, seen as `[dim, length, heads, count]`.
  private Tensor sequences(Tensor x, Packing.Run run) {
    var s = x.shape();
    long row = 4 * s.n0() * s.n1();
    return graph.view(
        x,
        Shape.of(s.n0(), run.length(), s.n1(), run.count()),
        row,
        4 * s.n0(),
        row * run.length(),
        row * run.from());
  }

  private static void expect(String what, Tensor x, Shape shape) {
    if (!x.shape().equals(shape) || !x.contiguous())
      throw new IllegalArgumentException(
          "attend: " + what + " " + x + ", expected contiguous " + shape);
  }
}
