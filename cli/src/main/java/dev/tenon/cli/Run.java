package dev.tenon.cli;

import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.sampling.Sampler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/// Continues a prompt.
final class Run extends Command {
  private final Value<String> argument;
  private final Value<String> prompt;
  private final Value<String> tokens;
  private final Value<Boolean> ids;
  private final ModelFlags model;
  private final GenerateFlags generate;
  private final SessionFlags session;

  Run(Streams streams) {
    super(
        streams,
        "run",
        "Continue a prompt and print the continuation.",
        "The prompt is read from stdin, byte for byte, where it is '-' or there is none; without"
            + " one on a terminal, the chat opens.");
    argument = argument("PROMPT", "The prompt; '-' for stdin.");
    prompt = text("TEXT", "The prompt; '' for none but the begin token.", "-p", "--prompt");
    tokens = text("IDS", "Token ids as the prompt, as they are: 1,2,3.", "--tokens");
    ids = flag("Print token ids in place of text: a JSON array, the prompt's included.", "--ids");
    model = new ModelFlags(this);
    generate = new GenerateFlags(this);
    session = new SessionFlags(this);
  }

  @Override
  int call() throws Exception {
    var text = onlyOne("prompt", argument.get(), prompt.get(), tokens.get());
    if (text == null && streams.inTerminal()) {
      return Chat.converse(this, model, generate, session);
    }
    var given = tokens.get() == null ? null : TokenIds.parse(this, "--tokens", text);
    if (given != null && given.length == 0) {
      throw usage("--tokens: at least one id");
    }
    session.options(0); // says what is wrong with it before the wait
    var sampler = generate.sampler();

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
        given = loaded.tokenizer().encodePrompt(text);
      } else if (!ids.get() && !loaded.hasTokenizer()) {
        throw new IOException(model.path() + " has no vocabulary to print text with: add --ids");
      }
      check(given, loaded);
      try (var opened = loaded.newSession(session.options(loaded.contextLength()))) {
        if (given.length > opened.contextLength()) {
          throw new IOException(
              "the prompt has "
                  + given.length
                  + " tokens, and the context "
                  + opened.contextLength()
                  + ": raise it with -c");
        }
        if (verbose()) {
          Timings.session(streams.err(), opened);
        }
        return print(opened, given, sampler);
      }
    }
  }

  private static void check(int[] prompt, Model loaded) throws IOException {
    if (prompt.length == 0) {
      throw new IOException(
          "the prompt is empty, and this model has no begin token to start from: give it some");
    }
    TokenIds.check(prompt, loaded.vocabularySize());
  }

  /// Prints what is generated as it comes.
  private int print(Session opened, int[] prompt, Sampler sampler) throws IOException {
    var out = streams.out();
    if (ids.get()) {
      out.print("[");
      for (int i = 0; i < prompt.length; i++) {
        out.print((i > 0 ? ", " : "") + prompt[i]);
      }
    }
    boolean interrupted = false;
    try (var _ = Interrupt.ofThisThread()) {
      var events = opened.events(prompt, sampler, generate.options()).iterator();
      while (events.hasNext()) {
        switch (events.next()) {
          case Generation.Piece(int token, String text) -> {
            if (!ids.get()) {
              out.print(text);
            } else if (token >= 0) {
              out.print(", " + token);
            }
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
    return interrupted ? 130 : 0;
  }
}
