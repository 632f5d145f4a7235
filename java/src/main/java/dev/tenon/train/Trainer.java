package dev.tenon.train;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Architecture;
import dev.tenon.model.Decoder;
import dev.tenon.model.Hyperparameters;
import dev.tenon.tensor.AdamW;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;

/// Trains a decoder: next-token prediction with AdamW, on the processor, all numbers F32.
///
/// The graph is that of the architecture's own `forward`. Every architecture whose operations have
/// gradients can be trained, which is all decoders but mixtures of experts; others are refused by
/// the name of the operation.
///
/// The same file, examples, options and number of threads give the same weights, bit by bit, and so
/// does a training that was cut and went on from a checkpoint.
///
/// ```java
/// try (var trainer = Trainer.open(gguf, architecture, backend, examples, options)) {
///   trainer.run(step -> IO.println(step.loss()));
///   trainer.write(Path.of("trained.gguf"));
/// }
/// ```
///
/// Confined to the thread that made it.
public final class Trainer implements AutoCloseable {
  private final Gguf gguf;
  private final TrainOptions options;
  private final Weights weights;
  private final Map<String, Tensor> trained;
  private final AdamW optimizer;
  private final Pass learning;
  private final Pass measuring; // null where there is nothing to measure with
  private final Rows rows;
  private final Rows validation;
  private final int batch;
  private final int stepsOfEpoch;
  private final int steps;
  private final long dataHash;
  private final List<Step> history = new ArrayList<>();
  private int[] order; // of the rows in an epoch
  private long orderOf = -1;

  /// What a step came to.
  ///
  /// @param step from 1
  /// @param steps of the whole training
  /// @param loss mean of the tokens that counted, in nats
  /// @param learningRate of this step
  /// @param gradientNorm length of the mean gradient, before it was cut
  /// @param tokens places of its passes, padding and those that do not count among them
  /// @param nanos it took
  /// @param validationLoss mean of the validation split after it, in nats; NaN where it was not
  ///     measured
  public record Step(
      int step,
      int steps,
      double loss,
      double learningRate,
      double gradientNorm,
      int tokens,
      long nanos,
      double validationLoss) {
    /// {@return the perplexity of the validation split, `exp` of its loss; NaN where it was not
    /// measured}
    public double perplexity() {
      return Math.exp(validationLoss);
    }
  }

  /// Is told of each step.
  @FunctionalInterface
  public interface Listener {
    /// Called on the thread that trains, after the weights have changed.
    ///
    /// @param step what it came to
    /// @throws IOException ends the training
    void stepped(Step step) throws IOException;
  }

  private Trainer(
      Gguf gguf,
      Decoder decoder,
      Weights weights,
      Backend backend,
      List<Example> examples,
      TrainOptions options)
      throws GgufFormatException {
    this.gguf = gguf;
    this.options = options;
    this.weights = weights;
    this.trained = weights.trained();
    int vocabulary = Hyperparameters.of(gguf).vocabulary();
    check(examples, vocabulary);
    int length = options.contextLength();
    dataHash = hash(examples);
    examples = cutTexts(examples, length);
    var shuffled = Rows.shuffled(examples.size(), options.seed(), -1);
    int held = (int) Math.ceil(options.validationSplit() * examples.size());
    held = Math.min(held, examples.size() - 1); // one at least is learned from
    this.validation = Rows.of(select(examples, shuffled, 0, held), length);
    this.rows = Rows.of(select(examples, shuffled, held, examples.size()), length);
    if (rows.size() == 0)
      throw new IllegalArgumentException("training: the examples have no token that counts");
    this.batch = Math.min(options.batch(), rows.size());
    long rowsOfStep = (long) batch * options.accumulation();
    this.stepsOfEpoch = (int) Math.ceilDiv(rows.size(), rowsOfStep);
    this.steps =
        options.steps() > 0
            ? options.steps()
            : (int) Math.clamp(Math.round(options.epochs() * stepsOfEpoch), 1L, Integer.MAX_VALUE);
    var list = List.copyOf(trained.values());
    this.optimizer = new AdamW(backend, list, options.adamW());
    Pass first = null;
    try {
      first = new Pass(decoder, backend, list, optimizer, batch, length, vocabulary);
      this.measuring =
          validation.size() == 0
              ? null
              : new Pass(
                  decoder,
                  backend,
                  list,
                  null,
                  Math.min(options.batch(), validation.size()),
                  length,
                  vocabulary);
      this.learning = first;
    } catch (Throwable e) {
      if (first != null) first.close();
      optimizer.close();
      throw e;
    }
  }

  /// Prepares a training.
  ///
  /// @param gguf the model to begin with, of any types; stays the caller's, who closes it after
  ///     this
  /// @param architecture of the file
  /// @param backend of the [processor][Backend#cpu]; must stay open longer than this
  /// @param examples at least one; what is shorter than a row shares one
  /// @param options how it is trained
  /// @return the training, before its first step; the caller closes it
  /// @throws GgufFormatException if the file is not what the architecture needs
  /// @throws IOException if it cannot be read
  /// @throws IllegalArgumentException if there is no example, an id is outside the vocabulary, the
  ///     context is longer than the model's, or the backend has a graphics card
  /// @throws UnsupportedOperationException if the architecture is no decoder, or one of its
  ///     operations has no gradient; the message names it
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public static Trainer open(
      Gguf gguf,
      Architecture architecture,
      Backend backend,
      List<Example> examples,
      TrainOptions options)
      throws IOException {
    if (backend.hasGpu())
      throw new IllegalArgumentException(
          "training: the backend has a graphics card, and training is the processor's");
    int context = Hyperparameters.of(gguf).contextLength();
    if (options.contextLength() > context)
      throw new IllegalArgumentException(
          "training: rows of "
              + options.contextLength()
              + " tokens, and the model's context is "
              + context);
    var weights = Weights.trainable(gguf, backend);
    try {
      if (!(architecture.bind(gguf, weights) instanceof Decoder decoder))
        throw new UnsupportedOperationException("it is no decoder, and only those are trained");
      weights.load((_, _) -> {});
      return new Trainer(gguf, decoder, weights, backend, examples, options);
    } catch (UnsupportedOperationException e) {
      weights.close();
      throw new UnsupportedOperationException(
          "cannot train " + architecture.name() + ": " + e.getMessage(), e);
    } catch (Throwable e) {
      weights.close();
      throw e;
    }
  }

  private static void check(List<Example> examples, int vocabulary) {
    if (examples.isEmpty()) throw new IllegalArgumentException("training: there is no example");
    for (var example : examples) {
      for (int token : example.tokens()) {
        if (token < 0 || token >= vocabulary)
          throw new IllegalArgumentException(
              "training: token " + token + " is outside the vocabulary of " + vocabulary);
      }
    }
  }

  /// The examples, with texts that are longer than a row cut in pieces, some of which can then be
  /// for validation. A piece begins with the last token of the one before. A chat stays whole.
  private static List<Example> cutTexts(List<Example> examples, int length) {
    var cut = new ArrayList<Example>();
    for (var example : examples) {
      if (example.count() == example.tokens().length - 1) cut.addAll(example.pieces(length));
      else cut.add(example);
    }
    return cut;
  }

  private static List<Example> select(List<Example> examples, int[] order, int from, int to) {
    return Arrays.stream(order, from, to).mapToObj(examples::get).toList();
  }

  private static long hash(List<Example> examples) {
    long hash = examples.size();
    for (var example : examples) hash = hash * 0x9E3779B97F4A7C15L + example.hashCode();
    return hash;
  }

  /// {@return steps of the whole training}
  public int steps() {
    return steps;
  }

  /// {@return steps that are done}
  public int done() {
    return history.size();
  }

  /// {@return what every step came to, those before a checkpoint among them}
  public List<Step> history() {
    return List.copyOf(history);
  }

  /// {@return steps in which each example is seen once}
  public int stepsOfEpoch() {
    return stepsOfEpoch;
  }

  /// {@return how many weights are trained}
  public long parameters() {
    return trained.values().stream().mapToLong(w -> w.shape().elements()).sum();
  }

  /// Makes the steps that are left.
  ///
  /// @param listener is told of each
  /// @throws DivergedException if a loss or gradient is not finite; the weights are then those
  ///     before that step, but for a loss of the validation split
  /// @throws CancellationException if the thread is interrupted; the weights are those after the
  ///     last step of the [history][#history], and this can go on
  /// @throws IOException from the listener
  public void run(Listener listener) throws IOException {
    // One that was stopped while it was measured is made, and still to be measured.
    if (isUnmeasured()) listener.stepped(measure());
    while (history.size() < steps) {
      step();
      listener.stepped(isUnmeasured() ? measure() : history.getLast());
    }
  }

  /// Makes a step, all but its measurement.
  private void step() {
    int step = history.size() + 1;
    long start = System.nanoTime();
    optimizer.clear();
    double loss = 0;
    long counted = 0;
    int tokens = 0;
    for (int i = 0; i < options.accumulation(); i++) {
      var next = rows.batch(numbers(step, i), batch);
      if (next.counted() == 0) break; // the end of an epoch fills no whole step
      loss += learning.run(next);
      counted += next.counted();
      tokens += next.tokens().length;
    }
    double norm = optimizer.norm() / counted;
    if (!Double.isFinite(loss) || !Double.isFinite(norm))
      throw new DivergedException(step, Double.isFinite(loss) ? "gradient" : "loss");
    float rate = options.learningRate(step, steps);
    double cut = options.maxGradNorm() > 0 ? Math.min(1, options.maxGradNorm() / norm) : 1;
    optimizer.step(step, rate, (float) (cut / counted));
    long nanos = System.nanoTime() - start;
    history.add(new Step(step, steps, loss / counted, rate, norm, tokens, nanos, Double.NaN));
  }

  /// Whether the last step is one after which the validation split is measured, and was not yet.
  private boolean isUnmeasured() {
    if (measuring == null || history.isEmpty()) return false;
    var last = history.getLast();
    int every = options.evaluateEvery();
    return Double.isNaN(last.validationLoss())
        && (last.step() == steps || every > 0 && last.step() % every == 0);
  }

  private Step measure() {
    var last = history.removeLast();
    double loss = Double.NaN;
    try {
      loss = validationLoss();
    } finally { // though it is interrupted, the step is made
      history.add(
          new Step(
              last.step(),
              last.steps(),
              last.loss(),
              last.learningRate(),
              last.gradientNorm(),
              last.tokens(),
              last.nanos(),
              loss));
    }
    if (!Double.isFinite(loss)) throw new DivergedException(last.step(), "validation loss");
    return history.getLast();
  }

  /// The rows of a pass of a step.
  private int[] numbers(int step, int pass) {
    long epoch = (step - 1) / stepsOfEpoch;
    if (epoch != orderOf) {
      order = Rows.shuffled(rows.size(), options.seed(), epoch);
      orderOf = epoch;
    }
    long first = ((step - 1L) % stepsOfEpoch * options.accumulation() + pass) * batch;
    int from = (int) Math.min(first, order.length);
    return Arrays.copyOfRange(order, from, Math.min(from + batch, order.length));
  }

  /// {@return the mean loss of the validation split, in nats; NaN where there is none}
  ///
  /// @throws CancellationException if the thread is interrupted
  public double validationLoss() {
    if (measuring == null) return Double.NaN;
    int count = Math.min(options.batch(), validation.size());
    double loss = 0;
    long counted = 0;
    for (int from = 0; from < validation.size(); from += count) {
      var numbers = new int[Math.min(count, validation.size() - from)];
      for (int i = 0; i < numbers.length; i++) numbers[i] = from + i;
      var next = validation.batch(numbers, count);
      loss += measuring.run(next);
      counted += next.counted();
    }
    return loss / counted;
  }

  /// Writes the model as it is now, in F32, with the keys of the file it began with.
  ///
  /// @param target where it is to be; replaced as a whole
  /// @throws DivergedException if a weight is not finite
  /// @throws IOException if it cannot be written; nothing is left behind
  public void write(Path target) throws IOException {
    checkFinite();
    var writer = new GgufWriter().copy(gguf);
    writer.put("general.file_type", new GgufValue.Int(GgufType.UINT32, 0)); // all F32
    putWeights(writer);
    writer.write(target);
  }

  /// What a step has broken is not to take the place of a good file.
  private void checkFinite() {
    for (var weight : trained.values()) {
      if (!weight.isFinite()) throw new DivergedException(done(), "weight " + weight.name());
    }
  }

  private void putWeights(GgufWriter writer) throws IOException {
    for (var info : gguf.tensors()) {
      var weight = trained.get(info.name());
      if (weight == null) writer.tensor(gguf, info);
      else writer.tensor(info.name(), TensorType.F32, weight.shape(), weight::write);
    }
  }

  /// Writes a checkpoint: a GGUF file that runs as a model, and from which [#resume] goes on.
  ///
  /// @param target where it is to be; replaced as a whole
  /// @throws DivergedException if a weight is not finite
  /// @throws IOException if it cannot be written; nothing is left behind
  public void save(Path target) throws IOException {
    checkFinite();
    var writer = new GgufWriter().copy(gguf);
    writer.put("general.file_type", new GgufValue.Int(GgufType.UINT32, 0));
    Checkpoint.put(writer, history, steps, options, dataHash);
    putWeights(writer);
    int i = 0;
    for (var name : trained.keySet()) {
      var mean = optimizer.means().get(i);
      var square = optimizer.squares().get(i++);
      writer.tensor(Checkpoint.MEAN + name, TensorType.F32, mean.shape(), mean::write);
      writer.tensor(Checkpoint.SQUARE + name, TensorType.F32, square.shape(), square::write);
    }
    writer.write(target);
  }

  /// Goes on where a checkpoint was written.
  ///
  /// @param checkpoint a file of [#save], of a training of the same model with the same examples
  ///     and options
  /// @throws GgufFormatException if it is no checkpoint, or one of another model
  /// @throws IllegalArgumentException if the options or examples are others; the message has the
  ///     difference
  /// @throws IOException if it cannot be read
  public void resume(Path checkpoint) throws IOException {
    try (var file = Gguf.open(checkpoint)) {
      var steps = Checkpoint.history(file, this.steps, options, dataHash);
      Checkpoint.checkModel(file, gguf);
      // All of it is looked at before anything is changed.
      var contents = new LinkedHashMap<Tensor, TensorInfo>();
      int i = 0;
      for (var entry : trained.entrySet()) {
        var name = entry.getKey();
        var mean = optimizer.means().get(i);
        var square = optimizer.squares().get(i++);
        contents.put(entry.getValue(), Checkpoint.tensor(file, name, mean.shape()));
        contents.put(mean, Checkpoint.tensor(file, Checkpoint.MEAN + name, mean.shape()));
        contents.put(square, Checkpoint.tensor(file, Checkpoint.SQUARE + name, mean.shape()));
      }
      contents.forEach((tensor, info) -> tensor.fill(file.data(info)));
      history.clear();
      history.addAll(steps);
    }
  }

  /// Frees everything but the file. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made this
  @Override
  public void close() {
    if (measuring != null) measuring.close();
    learning.close();
    optimizer.close();
    weights.close();
  }
}
