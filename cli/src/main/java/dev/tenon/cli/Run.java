package dev.tenon.cli;

import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.sampling.Sampler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import picocli.CommandLine;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Continues a prompt.
@CommandLine.Command(
    name = "run",
    description = {
      "Continue a prompt and print the continuation.",
      "The prompt is read from stdin, byte for byte, where it is '-' or there is none; without one"
          + " on a terminal, the chat opens."
    })
final class Run extends Command {
  @Parameters(arity = "0..1", paramLabel = "PROMPT", description = "The prompt; '-' for stdin.")
  String argument;

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      description = "The prompt; '' for none but the begin token.")
  String prompt;

  @Option(
      names = {"--tokens"},
      paramLabel = "IDS",
      description = "Token ids as the prompt, as they are: 1,2,3.")
  String tokens;

  @Option(
      names = {"--ids"},
      description = "Print token ids in place of text: a JSON array, the prompt's included.")
  boolean ids;

  @Mixin ModelFlags model;
  @Mixin GenerateFlags generate;
  @Mixin SessionFlags session;

  Run(Streams streams) {
    super(streams);
  }

  @Override
  int call() throws Exception {
    int prompts = (argument == null ? 0 : 1) + (prompt == null ? 0 : 1) + (tokens == null ? 0 : 1);
    if (prompts > 1) {
      throw usage("one prompt, please: an argument, -p or --tokens");
    }
    if (prompts == 0 && streams.inTerminal()) {
      return Chat.converse(this, model, generate, session);
    }
    var text = argument != null ? argument : prompt;
    var given = tokens == null ? null : TokenIds.parse(this, "--tokens", tokens);
    if (given != null && given.length == 0) {
      throw usage("--tokens: at least one id");
    }
    session.options(this, 0); // says what is wrong with it before the wait
    var sampler = generate.sampler(this);

    long start = System.nanoTime();
    try (var backend = model.backend(this);
        var loaded = model.load(this, backend)) {
      if (verbose) {
        var load = Duration.ofNanos(System.nanoTime() - start);
        Timings.model(streams.err(), loaded, backend, load);
      }
      if (given == null) {
        if (text == null || text.equals("-")) {
          text = new String(streams.readAll(), StandardCharsets.UTF_8);
        }
        given = loaded.tokenizer().encodePrompt(text);
      } else if (!ids && !loaded.hasTokenizer()) {
        throw new IOException(model.model + " has no vocabulary to print text with: add --ids");
      }
      check(given, loaded);
      try (var opened = loaded.newSession(session.options(this, loaded.contextLength()))) {
        if (given.length > opened.contextLength()) {
          throw new IOException(
              "the prompt has "
                  + given.length
                  + " tokens, and the context "
                  + opened.contextLength()
                  + ": raise it with -c");
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
    if (ids) {
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
            if (!ids) {
              out.print(text);
            } else if (token >= 0) {
              out.print(", " + token);
            }
            out.flush();
          }
          case Generation.Done done -> {
            interrupted = done.reason() == Generation.Reason.INTERRUPTED;
            if (ids) {
              out.print("]");
            }
            if (ids || streams.outTerminal()) {
              out.println("");
            }
            out.flush();
            if (verbose) {
              Timings.generation(streams.err(), done);
            }
          }
        }
      }
    }
    return interrupted ? 130 : 0;
  }
}
