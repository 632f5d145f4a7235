package dev.tenon;

import dev.tenon.model.Batch;
import dev.tenon.model.Evaluator;
import dev.tenon.sampling.Sampler;
import dev.tenon.tensor.KvCache;
import dev.tenon.tokenizer.TextDecoder;
import java.time.Duration;
import java.util.Arrays;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// One sequence of tokens and its key/value cache.
///
/// Confined to the thread that opened it: use from another throws [WrongThreadException].
///
/// ```java
/// try (var session = model.newSession(4096)) {
///   session.generate("Once upon a time", Sampler.greedy(), 64).forEach(IO::print);
/// }
/// ```
public final class Session implements AutoCloseable {
  /// The one sequence of its cache.
  private static final int SEQUENCE = 0;

  private final Model model;
  private final KvCache cache;
  private final Evaluator evaluator;
  private final int contextLength;
  private final Thread owner = Thread.currentThread();
  private int[] tokens = new int[64]; // what the cache holds, in the first position() elements
  private boolean closed;

  Session(Model model, KvCache cache, Evaluator evaluator, int contextLength) {
    this.model = model;
    this.cache = cache;
    this.evaluator = evaluator;
    this.contextLength = contextLength;
  }

  /// {@return the number of tokens in the cache: the position of the next token}
  public int position() {
    check("position");
    return cache.length(SEQUENCE);
  }

  /// {@return the capacity in tokens}
  public int contextLength() {
    return contextLength;
  }

  /// {@return the tokens in the cache}
  public int[] tokens() {
    return Arrays.copyOf(tokens, position());
  }

  /// {@return bytes of the cache and of the memory for the results of a pass}
  public long bytes() {
    check("bytes");
    return cache.bytes() + evaluator.computeBytes();
  }

  /// Evaluates tokens at [#position] and advances it.
  ///
  /// @param next at least one id
  /// @return logits after the last token, one for each id of the vocabulary, unnormalised; a fresh
  ///     array
  /// @throws IllegalArgumentException if there is no token
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary; nothing is evaluated
  /// @throws IllegalStateException if the context would overflow; nothing is evaluated
  /// @throws CancellationException if the thread is interrupted; nothing is evaluated
  /// @throws dev.tenon.tensor.BackendException if the computation fails; nothing is evaluated
  public float[] evaluate(int... next) {
    var logits = new float[model.vocabularySize()];
    evaluate("evaluate", next, Batch.next(next, position(), SEQUENCE), new float[][] {logits});
    return logits;
  }

  /// Evaluates tokens at [#position] and advances it.
  ///
  /// @param next at least one id
  /// @return logits after each token, one for each id of the vocabulary, unnormalised; fresh arrays
  /// @throws IllegalArgumentException if there is no token
  /// @throws IndexOutOfBoundsException if an id is outside the vocabulary; nothing is evaluated
  /// @throws IllegalStateException if the context would overflow; nothing is evaluated
  /// @throws CancellationException if the thread is interrupted; nothing is evaluated
  /// @throws dev.tenon.tensor.BackendException if the computation fails; nothing is evaluated
  public float[][] evaluateAll(int... next) {
    needRoom("evaluateAll", next.length);
    var logits = new float[next.length][model.vocabularySize()];
    evaluate("evaluateAll", next, Batch.all(next, position(), SEQUENCE), logits);
    return logits;
  }

  /// Forgets every token from `position` on, so that a shared prefix is not evaluated again.
  ///
  /// @param position from 0 to [#position]
  /// @throws IndexOutOfBoundsException if out of range
  public void rewind(int position) {
    if (position < 0 || position > position())
      throw new IndexOutOfBoundsException("rewind to " + position + ", from 0 to " + position());
    cache.rewind(SEQUENCE, position);
  }

  /// Continues `prompt` as a lazy stream: each element pulled evaluates one token, and not pulling
  /// stops.
  ///
  /// @param prompt at least one id; evaluated when the first element is pulled
  /// @param sampler picks each token; it is told every token of the prompt and every one generated
  /// @param maxTokens the most tokens generated, at least 0; -1 for as many as the context holds
  /// @return pieces, then exactly one [Generation.Done]; sequential, single use, for this thread
  /// @throws IllegalArgumentException if the prompt is empty or `maxTokens` below -1
  /// @throws IllegalStateException if the context has no room for the prompt
  public Stream<Generation> events(int[] prompt, Sampler sampler, int maxTokens) {
    return events(prompt, sampler, GenerateOptions.of(maxTokens));
  }

  /// Continues `prompt` as a lazy stream: each element pulled evaluates one token, and not pulling
  /// stops. Interrupting the thread stops a running evaluation within milliseconds, and the stream
  /// ends with [Generation.Reason#INTERRUPTED].
  ///
  /// The token of the last piece is not evaluated: [#tokens] ends before it. To go on from there,
  /// put it first in the next prompt.
  ///
  /// @param prompt at least one id; evaluated when the first element is pulled
  /// @param sampler picks each token; it is told every token of the prompt and every one generated
  /// @param options when generation ends
  /// @return pieces, then exactly one [Generation.Done]; sequential, single use, for this thread
  /// @throws IllegalArgumentException if the prompt is empty
  /// @throws IllegalStateException if the context has no room for the prompt
  public Stream<Generation> events(int[] prompt, Sampler sampler, GenerateOptions options) {
    check("events");
    if (prompt.length == 0) throw new IllegalArgumentException("events: the prompt has no tokens");
    needRoom("events", prompt.length);
    var events = new Events(prompt.clone(), sampler, options);
    return StreamSupport.stream(
        Spliterators.spliteratorUnknownSize(events, Spliterator.ORDERED | Spliterator.NONNULL),
        false);
  }

  /// {@return the text pieces of [#events], for a prompt in which control tokens are recognised}
  ///
  /// @param prompt text, encoded with [dev.tenon.tokenizer.Tokenizer#encodePrompt]
  /// @param sampler picks each token
  /// @param maxTokens the most tokens generated, at least 0; -1 for as many as the context holds
  /// @throws IllegalArgumentException if the prompt is empty and the model begins with no token of
  ///     its own, or `maxTokens` is below -1
  /// @throws IllegalStateException if the context has no room for the prompt, or the model has no
  ///     vocabulary
  public Stream<String> generate(String prompt, Sampler sampler, int maxTokens) {
    return events(model.tokenizer().encodePrompt(prompt), sampler, maxTokens)
        .filter(Generation.Piece.class::isInstance)
        .map(piece -> ((Generation.Piece) piece).text());
  }

  /// Frees the cache. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that opened it
  @Override
  public void close() {
    checkThread("close");
    if (closed) return;
    closed = true;
    evaluator.close();
    cache.close();
    model.release();
  }

  private void evaluate(String operation, int[] next, Batch batch, float[][] logits) {
    needRoom(operation, next.length);
    int position = position();
    evaluator.evaluate(batch, logits);
    if (position + next.length > tokens.length)
      tokens = Arrays.copyOf(tokens, Math.max(position + next.length, 2 * tokens.length));
    System.arraycopy(next, 0, tokens, position, next.length);
  }

  private void needRoom(String operation, int more) {
    if (more > contextLength - position())
      throw new IllegalStateException(
          operation
              + ": "
              + more
              + " tokens at position "
              + position()
              + " of a context of "
              + contextLength);
  }

  private void check(String operation) {
    checkThread(operation);
    if (closed) throw new IllegalStateException(operation + ": the session is closed");
  }

  private void checkThread(String operation) {
    if (Thread.currentThread() != owner)
      throw new WrongThreadException(
          operation + ": used by " + Thread.currentThread() + ", opened by " + owner);
  }

  /// Generation, one event at a time.
  private final class Events implements Iterator<Generation> {
    private final Sampler sampler;
    private final GenerateOptions options;
    private final TextDecoder decoder; // null where there is no vocabulary
    private final int promptTokens;
    private final float[] logits = new float[model.vocabularySize()]; // after the last token
    private int[] unevaluated; // the prompt at first, then the last token
    private int generated;
    private boolean ended; // the last token ends generation
    private Generation.Done done; // decided, and not handed out yet
    private boolean over;
    private long started;
    private long promptEvaluated;

    Events(int[] prompt, Sampler sampler, GenerateOptions options) {
      this.sampler = sampler;
      this.options = options;
      this.decoder = model.hasTokenizer() ? model.tokenizer().decoder() : null;
      this.promptTokens = prompt.length;
      this.unevaluated = prompt;
    }

    @Override
    public boolean hasNext() {
      return !over;
    }

    @Override
    public Generation next() {
      if (over) throw new NoSuchElementException("generation is over");
      if (done == null) {
        if (started == 0) start();
        if (ended) return finish(Generation.Reason.END_OF_TEXT);
        if (generated == options.maxTokens()) return finish(Generation.Reason.MAX_TOKENS);
        if (unevaluated.length > contextLength - position())
          return finish(Generation.Reason.CONTEXT_FULL);
        try {
          var batch = Batch.next(unevaluated, position(), SEQUENCE);
          evaluate("events", unevaluated, batch, new float[][] {logits});
          return piece();
        } catch (CancellationException _) {
          return finish(Generation.Reason.INTERRUPTED);
        }
      }
      over = true;
      return done;
    }

    private void start() {
      started = System.nanoTime();
      for (int token : unevaluated) {
        sampler.accept(token);
        // The text goes on where the prompt ends: a space that begins it is then a space.
        if (decoder != null) decoder.accept(token);
      }
    }

    private Generation piece() {
      if (generated == 0) promptEvaluated = System.nanoTime();
      if (options.ignoreEos() && decoder != null) {
        for (int id : model.endTokens()) logits[id] = Float.NEGATIVE_INFINITY;
      }
      int token = sampler.sample(logits);
      sampler.accept(token);
      generated++;
      unevaluated = new int[] {token};
      ended = decoder != null && !options.ignoreEos() && model.tokenizer().endsGeneration(token);
      return new Generation.Piece(token, ended || decoder == null ? "" : decoder.accept(token));
    }

    /// Hands out what the decoder held back, if anything, and the end after that.
    private Generation finish(Generation.Reason reason) {
      long now = System.nanoTime();
      if (promptEvaluated == 0) promptEvaluated = now;
      done =
          new Generation.Done(
              reason,
              generated > 0 ? promptTokens : 0,
              generated,
              Duration.ofNanos(promptEvaluated - started),
              Duration.ofNanos(now - promptEvaluated));
      var rest = decoder == null ? "" : decoder.finish();
      if (!rest.isEmpty()) return new Generation.Piece(-1, rest);
      over = true;
      return done;
    }
  }
}
