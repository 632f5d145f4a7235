package dev.tenon.tensor;

import static java.lang.foreign.MemorySegment.NULL;

import dev.tenon.ggml.Ggml;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Keys and values of the sources that a decoder looks at, all its layers: written once when the
/// sources are encoded, and read in each step by all sequences that are about the same source.
///
/// Sources lie one after the other, row by row, in F32. Confined to the thread that made it.
public final class CrossCache implements AutoCloseable {
  private final Weights weights;
  private final KvCache.Layout layout;
  private final int rows;
  private final Arena arena = Arena.ofConfined();
  private final List<MemorySegment> buffers = new ArrayList<>();
  private final Tensor[] keys; // of each layer [headDim * kvHeads, rows]
  private final Tensor[] values; // [valueDim * kvHeads, rows]
  private final List<Source> sources = new ArrayList<>();
  private final int[] sourceOf = new int[KvCache.MAX_SEQUENCES]; // of each sequence
  private final Thread owner = Thread.currentThread();

  /// Where a source lies.
  private record Source(int from, int length) {}

  /// Rows of a pass that look at sources: `each` rows at the first source, as many at the next, and
  /// so on, all of one length.
  ///
  /// @param row the first, in the pass
  /// @param each rows for each source
  /// @param from first row of the first source, in the cache
  /// @param length rows of each source
  /// @param count how many sources
  record Run(int row, int each, int from, int length, int count) {}

  /// Which rows of a pass look at which sources. Passes whose sights are equal have the same graph.
  public static final class Sight {
    private final List<Run> runs;

    private Sight(List<Run> runs) {
      this.runs = runs;
    }

    /// The runs, in the order of the rows.
    List<Run> runs() {
      return runs;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Sight sight && runs.equals(sight.runs);
    }

    @Override
    public int hashCode() {
      return runs.hashCode();
    }
  }

  /// Makes an empty cache.
  ///
  /// @param weights of the model: the keys and values of a layer lie on the device of its weights
  /// @param layout what it holds for each token of a source
  /// @param rows how many tokens of sources it can hold, from 1 to 2^24
  /// @throws IllegalArgumentException if `rows` is out of range
  /// @throws BackendException if there is not the memory; the message has bytes needed and free
  public CrossCache(Weights weights, KvCache.Layout layout, int rows) {
    if (rows < 1 || rows > 1 << 24)
      throw new IllegalArgumentException(
          "cross cache of " + rows + " rows, from 1 to " + (1 << 24));
    this.weights = weights;
    this.layout = layout;
    this.rows = rows;
    this.keys = new Tensor[layout.layers()];
    this.values = new Tensor[layout.layers()];
    Backend.needMemory(
        "sources of " + rows + " tokens", layout.bytes(rows, TensorType.F32, TensorType.F32));
    weights.use();
    var backend = weights.backend();
    try {
      allocate(backend, false);
      if (backend.hasGpu()) allocate(backend, true);
    } catch (Throwable e) {
      close();
      throw e;
    }
  }

  /// Makes the tensors of the layers that are, or are not, offloaded.
  private void allocate(Backend backend, boolean offloaded) {
    var context = Graph.newContext(arena, (2L * layout.layers() + 1) * Ggml.ggml_tensor_overhead());
    boolean any = false;
    for (int layer = 0; layer < layout.layers(); layer++) {
      if (weights.offloads(layer) != offloaded) continue;
      any = true;
      keys[layer] = tensor(context, "cross_k_l" + layer, layout.headDim());
      values[layer] = tensor(context, "cross_v_l" + layer, layout.valueDim());
    }
    if (!any) return;
    var device = offloaded ? backend.accelerator() : backend.processor();
    var buffer =
        Ggml.ggml_backend_alloc_ctx_tensors_from_buft(
            context, Ggml.ggml_backend_dev_buffer_type(device));
    if (buffer.equals(NULL))
      throw new BackendException(
          "no memory for sources of " + rows + " tokens" + Backend.complaint());
    buffers.add(buffer);
  }

  private Tensor tensor(MemorySegment context, String name, int dim) {
    return Tensor.create(
        context,
        arena,
        name,
        TensorType.F32,
        Shape.of((long) dim * layout.kvHeads(), rows),
        Tensor.Origin.STORED);
  }

  /// {@return what it holds for each token of a source}
  public KvCache.Layout layout() {
    return layout;
  }

  /// {@return how many tokens of sources it can hold}
  public int rows() {
    return rows;
  }

  /// {@return bytes of keys and values}
  public long bytes() {
    return layout.bytes(rows, TensorType.F32, TensorType.F32);
  }

  /// Forgets all sources.
  public void clear() {
    check("clear");
    sources.clear();
    Arrays.fill(sourceOf, 0);
  }

  /// Makes room for sources that are to be encoded in one pass, behind those that are there.
  ///
  /// @param packing how they lie in the pass
  /// @return number of the first of them; the others follow
  /// @throws IllegalStateException if there is not the room; nothing changes then
  public int place(Packing packing) {
    check("place");
    int first = sources.size();
    int from = end();
    if (packing.rows() > rows - from)
      throw new IllegalStateException(
          "cross cache is full: " + packing.rows() + " rows, and " + (rows - from) + " free");
    for (int length : packing.lengths()) {
      sources.add(new Source(from, length));
      from += length;
    }
    return first;
  }

  private int end() {
    return sources.isEmpty() ? 0 : sources.getLast().from + sources.getLast().length;
  }

  /// Says what a sequence of the decoder looks at.
  ///
  /// @param sequence from 0 to 63
  /// @param source its number
  /// @throws IndexOutOfBoundsException if there is no such sequence or source
  public void look(int sequence, int source) {
    check("look");
    if (source < 0 || source >= sources.size())
      throw new IndexOutOfBoundsException("look: source " + source + " of " + sources.size());
    sourceOf[KvCache.checkSequence(sequence)] = source;
  }

  /// Makes the sequences look anew, each as one of them does now; see [KvCache#reorder].
  ///
  /// @param from for each sequence to be, the one it comes from
  /// @throws IndexOutOfBoundsException if there is no such sequence
  /// @throws IllegalArgumentException if there are more than 64
  public void reorder(int[] from) {
    check("reorder");
    if (from.length > sourceOf.length)
      throw new IllegalArgumentException("reorder: " + from.length + " sequences, at most 64");
    for (int sequence : from) KvCache.checkSequence(sequence);
    var before = sourceOf.clone();
    for (int to = 0; to < from.length; to++) sourceOf[to] = before[from[to]];
  }

  /// {@return what the rows of a pass look at}
  ///
  /// @param sequences of each row, from 0 to 63
  /// @throws IllegalStateException if no source is there
  /// @throws IndexOutOfBoundsException if there is no such sequence
  public Sight sight(int[] sequences) {
    check("sight");
    for (int sequence : sequences) KvCache.checkSequence(sequence);
    if (sources.isEmpty()) throw new IllegalStateException("sight: no source has been encoded");
    var runs = new ArrayList<Run>();
    for (int row = 0; row < sequences.length; ) {
      int number = sourceOf[sequences[row]];
      int first = row;
      while (row < sequences.length && sourceOf[sequences[row]] == number) row++;
      var source = sources.get(number);
      var run = new Run(first, row - first, source.from, source.length, 1);
      var joined = runs.isEmpty() ? null : joined(runs.getLast(), run);
      if (joined == null) runs.add(run);
      else runs.set(runs.size() - 1, joined);
    }
    return new Sight(List.copyOf(runs));
  }

  /// {@return the largest sight there can be: all rows of a pass at one source as long as all room}
  ///
  /// @param passRows rows of the pass
  public Sight largestSight(int passRows) {
    return new Sight(List.of(new Run(0, passRows, 0, rows, 1)));
  }

  /// Two runs as one where the second goes on as the first; else null.
  private static Run joined(Run a, Run b) {
    boolean alike = a.each == b.each && a.length == b.length;
    return alike && b.from == a.from + a.count * a.length
        ? new Run(a.row, a.each, a.from, a.length, a.count + b.count)
        : null;
  }

  /// Prepares a graph to write sources.
  ///
  /// @param graph being built
  /// @param first number of the first source, from [#place]
  /// @param packing how they lie in the pass
  /// @return takes their keys and values
  public Writer writer(Graph graph, int first, Packing packing) {
    check("writer");
    return new Writer(graph, sources.get(first).from, packing.rows());
  }

  /// Prepares a graph to read sources.
  ///
  /// @param graph being built
  /// @param sight what its rows look at
  /// @param tap keeps the probabilities; null where they are not wanted
  /// @return the cache as that graph sees it
  public CrossView view(Graph graph, Sight sight, AttentionTap tap) {
    check("view");
    return new CrossView(this, graph, sight, tap);
  }

  /// Takes the keys and values of sources while they are encoded, of each layer once. Confined to
  /// the thread of its graph.
  public final class Writer {
    private final Graph graph;
    private final int from;
    private final int count;

    private Writer(Graph graph, int from, int count) {
      this.graph = graph;
      this.from = from;
      this.count = count;
    }

    /// Writes a layer.
    ///
    /// @param layer of the decoder, from 0
    /// @param k F32 `[headDim * kvHeads, t]`
    /// @param v F32 `[valueDim * kvHeads, t]`
    /// @throws IllegalArgumentException if a shape does not go with the cache
    /// @throws IndexOutOfBoundsException if there is no such layer
    public void write(int layer, Tensor k, Tensor v) {
      write(k, keys[layer]);
      write(v, values[layer]);
    }

    private void write(Tensor states, Tensor target) {
      long width = target.shape().n0();
      var part =
          graph.view(
              target,
              Shape.of(width, count),
              4 * width,
              4 * width * count,
              4 * width * count,
              4 * width * from);
      graph.expand(graph.copy(states, part));
    }
  }

  /// Frees the cache. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    if (!arena.scope().isAlive()) return;
    arena.close();
    buffers.forEach(Ggml::ggml_backend_buffer_free);
    buffers.clear();
    weights.release();
  }

  private void check(String operation) {
    if (Thread.currentThread() != owner)
      throw new WrongThreadException(
          operation + ": used by " + Thread.currentThread() + ", made by " + owner);
    if (!arena.scope().isAlive())
      throw new IllegalStateException(operation + ": the cross cache is closed");
  }

  Tensor keys(int layer) {
    return keys[layer];
  }

  Tensor values(int layer) {
    return values[layer];
  }
}
