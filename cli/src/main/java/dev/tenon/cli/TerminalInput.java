package dev.tenon.cli;

import java.io.FileInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jline.reader.Candidate;
import org.jline.reader.CompletingParsedLine;
import org.jline.reader.EOFError;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReader.Option;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.Parser;
import org.jline.reader.Reference;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Attributes;
import org.jline.terminal.Attributes.LocalFlag;
import org.jline.terminal.Terminal;
import org.jline.terminal.Terminal.Signal;
import org.jline.terminal.TerminalBuilder;
import org.jline.terminal.TerminalBuilder.SystemOutput;
import org.jline.utils.Signals;

/// Inputs of a person at a terminal: editing, history, completion, several lines.
///
/// Between two inputs the terminal does not echo: what is typed into an answer waits for the next
/// prompt.
final class TerminalInput implements LineInput {
  private static final String NEW_LINE = "new-line";

  // Alt-Enter, and what terminals with longer codes send for it and for Shift-Enter.
  private static final List<String> NEW_LINE_KEYS =
      List.of("\u001b\r", "\u001b\n", "\u001b[13;2u", "\u001b[13;3u", "\u001b[27;2;13~");

  // What JLine colours of a list of completions; the one that is chosen stays inverse.
  private static final List<String> PLAIN =
      List.of(
          LineReader.COMPLETION_STYLE_STARTING,
          LineReader.COMPLETION_STYLE_LIST_STARTING,
          LineReader.COMPLETION_STYLE_DESCRIPTION,
          LineReader.COMPLETION_STYLE_LIST_DESCRIPTION,
          LineReader.COMPLETION_STYLE_GROUP,
          LineReader.COMPLETION_STYLE_LIST_GROUP);

  private final Terminal terminal;
  private final Attributes before;
  private final Attributes quiet;
  private final LineReader reader;
  private final Screen screen;
  private final InputHistory history;
  private final String prompt;
  private Interrupt interrupt;
  private Map<String, Object> handlers = Map.of(); // of the process's signals, before this

  /// Takes over a terminal; closing this gives it back.
  TerminalInput(Terminal terminal, Screen screen, InputHistory history, Completer completer) {
    this.terminal = terminal;
    this.screen = screen;
    this.history = history;
    prompt = screen.noteColours() ? Screen.Style.PROMPT.of(">") + " " : "> ";
    before = terminal.getAttributes();
    quiet = new Attributes(before);
    quiet.setLocalFlag(LocalFlag.ECHO, false);
    quiet.setLocalFlag(LocalFlag.ICANON, false);
    reader =
        LineReaderBuilder.builder()
            .terminal(terminal)
            .appName("tenon")
            .parser(TerminalInput::parse)
            .completer(
                (_, line, candidates) ->
                    completer.complete(line.line(), line.cursor()).stream()
                        .map(TerminalInput::candidate)
                        .forEach(candidates::add))
            .variable(LineReader.SECONDARY_PROMPT_PATTERN, "… ")
            .variable(LineReader.BELL_STYLE, "none")
            .option(Option.DISABLE_EVENT_EXPANSION, true) // `!` is but a character
            .option(Option.HISTORY_REDUCE_BLANKS, false)
            .option(Option.HISTORY_IGNORE_SPACE, false)
            .option(Option.HISTORY_TIMESTAMPED, false)
            .option(Option.DISABLE_HIGHLIGHTER, true)
            .option(Option.AUTO_FRESH_LINE, false)
            .build();
    if (!screen.noteColours()) {
      PLAIN.forEach(style -> reader.setVariable(style, ""));
    }
    reader.getWidgets().put(NEW_LINE, this::newLine);
    for (var keys : List.of(LineReader.EMACS, LineReader.VIINS)) {
      reader.getKeyMaps().get(keys).bind(new Reference(NEW_LINE), NEW_LINE_KEYS);
    }
    history.entries().forEach(reader.getHistory()::add);
    terminal.setAttributes(quiet);
  }

  /// What may follow the beginning of a command.
  @FunctionalInterface
  interface Completer {
    /// {@return whole words, each in place of the [word][ReplCommands#wordStart] at the cursor}
    List<String> complete(String line, int cursor);
  }

  /// {@return the terminal of this process; null where there is none that can do this}
  static Terminal ofProcess(Streams streams) {
    if (!streams.inTerminal() || !(streams.in() instanceof FileInputStream)) {
      return null;
    }
    try {
      return TerminalBuilder.builder()
          .system(true)
          .systemOutput(streams.errTerminal() ? SystemOutput.SysErr : SystemOutput.SysOut)
          .provider(TerminalBuilder.PROP_PROVIDER_FFM)
          .dumb(false)
          .encoding(StandardCharsets.UTF_8)
          .nativeSignals(false) // ours do: JLine's would run machine code that it writes itself
          .build();
    } catch (IOException | RuntimeException | LinkageError _) {
      return null;
    }
  }

  @Override
  public String read() throws IOException {
    Thread.interrupted(); // a Ctrl-C that came late is not meant for this
    try {
      var input = reader.readLine(prompt);
      history.add(input);
      return input;
    } catch (UserInterruptException e) {
      if (e.getPartialLine() == null || e.getPartialLine().isEmpty()) {
        screen.note("Ctrl-D or /exit leaves");
      }
      return "";
    } catch (EndOfFileException _) {
      if (terminal.getType().startsWith(Terminal.TYPE_DUMB)) {
        screen.say(""); // elsewhere JLine ends the line
      }
      return null;
    }
  }

  @Override
  public void onInterrupt(Runnable action) {
    terminal.handle(Signal.INT, _ -> action.run());
    terminal.handle(Signal.CONT, _ -> terminal.setAttributes(quiet));
    interrupt = Interrupt.of(() -> terminal.raise(Signal.INT));
    handlers = new HashMap<>();
    for (var signal : List.of(Signal.WINCH, Signal.CONT)) {
      handlers.put(signal.name(), Signals.register(signal.name(), () -> terminal.raise(signal)));
    }
  }

  @Override
  public void close() throws IOException {
    handlers.forEach(Signals::unregister);
    if (interrupt != null) {
      interrupt.close();
    }
    terminal.setAttributes(before);
    terminal.close();
  }

  private boolean newLine() {
    reader.getBuffer().write("\n");
    return true;
  }

  /// The word at the cursor, for completion. To be accepted, the input must be whole.
  private static CompletingParsedLine parse(String line, int cursor, Parser.ParseContext context) {
    if (context == Parser.ParseContext.ACCEPT_LINE && Multiline.isOpen(line)) {
      throw new EOFError(-1, -1, "the quotes are open", "\"\"\"");
    }
    int from = Math.min(ReplCommands.wordStart(line, cursor), cursor);
    return new Word(line, cursor, from);
  }

  private static Candidate candidate(String word) {
    boolean folder = word.endsWith("/");
    int last = word.lastIndexOf('/', word.length() - 2);
    var name = word.startsWith("/") && last <= 0 ? word : word.substring(last + 1);
    return new Candidate(word, name, null, null, null, null, !folder);
  }

  /// A line of which one word counts, without quotes or escapes.
  private record Word(String line, int cursor, int from) implements CompletingParsedLine {
    @Override
    public String word() {
      return line.substring(from, cursor);
    }

    @Override
    public int wordCursor() {
      return cursor - from;
    }

    @Override
    public int wordIndex() {
      return 0;
    }

    @Override
    public List<String> words() {
      return List.of(word());
    }

    @Override
    public CharSequence escape(CharSequence candidate, boolean complete) {
      return candidate;
    }

    @Override
    public int rawWordCursor() {
      return wordCursor();
    }

    @Override
    public int rawWordLength() {
      return wordCursor();
    }
  }
}
