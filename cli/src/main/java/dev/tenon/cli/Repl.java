package dev.tenon.cli;

import dev.tenon.ChatEvent;
import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.grammar.Grammar;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Stream;

/// A conversation at the keyboard: reads what a person types, does its commands and shows the
/// answers. Whatever goes wrong in a turn is one line, and the conversation goes on.
final class Repl {
  /// What makes room in a full context: now, and when a chat starts.
  private static final String ROOM =
      "/undo or /clear makes room, or start with -c N or --context-shift";

  private final Command command;
  private final Model model;
  private final dev.tenon.Chat chat;
  private final Parameters parameters;
  private final boolean builtIn;
  private final Screen screen;
  private final ReplCommands commands;
  private final Thread thread = Thread.currentThread();

  private String format; // as it was typed in the chat; null for what the flags say
  private String read = ""; // goes before the next question
  private Asking asking; // what the input in progress asks of the model; null for nothing
  private boolean left;
  private boolean failed; // the last turn
  private Generation.Done last; // how the last answer went; null before the first
  private boolean answering;

  /// What gives an answer.
  @FunctionalInterface
  private interface Asking {
    Stream<ChatEvent> answer();
  }

  /// @param builtIn whether it is the built-in model, of which a person should know
  Repl(Command command, Model model, dev.tenon.Chat chat, Parameters parameters, boolean builtIn) {
    this.command = command;
    this.model = model;
    this.chat = chat;
    this.parameters = parameters;
    this.builtIn = builtIn;
    screen = new Screen(command.streams);
    commands = new ReplCommands(this, screen, command.streams.environment().get("HOME"));
  }

  /// Takes inputs until they end or the person leaves.
  ///
  /// @param first the first question, or null
  /// @param single whether to leave after one answer
  /// @return the exit code
  /// @throws IOException if the input cannot be read or an answer not printed
  int run(String first, boolean single) throws IOException {
    try (var input = single && first != null ? new PlainInput(command.streams) : input()) {
      input.onInterrupt(this::interrupt);
      if (first != null) {
        turn(first, false);
      }
      while (!left && !(single && (failed || last != null))) {
        var line = input.read();
        if (line == null) {
          break;
        }
        turn(line, true);
      }
    }
    if (!single) {
      return 0;
    }
    return last == null
        ? (failed ? 1 : 0)
        : last.reason() == Generation.Reason.INTERRUPTED ? 130 : 0;
  }

  private LineInput input() {
    var streams = command.streams;
    var terminal = TerminalInput.ofProcess(streams);
    if (terminal == null) {
      return new PlainInput(streams);
    }
    var history = new InputHistory(InputHistory.file(streams.environment()));
    screen.note(model.name() + ", " + model.description() + "; /help lists the commands");
    if (builtIn) {
      screen.note(
          "This is the built-in model: it is tiny, and knows Tenon, small talk and little else."
              + " For another: -m FILE or -hf NAME");
    }
    return new TerminalInput(terminal, screen, history, commands::complete);
  }

  /// Called on another thread when Ctrl-C is pressed.
  private synchronized void interrupt() {
    if (answering) {
      thread.interrupt();
    }
  }

  private void turn(String typed, boolean commandsToo) throws IOException {
    failed = false;
    asking = null;
    var input = Multiline.unquoted(typed);
    try {
      if (commandsToo && ReplCommands.isCommand(typed)) {
        commands.run(input);
      } else if (!input.isBlank()) {
        var question = read.isEmpty() ? input : read + "\n\n" + input;
        var sampler = parameters.sampler();
        asking = () -> chat.send(question, sampler, parameters.options());
      }
    } catch (IOException | RuntimeException | StackOverflowError | OutOfMemoryError e) {
      fail(e);
    }
    if (asking != null) {
      answer();
    }
  }

  private void fail(Throwable thrown) {
    failed = true;
    var line = Failure.line(thrown);
    boolean full = thrown instanceof IllegalStateException && line.contains("context");
    screen.error(full ? line + ": " + ROOM : line);
    if (command.verbose() && !Failure.expected(thrown)) {
      thrown.printStackTrace(command.streams.err());
    }
  }

  /// Shows an answer as it comes.
  private void answer() throws IOException {
    var view = new AnswerView(screen, true);
    Generation.Done done = null;
    synchronized (this) {
      answering = true;
    }
    var spinner = Spinner.start(command.streams.err(), screen.animated());
    try (var events = asking.answer()) {
      for (var next = events.iterator(); next.hasNext(); ) {
        var event = next.next();
        read = ""; // it is part of the conversation now
        spinner.stop();
        view.show(event);
        if (event instanceof ChatEvent.Done over) {
          done = over.generation();
        }
      }
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError e) {
      spinner.stop();
      view.end();
      fail(e);
    } finally {
      spinner.stop();
      synchronized (this) {
        answering = false;
        Thread.interrupted(); // it has done its work
      }
    }
    if (done != null) {
      last = done;
      if (!view.shown() && done.reason() == Generation.Reason.END_OF_TEXT) {
        nothing();
      }
      tell(done);
    }
  }

  /// The model has ended its turn at once. A program still gets a line for each answer.
  private void nothing() throws IOException {
    if (screen.answersSeen()) {
      screen.note("the model has nothing to say");
    } else {
      screen.answer("\n");
    }
  }

  private void tell(Generation.Done done) {
    switch (done.reason()) {
      case INTERRUPTED -> screen.note("stopped");
      case CONTEXT_FULL -> screen.note("the context is full: " + ROOM);
      case MAX_TOKENS -> limit("stopped after " + done.generatedTokens() + " tokens, as was asked");
      case TIME -> limit("the time is up");
      case END_OF_TEXT, STOP_STRING -> {}
    }
    if (command.verbose()) {
      Timings.generation(command.streams.err(), done);
    }
  }

  /// What a program that reads the answer asked for itself, it need not be told.
  private void limit(String line) {
    if (command.streams.inTerminal()) {
      screen.note(line);
    }
  }

  // ---- What commands do.

  dev.tenon.Chat chat() {
    return chat;
  }

  Parameters parameters() {
    return parameters;
  }

  /// {@return what answers are held to, as it was typed, or `none`}
  String format() {
    if (format != null) {
      return format;
    }
    if (chat.answerSchema() != null) {
      return Json.write(chat.answerSchema());
    }
    var grammar = parameters.grammar();
    return grammar == null ? "none" : grammar.toString().stripTrailing();
  }

  /// Holds answers to nothing.
  void free() {
    parameters.grammar(null);
    chat.answerSchema(null);
    format = null;
  }

  /// Holds answers to a JSON Schema; what the model thinks before stays free.
  ///
  /// @param typed what it is shown as
  void hold(String schema, String typed) {
    chat.answerSchema(Json.object(schema));
    parameters.grammar(null);
    format = typed;
  }

  /// Holds all that the model says to a grammar, which may name its tokens.
  ///
  /// @param typed what it is shown as
  void holdToGrammar(String gbnf, String typed) {
    var grammar = Grammar.parse(gbnf, model.tokenizer());
    free();
    parameters.grammar(grammar);
    format = typed;
  }

  void leave() {
    left = true;
  }

  void clear() {
    chat.clear();
    read = "";
  }

  void regenerate() throws IOException {
    var sampler = parameters.sampler();
    asking = () -> chat.regenerate(sampler, parameters.options());
  }

  /// Puts text before the next question.
  void put(String text) {
    read = read.isEmpty() ? text : read + "\n\n" + text;
  }

  void load(Path file) throws IOException {
    chat.load(file);
    read = "";
  }

  /// {@return lines about the model and its session}
  List<String> info() {
    var lines = new ArrayList<String>();
    lines.add("model       " + Text.visible(model.name()));
    lines.add("file        " + Text.visible(model.gguf().path().toString()));
    lines.add("kind        " + model.description());
    lines.add("size        " + Text.bytes(model.bytes()));
    lines.add("parameters  " + Text.count(model.parameters()));
    lines.add("trained on  " + model.contextLength() + " tokens of context");
    var session = chat.session();
    lines.add("context     " + session.contextLength() + " tokens, " + Text.bytes(session.bytes()));
    return lines;
  }

  /// {@return lines about the last answer}
  List<String> stats() {
    if (last == null) {
      return List.of("(no answer yet)");
    }
    var lines = new ArrayList<String>();
    lines.add(
        rate("prompt", last.promptTokens(), last.promptTime())
            + (last.reusedTokens() > 0 ? ", and " + last.reusedTokens() + " reused" : ""));
    lines.add(rate("answer", last.generatedTokens(), last.generateTime()) + ", " + reason(last));
    if (last.draftedTokens() > 0) {
      lines.add(
          String.format(
              Locale.ROOT,
              "%-8s %6d tokens, %d of them accepted (%.1f %%)",
              "drafted",
              last.draftedTokens(),
              last.acceptedTokens(),
              100.0 * last.acceptedTokens() / last.draftedTokens()));
    }
    return lines;
  }

  private static String rate(String what, int tokens, Duration time) {
    double seconds = time.toNanos() / 1e9;
    return String.format(
        Locale.ROOT,
        "%-8s %6d tokens in %.2f s, %.2f t/s",
        what,
        tokens,
        seconds,
        seconds == 0 ? 0 : tokens / seconds);
  }

  private static String reason(Generation.Done done) {
    return "ended by " + done.reason().name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
