package dev.tenon.ggml;

import static java.lang.foreign.MemorySegment.NULL;
import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/// ggml's simple-backend example through the bindings: two matrices, a graph that multiplies them,
/// a scheduler that runs it on the processor.
class SimpleBackendTest {
  private static final float[] A = {2, 8, 5, 1, 4, 2, 8, 6}; // 4 rows of 2
  private static final float[] B = {10, 5, 9, 9, 5, 4}; // 3 rows of 2
  private static final float[] PRODUCT = {60, 55, 50, 110, 90, 54, 54, 126, 42, 29, 28, 64};

  @Test
  void multipliesTwoMatrices() {
    NativeLibrary.load();
    try (var arena = Arena.ofConfined()) {
      var device = Ggml.ggml_backend_dev_get(0);
      var backend = Ggml.ggml_backend_dev_init(device, NULL);
      var backends = arena.allocateFrom(ValueLayout.ADDRESS, backend);
      var scheduler = Ggml.ggml_backend_sched_new(backends, NULL, 1, 64, false, true);

      var params = ggml_init_params.allocate(arena);
      ggml_init_params.mem_size(
          params, 64 * Ggml.ggml_tensor_overhead() + Ggml.ggml_graph_overhead_custom(64, false));
      ggml_init_params.mem_buffer(params, NULL);
      ggml_init_params.no_alloc(params, true);
      var context = Ggml.ggml_init(params);
      var a =
          Ggml.ggml_new_tensor(
              context,
              Ggml.GGML_TYPE_F32(),
              4,
              arena.allocateFrom(ValueLayout.JAVA_LONG, 2, 4, 1, 1));
      var b =
          Ggml.ggml_new_tensor(
              context,
              Ggml.GGML_TYPE_F32(),
              4,
              arena.allocateFrom(ValueLayout.JAVA_LONG, 2, 3, 1, 1));
      Ggml.ggml_set_input(a);
      Ggml.ggml_set_input(b);
      var product = Ggml.ggml_mul_mat(context, a, b);
      var graph = Ggml.ggml_new_graph_custom(context, 64, false);
      Ggml.ggml_build_forward_expand(graph, product);

      assertThat(Ggml.ggml_backend_sched_alloc_graph(scheduler, graph)).isTrue();
      Ggml.ggml_backend_tensor_set(
          a, arena.allocateFrom(ValueLayout.JAVA_FLOAT, A), 0, 4 * A.length);
      Ggml.ggml_backend_tensor_set(
          b, arena.allocateFrom(ValueLayout.JAVA_FLOAT, B), 0, 4 * B.length);
      assertThat(Ggml.ggml_backend_sched_graph_compute(scheduler, graph))
          .isEqualTo(Ggml.GGML_STATUS_SUCCESS());
      var result = arena.allocate(ValueLayout.JAVA_FLOAT, PRODUCT.length);
      Ggml.ggml_backend_tensor_get(product, result, 0, result.byteSize());
      assertThat(result.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(PRODUCT);

      Ggml.ggml_free(context);
      Ggml.ggml_backend_sched_free(scheduler);
      Ggml.ggml_backend_free(backend);
    }
  }
}
