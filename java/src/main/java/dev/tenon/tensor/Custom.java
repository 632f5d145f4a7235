package dev.tenon.tensor;

import dev.tenon.ggml.Ggml;
import dev.tenon.ggml.ggml_tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Tenon's own operations in a graph: functions of its native library that ggml calls for a node.
/// They run on the processor alone, and only graphs for training have them.
final class Custom {
  private Custom() {}

  /// Appends `y[m, n, …] = Σk a[k, m, …] b[k, n, …]`, of F32 in any order of memory, with the outer
  /// dimensions of `a` dividing those of `b`.
  static MemorySegment multiply(Graph graph, MemorySegment a, MemorySegment b) {
    return custom(
        graph,
        Ggml.tenon_mul_mat$address(),
        new long[] {
          ggml_tensor.ne(a, 1), ggml_tensor.ne(b, 1), ggml_tensor.ne(b, 2), ggml_tensor.ne(b, 3)
        },
        a,
        b);
  }

  /// Appends the gradient of the cross entropy, of the shape of `probabilities`.
  static MemorySegment crossEntropyGradient(
      Graph graph, MemorySegment probabilities, MemorySegment labels) {
    var ne = new long[4];
    for (int i = 0; i < 4; i++) ne[i] = ggml_tensor.ne(probabilities, i);
    return custom(graph, Ggml.tenon_cross_entropy_back$address(), ne, probabilities, labels);
  }

  private static MemorySegment custom(
      Graph graph, MemorySegment function, long[] ne, MemorySegment... sources) {
    try (var scratch = Arena.ofConfined()) {
      var array = scratch.allocate(Ggml.C_POINTER, sources.length);
      for (int i = 0; i < sources.length; i++) array.setAtIndex(Ggml.C_POINTER, i, sources[i]);
      return graph.made(
          Ggml.ggml_custom_4d(
              graph.context(),
              Ggml.GGML_TYPE_F32(),
              ne[0],
              ne[1],
              ne[2],
              ne[3],
              array,
              sources.length,
              function,
              ALL_THREADS,
              MemorySegment.NULL));
    }
  }

  private static final int ALL_THREADS = -1; // GGML_N_TASKS_MAX
}
