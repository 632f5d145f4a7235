package dev.tenon.cli;

import java.io.IOException;

/// Where a chat is seen: answers on the standard output, everything else on the standard error,
/// each in colours where a person reads it and wants them.
///
/// What a model, a file or a template says is not trusted with a terminal: control characters show
/// as escapes there.
final class Screen {
  /// How a piece of text looks, as the parameters of `ESC [ … m`.
  enum Style {
    PLAIN(""),
    FAINT("2"),
    BOLD("1"),
    HEADING("1;36"),
    CODE("36"),
    PROMPT("1;32"),
    ERROR("31");

    private final String parameters;

    Style(String parameters) {
      this.parameters = parameters;
    }

    /// {@return what turns it on, whatever was on before}
    String on() {
      return this == PLAIN ? "\u001b[0m" : "\u001b[0;" + parameters + "m";
    }

    /// {@return the text in this style, and plain after it}
    String of(String text) {
      return on() + text + PLAIN.on();
    }
  }

  private final Streams streams;
  private final boolean dumb;

  Screen(Streams streams) {
    this.streams = streams;
    dumb = "dumb".equals(streams.environment().get("TERM"));
  }

  /// {@return whether answers are coloured}
  boolean answerColours() {
    return streams.outTerminal() && wanted();
  }

  /// {@return whether a person reads the answers: then control characters in them are shown}
  boolean answersSeen() {
    return streams.outTerminal();
  }

  /// {@return whether what is said beside the answers is coloured}
  boolean noteColours() {
    return streams.errTerminal() && wanted();
  }

  /// {@return whether a line can be drawn and taken back}
  boolean animated() {
    return streams.errTerminal() && !dumb;
  }

  private boolean wanted() {
    return !dumb && streams.environment().getOrDefault("NO_COLOR", "").isEmpty();
  }

  /// Prints a part of an answer as it is.
  void answer(String text) throws IOException {
    if (!text.isEmpty()) {
      streams.out().print(text);
      streams.out().flush();
    }
  }

  /// Prints lines that are not part of an answer.
  void say(String lines) {
    streams.err().println(safe(lines));
  }

  /// Prints a part of what is beside an answer, as it is.
  void aside(String text) {
    streams.err().print(text);
    streams.err().flush();
  }

  /// Prints one line in passing.
  void note(String line) {
    styled(Style.FAINT, "(" + Text.visible(line) + ")");
  }

  /// Says what went wrong, in one line.
  void error(String line) {
    styled(Style.ERROR, Text.visible(line.replace('\n', ' ')));
  }

  private void styled(Style style, String line) {
    streams.err().println(noteColours() ? style.of(line) : line);
  }

  /// {@return the text with escapes in place of control characters but line ends and tabs}
  static String safe(String text) {
    var shown = new StringBuilder(text.length());
    int from = 0;
    for (int i = 0; i <= text.length(); i++) {
      if (i == text.length() || text.charAt(i) == '\n' || text.charAt(i) == '\t') {
        shown.append(Text.visible(text.substring(from, i)));
        if (i < text.length()) {
          shown.append(text.charAt(i));
        }
        from = i + 1;
      }
    }
    return shown.toString();
  }
}
