package dev.tenon.tensor;

import java.util.ArrayList;
import java.util.List;

/// Keeps the attention probabilities of a graph, to be read after it has run. With it attention is
/// computed in steps, which takes longer than in one. Confined to the thread of its graph.
public final class AttentionTap {
  private final Graph graph;
  private final List<Kept> kept = new ArrayList<>();

  /// Whose attention it is.
  public enum Kind {
    /// An encoder's, over its own tokens.
    ENCODER,
    /// A decoder's, over its own tokens.
    DECODER,
    /// A decoder's, over the source.
    CROSS
  }

  /// Probabilities of one layer.
  ///
  /// @param kind whose
  /// @param layer from 0
  /// @param probabilities F32 `[from, to, heads, sequences]`: of each token that looks (`to`), how
  ///     much it looks at each (`from`); a decoder's has more columns than tokens, cells without a
  ///     token at the end
  public record Kept(Kind kind, int layer, Tensor probabilities) {}

  /// Keeps those of a graph.
  ///
  /// @param graph being built
  public AttentionTap(Graph graph) {
    this.graph = graph;
  }

  void keep(Kind kind, int layer, Tensor probabilities) {
    graph.output(probabilities);
    kept.add(new Kept(kind, layer, probabilities));
  }

  /// {@return what is kept, in the order in which it is computed}
  public List<Kept> kept() {
    return List.copyOf(kept);
  }
}
