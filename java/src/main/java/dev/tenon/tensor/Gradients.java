package dev.tenon.tensor;

import static dev.tenon.tensor.Tensor.Origin.RESULT;

import dev.tenon.ggml.Ggml;
import dev.tenon.ggml.ggml_tensor;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Appends to a graph the operations that compute its gradients: reverse-mode differentiation, as
/// ggml's `ggml_build_backward_expand` does it, over the nodes that ggml keeps.
///
/// It is ours and not ggml's for three reasons. ggml ends the process at an operation without a
/// gradient; here it is an error that names it. ggml multiplies by `out_prod`, which is several
/// times slower than a multiplication of [views][Custom] that lie transposed. And the layer norm
/// has a gradient here.
///
/// Invariant: a gradient has the shape of its tensor, its elements F32, its rows possibly apart in
/// memory; who needs them in order calls [#plain].
final class Gradients {
  private final Graph graph;
  private final MemorySegment context;
  private final Arena arena;
  private final Map<Long, MemorySegment> gradients = new HashMap<>(); // by address of the tensor
  private final Set<Long> needed = new HashSet<>(); // what a weight has an influence on

  private Gradients(Graph graph) {
    this.graph = graph;
    this.context = graph.context();
    this.arena = graph.arena();
  }

  /// Appends the gradients of a scalar, of which the gradient with respect to `y` is known.
  ///
  /// @param graph in which `y` was computed
  /// @param y a result
  /// @param dy F32, the shape of `y`
  /// @param weights what the gradients are wanted with respect to
  /// @return one for each weight, of its shape, contiguous; null where `y` does not depend on it
  /// @throws UnsupportedOperationException if an operation between has no gradient
  static List<Tensor> of(Graph graph, Tensor y, Tensor dy, List<Tensor> weights) {
    if (!y.shape().equals(dy.shape()) || dy.type() != TensorType.F32)
      throw new IllegalArgumentException("gradients: " + dy + " does not go with " + y);
    graph.expand(y);
    var all = new Gradients(graph);
    weights.forEach(w -> all.needed.add(w.ggml().address()));
    var nodes = all.nodes();
    all.gradients.put(y.ggml().address(), dy.ggml());
    for (var node : nodes.reversed()) all.back(node);
    return weights.stream().map(all::gradient).toList();
  }

  private Tensor gradient(Tensor weight) {
    var gradient = gradients.get(weight.ggml().address());
    if (gradient == null) return null;
    return new Tensor(plain(gradient), TensorType.F32, weight.shape(), RESULT, true);
  }

  /// The nodes in the order in which they are computed; those that need a gradient are noted.
  private List<MemorySegment> nodes() {
    var nodes = new ArrayList<MemorySegment>();
    int n = Ggml.ggml_graph_n_nodes(graph.ggml());
    for (int i = 0; i < n; i++) {
      var node = ggml_tensor.reinterpret(Ggml.ggml_graph_node(graph.ggml(), i), arena, null);
      nodes.add(node);
      for (int s = 0; s < SOURCES; s++) {
        if (needed.contains(ggml_tensor.src(node, s).address())) needed.add(node.address());
      }
      // Refused here, before another of a mixture's operations is, whose name would say less.
      if (needed.contains(node.address()) && ggml_tensor.op(node) == Ggml.GGML_OP_MUL_MAT_ID())
        throw without(Ggml.ggml_op_name(ggml_tensor.op(node)));
    }
    return nodes;
  }

  /// The most tensors an operation here is computed from.
  private static final int SOURCES = 3;

  /// Gives the tensors that a node was computed from their share of its gradient.
  private void back(MemorySegment node) {
    var g = gradients.get(node.address());
    if (g == null || !needed.contains(node.address())) return;
    int op = ggml_tensor.op(node);
    if (op == Ggml.GGML_OP_NONE()) return; // a weight
    var a = source(node, 0);
    var b = source(node, 1);
    if (op == Ggml.GGML_OP_ADD()) {
      give(a, () -> g);
      give(b, () -> sum(g, b));
    } else if (op == Ggml.GGML_OP_SUB()) {
      give(a, () -> g);
      give(b, () -> made(Ggml.ggml_neg(context, sum(g, b))));
    } else if (op == Ggml.GGML_OP_MUL()) {
      give(a, () -> mul(g, b));
      give(b, () -> sum(mul(a, g), b));
    } else if (op == Ggml.GGML_OP_DIV()) {
      give(a, () -> made(Ggml.ggml_div(context, plain(g), b)));
      give(b, () -> made(Ggml.ggml_neg(context, sum(quotient(mul(node, g), b), b))));
    } else if (op == Ggml.GGML_OP_SCALE()) {
      give(a, () -> made(Ggml.ggml_scale(context, plain(g), real(node, 0))));
    } else if (op == Ggml.GGML_OP_CUSTOM()) {
      multiplied(a, b, g);
    } else if (op == Ggml.GGML_OP_GET_ROWS()) {
      give(a, () -> rows(node, a, b, g));
    } else if (op == Ggml.GGML_OP_REPEAT()) {
      give(a, () -> sum(g, a));
    } else if (op == Ggml.GGML_OP_SUM_ROWS()) {
      give(a, () -> made(repeated(plain(g), a)));
    } else if (op == Ggml.GGML_OP_RMS_NORM()) {
      give(a, () -> made(Ggml.ggml_rms_norm_back(context, plain(g), plain(a), real(node, 0))));
    } else if (op == Ggml.GGML_OP_NORM()) {
      give(a, () -> layerNorm(a, real(node, 0), g));
    } else if (op == Ggml.GGML_OP_SOFT_MAX()) {
      give(a, () -> softmax(node, g));
    } else if (op == Ggml.GGML_OP_ROPE()) {
      give(a, () -> rope(node, b, g));
    } else if (op == Ggml.GGML_OP_GLU()) {
      glu(node, a, b, g);
    } else if (op == Ggml.GGML_OP_UNARY()) {
      give(a, () -> unary(node, a, g));
    } else if (op == Ggml.GGML_OP_RESHAPE() || op == Ggml.GGML_OP_CONT()) {
      give(a, () -> shaped(plain(g), a));
    } else if (op == Ggml.GGML_OP_PERMUTE()) {
      give(a, () -> unpermuted(node, g));
    } else if (op == Ggml.GGML_OP_TRANSPOSE()) {
      give(a, () -> transposed(g));
    } else if (op == Ggml.GGML_OP_VIEW()) {
      give(a, () -> ofWhole(node, a, g));
    } else {
      throw without(Ggml.ggml_op_name(op));
    }
  }

  private static UnsupportedOperationException without(MemorySegment name) {
    return new UnsupportedOperationException(
        "the operation " + name.getString(0) + " has no gradient");
  }

  /// Adds to the gradient of a tensor, if it needs one.
  private void give(MemorySegment to, Gradient share) {
    if (!needed.contains(to.address())) return;
    var more = share.make();
    gradients.merge(
        to.address(), more, (before, _) -> made(Ggml.ggml_add(context, plain(before), more)));
  }

  @FunctionalInterface
  private interface Gradient {
    MemorySegment make();
  }

  // One method for each operation that takes more than a line.

  /// `y[m, n] = Σk a[k, m] b[k, n]`: each gradient is such a product again, of transposed views.
  private void multiplied(MemorySegment a, MemorySegment b, MemorySegment g) {
    give(a, () -> overGroups(Custom.multiply(graph, transposed(b), transposed(g)), a));
    give(b, () -> Custom.multiply(graph, transposed(a), g));
  }

  /// The sum of `x` `[k, m, b2, b3]` over those of its matrices that one of `like`, `[k, m, a2,
  /// a3]`, was multiplied for: `b2 / a2` that follow each other.
  private MemorySegment overGroups(MemorySegment x, MemorySegment like) {
    long group = ne(x, 2) / ne(like, 2);
    if (group == 1) return sum(x, like);
    if (ne(x, 3) != ne(like, 3)) throw new UnsupportedOperationException("groups of groups");
    long matrix = ne(x, 0) * ne(x, 1);
    long groups = ne(like, 2) * ne(like, 3);
    var apart = reshape(x, matrix, group, groups, 1);
    var last = made(Ggml.ggml_permute(context, apart, 0, 2, 1, 3)); // [matrix, groups, group]
    var one = Tensor.create(context, arena, "", TensorType.F32, Shape.of(matrix, groups), RESULT);
    return shaped(sum(last, made(one.ggml())), like); // made: counted as well
  }

  private MemorySegment rows(
      MemorySegment node, MemorySegment table, MemorySegment ids, MemorySegment g) {
    if (ne(ids, 1) * ne(ids, 2) != 1)
      throw new UnsupportedOperationException("rows of several tables have no gradient");
    return made(Ggml.ggml_get_rows_back(context, plain(g), ids, table));
  }

  /// A layer norm is the root mean square norm of `x - mean(x)`, and the gradient of that
  /// difference is the difference once more.
  private MemorySegment layerNorm(MemorySegment x, float epsilon, MemorySegment g) {
    var back = made(Ggml.ggml_rms_norm_back(context, plain(g), centred(plain(x)), epsilon));
    return centred(back);
  }

  private MemorySegment centred(MemorySegment x) {
    return made(Ggml.ggml_sub(context, x, made(Ggml.ggml_mean(context, x))));
  }

  private MemorySegment softmax(MemorySegment node, MemorySegment g) {
    float bias = real(node, 1);
    if (bias != 0) throw new UnsupportedOperationException("a softmax with ALiBi has no gradient");
    return made(Ggml.ggml_soft_max_ext_back(context, plain(g), node, real(node, 0), 0));
  }

  private MemorySegment rope(MemorySegment node, MemorySegment positions, MemorySegment g) {
    return made(
        Ggml.ggml_rope_ext_back(
            context,
            plain(g),
            positions,
            ggml_tensor.src(node, 2),
            integer(node, 1),
            integer(node, 2),
            integer(node, 4),
            real(node, 5),
            real(node, 6),
            real(node, 7),
            real(node, 8),
            real(node, 9),
            real(node, 10)));
  }

  private void glu(MemorySegment node, MemorySegment gate, MemorySegment up, MemorySegment g) {
    int op = Ggml.ggml_get_glu_op(node);
    if (op != Ggml.GGML_GLU_OP_SWIGLU() || up.address() == 0)
      throw without(Ggml.ggml_glu_op_name(op));
    give(gate, () -> made(Ggml.ggml_silu_back(context, mul(g, up), gate)));
    give(up, () -> mul(made(Ggml.ggml_silu(context, gate)), g));
  }

  private MemorySegment unary(MemorySegment node, MemorySegment x, MemorySegment g) {
    int op = Ggml.ggml_get_unary_op(node);
    if (op == Ggml.GGML_UNARY_OP_SILU())
      return made(Ggml.ggml_silu_back(context, plain(g), plain(x)));
    if (op == Ggml.GGML_UNARY_OP_RELU()) return mul(made(Ggml.ggml_step(context, x)), g);
    if (op == Ggml.GGML_UNARY_OP_TANH()) // 1 - y²
    return made(Ggml.ggml_sub(context, plain(g), mul(mul(node, node), g)));
    throw without(Ggml.ggml_unary_op_name(op));
  }

  private MemorySegment unpermuted(MemorySegment node, MemorySegment g) {
    var back = new int[4];
    for (int i = 0; i < 4; i++) back[integer(node, i) & 3] = i;
    return made(Ggml.ggml_permute(context, g, back[0], back[1], back[2], back[3]));
  }

  /// The gradient of a tensor of which a view has one: 0 outside the view.
  private MemorySegment ofWhole(MemorySegment view, MemorySegment whole, MemorySegment g) {
    long offset = ggml_tensor.op_params(view).get(ValueLayout.JAVA_LONG_UNALIGNED, 0);
    if (!ordered(whole) || offset > Integer.MAX_VALUE)
      throw new UnsupportedOperationException("a view of what is not in order has no gradient");
    var rest = gradients.remove(whole.address());
    if (rest == null) rest = made(Ggml.ggml_scale(context, plain(whole), 0));
    return made(
        Ggml.ggml_acc(
            context, plain(rest), plain(g), nb(view, 1), nb(view, 2), nb(view, 3), offset));
  }

  // What they are made of.

  private MemorySegment mul(MemorySegment a, MemorySegment b) {
    return made(Ggml.ggml_mul(context, plain(a), b));
  }

  private MemorySegment quotient(MemorySegment a, MemorySegment b) {
    return made(Ggml.ggml_div(context, plain(a), b));
  }

  /// The sum of `x` over the repetitions of `like` in it.
  private MemorySegment sum(MemorySegment x, MemorySegment like) {
    return sameShape(x, like) ? x : made(Ggml.ggml_repeat_back(context, plain(x), like));
  }

  private MemorySegment repeated(MemorySegment x, MemorySegment like) {
    return Ggml.ggml_repeat_4d(context, x, ne(like, 0), ne(like, 1), ne(like, 2), ne(like, 3));
  }

  private MemorySegment transposed(MemorySegment x) {
    return made(Ggml.ggml_transpose(context, x));
  }

  private MemorySegment shaped(MemorySegment x, MemorySegment like) {
    return sameShape(x, like) ? x : reshape(x, ne(like, 0), ne(like, 1), ne(like, 2), ne(like, 3));
  }

  private MemorySegment reshape(MemorySegment x, long n0, long n1, long n2, long n3) {
    return made(Ggml.ggml_reshape_4d(context, x, n0, n1, n2, n3));
  }

  /// `x` with its elements in order.
  private MemorySegment plain(MemorySegment x) {
    return ordered(x) ? x : made(Ggml.ggml_cont(context, x));
  }

  private static boolean ordered(MemorySegment x) {
    long stride = Float.BYTES;
    for (int i = 0; i < 4; i++) {
      if (ne(x, i) != 1 && nb(x, i) != stride) return false;
      stride *= ne(x, i);
    }
    return true;
  }

  private MemorySegment made(MemorySegment tensor) {
    return graph.made(tensor);
  }

  private MemorySegment source(MemorySegment node, int index) {
    return ggml_tensor.reinterpret(ggml_tensor.src(node, index), arena, null);
  }

  private static boolean sameShape(MemorySegment a, MemorySegment b) {
    for (int i = 0; i < 4; i++) if (ne(a, i) != ne(b, i)) return false;
    return true;
  }

  static long ne(MemorySegment tensor, int dimension) {
    return ggml_tensor.ne(tensor, dimension);
  }

  private static long nb(MemorySegment tensor, int dimension) {
    return ggml_tensor.nb(tensor, dimension);
  }

  private static int integer(MemorySegment node, int parameter) {
    return ggml_tensor.op_params(node, parameter);
  }

  private static float real(MemorySegment node, int parameter) {
    return Float.intBitsToFloat(integer(node, parameter));
  }
}
