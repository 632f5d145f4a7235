package dev.tenon.tensor;

import dev.tenon.ggml.Ggml;
import dev.tenon.ggml.ggml_tensor;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.WritableByteChannel;

/// A weight, an input of a graph, or the result of one of its operations.
///
/// It belongs to the [Weights], [Graph] or [KvCache] that made it and is gone when that is closed:
/// use afterwards throws [IllegalStateException]. Tensors of a graph are confined to its thread;
/// those of weights may be used by any.
public final class Tensor {
  private final MemorySegment ggml; // struct ggml_tensor, in the owner's arena
  private final TensorType type;
  private final Shape shape;
  private final Origin origin;
  private final boolean contiguous;

  /// Where a tensor comes from, which decides what may be done with it.
  enum Origin {
    /// An input of a graph: may be filled.
    INPUT,
    /// The result of an operation, or another view of one.
    RESULT,
    /// A weight or a cache, as it is in the file or in plain memory.
    STORED,
    /// A weight that is trained, or what its optimizer keeps of it, in plain memory of the
    /// processor: may be filled.
    TRAINED,
    /// A weight that its memory holds in an order of its own: it can only be multiplied.
    REPACKED
  }

  Tensor(MemorySegment ggml, TensorType type, Shape shape, Origin origin, boolean contiguous) {
    this.ggml = ggml;
    this.type = type;
    this.shape = shape;
    this.origin = origin;
    this.contiguous = contiguous;
  }

  /// Makes a tensor of its own in `context`, without data yet.
  static Tensor create(
      MemorySegment context,
      Arena owner,
      String name,
      TensorType type,
      Shape shape,
      Origin origin) {
    try (var arena = Arena.ofConfined()) {
      var dims =
          arena.allocateFrom(ValueLayout.JAVA_LONG, shape.n0(), shape.n1(), shape.n2(), shape.n3());
      var made = Ggml.ggml_new_tensor(context, type.id(), 4, dims);
      Ggml.ggml_set_name(made, arena.allocateFrom(name));
      return new Tensor(ggml_tensor.reinterpret(made, owner, null), type, shape, origin, true);
    }
  }

  /// {@return the element type}
  public TensorType type() {
    return type;
  }

  /// {@return the dimensions, fastest-varying first}
  public Shape shape() {
    return shape;
  }

  /// {@return the name, for example `blk.0.attn_q.weight`; may be empty inside a graph}
  public String name() {
    return ggml_tensor.name(ggml).getString(0);
  }

  /// Fills an I32 tensor.
  ///
  /// @param values as many as the tensor has elements
  /// @throws IllegalArgumentException if this is no input, or the type or the number of elements
  ///     differs
  /// @throws IllegalStateException if the tensor has no memory yet, or its owner is closed
  public void set(int... values) {
    check("set", TensorType.I32, values.length);
    put(MemorySegment.ofArray(values));
  }

  /// Fills an I32 input, unless its graph has no use for it: then it has no memory to fill.
  ///
  /// @param values as many as the tensor has elements
  /// @throws IllegalArgumentException if this is no input, or the type or the number of elements
  ///     differs
  public void setIfUsed(int... values) {
    if (hasMemory()) set(values);
  }

  /// Fills an I64 tensor.
  ///
  /// @param values as many as the tensor has elements
  /// @throws IllegalArgumentException if this is no input, or the type or the number of elements
  ///     differs
  /// @throws IllegalStateException if the tensor has no memory yet, or its owner is closed
  public void set(long... values) {
    check("set", TensorType.I64, values.length);
    put(MemorySegment.ofArray(values));
  }

  /// Fills an F32 tensor.
  ///
  /// @param values as many as the tensor has elements
  /// @throws IllegalArgumentException if this is no input, or the type or the number of elements
  ///     differs
  /// @throws IllegalStateException if the tensor has no memory yet, or its owner is closed
  public void set(float... values) {
    check("set", TensorType.F32, values.length);
    put(MemorySegment.ofArray(values));
  }

  /// Fills an F16 tensor.
  ///
  /// @param halves bit patterns of [Float#floatToFloat16], as many as the tensor has elements
  /// @throws IllegalArgumentException if this is no input, or the type or the number of elements
  ///     differs
  /// @throws IllegalStateException if the tensor has no memory yet, or its owner is closed
  public void set(short... halves) {
    check("set", TensorType.F16, halves.length);
    put(MemorySegment.ofArray(halves));
  }

  /// Reads a part of an F32 tensor, in the order it lies in memory.
  ///
  /// @param first index of the first element
  /// @param into where to; as many elements as it is long are read
  /// @throws IllegalArgumentException if the type is another, or the tensor ends before
  /// @throws IllegalStateException if the tensor has no memory yet, or its owner is closed
  public void get(long first, float[] into) {
    if (type != TensorType.F32 || !contiguous || repacked())
      throw new IllegalArgumentException("get: " + this + " is not contiguous F32");
    if (first < 0 || into.length > shape.elements() - first)
      throw new IllegalArgumentException(
          "get: elements " + first + " to " + (first + into.length) + " of " + this);
    if (into.length == 0) return;
    needMemory("get");
    if (inHostMemory()) {
      MemorySegment.copy(
          ggml_tensor.data(ggml), ValueLayout.JAVA_FLOAT, 4 * first, into, 0, into.length);
      return;
    }
    long bytes = 4L * into.length;
    try (var arena = Arena.ofConfined()) {
      var staging = arena.allocate(bytes, 4);
      Ggml.ggml_backend_tensor_get(ggml, staging, 4 * first, bytes);
      MemorySegment.copy(staging, ValueLayout.JAVA_FLOAT, 0, into, 0, into.length);
    }
  }

  /// Writes the elements of an F32 tensor to a channel, little-endian and in the order they lie in
  /// memory.
  ///
  /// @param out takes 4 bytes for each element
  /// @throws IllegalArgumentException if the type is another, or the tensor is not contiguous in
  ///     memory of the processor
  /// @throws IllegalStateException if the tensor has no memory yet, or its owner is closed
  /// @throws IOException from `out`
  public void write(WritableByteChannel out) throws IOException {
    var bytes = plainBytes("write");
    for (long at = 0; at < bytes.byteSize(); at += PIECE) {
      var piece = bytes.asSlice(at, Math.min(PIECE, bytes.byteSize() - at)).asByteBuffer();
      while (piece.hasRemaining()) out.write(piece);
    }
  }

  /// Fills a weight that is trained, or what its optimizer keeps of it, with the elements of
  /// another.
  ///
  /// @param from F32, little-endian: 4 bytes for each element
  /// @throws IllegalArgumentException if there are more or fewer, or this is no such tensor
  /// @throws IllegalStateException if the tensor has no memory yet, or its owner is closed
  public void fill(MemorySegment from) {
    needTrained("fill");
    var bytes = plainBytes("fill");
    if (from.byteSize() != bytes.byteSize())
      throw new IllegalArgumentException(
          "fill: " + from.byteSize() + " bytes into the " + bytes.byteSize() + " of " + this);
    bytes.copyFrom(from);
  }

  /// {@return whether no element of an F32 tensor is infinite or not a number}
  ///
  /// @throws IllegalArgumentException if the type is another, or the tensor is not contiguous in
  ///     memory of the processor
  /// @throws IllegalStateException if the tensor has no memory yet, or its owner is closed
  public boolean isFinite() {
    return RowQuantizer.firstNotFinite(TensorType.F32, plainBytes("isFinite")) < 0;
  }

  /// Refuses what is no weight that is trained: another may lie in a mapping that is read only.
  void needTrained(String operation) {
    if (origin != Origin.TRAINED)
      throw new IllegalArgumentException(operation + ": " + this + " is no weight that is trained");
  }

  private static final long PIECE = 1 << 24;

  /// The memory of an F32 tensor.
  MemorySegment plainBytes(String operation) {
    if (type != TensorType.F32 || !contiguous || repacked())
      throw new IllegalArgumentException(operation + ": " + this + " is not contiguous F32");
    needMemory(operation);
    if (!inHostMemory())
      throw new IllegalArgumentException(operation + ": " + this + " is not on the processor");
    return ggml_tensor.data(ggml).asSlice(0, Float.BYTES * shape.elements());
  }

  @Override
  public String toString() {
    var name = name();
    return (name.isEmpty() ? "tensor" : name) + " " + type + " " + shape;
  }

  // What the rest of this package needs.

  MemorySegment ggml() {
    return ggml;
  }

  /// Whether the elements lie in an order that only a multiplication knows.
  boolean repacked() {
    return origin == Origin.REPACKED;
  }

  /// Whether the elements lie in memory in order, without gaps.
  boolean contiguous() {
    return contiguous;
  }

  /// {@return whether the tensor has memory; an input that nothing reads never gets any}
  public boolean hasMemory() {
    return !ggml_tensor.data(ggml).equals(MemorySegment.NULL);
  }

  private void check(String operation, TensorType wanted, long elements) {
    if (type != wanted || shape.elements() != elements)
      throw new IllegalArgumentException(
          operation + ": " + elements + " elements of " + wanted + " into " + this);
    if (origin != Origin.INPUT)
      throw new IllegalArgumentException(operation + ": " + this + " is not an input");
    needMemory(operation);
  }

  private void needMemory(String operation) {
    if (!hasMemory())
      throw new IllegalStateException(
          operation + ": " + this + " has no memory: allocate its graph first");
  }

  /// Whether the elements lie where this process can read and write them, as they are.
  private boolean inHostMemory() {
    return Ggml.ggml_backend_buffer_is_host(ggml_tensor.buffer(ggml));
  }

  private void put(MemorySegment heap) {
    if (inHostMemory()) {
      MemorySegment.copy(heap, 0, ggml_tensor.data(ggml), 0, heap.byteSize());
      return;
    }
    try (var arena = Arena.ofConfined()) {
      var staging = arena.allocate(heap.byteSize(), 8).copyFrom(heap);
      Ggml.ggml_backend_tensor_set(ggml, staging, 0, heap.byteSize());
    }
  }
}
