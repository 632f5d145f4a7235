package dev.tenon;

import java.io.IOException;
import java.util.Arrays;

/// A text cut into chunks of equal length, each of which is evaluated from an empty context: the
/// way a model is judged over a text, and its activations are measured. What is left over at the
/// end does not count.
///
/// ```java
/// var text = ChunkedText.of(model.tokenizer().encode(book, true, false), 512, 0, -1);
/// var perplexity = new Perplexity();
/// text.evaluate(session, false, perplexity::add);
/// ```
///
/// Immutable and thread-safe.
public final class ChunkedText {
  /// The most logits that are in memory at once, unless a few rows are more.
  private static final int LOGITS = 1 << 24;

  /// Rows come in multiples of this, for matrices are multiplied with several at once.
  private static final int ROWS = 16;

  private static final int LEAST_LENGTH = 4;

  private final int[][] chunks;

  private ChunkedText(int[][] chunks) {
    this.chunks = chunks;
  }

  /// Takes what the model expected.
  @FunctionalInterface
  public interface Listener {
    /// Called with rows of the second half of a chunk, which have at least half of it before them,
    /// in order and a part of them at a time.
    ///
    /// @param logits after each token, unnormalised; not used afterwards
    /// @param next the token that comes after each
    /// @throws IOException which ends the evaluation
    void rows(float[][] logits, int[] next) throws IOException;

    /// Called after each chunk.
    ///
    /// @param done how many are
    /// @throws IOException which ends the evaluation
    default void done(int done) throws IOException {}
  }

  /// Cuts a text.
  ///
  /// @param tokens the text, with the begin token where the model wants one
  /// @param length tokens of a chunk, at least 4
  /// @param skipped chunks at the beginning that are left out, at least 0
  /// @param most the most chunks; all where it is below 1
  /// @return the chunks
  /// @throws IllegalArgumentException if the text is shorter than two chunks and those left out, or
  ///     a number is out of range
  public static ChunkedText of(int[] tokens, int length, int skipped, int most) {
    if (length < LEAST_LENGTH || skipped < 0)
      throw new IllegalArgumentException(
          "chunks of " + length + " tokens, at least 4; " + skipped + " left out, at least 0");
    long needed = (skipped + 2L) * length;
    if (tokens.length < needed)
      throw new IllegalArgumentException(
          "the text has "
              + tokens.length
              + " tokens, and "
              + needed
              + " are needed: two chunks of "
              + length
              + (skipped > 0 ? " after the " + skipped + " that are left out" : ""));
    int all = tokens.length / length - skipped;
    var chunks = new int[most > 0 ? Math.min(most, all) : all][];
    for (int i = 0; i < chunks.length; i++)
      chunks[i] = Arrays.copyOfRange(tokens, (skipped + i) * length, (skipped + i + 1) * length);
    return new ChunkedText(chunks);
  }

  /// {@return a text that is cut already}
  ///
  /// @param chunks at least one, of equal length, at least 4 tokens; copied
  /// @throws IllegalArgumentException if there is none, or their lengths differ or are too short
  public static ChunkedText of(int[][] chunks) {
    chunks = copy(chunks);
    if (chunks.length == 0) throw new IllegalArgumentException("chunks: there is none");
    for (var chunk : chunks)
      if (chunk.length < LEAST_LENGTH || chunk.length != chunks[0].length)
        throw new IllegalArgumentException(
            "chunks of "
                + chunks[0].length
                + " and "
                + chunk.length
                + " tokens: equally many are needed, at least 4");
    return new ChunkedText(chunks);
  }

  private static int[][] copy(int[][] chunks) {
    return Arrays.stream(chunks).map(int[]::clone).toArray(int[][]::new);
  }

  /// {@return the tokens of each chunk, a copy}
  public int[][] chunks() {
    return copy(chunks);
  }

  /// {@return how many chunks there are}
  public int count() {
    return chunks.length;
  }

  /// {@return how many tokens a chunk has}
  public int length() {
    return chunks[0].length;
  }

  /// Evaluates the chunks, one after the other. The first token of each is taken for the begin
  /// token where the model begins with one.
  ///
  /// @param session whose tokens are forgotten; its context has room for a chunk
  /// @param whole whether every row of a chunk goes through all layers, for an
  ///     [observer][Session#observe]; else what no row of the second half depends on is left out
  /// @param listener is given what the model expects
  /// @throws IllegalStateException if a chunk is longer than the session's context
  /// @throws IndexOutOfBoundsException if a token is outside the model's vocabulary
  /// @throws java.util.concurrent.CancellationException if the thread is interrupted
  /// @throws dev.tenon.tensor.BackendException if the computation fails
  /// @throws IOException from `listener`
  public void evaluate(Session session, boolean whole, Listener listener) throws IOException {
    var model = session.model();
    int begin = model.hasTokenizer() && model.tokenizer().addsBos() ? model.tokenizer().bos() : -1;
    int step = Math.max(1, LOGITS / model.vocabularySize() / ROWS) * ROWS;
    for (int i = 0; i < chunks.length; i++) {
      var tokens = chunks[i].clone();
      if (begin >= 0) tokens[0] = begin;
      session.rewind(0);
      evaluate(session, tokens, step, whole, listener);
      listener.done(i + 1);
    }
  }

  private static void evaluate(
      Session session, int[] tokens, int step, boolean whole, Listener listener)
      throws IOException {
    int half = tokens.length / 2;
    int from = 0;
    if (!whole) {
      session.evaluate(Arrays.copyOf(tokens, half));
      from = half;
    }
    int last = tokens.length - 1; // nothing comes after it
    for (int end = whole ? tokens.length : last; from < end; ) {
      int to = Math.min(from + step, end);
      var logits = session.evaluateAll(Arrays.copyOfRange(tokens, from, to));
      int first = Math.max(from, half);
      int after = Math.min(to, last);
      if (first < after)
        listener.rows(
            Arrays.copyOfRange(logits, first - from, after - from),
            Arrays.copyOfRange(tokens, first + 1, after + 1));
      from = to;
    }
  }
}
