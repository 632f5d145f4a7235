package dev.tenon;

import dev.tenon.sampling.LogProbabilities;
import dev.tenon.sampling.Sampler;
import dev.tenon.tokenizer.TextDecoder;
import dev.tenon.tokenizer.TokenType;
import java.time.Duration;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;

/// A text being continued, one event at a time: what a session's streams pull from.
///
/// A token is sampled from the logits after the one before it, handed out, and evaluated when the
/// next is asked for. With a drafter, that evaluation has guesses behind the token; as long as they
/// are what is sampled, the next logits are there already.
final class Continuation implements Iterator<Generation> {
  private static final int[] NONE = {};

  private final Session session;
  private final Model model;
  private final Sampler sampler;
  private final GenerateOptions options;
  private final boolean whole; // the tokens given are the whole text, not its continuation
  private final TextDecoder decoder; // null where there is no vocabulary
  private final StopStrings stops;
  private final Speculation speculation; // null without a drafter

  private int[] unevaluated; // the prompt at first, then the last token
  private float[][] logits; // after the last token evaluated for certain, and after each guess
  private int[] draft = NONE; // the guesses evaluated last
  private int row; // of the logits sampled last
  private int reused;
  private int promptTokens;
  private int generated;
  private boolean ended; // the last token ends generation
  private Generation.Done done; // decided, and not handed out yet
  private boolean over;
  private long started;
  private long promptEvaluated;

  /// Prepares to continue a text.
  ///
  /// @param prompt at least one token, this object's own
  /// @param whole whether that is the whole text, not what follows what the session holds
  Continuation(
      Session session, int[] prompt, boolean whole, Sampler sampler, GenerateOptions options) {
    this.session = session;
    this.model = session.model();
    this.unevaluated = prompt;
    this.whole = whole;
    this.sampler = sampler;
    this.options = options;
    this.decoder = model.hasTokenizer() ? model.tokenizer().decoder(true) : null;
    this.stops = new StopStrings(options.stops().strings());
    this.speculation =
        options.drafter() == null
            ? null
            : new Speculation(options.drafter(), session.passRows(), model.vocabularySize());
    this.logits = new float[1][model.vocabularySize()];
  }

  @Override
  public boolean hasNext() {
    return !over;
  }

  @Override
  public Generation next() {
    if (over) throw new NoSuchElementException("generation is over");
    if (done != null) {
      over = true;
      return done;
    }
    try {
      if (started == 0) start();
      var reason = reasonToEnd();
      if (reason != null) return finish(reason);
      return advance() ? piece(logits[row]) : finish(Generation.Reason.CONTEXT_FULL);
    } catch (CancellationException _) {
      return finish(Generation.Reason.INTERRUPTED);
    } catch (Throwable e) {
      over = true;
      throw e;
    }
  }

  /// Tells sampler and decoder what is there, and finds out what of it is to be evaluated.
  private void start() {
    started = System.nanoTime();
    for (int token : unevaluated) {
      sampler.accept(token);
      // The text goes on where the prompt ends: a space that begins it is then a space.
      text(token);
    }
    if (whole) unevaluated = session.keepCommon(unevaluated);
  }

  private Generation.Reason reasonToEnd() {
    if (stops.found() != null) return Generation.Reason.STOP_STRING;
    if (ended) return Generation.Reason.END_OF_TEXT;
    if (generated == options.maxTokens()) return Generation.Reason.MAX_TOKENS;
    if (options.maxTime() != null
        && Duration.ofNanos(System.nanoTime() - started).compareTo(options.maxTime()) >= 0)
      return Generation.Reason.TIME;
    return null;
  }

  /// Sees to it that `logits[row]` are those after the last token.
  ///
  /// @return false where the context has no room for that
  private boolean advance() {
    if (generated > 0 && row < draft.length && draft[row] == unevaluated[0]) {
      if (Thread.currentThread().isInterrupted())
        throw new CancellationException("generation was interrupted");
      if (session.confirm(this)) {
        row++;
        return true;
      }
    }
    draft = NONE;
    row = 0;
    if (unevaluated.length > session.room()) {
      var fitting = options.keep() < 0 ? null : session.makeRoom(unevaluated, options.keep());
      if (fitting == null) return false;
      unevaluated = fitting;
    }
    if (generated == 0) {
      reused = session.position();
      session.evaluateNext(unevaluated, logits[0]);
      promptTokens = unevaluated.length;
      promptEvaluated = System.nanoTime();
      return true;
    }
    if (speculation == null) {
      session.evaluateNext(unevaluated, logits[0]);
      return true;
    }
    draft = speculation.draft(() -> session.tokensWith(unevaluated[0]), mostGuesses());
    long begun = System.nanoTime();
    if (draft.length == 0) {
      session.evaluateNext(unevaluated, logits[0]);
    } else {
      needRows(draft.length + 1);
      session.evaluateAhead(this, unevaluated[0], draft, logits);
    }
    speculation.evaluated(draft.length, System.nanoTime() - begun);
    return true;
  }

  /// So many guesses can be of use: as many as the context and the limit of tokens leave.
  private int mostGuesses() {
    int most = session.room() - 1;
    return options.maxTokens() < 0 ? most : Math.min(most, options.maxTokens() - generated - 1);
  }

  private void needRows(int rows) {
    if (logits.length >= rows) return;
    var more = new float[rows][];
    System.arraycopy(logits, 0, more, 0, logits.length);
    for (int i = logits.length; i < rows; i++) more[i] = new float[model.vocabularySize()];
    logits = more;
  }

  private Generation piece(float[] scores) {
    int token = sample(scores);
    sampler.accept(token);
    if (speculation != null) speculation.sampled(token);
    generated++;
    unevaluated = new int[] {token};
    ended = endsGeneration(token);
    var text = ended ? "" : text(token);
    var likely =
        options.logProbabilities() < 0
            ? null
            : LogProbabilities.of(scores, token, options.logProbabilities());
    return new Generation.Piece(token, stops.accept(text), likely);
  }

  /// The text that a token completes.
  private String text(int token) {
    if (decoder == null) return "";
    var type = model.tokenizer().type(token);
    boolean plain = type != TokenType.CONTROL && type != TokenType.UNKNOWN;
    return plain || options.special().test(token) ? decoder.accept(token) : "";
  }

  private int sample(float[] scores) {
    if (!options.stops().ignoreEos()) return sampler.sample(scores);
    var own = options.stops().eos();
    var ends =
        own == null
            ? model.endTokens(options.stops().asConfigured())
            : own.stream()
                .mapToInt(Integer::intValue)
                .filter(token -> token < scores.length)
                .toArray();
    var kept = new float[ends.length];
    for (int i = 0; i < ends.length; i++) {
      kept[i] = scores[ends[i]];
      scores[ends[i]] = Float.NEGATIVE_INFINITY;
    }
    int token = sampler.sample(scores);
    for (int i = 0; i < ends.length; i++) scores[ends[i]] = kept[i];
    return token;
  }

  private boolean endsGeneration(int token) {
    if (options.stops().tokens().contains(token)) return true;
    if (options.stops().eos() != null) return options.stops().eos().contains(token);
    // Where end tokens are not to be picked and one is, there was nothing else: a grammar has
    // ended.
    return model.endsGeneration(token, options.stops().asConfigured());
  }

  /// Hands out what was held back, if anything, and the end after that.
  private Generation finish(Generation.Reason reason) {
    long now = System.nanoTime();
    if (promptEvaluated == 0) promptEvaluated = now;
    done =
        new Generation.Done(
            reason,
            reason == Generation.Reason.STOP_STRING ? stops.found() : "",
            promptTokens,
            reused,
            generated,
            speculation == null ? 0 : speculation.draftedTokens(),
            speculation == null ? 0 : speculation.acceptedTokens(),
            Duration.ofNanos(promptEvaluated - started),
            Duration.ofNanos(now - promptEvaluated));
    if (reason != Generation.Reason.STOP_STRING) {
      var rest = decoder == null ? "" : stops.accept(decoder.finish());
      if (stops.found() == null) rest += stops.finish();
      if (!rest.isEmpty()) return new Generation.Piece(-1, rest, null);
    }
    over = true;
    return done;
  }
}
