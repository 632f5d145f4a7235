package dev.tenon.tensor;

import static java.lang.foreign.MemorySegment.NULL;

import dev.tenon.ggml.Ggml;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/// AdamW (Loshchilov and Hutter, Decoupled Weight Decay Regularization, 2019), by ggml's
/// `ggml_opt_step_adamw`: keeps the sum of the gradients since the last step and both moments of
/// each weight, in the processor's memory.
///
/// Matrices decay; vectors, which are norms and biases, do not, as in GPT-2. Confined to the thread
/// that made it.
///
/// ```java
/// optimizer.clear();
/// optimizer.accumulate(graph, graph.gradients(logits, gradient, weights)); // then run the graph
/// optimizer.step(1, 1e-3f, 1f / tokens);
/// ```
public final class AdamW implements AutoCloseable {
  private final Arena arena = Arena.ofConfined();
  private final Settings settings;
  private final List<Tensor> weights;
  private final List<Tensor> sums = new ArrayList<>();
  private final List<Tensor> means = new ArrayList<>();
  private final List<Tensor> squares = new ArrayList<>();
  private final MemorySegment buffer;
  private final Compute compute;

  /// The numbers of the method.
  ///
  /// @param beta1 how much of the mean of gradients stays from step to step, from 0 to below 1
  /// @param beta2 how much of the mean of their squares stays, from 0 to below 1
  /// @param epsilon added to the root of the latter, between 0 and 1
  /// @param weightDecay share of a matrix, times the learning rate, that is taken away in each
  ///     step, at least 0
  public record Settings(float beta1, float beta2, float epsilon, float weightDecay) {
    /// Checks the ranges.
    ///
    /// @throws IllegalArgumentException if a number is out of range
    public Settings {
      if (!(beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1))
        throw new IllegalArgumentException(
            "AdamW: betas " + beta1 + " and " + beta2 + ", each from 0 to below 1");
      if (!(epsilon > 0 && epsilon < 1))
        throw new IllegalArgumentException("AdamW: epsilon " + epsilon + ", between 0 and 1");
      if (!(weightDecay >= 0 && Float.isFinite(weightDecay)))
        throw new IllegalArgumentException("AdamW: weight decay " + weightDecay + ", at least 0");
    }
  }

  /// Starts with moments of zero.
  ///
  /// @param backend whose processor is used; must stay open longer than this
  /// @param weights [trainable][Weights#trainable] and loaded; must stay open longer than this
  /// @param settings the numbers of the method
  /// @throws BackendException if there is not the memory: three times that of the weights
  /// @throws IllegalArgumentException if one of them is no weight that is trained
  public AdamW(Backend backend, List<Tensor> weights, Settings settings) {
    weights.forEach(w -> w.needTrained("AdamW"));
    this.settings = settings;
    this.weights = List.copyOf(weights);
    MemorySegment made = NULL;
    try {
      long elements = weights.stream().mapToLong(w -> w.shape().elements()).sum();
      Backend.needMemory("the moments of the weights", 3 * Float.BYTES * elements);
      var context = Graph.newContext(arena, (3 * weights.size() + 1) * Ggml.ggml_tensor_overhead());
      for (var weight : weights) {
        sums.add(like(context, weight));
        means.add(like(context, weight));
        squares.add(like(context, weight));
      }
      made =
          Ggml.ggml_backend_alloc_ctx_tensors_from_buft(
              context, Ggml.ggml_backend_dev_buffer_type(backend.processor()));
      if (made.equals(NULL))
        throw new BackendException(
            "no memory for the moments of the weights" + Backend.complaint());
      Ggml.ggml_backend_buffer_clear(made, (byte) 0);
      weights.forEach(w -> Ggml.ggml_set_param(w.ggml()));
      compute = new Compute(backend, capacity());
      buffer = made;
    } catch (Throwable e) {
      if (!made.equals(NULL)) Ggml.ggml_backend_buffer_free(made);
      arena.close();
      throw e;
    }
  }

  private static final int PARAMETERS = 7; // of ggml_opt_step_adamw

  private Tensor like(MemorySegment context, Tensor weight) {
    return Tensor.create(context, arena, "", TensorType.F32, weight.shape(), Tensor.Origin.TRAINED);
  }

  /// Forgets the gradients that were summed up.
  public void clear() {
    for (var sum : sums) sum.plainBytes("clear").fill((byte) 0);
  }

  /// Appends to a graph that gradients are added to those since [#clear].
  ///
  /// @param graph in which the gradients are computed
  /// @param gradients of the weights, in their order; null where there is none
  /// @throws IllegalArgumentException if there are more or fewer, or one has another shape than its
  ///     weight
  public void accumulate(Graph graph, List<Tensor> gradients) {
    if (gradients.size() != sums.size())
      throw new IllegalArgumentException(
          "accumulate: " + gradients.size() + " gradients of " + sums.size() + " weights");
    for (int i = 0; i < sums.size(); i++) {
      var gradient = gradients.get(i);
      if (gradient == null) continue;
      if (!gradient.shape().equals(weights.get(i).shape()) || gradient.type() != TensorType.F32)
        throw new IllegalArgumentException(
            "accumulate: " + gradient + " does not go with " + weights.get(i));
      var sum =
          graph.made(Ggml.ggml_add_inplace(graph.context(), sums.get(i).ggml(), gradient.ggml()));
      Ggml.ggml_build_forward_expand(graph.ggml(), sum);
    }
  }

  /// {@return the Euclidean norm of all gradients since [#clear], as one vector; not finite where
  /// one of them is not}
  public double norm() {
    double squares = 0;
    for (var sum : sums) {
      var elements = sum.plainBytes("norm");
      long n = sum.shape().elements();
      for (long i = 0; i < n; i++) {
        double gradient = elements.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        squares += gradient * gradient;
      }
    }
    return Math.sqrt(squares);
  }

  /// Changes the weights by the gradients since [#clear].
  ///
  /// @param step from 1: the first step's moments are corrected most
  /// @param learningRate how far the weights go, at least 0
  /// @param scale what the sum of the gradients is multiplied by first: one by the tokens it is of,
  ///     and less where it is too long
  /// @throws IllegalArgumentException if there is no such step
  public void step(int step, float learningRate, float scale) {
    if (step < 1) throw new IllegalArgumentException("AdamW: step " + step + ", from 1");
    try (var graph = new Graph(capacity())) {
      var parameters = graph.input("adamw", TensorType.F32, Shape.of(PARAMETERS));
      var vectors = graph.input("adamw_vectors", TensorType.F32, Shape.of(PARAMETERS));
      for (int i = 0; i < weights.size(); i++) {
        var weight = weights.get(i);
        var gradient = graph.made(Ggml.ggml_scale(graph.context(), sums.get(i).ggml(), scale));
        boolean decays = weight.shape().n1() > 1;
        var stepped =
            graph.made(
                Ggml.ggml_opt_step_adamw(
                    graph.context(),
                    weight.ggml(),
                    gradient,
                    means.get(i).ggml(),
                    squares.get(i).ggml(),
                    (decays ? parameters : vectors).ggml()));
        Ggml.ggml_build_forward_expand(graph.ggml(), stepped);
      }
      compute.allocate(graph);
      if (parameters.hasMemory())
        parameters.set(numbers(step, learningRate, settings.weightDecay()));
      if (vectors.hasMemory()) vectors.set(numbers(step, learningRate, 0));
      compute.runToTheEnd();
    }
  }

  private float[] numbers(int step, float learningRate, float weightDecay) {
    return new float[] {
      learningRate,
      settings.beta1(),
      settings.beta2(),
      settings.epsilon(),
      weightDecay,
      (float) (1 / (1 - Math.pow(settings.beta1(), step))),
      (float) (1 / (1 - Math.pow(settings.beta2(), step)))
    };
  }

  private int capacity() {
    return 2 * weights.size() + 16;
  }

  /// {@return the means of the gradients, one for each weight, which a checkpoint keeps}
  public List<Tensor> means() {
    return List.copyOf(means);
  }

  /// {@return the means of the squares of the gradients, one for each weight, which a checkpoint
  /// keeps}
  public List<Tensor> squares() {
    return List.copyOf(squares);
  }

  /// Frees the moments. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made this
  @Override
  public void close() {
    if (!arena.scope().isAlive()) return;
    compute.close();
    arena.close();
    Ggml.ggml_backend_buffer_free(buffer);
  }
}
