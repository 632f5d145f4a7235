package dev.tenon.cli;

import dev.tenon.ChatEvent;
import dev.tenon.cli.Screen.Style;
import java.io.IOException;

/// One answer, shown as it comes: thinking in faint letters, then the answer itself.
///
/// Where a program reads the answer it gets nothing else, and every character as the model wrote
/// it: thinking is then among the errors.
final class AnswerView {
  private final Screen screen;
  private final Markdown markdown; // null where nothing is to be coloured
  private boolean thinking;
  private boolean thought; // and nothing of the answer has come since
  private boolean open; // the last line shown has not ended
  private boolean returned; // a carriage return is held back
  private boolean shown; // anything at all

  /// A view of an answer.
  ///
  /// @param marked whether it may be Markdown
  AnswerView(Screen screen, boolean marked) {
    this.screen = screen;
    markdown = marked && screen.answerColours() ? new Markdown() : null;
  }

  void show(ChatEvent event) throws IOException {
    shown |= !(event instanceof ChatEvent.Done);
    switch (event) {
      case ChatEvent.Thinking(var text) -> think(text);
      case ChatEvent.Answer(var text) -> answer(text);
      case ChatEvent.Call(var call) -> note("calls " + call.name() + " " + call.argumentsJson());
      case ChatEvent.Result(var call, var text) -> note(call.name() + " gave " + text);
      case ChatEvent.Done _ -> end();
    }
  }

  /// {@return whether there was anything to show}
  boolean shown() {
    return shown;
  }

  /// Ends the line, and all colour. It may be called again.
  void end() throws IOException {
    endThinking();
    if (returned) {
      returned = false;
      answer(Text.visible("\r"));
    }
    if (markdown != null) {
      screen.answer(markdown.finish());
    }
    endLine();
  }

  private void think(String text) throws IOException {
    if (!thinking) {
      thinking = true;
      if (!thoughtColours()) {
        put("Thinking…\n");
      }
    }
    var safe = safe(text);
    put(thoughtColours() && !safe.isEmpty() ? Style.FAINT.of(safe) : safe);
    open = safe.isEmpty() ? open : !safe.endsWith("\n");
  }

  private void endThinking() throws IOException {
    if (!thinking) {
      return;
    }
    thinking = false;
    thought = true;
    if (open) {
      put("\n");
    }
    put(thoughtColours() ? "\n" : "… done thinking.\n\n");
    open = false;
  }

  private void answer(String text) throws IOException {
    endThinking();
    var safe = screen.answersSeen() ? safe(text) : text;
    if (thought && screen.answersSeen()) { // its blank lines are there already
      int start = 0;
      while (start < safe.length() && safe.charAt(start) == '\n') {
        start++;
      }
      safe = safe.substring(start);
    }
    if (safe.isEmpty()) {
      return;
    }
    thought = false;
    open = !safe.endsWith("\n");
    screen.answer(markdown == null ? safe : markdown.accept(safe));
  }

  private void note(String line) throws IOException {
    end();
    screen.note(line);
  }

  private void endLine() throws IOException {
    if (open) {
      screen.answer("\n");
    }
    open = false;
  }

  /// Thinking goes where a person sees it, and never among what a program reads.
  private void put(String text) throws IOException {
    if (screen.answersSeen()) {
      screen.answer(text);
    } else {
      screen.aside(text);
    }
  }

  private boolean thoughtColours() {
    return screen.answersSeen() ? screen.answerColours() : screen.noteColours();
  }

  /// Text of a model as a terminal may have it. A line end of Windows is but a line end.
  private String safe(String text) {
    var whole = returned ? "\r" + text : text;
    returned = whole.endsWith("\r");
    if (returned) {
      whole = whole.substring(0, whole.length() - 1);
    }
    return Screen.safe(whole.replace("\r\n", "\n"));
  }
}
