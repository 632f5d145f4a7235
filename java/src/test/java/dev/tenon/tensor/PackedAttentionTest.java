package dev.tenon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Attention of sequences that lie in one pass, against plain loops.
class PackedAttentionTest {
  private static Backend backend;

  @BeforeAll
  static void open() {
    backend = Backend.cpu(2);
  }

  @AfterAll
  static void close() {
    backend.close();
  }

  private final Random random = new Random(3);

  private float[] values(int n) {
    var values = new float[n];
    for (int i = 0; i < n; i++) values[i] = (float) random.nextGaussian();
    return values;
  }

  @ParameterizedTest
  @CsvSource({
    "8, 8, 4, 4, 5",
    "8, 8, 4, 4, 3 3 3",
    "16, 16, 1, 1, 1 1 2 7 7 3 3 3 1",
    "20, 20, 6, 2, 4 9 9 2",
    "64, 64, 8, 8, 30 31 31 40",
    "8, 24, 4, 2, 2 2 6",
  })
  void eachTokenSeesItsSequenceAlone(
      int headDim, int valueDim, int heads, int kvHeads, String sizes) {
    var lengths = Arrays.stream(sizes.split(" ")).mapToInt(Integer::parseInt).toArray();
    var packing = new Packing(lengths);
    int t = packing.rows();
    var q = values(headDim * heads * t);
    var k = values(headDim * kvHeads * t);
    var v = values(valueDim * kvHeads * t);
    float scale = 0.3f;
    for (boolean kept : new boolean[] {false, true}) {
      try (var graph = new Graph(256);
          var compute = new Compute(backend, 256)) {
        var inputs =
            new Tensor[] {
              graph.input("q", TensorType.F32, Shape.of(headDim, heads, t)),
              graph.input("k", TensorType.F32, Shape.of(headDim, kvHeads, t)),
              graph.input("v", TensorType.F32, Shape.of(valueDim, kvHeads, t))
            };
        var tap = kept ? new AttentionTap(graph) : null;
        var attention = new PackedAttention(graph, packing, tap);
        var result = attention.attend(0, inputs[0], inputs[1], inputs[2], scale);
        assertThat(result.shape()).isEqualTo(Shape.of((long) valueDim * heads, t));
        graph.output(result);
        compute.allocate(graph);
        inputs[0].set(q);
        inputs[1].set(k);
        inputs[2].set(v);
        compute.run();
        var got = new float[valueDim * heads * t];
        result.get(0, got);
        int from = 0;
        for (int length : lengths) {
          for (int row = from; row < from + length; row++) {
            var expected =
                Loops.attend(
                    Arrays.copyOfRange(q, row * headDim * heads, (row + 1) * headDim * heads),
                    Arrays.copyOfRange(
                        k, from * headDim * kvHeads, (from + length) * headDim * kvHeads),
                    Arrays.copyOfRange(
                        v, from * valueDim * kvHeads, (from + length) * valueDim * kvHeads),
                    heads,
                    kvHeads,
                    length,
                    scale);
            for (int i = 0; i < expected.length; i++)
              assertThat((double) got[row * expected.length + i])
                  .isCloseTo(expected[i], within(2e-5));
          }
          from += length;
        }
        if (!kept) continue;
        int looked = 0; // one tensor for each run of equal lengths
        for (var layer : tap.kept()) {
          var shape = layer.probabilities().shape();
          var probabilities = new float[(int) shape.elements()];
          layer.probabilities().get(0, probabilities);
          for (int row = 0; row < shape.elements() / shape.n0(); row++) {
            double sum = 0;
            for (int i = 0; i < shape.n0(); i++) sum += probabilities[row * (int) shape.n0() + i];
            assertThat(sum).isCloseTo(1, within(1e-5));
          }
          looked += (int) (shape.n1() * shape.n3());
        }
        assertThat(looked).isEqualTo(t);
      }
    }
  }

  @Test
  void shapesMustGoWithThePacking() {
    try (var graph = new Graph(64)) {
      var attention = new PackedAttention(graph, new Packing(new int[] {2, 3}), null);
      var five = graph.input("five", TensorType.F32, Shape.of(8, 2, 5));
      var six = graph.input("six", TensorType.F32, Shape.of(8, 2, 6));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> attention.attend(0, six, five, five, 1))
          .withMessageContaining("queries");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> attention.attend(0, five, six, five, 1))
          .withMessageContaining("keys");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> attention.attend(0, five, five, six, 1))
          .withMessageContaining("values");
      var turned = graph.swap12(graph.input("turned", TensorType.F32, Shape.of(8, 5, 2)));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> attention.attend(0, turned, five, five, 1))
          .withMessageContaining("contiguous");
    }
  }

  @Test
  void packingsHaveRowsAndAreEqualByTheirLengths() {
    assertThat(new Packing(new int[] {2, 3})).isEqualTo(new Packing(new int[] {2, 3}));
    assertThat(new Packing(new int[] {2, 3})).isNotEqualTo(new Packing(new int[] {3, 2}));
    for (var wrong : new int[][] {{}, {0}, {3, -1}, {1 << 20, 1}})
      assertThatIllegalArgumentException().isThrownBy(() -> new Packing(wrong));
  }
}
