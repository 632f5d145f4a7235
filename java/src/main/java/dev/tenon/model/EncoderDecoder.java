package dev.tenon.model;

import dev.tenon.tensor.CrossCache;
import dev.tenon.tensor.CrossView;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.Tensor;

/// Builds the graphs of a model that reads a source and writes a text about it, such as its
/// translation. The source is encoded once, and what the decoder's layers look at of it is computed
/// once; then the decoder steps with a cache of its own. Stateless: all state is in the caches.
public non-sealed interface EncoderDecoder extends Network {
  /// {@return what reads the source}
  Encoder encoder();

  /// {@return how many token ids the encoder knows: those of the model, unless sources are in a
  /// vocabulary of their own}
  int sourceVocabulary();

  /// {@return what the cache of the decoder's own tokens holds for each of them}
  KvCache.Layout cacheLayout();

  /// {@return what the cache of the source holds for each of its tokens}
  KvCache.Layout crossLayout();

  /// Writes the keys and values of the source, of all layers of the decoder.
  ///
  /// @param g graph to append to
  /// @param states hidden states of the encoder, F32 `[width, t]`
  /// @param cross takes the keys and values
  void remember(Graph g, Tensor states, CrossCache.Writer cross);

  /// {@return logits, F32 `[vocabulary, n]`, after the tokens of the pass whose output is wanted}
  ///
  /// @param g graph to append to
  /// @param inputs tokens and positions of the pass
  /// @param cache keys and values of the decoder's tokens so far
  /// @param cross keys and values of the sources
  Tensor forward(Graph g, Inputs inputs, KvView cache, CrossView cross);

  /// {@return how many positions the decoder knows}
  int positions();
}
