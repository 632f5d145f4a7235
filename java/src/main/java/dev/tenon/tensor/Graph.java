package dev.tenon.tensor;

import static java.lang.foreign.MemorySegment.NULL;

import dev.tenon.ggml.Ggml;
import dev.tenon.ggml.ggml_init_params;
import dev.tenon.ggml.ggml_tensor;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.Consumer;

/// The operations of one forward pass. Each method appends one operation and returns its result;
/// nothing runs until [Compute#run].
///
/// Shapes are `[n0, n1, …]` in ggml's order. Every method checks shapes and types first, because a
/// failed assertion in ggml would end the process: a mismatch throws [IllegalArgumentException]
/// with the operation, both tensors and both shapes. [IllegalStateException] is thrown when the
/// graph is full. Confined to the thread that made it.
///
/// ```java
/// var y = graph.add(graph.matmul(w, x), bias); // [m, t]
/// graph.output(y);
/// ```
public final class Graph implements AutoCloseable {
  /// From so many bytes on, memory is asked for before ggml, which ends the process without it.
  private static final long LARGE = 16 << 20;

  private final Arena arena = Arena.ofConfined();
  private final MemorySegment context; // ggml_context
  private final MemorySegment ggml; // ggml_cgraph
  private final int capacity;
  private final boolean training;
  private int tensors;

  /// Makes an empty graph.
  ///
  /// @param capacity tensors it can hold, from 1 to 2^20: inputs, results and views
  /// @throws IllegalArgumentException if `capacity` is out of range
  /// @throws BackendException if there is no memory for it
  public Graph(int capacity) {
    this(capacity, false);
  }

  /// Makes an empty graph that [gradients][#gradients] can be taken of: matrices are F32 and
  /// multiplied by Tenon's own kernel, whatever their order in memory, and what ggml has no
  /// gradient of is made of what it has. It runs on the processor alone.
  ///
  /// @param capacity tensors it can hold, from 1 to 2^20: inputs, results and views, those of the
  ///     gradients too
  /// @return the graph
  /// @throws IllegalArgumentException if `capacity` is out of range
  /// @throws BackendException if there is no memory for it
  public static Graph forTraining(int capacity) {
    return new Graph(capacity, true);
  }

  private Graph(int capacity, boolean training) {
    if (capacity < 1 || capacity > 1 << 20)
      throw new IllegalArgumentException(
          "graph: capacity " + capacity + ", from 1 to " + (1 << 20));
    this.capacity = capacity;
    this.training = training;
    int places = places(capacity);
    this.context =
        newContext(
            arena,
            capacity * Ggml.ggml_tensor_overhead()
                + Ggml.ggml_graph_overhead_custom(places, false));
    this.ggml =
        ggml_tensor.reinterpret(Ggml.ggml_new_graph_custom(context, places, false), arena, null);
  }

  /// The tensors a graph can touch: each of its own has at most three that are not, weights and
  /// caches.
  static int places(int capacity) {
    return 4 * capacity;
  }

  /// A context that holds descriptions of tensors and no data, freed with `arena`.
  static MemorySegment newContext(Arena arena, long bytes) {
    if (bytes > LARGE) Backend.needMemory("descriptions of tensors", bytes);
    try (var scratch = Arena.ofConfined()) {
      var params = ggml_init_params.allocate(scratch);
      ggml_init_params.mem_size(params, bytes);
      ggml_init_params.mem_buffer(params, NULL);
      ggml_init_params.no_alloc(params, true);
      return ggml_tensor.reinterpret(Ggml.ggml_init(params), arena, Ggml::ggml_free);
    }
  }

  /// Declares an input, to be filled with [Tensor#set] after [Compute#allocate].
  ///
  /// @param name for messages
  /// @param type element type
  /// @param shape dimensions, each at least 1
  /// @return the input
  public Tensor input(String name, TensorType type, Shape shape) {
    if (shape.elements() == 0)
      throw new IllegalArgumentException("input: " + name + " is empty: " + shape);
    count();
    var input = Tensor.create(context, arena, name, type, shape, Tensor.Origin.INPUT);
    Ggml.ggml_set_input(input.ggml());
    return input;
  }

  /// Makes `x` a result that can be read after [Compute#run], and appends all it depends on.
  ///
  /// @param x a tensor of this graph
  public void output(Tensor x) {
    Ggml.ggml_set_output(x.ggml());
    expand(x);
  }

  /// Appends `x` and all it depends on now, before what is made later: the order in which a cache
  /// is written and read.
  ///
  /// @param x a tensor of this graph
  public void expand(Tensor x) {
    Ggml.ggml_build_forward_expand(ggml, x.ggml());
  }

  // Look-up and arithmetic.

  /// {@return rows of `table` at `ids`, as F32 `[n, ids.n0, ids.n1, …]`}
  ///
  /// @param table `[n, rows]`, or one table for each row of ids: `[n, rows, ids.n1]`; any type
  /// @param ids row numbers, I32 `[t]` or `[t, u]`; each must be in `[0, rows)`, which is the
  ///     caller's to see to
  public Tensor rows(Tensor table, Tensor ids) {
    need("rows", ids, ids.type() == TensorType.I32, "I32");
    needPlainOrder("rows", table);
    need(
        "rows",
        table,
        table.type() == TensorType.F32 || Weights.MATRIX_TYPES.contains(table.type()),
        "a type that rows can be taken of");
    var t = table.shape();
    var i = ids.shape();
    if (t.n2() != i.n1() || t.n3() != i.n2() || i.n3() != 1) throw mismatch("rows", table, ids);
    return result(
        Ggml.ggml_get_rows(context, table.ggml(), ids.ggml()),
        TensorType.F32,
        Shape.of(t.n0(), i.n0(), i.n1(), i.n2()));
  }

  /// {@return `w` times `x`, F32 `[m, t, …]`}
  ///
  /// @param w `[k, m, …]`, any type; its outer dimensions divide those of `x`
  /// @param x `[k, t, …]`, F32
  public Tensor matmul(Tensor w, Tensor x) {
    need("matmul", w, Weights.MATRIX_TYPES.contains(w.type()), "a type that can be multiplied");
    need("matmul", x, x.type() == TensorType.F32, "F32");
    if (w.repacked()) need("matmul", x, x.contiguous(), "contiguous, as a repacked matrix needs");
    var a = w.shape();
    var b = x.shape();
    if (a.n0() != b.n0() || b.n2() % a.n2() != 0 || b.n3() % a.n3() != 0)
      throw mismatch("matmul", w, x);
    if (training) return multiplied(w, x, Shape.of(a.n1(), b.n1(), b.n2(), b.n3()));
    return result(
        Ggml.ggml_mul_mat(context, w.ggml(), x.ggml()),
        TensorType.F32,
        Shape.of(a.n1(), b.n1(), b.n2(), b.n3()));
  }

  /// {@return `w` times `x`, F32 `[m, t]`, in two parts where that is faster}
  ///
  /// On the processor ggml multiplies matrices of floating types fast where they have a multiple of
  /// four rows, which vocabularies seldom are: the last few rows are then multiplied apart. An
  /// [observer][MatmulObserver] sees two matrices.
  ///
  /// @param w `[k, m]`, any type
  /// @param x `[k, t]`, F32
  public Tensor matmulInParts(Tensor w, Tensor x) {
    long rest = w.shape().n1() % 4;
    long most = w.shape().n1() - rest;
    boolean floating =
        w.type() == TensorType.F32 || w.type() == TensorType.F16 || w.type() == TensorType.BF16;
    if (!floating || rest == 0 || most == 0 || x.shape().n1() == 1 || w.repacked() || training)
      return matmul(w, x);
    long row = w.type().bytes(Shape.of(w.shape().n0()));
    var first = view(w, Shape.of(w.shape().n0(), most), row, row * most, row * most, 0);
    var last = view(w, Shape.of(w.shape().n0(), rest), row, row * rest, row * rest, row * most);
    var a = matmul(first, x);
    var b = matmul(last, x);
    return result(
        Ggml.ggml_concat(context, a.ggml(), b.ggml(), 0),
        TensorType.F32,
        Shape.of(w.shape().n1(), x.shape().n1()));
  }

  /// {@return for each token the products with the matrices chosen for it, F32 `[m, used, t]`}
  ///
  /// @param w one matrix for each expert, `[k, m, experts]`, any type
  /// @param x F32 `[k, used, t]`, or `[k, 1, t]` for the same row to all
  /// @param ids the experts of each token, I32 `[used, t]`, each in `[0, experts)`
  public Tensor matmul(Tensor w, Tensor x, Tensor ids) {
    need("matmul", w, Weights.MATRIX_TYPES.contains(w.type()), "a type that can be multiplied");
    need("matmul", x, x.type() == TensorType.F32, "F32");
    if (w.repacked()) need("matmul", x, x.contiguous(), "contiguous, as a repacked matrix needs");
    need("matmul", ids, ids.type() == TensorType.I32, "I32");
    var a = w.shape();
    var b = x.shape();
    var i = ids.shape();
    if (a.n0() != b.n0() || a.n3() != 1 || b.n3() != 1) throw mismatch("matmul", w, x);
    if (i.n1() != b.n2() || i.n2() != 1 || i.n3() != 1 || i.n0() % b.n1() != 0)
      throw mismatch("matmul", x, ids);
    return result(
        Ggml.ggml_mul_mat_id(context, w.ggml(), x.ggml(), ids.ggml()),
        TensorType.F32,
        Shape.of(a.n1(), i.n0(), b.n2()));
  }

  /// {@return `a + b`, with `b` repeated to the shape of `a`}
  ///
  /// @param a F32
  /// @param b F32, its dimensions divide those of `a`
  public Tensor add(Tensor a, Tensor b) {
    repeats("add", a, b);
    return result(Ggml.ggml_add(context, a.ggml(), b.ggml()), TensorType.F32, a.shape());
  }

  /// {@return `a * b` by element, with `b` repeated to the shape of `a`}
  ///
  /// @param a F32
  /// @param b F32, its dimensions divide those of `a`
  public Tensor mul(Tensor a, Tensor b) {
    repeats("mul", a, b);
    return result(Ggml.ggml_mul(context, a.ggml(), b.ggml()), TensorType.F32, a.shape());
  }

  /// {@return `a / b` by element, with `b` repeated to the shape of `a`}
  ///
  /// @param a F32
  /// @param b F32, its dimensions divide those of `a`
  public Tensor div(Tensor a, Tensor b) {
    repeats("div", a, b);
    return result(Ggml.ggml_div(context, a.ggml(), b.ggml()), TensorType.F32, a.shape());
  }

  /// {@return `x * factor`}
  ///
  /// @param x F32, contiguous
  /// @param factor multiplier
  public Tensor scale(Tensor x, float factor) {
    needPlain("scale", x);
    return result(Ggml.ggml_scale(context, x.ggml(), factor), TensorType.F32, x.shape());
  }

  /// {@return `x` with what is outside `[low, high]` set to the nearer bound, in place}
  ///
  /// @param x F32, contiguous
  /// @param low lower bound
  /// @param high upper bound
  public Tensor clamp(Tensor x, float low, float high) {
    needPlain("clamp", x);
    return result(Ggml.ggml_clamp(context, x.ggml(), low, high), TensorType.F32, x.shape());
  }

  /// {@return the sum of each row, F32 `[1, n1, n2, n3]`}
  ///
  /// @param x F32, contiguous
  public Tensor sumRows(Tensor x) {
    needPlain("sumRows", x);
    var s = x.shape();
    return result(
        Ggml.ggml_sum_rows(context, x.ggml()), TensorType.F32, Shape.of(1, s.n1(), s.n2(), s.n3()));
  }

  /// {@return the softmax of each row}
  ///
  /// @param x F32, contiguous
  public Tensor softmax(Tensor x) {
    needPlain("softmax", x);
    return result(Ggml.ggml_soft_max(context, x.ggml()), TensorType.F32, x.shape());
  }

  /// {@return the places of the `k` largest elements of each row, best first, I32 `[k, n1, n2,
  /// n3]`}
  ///
  /// @param x F32, contiguous
  /// @param k from 1 to the length of a row
  public Tensor topK(Tensor x, int k) {
    needPlain("topK", x);
    var s = x.shape();
    if (k < 1 || k > s.n0()) throw new IllegalArgumentException("topK: " + k + " of rows of " + x);
    count(); // ggml makes two tensors: the sorted places and a view of the first k
    return view(
        Ggml.ggml_argsort_top_k(context, x.ggml(), k),
        TensorType.I32,
        Shape.of(k, s.n1(), s.n2(), s.n3()),
        k == s.n0());
  }

  /// {@return `x` repeated to `shape`}
  ///
  /// @param x F32, its dimensions divide those of `shape`
  /// @param shape what it becomes
  public Tensor repeat(Tensor x, Shape shape) {
    need("repeat", x, x.type() == TensorType.F32, "F32");
    if (!divides(x.shape(), shape))
      throw new IllegalArgumentException("repeat: " + x + " to " + shape);
    return result(
        Ggml.ggml_repeat_4d(context, x.ggml(), shape.n0(), shape.n1(), shape.n2(), shape.n3()),
        TensorType.F32,
        shape);
  }

  // Blocks of a transformer.

  /// {@return `x / rms(x) * weight` over rows}
  ///
  /// @param x F32 `[n, …]`
  /// @param weight F32 `[n]`
  /// @param epsilon added to the mean square, at least 0
  public Tensor rmsNorm(Tensor x, Tensor weight, float epsilon) {
    need("rmsNorm", x, x.type() == TensorType.F32, "F32");
    if (!(epsilon >= 0))
      throw new IllegalArgumentException("rmsNorm: epsilon " + epsilon + ", at least 0");
    if (weight.shape().n0() != x.shape().n0()) throw mismatch("rmsNorm", x, weight);
    var normed = result(Ggml.ggml_rms_norm(context, x.ggml(), epsilon), TensorType.F32, x.shape());
    return mul(normed, weight);
  }

  /// {@return `(x - mean(x)) / deviation(x) * weight + bias` over rows}
  ///
  /// @param x F32 `[n, …]`
  /// @param weight F32 `[n]`
  /// @param bias F32 `[n]`, or null for none
  /// @param epsilon added to the variance, at least 0
  public Tensor layerNorm(Tensor x, Tensor weight, Tensor bias, float epsilon) {
    need("layerNorm", x, x.type() == TensorType.F32, "F32");
    if (!(epsilon >= 0))
      throw new IllegalArgumentException("layerNorm: epsilon " + epsilon + ", at least 0");
    if (weight.shape().n0() != x.shape().n0()) throw mismatch("layerNorm", x, weight);
    if (bias != null && bias.shape().n0() != x.shape().n0()) throw mismatch("layerNorm", x, bias);
    var normed = result(Ggml.ggml_norm(context, x.ggml(), epsilon), TensorType.F32, x.shape());
    var scaled = mul(normed, weight);
    return bias == null ? scaled : add(scaled, bias);
  }

  /// {@return the Gaussian error linear unit of each element, by its approximation with tanh}
  ///
  /// ggml looks it up in a table of half-precision numbers, which is right to about 1e-3.
  ///
  /// @param x F32, contiguous
  public Tensor gelu(Tensor x) {
    needPlain("gelu", x);
    if (training) return geluByTanh(x);
    return result(Ggml.ggml_gelu(context, x.ggml()), TensorType.F32, x.shape());
  }

  /// {@return the Gaussian error linear unit of each element, by the error function itself}
  ///
  /// @param x F32, contiguous
  public Tensor geluErf(Tensor x) {
    needPlain("geluErf", x);
    return result(Ggml.ggml_gelu_erf(context, x.ggml()), TensorType.F32, x.shape());
  }

  /// {@return `x * sigmoid(x)` of each element, also called swish}
  ///
  /// @param x F32, contiguous
  public Tensor silu(Tensor x) {
    needPlain("silu", x);
    return result(Ggml.ggml_silu(context, x.ggml()), TensorType.F32, x.shape());
  }

  /// {@return each element, or 0 where it is negative}
  ///
  /// @param x F32, contiguous
  public Tensor relu(Tensor x) {
    needPlain("relu", x);
    return result(Ggml.ggml_relu(context, x.ggml()), TensorType.F32, x.shape());
  }

  /// {@return the hyperbolic tangent of each element}
  ///
  /// @param x F32, contiguous
  public Tensor tanh(Tensor x) {
    needPlain("tanh", x);
    return result(Ggml.ggml_tanh(context, x.ggml()), TensorType.F32, x.shape());
  }

  /// {@return `gelu(gate) * up` by element, with [#gelu]'s approximation}
  ///
  /// @param gate F32 `[n, t, …]`, contiguous
  /// @param up F32, the same shape, contiguous
  public Tensor geglu(Tensor gate, Tensor up) {
    needPlain("geglu", gate);
    needPlain("geglu", up);
    if (!gate.shape().equals(up.shape())) throw mismatch("geglu", gate, up);
    if (training) return mul(geluByTanh(gate), up);
    return result(
        Ggml.ggml_geglu_split(context, gate.ggml(), up.ggml()), TensorType.F32, gate.shape());
  }

  /// {@return `silu(gate) * up` by element of rows whose first half is `gate` and whose second is
  /// `up`, F32 `[n / 2, t, …]`}
  ///
  /// @param gateUp F32 `[n, t, …]`, contiguous; `n` is even
  public Tensor swiglu(Tensor gateUp) {
    needPlain("swiglu", gateUp);
    var s = gateUp.shape();
    need("swiglu", gateUp, s.n0() % 2 == 0, "of two halves");
    if (training)
      return swiglu(slice(gateUp, 0, s.n0() / 2), slice(gateUp, s.n0() / 2, s.n0() / 2));
    return result(
        Ggml.ggml_swiglu(context, gateUp.ggml()),
        TensorType.F32,
        Shape.of(s.n0() / 2, s.n1(), s.n2(), s.n3()));
  }

  /// {@return `silu(gate) * up` by element}
  ///
  /// @param gate F32 `[n, t, …]`, contiguous
  /// @param up F32, the same shape, contiguous
  public Tensor swiglu(Tensor gate, Tensor up) {
    needPlain("swiglu", gate);
    needPlain("swiglu", up);
    if (!gate.shape().equals(up.shape())) throw mismatch("swiglu", gate, up);
    return result(
        Ggml.ggml_swiglu_split(context, gate.ggml(), up.ggml()), TensorType.F32, gate.shape());
  }

  /// {@return `x` with each head rotated by its position}
  ///
  /// @param x queries or keys, F32 `[headDim, heads, t]`
  /// @param positions I32 `[t]`
  /// @param rope frequencies and scaling; its dimensions are even and at most `headDim`
  public Tensor rope(Tensor x, Tensor positions, Rope rope) {
    need("rope", x, x.type() == TensorType.F32, "F32");
    need("rope", positions, positions.type() == TensorType.I32, "I32");
    var s = x.shape();
    if (s.n2() != positions.shape().elements() || positions.shape().n0() != s.n2() || s.n3() != 1)
      throw mismatch("rope", x, positions);
    if (rope.dims() > s.n0())
      throw new IllegalArgumentException(
          "rope: " + rope.dims() + " rotated elements in heads of " + x);
    var factors = rope.factors();
    if (factors != null) {
      need("rope", factors, factors.type() == TensorType.F32, "F32");
      if (factors.shape().n0() < rope.dims() / 2) throw mismatch("rope", x, factors);
    }
    return result(
        Ggml.ggml_rope_ext(
            context,
            x.ggml(),
            positions.ggml(),
            factors == null ? NULL : factors.ggml(),
            rope.dims(),
            rope.layout() == Rope.Layout.SPLIT
                ? Ggml.GGML_ROPE_TYPE_NEOX()
                : Ggml.GGML_ROPE_TYPE_NORMAL(),
            rope.originalContext(),
            rope.base(),
            rope.scale(),
            rope.extrapolation(),
            rope.magnitude(),
            rope.betaFast(),
            rope.betaSlow()),
        TensorType.F32,
        s);
  }

  /// {@return the sum over the second dimension, F32 `[n, t]`}
  ///
  /// @param x F32 `[n, k, t]`, contiguous
  public Tensor sumSlices(Tensor x) {
    needPlain("sumSlices", x);
    var s = x.shape();
    if (s.n3() != 1) throw new IllegalArgumentException("sumSlices: " + x + " has four dimensions");
    if (s.n1() == 1) return reshape(x, Shape.of(s.n0(), s.n2()));
    long row = 4 * s.n0();
    Tensor sum = null;
    for (long i = 0; i < s.n1(); i++) {
      var slice =
          view(
              Ggml.ggml_view_4d(
                  context,
                  x.ggml(),
                  s.n0(),
                  s.n2(),
                  1,
                  1,
                  row * s.n1(),
                  row * s.n1() * s.n2(),
                  row * s.n1() * s.n2(),
                  row * i),
              TensorType.F32,
              Shape.of(s.n0(), s.n2()),
              false); // [n, t]
      sum = sum == null ? slice : add(sum, slice);
    }
    return sum;
  }

  // Other ways to see the same elements.

  /// {@return the same elements seen as `shape`}
  ///
  /// @param x contiguous
  /// @param shape the same number of elements
  public Tensor reshape(Tensor x, Shape shape) {
    need("reshape", x, x.contiguous(), "contiguous");
    needPlainOrder("reshape", x);
    if (x.shape().elements() != shape.elements() || shape.n0() % x.type().blockElements() != 0)
      throw new IllegalArgumentException("reshape: " + x + " as " + shape);
    return result(
        Ggml.ggml_reshape_4d(context, x.ggml(), shape.n0(), shape.n1(), shape.n2(), shape.n3()),
        x.type(),
        shape);
  }

  /// {@return a part of each row, F32 `[count, n1, …]`, contiguous}
  ///
  /// @param x F32, contiguous
  /// @param from first element of each row that is kept, at least 0
  /// @param count how many, at least 1
  /// @throws IndexOutOfBoundsException if the rows of `x` end before
  public Tensor slice(Tensor x, long from, long count) {
    needPlain("slice", x);
    var s = x.shape();
    if (from < 0 || count < 1 || count > s.n0() - from)
      throw new IndexOutOfBoundsException(
          "slice: " + count + " elements from " + from + " of the rows of " + x);
    long rows = s.n1() * s.n2() * s.n3();
    long stride = 4 * s.n0();
    var shape = Shape.of(count, s.n1(), s.n2(), s.n3());
    var part =
        view(
            Ggml.ggml_view_4d(
                context,
                x.ggml(),
                count,
                s.n1(),
                s.n2(),
                s.n3(),
                stride,
                stride * s.n1(),
                stride * s.n1() * s.n2(),
                4 * from),
            TensorType.F32,
            shape,
            rows == 1);
    return rows == 1 ? part : reshape(contiguous(part, count, rows), shape);
  }

  /// {@return matrices below each other, F32 `[n, the sum of their rows]`}
  ///
  /// @param parts F32 `[n, t]` each, contiguous; at least one
  public Tensor concatRows(List<Tensor> parts) {
    if (parts.size() == 1) return parts.getFirst();
    // By halves, so that a row is copied once for each doubling and not for each part.
    int half = parts.size() / 2;
    var above = concatRows(parts.subList(0, half));
    var below = concatRows(parts.subList(half, parts.size()));
    needPlain("concatRows", above);
    needPlain("concatRows", below);
    var a = above.shape();
    var b = below.shape();
    if (a.n0() != b.n0() || a.n2() * a.n3() * b.n2() * b.n3() != 1)
      throw mismatch("concatRows", above, below);
    return result(
        Ggml.ggml_concat(context, above.ggml(), below.ggml(), 1),
        TensorType.F32,
        Shape.of(a.n0(), a.n1() + b.n1()));
  }

  // Training.

  /// {@return the gradients of a scalar with respect to weights, each of its weight's shape; null
  /// for one that has no influence}
  ///
  /// @param y a result, F32, on which the scalar depends
  /// @param dy the gradient of the scalar with respect to `y`, of its shape
  /// @param weights what the gradients are wanted with respect to
  /// @throws IllegalStateException if this graph is not [for training][#forTraining]
  /// @throws UnsupportedOperationException if an operation has no gradient; the message names it
  public List<Tensor> gradients(Tensor y, Tensor dy, List<Tensor> weights) {
    if (!training)
      throw new IllegalStateException("gradients: the graph was not made for training");
    return Gradients.of(this, y, dy, weights);
  }

  /// {@return the gradient of the cross entropy with respect to the logits, summed over rows: `p -
  /// 1` at a row's label and `p` elsewhere, 0 in rows without a label}
  ///
  /// @param probabilities the softmax of the logits, F32 `[n, t]`, contiguous
  /// @param labels I32 `[t]`: from 0 to before `n`, which is the caller's to see to, or negative
  ///     where a row does not count
  public Tensor crossEntropyGradient(Tensor probabilities, Tensor labels) {
    needPlain("crossEntropyGradient", probabilities);
    var s = probabilities.shape();
    need("crossEntropyGradient", probabilities, s.n2() * s.n3() == 1, "a matrix");
    need("crossEntropyGradient", labels, labels.type() == TensorType.I32, "I32");
    need("crossEntropyGradient", labels, labels.contiguous(), "contiguous");
    if (labels.shape().elements() != s.n1())
      throw mismatch("crossEntropyGradient", probabilities, labels);
    return new Tensor(
        Custom.crossEntropyGradient(this, probabilities.ggml(), labels.ggml()),
        TensorType.F32,
        probabilities.shape(),
        Tensor.Origin.RESULT,
        true);
  }

  private Tensor multiplied(Tensor w, Tensor x, Shape shape) {
    need("matmul", w, w.type() == TensorType.F32, "F32, as in training");
    return new Tensor(
        Custom.multiply(this, w.ggml(), x.ggml()),
        TensorType.F32,
        shape,
        Tensor.Origin.RESULT,
        true);
  }

  /// `0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))`, of operations that have gradients.
  private Tensor geluByTanh(Tensor x) {
    var cubic = mul(x, scale(mul(x, x), 0.044715f));
    var t = tanh(scale(add(x, cubic), (float) Math.sqrt(2 / Math.PI)));
    return scale(add(x, mul(x, t)), 0.5f);
  }

  /// Frees the graph; its tensors are gone. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    if (arena.scope().isAlive()) arena.close();
  }

  // What KvCache and Compute need: attention over a cache, whose views are not contiguous.

  MemorySegment ggml() {
    return ggml;
  }

  MemorySegment context() {
    return context;
  }

  Arena arena() {
    return arena;
  }

  /// Takes in a tensor that ggml has just made in this graph's context.
  MemorySegment made(MemorySegment tensor) {
    count();
    return ggml_tensor.reinterpret(tensor, arena, null);
  }

  /// {@return how many tensors it holds so far}
  public int size() {
    return tensors;
  }

  /// `x` `[n0, n1, n2]` with its second and third dimensions exchanged, `[n0, n2, n1]`.
  Tensor swap12(Tensor x) {
    var s = x.shape();
    return view(
        Ggml.ggml_permute(context, x.ggml(), 0, 2, 1, 3),
        x.type(),
        Shape.of(s.n0(), s.n2(), s.n1(), s.n3()),
        false);
  }

  /// `x` `[n0, n1, n2, n3]` with its third dimension first, `[n2, n0, n1, n3]`.
  Tensor rotate012(Tensor x) {
    var s = x.shape();
    return view(
        Ggml.ggml_permute(context, x.ggml(), 1, 2, 0, 3),
        x.type(),
        Shape.of(s.n2(), s.n0(), s.n1(), s.n3()),
        false);
  }

  /// The elements of `x` copied in order, as rows of `n0`.
  Tensor contiguous(Tensor x, long n0, long n1) {
    if (x.shape().elements() != n0 * n1)
      throw new IllegalArgumentException("contiguous: " + x + " as rows of " + n0);
    return result(Ggml.ggml_cont_2d(context, x.ggml(), n0, n1), x.type(), Shape.of(n0, n1));
  }

  /// `x` `[n0, n1, n2, n3]` with its first two dimensions exchanged, copied in that order.
  Tensor transposed(Tensor x) {
    var s = x.shape();
    var shape = Shape.of(s.n1(), s.n0(), s.n2(), s.n3());
    var seen = view(Ggml.ggml_permute(context, x.ggml(), 1, 0, 2, 3), x.type(), shape, false);
    var rows = contiguous(seen, s.n1(), s.n0() * s.n2() * s.n3());
    return reshape(rows, shape);
  }

  /// A part of a cache tensor: strides in bytes.
  Tensor view(Tensor x, Shape shape, long stride1, long stride2) {
    return view(x, shape, stride1, stride2, stride2 * shape.n2(), 0);
  }

  /// A part of a tensor: strides and where it begins, in bytes.
  Tensor view(Tensor x, Shape shape, long stride1, long stride2, long stride3, long offset) {
    return view(
        Ggml.ggml_view_4d(
            context,
            x.ggml(),
            shape.n0(),
            shape.n1(),
            shape.n2(),
            shape.n3(),
            stride1,
            stride2,
            stride3,
            offset),
        x.type(),
        shape,
        false);
  }

  /// Writes `rows` into `target`, of the same shape.
  Tensor copy(Tensor rows, Tensor target) {
    if (!rows.shape().equals(target.shape())) throw mismatch("copy", rows, target);
    return view(
        Ggml.ggml_cpy(context, rows.ggml(), target.ggml()), target.type(), target.shape(), false);
  }

  /// Writes `rows` `[n, t]` into `target` `[n, …]` at `places`, I64 `[t]`.
  Tensor setRows(Tensor target, Tensor rows, Tensor places) {
    if (target.shape().n0() != rows.shape().n0() || rows.shape().n1() != places.shape().n0())
      throw mismatch("setRows", target, rows);
    return result(
        Ggml.ggml_set_rows(context, target.ggml(), rows.ggml(), places.ggml()),
        target.type(),
        target.shape());
  }

  /// Scores, softmax and weighted sum in one operation, for sequences apart.
  ///
  /// q `[headDim, t, heads, n]`, k `[headDim, visible, kvHeads, n]`,
  /// v `[valueDim, visible, kvHeads, n]`, mask F16 `[visible, t]` or null; the result is
  /// `[valueDim, heads, t, n]`.
  Tensor flashAttention(Tensor q, Tensor k, Tensor v, Tensor mask, float scale) {
    attends(q, k, mask);
    var s = q.shape();
    var made =
        Ggml.ggml_flash_attn_ext(
            context, q.ggml(), k.ggml(), v.ggml(), mask == null ? NULL : mask.ggml(), scale, 0, 0);
    Ggml.ggml_prec_set_acc(made, Ggml.GGML_PREC_F32());
    return result(made, TensorType.F32, Shape.of(v.shape().n0(), s.n2(), s.n1(), s.n3()));
  }

  /// The probabilities: softmax of `k` times `q`, scaled and masked; `[visible, t, heads, n]`.
  ///
  /// q `[headDim, t, heads, n]`, k `[headDim, visible, kvHeads, n]`, mask F16 `[visible, t]` or
  /// null.
  Tensor attentionProbabilities(Tensor q, Tensor k, Tensor mask, float scale) {
    attends(q, k, mask);
    var scores = matmul(k, q); // [visible, t, heads, n]
    if (!training) Ggml.ggml_prec_set_acc(scores.ggml(), Ggml.GGML_PREC_F32());
    return result(
        Ggml.ggml_soft_max_ext(context, scores.ggml(), mask == null ? NULL : mask.ggml(), scale, 0),
        TensorType.F32,
        scores.shape());
  }

  /// Attention without a mask, for sequences apart: each row of a sequence sees all its keys.
  ///
  /// q `[headDim, t, heads, n]`, k `[headDim, visible, kvHeads, n]`,
  /// v `[valueDim, visible, kvHeads, n]`; the result is `[valueDim * heads, t * n]`, contiguous.
  /// The probabilities, `[visible, t, heads, n]`, go to `keep`, unless that is null.
  Tensor attention(Tensor q, Tensor k, Tensor v, float scale, Consumer<Tensor> keep) {
    var s = q.shape();
    var shape = Shape.of(v.shape().n0() * s.n2(), s.n1() * s.n3());
    if (keep == null) return reshape(flashAttention(q, k, v, null, scale), shape);
    var probabilities = attentionProbabilities(q, k, null, scale);
    keep.accept(probabilities);
    var attended = matmul(transposed(v), probabilities); // [valueDim, t, heads, n]
    return contiguous(swap12(attended), shape.n0(), shape.n1());
  }

  private static void attends(Tensor q, Tensor k, Tensor mask) {
    if (q.shape().n0() != k.shape().n0()
        || q.shape().n2() % k.shape().n2() != 0
        || q.shape().n3() != k.shape().n3()) throw mismatch("attention", q, k);
    if (mask != null
        && (mask.shape().n0() != k.shape().n1() || mask.shape().n1() != q.shape().n1()))
      throw mismatch("attention", q, mask);
  }

  // Bookkeeping.

  private Tensor result(MemorySegment made, TensorType type, Shape shape) {
    return view(made, type, shape, true);
  }

  private Tensor view(MemorySegment made, TensorType type, Shape shape, boolean contiguous) {
    count();
    return new Tensor(
        ggml_tensor.reinterpret(made, arena, null), type, shape, Tensor.Origin.RESULT, contiguous);
  }

  /// Counts a tensor that ggml has just made. A few places are kept free, for ggml's pool must not
  /// run out before it is counted.
  private void count() {
    if (++tensors > capacity - 4)
      throw new IllegalStateException("graph is full: it holds " + capacity + " tensors");
  }

  private static void repeats(String operation, Tensor a, Tensor b) {
    need(operation, a, a.type() == TensorType.F32, "F32");
    need(operation, b, b.type() == TensorType.F32, "F32");
    needPlainOrder(operation, a);
    needPlainOrder(operation, b);
    if (!divides(b.shape(), a.shape())) throw mismatch(operation, a, b);
  }

  /// Whether each dimension of `small` goes into that of `large` a whole number of times.
  private static boolean divides(Shape small, Shape large) {
    return large.n0() % small.n0() == 0
        && large.n1() % small.n1() == 0
        && large.n2() % small.n2() == 0
        && large.n3() % small.n3() == 0;
  }

  private static void needPlainOrder(String operation, Tensor x) {
    need(operation, x, !x.repacked(), "in plain order: it is repacked, and can only be multiplied");
  }

  private static void needPlain(String operation, Tensor x) {
    need(operation, x, x.type() == TensorType.F32 && x.contiguous(), "contiguous F32");
  }

  private static void need(String operation, Tensor x, boolean met, String what) {
    if (!met) throw new IllegalArgumentException(operation + ": " + x + " is not " + what);
  }

  private static IllegalArgumentException mismatch(String operation, Tensor a, Tensor b) {
    return new IllegalArgumentException(operation + ": " + a + " does not go with " + b);
  }
}
