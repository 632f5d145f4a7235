package dev.tenon.tensor;

import static java.lang.foreign.MemorySegment.NULL;

import dev.tenon.ggml.Ggml;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/// Keys and values of past tokens, all layers.
///
/// The cache is a row of cells. A cell holds one token: its position, and the set of sequences it
/// belongs to. Several sequences can share a cell, so that a fork copies nothing, and the cells of
/// a sequence need not lie side by side, so that any that is free will do. What a token sees is
/// decided by the mask of a pass: the cells of its own sequence, up to its own position.
///
/// Confined to the thread that made it.
public final class KvCache implements AutoCloseable {
  /// Sequences a cache can tell apart: they are bits of a `long`.
  public static final int MAX_SEQUENCES = 64;

  /// The types keys and values may be stored in.
  public static final Set<TensorType> TYPES =
      Set.of(TensorType.F32, TensorType.F16, TensorType.Q8_0);

  /// What a pass sees of the cache is rounded up to this many cells, so that its graph can be
  /// used again for the next tokens.
  private static final int STEP = 256;

  private final Weights weights;
  private final Settings settings;
  private final Layout layout;
  private final int contextLength;
  private final int cells;
  private final Arena arena = Arena.ofConfined();
  private final List<MemorySegment> buffers = new ArrayList<>();
  private final Tensor[] keys; // of each layer [headDim * kvHeads, cells]
  private final Tensor[]
      values; // [valueDim * kvHeads, cells], or transposed without flash attention
  private final long[] sequences; // of each cell, one bit a sequence; 0: free
  private final int[] positions; // of each cell
  private final int[] lengths = new int[MAX_SEQUENCES]; // highest position + 1
  private final Thread owner = Thread.currentThread();
  private int used; // cells that hold a token
  private int end; // every cell from here on is free
  private int searchFrom; // no cell before here is free

  /// What a cache holds for each token.
  ///
  /// @param layers blocks that attend
  /// @param kvHeads heads of keys and values
  /// @param headDim elements of a key
  /// @param valueDim elements of a value
  public record Layout(int layers, int kvHeads, int headDim, int valueDim) {
    /// Checks that all are positive.
    ///
    /// @throws IllegalArgumentException if one is not
    public Layout {
      if (layers < 1 || kvHeads < 1 || headDim < 1 || valueDim < 1)
        throw new IllegalArgumentException(
            "cache of "
                + layers
                + " layers, "
                + kvHeads
                + " heads of "
                + headDim
                + " and "
                + valueDim);
    }

    /// {@return bytes the cache takes}
    ///
    /// @param cells tokens
    /// @param keyType how keys are stored
    /// @param valueType how values are stored
    /// @throws ArithmeticException if that is beyond 2^63
    public long bytes(long cells, TensorType keyType, TensorType valueType) {
      long ofToken =
          Math.addExact(
              keyType.bytes(Shape.of(Math.multiplyExact((long) headDim, kvHeads))),
              valueType.bytes(Shape.of(Math.multiplyExact((long) valueDim, kvHeads))));
      return Math.multiplyExact(Math.multiplyExact(ofToken, cells), (long) layers);
    }
  }

  /// How keys and values are stored and read.
  ///
  /// @param keyType F32, F16 or Q8_0
  /// @param valueType F32, F16 or Q8_0
  /// @param flashAttention whether scores, softmax and sum are one operation, which needs less
  ///     memory; quantized values need it
  public record Settings(TensorType keyType, TensorType valueType, boolean flashAttention) {
    /// Checks the types.
    ///
    /// @throws IllegalArgumentException if a type is another, or values are quantized without flash
    ///     attention
    public Settings {
      for (var type : List.of(keyType, valueType)) {
        if (!TYPES.contains(type))
          throw new IllegalArgumentException(
              "cache type " + type.ggmlName() + ": f32, f16 and q8_0 are known");
      }
      if (valueType == TensorType.Q8_0 && !flashAttention)
        throw new IllegalArgumentException("a q8_0 cache of values needs flash attention");
    }
  }

  /// Makes an empty cache.
  ///
  /// @param weights of the model: the keys and values of a layer lie on the device of its weights
  /// @param layout what it holds for each token
  /// @param tokens how many it must hold, from 1 to 2^30; rounded up to a multiple of 256
  /// @param settings how they are stored
  /// @throws IllegalArgumentException if `tokens` is out of range, or the heads do not divide into
  ///     the blocks of a quantized type
  /// @throws BackendException if there is not the memory; the message has bytes needed and free
  public KvCache(Weights weights, Layout layout, int tokens, Settings settings) {
    this(weights, layout, tokens, settings, tokens);
  }

  /// Makes an empty cache that is to [grow][#grown] with sequences that may have more tokens than
  /// it holds at first.
  ///
  /// @param weights of the model: the keys and values of a layer lie on the device of its weights
  /// @param layout what it holds for each token
  /// @param tokens how many it must hold, from 1 to 2^30; rounded up to a multiple of 256
  /// @param settings how they are stored
  /// @param contextLength what a sequence may grow to, in tokens: some rotations depend on it
  /// @throws IllegalArgumentException if `tokens` is out of range, or the heads do not divide into
  ///     the blocks of a quantized type
  /// @throws BackendException if there is not the memory; the message has bytes needed and free
  public KvCache(Weights weights, Layout layout, int tokens, Settings settings, int contextLength) {
    if (tokens < 1 || tokens > 1 << 30)
      throw new IllegalArgumentException("cache of " + tokens + " tokens, from 1 to " + (1 << 30));
    whole(layout.headDim(), settings.keyType());
    whole(layout.valueDim(), settings.valueType());
    this.layout = layout;
    this.settings = settings;
    this.contextLength = contextLength;
    this.cells = cellsFor(tokens);
    long hostLayers =
        IntStream.range(0, layout.layers()).filter(layer -> !weights.offloads(layer)).count();
    Backend.needMemory(
        "cache of " + tokens + " tokens",
        layout.bytes(cells, settings.keyType(), settings.valueType())
            / layout.layers()
            * hostLayers);
    this.keys = new Tensor[layout.layers()];
    this.values = new Tensor[layout.layers()];
    this.sequences = new long[cells];
    this.positions = new int[cells];
    this.weights = weights;
    weights.use();
    var backend = weights.backend();
    try {
      allocate(weights, backend, false);
      if (backend.hasGpu()) allocate(weights, backend, true);
    } catch (Throwable e) {
      close();
      throw e;
    }
  }

  /// {@return a larger cache that holds what this one does; this one is left as it is}
  ///
  /// @param tokens how many it must hold, at least as many as this one
  /// @throws IllegalArgumentException if that is fewer, or beyond 2^30
  /// @throws UnsupportedOperationException if values lie transposed: without flash attention
  /// @throws BackendException if there is not the memory; the message has bytes needed and free
  public KvCache grown(int tokens) {
    check("grown");
    if (tokens < cells)
      throw new IllegalArgumentException("grown: to " + tokens + " cells from " + cells);
    if (!settings.flashAttention())
      throw new UnsupportedOperationException("grown: a cache without flash attention cannot grow");
    var larger = new KvCache(weights, layout, tokens, settings, contextLength);
    try (var copy = Arena.ofConfined()) {
      var staging = copy.allocate(1 << 20, 64);
      for (int layer = 0; layer < layout.layers(); layer++) {
        copyCells(keys[layer], larger.keys[layer], staging);
        copyCells(values[layer], larger.values[layer], staging);
      }
    } catch (Throwable e) {
      larger.close();
      throw e;
    }
    System.arraycopy(sequences, 0, larger.sequences, 0, end);
    System.arraycopy(positions, 0, larger.positions, 0, end);
    System.arraycopy(lengths, 0, larger.lengths, 0, lengths.length);
    larger.used = used;
    larger.end = end;
    larger.searchFrom = searchFrom;
    return larger;
  }

  /// Copies the rows up to the last that is used.
  private void copyCells(Tensor from, Tensor to, MemorySegment staging) {
    long bytes = from.type().bytes(Shape.of(from.shape().n0(), end));
    for (long done = 0; done < bytes; done += staging.byteSize()) {
      long n = Math.min(staging.byteSize(), bytes - done);
      Ggml.ggml_backend_tensor_get(from.ggml(), staging, done, n);
      Ggml.ggml_backend_tensor_set(to.ggml(), staging, done, n);
    }
  }

  /// {@return the cells of a cache for `tokens` tokens}
  ///
  /// @param tokens at least 1
  public static int cellsFor(int tokens) {
    return (int) Math.min((tokens + STEP - 1L) / STEP * STEP, 1 << 30);
  }

  private static void whole(int dim, TensorType type) {
    if (dim % type.blockElements() != 0)
      throw new IllegalArgumentException(
          "heads of "
              + dim
              + " do not divide into the blocks of "
              + type.blockElements()
              + " of "
              + type);
  }

  /// Makes the tensors of the layers that are, or are not, offloaded.
  private void allocate(Weights weights, Backend backend, boolean offloaded) {
    var context = Graph.newContext(arena, (2L * layout.layers() + 1) * Ggml.ggml_tensor_overhead());
    long keyWidth = (long) layout.headDim() * layout.kvHeads();
    long valueWidth = (long) layout.valueDim() * layout.kvHeads();
    boolean any = false;
    for (int layer = 0; layer < layout.layers(); layer++) {
      if (weights.offloads(layer) != offloaded) continue;
      any = true;
      keys[layer] =
          Tensor.create(
              context,
              arena,
              "cache_k_l" + layer,
              settings.keyType(),
              Shape.of(keyWidth, cells),
              Tensor.Origin.STORED);
      values[layer] =
          Tensor.create(
              context,
              arena,
              "cache_v_l" + layer,
              settings.valueType(),
              settings.flashAttention() ? Shape.of(valueWidth, cells) : Shape.of(cells, valueWidth),
              Tensor.Origin.STORED);
    }
    if (!any) return;
    var device = offloaded ? backend.accelerator() : backend.processor();
    var buffer =
        Ggml.ggml_backend_alloc_ctx_tensors_from_buft(
            context, Ggml.ggml_backend_dev_buffer_type(device));
    if (buffer.equals(NULL))
      throw new BackendException(
          "no memory for a cache of " + cells + " tokens" + Backend.complaint());
    buffers.add(buffer);
    // What no token has written is masked, but zero times not-a-number would be one.
    Ggml.ggml_backend_buffer_clear(buffer, (byte) 0);
  }

  /// {@return what a sequence may grow to, in tokens: how many the cache was made for, before that
  /// was rounded up, where nothing else was said}
  public int contextLength() {
    return contextLength;
  }

  /// {@return how many tokens it can hold}
  public int cells() {
    return cells;
  }

  /// {@return how many cells hold a token}
  public int used() {
    check("used");
    return used;
  }

  /// {@return what it holds for each token}
  public Layout layout() {
    return layout;
  }

  /// {@return how it holds that}
  public Settings settings() {
    return settings;
  }

  /// {@return bytes of keys and values}
  public long bytes() {
    return layout.bytes(cells, settings.keyType(), settings.valueType());
  }

  /// {@return the position after the last token of a sequence, 0 where it has none}
  ///
  /// @param sequence from 0 to 63
  /// @throws IndexOutOfBoundsException if there is no such sequence
  public int length(int sequence) {
    check("length");
    return lengths[checkSequence(sequence)];
  }

  /// Forgets the tokens of a sequence from a position on. Cells that no other sequence shares are
  /// free again.
  ///
  /// @param sequence from 0 to 63
  /// @param from first position forgotten, at least 0
  /// @throws IndexOutOfBoundsException if there is no such sequence, or `from` is negative
  public void rewind(int sequence, int from) {
    check("rewind");
    long bit = 1L << checkSequence(sequence);
    if (from < 0) throw new IndexOutOfBoundsException("rewind to position " + from);
    for (int cell = 0; cell < end; cell++) {
      if ((sequences[cell] & bit) != 0 && positions[cell] >= from) leave(cell, bit);
    }
    lengths[sequence] = Math.min(lengths[sequence], from);
    lowerEnd();
  }

  /// Forgets the tokens of a sequence from position `from` to before `to`, and moves those after
  /// them down to their place. Their keys must be [turned][KvTurn] by as much, where they depend on
  /// the position at all.
  ///
  /// @param sequence from 0 to 63
  /// @param from first position forgotten, at least 0
  /// @param to first position kept, from `from` to the sequence's length
  /// @return the cells that have moved, in no order
  /// @throws IndexOutOfBoundsException if there is no such sequence or range
  /// @throws IllegalStateException if another sequence shares a cell that would move; nothing is
  ///     forgotten then
  public int[] drop(int sequence, int from, int to) {
    check("drop");
    long bit = 1L << checkSequence(sequence);
    if (from < 0 || from > to || to > lengths[sequence])
      throw new IndexOutOfBoundsException(
          "drop from " + from + " to " + to + " of " + lengths[sequence] + " tokens");
    var moved =
        IntStream.range(0, end)
            .filter(cell -> (sequences[cell] & bit) != 0 && positions[cell] >= to)
            .toArray();
    for (int cell : moved) {
      if (sequences[cell] != bit)
        throw new IllegalStateException(
            "drop: another sequence shares position " + positions[cell] + " of " + sequence);
    }
    for (int cell = 0; cell < end; cell++) {
      if ((sequences[cell] & bit) != 0 && positions[cell] >= from && positions[cell] < to)
        leave(cell, bit);
    }
    for (int cell : moved) positions[cell] -= to - from;
    lengths[sequence] -= to - from;
    lowerEnd();
    return moved;
  }

  /// Takes a sequence out of a cell.
  private void leave(int cell, long bit) {
    sequences[cell] &= ~bit;
    if (sequences[cell] != 0) return;
    used--;
    searchFrom = Math.min(searchFrom, cell);
  }

  private void lowerEnd() {
    while (end > 0 && sequences[end - 1] == 0) end--;
  }

  /// Makes `to` begin as `from` is now; what `to` held is forgotten. Nothing is copied: the two
  /// share cells, and part where they go on.
  ///
  /// @param from from 0 to 63
  /// @param to from 0 to 63
  /// @throws IndexOutOfBoundsException if there is no such sequence
  public void fork(int from, int to) {
    check("fork");
    if (checkSequence(from) == checkSequence(to)) return;
    rewind(to, 0);
    for (int cell = 0; cell < end; cell++) {
      if ((sequences[cell] >> from & 1) != 0) sequences[cell] |= 1L << to;
    }
    lengths[to] = lengths[from];
  }

  /// Makes the sequences anew, each as one of them is now: 0 as `from[0]` is, 1 as `from[1]`, and
  /// so on; all behind those are forgotten. Nothing is copied: sequences that come from the same
  /// share its cells, and part where they go on. What beams become from one token to the next.
  ///
  /// @param from for each sequence to be, the one it comes from; 0 to 64 of them
  /// @throws IndexOutOfBoundsException if there is no such sequence
  /// @throws IllegalArgumentException if there are more than 64
  public void reorder(int[] from) {
    check("reorder");
    if (from.length > MAX_SEQUENCES)
      throw new IllegalArgumentException("reorder: " + from.length + " sequences, at most 64");
    for (int sequence : from) checkSequence(sequence);
    var before = lengths.clone();
    Arrays.fill(lengths, 0);
    for (int to = 0; to < from.length; to++) lengths[to] = before[from[to]];
    for (int cell = 0; cell < end; cell++) {
      long old = sequences[cell];
      if (old == 0) continue;
      long now = 0;
      for (int to = 0; to < from.length; to++) now |= (old >>> from[to] & 1) << to;
      sequences[cell] = now;
      if (now != 0) continue;
      used--;
      searchFrom = Math.min(searchFrom, cell);
    }
    lowerEnd();
  }

  /// {@return the cell of each token of a sequence, in the order of their positions}
  ///
  /// @param sequence from 0 to 63
  /// @throws IndexOutOfBoundsException if there is no such sequence
  public int[] cellsOf(int sequence) {
    check("cellsOf");
    var of = new int[lengths[checkSequence(sequence)]];
    for (int cell = 0; cell < end; cell++) {
      if ((sequences[cell] >> sequence & 1) != 0) of[positions[cell]] = cell;
    }
    return of;
  }

  /// Writes the keys and values of a sequence: the bytes that [#read] takes, and as many as
  /// [Layout#bytes] says.
  ///
  /// @param sequence from 0 to 63
  /// @param out where to
  /// @throws IndexOutOfBoundsException if there is no such sequence
  /// @throws IOException if they cannot be written
  public void write(int sequence, OutputStream out) throws IOException {
    try (var copy = new KvCopy(this, cellsOf(sequence))) {
      copy.write(out);
    }
  }

  /// Makes a sequence of keys and values that [#write] wrote, of a cache with this layout and these
  /// settings. What it held is forgotten.
  ///
  /// @param sequence from 0 to 63
  /// @param of the cell of each token, in the order of their positions; no two the same
  /// @param in where from
  /// @throws IndexOutOfBoundsException if there is no such sequence or cell
  /// @throws IllegalArgumentException if a cell is there twice, or another sequence has it
  /// @throws IOException if there are fewer bytes; the sequence is empty then
  public void read(int sequence, int[] of, InputStream in) throws IOException {
    rewind(sequence, 0);
    var taken = new boolean[cells];
    for (int cell : of) {
      if (cell < 0 || cell >= cells)
        throw new IndexOutOfBoundsException("read: cell " + cell + " of " + cells);
      if (taken[cell] || sequences[cell] != 0)
        throw new IllegalArgumentException("read: cell " + cell + " is taken");
      taken[cell] = true;
    }
    try (var copy = new KvCopy(this, of)) {
      copy.read(in);
    }
    for (int position = 0; position < of.length; position++) {
      sequences[of[position]] = 1L << sequence;
      positions[of[position]] = position;
      end = Math.max(end, of[position] + 1);
    }
    lengths[sequence] = of.length;
    used += of.length;
    searchFrom = 0;
  }

  /// Takes a cell for each token of a pass.
  ///
  /// @param tokenPositions position of each token, one above the one before it in its sequence
  /// @param tokenSequences sequence of each token, from 0 to 63
  /// @return the cell of each token
  /// @throws IllegalStateException if there are not as many free; none is taken then
  /// @throws IllegalArgumentException if a position is not the next of its sequence; none is taken
  ///     then
  /// @throws IndexOutOfBoundsException if there is no such sequence
  public int[] place(int[] tokenPositions, int[] tokenSequences) {
    var next = checkRoom(tokenPositions, tokenSequences);
    var taken = new int[tokenPositions.length];
    int cell = searchFrom;
    for (int i = 0; i < taken.length; i++, cell++) {
      while (sequences[cell] != 0) cell++;
      taken[i] = cell;
    }
    for (int i = 0; i < taken.length; i++) {
      sequences[taken[i]] = 1L << tokenSequences[i];
      positions[taken[i]] = tokenPositions[i];
    }
    System.arraycopy(next, 0, lengths, 0, lengths.length);
    used += taken.length;
    end = Math.max(end, cell);
    searchFrom = cell;
    return taken;
  }

  /// Checks that tokens could be placed, all of them, and takes no cell.
  ///
  /// @param tokenPositions position of each token, one above the one before it in its sequence
  /// @param tokenSequences sequence of each token, from 0 to 63
  /// @return the length of each sequence with them
  /// @throws IllegalStateException if there are not as many cells free
  /// @throws IllegalArgumentException if a position is not the next of its sequence
  /// @throws IndexOutOfBoundsException if there is no such sequence
  public int[] checkRoom(int[] tokenPositions, int[] tokenSequences) {
    check("place");
    var next = lengths.clone();
    for (int i = 0; i < tokenPositions.length; i++) {
      int sequence = checkSequence(tokenSequences[i]);
      if (tokenPositions[i] != next[sequence]++)
        throw new IllegalArgumentException(
            "position "
                + tokenPositions[i]
                + " in sequence "
                + sequence
                + ", which is at "
                + (next[sequence] - 1));
    }
    int free = cells - used;
    if (tokenPositions.length > free)
      throw new IllegalStateException(
          "cache is full: "
              + tokenPositions.length
              + " tokens, and "
              + free
              + " of "
              + cells
              + " cells free");
    return next;
  }

  /// {@return how many cells a pass must see: all up to the last that is used, rounded up to 256}
  public int visible() {
    check("visible");
    return Math.min(cells, cellsFor(Math.max(end, 1)));
  }

  /// Prepares a graph to read and write this cache.
  ///
  /// @param graph being built
  /// @param tokens rows of the pass, at least 1
  /// @param visible cells it sees, from [#visible]
  /// @return the cache as that graph sees it
  public CacheView view(Graph graph, int tokens, int visible) {
    return view(graph, tokens, visible, null);
  }

  /// Prepares a graph to read and write this cache, and to keep its attention probabilities.
  ///
  /// @param graph being built
  /// @param tokens rows of the pass, at least 1
  /// @param visible cells it sees, from [#visible]
  /// @param tap keeps the probabilities; null where they are not wanted
  /// @return the cache as that graph sees it
  /// @throws IllegalArgumentException if there is a tap, and flash attention, which has no
  ///     probabilities
  public CacheView view(Graph graph, int tokens, int visible, AttentionTap tap) {
    check("view");
    if (tap != null && settings.flashAttention())
      throw new IllegalArgumentException("view: flash attention has no probabilities to keep");
    return new CacheView(this, graph, tokens, visible, tap);
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
      throw new IllegalStateException(operation + ": the cache is closed");
  }

  static int checkSequence(int sequence) {
    if (sequence < 0 || sequence >= MAX_SEQUENCES)
      throw new IndexOutOfBoundsException(
          "sequence " + sequence + ", from 0 to " + (MAX_SEQUENCES - 1));
    return sequence;
  }

  // What the rest of this package needs.

  Tensor keys(int layer) {
    return keys[layer];
  }

  Tensor values(int layer) {
    return values[layer];
  }

  /// Whether a token of `sequence` at `position`, which sees the `window` last tokens and itself
  /// among them, sees what a cell holds.
  boolean sees(int sequence, int position, int window, int cell) {
    int back = position - positions[cell];
    return (sequences[cell] >> sequence & 1) != 0 && back >= 0 && back < window;
  }
}
