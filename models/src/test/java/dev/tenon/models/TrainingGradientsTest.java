package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Decoder;
import dev.tenon.model.Hyperparameters;
import dev.tenon.model.Inputs;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.Compute;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.TrainingView;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// The graph of each architecture when it is trained: its logits are those of inference, and the
/// gradients of a whole model, of all its weights, go with differences of its loss.
class TrainingGradientsTest {
  private static final int LENGTH = 12;
  private static final int VOCABULARY = TinyFile.TOKENS;

  @TempDir static Path folder;

  static Stream<TinyFile> trainable() {
    return Stream.of(
        TinyLlama.DENSE,
        TinyLlama.BIASED,
        TinyGpt2.TIED,
        TinyGpt2.UNTIED,
        TinyQwen.TWO,
        TinyQwen.TWO_UNTIED,
        TinyQwen.THREE,
        TinyQwen.THREE_UNTIED,
        TinyGemma3.SEVEN,
        TinyPhi3.PLAIN,
        TinyPhi3.PARTIAL);
  }

  @TestFactory
  Stream<DynamicTest> logitsAreThoseOfInference() {
    return trainable()
        .map(tiny -> DynamicTest.dynamicTest(tiny.toString(), () -> sameLogits(tiny)));
  }

  @TestFactory
  Stream<DynamicTest> gradientsGoWithDifferencesOfTheLoss() {
    return trainable().map(tiny -> DynamicTest.dynamicTest(tiny.toString(), () -> gradients(tiny)));
  }

  private static void sameLogits(TinyFile tiny) throws IOException {
    var file = tiny.write(folder.resolve("logits.gguf"));
    var tokens = new Random(3).ints(LENGTH, 0, VOCABULARY).toArray();
    try (var training = new Training(file, tiny, tokens)) {
      try (var inference =
          new Evaluations(
              file, tiny.architecture(), Evaluations.settings(TensorType.F32, false), false)) {
        // Graphs for training compute gelu itself, inference looks it up in a table.
        assertThat(Logits.nmse(training.logits(), inference.all(tokens))).isLessThan(1e-6);
      }
    }
  }

  /// The derivative of the loss in a direction of all weights at once, for each tensor of them.
  private static void gradients(TinyFile tiny) throws IOException {
    var file = tiny.write(folder.resolve("gradients.gguf"));
    var random = new Random(5);
    var tokens = random.ints(LENGTH, 0, VOCABULARY).toArray();
    try (var training = new Training(file, tiny, tokens)) {
      var gradients = training.gradients();
      for (int i = 0; i < gradients.size(); i++) {
        var weight = training.weights.get(i);
        var gradient = gradients.get(i);
        // Along the gradient itself the loss changes most, so that rounding counts least.
        double norm = 0;
        for (float g : gradient) norm += (double) g * g;
        norm = Math.sqrt(norm);
        assertThat(norm).as(weight.name()).isPositive();
        // A step that changes the loss by a twentieth, and no weight by much.
        double step = Math.min(0.05 / norm, 0.01 * Math.sqrt(gradient.length));
        double[] losses = new double[5];
        for (int j = -2; j <= 2; j++)
          losses[j + 2] = training.lossAt(weight, gradient, j * step / norm);
        double difference = // of fourth order
            (losses[0] - 8 * losses[1] + 8 * losses[3] - losses[4]) / (12 * step);
        // What a loss of some 60 nats, computed in F32, is rounded by.
        double rounding = 2e-5 / step;
        assertThat(Math.abs(difference - norm))
            .as(weight.name())
            .isLessThan(1e-3 * norm + rounding);
        assertThat(rounding).as("what can be told of " + weight.name()).isLessThan(0.1 * norm);
      }
    }
  }

  /// A model, and the graph of one row of tokens, of which each but the first is to be foreseen.
  private static final class Training implements AutoCloseable {
    final Backend backend = Backend.cpu(1);
    final Gguf gguf;
    final Weights all;
    final List<Tensor> weights;
    final Graph graph = Graph.forTraining(4000);
    final Compute compute;
    final Tensor logits;
    final List<Tensor> gradients;
    final Runnable fill;

    Training(Path file, TinyFile tiny, int[] tokens) throws IOException {
      gguf = Gguf.open(file);
      assertThat(Hyperparameters.of(gguf).vocabulary()).isEqualTo(VOCABULARY);
      all = Weights.trainable(gguf, backend);
      var decoder = (Decoder) tiny.architecture().bind(gguf, all);
      all.load((_, _) -> {});
      weights = List.copyOf(all.trained().values());
      int t = tokens.length;
      var inputs =
          new Inputs(
              graph.input("tokens", TensorType.I32, Shape.of(t)),
              graph.input("positions", TensorType.I32, Shape.of(t)),
              graph.input("outputs", TensorType.I32, Shape.of(t)));
      var labels = graph.input("labels", TensorType.I32, Shape.of(t));
      var view = new TrainingView(graph, 1, t);
      logits = decoder.forward(graph, inputs, view);
      graph.output(logits);
      var dy = graph.crossEntropyGradient(graph.softmax(logits), labels);
      gradients = new ArrayList<>();
      for (var gradient : graph.gradients(logits, dy, weights)) {
        gradients.add(graph.scale(gradient, 1));
        graph.output(gradients.getLast());
      }
      compute = new Compute(backend, graph.size());
      compute.allocate(graph);
      int[] places = new int[t];
      int[] next = new int[t];
      for (int i = 0; i < t; i++) {
        places[i] = i;
        next[i] = i + 1 < t ? tokens[i + 1] : -1;
      }
      fill =
          () -> {
            inputs.tokens().set(tokens);
            inputs.positions().setIfUsed(places);
            inputs.outputs().setIfUsed(places);
            labels.set(next);
            view.fill(new int[t]);
          };
      this.tokens = tokens;
    }

    final int[] tokens;

    float[][] logits() {
      fill.run();
      compute.run();
      var rows = new float[tokens.length][VOCABULARY];
      for (int i = 0; i < rows.length; i++) logits.get((long) i * VOCABULARY, rows[i]);
      return rows;
    }

    List<float[]> gradients() {
      fill.run();
      compute.run();
      return gradients.stream().map(Training::read).toList();
    }

    /// The sum of the losses with a weight moved.
    double lossAt(Tensor weight, float[] direction, double step) {
      var before = read(weight);
      var moved = before.clone();
      for (int i = 0; i < moved.length; i++) moved[i] += (float) (step * direction[i]);
      weight.fill(MemorySegment.ofArray(moved));
      var rows = logits();
      weight.fill(MemorySegment.ofArray(before));
      double loss = 0;
      for (int i = 0; i + 1 < tokens.length; i++) {
        double sum = 0;
        for (float logit : rows[i]) sum += Math.exp(logit);
        loss += Math.log(sum) - rows[i][tokens[i + 1]];
      }
      return loss;
    }

    private static float[] read(Tensor x) {
      var elements = new float[Math.toIntExact(x.shape().elements())];
      x.get(0, elements);
      return elements;
    }

    @Override
    public void close() {
      compute.close();
      graph.close();
      all.close();
      gguf.close();
      backend.close();
    }
  }
}
