package dev.tenon.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/// What can be typed in a chat beside questions: `/help` and the like.
final class ReplCommands {
  /// More text than any context holds is a mistake.
  private static final long LARGEST_FILE = 16 << 20;

  private static final int MOST_COMPLETIONS = 500;

  private static final Pattern COMMAND = Pattern.compile("\\s*/[\\w?]*(?=\\s|\\z)");

  /// Before a name of a file, which may have spaces in it.
  private static final Pattern BEFORE_PATH =
      Pattern.compile("\\s*/(?:load|save|read|set\\s+format)\\s+");

  private static final List<String> NAMES =
      List.of(
          "/help",
          "/exit",
          "/bye",
          "/clear",
          "/regen",
          "/undo",
          "/system",
          "/set",
          "/show",
          "/load",
          "/save",
          "/read",
          "/context");
  private static final List<String> SET = List.of("parameter", "format", "think", "system");
  private static final List<String> SHOW =
      List.of("info", "template", "parameters", "format", "system", "stats");
  private static final List<String> THINK = List.of("on", "off", "default");

  private static final String HELP =
      """
      /help, /?                      print this
      /exit, /bye                    leave, as Ctrl-D does
      /clear                         forget the conversation, not its system message
      /regen                         answer the last question anew
      /undo                          take back the last question and its answer
      /system [TEXT]                 show or set the system message; "" for none
      /set parameter [NAME [VALUE]]  show or set how answers are generated
      /set format json|FILE|none     hold answers to JSON, or to the JSON Schema
                                     or the grammar (.gbnf) in a file
      /set think on|off|default      let the model think first, if it can
      /show info|template|parameters|format|system|stats
      /load FILE, /save FILE         bring back or keep the conversation
      /read FILE                     put a file's text before the next question
      /context                       tell how much of the context is used

      \"""text\"""                      a text of several lines, as with Alt-Enter
      Ctrl-C                         stop the answer, or give up what is typed\
      """;

  private final Repl repl;
  private final Screen screen;
  private final String home;

  /// @param home the user's folder, or null
  ReplCommands(Repl repl, Screen screen, String home) {
    this.repl = repl;
    this.screen = screen;
    this.home = home;
  }

  /// {@return whether the input is a command, right or wrong: `/word`. A path or a comment is not}
  static boolean isCommand(String input) {
    return COMMAND.matcher(input).lookingAt();
  }

  /// Does a command.
  ///
  /// @throws IOException if a file cannot be read or written
  void run(String input) throws IOException {
    var words = input.strip().split("\\s+", 2);
    var rest = words.length > 1 ? words[1] : "";
    switch (words[0]) {
      case "/help", "/?" -> screen.say(HELP);
      case "/exit", "/bye" -> repl.leave();
      case "/clear" -> {
        repl.clear();
        screen.note("forgotten");
      }
      case "/regen" -> repl.regenerate();
      case "/undo" -> {
        if (repl.chat().undo()) {
          screen.note("taken back");
        } else {
          screen.error("there is nothing to take back");
        }
      }
      case "/system" -> system(rest);
      case "/set" -> set(rest);
      case "/show" -> show(rest);
      case "/load" -> load(rest);
      case "/save" -> save(rest);
      case "/read" -> read(rest);
      case "/context" -> context();
      default -> screen.error("no such command: " + words[0] + suggestion(words[0]));
    }
  }

  private static String suggestion(String word) {
    var likely = Tenon.suggestion(word, NAMES);
    return likely.isEmpty() ? "; /help lists them" : likely;
  }

  private void system(String text) {
    if (text.isEmpty()) {
      showSystem();
    } else {
      repl.chat().system(text.equals("\"\"") ? "" : text);
    }
  }

  private void set(String rest) throws IOException {
    var words = rest.split("\\s+", 2);
    var value = words.length > 1 ? words[1].strip() : "";
    switch (words[0]) {
      case "parameter" -> parameter(value);
      case "format" -> format(value);
      case "think" -> {
        switch (value) {
          case "on", "true" -> repl.chat().think(true);
          case "off", "false" -> repl.chat().think(false);
          case "default", "auto" -> repl.chat().think(null);
          default -> screen.error("/set think on, off or default, not '" + value + "'");
        }
      }
      case "system" -> system(value);
      default -> unknown("/set", words[0], SET);
    }
  }

  private void parameter(String text) {
    if (text.isEmpty()) {
      repl.parameters().lines().forEach(screen::say);
      return;
    }
    var values = Parameters.words(text);
    var name = values.getFirst();
    if (values.size() > 1) {
      repl.parameters().set(name, values.subList(1, values.size()));
    } else {
      screen.say(repl.parameters().line(name));
    }
  }

  /// `json`, a schema as it is typed, or a file with a schema or, if it is named so, a grammar.
  private void format(String text) throws IOException {
    switch (text) {
      case "" -> screen.say(repl.format());
      case "none" -> {
        repl.free();
        screen.note("answers have any form");
      }
      case "json" -> {
        repl.hold("{\"type\": \"object\"}", text);
        screen.note("answers are JSON");
      }
      case String schema when schema.startsWith("{") -> {
        repl.hold(schema, text);
        screen.note("answers are JSON of that schema");
      }
      default -> {
        var content = text(path(text));
        try {
          if (text.endsWith(".gbnf")) {
            repl.holdToGrammar(content, text);
            screen.note("answers are of the grammar in " + text);
          } else {
            repl.hold(content, text);
            screen.note("answers are JSON of the schema in " + text);
          }
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException(text + ": " + e.getMessage(), e);
        }
      }
    }
  }

  private void show(String what) {
    switch (what) {
      case "info" -> repl.info().forEach(screen::say);
      case "template" -> screen.say(repl.chat().template().source());
      case "parameters" -> repl.parameters().lines().forEach(screen::say);
      case "format" -> screen.say(repl.format());
      case "system" -> showSystem();
      case "stats" -> repl.stats().forEach(screen::say);
      default -> unknown("/show", what, SHOW);
    }
  }

  private void showSystem() {
    var system = repl.chat().system();
    screen.say(system.isEmpty() ? "(no system message)" : system);
  }

  private void unknown(String command, String word, List<String> known) {
    screen.error(
        command
            + " what? "
            + String.join(", ", known)
            + (word.isEmpty() ? "" : "; not " + word + Tenon.suggestion(word, known)));
  }

  private void save(String name) throws IOException {
    var file = path("/save", name);
    if (file != null) {
      repl.chat().save(file);
      screen.note("saved " + repl.chat().messages().size() + " messages to " + name.strip());
    }
  }

  private void load(String name) throws IOException {
    var file = path("/load", name);
    if (file == null) {
      return;
    }
    InputFile.regular(file);
    repl.load(file);
    screen.note(repl.chat().messages().size() + " messages; " + usage());
  }

  private void context() {
    screen.say(usage());
  }

  private String usage() {
    int used = repl.chat().contextTokens();
    int all = repl.chat().session().contextLength();
    return used + " of " + all + " tokens of the context are used (" + used * 100L / all + " %)";
  }

  private void read(String name) throws IOException {
    var file = path("/read", name);
    if (file != null) {
      var text = text(file);
      repl.put(text);
      screen.note(text.length() + " characters go before your next question");
    }
  }

  private static String text(Path file) throws IOException {
    InputFile.regular(file);
    long size = Files.size(file);
    if (size > LARGEST_FILE) {
      throw new FileSystemException(
          file.toString(), null, "too large, " + Text.bytes(size) + " of text");
    }
    var text = InputFile.text(file);
    if (text.indexOf('\0') >= 0) {
      throw new FileSystemException(file.toString(), null, "not a text: it holds zero bytes");
    }
    return text;
  }

  /// {@return the file that is meant; null where none was named, which is then said}
  private Path path(String command, String name) {
    if (name.isBlank()) {
      screen.error(command + " which file?");
      return null;
    }
    return path(name.strip());
  }

  private Path path(String name) {
    return home != null && (name.equals("~") || name.startsWith("~/"))
        ? Path.of(home, name.substring(1))
        : Path.of(name);
  }

  // ---- Completion.

  /// {@return where the word at the cursor begins that [#complete] has candidates for}
  static int wordStart(String line, int cursor) {
    var before = line.substring(0, cursor);
    var path = BEFORE_PATH.matcher(before);
    if (path.lookingAt()) {
      return path.end();
    }
    int from = cursor;
    while (from > 0 && !Character.isWhitespace(before.charAt(from - 1))) {
      from--;
    }
    return from;
  }

  /// {@return what the word at the cursor may become}
  List<String> complete(String line, int cursor) {
    int from = wordStart(line, cursor);
    var word = line.substring(from, cursor);
    var before = line.substring(0, from).strip();
    if (before.isEmpty()) {
      return word.startsWith("/") ? starting(word, NAMES) : List.of();
    }
    var words = Arrays.asList(before.split("\\s+"));
    return switch (String.join(" ", words)) {
      case "/set" -> starting(word, SET);
      case "/show" -> starting(word, SHOW);
      case "/set parameter" -> starting(word, Parameters.names());
      case "/set think" -> starting(word, THINK);
      case "/set format" -> {
        var all = new ArrayList<>(starting(word, List.of("json", "none")));
        all.addAll(files(word));
        yield all;
      }
      case "/load", "/save", "/read" -> files(word);
      default -> List.of();
    };
  }

  private static List<String> starting(String word, List<String> known) {
    return known.stream().filter(name -> name.startsWith(word)).toList();
  }

  /// Names of files as they would be typed on, folders with a slash at the end.
  private List<String> files(String typed) {
    int slash = typed.lastIndexOf('/') + 1;
    var beginning = typed.substring(slash);
    try {
      var folder = slash == 0 ? Path.of("") : path(typed.substring(0, slash));
      try (Stream<Path> all = Files.list(folder)) {
        return all.map(file -> file.getFileName() + (Files.isDirectory(file) ? "/" : ""))
            .filter(name -> name.startsWith(beginning))
            .filter(name -> !name.startsWith(".") || beginning.startsWith("."))
            .filter(name -> Text.visible(name).equals(name))
            .sorted()
            .limit(MOST_COMPLETIONS)
            .map(name -> typed.substring(0, slash) + name)
            .toList();
      }
    } catch (IOException | UncheckedIOException | DirectoryIteratorException _) {
      return List.of();
    } catch (RuntimeException _) {
      return List.of(); // no such name can be
    }
  }
}
