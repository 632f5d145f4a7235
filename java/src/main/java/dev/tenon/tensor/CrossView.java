package dev.tenon.tensor;

import dev.tenon.gguf.Shape;
import java.util.ArrayList;

/// A [CrossCache] as one graph sees it. An architecture calls [#attend] once for each layer of its
/// decoder. Confined to the thread of its graph.
public final class CrossView {
  private final CrossCache cache;
  private final Graph graph;
  private final CrossCache.Sight sight;
  private final AttentionTap tap;

  CrossView(CrossCache cache, Graph graph, CrossCache.Sight sight, AttentionTap tap) {
    this.cache = cache;
    this.graph = graph;
    this.sight = sight;
    this.tap = tap;
  }

  /// Attends over the whole source of each row.
  ///
  /// @param layer of the decoder, from 0
  /// @param q F32 `[headDim, heads, t]`, contiguous
  /// @param scale applied to scores, usually `1 / sqrt(headDim)`
  /// @return F32 `[valueDim * heads, t]`
  /// @throws IllegalArgumentException if the shape does not go with the cache
  /// @throws IndexOutOfBoundsException if there is no such layer
  public Tensor attend(int layer, Tensor q, float scale) {
    var layout = cache.layout();
    var last = sight.runs().getLast();
    var expected =
        Shape.of(layout.headDim(), q.shape().n1(), last.row() + (long) last.each() * last.count());
    if (!q.shape().equals(expected) || !q.contiguous())
      throw new IllegalArgumentException(
          "attend: queries " + q + ", expected contiguous " + expected);
    long heads = q.shape().n1();
    var attended = new ArrayList<Tensor>();
    for (var run : sight.runs()) {
      long row = 4 * layout.headDim() * heads;
      var queries =
          graph.view(
              q,
              Shape.of(layout.headDim(), run.each(), heads, run.count()),
              row,
              4L * layout.headDim(),
              row * run.each(),
              row * run.row());
      attended.add(
          graph.attention(
              queries,
              sources(cache.keys(layer), layout.headDim(), run),
              sources(cache.values(layer), layout.valueDim(), run),
              scale,
              tap == null ? null : p -> tap.keep(AttentionTap.Kind.CROSS, layer, p)));
    }
    return graph.concatRows(attended); // [valueDim * heads, t]
  }

  /// The sources of a run, seen as `[dim, length, kvHeads, count]`.
  private Tensor sources(Tensor stored, int dim, CrossCache.Run run) {
    long row = 4 * stored.shape().n0();
    return graph.view(
        stored,
        Shape.of(dim, run.length(), cache.layout().kvHeads(), run.count()),
        row,
        4L * dim,
        row * run.length(),
        row * run.from());
  }
}
