package dev.tenon;

import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderEvaluator;
import dev.tenon.model.EncoderEvaluator.Sequence;
import java.util.List;

/// Reads texts with an encoder, and gives its hidden states and what its heads make of them.
///
/// Many sequences of different lengths are read together, without padding. Confined to the thread
/// that opened it.
///
/// ```java
/// try (var session = model.newEncoderSession()) {
///   var tokens = model.tokenizer().encodePrompt("Hello world");
///   float[][][] rows = session.evaluate(List.of(Sequence.of(tokens)), List.of("hidden_states"));
/// }
/// ```
public final class EncoderSession implements AutoCloseable {
  /// The most rows of a pass: enough to keep the processor busy.
  private static final int PASS_ROWS = 512;

  private final Model model;
  private final Encoder encoder;
  private final EncoderEvaluator evaluator;
  private boolean closed;

  EncoderSession(Model model, Encoder encoder, int vocabulary) {
    this.model = model;
    this.encoder = encoder;
    this.evaluator = new EncoderEvaluator(encoder, model.weights(), vocabulary, PASS_ROWS);
  }

  /// {@return the model that reads}
  public Model model() {
    return model;
  }

  /// {@return what can be asked for, with its names and widths; the main one last}
  public List<Encoder.Output> outputs() {
    return encoder.outputs();
  }

  /// {@return the longest sequence, in tokens}
  public int positions() {
    return encoder.positions();
  }

  /// {@return how many segments the model tells apart; 0 where it knows none}
  public int tokenTypes() {
    return encoder.tokenTypes();
  }

  /// Evaluates sequences.
  ///
  /// @param sequences in any order
  /// @param outputs names of what is wanted, of the [#outputs]
  /// @return for each sequence, in the order given, and each output its rows, one after the other:
  ///     of an output of tokens those whose output is wanted, of one of sequences one row
  /// @throws IllegalArgumentException if there is no such output, or a token type that the model
  ///     does not know; nothing is evaluated
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, or a sequence is longer
  ///     than the positions the model knows; nothing is evaluated
  /// @throws IllegalStateException if this is closed
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public float[][][] evaluate(List<Sequence> sequences, List<String> outputs) {
    if (closed) throw new IllegalStateException("evaluate: the session is closed");
    return evaluator.evaluate(sequences, outputs);
  }

  /// Frees what was held. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that opened it
  @Override
  public void close() {
    if (closed) return;
    evaluator.close();
    closed = true;
    model.release();
  }
}
