package dev.tenon.grammar;

import dev.tenon.grammar.Automaton.State;
import dev.tenon.sampling.Candidates;
import dev.tenon.sampling.Filter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/// Keeps the candidates with which a text goes on as a grammar has it, and drops the others. The
/// tokens that end generation stay where the grammar may end, and only there.
///
/// It belongs in front of the filters that look at how many candidates there are, and to one
/// sampler. A token counts when it has been chosen: one that is accepted without a call of [#apply]
/// since the last is part of a prompt, and passed over.
///
/// Not thread-safe. What follows a state of the grammar is found once and kept, over [#reset] too.
public final class GrammarFilter implements Filter {
  private final Grammar grammar;
  private final VocabularyTrie trie;
  private final TriggerWatch watch; // null where the grammar is not lazy
  private Automaton automaton;
  private State state;
  private boolean asked; // since the last token
  private boolean waiting; // for a trigger

  /// A filter that holds from the first token on.
  ///
  /// @param grammar what the text must look like
  /// @param trie the model's tokens
  /// @throws IllegalStateException if the grammar can be read in too many ways
  public GrammarFilter(Grammar grammar, VocabularyTrie trie) {
    this(grammar, trie, null);
  }

  private GrammarFilter(Grammar grammar, VocabularyTrie trie, TriggerWatch watch) {
    this.grammar = Objects.requireNonNull(grammar);
    this.trie = Objects.requireNonNull(trie);
    this.watch = watch;
    automaton = grammar.automaton();
    reset();
    if (watch == null) {
      trie.allowed(automaton, state); // so that the first token has not to wait for it
    }
  }

  /// {@return a filter that lets everything through until one of its triggers has been written, and
  /// holds from the beginning of that on}
  ///
  /// @param grammar what the text must look like from the trigger on, with it
  /// @param trie the model's tokens; with their text, if control tokens are part of that
  /// @param triggers what to wait for
  /// @throws IllegalArgumentException if there are no triggers
  /// @throws IllegalStateException if the grammar can be read in too many ways
  public static GrammarFilter lazy(Grammar grammar, VocabularyTrie trie, List<Trigger> triggers) {
    return new GrammarFilter(grammar, trie, new TriggerWatch(triggers));
  }

  /// Keeps the candidates that the grammar allows.
  ///
  /// @param candidates what the filters before this one left
  /// @throws IllegalStateException if none of them is allowed, or the grammar can be read in too
  ///     many ways
  @Override
  public void apply(Candidates candidates) {
    asked = true;
    if (waiting) {
      return;
    }
    var allowed = trie.allowed(automaton, state);
    boolean none = true;
    for (int i = 0; i < allowed.length && none; i++) {
      none = allowed[i] == 0;
    }
    if (none) {
      throw new IllegalStateException("no token of the vocabulary can follow in the grammar");
    }
    candidates.retain(allowed);
  }

  /// Goes on by a token that was chosen.
  ///
  /// @param token an id
  /// @throws IllegalStateException if the grammar does not allow it; the filter stays where it was
  @Override
  public void accept(int token) {
    if (!asked) {
      return;
    }
    asked = false;
    if (waiting) {
      var pieces = watch.accept(token, trie.bytes(token));
      if (pieces != null) {
        waiting = false;
        for (var piece : pieces) {
          advance(piece.token(), piece.bytes());
        }
      }
    } else if (trie.endsGeneration(token)) {
      if (!automaton.mayEnd(state)) {
        throw new IllegalStateException(
            "accept(" + token + "): the token ends the text where the grammar goes on");
      }
    } else {
      advance(token, trie.bytes(token));
    }
  }

  /// Goes on by a text that is there before the first token, such as what a chat template has
  /// written already.
  ///
  /// @param text as the grammar has it
  /// @throws IllegalStateException if the grammar does not allow it; the filter stays where it was
  public void feed(String text) {
    var next = steps(state, text.getBytes(StandardCharsets.UTF_8));
    if (automaton.isDead(next)) {
      throw new IllegalStateException("feed: the grammar does not allow \"" + text + '"');
    }
    enter(next);
  }

  /// {@return whether the grammar has hold of the text: always, unless it is lazy}
  public boolean active() {
    return !waiting;
  }

  /// {@return whether the text may end here}
  public boolean mayEnd() {
    return waiting || automaton.mayEnd(state);
  }

  /// Begins again.
  @Override
  public void reset() {
    if (automaton.isLarge()) {
      automaton = grammar.automaton();
    }
    automaton.readToken();
    state = automaton.start();
    asked = false;
    waiting = watch != null;
    if (waiting) {
      watch.reset();
    }
  }

  private void advance(int token, byte[] bytes) {
    var asElement = automaton.token(state, token);
    var next = bytes.length == 0 ? asElement : steps(state, bytes);
    if (bytes.length > 0 && !automaton.isDead(asElement)) {
      next = next.atBorder() ? automaton.either(next, asElement) : asElement;
    }
    if (automaton.isDead(next)) {
      throw new IllegalStateException(
          "accept("
              + token
              + "): the grammar does not allow the token \""
              + new String(bytes, StandardCharsets.UTF_8)
              + '"');
    }
    enter(next);
  }

  private State steps(State from, byte[] bytes) {
    var at = from;
    for (byte b : bytes) {
      at = automaton.step(at, b);
    }
    return at;
  }

  private void enter(State next) {
    state = next;
    automaton.readToken();
    if (automaton.isLarge() && state.atBorder()) {
      automaton = automaton.rebasedOn(state);
      state = automaton.current();
    }
  }
}
