package dev.tenon.tensor;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.util.Arrays;

/// Keys of a [KvCache] turned to other positions, in one graph: what lets a full cache forget its
/// oldest tokens and keep the others. A rotary position is a rotation, so that a key at one
/// position, turned by the difference, is the key at the other.
///
/// The keys are read, turned and written back; those stored in fewer bits are rounded once more.
/// Confined to the thread of its graph.
public final class KvTurn {
  private final KvCache cache;
  private final Graph graph;
  private final int tokens;
  private final Tensor cells; // I32 [t], to read
  private final Tensor places; // I64 [t], the same, to write
  private final Tensor distances; // I32 [t]

  /// Prepares a graph to turn keys.
  ///
  /// @param cache whose keys
  /// @param graph being built
  /// @param tokens how many, at least 1
  public KvTurn(KvCache cache, Graph graph, int tokens) {
    this.cache = cache;
    this.graph = graph;
    this.tokens = tokens;
    this.cells = graph.input("cells", TensorType.I32, Shape.of(tokens));
    this.places = graph.input("places", TensorType.I64, Shape.of(tokens));
    this.distances = graph.input("distances", TensorType.I32, Shape.of(tokens));
  }

  /// Turns the keys of a layer.
  ///
  /// @param layer from 0
  /// @param rope how the layer turns keys; its magnitude is not applied again
  /// @throws IndexOutOfBoundsException if there is no such layer
  /// @throws IllegalArgumentException if the rotation does not go with the keys
  public void turn(int layer, Rope rope) {
    var layout = cache.layout();
    var written = rope.forContext(cache.contextLength()).withoutMagnitude();
    var stored = cache.keys(layer); // [headDim * kvHeads, cells]
    var keys = graph.rows(stored, cells); // [headDim * kvHeads, t]
    keys = graph.reshape(keys, Shape.of(layout.headDim(), layout.kvHeads(), tokens));
    keys = graph.rope(keys, distances, written);
    keys = graph.reshape(keys, Shape.of((long) layout.headDim() * layout.kvHeads(), tokens));
    graph.expand(graph.setRows(stored, keys, places));
  }

  /// Fills the inputs.
  ///
  /// @param moved the cells to turn, as many as tokens, no two the same
  /// @param distance positions by which they move, negative towards the start
  /// @throws IllegalArgumentException if there are more or fewer cells
  /// @throws IndexOutOfBoundsException if there is no such cell
  /// @throws IllegalStateException if the graph has no memory yet
  public void fill(int[] moved, int distance) {
    if (moved.length != tokens)
      throw new IllegalArgumentException("turn: " + moved.length + " cells, expected " + tokens);
    for (int cell : moved) {
      if (cell < 0 || cell >= cache.cells())
        throw new IndexOutOfBoundsException("turn: cell " + cell + " of " + cache.cells());
    }
    if (!cells.hasMemory()) return; // a graph that turns no layer
    cells.set(moved);
    places.set(Arrays.stream(moved).asLongStream().toArray());
    var all = new int[tokens];
    Arrays.fill(all, distance);
    distances.set(all);
  }
}
