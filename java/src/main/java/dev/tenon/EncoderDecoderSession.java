package dev.tenon;

import dev.tenon.gguf.TensorType;
import dev.tenon.model.Batch;
import dev.tenon.model.EncoderDecoder;
import dev.tenon.model.EncoderEvaluator;
import dev.tenon.model.Evaluator;
import dev.tenon.tensor.CrossCache;
import dev.tenon.tensor.KvCache;
import java.util.List;

/// Reads sources with an encoder-decoder, and evaluates sequences of its decoder about them.
///
/// Sources are encoded once; up to 64 sequences step side by side, each about one source, and can
/// fork. Everything is kept in F32. Confined to the thread that opened it.
///
/// ```java
/// try (var session = model.newEncoderDecoderSession()) {
///   session.read(List.of(source));
///   float[][] logits = session.evaluate(Batch.all(decoderTokens, 0, 0));
/// }
/// ```
public final class EncoderDecoderSession implements AutoCloseable {
  private static final int PASS_ROWS = 512;

  /// Sources may have so many tokens together, or as many as the longest has.
  private static final int SOURCE_ROWS = 2048;

  /// Tokens of the decoder there is room for at first.
  private static final int CELLS = 1024;

  private static final KvCache.Settings EXACT =
      new KvCache.Settings(TensorType.F32, TensorType.F32, true);

  private final Model model;
  private final EncoderDecoder network;
  private final CrossCache cross;
  private final EncoderEvaluator encoder;
  private final GrowingCache decoder;
  private boolean closed;

  EncoderDecoderSession(Model model, EncoderDecoder network) {
    this.model = model;
    this.network = network;
    int positions = Math.min(network.encoder().positions(), 1 << 20);
    var weights = model.weights();
    int vocabulary = model.vocabularySize();
    var opened = new CrossCache(weights, network.crossLayout(), Math.max(SOURCE_ROWS, positions));
    EncoderEvaluator reading = null;
    try {
      reading =
          new EncoderEvaluator(network.encoder(), weights, network.sourceVocabulary(), PASS_ROWS);
      this.decoder =
          new GrowingCache(
              new KvCache(weights, network.cacheLayout(), CELLS, EXACT),
              cache -> new Evaluator(network, weights, cache, opened, vocabulary, PASS_ROWS));
    } catch (Throwable e) {
      if (reading != null) reading.close();
      opened.close();
      throw e;
    }
    this.cross = opened;
    this.encoder = reading;
  }

  /// {@return the model that reads and writes}
  public Model model() {
    return model;
  }

  /// {@return the most tokens that sources read together may have}
  public int sourceRows() {
    return cross.rows();
  }

  /// {@return the longest source, in tokens}
  public int sourcePositions() {
    return Math.min(network.encoder().positions(), cross.rows());
  }

  /// {@return the longest text of the decoder, in tokens}
  public int positions() {
    return network.positions();
  }

  /// Reads sources, in place of those before, and forgets all sequences. Sequence 0 is about the
  /// first source, 1 about the second, and so on, until [#look] says otherwise.
  ///
  /// @param sources ids of each, 1 to 64; they are read best where they are sorted by length
  /// @throws IllegalArgumentException if there are none, more than 64, or one has no tokens
  /// @throws IllegalStateException if they have more tokens together than [#sourceRows]
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, or a source longer than
  ///     the positions the encoder knows
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public void read(List<int[]> sources) {
    check("read");
    if (sources.isEmpty() || sources.size() > KvCache.MAX_SEQUENCES)
      throw new IllegalArgumentException(
          "read: " + sources.size() + " sources, from 1 to " + KvCache.MAX_SEQUENCES);
    cross.clear();
    decoder.reorder(new int[0]);
    encoder.remember(sources, network, cross);
    for (int i = 0; i < sources.size(); i++) cross.look(i, i);
  }

  /// Says which source a sequence is about.
  ///
  /// @param sequence from 0 to 63
  /// @param source number of one that was [read][#read] last, from 0
  /// @throws IndexOutOfBoundsException if there is no such sequence or source
  public void look(int sequence, int source) {
    check("look");
    cross.look(sequence, source);
  }

  /// Evaluates tokens of sequences, and keeps them.
  ///
  /// @param batch tokens at the next positions of their sequences
  /// @return a row of logits for each output of the batch, unnormalised; fresh arrays
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary, or a position beyond
  ///     those the decoder knows; nothing is evaluated
  /// @throws IllegalArgumentException if a position is not the next of its sequence; nothing is
  ///     evaluated
  /// @throws IllegalStateException if no source was read; nothing is evaluated
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  public float[][] evaluate(Batch batch) {
    check("evaluate");
    var rows = new float[batch.outputs().length][model.vocabularySize()];
    decoder.evaluate(batch, rows);
    return rows;
  }

  /// Evaluates tokens of sequences, and keeps them, with arrays of the caller for the logits.
  ///
  /// @param batch tokens at the next positions of their sequences
  /// @param rows one for each output of the batch, each as long as the vocabulary; filled
  /// @throws IndexOutOfBoundsException as [#evaluate]
  /// @throws IllegalArgumentException as [#evaluate], or if the arrays have another size
  /// @throws IllegalStateException as [#evaluate]
  public void evaluate(Batch batch, float[][] rows) {
    check("evaluate");
    decoder.evaluate(batch, rows);
  }

  /// Makes the sequences anew, each as one of them is now, what they are about included; see
  /// [KvCache#reorder].
  ///
  /// @param from for each sequence to be, the one it comes from
  /// @throws IndexOutOfBoundsException if there is no such sequence
  public void reorder(int[] from) {
    check("reorder");
    decoder.reorder(from);
    cross.reorder(from);
  }

  /// Frees the caches. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that opened it
  @Override
  public void close() {
    if (closed) return;
    decoder.close();
    encoder.close();
    cross.close();
    closed = true;
    model.release();
  }

  private void check(String operation) {
    if (closed) throw new IllegalStateException(operation + ": the session is closed");
  }
}
