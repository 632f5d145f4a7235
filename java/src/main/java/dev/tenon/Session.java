package dev.tenon;

import dev.tenon.grammar.Grammar;
import dev.tenon.grammar.GrammarFilter;
import dev.tenon.json.JsonRecords;
import dev.tenon.json.JsonSchema;
import dev.tenon.model.Batch;
import dev.tenon.model.Evaluator;
import dev.tenon.sampling.Sampler;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.MatmulObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.Spliterator;
import java.util.Spliterators;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/// One sequence of tokens and its key/value cache.
///
/// Confined to the thread that opened it: use from another throws [WrongThreadException]. While it
/// evaluates, its [observer][#observe] can ask what it holds, and no more: the rest throws
/// [IllegalStateException].
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
  private final int passRows;
  private int[] tokens = new int[64]; // what the cache holds, in its first elements
  private int ahead; // so many of them are guesses, at the end
  private Continuation guesser; // whose guesses they are
  private int[] forgotten = {}; // tokens of the text that the cache has dropped
  private int forgottenAt; // where they were: in front of the token at this position
  private boolean closed;

  Session(
      Model model, KvCache cache, Evaluator evaluator, int contextLength, SessionOptions options) {
    this.model = model;
    this.cache = cache;
    this.evaluator = evaluator;
    this.contextLength = contextLength;
    this.passRows = Math.min(options.passRows(), contextLength);
  }

  /// {@return the number of tokens in the cache: the position of the next token}
  public int position() {
    check("position");
    return cache.length(SEQUENCE) - ahead;
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

  /// Lets an observer see what each weight of the model is multiplied with, in the evaluations to
  /// come: what an [importance matrix][dev.tenon.convert.ImportanceCollector] is made of. What it
  /// throws comes out of them.
  ///
  /// @param observer takes the place of the one before; null for none
  /// @throws IllegalStateException if this is closed, or called by an observer
  /// @throws WrongThreadException if called by another thread than the one that opened this
  public void observe(MatmulObserver observer) {
    check("observe");
    evaluator.observe(observer);
  }

  /// Forgets every token from `position` on, so that a shared prefix is not evaluated again.
  ///
  /// @param position from 0 to [#position]
  /// @throws IndexOutOfBoundsException if out of range
  public void rewind(int position) {
    if (position < 0 || position > position())
      throw new IndexOutOfBoundsException("rewind to " + position + ", from 0 to " + position());
    rewindTo(position);
    if (position <= forgottenAt) rememberAll();
  }

  /// {@return whether tokens can move, as [#drop] and a context that shifts need}
  public boolean canShift() {
    check("canShift");
    try {
      evaluator.checkCanDrop();
      return true;
    } catch (UnsupportedOperationException _) {
      return false;
    }
  }

  /// Forgets the tokens from position `from` to before `to`, and moves those after them down to
  /// their place without evaluating them again. What those know of the forgotten ones stays in
  /// them.
  ///
  /// @param from first position forgotten, at least 0
  /// @param to first position kept, from `from` to [#position]
  /// @throws IndexOutOfBoundsException if out of range
  /// @throws UnsupportedOperationException if the model's architecture does not let tokens move, as
  ///     one with learned positions does not; nothing is forgotten
  /// @throws dev.tenon.tensor.BackendException if the computation fails; the session ends at `from`
  ///     then
  public void drop(int from, int to) {
    if (from < 0 || from > to || to > position())
      throw new IndexOutOfBoundsException(
          "drop from " + from + " to " + to + ", from 0 to " + position());
    evaluator.checkIdle("drop");
    if (forgottenAt >= from) rememberAll();
    dropTokens(from, to);
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

  /// Continues what the session holds and `prompt` after it, as a lazy stream: each element pulled
  /// evaluates one token, and not pulling stops. Interrupting the thread stops a running evaluation
  /// within milliseconds, and the stream ends with [Generation.Reason#INTERRUPTED].
  ///
  /// The token of the last piece is not evaluated: [#tokens] ends before it. To go on from there,
  /// put it first in the next prompt. Nothing is taken back at the end: what was generated stays in
  /// the session, the tokens of a stop string too.
  ///
  /// An exception of the sampler or drafter passes through; the session can be used on.
  ///
  /// @param prompt at least one id; evaluated when the first element is pulled
  /// @param sampler picks each token; it is told every token of the prompt and every one generated
  /// @param options how tokens are generated, and when that ends
  /// @return pieces, then exactly one [Generation.Done]; sequential, single use, for this thread
  /// @throws IllegalArgumentException if the prompt is empty
  /// @throws IllegalStateException if the context has no room for the prompt and does not shift, or
  ///     stop strings are given and the model has no vocabulary
  /// @throws UnsupportedOperationException if the context is to shift, and the model's architecture
  ///     does not let tokens move
  public Stream<Generation> events(int[] prompt, Sampler sampler, GenerateOptions options) {
    check("events");
    if (prompt.length == 0) throw new IllegalArgumentException("events: the prompt has no tokens");
    if (options.keep() < 0) needRoom("events", prompt.length);
    return stream("events", prompt, false, sampler, options);
  }

  /// Continues a whole text, of which the session may hold a part: what its tokens have in common
  /// with those of the text, from the start, is not evaluated again, and the rest of the session is
  /// forgotten. A chat gives its whole conversation each time, and only what is new is evaluated.
  ///
  /// This is [#events] with what is left of the text, but for two things. The sampler is told the
  /// whole text; one that knows an earlier text should be [reset][Sampler#reset] before. And where
  /// the context shifts, the text may be longer than the context: the session then holds the first
  /// tokens and the last ones, remembers what it has forgotten in between, and still knows the text
  /// when it is given again with more at its end.
  ///
  /// @param text at least one id, from the very start
  /// @param sampler picks each token
  /// @param options how tokens are generated, and when that ends
  /// @return pieces, then exactly one [Generation.Done]; sequential, single use, for this thread
  /// @throws IllegalArgumentException if the text is empty
  /// @throws IllegalStateException if the text is longer than the context, which does not shift, or
  ///     stop strings are given and the model has no vocabulary
  /// @throws UnsupportedOperationException if the context is to shift, and the model's architecture
  ///     does not let tokens move
  public Stream<Generation> complete(int[] text, Sampler sampler, GenerateOptions options) {
    check("complete");
    if (text.length == 0) throw new IllegalArgumentException("complete: the text has no tokens");
    if (options.keep() < 0 && text.length > contextLength)
      throw new IllegalStateException(
          "complete: a text of " + text.length + " tokens in a context of " + contextLength);
    return stream("complete", text, true, sampler, options);
  }

  private Stream<Generation> stream(
      String operation, int[] text, boolean whole, Sampler sampler, GenerateOptions options) {
    if (options.keep() >= 0) evaluator.checkCanDrop();
    if (!options.stops().strings().isEmpty() && !model.hasTokenizer())
      throw new IllegalStateException(
          operation + ": stop strings, and the model has no vocabulary to make text with");
    var events =
        new Continuation(this, text.clone(), whole, Objects.requireNonNull(sampler), options);
    return StreamSupport.stream(
        Spliterators.spliteratorUnknownSize(events, Spliterator.ORDERED | Spliterator.NONNULL),
        false);
  }

  /// Saves what the session holds, so that it need not be evaluated again. A file that is there is
  /// replaced when the new one is whole.
  ///
  /// @param file where to
  /// @throws IOException if it cannot be written
  /// @throws IllegalStateException if the model's file is closed, or called by an observer
  public void save(Path file) throws IOException {
    save(file, "");
  }

  /// Saves what the session holds, and a note for [#restore] to give back.
  ///
  /// @param file where to
  /// @param note any text
  /// @throws IOException if it cannot be written
  /// @throws IllegalStateException if the model's file is closed, or called by an observer
  public void save(Path file, String note) throws IOException {
    check("save");
    evaluator.checkIdle("save");
    forgetGuesses();
    new SessionFile(file, model, cache, SEQUENCE)
        .save(new SessionFile.Held(tokens(), forgotten, forgottenAt, note));
  }

  /// Takes up a saved session, in place of what this one holds: logits are then the same as before,
  /// to the last bit. The context may be longer or shorter, as long as it holds the tokens.
  ///
  /// The state of a sampler is not in the file: to go on as before, tell a new one the [#tokens].
  ///
  /// @param file that [#save] wrote
  /// @return the note in it; empty where there is none
  /// @throws IOException if it cannot be read, is no saved session or damaged, holds more tokens
  ///     than the context, or was saved by another build of Tenon, with another model, or with keys
  ///     and values stored otherwise; the message says which. This session is as it was before, but
  ///     where reading fails in the middle: it is empty then
  /// @throws IllegalStateException if the model's file is closed, or called by an observer
  public String restore(Path file) throws IOException {
    check("restore");
    evaluator.checkIdle("restore");
    forgetGuesses();
    var saved = new SessionFile(file, model, cache, SEQUENCE);
    SessionFile.Held held;
    try {
      held = saved.restore(contextLength, model.vocabularySize());
    } finally {
      if (cache.length(SEQUENCE) == 0) rememberAll();
    }
    tokens = Arrays.copyOf(held.tokens(), Math.max(64, held.tokens().length));
    forgotten = held.forgotten();
    forgottenAt = held.forgottenAt();
    return held.note();
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

  /// Continues `prompt` with an answer of a Java type: a grammar made of the type holds the model
  /// to JSON of its form.
  ///
  /// ```java
  /// record Answer(String city, int inhabitants) {}
  /// var prompt = "The largest city of Japan, as JSON: ";
  /// var answer = session.generate(prompt, Sampler.greedy(), 200, Answer.class);
  /// ```
  ///
  /// @param <T> the type
  /// @param prompt text, encoded with [dev.tenon.tokenizer.Tokenizer#encodePrompt]
  /// @param sampler picks each token among those that the form allows
  /// @param maxTokens the most tokens generated, at least 0; -1 for as many as the context holds
  /// @param type a record, an enum, or what else [JsonSchema#of] takes
  /// @return the answer
  /// @throws IllegalArgumentException if the prompt is empty, `maxTokens` is below -1, or JSON has
  ///     nothing for the type
  /// @throws IllegalStateException if the context has no room for the prompt, the model has no
  ///     vocabulary, or the answer was cut off by the limit, the context or an interruption
  public <T> T generate(String prompt, Sampler sampler, int maxTokens, Class<T> type) {
    var grammar = Grammar.ofJsonSchema(JsonSchema.of(type));
    var mask = new GrammarFilter(grammar, model.vocabularyTrie(false));
    var tokens = model.tokenizer().encodePrompt(prompt);
    var answer = new StringBuilder();
    for (var events = events(tokens, sampler.within(mask), maxTokens).iterator(); ; ) {
      switch (events.next()) {
        case Generation.Piece piece -> answer.append(piece.text());
        case Generation.Done done -> {
          if (!mask.mayEnd())
            throw new IllegalStateException(
                "generate: " + done.reason() + " before the answer was whole: " + answer);
          return JsonRecords.read(answer.toString(), type);
        }
      }
    }
  }

  /// Frees the cache. Closing twice has no effect.
  ///
  /// @throws IllegalStateException if called by an observer
  /// @throws WrongThreadException if called by another thread than the one that opened it
  @Override
  public void close() {
    checkThread("close");
    if (closed) return;
    evaluator.checkIdle("close");
    closed = true;
    evaluator.close();
    cache.close();
    model.release();
  }

  private void evaluate(String operation, int[] next, Batch batch, float[][] logits) {
    needRoom(operation, next.length);
    forgetGuesses();
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

  // What a continuation needs.

  Model model() {
    return model;
  }

  /// The most tokens of a pass.
  int passRows() {
    return passRows;
  }

  /// How many tokens the context has room for.
  int room() {
    return contextLength - position();
  }

  /// The tokens in the cache and one more.
  int[] tokensWith(int last) {
    int position = position();
    var all = Arrays.copyOf(tokens, position + 1);
    all[position] = last;
    return all;
  }

  /// Evaluates tokens, with the logits after the last.
  void evaluateNext(int[] next, float[] logits) {
    evaluate("events", next, Batch.next(next, position(), SEQUENCE), new float[][] {logits});
  }

  /// Evaluates a token and guesses of what follows it, with the logits after each. The guesses do
  /// not count as held until they are [confirmed][#confirm].
  void evaluateAhead(Continuation by, int token, int[] guesses, float[][] logits) {
    var next = new int[1 + guesses.length];
    next[0] = token;
    System.arraycopy(guesses, 0, next, 1, guesses.length);
    var rows = Arrays.copyOf(logits, next.length);
    evaluate("events", next, Batch.all(next, position(), SEQUENCE), rows);
    ahead = guesses.length;
    guesser = by;
  }

  /// Counts the next guess as held.
  ///
  /// @return false where it is there no more, because the session was used otherwise since
  boolean confirm(Continuation by) {
    check("events");
    if (guesser != by || ahead == 0) return false;
    ahead--;
    return true;
  }

  private void forgetGuesses() {
    int position = position();
    if (ahead > 0) cache.rewind(SEQUENCE, position);
    ahead = 0;
    guesser = null;
  }

  /// Keeps what the session holds of a text, but for its last token, whose logits are wanted.
  ///
  /// @return what is to be evaluated of it, at least one token
  int[] keepCommon(int[] text) {
    int position = position();
    int most = text.length - 1;
    int common = Math.min(most, common(text, 0, tokens, 0, position));
    // The text may be the one of which the session has forgotten a part.
    int gone = forgotten.length;
    if (gone > 0
        && common >= Math.min(forgottenAt, most)
        && common(text, forgottenAt, forgotten, 0, gone) == gone) {
      int after = common(text, forgottenAt + gone, tokens, forgottenAt, position - forgottenAt);
      int held = Math.min(most - gone, forgottenAt + after);
      if (held >= forgottenAt && held >= common) {
        rewindTo(held);
        return Arrays.copyOfRange(text, held + gone, text.length);
      }
    }
    // What follows a part that was forgotten has seen it: that is another text's.
    if (gone > 0) common = Math.min(common, forgottenAt);
    rememberAll();
    rewindTo(common);
    return Arrays.copyOfRange(text, common, text.length);
  }

  /// What the session holds is its text, with nothing left out.
  private void rememberAll() {
    forgotten = new int[0];
    forgottenAt = 0;
  }

  /// How many elements two parts have in common from their start on.
  private static int common(int[] a, int fromA, int[] b, int fromB, int length) {
    int n = Math.max(0, Math.min(length, a.length - fromA));
    if (n == 0) return 0;
    int differs = Arrays.mismatch(a, fromA, fromA + n, b, fromB, fromB + n);
    return differs < 0 ? n : differs;
  }

  /// Makes room for tokens by forgetting others, after the first `keep`: half of what the context
  /// holds beside those, as often as it takes. Of tokens that are more than the context holds, some
  /// are left out themselves.
  ///
  /// @return what is left of `next`, at least one token; null where no room can be made
  int[] makeRoom(int[] next, int keep) {
    int position = position();
    int excess = Math.addExact(position, next.length) - contextLength;
    if (excess <= 0) return next;
    int kept = Math.max(keep, beginsWithBos(next) ? 1 : 0);
    int block = (contextLength - kept) / 2;
    if (block < 1) return null;
    int count = Math.ceilDiv(excess, block) * block; // leaves more than kept + block
    int end = kept + count;
    var gone = new int[count];
    for (int i = 0; i < count; i++)
      gone[i] = kept + i < position ? tokens[kept + i] : next[kept + i - position];
    if (end <= position) {
      dropTokens(kept, end);
    } else {
      var left = new int[next.length - (end - Math.max(kept, position))];
      int before = Math.max(0, kept - position);
      System.arraycopy(next, 0, left, 0, before);
      System.arraycopy(next, end - position, left, before, left.length - before);
      next = left;
      rewindTo(Math.min(kept, position));
    }
    if (forgotten.length == 0 || forgottenAt != kept) forgotten = gone;
    else {
      forgotten = Arrays.copyOf(forgotten, forgotten.length + count);
      System.arraycopy(gone, 0, forgotten, forgotten.length - count, count);
    }
    forgottenAt = kept;
    return next;
  }

  private boolean beginsWithBos(int[] next) {
    if (!model.hasTokenizer() || !model.tokenizer().addsBos()) return false;
    return (position() > 0 ? tokens[0] : next[0]) == model.tokenizer().bos();
  }

  private void rewindTo(int position) {
    evaluator.checkIdle("rewind");
    forgetGuesses();
    cache.rewind(SEQUENCE, position);
  }

  private void dropTokens(int from, int to) {
    forgetGuesses();
    int position = position();
    evaluator.drop(SEQUENCE, from, to);
    System.arraycopy(tokens, to, tokens, from, position - to);
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
}
