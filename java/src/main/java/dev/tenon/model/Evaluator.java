package dev.tenon.model;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.Compute;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.util.concurrent.CancellationException;

/// Evaluates batches of tokens with a decoder: cuts them into passes, places them in the cache,
/// builds the graph of a pass or uses the last one again, and reads the logits.
///
/// The graph of a pass depends on the number of its rows and outputs and on how much of the cache
/// it sees, which is rounded: from one generated token to the next all three stay the same, and
/// nothing is built.
///
/// Confined to the thread that made it.
public final class Evaluator implements AutoCloseable {
  private final Decoder decoder;
  private final KvCache cache;
  private final Compute compute;
  private final int vocabulary;
  private final int passRows;
  private final int capacity;
  private Pass pass;

  /// One graph with its inputs and its result.
  private record Pass(
      int rows, int outputs, int visible, Graph graph, Inputs inputs, KvView view, Tensor logits) {
    boolean fits(int rows, int outputs, int visible) {
      return this.rows == rows && this.outputs == outputs && this.visible == visible;
    }
  }

  /// Makes an evaluator, with memory for its largest pass.
  ///
  /// @param decoder builds the graphs
  /// @param weights of the decoder, loaded
  /// @param cache where keys and values go; stays the caller's, who closes it after this
  /// @param vocabulary number of token ids
  /// @param passRows the most rows in a pass, at least 1
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public Evaluator(Decoder decoder, Weights weights, KvCache cache, int vocabulary, int passRows) {
    if (passRows < 1) throw new IllegalArgumentException("passRows: " + passRows + ", at least 1");
    this.decoder = decoder;
    this.cache = cache;
    this.vocabulary = vocabulary;
    this.passRows = Math.min(passRows, cache.cells());
    this.capacity = Math.max(1024, 16 * weights.size());
    // Any row may be an output, but all of them seldom are: memory for that comes when it must.
    try (var largest = build(this.passRows, 1, cache.cells()).graph) {
      this.compute = new Compute(weights.backend(), largest.size());
      try {
        compute.reserve(largest);
      } catch (Throwable e) {
        compute.close();
        throw e;
      }
    }
  }

  /// Evaluates tokens and keeps their keys and values in the cache.
  ///
  /// @param batch tokens at the next positions of their sequences
  /// @return a row of logits for each output of the batch, unnormalised; fresh arrays
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary or there is no such
  ///     sequence; nothing is evaluated
  /// @throws IllegalArgumentException if a position is not the next of its sequence; nothing is
  ///     evaluated
  /// @throws IllegalStateException if the cache has no room for them; nothing is evaluated
  /// @throws CancellationException if the thread is interrupted; the cache is as it was before
  /// @throws dev.tenon.tensor.BackendException if the computation fails; the cache is as it was
  ///     before
  public float[][] evaluate(Batch batch) {
    var rows = new float[batch.outputs().length][vocabulary];
    evaluate(batch, rows);
    return rows;
  }

  /// Evaluates tokens and keeps their keys and values in the cache, with arrays of the caller for
  /// the logits, which from token to token can be the same.
  ///
  /// @param batch tokens at the next positions of their sequences
  /// @param rows one for each output of the batch, each as long as the vocabulary; filled
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary or there is no such
  ///     sequence; nothing is evaluated
  /// @throws IllegalArgumentException if a position is not the next of its sequence, or the arrays
  ///     have another size; nothing is evaluated
  /// @throws IllegalStateException if the cache has no room for them; nothing is evaluated
  /// @throws CancellationException if the thread is interrupted; the cache is as it was before
  /// @throws dev.tenon.tensor.BackendException if the computation fails; the cache is as it was
  ///     before
  public void evaluate(Batch batch, float[][] rows) {
    if (rows.length != batch.outputs().length)
      throw new IllegalArgumentException(
          "evaluate: " + rows.length + " rows for " + batch.outputs().length + " outputs");
    for (var row : rows) {
      if (row.length != vocabulary)
        throw new IllegalArgumentException(
            "evaluate: a row of " + row.length + " for a vocabulary of " + vocabulary);
    }
    for (int token : batch.tokens()) {
      if (token < 0 || token >= vocabulary)
        throw new IndexOutOfBoundsException(
            "token " + token + " is outside the vocabulary of " + vocabulary);
    }
    var before = new int[KvCache.MAX_SEQUENCES];
    for (int s = 0; s < before.length; s++) before[s] = cache.length(s);
    cache.checkRoom(batch.positions(), batch.sequences());
    try {
      int done = 0;
      for (int from = 0; from < batch.tokens().length; from += passRows) {
        int to = Math.min(from + passRows, batch.tokens().length);
        done += evaluatePass(batch, from, to, rows, done);
      }
    } catch (Throwable e) {
      for (int s : batch.sequences()) cache.rewind(s, before[s]);
      throw e;
    }
  }

  /// {@return bytes held for the results of passes}
  public long computeBytes() {
    return compute.bytes();
  }

  /// Frees what was held for passes. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    if (pass != null) pass.graph.close();
    pass = null;
    compute.close();
  }

  private int evaluatePass(Batch batch, int from, int to, float[][] rows, int done) {
    var part = batch.slice(from, to);
    var cells = cache.place(part.positions(), part.sequences());
    int visible = cache.visible();
    if (pass == null || !pass.fits(part.tokens().length, part.outputs().length, visible)) {
      if (pass != null) pass.graph.close();
      pass = null;
      var built = build(part.tokens().length, part.outputs().length, visible);
      try {
        compute.allocate(built.graph);
      } catch (Throwable e) {
        built.graph.close();
        throw e;
      }
      pass = built;
    }
    pass.inputs.tokens().set(part.tokens());
    if (pass.inputs.positions().hasMemory()) pass.inputs.positions().set(part.positions());
    pass.inputs.outputs().set(part.outputs());
    pass.view.fill(cells, part.positions(), part.sequences());
    compute.run();
    int wanted = batch.outputsIn(from, to);
    for (int i = 0; i < wanted; i++) {
      pass.logits.get((long) i * vocabulary, rows[done + i]);
    }
    return wanted;
  }

  private Pass build(int rows, int outputs, int visible) {
    var graph = new Graph(capacity);
    try {
      var inputs =
          new Inputs(
              graph.input("tokens", TensorType.I32, Shape.of(rows)),
              graph.input("positions", TensorType.I32, Shape.of(rows)),
              graph.input("outputs", TensorType.I32, Shape.of(outputs)));
      var view = cache.view(graph, rows, visible);
      var logits = decoder.forward(graph, inputs, view); // [vocabulary, outputs]
      if (!logits.shape().equals(Shape.of(vocabulary, outputs)))
        throw new IllegalStateException(
            "decoder gave logits of "
                + logits.shape()
                + ", expected "
                + Shape.of(vocabulary, outputs));
      graph.output(logits);
      return new Pass(rows, outputs, visible, graph, inputs, view, logits);
    } catch (Throwable e) {
      graph.close();
      throw e;
    }
  }
}
