package dev.tenon.tensor;

import dev.tenon.ggml.Ggml;
import dev.tenon.ggml.ggml_tensor;
import dev.tenon.gguf.Shape;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// One multiplication of a graph that is running: a matrix, and the rows of activations that it is
/// multiplied with. Valid, and confined to the thread, for the time that a [MatmulObserver] is
/// shown it.
public final class Matmul {
  private final String matrix;
  private final Shape matrixShape;
  private final Shape inputShape;
  private final MemorySegment input; // its bytes, with the gaps that its strides leave
  private final MemorySegment strides; // of the arena of this, as the input may not be
  private final int[] experts;

  private Matmul(
      String matrix,
      Shape matrixShape,
      Shape inputShape,
      MemorySegment input,
      MemorySegment strides,
      int[] experts) {
    this.matrix = matrix;
    this.matrixShape = matrixShape;
    this.inputShape = inputShape;
    this.input = input;
    this.strides = strides;
    this.experts = experts;
  }

  /// {@return whether a node of a graph is such a multiplication}
  static boolean is(MemorySegment node, Arena arena) {
    int op = ggml_tensor.op(node);
    if (op != Ggml.GGML_OP_MUL_MAT() && op != Ggml.GGML_OP_MUL_MAT_ID()) return false;
    return ggml_tensor.type(source(node, 1, arena)) == Ggml.GGML_TYPE_F32();
  }

  /// {@return the name of the matrix that a node multiplies with: of a copy on another device,
  /// which is called `CUDA0#blk.0.attn_q.weight#0`, that of the weight}
  static String matrix(MemorySegment node, Arena arena) {
    var name = ggml_tensor.name(source(node, 0, arena)).getString(0);
    int start = name.indexOf('#') + 1;
    int end = start > 0 ? name.indexOf('#', start) : -1;
    return name.substring(start, end < 0 ? name.length() : end);
  }

  /// The multiplication of a node that is computed, with copies of what is not in this process's
  /// memory.
  ///
  /// @param arena that lives as long as the node stays as it is
  static Matmul of(MemorySegment node, Arena arena) {
    var input = source(node, 1, arena);
    int[] experts = null;
    if (ggml_tensor.op(node) == Ggml.GGML_OP_MUL_MAT_ID())
      experts = experts(source(node, 2, arena), arena);
    return new Matmul(
        matrix(node, arena),
        shape(source(node, 0, arena)),
        shape(input),
        bytes(input, arena),
        ggml_tensor.nb(input),
        experts);
  }

  private static int[] experts(MemorySegment ids, Arena arena) {
    var shape = shape(ids);
    var bytes = bytes(ids, arena);
    long stride = ggml_tensor.nb(ids, 1); // its rows may be the beginnings of longer ones
    var experts = new int[Math.toIntExact(shape.elements())];
    int used = (int) shape.n0();
    for (int token = 0; token < shape.n1(); token++)
      MemorySegment.copy(bytes, ValueLayout.JAVA_INT, token * stride, experts, token * used, used);
    return experts;
  }

  private static MemorySegment source(MemorySegment node, int index, Arena arena) {
    return ggml_tensor.reinterpret(ggml_tensor.src(node, index), arena, null);
  }

  private static Shape shape(MemorySegment tensor) {
    return Shape.of(
        ggml_tensor.ne(tensor, 0),
        ggml_tensor.ne(tensor, 1),
        ggml_tensor.ne(tensor, 2),
        ggml_tensor.ne(tensor, 3));
  }

  private static MemorySegment bytes(MemorySegment tensor, Arena arena) {
    long size = Ggml.ggml_nbytes(tensor);
    if (Ggml.ggml_backend_buffer_is_host(ggml_tensor.buffer(tensor)))
      return ggml_tensor.data(tensor).asSlice(0, size);
    var copy = arena.allocate(size, Long.BYTES);
    Ggml.ggml_backend_tensor_get(tensor, copy, 0, size);
    return copy;
  }

  /// {@return the name of the matrix, for example `blk.0.attn_q.weight`}
  public String matrix() {
    return matrix;
  }

  /// {@return the shape of the matrix, `[in, out, matrices]`}
  public Shape matrixShape() {
    return matrixShape;
  }

  /// {@return the shape of the activations: `[in, rows, …]`, and where experts are chosen `[in,
  /// used, tokens]`, or `[in, 1, tokens]` for the same to all}
  public Shape inputShape() {
    return inputShape;
  }

  /// {@return which matrix each token is multiplied with: `used` of them for the first token, then
  /// for the next; null where none is chosen. Not a copy}
  public int[] experts() {
    return experts;
  }

  /// Copies a row of activations.
  ///
  /// @param i1 its place in the second dimension
  /// @param i2 in the third
  /// @param i3 in the fourth
  /// @param into as long as a row
  /// @throws IllegalStateException if the observer that was shown this has returned
  /// @throws IndexOutOfBoundsException if there is no such row
  /// @throws WrongThreadException if called by another thread than the observer's
  public void row(long i1, long i2, long i3, float[] into) {
    if (!strides.scope().isAlive())
      throw new IllegalStateException(
          "row: what " + matrix + " was multiplied with is gone: its observer has returned");
    if (i1 < 0 || i1 >= inputShape.n1() || i2 < 0 || i2 >= inputShape.n2())
      throw new IndexOutOfBoundsException("row " + i1 + ", " + i2 + " of " + inputShape);
    if (i3 < 0 || i3 >= inputShape.n3() || into.length != inputShape.n0())
      throw new IndexOutOfBoundsException(
          "row " + i1 + ", " + i2 + ", " + i3 + " of " + inputShape + " into " + into.length);
    long at =
        i1 * strides.getAtIndex(ValueLayout.JAVA_LONG, 1)
            + i2 * strides.getAtIndex(ValueLayout.JAVA_LONG, 2)
            + i3 * strides.getAtIndex(ValueLayout.JAVA_LONG, 3);
    MemorySegment.copy(input, ValueLayout.JAVA_FLOAT, at, into, 0, into.length);
  }
}
