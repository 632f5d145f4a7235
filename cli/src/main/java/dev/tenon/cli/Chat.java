package dev.tenon.cli;

import dev.tenon.Generation;
import dev.tenon.Session;
import dev.tenon.sampling.Sampler;
import dev.tenon.tokenizer.Tokenizer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;

/// Talks with a model, turn by turn.
final class Chat extends Command {
  private static final String HELP =
      """
      /help   print this
      /clear  forget the conversation
      /exit   leave, as /bye and Ctrl-D do; Ctrl-C stops an answer\
      """;

  private final ModelFlags model;
  private final GenerateFlags generate;
  private final SessionFlags session;

  Chat(Streams streams) {
    super(
        streams,
        "chat",
        "Talk with a model, line by line.",
        "/help lists what else can be typed. Ctrl-C stops an answer, Ctrl-D leaves.");
    model = new ModelFlags(this);
    generate = new GenerateFlags(this);
    session = new SessionFlags(this);
  }

  @Override
  int call() throws Exception {
    return converse(this, model, generate, session);
  }

  /// Reads a line, answers, and so on until the input ends. What a person sees beside the answers
  /// goes to the standard error.
  static int converse(
      Command command, ModelFlags model, GenerateFlags generate, SessionFlags session)
      throws Exception {
    var streams = command.streams;
    session.options(0); // says what is wrong with it before the wait
    var sampler = generate.sampler();
    long start = System.nanoTime();
    try (var backend = model.backend();
        var loaded = model.load(backend);
        var opened = loaded.newSession(session.options(loaded.contextLength()))) {
      if (command.verbose()) {
        var load = Duration.ofNanos(System.nanoTime() - start);
        Timings.model(streams.err(), loaded, backend, load);
        Timings.session(streams.err(), opened);
      }
      var conversation = new Conversation(command, opened, loaded.tokenizer(), sampler, generate);
      try (var _ = Interrupt.of(conversation::interrupt)) {
        conversation.run();
      }
    }
    return 0;
  }

  /// The turns of one conversation, as plain text: `User: …`, `Assistant: …`.
  private static final class Conversation {
    private static final String USER = "User:";
    private static final String ASSISTANT = "\nAssistant:";

    private final Command command;
    private final Streams streams;
    private final Session session;
    private final Tokenizer tokenizer;
    private final Sampler sampler;
    private final GenerateFlags generate;
    private final Thread thread = Thread.currentThread();

    /// All that was said, in tokens. The session holds the beginning of it.
    private int[] said = {};

    private volatile boolean answering;

    Conversation(
        Command command,
        Session session,
        Tokenizer tokenizer,
        Sampler sampler,
        GenerateFlags generate) {
      this.command = command;
      this.streams = command.streams;
      this.session = session;
      this.tokenizer = tokenizer;
      this.sampler = sampler;
      this.generate = generate;
    }

    /// Called on another thread when Ctrl-C is pressed.
    void interrupt() {
      synchronized (this) {
        if (answering) {
          thread.interrupt();
          return;
        }
      }
      streams.err().println("\n(/exit or Ctrl-D leaves)");
      prompt();
    }

    void run() throws IOException {
      var lines = new BufferedReader(new InputStreamReader(streams.in(), StandardCharsets.UTF_8));
      while (true) {
        prompt();
        String line;
        try {
          line = lines.readLine();
        } catch (IOException e) {
          throw new IOException("cannot read the standard input: " + e.getMessage(), e);
        }
        if (line == null && streams.inTerminal()) {
          streams.err().println();
        }
        switch (line == null ? "/exit" : line.strip()) {
          case "/exit", "/bye" -> {
            return;
          }
          case "/help" -> streams.err().println(HELP);
          case "/clear" -> {
            said = new int[0];
            session.rewind(0);
            sampler.reset();
          }
          case "" -> {}
          case String text when text.startsWith("/") ->
              streams.err().println("no such command: " + Text.visible(text) + "; try /help");
          case String text -> answer(text);
        }
      }
    }

    private void prompt() {
      if (streams.inTerminal()) {
        streams.err().print("> ");
        streams.err().flush();
      }
    }

    private void answer(String text) throws IOException {
      boolean first = said.length == 0;
      var turn = (first ? "" : "\n") + USER + " " + text + ASSISTANT;
      var next = append(said, tokenizer.encode(turn, first, false));
      int room = session.contextLength() - next.length;
      if (room < 0) {
        streams
            .err()
            .println(
                "this does not fit the context of "
                    + session.contextLength()
                    + " tokens any more: /clear begins anew");
        return;
      }
      said = next;
      var prompt = Arrays.copyOfRange(said, session.position(), said.length);
      var spoken = new Answer();
      answering = true;
      try {
        var events = session.events(prompt, sampler, generate.options()).iterator();
        while (!spoken.over() && events.hasNext()) {
          switch (events.next()) {
            case Generation.Piece(int token, String piece) -> spoken.take(token, piece);
            case Generation.Done done -> {
              if (command.verbose()) {
                Timings.generation(streams.err(), done);
              }
              if (done.reason() == Generation.Reason.CONTEXT_FULL) {
                streams.err().println("\n(the context is full: /clear begins anew)");
              }
            }
          }
        }
      } finally {
        synchronized (this) {
          answering = false;
          Thread.interrupted();
        }
      }
      spoken.finish();
    }

    /// An answer as it comes. It ends where the model begins to speak for the user, so text that
    /// may become that is held back.
    private final class Answer {
      private static final String END = "\n" + USER;

      private final StringBuilder text = new StringBuilder();
      private int printed;
      private boolean over;
      private int[] tokens = {};
      private int[] ends = {}; // where the text of each token ends

      boolean over() {
        return over;
      }

      void take(int token, String piece) throws IOException {
        // The space between "Assistant:" and the answer belongs to neither.
        text.append(text.isEmpty() ? piece.stripLeading() : piece);
        if (token >= 0) {
          tokens = append(tokens, token);
          ends = append(ends, text.length());
        }
        int end = text.indexOf(END);
        if (end >= 0) {
          over = true;
          text.setLength(end);
        }
        print(over ? text.length() : text.length() - held());
      }

      /// The length of the longest end of the text that may be the beginning of END.
      private int held() {
        for (int n = Math.min(END.length() - 1, text.length()); n > 0; n--) {
          if (END.startsWith(text.substring(text.length() - n))) {
            return n;
          }
        }
        return 0;
      }

      private void print(int to) throws IOException {
        if (to > printed) {
          streams.out().print(text.substring(printed, to));
          streams.out().flush();
          printed = to;
        }
      }

      /// Prints what was held back and keeps the tokens that were printed whole.
      void finish() throws IOException {
        print(text.length());
        streams.out().println("");
        streams.out().flush();
        int kept = tokens.length;
        while (over && kept > 0 && ends[kept - 1] > text.length()) {
          kept--;
        }
        said = append(said, Arrays.copyOf(tokens, kept));
        session.rewind(Math.min(session.position(), said.length));
      }
    }

    private static int[] append(int[] some, int... more) {
      var all = Arrays.copyOf(some, some.length + more.length);
      System.arraycopy(more, 0, all, some.length, more.length);
      return all;
    }
  }
}
