package dev.tenon.cli;

import dev.tenon.Model;
import dev.tenon.grammar.Grammar;
import dev.tenon.grammar.GrammarFilter;
import dev.tenon.json.Json;
import dev.tenon.sampling.Sampler;
import dev.tenon.sampling.SamplerSettings;
import java.io.IOException;
import java.time.Duration;

/// Talks with a model, turn by turn.
final class Chat extends Command {
  private final Flags flags;

  /// All that a conversation depends on; `chat` is null where a command has no such flags.
  record Flags(
      ModelFlags model,
      ChatFlags chat,
      GenerateFlags generate,
      LimitFlags limits,
      GrammarFlags grammar,
      DraftFlags draft,
      SessionFlags session) {}

  Chat(Streams streams) {
    super(
        streams,
        "chat",
        "Talk with a model.",
        "/help lists what else can be typed. Ctrl-C stops an answer, Ctrl-D leaves.");
    var escapes = new EscapeFlags(this);
    var model = new ModelFlags(this, true);
    flags =
        new Flags(
            model,
            new ChatFlags(this, escapes),
            new GenerateFlags(this),
            new LimitFlags(this, escapes),
            new GrammarFlags(this),
            new DraftFlags(this, model.hub()),
            new SessionFlags(this));
  }

  @Override
  int call() throws Exception {
    return converse(this, flags);
  }

  /// Reads a question, answers, and so on until the input ends. What a person sees beside the
  /// answers goes to the standard error.
  static int converse(Command command, Flags flags) throws Exception {
    var streams = command.streams;
    var session = flags.session;
    // Says what is wrong with them before the wait.
    session.options(0);
    flags.generate.check();
    flags.limits.check();
    if (flags.chat != null) {
      flags.chat.check();
    }
    flags.draft.check();
    flags.grammar.check();
    var schema = flags.grammar.schema();
    var held = schema == null ? null : Json.object(schema);

    long start = System.nanoTime();
    try (var backend = flags.model.backend();
        var model = flags.model.load(backend);
        var opened = model.newSession(session.options(model.contextLength()));
        var draft = flags.draft.open(model, backend, session.options(model.contextLength()))) {
      if (command.verbose()) {
        var load = Duration.ofNanos(System.nanoTime() - start);
        Timings.model(streams.err(), model, backend, load);
        Timings.session(streams.err(), opened);
      }
      if (flags.model.builtIn()) {
        flags.generate.best();
      }
      var parameters =
          new Parameters(
              (settings, grammar) -> sampler(model, settings, grammar),
              flags.generate.settings(),
              flags.limits.of(flags.generate.options(), 0, 0).withDrafter(draft.drafter()));
      if (schema == null) {
        parameters.grammar(flags.grammar.grammar(model.tokenizer()));
      }
      var chat = flags.chat;
      var conversation = chat == null ? dev.tenon.Chat.of(model, opened) : chat.open(model, opened);
      conversation.answerSchema(held);
      var repl = new Repl(command, model, conversation, parameters, flags.model.builtIn());
      return chat == null ? repl.run(null, false) : repl.run(chat.first(), chat.singleTurn());
    }
  }

  private static Sampler sampler(Model model, SamplerSettings settings, Grammar grammar)
      throws IOException {
    return grammar == null
        ? model.sampler(settings)
        : model.sampler(settings, new GrammarFilter(grammar, model.vocabularyTrie(false)));
  }
}
