package dev.tenon;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.sampling.Sampler;
import java.io.UncheckedIOException;
import java.util.Arrays;
import java.util.Objects;

/// Guesses with a smaller model of the same vocabulary: what it would say itself.
///
/// It has a session of its own, in which what it evaluated before stays. Confined to the thread
/// that made it; the caller closes it before its model.
///
/// ```java
/// try (var drafter = new DraftModel(model, small, SessionOptions.of(4096))) {
///   var options = GenerateOptions.of(500).withDrafter(drafter);
///   session.complete(text, sampler, options).forEach(…);
/// }
/// ```
public final class DraftModel implements Drafter, AutoCloseable {
  private static final int[] NONE = {};

  /// Vocabularies may differ in so many tokens at their end and in so many at their start, which
  /// are padding and control tokens: as llama.cpp has it.
  private static final int MOST_MORE_TOKENS = 128;

  private static final int FIRST_COMPARED = 5;

  private final Session session;
  private final int vocabulary;
  private final boolean canShift;
  private final float[] logits;

  /// Opens a session of a model that guesses for another.
  ///
  /// @param target whose text is guessed
  /// @param draft the smaller model; must stay open longer than this
  /// @param options of the session; its context need not be as long as the target's
  /// @throws IllegalArgumentException if the two have other vocabularies; the message has the first
  ///     difference
  /// @throws dev.tenon.tensor.BackendException if the session does not fit; the message gives bytes
  ///     needed and free
  /// @throws IllegalStateException if a model is closed
  public DraftModel(Model target, Model draft, SessionOptions options) {
    checkSameVocabulary(target, draft);
    this.vocabulary = draft.vocabularySize();
    this.logits = new float[vocabulary];
    this.session = draft.newSession(options);
    this.canShift = session.canShift();
  }

  @Override
  public int[] draft(int[] text, int most) {
    if (most < 1) throw new IllegalArgumentException("draft: " + most + " tokens, at least 1");
    if (text.length == 0) throw new IllegalArgumentException("draft: the text has no tokens");
    for (int token : text) if (token < 0 || token >= vocabulary) return NONE;
    var next = session.keepCommon(text);
    var guess = new int[most];
    for (int n = 0; n < most; n++) {
      if (next.length > session.room()) {
        next = canShift ? session.makeRoom(next, 0) : null;
        if (next == null) return Arrays.copyOf(guess, n);
      }
      session.evaluateNext(next, logits);
      guess[n] = Sampler.greedy().sample(logits);
      next = new int[] {guess[n]};
    }
    return guess;
  }

  /// Frees the session. Closing twice has no effect.
  ///
  /// @throws WrongThreadException if called by another thread than the one that made this
  @Override
  public void close() {
    session.close();
  }

  private static void checkSameVocabulary(Model target, Model draft) {
    int size = target.vocabularySize();
    int other = draft.vocabularySize();
    if (target.hasTokenizer() != draft.hasTokenizer())
      throw differ((target.hasTokenizer() ? "the draft model" : "the model") + " has none");
    if (!target.hasTokenizer()) {
      if (size != other) throw differ(size + " and " + other + " tokens");
      return;
    }
    need("kind", kind(target), kind(draft));
    if (Math.abs(size - other) > MOST_MORE_TOKENS) throw differ(size + " and " + other + " tokens");
    var a = target.tokenizer();
    var b = draft.tokenizer();
    need("begin token added", a.addsBos(), b.addsBos());
    if (a.addsBos()) need("begin token", a.bos(), b.bos());
    for (int id = FIRST_COMPARED; id < Math.min(size, other); id++)
      need("token " + id, a.piece(id), b.piece(id));
  }

  private static String kind(Model model) {
    try {
      return model.gguf().text("tokenizer.ggml.model", "none");
    } catch (GgufFormatException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void need(String what, Object a, Object b) {
    if (!Objects.equals(a, b)) throw differ(what + ": " + a + " and " + b);
  }

  private static IllegalArgumentException differ(String how) {
    return new IllegalArgumentException(
        "a draft model needs the vocabulary of the model it guesses for, and they differ: " + how);
  }
}
