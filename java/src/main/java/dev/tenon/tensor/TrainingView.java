package dev.tenon.tensor;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/// The keys and values of a pass of training: rows of one length, in each of them sequences one
/// behind the other, of which each token sees the earlier tokens of its own. There is no cache, and
/// every operation has a gradient. Confined to the thread of its graph.
public final class TrainingView extends KvView {
  private static final short MINUS_INFINITY = Float.floatToFloat16(Float.NEGATIVE_INFINITY);

  private final Graph graph;
  private final int rows;
  private final int length;
  private final Map<Integer, Tensor> masks = new LinkedHashMap<>(); // by window: F16 [l, l, 1, r]

  /// Prepares a graph.
  ///
  /// @param graph being built, [for training][Graph#forTraining]
  /// @param rows how many, at least 1
  /// @param length tokens of each, at least 1; a mask has `rows * length * length` elements, at
  ///     most 2^30
  /// @throws IllegalArgumentException if a number is out of range
  public TrainingView(Graph graph, int rows, int length) {
    if (rows < 1 || length < 1 || (double) rows * length * length > 1 << 30)
      throw new IllegalArgumentException(
          "training: " + rows + " rows of " + length + " tokens; at least 1, and smaller ones");
    this.graph = graph;
    this.rows = rows;
    this.length = length;
  }

  @Override
  public int contextLength() {
    return length;
  }

  @Override
  public Tensor attend(int layer, Tensor q, Tensor k, Tensor v, float scale, int window) {
    checkWindow(window);
    long heads = q.shape().n1();
    long kvHeads = k.shape().n1();
    long headDim = q.shape().n0();
    long valueDim = v.shape().n0();
    long tokens = (long) rows * length;
    expect("queries", q, Shape.of(headDim, heads, tokens));
    expect("keys", k, Shape.of(headDim, kvHeads, tokens));
    expect("values", v, Shape.of(valueDim, kvHeads, tokens));
    if (heads % kvHeads != 0)
      throw new IllegalArgumentException("attend: " + q + " does not go with " + k);
    var queries = graph.swap12(byRow(q)); // [headDim, l, heads, r]
    var keys = graph.swap12(byRow(k)); // [headDim, l, kvHeads, r]
    var values = graph.rotate012(byRow(v)); // [l, valueDim, kvHeads, r]
    var mask = masks.computeIfAbsent(Math.min(window, length), _ -> mask());
    var probabilities = graph.attentionProbabilities(queries, keys, mask, scale);
    var attended = graph.matmul(values, probabilities); // [valueDim, l, heads, r]
    return graph.contiguous(graph.swap12(attended), valueDim * heads, tokens);
  }

  /// Fills the masks.
  ///
  /// @param starts for each token where in its row its sequence begins, from 0 to the token itself
  /// @throws IllegalArgumentException if there are more or fewer, or one lies behind its token
  public void fill(int[] starts) {
    if (starts.length != rows * length)
      throw new IllegalArgumentException(
          "fill: " + starts.length + " starts for " + rows + " rows of " + length);
    masks.forEach((window, mask) -> mask.set(seen(window, starts)));
  }

  private Tensor mask() {
    return graph.input("mask", TensorType.F16, Shape.of(length, length, 1, rows));
  }

  /// `x` `[dim, heads, r * l]` as `[dim, heads, l, r]`.
  private Tensor byRow(Tensor x) {
    return graph.reshape(x, Shape.of(x.shape().n0(), x.shape().n1(), length, rows));
  }

  /// A mask's elements: 0 where a token sees another, minus infinity elsewhere.
  private short[] seen(int window, int[] starts) {
    var mask = new short[rows * length * length];
    Arrays.fill(mask, MINUS_INFINITY);
    for (int i = 0; i < starts.length; i++) {
      int place = i % length;
      if (starts[i] < 0 || starts[i] > place)
        throw new IllegalArgumentException(
            "fill: token " + place + " of a row in a sequence that begins at " + starts[i]);
      int first = Math.max(starts[i], place - window + 1);
      Arrays.fill(mask, i * length + first, i * length + place + 1, (short) 0);
    }
    return mask;
  }
}
