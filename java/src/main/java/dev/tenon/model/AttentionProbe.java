package dev.tenon.model;

import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.AttentionTap;
import dev.tenon.tensor.Compute;
import dev.tenon.tensor.CrossCache;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.Packing;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiFunction;
import java.util.stream.IntStream;

/// Runs a model once over a text and keeps what each head of each layer looked at.
public final class AttentionProbe {
  /// Probabilities of a layer.
  private static final int MOST = 1 << 28;

  private static final KvCache.Settings IN_STEPS =
      new KvCache.Settings(TensorType.F32, TensorType.F32, false);

  private final Weights weights;
  private final List<Layer> layers = new ArrayList<>();

  /// The probabilities of one layer.
  ///
  /// @param kind whose attention it is
  /// @param layer from 0
  /// @param heads how many
  /// @param to tokens that look
  /// @param from tokens that are looked at
  /// @param probabilities `[head][to][from]`, one after the other; each row sums to 1
  public record Layer(
      AttentionTap.Kind kind, int layer, int heads, int to, int from, float[] probabilities) {}

  /// What reads one text in a graph.
  private interface Reader {
    Tensor read(Graph g, Inputs inputs, KvView view, AttentionTap tap);
  }

  private AttentionProbe(Weights weights) {
    this.weights = weights;
  }

  /// {@return what a decoder looks at, in the order of its layers}
  ///
  /// @param decoder builds the graph
  /// @param layout of its cache
  /// @param weights of the model, loaded
  /// @param vocabulary number of token ids
  /// @param tokens ids, at least one
  /// @throws IllegalArgumentException if there is no token, or there are so many that a layer has
  ///     more than 2^28 probabilities
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, or there are more tokens
  ///     than positions
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public static List<Layer> of(
      Decoder decoder, KvCache.Layout layout, Weights weights, int vocabulary, int[] tokens) {
    var probe = new AttentionProbe(weights);
    check("text", tokens, decoder.positions(), vocabulary);
    probe.decode(layout, tokens, (g, inputs, view, _) -> decoder.forward(g, inputs, view), 0);
    return probe.layers;
  }

  /// {@return what an encoder looks at, in the order of its layers}
  ///
  /// @param encoder builds the graph
  /// @param weights of the model, loaded
  /// @param vocabulary number of token ids
  /// @param tokens ids, at least one
  /// @param tokenTypes segment of each token
  /// @throws IllegalArgumentException if there is no token, or not a type for each, or there are so
  ///     many that a layer has more than 2^28 probabilities
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, a type is unknown, or
  ///     there are more tokens than positions
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public static List<Layer> of(
      Encoder encoder, Weights weights, int vocabulary, int[] tokens, int[] tokenTypes) {
    var probe = new AttentionProbe(weights);
    check("text", tokens, encoder.positions(), vocabulary);
    probe.encode(encoder, tokens, tokenTypes, (_, hidden) -> hidden);
    return probe.layers;
  }

  /// {@return what an encoder-decoder looks at: its encoder's layers, then of each layer of its
  /// decoder the tokens before and the source}
  ///
  /// @param network builds the graphs
  /// @param weights of the model, loaded
  /// @param vocabulary number of token ids
  /// @param source ids, at least one
  /// @param tokens ids of the decoder's text, at least one
  /// @throws IllegalArgumentException if there is no token, or there are so many that a layer has
  ///     more than 2^28 probabilities
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, or there are more tokens
  ///     than positions
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public static List<Layer> of(
      EncoderDecoder network, Weights weights, int vocabulary, int[] source, int[] tokens) {
    var probe = new AttentionProbe(weights);
    check("source", source, network.encoder().positions(), network.sourceVocabulary());
    check("text", tokens, network.positions(), vocabulary);
    try (var cross = new CrossCache(weights, network.crossLayout(), source.length)) {
      var packing = new Packing(new int[] {source.length});
      int first = cross.place(packing);
      probe.encode(
          network.encoder(),
          source,
          new int[source.length],
          (g, hidden) -> {
            network.remember(g, hidden, cross.writer(g, first, packing));
            return hidden;
          });
      var sight = cross.sight(new int[tokens.length]);
      probe.decode(
          network.cacheLayout(),
          tokens,
          (g, inputs, view, tap) -> network.forward(g, inputs, view, cross.view(g, sight, tap)),
          source.length);
    }
    return probe.layers;
  }

  private static void check(String what, int[] tokens, int positions, int vocabulary) {
    if (tokens.length == 0)
      throw new IllegalArgumentException("attention: no tokens in the " + what);
    if (tokens.length > positions)
      throw new IndexOutOfBoundsException(
          "a "
              + what
              + " of "
              + tokens.length
              + " tokens: the model knows "
              + positions
              + " positions");
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary)
        throw new IndexOutOfBoundsException(
            "token " + token + " is outside the vocabulary of " + vocabulary);
    }
  }

  private void encode(
      Encoder encoder, int[] tokens, int[] tokenTypes, BiFunction<Graph, Tensor, Tensor> body) {
    if (tokenTypes.length != tokens.length)
      throw new IllegalArgumentException(
          "attention: " + tokens.length + " tokens, " + tokenTypes.length + " token types");
    for (int type : tokenTypes) {
      if (type < 0 || type >= Math.max(1, encoder.tokenTypes()))
        throw new IndexOutOfBoundsException(
            "token type "
                + type
                + ": the model knows types from 0 to before "
                + encoder.tokenTypes());
    }
    int t = tokens.length;
    try (var graph = new Graph(capacity())) {
      var tap = new AttentionTap(graph);
      var inputs = EncoderInputs.of(graph, new Packing(new int[] {t}), 1, tap);
      graph.output(body.apply(graph, encoder.forward(graph, inputs)));
      run(
          graph,
          () -> {
            inputs.tokens().setIfUsed(tokens);
            inputs.positions().setIfUsed(IntStream.range(0, t).toArray());
            inputs.tokenTypes().setIfUsed(tokenTypes);
          },
          tap,
          t,
          t);
    }
  }

  /// @param source tokens of the source, 0 without one
  private void decode(KvCache.Layout layout, int[] tokens, Reader reader, int source) {
    int t = tokens.length;
    try (var cache = new KvCache(weights, layout, t, IN_STEPS);
        var graph = new Graph(capacity())) {
      var tap = new AttentionTap(graph);
      var inputs = Inputs.of(graph, t, t);
      var view = cache.view(graph, t, cache.cells(), tap);
      graph.output(reader.read(graph, inputs, view, tap));
      var positions = IntStream.range(0, t).toArray();
      run(
          graph,
          () -> {
            inputs.tokens().setIfUsed(tokens);
            inputs.positions().setIfUsed(positions);
            inputs.outputs().setIfUsed(positions);
            var sequences = new int[t];
            view.fill(cache.place(positions, sequences), positions, sequences);
          },
          tap,
          t,
          source);
    }
  }

  /// Runs a graph and reads what its tap has kept.
  ///
  /// @param to tokens of the text
  /// @param source tokens of the source
  private void run(Graph graph, Runnable fill, AttentionTap tap, int to, int source) {
    try (var compute = new Compute(weights.backend(), capacity())) {
      compute.allocate(graph);
      fill.run();
      compute.run();
      for (var kept : tap.kept()) {
        int from = kept.kind() == AttentionTap.Kind.CROSS ? source : to;
        layers.add(layer(kept, to, from));
      }
    }
  }

  /// Reads the columns that are tokens: a cache is longer than what it holds.
  private static Layer layer(AttentionTap.Kept kept, int to, int from) {
    var shape = kept.probabilities().shape(); // [columns, to, heads, 1]
    int heads = (int) shape.n2();
    if ((long) heads * to * from > MOST)
      throw new IllegalArgumentException(
          "attention: " + heads + " heads over " + to + " times " + from + " tokens, too many");
    var probabilities = new float[heads * to * from];
    var row = new float[from];
    for (int i = 0; i < heads * to; i++) {
      kept.probabilities().get(i * shape.n0(), row);
      System.arraycopy(row, 0, probabilities, i * from, from);
    }
    return new Layer(kept.kind(), kept.layer(), heads, to, from, probabilities);
  }

  private int capacity() {
    return Math.max(1024, 32 * weights.size());
  }
}
