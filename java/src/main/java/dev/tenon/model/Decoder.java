package dev.tenon.model;

import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.Rope;
import dev.tenon.tensor.Tensor;

/// Builds the graph of one pass of a causal language model. Stateless: all state is in the cache.
@FunctionalInterface
public non-sealed interface Decoder extends Network {
  /// {@return logits, F32 `[vocabulary, n]`, after the tokens of the pass whose output is wanted}
  ///
  /// @param g graph to append to
  /// @param inputs tokens and positions of the pass
  /// @param cache keys and values so far
  Tensor forward(Graph g, Inputs inputs, KvView cache);

  /// {@return how many positions it knows: those from 0 to before this can be evaluated}
  ///
  /// An architecture with learned positions has as many as its table has rows; for others there is
  /// no end, which is how this is by itself.
  default int positions() {
    return Integer.MAX_VALUE;
  }

  /// {@return how the keys that a layer keeps are turned by their position, or null where they do
  /// not depend on it}
  ///
  /// With that, tokens can move to other positions and need not be evaluated again. An architecture
  /// whose hidden states depend on the position by themselves, as those with learned positions do,
  /// leaves this as it is: its tokens cannot move. Where [factors][Rope#forContext] depend on the
  /// context, this has all of them, and the cache chooses.
  ///
  /// @param layer from 0
  /// @throws UnsupportedOperationException if tokens cannot move
  default Rope keyRope(int layer) {
    throw new UnsupportedOperationException(
        "the tokens of this architecture cannot move to other positions");
  }
}
