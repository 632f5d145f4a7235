package dev.tenon.model;

import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.Tensor;

/// Builds the graph of one pass of a causal language model. Stateless: all state is in the cache.
@FunctionalInterface
public interface Decoder {
  /// {@return logits, F32 `[vocabulary, n]`, after the tokens of the pass whose output is wanted}
  ///
  /// @param g graph to append to
  /// @param inputs tokens and positions of the pass
  /// @param cache keys and values so far
  Tensor forward(Graph g, Inputs inputs, KvView cache);
}
