package dev.tenon.model;

import dev.tenon.gguf.Shape;
import dev.tenon.tensor.CacheView;
import dev.tenon.tensor.Compute;
import dev.tenon.tensor.CrossCache;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.KvTurn;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.MatmulObserver;
import dev.tenon.tensor.Rope;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.function.IntFunction;

/// Evaluates batches of tokens with a decoder, or with that of an encoder-decoder: cuts them into
/// passes, places them in the cache, builds the graph of a pass or uses the last one again, and
/// reads the logits.
///
/// The graph of a pass depends on the number of its rows and outputs and on how much of the cache
/// it sees, which is rounded: from one generated token to the next all three stay the same, and
/// nothing is built. Passes of a few rows that all are outputs, by which drafted tokens are
/// verified, have a graph and memory of their own, so that they can take turns with single tokens
/// and neither is built anew.
///
/// Confined to the thread that made it. While it evaluates, its observer can neither evaluate with
/// it, drop tokens, observe nor close: that throws [IllegalStateException].
public final class Evaluator implements AutoCloseable {
  /// The most rows of a pass that has the memory for verification.
  private static final int FEW = 64;

  private final Body body;
  private final int positions; // that the model knows
  private final IntFunction<Rope> keyRope; // of a layer
  private final KvCache cache;
  private final CrossCache cross; // null without an encoder
  private final Weights weights;
  private final int vocabulary;
  private final int passRows;
  private final int capacity; // tensors of a graph being built
  private final int largestPass; // tensors of a graph
  private final Slot usual;
  private Slot verifying; // made when it is first needed
  private MatmulObserver observer;
  private boolean running; // so what an observer calls must leave passes and cache alone

  /// Builds the graph of a pass.
  private interface Body {
    /// @param sight what its rows look at of the sources; null without an encoder
    Tensor forward(Graph g, Inputs inputs, KvView cache, CrossCache.Sight sight);
  }

  /// Memory for passes, and the pass that has it.
  private static final class Slot implements AutoCloseable {
    final Compute compute;
    Pass pass;

    Slot(Compute compute) {
      this.compute = compute;
    }

    /// Forgets the pass, so that another graph can have the memory.
    void clear() {
      if (pass != null) pass.graph.close();
      pass = null;
    }

    @Override
    public void close() {
      clear();
      compute.close();
    }
  }

  /// One graph with its inputs and its result.
  private record Pass(Form form, Graph graph, Inputs inputs, CacheView view, Tensor logits) {}

  /// What the graph of a pass depends on.
  private record Form(int rows, int outputs, int visible, CrossCache.Sight sight) {}

  /// Makes an evaluator, with memory for its largest pass.
  ///
  /// @param decoder builds the graphs
  /// @param weights of the decoder, loaded
  /// @param cache where keys and values go; stays the caller's, who closes it after this
  /// @param vocabulary number of token ids
  /// @param passRows the most rows in a pass, at least 1
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public Evaluator(Decoder decoder, Weights weights, KvCache cache, int vocabulary, int passRows) {
    this(
        (g, inputs, view, _) -> decoder.forward(g, inputs, view),
        decoder.positions(),
        decoder::keyRope,
        weights,
        cache,
        null,
        vocabulary,
        passRows);
  }

  /// Makes an evaluator for the decoder of an encoder-decoder, with memory for its largest pass.
  ///
  /// @param network builds the graphs
  /// @param weights of the network, loaded
  /// @param cache where keys and values of the decoder's tokens go; stays the caller's, who closes
  ///     it after this
  /// @param cross has those of the sources, and says what each sequence looks at; stays the
  ///     caller's, who closes it after this
  /// @param vocabulary number of token ids
  /// @param passRows the most rows in a pass, at least 1
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public Evaluator(
      EncoderDecoder network,
      Weights weights,
      KvCache cache,
      CrossCache cross,
      int vocabulary,
      int passRows) {
    this(
        (g, inputs, view, sight) -> network.forward(g, inputs, view, cross.view(g, sight, null)),
        network.positions(),
        _ -> {
          throw new UnsupportedOperationException(
              "the tokens of an encoder-decoder cannot move to other positions");
        },
        weights,
        cache,
        cross,
        vocabulary,
        passRows);
  }

  private Evaluator(
      Body body,
      int positions,
      IntFunction<Rope> keyRope,
      Weights weights,
      KvCache cache,
      CrossCache cross,
      int vocabulary,
      int passRows) {
    if (passRows < 1) throw new IllegalArgumentException("passRows: " + passRows + ", at least 1");
    this.body = body;
    this.positions = positions;
    this.keyRope = keyRope;
    this.cache = cache;
    this.cross = cross;
    this.weights = weights;
    this.vocabulary = vocabulary;
    this.passRows = Math.min(passRows, cache.cells());
    // Each source that rows look at takes a few tensors of its own in each layer.
    int sights = cross == null ? 0 : 8 * KvCache.MAX_SEQUENCES * cross.layout().layers();
    this.capacity = Math.max(1024, 16 * weights.size()) + sights;
    // Any row may be an output, but all of them seldom are: memory for that comes when it must.
    var sight = cross == null ? null : cross.largestSight(this.passRows);
    try (var largest = build(new Form(this.passRows, 1, cache.cells(), sight)).graph) {
      this.largestPass = largest.size() + sights;
      this.usual = new Slot(new Compute(weights.backend(), largestPass));
      try {
        usual.compute.reserve(largest);
      } catch (Throwable e) {
        usual.close();
        throw e;
      }
    }
  }

  /// Evaluates tokens and keeps their keys and values in the cache.
  ///
  /// @param batch tokens at the next positions of their sequences
  /// @return a row of logits for each output of the batch, unnormalised; fresh arrays
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, a position beyond those
  ///     that the model knows, or there is no such sequence; nothing is
  ///     evaluated
  /// @throws IllegalArgumentException if a position is not the next of its sequence; nothing is
  ///     evaluated
  /// @throws IllegalStateException if the cache has no room for them, or called by an observer;
  ///     nothing is evaluated
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
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, a position beyond those
  ///     that the model knows, or there is no such sequence; nothing is
  ///     evaluated
  /// @throws IllegalArgumentException if a position is not the next of its sequence, or the arrays
  ///     have another size; nothing is evaluated
  /// @throws IllegalStateException if the cache has no room for them, or called by an observer;
  ///     nothing is evaluated
  /// @throws CancellationException if the thread is interrupted; the cache is as it was before
  /// @throws dev.tenon.tensor.BackendException if the computation fails; the cache is as it was
  ///     before
  public void evaluate(Batch batch, float[][] rows) {
    checkIdle("evaluate");
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
    for (int position : batch.positions()) {
      if (position >= positions)
        throw new IndexOutOfBoundsException(
            "position " + position + " is beyond the " + positions + " the model knows");
    }
    var before = new int[KvCache.MAX_SEQUENCES];
    for (int s = 0; s < before.length; s++) before[s] = cache.length(s);
    // One pass places its tokens all or none; several must not find out halfway.
    if (batch.tokens().length > passRows) cache.checkRoom(batch.positions(), batch.sequences());
    running = true;
    try {
      int done = 0;
      for (int from = 0; from < batch.tokens().length; from += passRows) {
        int to = Math.min(from + passRows, batch.tokens().length);
        done += evaluatePass(batch, from, to, rows, done);
      }
    } catch (Throwable e) {
      for (int s : batch.sequences()) cache.rewind(s, before[s]);
      throw e;
    } finally {
      running = false;
    }
  }

  /// Checks that nothing is being evaluated, as it is for an observer.
  ///
  /// @param operation what is to be done, for the message
  /// @throws IllegalStateException if something is
  public void checkIdle(String operation) {
    if (running)
      throw new IllegalStateException(
          operation + ": called by the observer of an evaluation, which still runs");
  }

  /// Forgets the tokens of a sequence from position `from` to before `to`, and moves those after
  /// them down to their place, without evaluating them again. What they know of the tokens that are
  /// forgotten stays in them.
  ///
  /// @param sequence from 0 to 63
  /// @param from first position forgotten, at least 0
  /// @param to first position kept, from `from` to the sequence's length
  /// @throws IndexOutOfBoundsException if there is no such sequence or range
  /// @throws IllegalStateException if another sequence shares a token that would move, or called by
  ///     an observer; nothing is forgotten
  /// @throws UnsupportedOperationException if the [architecture][Decoder#keyRope] does not let
  ///     tokens move; nothing is forgotten
  /// @throws dev.tenon.tensor.BackendException if the computation fails; then the sequence ends
  ///     where it was to be cut
  public void drop(int sequence, int from, int to) {
    checkIdle("drop");
    var ropes = keyRopes();
    var moved = cache.drop(sequence, from, to);
    if (Arrays.stream(ropes).allMatch(Objects::isNull)) return;
    try {
      int whole = moved.length / passRows * passRows;
      int rest = moved.length - whole;
      if (whole > 0) turn(ropes, Arrays.copyOf(moved, whole), passRows, from - to);
      if (rest > 0) turn(ropes, Arrays.copyOfRange(moved, whole, moved.length), rest, from - to);
    } catch (Throwable e) {
      cache.rewind(sequence, from);
      throw e;
    }
  }

  /// Checks that tokens can move to other positions.
  ///
  /// @throws UnsupportedOperationException if the [architecture][Decoder#keyRope] does not let them
  public void checkCanDrop() {
    keyRopes();
  }

  private Rope[] keyRopes() {
    var ropes = new Rope[cache.layout().layers()];
    for (int layer = 0; layer < ropes.length; layer++) ropes[layer] = keyRope.apply(layer);
    return ropes;
  }

  /// Turns keys, so many at a time: `cells` is a multiple of `rows`.
  private void turn(Rope[] ropes, int[] cells, int rows, int distance) {
    usual.clear();
    running = true;
    try (var graph = new Graph(capacity)) {
      var turn = new KvTurn(cache, graph, rows);
      for (int layer = 0; layer < ropes.length; layer++) {
        if (ropes[layer] != null) turn.turn(layer, ropes[layer]);
      }
      usual.compute.allocate(graph);
      for (int i = 0; i < cells.length; i += rows) {
        turn.fill(Arrays.copyOfRange(cells, i, i + rows), distance);
        usual.compute.runToTheEnd();
      }
    } finally {
      running = false;
    }
  }

  /// Lets an observer see what weights are multiplied with, in the passes to come. What it throws
  /// comes out of [#evaluate].
  ///
  /// @param observer takes the place of the one before; null for none
  /// @throws IllegalStateException if this is closed, or called by an observer
  /// @throws WrongThreadException if called by another thread than the one that made this
  public void observe(MatmulObserver observer) {
    checkIdle("observe");
    usual.compute.observe(observer);
    if (verifying != null) verifying.compute.observe(observer);
    this.observer = observer;
  }

  /// {@return bytes held for the results of passes}
  public long computeBytes() {
    return usual.compute.bytes() + (verifying == null ? 0 : verifying.compute.bytes());
  }

  /// Frees what was held for passes. Closing twice has no effect.
  ///
  /// @throws IllegalStateException if called by an observer
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    checkIdle("close");
    usual.close();
    if (verifying != null) verifying.close();
  }

  private int evaluatePass(Batch batch, int from, int to, float[][] rows, int done) {
    var part = batch.slice(from, to);
    var cells = cache.place(part.positions(), part.sequences());
    var slot = slot(part);
    var sight = cross == null ? null : cross.sight(part.sequences());
    var form = new Form(part.tokens().length, part.outputs().length, cache.visible(), sight);
    var pass = pass(slot, form);
    pass.inputs.tokens().set(part.tokens());
    pass.inputs.positions().setIfUsed(part.positions());
    pass.inputs.outputs().set(part.outputs());
    pass.view.fill(cells, part.positions(), part.sequences());
    slot.compute.run();
    int wanted = batch.outputsIn(from, to);
    for (int i = 0; i < wanted; i++) {
      pass.logits.get((long) i * vocabulary, rows[done + i]);
    }
    return wanted;
  }

  /// The memory in which a pass runs.
  private Slot slot(Batch batch) {
    int outputs = batch.outputs().length;
    if (outputs == 1 || outputs < batch.tokens().length || outputs > FEW) return usual;
    if (verifying == null) {
      verifying = new Slot(new Compute(weights.backend(), largestPass));
      verifying.compute.observe(observer);
    }
    return verifying;
  }

  /// The pass of a slot: the one before where it fits, else a new one in its place.
  private Pass pass(Slot slot, Form form) {
    if (slot.pass != null && slot.pass.form.equals(form)) return slot.pass;
    slot.clear();
    var built = build(form);
    try {
      slot.compute.allocate(built.graph);
    } catch (Throwable e) {
      built.graph.close();
      throw e;
    }
    slot.pass = built;
    return built;
  }

  private Pass build(Form form) {
    var graph = new Graph(capacity);
    try {
      var inputs = Inputs.of(graph, form.rows, form.outputs);
      var view = cache.view(graph, form.rows, form.visible);
      var logits = body.forward(graph, inputs, view, form.sight); // [vocabulary, outputs]
      var expected = Shape.of(vocabulary, form.outputs);
      if (!logits.shape().equals(expected))
        throw new IllegalStateException(
            "decoder gave logits of " + logits.shape() + ", expected " + expected);
      graph.output(logits);
      return new Pass(form, graph, inputs, view, logits);
    } catch (Throwable e) {
      graph.close();
      throw e;
    }
  }
}
