package dev.tenon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.function.BiFunction;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Each operation against a plain Java loop, at sizes around the widths of vector registers.
class GraphTest {
  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = Backend.cpu(2);
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  private final Random random = new Random(7);

  private float[] values(int n) {
    var values = new float[n];
    for (int i = 0; i < n; i++) values[i] = (float) random.nextGaussian();
    return values;
  }

  /// Runs a graph of two F32 inputs.
  private float[] run(
      Shape shapeA, float[] a, Shape shapeB, float[] b, BiFunction<Graph, Tensor[], Tensor> build) {
    try (var graph = new Graph(64);
        var compute = new Compute(backend, 64)) {
      var inputs =
          new Tensor[] {
            graph.input("a", TensorType.F32, shapeA), graph.input("b", TensorType.F32, shapeB)
          };
      var result = build.apply(graph, inputs);
      graph.output(result);
      graph.expand(inputs[0]);
      graph.expand(inputs[1]);
      compute.allocate(graph);
      inputs[0].set(a);
      if (inputs[1].hasMemory()) inputs[1].set(b);
      compute.run();
      var out = new float[(int) result.shape().elements()];
      result.get(0, out);
      return out;
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 7, 8, 15, 16, 17, 31, 33, 64, 100, 257})
  void matmul(int k) {
    int m = 5;
    int t = 3;
    var w = values(k * m);
    var x = values(k * t);
    var got = run(Shape.of(k, m), w, Shape.of(k, t), x, (g, in) -> g.matmul(in[0], in[1]));
    for (int j = 0; j < t; j++) {
      for (int i = 0; i < m; i++) {
        double sum = 0;
        for (int p = 0; p < k; p++) sum += (double) w[i * k + p] * x[j * k + p];
        assertThat((double) got[j * m + i]).isCloseTo(sum, within(1e-4 * Math.sqrt(k)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 17, 33, 257})
  void addMulDivRepeatTheSecond(int n) {
    var a = values(n * 4);
    var b = values(n);
    var sum = run(Shape.of(n, 4), a, Shape.of(n), b, (g, in) -> g.add(in[0], in[1]));
    var product = run(Shape.of(n, 4), a, Shape.of(n), b, (g, in) -> g.mul(in[0], in[1]));
    var quotient = run(Shape.of(n, 4), a, Shape.of(n), b, (g, in) -> g.div(in[0], in[1]));
    for (int i = 0; i < a.length; i++) {
      assertThat(sum[i]).isEqualTo(a[i] + b[i % n]);
      assertThat(product[i]).isEqualTo(a[i] * b[i % n]);
      assertThat(quotient[i]).isCloseTo(a[i] / b[i % n], within(Math.abs(a[i] / b[i % n]) * 1e-6f));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 8, 17, 33, 257})
  void normsAndActivations(int n) {
    var a = values(n * 3);
    var b = values(n * 3);
    var weight = values(n);
    var normed =
        run(Shape.of(n, 3), a, Shape.of(n), weight, (g, in) -> g.rmsNorm(in[0], in[1], 1e-5f));
    var gated = run(Shape.of(n, 3), a, Shape.of(n, 3), b, (g, in) -> g.swiglu(in[0], in[1]));
    var soft = run(Shape.of(n, 3), a, Shape.of(1), new float[1], (g, in) -> g.softmax(in[0]));
    var sums = run(Shape.of(n, 3), a, Shape.of(1), new float[1], (g, in) -> g.sumRows(in[0]));
    for (int row = 0; row < 3; row++) {
      double squares = 0;
      double exps = 0;
      double sum = 0;
      for (int i = 0; i < n; i++) {
        squares += (double) a[row * n + i] * a[row * n + i];
        exps += Math.exp(a[row * n + i]);
        sum += a[row * n + i];
      }
      double rms = Math.sqrt(squares / n + 1e-5);
      assertThat((double) sums[row]).isCloseTo(sum, within(1e-3));
      for (int i = 0; i < n; i++) {
        double x = a[row * n + i];
        assertThat((double) normed[row * n + i]).isCloseTo(x / rms * weight[i], within(1e-4));
        assertThat((double) gated[row * n + i])
            .isCloseTo(x / (1 + Math.exp(-x)) * b[row * n + i], within(1e-4));
        assertThat((double) soft[row * n + i]).isCloseTo(Math.exp(x) / exps, within(1e-5));
      }
    }
  }

  @Test
  void scaleClampRepeatAndSumOfSlices() {
    var a = values(5 * 3 * 2);
    var none = new float[1];
    var scaled = run(Shape.of(5, 6), a, Shape.of(1), none, (g, in) -> g.scale(in[0], 0.5f));
    var sums =
        run(Shape.of(5, 3, 2), a, Shape.of(1), none, (g, in) -> g.sumSlices(in[0])); // [5, 2]
    var repeated =
        run(Shape.of(5, 6), a, Shape.of(1), none, (g, in) -> g.repeat(in[0], Shape.of(5, 12)));
    var clamped =
        run(Shape.of(5, 6), a.clone(), Shape.of(1), none, (g, in) -> g.clamp(in[0], -0.1f, 0.2f));
    for (int i = 0; i < a.length; i++) {
      assertThat(scaled[i]).isEqualTo(a[i] / 2);
      assertThat(repeated[i]).isEqualTo(a[i]);
      assertThat(repeated[a.length + i]).isEqualTo(a[i]);
      assertThat(clamped[i]).isEqualTo(Math.clamp(a[i], -0.1f, 0.2f));
    }
    for (int t = 0; t < 2; t++) {
      for (int i = 0; i < 5; i++) {
        float sum = a[t * 15 + i] + a[t * 15 + 5 + i] + a[t * 15 + 10 + i];
        assertThat(sums[t * 5 + i]).isCloseTo(sum, within(1e-5f));
      }
    }
  }

  @Test
  void rowsAndBestOfEachRow() {
    try (var graph = new Graph(64);
        var compute = new Compute(backend, 64)) {
      var table = graph.input("table", TensorType.F32, Shape.of(3, 4));
      var ids = graph.input("ids", TensorType.I32, Shape.of(5));
      var rows = graph.rows(table, ids); // [3, 5]
      var best =
          graph.rows(graph.reshape(table, Shape.of(1, 3, 4)), graph.topK(table, 2)); // [1, 2, 4]
      graph.output(rows);
      graph.output(best);
      compute.allocate(graph);
      table.set(5f, 1, 3, 2, 9, 4, 0, -1, -2, 7, 8, 6);
      ids.set(3, 0, 0, 2, 1);
      compute.run();
      var got = new float[15];
      rows.get(0, got);
      assertThat(got).containsExactly(7, 8, 6, 5, 1, 3, 5, 1, 3, 0, -1, -2, 2, 9, 4);
      var two = new float[8];
      best.get(0, two);
      assertThat(two).containsExactly(5, 3, 9, 4, 0, -1, 8, 7);
      // The same graph runs again with other inputs.
      ids.set(1, 1, 1, 1, 1);
      compute.run();
      rows.get(0, got);
      assertThat(got).containsExactly(2, 9, 4, 2, 9, 4, 2, 9, 4, 2, 9, 4, 2, 9, 4);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"ADJACENT", "SPLIT"})
  void ropeRotatesPairs(String layout) {
    int dim = 8;
    int heads = 3;
    int tokens = 4;
    var x = values(dim * heads * tokens);
    var rope =
        new Rope(Rope.Layout.valueOf(layout), dim, 10000, 0.5f, 128, 0, 1, 32, 1, null, null);
    float[] got;
    try (var graph = new Graph(64);
        var compute = new Compute(backend, 64)) {
      var a = graph.input("x", TensorType.F32, Shape.of(dim, heads, tokens));
      var positions = graph.input("positions", TensorType.I32, Shape.of(tokens));
      var rotated = graph.rope(a, positions, rope);
      graph.output(rotated);
      compute.allocate(graph);
      a.set(x);
      positions.set(0, 1, 7, 100);
      compute.run();
      got = new float[x.length];
      rotated.get(0, got);
    }
    int[] at = {0, 1, 7, 100};
    for (int t = 0; t < tokens; t++) {
      for (int h = 0; h < heads; h++) {
        int base = (t * heads + h) * dim;
        for (int pair = 0; pair < dim / 2; pair++) {
          int i = base + (layout.equals("SPLIT") ? pair : 2 * pair);
          int j = layout.equals("SPLIT") ? i + dim / 2 : i + 1;
          double angle = at[t] * 0.5 * Math.pow(10000, -2.0 * pair / dim);
          assertThat((double) got[i])
              .isCloseTo(x[i] * Math.cos(angle) - x[j] * Math.sin(angle), within(1e-4));
          assertThat((double) got[j])
              .isCloseTo(x[i] * Math.sin(angle) + x[j] * Math.cos(angle), within(1e-4));
        }
      }
    }
  }

  @Test
  void everyMismatchIsAnExceptionThatNamesBothShapes() {
    try (var graph = new Graph(256)) {
      var a = graph.input("a", TensorType.F32, Shape.of(4, 3));
      var b = graph.input("b", TensorType.F32, Shape.of(5, 3));
      var ids = graph.input("ids", TensorType.I32, Shape.of(3));
      var half = graph.input("half", TensorType.F16, Shape.of(4, 3));
      var cube = graph.input("cube", TensorType.F32, Shape.of(4, 3, 2));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> graph.matmul(a, b))
          .withMessageContainingAll("matmul", "a", "[4, 3]", "b", "[5, 3]");
      assertThatIllegalArgumentException().isThrownBy(() -> graph.matmul(ids, a));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.matmul(a, half));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.matmul(a, b, ids));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.add(a, b));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.mul(a, half));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.div(b, a));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.rows(a, b));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.rows(cube, ids));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.rmsNorm(a, b, 1e-5f));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.rmsNorm(a, a, Float.NaN));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.swiglu(a, b));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.swiglu(b));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.geglu(a, b));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.geglu(half, half));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.tanh(half));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.topK(a, 5));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.topK(a, 0));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.repeat(a, Shape.of(6, 3)));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.reshape(a, Shape.of(5)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> graph.input("x", TensorType.F32, Shape.of(0)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> graph.rope(cube, ids, rope(4)))
          .withMessageContaining("rope");
      assertThatIllegalArgumentException().isThrownBy(() -> rope(3));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> graph.rope(graph.reshape(cube, Shape.of(4, 2, 3)), ids, rope(6)));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8, 17, 33, 257})
  void layerNorms(int n) {
    var a = values(n * 3);
    var weight = values(n);
    var scaled =
        run(
            Shape.of(n, 3),
            a,
            Shape.of(n),
            weight,
            (g, in) -> g.layerNorm(in[0], in[1], null, 1e-5f));
    var shifted =
        run(
            Shape.of(n, 3),
            a,
            Shape.of(n),
            weight,
            (g, in) -> g.layerNorm(in[0], in[1], in[1], 1e-5f));
    for (int row = 0; row < 3; row++) {
      double mean = 0;
      double variance = 0;
      for (int i = 0; i < n; i++) mean += (double) a[row * n + i] / n;
      for (int i = 0; i < n; i++) variance += Math.pow(a[row * n + i] - mean, 2) / n;
      for (int i = 0; i < n; i++) {
        double x = (a[row * n + i] - mean) / Math.sqrt(variance + 1e-5) * weight[i];
        assertThat((double) scaled[row * n + i]).isCloseTo(x, within(1e-5 + 1e-5 * Math.abs(x)));
        assertThat((double) shifted[row * n + i])
            .isCloseTo(x + weight[i], within(1e-5 + 1e-5 * Math.abs(x)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 17, 33, 257})
  void geluIsTheApproximationWithTanh(int n) {
    var a = values(n);
    var got = run(Shape.of(n), a, Shape.of(1), new float[1], (g, in) -> g.gelu(in[0]));
    for (int i = 0; i < n; i++) {
      double x = a[i];
      double inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
      assertThat((double) got[i]).isCloseTo(0.5 * x * (1 + Math.tanh(inner)), within(2e-3));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 17, 33, 257})
  void tanhAndGatesOfHalves(int n) {
    var a = values(2 * n * 3);
    var b = values(2 * n * 3);
    var none = new float[1];
    var tanh = run(Shape.of(2 * n, 3), a, Shape.of(1), none, (g, in) -> g.tanh(in[0]));
    var geglu = run(Shape.of(2 * n, 3), a, Shape.of(2 * n, 3), b, (g, in) -> g.geglu(in[0], in[1]));
    var swiglu = run(Shape.of(2 * n, 3), a, Shape.of(1), none, (g, in) -> g.swiglu(in[0]));
    for (int i = 0; i < a.length; i++) {
      double x = a[i];
      double inner = Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x);
      assertThat((double) tanh[i]).isCloseTo(Math.tanh(x), within(1e-5));
      assertThat((double) geglu[i])
          .isCloseTo(0.5 * x * (1 + Math.tanh(inner)) * b[i], within(2e-3 + 2e-3 * Math.abs(b[i])));
    }
    for (int row = 0; row < 3; row++) {
      for (int i = 0; i < n; i++) {
        double gate = a[2 * n * row + i];
        assertThat((double) swiglu[n * row + i])
            .isCloseTo(gate / (1 + Math.exp(-gate)) * a[2 * n * row + n + i], within(1e-4));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 17, 33, 257})
  void sliceTakesAPartOfEachRow(int n) {
    for (int rows : new int[] {1, 2, 5}) {
      var a = values((n + 7) * rows * 2);
      var got =
          run(
              Shape.of(n + 7, rows, 2),
              a,
              Shape.of(1),
              new float[1],
              (g, in) -> g.scale(g.slice(in[0], 4, n), 1)); // scale needs what is contiguous
      for (int row = 0; row < 2 * rows; row++) {
        for (int i = 0; i < n; i++)
          assertThat(got[row * n + i]).isEqualTo(a[row * (n + 7) + 4 + i]);
      }
    }
  }

  @Test
  void normsAndSlicesThatDoNotFitAreRefused() {
    try (var graph = new Graph(64)) {
      var x = graph.input("x", TensorType.F32, Shape.of(8, 3));
      var short7 = graph.input("short7", TensorType.F32, Shape.of(7));
      var long8 = graph.input("long8", TensorType.F32, Shape.of(8));
      var ids = graph.input("ids", TensorType.I32, Shape.of(8));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> graph.layerNorm(x, short7, null, 1e-5f))
          .withMessageContainingAll("layerNorm", "[8, 3]", "[7]");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> graph.layerNorm(x, long8, short7, 1e-5f))
          .withMessageContainingAll("layerNorm", "[7]");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> graph.layerNorm(x, long8, long8, Float.NaN))
          .withMessageContaining("epsilon");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> graph.layerNorm(ids, long8, long8, 1e-5f));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.gelu(ids));
      assertThatIllegalArgumentException().isThrownBy(() -> graph.slice(ids, 0, 4));
      for (long[] part : new long[][] {{-1, 4}, {0, 0}, {5, 4}, {0, 9}, {Long.MAX_VALUE, 1}}) {
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
            .isThrownBy(() -> graph.slice(x, part[0], part[1]))
            .withMessageContaining("slice");
      }
    }
  }

  private static Rope rope(int dims) {
    return new Rope(Rope.Layout.SPLIT, dims, 10000, 1, 128, 0, 1, 32, 1, null, null);
  }

  @Test
  void aFullGraphSaysSo() {
    try (var graph = new Graph(32)) {
      var x = graph.input("x", TensorType.F32, Shape.of(4));
      assertThatIllegalStateException()
          .isThrownBy(
              () -> {
                var y = x;
                for (int i = 0; i < 100; i++) y = graph.add(y, x);
              })
          .withMessageContaining("32");
    }
  }

  @Test
  void useAfterCloseOrBeforeMemoryIsAnException() {
    Tensor x;
    try (var graph = new Graph(16)) {
      x = graph.input("x", TensorType.F32, Shape.of(4));
      var input = x;
      assertThatIllegalStateException()
          .isThrownBy(() -> input.set(1f, 2f, 3f, 4f))
          .withMessageContaining("no memory");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> input.set(1f))
          .withMessageContaining("[4]");
      assertThatIllegalArgumentException().isThrownBy(() -> input.set(1, 2, 3, 4));
    }
    assertThatIllegalStateException().isThrownBy(() -> x.get(0, new float[4]));
    assertThatIllegalStateException().isThrownBy(x::name);
    try (var compute = new Compute(backend, 16);
        var graph = new Graph(32)) {
      assertThatIllegalStateException().isThrownBy(compute::run);
      for (int i = 0; i < 17; i++) graph.input("x" + i, TensorType.F32, Shape.of(1));
      assertThatIllegalArgumentException().isThrownBy(() -> compute.allocate(graph));
    }
  }

  @Test
  void onlyInputsAreFilledAndAClosedGraphIsNotRun() {
    try (var compute = new Compute(backend, 16)) {
      var graph = new Graph(16);
      var x = graph.input("x", TensorType.F32, Shape.of(4));
      var y = graph.scale(x, 2);
      graph.output(y);
      compute.allocate(graph);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> y.set(1f, 2f, 3f, 4f))
          .withMessageContaining("not an input");
      graph.close();
      assertThatIllegalStateException().isThrownBy(compute::run);
      assertThatIllegalStateException().isThrownBy(() -> compute.allocate(graph));
      assertThatIllegalStateException().isThrownBy(() -> graph.scale(y, 2));
    }
  }

  @Test
  void anInterruptStopsARunAndTheGraphRunsAgain() {
    int n = 512;
    try (var graph = new Graph(512);
        var compute = new Compute(backend, 512)) {
      var x = graph.input("x", TensorType.F32, Shape.of(n, n));
      var y = x;
      for (int i = 0; i < 200; i++) y = graph.scale(graph.matmul(x, y), 1f / n);
      graph.output(y);
      compute.allocate(graph);
      x.set(values(n * n));
      Thread.currentThread().interrupt();
      assertThatExceptionOfType(CancellationException.class).isThrownBy(compute::run);
      assertThat(Thread.interrupted()).isTrue();
      compute.run();
      var out = new float[n];
      y.get(0, out);
      assertThat(out).doesNotContain(Float.NaN);
    }
  }

  @Test
  void anotherThreadIsRefused() throws InterruptedException {
    try (var compute = new Compute(backend, 16);
        var graph = new Graph(16)) {
      var failures = new Throwable[2];
      var thread =
          new Thread(
              () -> {
                failures[0] =
                    org.assertj.core.api.Assertions.catchThrowable(() -> compute.allocate(graph));
                failures[1] = org.assertj.core.api.Assertions.catchThrowable(compute::close);
              });
      thread.start();
      thread.join();
      assertThat(failures[0]).isInstanceOf(WrongThreadException.class);
      assertThat(failures[1]).isInstanceOf(WrongThreadException.class);
    }
  }
}
