package dev.tenon.model;

import dev.tenon.gguf.Shape;
import dev.tenon.tensor.Compute;
import dev.tenon.tensor.CrossCache;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Packing;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.IntStream;

/// Evaluates sequences with an encoder, many in one pass: one after the other, without padding.
///
/// Sequences are sorted by length and cut into passes; those of equal length attend in one
/// operation. Confined to the thread that made it.
public final class EncoderEvaluator implements AutoCloseable {
  /// The most lengths in a pass: each takes operations of its own in each layer.
  private static final int MOST_LENGTHS = 16;

  private final Encoder encoder;
  private final Compute compute;
  private final int vocabulary;
  private final int passRows;
  private final int capacity; // tensors of a graph
  private Pass last; // or null

  /// A sequence to evaluate. The arrays are not copied.
  ///
  /// @param tokens ids, at least one
  /// @param tokenTypes segment of each token; null where all are of the first
  /// @param outputs tokens whose output is wanted, ascending; null for all
  public record Sequence(int[] tokens, int[] tokenTypes, int[] outputs) {
    /// Checks that the arrays go together.
    ///
    /// @throws IllegalArgumentException if there is no token, lengths differ, or outputs are not
    ///     ascending places of tokens
    public Sequence {
      if (tokens.length == 0) throw new IllegalArgumentException("sequence: no tokens");
      if (tokenTypes != null && tokenTypes.length != tokens.length)
        throw new IllegalArgumentException(
            "sequence: " + tokens.length + " tokens, " + tokenTypes.length + " token types");
      for (int i = 0; outputs != null && i < outputs.length; i++) {
        if (outputs[i] < 0 || outputs[i] >= tokens.length || i > 0 && outputs[i] <= outputs[i - 1])
          throw new IllegalArgumentException(
              "sequence: output " + outputs[i] + " of " + tokens.length + " tokens");
      }
    }

    /// {@return a sequence of one segment with all outputs wanted}
    ///
    /// @param tokens ids, at least one
    /// @throws IllegalArgumentException if there is no token
    public static Sequence of(int... tokens) {
      return new Sequence(tokens, null, null);
    }

    private int wanted() {
      return outputs == null ? tokens.length : outputs.length;
    }
  }

  /// What the graph of a pass depends on.
  private record Form(Packing packing, int outputs, List<String> names) {}

  /// One graph with its inputs and results.
  private record Pass(Form form, Graph graph, EncoderInputs inputs, List<Tensor> results) {}

  /// Builds what a pass is for, behind the hidden states.
  private interface Body {
    List<Tensor> build(Graph g, Tensor hidden, EncoderInputs in);
  }

  /// Makes an evaluator.
  ///
  /// @param encoder builds the graphs
  /// @param weights of the model, loaded
  /// @param vocabulary number of token ids
  /// @param passRows the most rows of a pass, at least 1; a longer sequence has a pass of its own
  /// @throws dev.tenon.tensor.BackendException if there is not the memory
  public EncoderEvaluator(Encoder encoder, Weights weights, int vocabulary, int passRows) {
    if (passRows < 1) throw new IllegalArgumentException("passRows: " + passRows + ", at least 1");
    this.encoder = encoder;
    this.vocabulary = vocabulary;
    this.passRows = passRows;
    this.capacity = Math.max(1024, 16 * weights.size());
    this.compute = new Compute(weights.backend(), capacity);
  }

  /// Evaluates sequences.
  ///
  /// @param sequences in any order
  /// @param outputs names of what is wanted, of the [encoder's][Encoder#outputs]
  /// @return for each sequence, in the order given, and each output its rows, one after the other:
  ///     of an output of tokens those whose output is wanted, of one of sequences one row
  /// @throws IllegalArgumentException if there is no such output, or a token type that the model
  ///     does not know; nothing is evaluated
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, or a sequence is longer
  ///     than the positions the model knows; nothing is evaluated
  /// @throws CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public float[][][] evaluate(List<Sequence> sequences, List<String> outputs) {
    var asked = outputs.stream().map(this::output).toList();
    sequences.forEach(this::check);
    var order =
        IntStream.range(0, sequences.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> sequences.get(i).tokens().length))
            .toList();
    var sorted = order.stream().map(sequences::get).toList();
    var results = new float[sequences.size()][][];
    for (int from = 0; from < sorted.size(); ) {
      int to = end(sorted, from);
      var ofPass = evaluatePass(sorted.subList(from, to), asked);
      for (int i = from; i < to; i++) results[order.get(i)] = ofPass[i - from];
      from = to;
    }
    return results;
  }

  /// Encodes sources for a decoder to look at: their keys and values go into a cross cache, behind
  /// the sources that are there, in the order given.
  ///
  /// @param sources ids of each, at least one; they attend best where they are sorted by length
  /// @param network whose encoder this evaluates
  /// @param cross takes the keys and values
  /// @return number of the first source in the cache
  /// @throws IllegalStateException if the cache has no room for them
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, or a source longer than
  ///     the positions the encoder knows; nothing is evaluated
  /// @throws CancellationException if the thread is interrupted; the cache is then empty
  /// @throws dev.tenon.tensor.BackendException if the computation fails; the cache is then empty
  public int remember(List<int[]> sources, EncoderDecoder network, CrossCache cross) {
    var sequences = sources.stream().map(Sequence::of).toList();
    sequences.forEach(this::check);
    forget(); // each graph has a place of its own to write to
    int first = -1;
    try {
      for (int from = 0; from < sequences.size(); ) {
        int to = end(sequences, from);
        var part = sequences.subList(from, to);
        var packing = packing(part);
        int source = cross.place(packing);
        if (first < 0) first = source;
        var writer =
            (Body)
                (g, hidden, _) -> {
                  network.remember(g, hidden, cross.writer(g, source, packing));
                  return List.of();
                };
        run(new Form(packing, 1, List.of()), part, writer);
        forget();
        from = to;
      }
      return first;
    } catch (Throwable e) {
      forget();
      cross.clear();
      throw e;
    }
  }

  private Encoder.Output output(String name) {
    for (var output : encoder.outputs()) if (output.name().equals(name)) return output;
    throw new IllegalArgumentException(
        "output "
            + name
            + ": the model has "
            + String.join(", ", encoder.outputs().stream().map(Encoder.Output::name).toList()));
  }

  private void check(Sequence sequence) {
    for (int token : sequence.tokens()) {
      if (token < 0 || token >= vocabulary)
        throw new IndexOutOfBoundsException(
            "token " + token + " is outside the vocabulary of " + vocabulary);
    }
    if (sequence.tokens().length > encoder.positions())
      throw new IndexOutOfBoundsException(
          "a text of "
              + sequence.tokens().length
              + " tokens: the model knows "
              + encoder.positions()
              + " positions");
    if (sequence.tokenTypes() == null) return;
    for (int type : sequence.tokenTypes()) {
      if (type < 0 || type >= Math.max(1, encoder.tokenTypes()))
        throw new IllegalArgumentException(
            "token type "
                + type
                + ": the model knows types from 0 to before "
                + encoder.tokenTypes());
    }
  }

  /// Where the pass that begins with a sequence ends: full, or with as many lengths as it may have.
  private int end(List<Sequence> sequences, int from) {
    long rows = sequences.get(from).tokens().length;
    int lengths = 1;
    int to = from + 1;
    for (; to < sequences.size(); to++) {
      int length = sequences.get(to).tokens().length;
      if (length != sequences.get(to - 1).tokens().length && ++lengths > MOST_LENGTHS) break;
      rows += length;
      if (rows > passRows) break;
    }
    return to;
  }

  private float[][][] evaluatePass(List<Sequence> sequences, List<Encoder.Output> outputs) {
    int wanted = sequences.stream().mapToInt(Sequence::wanted).sum();
    var names = outputs.stream().map(Encoder.Output::name).toList();
    // Where no token's output is wanted a sequence's may be; an input has one element at least.
    var form = new Form(packing(sequences), Math.max(1, wanted), names);
    var tensors = run(form, sequences, (g, hidden, in) -> results(g, hidden, in, outputs));
    var results = new float[sequences.size()][outputs.size()][];
    int row = 0;
    for (int i = 0; i < results.length; i++) {
      int rows = sequences.get(i).wanted();
      for (int o = 0; o < outputs.size(); o++) {
        int width = outputs.get(o).width();
        boolean tokens = outputs.get(o).of() == Encoder.Rows.TOKENS;
        var result = new float[width * (tokens ? rows : 1)];
        if (result.length > 0) tensors.get(o).get((long) width * (tokens ? row : i), result);
        results[i][o] = result;
      }
      row += rows;
    }
    return results;
  }

  private List<Tensor> results(
      Graph g, Tensor hidden, EncoderInputs in, List<Encoder.Output> outputs) {
    var results = new ArrayList<Tensor>();
    for (var output : outputs) {
      boolean states = output.name().equals(Encoder.HIDDEN_STATES);
      var result =
          states ? g.rows(hidden, in.outputs()) : encoder.head(g, hidden, in, output.name());
      var rows = output.of() == Encoder.Rows.TOKENS ? in.outputs() : in.summaries();
      var expected = Shape.of(output.width(), rows.shape().n0());
      if (!result.shape().equals(expected))
        throw new IllegalStateException(
            "encoder gave " + output.name() + " of " + result.shape() + ", expected " + expected);
      results.add(result);
    }
    return results;
  }

  private static Packing packing(List<Sequence> sequences) {
    return new Packing(sequences.stream().mapToInt(s -> s.tokens().length).toArray());
  }

  /// Runs a pass: its results can be read until the next.
  private List<Tensor> run(Form form, List<Sequence> sequences, Body body) {
    if (last == null || !last.form.equals(form)) {
      forget();
      var built = build(form, body);
      try {
        compute.allocate(built.graph);
      } catch (Throwable e) {
        built.graph.close();
        throw e;
      }
      last = built;
    }
    fill(last.inputs, sequences);
    compute.run();
    return last.results;
  }

  private Pass build(Form form, Body body) {
    var graph = new Graph(capacity);
    try {
      var inputs = EncoderInputs.of(graph, form.packing, form.outputs, null);
      var hidden = encoder.forward(graph, inputs); // [width, t]
      var results = body.build(graph, hidden, inputs);
      results.forEach(graph::output);
      return new Pass(form, graph, inputs, results);
    } catch (Throwable e) {
      graph.close();
      throw e;
    }
  }

  private void fill(EncoderInputs inputs, List<Sequence> sequences) {
    int rows = sequences.stream().mapToInt(s -> s.tokens().length).sum();
    var tokens = new int[rows];
    var positions = new int[rows];
    var types = new int[rows];
    var outputs = new int[(int) inputs.outputs().shape().n0()];
    var summaries = new int[sequences.size()];
    int row = 0;
    int output = 0;
    for (int i = 0; i < sequences.size(); i++) {
      var sequence = sequences.get(i);
      int length = sequence.tokens().length;
      System.arraycopy(sequence.tokens(), 0, tokens, row, length);
      if (sequence.tokenTypes() != null)
        System.arraycopy(sequence.tokenTypes(), 0, types, row, length);
      for (int p = 0; p < length; p++) positions[row + p] = p;
      for (int w = 0; w < sequence.wanted() && output < outputs.length; w++)
        outputs[output++] = row + (sequence.outputs() == null ? w : sequence.outputs()[w]);
      summaries[i] = row + encoder.summary(sequence.tokens());
      row += length;
    }
    inputs.tokens().setIfUsed(tokens);
    inputs.positions().setIfUsed(positions);
    inputs.tokenTypes().setIfUsed(types);
    inputs.outputs().setIfUsed(outputs);
    inputs.summaries().setIfUsed(summaries);
  }

  private void forget() {
    if (last != null) last.graph.close();
    last = null;
  }

  /// Frees what was held for passes. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    forget();
    compute.close();
  }
}
