package dev.tenon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/// Gradients against central differences, at random points.
class GradientsTest {
  /// An operation of variables: of each the shape, and what it makes of them.
  private record Case(String name, Operation operation, Shape... variables) {}

  private interface Operation {
    Tensor of(Graph g, List<Tensor> x);
  }

  private static Shape shape(long... n) {
    return Shape.of(n);
  }

  private static Stream<Case> cases() {
    return Stream.of(
        new Case("add", (g, x) -> g.add(x.get(0), x.get(1)), shape(5, 3), shape(5, 3)),
        new Case("add repeated", (g, x) -> g.add(x.get(0), x.get(1)), shape(5, 3), shape(5)),
        new Case("add to itself", (g, x) -> g.add(x.get(0), x.get(0)), shape(5, 3)),
        new Case("mul", (g, x) -> g.mul(x.get(0), x.get(1)), shape(5, 3), shape(5, 3)),
        new Case("mul repeated", (g, x) -> g.mul(x.get(0), x.get(1)), shape(6, 4, 2), shape(6)),
        new Case("square", (g, x) -> g.mul(x.get(0), x.get(0)), shape(7)),
        new Case(
            "div",
            (g, x) -> g.div(g.mul(x.get(0), x.get(2)), g.softmax(x.get(1))),
            shape(5, 3),
            shape(5, 3),
            shape(5)),
        new Case("scale", (g, x) -> g.scale(x.get(0), -1.7f), shape(5, 3)),
        new Case("matmul", (g, x) -> g.matmul(x.get(0), x.get(1)), shape(7, 5), shape(7, 9)),
        new Case(
            "matmul with groups",
            (g, x) -> g.matmul(x.get(0), x.get(1)),
            shape(7, 5, 2, 3),
            shape(7, 4, 6, 3)),
        new Case("matmul of one", (g, x) -> g.matmul(x.get(0), x.get(1)), shape(33, 1), shape(33)),
        new Case("sumRows", (g, x) -> g.sumRows(x.get(0)), shape(5, 3)),
        new Case("repeat", (g, x) -> g.repeat(x.get(0), shape(6, 4)), shape(3, 2)),
        new Case("rmsNorm", (g, x) -> g.rmsNorm(x.get(0), x.get(1), 1e-5f), shape(9, 4), shape(9)),
        new Case(
            "layerNorm",
            (g, x) -> g.layerNorm(x.get(0), x.get(1), x.get(2), 1e-5f),
            shape(9, 4),
            shape(9),
            shape(9)),
        new Case("softmax", (g, x) -> g.softmax(x.get(0)), shape(6, 4)),
        new Case("gelu", (g, x) -> g.gelu(x.get(0)), shape(6, 4)),
        new Case("geglu", (g, x) -> g.geglu(x.get(0), x.get(1)), shape(6, 4), shape(6, 4)),
        new Case("silu", (g, x) -> g.silu(x.get(0)), shape(6, 4)),
        new Case("tanh", (g, x) -> g.tanh(x.get(0)), shape(6, 4)),
        new Case("relu", (g, x) -> g.relu(x.get(0)), shape(6, 4)),
        new Case("swiglu", (g, x) -> g.swiglu(x.get(0), x.get(1)), shape(6, 4), shape(6, 4)),
        new Case("swiglu of halves", (g, x) -> g.swiglu(x.get(0)), shape(12, 4)),
        new Case(
            "slices",
            (g, x) -> g.mul(g.slice(x.get(0), 1, 4), g.slice(x.get(0), 3, 4)),
            shape(8, 3)),
        new Case("reshape", (g, x) -> g.reshape(x.get(0), shape(5, 6)), shape(10, 3)),
        new Case("permute", (g, x) -> g.contiguous(g.swap12(x.get(0)), 4, 30), shape(4, 5, 6)),
        new Case("rotate", (g, x) -> g.contiguous(g.rotate012(x.get(0)), 6, 40), shape(4, 5, 6, 2)),
        new Case("transpose", (g, x) -> g.transposed(x.get(0)), shape(4, 5, 6)),
        new Case("rows", (g, x) -> g.rows(x.get(0), ints(g, 3, 0, 3, 1, 3)), shape(5, 4)),
        new Case(
            "rope of neighbours",
            (g, x) -> g.rope(x.get(0), ints(g, 0, 1, 7, 30), rope(Rope.Layout.ADJACENT)),
            shape(8, 3, 4)),
        new Case(
            "rope of halves",
            (g, x) -> g.rope(x.get(0), ints(g, 0, 1, 7, 30), rope(Rope.Layout.SPLIT)),
            shape(8, 3, 4)),
        new Case("attention", (g, x) -> attend(g, x, 1000), heads(4), heads(4), heads(4)),
        new Case("attention in groups", (g, x) -> attend(g, x, 1000), heads(4), heads(2), heads(2)),
        new Case("attention in a window", (g, x) -> attend(g, x, 2), heads(2), heads(2), heads(2)));
  }

  private static final int ROWS = 2;
  private static final int LENGTH = 6;

  private static Shape heads(int heads) {
    return shape(8, heads, ROWS * LENGTH);
  }

  private static final ThreadLocal<List<Runnable>> FILL = ThreadLocal.withInitial(ArrayList::new);

  private static Tensor attend(Graph g, List<Tensor> x, int window) {
    var view = new TrainingView(g, ROWS, LENGTH);
    FILL.get().add(() -> view.fill(new int[] {0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 5}));
    return view.attend(0, x.get(0), x.get(1), x.get(2), 0.35f, window);
  }

  private static Tensor ints(Graph g, int... values) {
    var ints = g.input("ints", TensorType.I32, Shape.of(values.length));
    FILL.get().add(() -> ints.set(values));
    return ints;
  }

  private static Rope rope(Rope.Layout layout) {
    return new Rope(layout, 6, 10000, 1, 128, 0, 1, 32, 1, null, null);
  }

  @TestFactory
  Stream<DynamicTest> againstCentralDifferences() {
    return cases()
        .map(c -> DynamicTest.dynamicTest(c.name, () -> check(c, new Random(c.name.hashCode()))));
  }

  private static void check(Case c, Random random) {
    var values = new ArrayList<float[]>();
    for (var shape : c.variables) values.add(random(random, shape));
    var differentiated = differentiate(c, values, null);
    var weights = random(random, differentiated.shape);
    var gradients = differentiate(c, values, weights).gradients;
    for (int v = 0; v < values.size(); v++) {
      double error = 0;
      double norm = 0;
      for (int i = 0; i < values.get(v).length; i++) {
        double difference = difference(c, values, v, i, weights);
        error += Math.pow(difference - gradients.get(v)[i], 2);
        norm += Math.pow(difference, 2);
      }
      assertThat(norm).as("some influence of variable %d", v).isPositive();
      assertThat(Math.sqrt(error / norm)).as("relative error of variable %d", v).isLessThan(1e-3);
    }
  }

  /// How the sum of results times `weights` changes with an element of a variable.
  private static double difference(
      Case c, List<float[]> values, int variable, int element, float[] weights) {
    double[] sums = new double[2];
    for (int side = 0; side < 2; side++) {
      var moved = new ArrayList<>(values);
      moved.set(variable, values.get(variable).clone());
      moved.get(variable)[element] += side == 0 ? -STEP : STEP;
      var y = differentiate(c, moved, null).y;
      for (int i = 0; i < y.length; i++) sums[side] += (double) weights[i] * y[i];
    }
    double from = values.get(variable)[element] - STEP;
    double to = values.get(variable)[element] + STEP;
    return (sums[1] - sums[0]) / (to - from);
  }

  private static final float STEP = 1f / 128;

  private record Differentiated(Shape shape, float[] y, List<float[]> gradients) {}

  /// The result, and with `weights` the gradients of the sum of its products with them.
  private static Differentiated differentiate(Case c, List<float[]> values, float[] weights) {
    FILL.get().clear();
    try (var backend = Backend.cpu(2);
        var compute = new Compute(backend, 1000);
        var g = Graph.forTraining(1000)) {
      var x = new ArrayList<Tensor>();
      for (var shape : c.variables) x.add(g.input("x" + x.size(), TensorType.F32, shape));
      var y = c.operation.of(g, x);
      g.output(y);
      var gradients = new ArrayList<Tensor>();
      Tensor dy = null;
      if (weights != null) {
        dy = g.input("dy", TensorType.F32, y.shape());
        for (var gradient : g.gradients(y, dy, x)) {
          gradients.add(g.scale(gradient, 1)); // an output apart, where it is the input itself
          g.output(gradients.getLast());
        }
      }
      compute.allocate(g);
      for (int v = 0; v < x.size(); v++) x.get(v).set(values.get(v));
      if (dy != null) dy.set(weights);
      FILL.get().forEach(Runnable::run);
      compute.run();
      return new Differentiated(
          y.shape(), read(y), gradients.stream().map(GradientsTest::read).toList());
    }
  }

  private static float[] read(Tensor x) {
    var elements = new float[(int) x.shape().elements()];
    x.get(0, elements);
    return elements;
  }

  private static float[] random(Random random, Shape shape) {
    var numbers = new float[(int) shape.elements()];
    for (int i = 0; i < numbers.length; i++) {
      // Not near 0, where relu has no derivative.
      do numbers[i] = (float) random.nextGaussian();
      while (Math.abs(numbers[i]) < 2 * STEP);
    }
    return numbers;
  }

  @Test
  void theGradientOfTheCrossEntropyLeavesOutRowsWithoutALabel() {
    try (var backend = Backend.cpu(2);
        var compute = new Compute(backend, 100);
        var g = Graph.forTraining(100)) {
      var p = g.input("p", TensorType.F32, Shape.of(3, 4));
      var labels = g.input("labels", TensorType.I32, Shape.of(4));
      var gradient = g.crossEntropyGradient(p, labels);
      g.output(gradient);
      compute.allocate(g);
      var third = new float[12];
      Arrays.fill(third, 0.25f);
      p.set(third);
      labels.set(2, -1, 0, 3);
      compute.run();
      assertThat(read(gradient))
          .containsExactly(0.25f, 0.25f, -0.75f, 0, 0, 0, -0.75f, 0.25f, 0.25f, 0, 0, 0);
    }
  }

  @Test
  void anOperationWithoutAGradientIsNamed() {
    try (var _ = Backend.cpu(1);
        var g = Graph.forTraining(100)) {
      var w = g.input("w", TensorType.F32, Shape.of(4, 5, 2));
      var x = g.input("x", TensorType.F32, Shape.of(4, 1, 3));
      var y = g.matmul(w, x, g.input("ids", TensorType.I32, Shape.of(1, 3)));
      var dy = g.input("dy", TensorType.F32, y.shape());
      assertThatThrownBy(() -> g.gradients(y, dy, List.of(w)))
          .isInstanceOf(UnsupportedOperationException.class)
          .hasMessage("the operation MUL_MAT_ID has no gradient");
    }
  }

  @Test
  void aGraphThatIsFullSaysSoWhereverThatHappens() {
    try (var _ = Backend.cpu(1)) {
      boolean fitted = false;
      for (int capacity = 8; capacity < 150; capacity++) {
        try (var g = Graph.forTraining(capacity)) {
          var sum = g.input("x", TensorType.F32, Shape.of(3, 4, 4));
          var w = g.input("w", TensorType.F32, Shape.of(3, 3, 2));
          for (int i = 0; i < 8; i++) sum = g.matmul(w, sum);
          var dy = g.input("dy", TensorType.F32, sum.shape());
          assertThat(g.gradients(sum, dy, List.of(w))).doesNotContainNull();
          fitted = true;
        } catch (IllegalStateException e) {
          assertThat(fitted).isFalse();
          assertThat(e).hasMessage("graph is full: it holds " + capacity + " tensors");
        }
      }
      assertThat(fitted).isTrue();
    }
  }

  @Test
  void onlyWeightsThatAreTrainedAreFilled() {
    try (var backend = Backend.cpu(1);
        var g = Graph.forTraining(100)) {
      var x = g.input("x", TensorType.F32, Shape.of(4));
      var settings = new AdamW.Settings(0.9f, 0.95f, 1e-8f, 0);
      assertThatThrownBy(() -> x.fill(MemorySegment.ofArray(new float[4])))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is no weight that is trained");
      assertThatThrownBy(() -> new AdamW(backend, List.of(x), settings))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("is no weight that is trained");
    }
  }

  @Test
  void whatHasNoInfluenceHasNoGradient() {
    try (var _ = Backend.cpu(1);
        var g = Graph.forTraining(100)) {
      var a = g.input("a", TensorType.F32, Shape.of(4));
      var b = g.input("b", TensorType.F32, Shape.of(4));
      var y = g.scale(a, 2);
      assertThat(g.gradients(y, g.input("dy", TensorType.F32, Shape.of(4)), List.of(a, b)))
          .element(1)
          .isNull();
    }
  }
}
