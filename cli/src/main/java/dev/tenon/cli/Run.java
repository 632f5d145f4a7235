package dev.tenon.cli;

import dev.tenon.GenerateOptions;
import dev.tenon.Generation;
import dev.tenon.GenerationConfig;
import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.grammar.GrammarFilter;
import dev.tenon.json.Json;
import dev.tenon.sampling.Filter;
import dev.tenon.sampling.GenerationSettings;
import dev.tenon.sampling.LogProbabilities;
import dev.tenon.sampling.LogitsProcessor;
import dev.tenon.sampling.Sampler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/// Continues a prompt.
final class Run extends Command {
  /// What is done to a text while it comes.
  private static final Set<String> ONE_BY_ONE =
      Set.of(
          "--n-probs",
          "--stop",
          "--max-time",
          "--context-shift",
          "--keep",
          "--grammar",
          "--grammar-file",
          "--json-schema",
          "--json-schema-file",
          "--lookup",
          "--spec-type",
          "--model-draft",
          "--hf-repo-draft",
          "--prompt-cache",
          "--logit-bias",
          "--repeat-penalty",
          "--presence-penalty",
          "--frequency-penalty",
          "--mirostat",
          "--dry-multiplier",
          "--xtc-probability",
          "--samplers",
          "--sampler-seq",
          "--top-n-sigma",
          "--dynatemp-range",
          "--adaptive-target");

  private final Value<String> argument;
  private final Value<String> prompt;
  private final Value<String> tokens;
  private final Value<Boolean> ids;
  private final Value<Integer> probabilities;
  private final ModelFlags model;
  private final GenerateFlags generate;
  private final SearchFlags search;
  private final EscapeFlags escapes;
  private final LimitFlags limits;
  private final GrammarFlags grammar;
  private final DraftFlags draft;
  private final PromptCacheFlags cache;
  private final SessionFlags session;

  Run(Streams streams) {
    super(
        streams,
        "run",
        "Continue a prompt and print the continuation; an encoder-decoder writes about it.",
        "The prompt is read from stdin, byte for byte, where it is '-' or there is none; without"
            + " one on a terminal, the chat opens. Without -m it is a question to the built-in"
            + " model, unless -p gives it.");
    argument =
        argument("PROMPT", "The prompt; '-' for stdin. To the built-in model it is a question.");
    prompt = text("TEXT", "The prompt; '' for none but the begin token.", "-p", "--prompt");
    tokens = text("IDS", "Token ids as the prompt, as they are: 1,2,3.", "--tokens");
    ids =
        flag(
            "Print token ids in place of text: a JSON array a sequence, with the prompt's in it, or"
                + " an encoder-decoder's start token.",
            "--ids");
    probabilities =
        integer(
            null,
            "Print a line of JSON for each token in place of text: id, text, log-probability, and"
                + " so many of the likeliest.",
            "--n-probs",
            "--logprobs");
    model = new ModelFlags(this, true);
    generate = new GenerateFlags(this);
    search = new SearchFlags(this);
    escapes = new EscapeFlags(this);
    limits = new LimitFlags(this, escapes);
    grammar = new GrammarFlags(this);
    draft = new DraftFlags(this, model.hub());
    cache = new PromptCacheFlags(this);
    session = new SessionFlags(this);
  }

  @Override
  int call() throws Exception {
    var text = onlyOne("prompt", argument.get(), escapes.read(prompt.get()), tokens.get());
    if (text == null && streams.inTerminal()) {
      return Chat.converse(
          this, new Chat.Flags(model, null, generate, limits, grammar, draft, session));
    }
    var given = tokens.get() == null ? null : TokenIds.parse(this, "--tokens", text);
    check(given);
    if (model.builtIn()) {
      generate.best();
    }

    long start = System.nanoTime();
    try (var backend = model.backend();
        var loaded = model.load(backend)) {
      if (verbose()) {
        var load = Duration.ofNanos(System.nanoTime() - start);
        Timings.model(streams.err(), loaded, backend, load);
      }
      if (given == null) {
        if (text == null || text.equals("-")) {
          text = new String(streams.readAll(), StandardCharsets.UTF_8);
        }
        boolean question = model.builtIn() && prompt.get() == null;
        given = loaded.tokenizer().encodePrompt(question ? asked(loaded, text) : text);
      } else if (!ids.get() && !loaded.hasTokenizer()) {
        throw new IOException(
            loaded.gguf().path() + " has no vocabulary to print text with: add --ids");
      }
      check(given, loaded);
      var settings = session.options(loaded.contextLength());
      if (whole(loaded)) {
        checkWhole();
        return new WholeSequences(this, generate, search).print(loaded, settings, given, ids.get());
      }
      var held = grammar.grammar(loaded.hasTokenizer() ? loaded.tokenizer() : null);
      var first = new ArrayList<Filter>();
      if (held != null) {
        first.add(new GrammarFilter(held, loaded.vocabularyTrie(false)));
      }
      // Bare ids are continued as transformers does: with what the model's makers ask for.
      if (search.edits() || tokens.get() != null) {
        first.add(LogitsProcessor.of(settings(loaded), given.length, given).filter());
      }
      var sampler = generate.sampler(loaded, first.toArray(Filter[]::new));
      try (var opened = loaded.newSession(settings);
          var guesses = draft.open(loaded, backend, settings)) {
        if (given.length > opened.contextLength()) {
          throw new IOException(
              "the prompt has "
                  + given.length
                  + " tokens, and the context "
                  + opened.contextLength()
                  + ": raise it with -c");
        }
        cache.restore(opened);
        if (verbose()) {
          Timings.session(streams.err(), opened);
        }
        int begin = tokens.get() == null && loaded.tokenizer().addsBos() ? 1 : 0;
        var options =
            limits.of(generate.options(), given.length, begin).withDrafter(guesses.drafter());
        if (tokens.get() != null) {
          options = options.withEndsAsConfigured(true);
        }
        if (!search.eos().isEmpty()) {
          options = options.withEos(Set.copyOf(search.eos()));
        }
        if (probabilities.get() != null) {
          options = options.withLogProbabilities(probabilities.get());
        }
        return print(loaded, opened, given, sampler, options);
      }
    }
  }

  /// A question as the model's template has it, with the begin of the answer.
  private static String asked(Model loaded, String question) {
    var message = Map.of("role", "user", "content", question.strip());
    return loaded.chatTemplate().render(List.of(message), null, true);
  }

  /// Whether whole sequences are asked for, and not tokens as they come.
  private boolean whole(Model loaded) throws IOException {
    return loaded.kind() == Model.Kind.ENCODER_DECODER
        || loaded.kind() == Model.Kind.DECODER
            && (search.whole() || search.settings(configured(loaded)).numBeams() > 1);
  }

  /// What the model's makers say of generation.
  private GenerationSettings configured(Model loaded) throws IOException {
    var settings = GenerationConfig.of(loaded.gguf());
    // A temperature asks for draws of single tokens.
    return generate.draws() ? settings.withNumReturnSequences(1).withNumBeams(1) : settings;
  }

  /// How scores are edited where tokens come one by one.
  private GenerationSettings settings(Model loaded) throws IOException {
    var own = tokens.get() == null ? GenerationSettings.defaults() : configured(loaded);
    if (tokens.get() == null && loaded.hasTokenizer()) {
      var tokenizer = loaded.tokenizer();
      own =
          own.withEos(
              IntStream.range(0, loaded.vocabularySize())
                  .filter(tokenizer::endsGeneration)
                  .boxed()
                  .toList());
    }
    return search.settings(generate.settings(own));
  }

  /// Refuses what has no meaning for whole sequences.
  private void checkWhole() {
    for (var option : spec.commandLine().getParseResult().matchedOptions()) {
      for (var name : option.names()) {
        if (ONE_BY_ONE.contains(name)) {
          throw usage(name + ": for tokens that come one by one, and not for whole sequences");
        }
      }
    }
  }

  /// Says what is wrong with the flags before the wait for a model.
  private void check(int[] given) throws IOException {
    if (given != null && given.length == 0) {
      throw usage("--tokens: at least one id");
    }
    if (probabilities.get() != null && (probabilities.get() < 0 || ids.get())) {
      throw usage("--n-probs: at least 0, and not with --ids");
    }
    session.options(0);
    generate.check();
    // How many sequences go with the model's own beams is seen when it is there.
    search.settings(generate.settings(GenerationSettings.defaults().withNumBeams(64)));
    limits.check();
    draft.check();
    cache.check();
    grammar.check();
  }

  private static void check(int[] prompt, Model loaded) throws IOException {
    if (prompt.length == 0) {
      throw new IOException(
          "the prompt is empty, and this model has no begin token to start from: give it some");
    }
    TokenIds.check(prompt, loaded.sourceVocabularySize());
  }

  /// Prints what is generated as it comes.
  private int print(
      Model loaded, Session opened, int[] prompt, Sampler sampler, GenerateOptions options)
      throws IOException {
    var out = streams.out();
    var events = opened.complete(prompt, sampler, options).iterator();
    if (ids.get()) {
      out.print("[");
      for (int i = 0; i < prompt.length; i++) {
        out.print((i > 0 ? ", " : "") + prompt[i]);
      }
    }
    boolean interrupted = false;
    boolean first = true;
    try (var _ = Interrupt.ofThisThread()) {
      while (events.hasNext()) {
        switch (events.next()) {
          case Generation.Piece piece -> {
            if (first) {
              cache.promptEvaluated(opened);
              first = false;
            }
            print(loaded, piece);
            out.flush();
          }
          case Generation.Done done -> {
            interrupted = done.reason() == Generation.Reason.INTERRUPTED;
            if (ids.get()) {
              out.print("]");
            }
            if (ids.get() || streams.outTerminal()) {
              out.println("");
            }
            out.flush();
            if (verbose()) {
              Timings.generation(streams.err(), done);
            }
          }
        }
      }
    }
    Thread.interrupted(); // has done its work
    cache.ended(opened);
    return interrupted ? 130 : 0;
  }

  private void print(Model loaded, Generation.Piece piece) throws IOException {
    var out = streams.out();
    if (ids.get()) {
      if (piece.token() >= 0) {
        out.print(", " + piece.token());
      }
    } else if (probabilities.get() == null) {
      out.print(piece.text());
    } else if (piece.logProbabilities() != null) {
      var chosen = map(loaded, piece.logProbabilities().chosen());
      chosen.put(
          "top_logprobs",
          piece.logProbabilities().top().stream().map(entry -> map(loaded, entry)).toList());
      out.println(Json.write(chosen));
    }
  }

  /// A token as llama-server shows it.
  private static Map<String, Object> map(Model loaded, LogProbabilities.Entry entry) {
    var map = new LinkedHashMap<String, Object>();
    map.put("id", entry.token());
    var bytes = loaded.tokenizer().bytes(entry.token(), true);
    map.put("token", new String(bytes, StandardCharsets.UTF_8));
    map.put("bytes", IntStream.range(0, bytes.length).mapToObj(i -> bytes[i] & 0xff).toList());
    // A token that a model rules out has no finite one; JSON has no infinity.
    float logProbability = Math.max(entry.logProbability(), -Float.MAX_VALUE);
    map.put("logprob", Double.valueOf(Float.toString(logProbability)));
    return map;
  }
}
