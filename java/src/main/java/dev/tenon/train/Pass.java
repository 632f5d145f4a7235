package dev.tenon.train;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Decoder;
import dev.tenon.model.Inputs;
import dev.tenon.tensor.AdamW;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.Compute;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.TrainingView;
import java.util.List;

/// The graph of one pass of training: what the architecture builds for inference too, the loss of
/// its logits, and where wanted the gradients, which are added to those that the optimizer has.
final class Pass implements AutoCloseable {
  private final int tokenCount;
  private final int vocabulary;
  private final Graph graph;
  private final Compute compute;
  private final Inputs inputs;
  private final TrainingView view;
  private final Tensor labels; // I32 [t], or null
  private final Tensor picks; // I32 [t]: where each label's probability is among all
  private final Tensor picked; // F32 [1, t]

  /// @param optimizer takes the gradients; null where only the loss is wanted
  Pass(
      Decoder decoder,
      Backend backend,
      List<Tensor> weights,
      AdamW optimizer,
      int rows,
      int length,
      int vocabulary) {
    long places = (long) rows * length;
    if (places > 1 << 24 || places * vocabulary > 1 << 30)
      throw new IllegalArgumentException(
          "training: a pass of "
              + places
              + " tokens, each with "
              + vocabulary
              + " scores: smaller batches are needed");
    this.tokenCount = (int) places;
    this.vocabulary = vocabulary;
    int capacity = 1024 + 128 * weights.size();
    graph = Graph.forTraining(capacity);
    try {
      inputs =
          new Inputs(
              graph.input("tokens", TensorType.I32, Shape.of(tokenCount)),
              graph.input("positions", TensorType.I32, Shape.of(tokenCount)),
              graph.input("outputs", TensorType.I32, Shape.of(tokenCount)));
      view = new TrainingView(graph, rows, length);
      var logits = decoder.forward(graph, inputs, view); // [vocabulary, t]
      var probabilities = graph.softmax(logits); // [vocabulary, t]
      picks = graph.input("picks", TensorType.I32, Shape.of(tokenCount));
      picked = // [1, t]
          graph.rows(
              graph.reshape(probabilities, Shape.of(1, (long) vocabulary * tokenCount)), picks);
      graph.output(picked);
      if (optimizer == null) {
        labels = null;
      } else {
        labels = graph.input("labels", TensorType.I32, Shape.of(tokenCount));
        var gradient = graph.crossEntropyGradient(probabilities, labels); // [vocabulary, t]
        optimizer.accumulate(graph, graph.gradients(logits, gradient, weights));
      }
      compute = new Compute(backend, graph.size());
      try {
        compute.allocate(graph);
      } catch (Throwable e) {
        compute.close();
        throw e;
      }
    } catch (Throwable e) {
      graph.close();
      throw e;
    }
  }

  /// Runs the pass.
  ///
  /// @return the sum of the losses of all tokens that count, in nats
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  double run(Rows.Batch batch) {
    var identity = new int[tokenCount];
    var flat = new int[tokenCount];
    for (int i = 0; i < tokenCount; i++) {
      identity[i] = i;
      flat[i] = i * vocabulary + Math.max(0, batch.labels()[i]);
    }
    inputs.tokens().set(batch.tokens());
    inputs.positions().setIfUsed(batch.positions());
    inputs.outputs().setIfUsed(identity);
    picks.set(flat);
    if (labels != null) labels.set(batch.labels());
    view.fill(batch.starts());
    compute.run();
    var p = new float[tokenCount];
    picked.get(0, p);
    double loss = 0;
    for (int i = 0; i < tokenCount; i++) {
      if (batch.labels()[i] >= 0) loss -= Math.log(Math.max(p[i], Float.MIN_NORMAL));
    }
    return loss;
  }

  @Override
  public void close() {
    compute.close();
    graph.close();
  }
}
