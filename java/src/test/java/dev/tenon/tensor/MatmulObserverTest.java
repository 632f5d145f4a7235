package dev.tenon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Function;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// What an observer is shown, against what was put in.
class MatmulObserverTest {
  private final Random random = new Random(3);
  private final List<String> seen = new ArrayList<>();
  private Backend backend;
  private Graph graph;
  private Compute compute;
  private Tensor result;

  @BeforeEach
  void open() {
    backend = Backend.cpu(2);
    graph = new Graph(64);
    compute = new Compute(backend, 64);
  }

  @AfterEach
  void close() {
    compute.close();
    graph.close();
    backend.close();
  }

  private Tensor input(String name, long... dimensions) {
    return graph.input(name, TensorType.F32, Shape.of(dimensions));
  }

  private float[] values(Tensor tensor) {
    var values = new float[(int) tensor.shape().elements()];
    for (int i = 0; i < values.length; i++) values[i] = (float) random.nextGaussian();
    return values;
  }

  private float[] fill(Tensor input) {
    var values = values(input);
    input.set(values);
    return values;
  }

  private void build(Function<Graph, Tensor> result) {
    this.result = result.apply(graph);
    graph.output(this.result);
    compute.allocate(graph);
  }

  private MatmulObserver observer(Consumer<Matmul> then) {
    return new MatmulObserver() {
      @Override
      public boolean wants(String matrix) {
        seen.add(matrix);
        return matrix.startsWith("w");
      }

      @Override
      public void multiplied(Matmul matmul) {
        then.accept(matmul);
      }
    };
  }

  @Test
  void everyRowIsShown() {
    var w = input("w", 33, 5, 2, 1);
    var x = input("x", 33, 7, 4, 3);
    build(g -> g.matmul(w, x));
    fill(w);
    var values = fill(x);
    compute.observe(
        observer(
            matmul -> {
              assertThat(matmul.matrix()).isEqualTo("w");
              assertThat(matmul.matrixShape()).isEqualTo(Shape.of(33, 5, 2, 1));
              assertThat(matmul.inputShape()).isEqualTo(Shape.of(33, 7, 4, 3));
              assertThat(matmul.experts()).isNull();
              var row = new float[33];
              for (int i = 0; i < 7 * 4 * 3; i++) {
                matmul.row(i % 7, i / 7 % 4, i / 28, row);
                for (int j = 0; j < 33; j++) assertThat(row[j]).isEqualTo(values[33 * i + j]);
              }
              assertThatThrownBy(() -> matmul.row(7, 0, 0, row))
                  .isInstanceOf(IndexOutOfBoundsException.class);
              assertThatThrownBy(() -> matmul.row(0, 0, 0, new float[32]))
                  .isInstanceOf(IndexOutOfBoundsException.class);
            }));
    compute.run();
    assertThat(seen).contains("w");
  }

  @Test
  void experts() {
    var w = input("w", 16, 3, 6);
    var x = input("x", 16, 1, 9);
    var scores = input("scores", 6, 9);
    // The best two of six: rows with gaps between them.
    build(g -> g.matmul(w, x, g.topK(scores, 2)));
    fill(w);
    var values = fill(x);
    var of = fill(scores);
    var shown = new ArrayList<int[]>();
    compute.observe(
        observer(
            matmul -> {
              shown.add(matmul.experts().clone());
              var row = new float[16];
              for (int token = 0; token < 9; token++) {
                matmul.row(0, token, 0, row);
                for (int j = 0; j < 16; j++) assertThat(row[j]).isEqualTo(values[16 * token + j]);
              }
            }));
    compute.run();
    assertThat(shown).hasSize(1);
    for (int token = 0; token < 9; token++) {
      for (int place = 0; place < 2; place++) {
        float score = of[6 * token + shown.getFirst()[2 * token + place]];
        int better = 0;
        for (int expert = 0; expert < 6; expert++) if (of[6 * token + expert] > score) better++;
        assertThat(better).isEqualTo(place);
      }
    }
  }

  @Test
  void resultsAreTheSame() {
    var w = input("w", 32, 8);
    var v = input("v", 8, 8);
    var x = input("x", 32, 3);
    build(g -> g.matmul(v, g.matmul(w, x)));
    var inputs = List.of(w, v, x);
    var values = inputs.stream().map(this::values).toList();
    // What was put in may be gone after a run.
    var results = new ArrayList<float[]>();
    var times = new int[1];
    for (int run = 0; run < 3; run++) {
      for (int i = 0; i < 3; i++) inputs.get(i).set(values.get(i));
      compute.run();
      var numbers = new float[24];
      result.get(0, numbers);
      results.add(numbers);
      compute.observe(observer(_ -> times[0]++));
    }
    assertThat(results.get(1)).isEqualTo(results.get(0));
    assertThat(results.get(2)).isEqualTo(results.get(0));
    assertThat(times[0]).isEqualTo(2);
    assertThat(seen).contains("v", "w");
    compute.observe(null);
    seen.clear();
    compute.run();
    assertThat(seen).isEmpty();
  }

  @Test
  void whatItThrowsComesOutAndTheGraphCanRunAgain() {
    var w = input("w1", 32, 8);
    var v = input("w2", 8, 8);
    var x = input("x", 32, 3);
    build(g -> g.matmul(v, g.matmul(w, x)));
    fill(w);
    fill(v);
    fill(x);
    var shown = new ArrayList<String>();
    compute.observe(
        observer(
            matmul -> {
              shown.add(matmul.matrix());
              throw new IllegalStateException("enough");
            }));
    assertThatIllegalStateException().isThrownBy(compute::run).withMessage("enough");
    assertThat(shown).containsExactly("w1");
    compute.observe(observer(matmul -> shown.add(matmul.matrix())));
    compute.run();
    assertThat(shown).containsExactly("w1", "w1", "w2");
  }

  private void buildTwo() {
    var w = input("w1", 32, 8);
    var v = input("w2", 8, 8);
    var x = input("x", 32, 3);
    build(g -> g.matmul(v, g.matmul(w, x)));
    List.of(w, v, x).forEach(this::fill);
  }

  @Test
  void itCannotDisturbWhatRuns() {
    buildTwo();
    List<Runnable> calls =
        List.of(
            () -> compute.observe(null),
            () -> compute.observe(observer(_ -> {})),
            () -> compute.allocate(graph),
            () -> compute.reserve(graph),
            compute::run,
            compute::runToTheEnd,
            compute::close);
    for (var call : calls) {
      int[] shown = {0};
      compute.observe(
          observer(
              _ -> {
                shown[0]++;
                assertThatIllegalStateException()
                    .isThrownBy(call::run)
                    .withMessageContaining("called by the observer");
                assertThat(compute.bytes()).isPositive();
              }));
      compute.run();
      assertThat(shown[0]).isEqualTo(2);
      // What it does not catch comes out.
      compute.observe(observer(_ -> call.run()));
      assertThatIllegalStateException().isThrownBy(compute::run);
    }
    compute.observe(null);
    compute.run();
  }

  @Test
  void whatItKeepsIsGone() {
    buildTwo();
    var kept = new ArrayList<Matmul>();
    compute.observe(observer(kept::add));
    compute.run();
    assertThat(kept).hasSize(2);
    for (var matmul : kept)
      assertThatIllegalStateException()
          .isThrownBy(() -> matmul.row(0, 0, 0, new float[(int) matmul.inputShape().n0()]))
          .withMessageContaining(matmul.matrix());
  }

  @Test
  void nothingIsShownAfterItThrew() {
    buildTwo();
    int[] shown = {0};
    compute.observe(
        new MatmulObserver() {
          @Override
          public boolean wants(String matrix) {
            seen.add(matrix);
            throw new IllegalArgumentException("no " + matrix);
          }

          @Override
          public void multiplied(Matmul matmul) {
            shown[0]++;
          }
        });
    assertThatThrownBy(compute::run).hasMessage("no w1");
    assertThat(seen).containsExactly("w1");
    assertThat(shown[0]).isZero();
  }
}
