package dev.tenon.tensor;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/// A [KvCache] as one graph sees it: where the tokens of a pass are written, and which cells each
/// of them may look at. Layers with windows of one length share a mask. Confined to the thread of
/// its graph.
public final class CacheView extends KvView {
  private static final short MINUS_INFINITY = Float.floatToFloat16(Float.NEGATIVE_INFINITY);

  private final KvCache cache;
  private final Graph graph;
  private final int tokens;
  private final int visible;
  private final Map<Integer, Tensor> masks = new LinkedHashMap<>(); // by window, F16 [visible, t]
  private final AttentionTap tap; // or null
  private final Tensor keyPlaces; // I64 [t]: the cell of each token
  private final Tensor valuePlaces; // I64 [t], or [t * valueWidth] where values lie transposed

  CacheView(KvCache cache, Graph graph, int tokens, int visible, AttentionTap tap) {
    if ((long) tokens * Math.max(visible, cache.layout().valueDim() * cache.layout().kvHeads())
        > 1 << 30)
      throw new IllegalArgumentException(
          "a pass of " + tokens + " tokens over " + visible + " cells: use smaller passes");
    this.cache = cache;
    this.graph = graph;
    this.tokens = tokens;
    this.visible = visible;
    this.tap = tap;
    boolean flash = cache.settings().flashAttention();
    this.keyPlaces = graph.input("key_places", TensorType.I64, Shape.of(tokens));
    this.valuePlaces =
        flash
            ? keyPlaces
            : graph.input("value_places", TensorType.I64, Shape.of(tokens * valueWidth()));
  }

  @Override
  public int contextLength() {
    return cache.contextLength();
  }

  @Override
  public Tensor attend(int layer, Tensor q, Tensor k, Tensor v, float scale, int window) {
    var layout = cache.layout();
    long heads = q.shape().n1();
    expect("keys", k, Shape.of(layout.headDim(), layout.kvHeads(), tokens));
    expect("values", v, Shape.of(layout.valueDim(), layout.kvHeads(), tokens));
    expect("queries", q, Shape.of(layout.headDim(), heads, tokens));
    // The cache is written before it is read, whatever order the rest of the graph takes.
    graph.expand(q);
    graph.expand(k);
    graph.expand(v);
    writeKeys(layer, k);
    writeValues(layer, v);
    var queries = graph.swap12(q); // [headDim, t, heads]
    var keys = readKeys(layer); // [headDim, visible, kvHeads]
    var mask = mask(window);
    if (cache.settings().flashAttention()) {
      var attended = graph.flashAttention(queries, keys, readValues(layer), mask, scale);
      return graph.reshape(attended, Shape.of(layout.valueDim() * heads, tokens));
    }
    var probabilities = graph.attentionProbabilities(queries, keys, mask, scale);
    if (tap != null) tap.keep(AttentionTap.Kind.DECODER, layer, probabilities);
    var attended = graph.matmul(readTransposedValues(layer), probabilities); // [valueDim, t, heads]
    return graph.contiguous(graph.swap12(attended), layout.valueDim() * heads, tokens);
  }

  /// Fills the inputs for the tokens of a pass: what each may see, and where it is written.
  ///
  /// @param cells of each token, as [KvCache#place] gave them
  /// @param positions of each token
  /// @param sequences of each token
  /// @throws IllegalStateException if the graph has no memory yet
  public void fill(int[] cells, int[] positions, int[] sequences) {
    if (!keyPlaces.hasMemory()) return; // a graph without attention
    var places = new long[tokens];
    for (int i = 0; i < tokens; i++) places[i] = cells[i];
    keyPlaces.set(places);
    if (valuePlaces != keyPlaces) valuePlaces.set(transposedPlaces(cells));
    masks.forEach((window, mask) -> mask.set(seen(window, positions, sequences)));
  }

  /// The mask of a window; one for all that no sequence outgrows.
  private Tensor mask(int window) {
    checkWindow(window);
    return masks.computeIfAbsent(
        Math.min(window, cache.cells()),
        _ -> graph.input("mask", TensorType.F16, Shape.of(visible, tokens)));
  }

  private void writeKeys(int layer, Tensor k) {
    var rows = graph.reshape(k, Shape.of(keyWidth(), tokens));
    graph.expand(graph.setRows(cache.keys(layer), rows, keyPlaces));
  }

  private void writeValues(int layer, Tensor v) {
    var target = cache.values(layer);
    if (cache.settings().flashAttention()) {
      var rows = graph.reshape(v, Shape.of(valueWidth(), tokens));
      graph.expand(graph.setRows(target, rows, valuePlaces));
    } else {
      // Each element is a row of its own, for the elements of a token lie `cells` apart.
      var elements = graph.reshape(v, Shape.of(1, (long) valueWidth() * tokens));
      var flat = graph.reshape(target, Shape.of(1, target.shape().elements()));
      graph.expand(graph.setRows(flat, elements, valuePlaces));
    }
  }

  private Tensor readKeys(int layer) {
    var layout = cache.layout();
    var keys = cache.keys(layer);
    return graph.view(
        keys,
        Shape.of(layout.headDim(), visible, layout.kvHeads()),
        bytes(keys, keyWidth()),
        bytes(keys, layout.headDim()));
  }

  private Tensor readValues(int layer) {
    var layout = cache.layout();
    var values = cache.values(layer);
    return graph.view(
        values,
        Shape.of(layout.valueDim(), visible, layout.kvHeads()),
        bytes(values, valueWidth()),
        bytes(values, layout.valueDim()));
  }

  private Tensor readTransposedValues(int layer) {
    var layout = cache.layout();
    var values = cache.values(layer);
    return graph.view(
        values,
        Shape.of(visible, layout.valueDim(), layout.kvHeads()),
        bytes(values, cache.cells()),
        bytes(values, (long) cache.cells() * layout.valueDim()));
  }

  private long[] transposedPlaces(int[] cells) {
    int width = valueWidth();
    var places = new long[tokens * width];
    for (int i = 0; i < tokens; i++) {
      for (int j = 0; j < width; j++) places[i * width + j] = (long) j * cache.cells() + cells[i];
    }
    return places;
  }

  /// A mask's elements: 0 where a token sees a cell, minus infinity elsewhere.
  private short[] seen(int window, int[] positions, int[] sequences) {
    var mask = new short[tokens * visible];
    Arrays.fill(mask, MINUS_INFINITY);
    for (int i = 0; i < tokens; i++) {
      for (int cell = 0; cell < visible; cell++) {
        if (cache.sees(sequences[i], positions[i], window, cell)) mask[i * visible + cell] = 0;
      }
    }
    return mask;
  }

  private int keyWidth() {
    return cache.layout().headDim() * cache.layout().kvHeads();
  }

  private int valueWidth() {
    return cache.layout().valueDim() * cache.layout().kvHeads();
  }

  private static long bytes(Tensor x, long elements) {
    return x.type().bytes(Shape.of(elements));
  }
}
