package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.jline.terminal.Terminal;
import org.jline.terminal.impl.ExternalTerminal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// What keys do, at a terminal of JLine's own.
@Timeout(60)
class TerminalInputTest {
  private static final String ALT_ENTER = "\u001b\r";
  private static final String LEFT = "\u001bOD";
  private static final String UP = "\u001bOA";
  private static final String CTRL_C = "\u0003";
  private static final String CTRL_D = "\u0004";
  private static final String CONTROLS = CTRL_C + CTRL_D;
  private static final String Q = "\"\"\"";

  @TempDir Path folder;
  private final ByteArrayOutputStream screen = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  /// Something to do with an input at which keys have been pressed.
  private interface Reading {
    void with(TerminalInput input) throws IOException;
  }

  private void press(String keys, Reading reading) throws IOException {
    press(keys, "xterm", Map.of("NO_COLOR", "1"), reading);
  }

  private void press(String keys, String type, Map<String, String> environment, Reading reading)
      throws IOException {
    var streams =
        Streams.of(
            InputStream.nullInputStream(), new ByteArrayOutputStream(), err, "012", environment);
    var terminal = terminal(type, keys);
    var commands = new ReplCommands(null, new Screen(streams), null);
    var history = new InputHistory(folder.resolve("history"));
    try (var input =
        new TerminalInput(terminal, new Screen(streams), history, commands::complete)) {
      input.onInterrupt(() -> {});
      reading.with(input);
    }
  }

  /// Control keys take effect where they are pressed, not where they are read: they wait for the
  /// prompt.
  private Terminal terminal(String type, String keys) throws IOException {
    var keyboard = new PipedOutputStream();
    var wire = new PipedInputStream(keyboard, 1 << 16);
    int early = 0;
    while (early < keys.length() && CONTROLS.indexOf(keys.charAt(early)) < 0) {
      early++;
    }
    int waits = early;
    keyboard.write(keys.substring(0, early).getBytes(StandardCharsets.UTF_8));
    keyboard.flush();
    Thread.ofPlatform()
        .daemon()
        .start(
            () -> {
              try {
                var awaited = "> " + keys.substring(0, waits);
                while (!screen.toString(StandardCharsets.UTF_8).contains(awaited)) {
                  Thread.sleep(20);
                }
                Thread.sleep(200);
                keyboard.write(keys.substring(waits).getBytes(StandardCharsets.UTF_8));
                keyboard.flush();
                Thread.sleep(60_000); // a pipe whose writer has gone is broken
              } catch (IOException | InterruptedException _) {
                // Then the test finds nothing to read, and its time is up.
              }
            });
    return new ExternalTerminal("test", type, wire, screen, StandardCharsets.UTF_8);
  }

  @Test
  void aLineIsEdited() throws IOException {
    press(
        "helo" + LEFT + "l\r!! a\\b !x $HOME\rä😀\u007f\r",
        input -> {
          assertThat(input.read()).isEqualTo("hello");
          assertThat(input.read()).isEqualTo("!! a\\b !x $HOME");
          assertThat(input.read()).isEqualTo("ä");
        });
  }

  @Test
  void anInputMayHaveSeveralLines() throws IOException {
    press(
        "a" + ALT_ENTER + "b\r" + Q + "one\r  two\r" + Q + "\r/system " + Q + "x\ry" + Q + "\r",
        input -> {
          assertThat(input.read()).isEqualTo("a\nb");
          assertThat(input.read()).isEqualTo(Q + "one\n  two\n" + Q);
          assertThat(input.read()).isEqualTo("/system " + Q + "x\ny" + Q);
        });
  }

  @Test
  void whatIsPastedIsOneInput() throws IOException {
    press(
        "see: \u001b[200~one\r\ttwo\nthree\u001b[201~ end\r",
        input -> assertThat(input.read()).isEqualTo("see: one\n\ttwo\nthree end"));
  }

  @Test
  void whatWasTypedComesBackAfterARestart() throws IOException {
    press(
        "first\r" + Q + "a\rb" + Q + "\r",
        input -> {
          assertThat(input.read()).isEqualTo("first");
          assertThat(input.read()).isEqualTo(Q + "a\nb" + Q);
        });
    press(UP + "\r", input -> assertThat(input.read()).isEqualTo(Q + "a\nb" + Q));
    press(UP + UP + UP + "\r", input -> assertThat(input.read()).isEqualTo("first"));
  }

  @Test
  void commandsAndPathsAreCompleted() throws IOException {
    var files = Files.createDirectory(folder.resolve("some folder"));
    Files.writeString(files.resolve("a file.txt"), "");
    Files.writeString(files.resolve(".hidden"), "");
    press(
        "/he\t\r/sh\tstat\t\r/set par\ttempe\t0\r/read " + folder + "/so\ta\t\rhe\t\r",
        input -> {
          assertThat(input.read().strip()).isEqualTo("/help");
          assertThat(input.read().strip()).isEqualTo("/show stats");
          assertThat(input.read()).isEqualTo("/set parameter temperature 0");
          assertThat(input.read().strip()).isEqualTo("/read " + files + "/a file.txt");
          assertThat(input.read().strip()).isEqualTo("he");
        });
  }

  @Test
  void ctrlCGivesUpTheLineAndCtrlDLeaves() throws IOException {
    press(
        "typed" + CTRL_C,
        input -> {
          assertThat(input.read()).isEmpty();
          assertThat(err.size()).isZero();
        });
    screen.reset();
    press(
        CTRL_C,
        input -> {
          assertThat(input.read()).isEmpty();
          assertThat(err.toString(StandardCharsets.UTF_8)).isEqualTo("(Ctrl-D or /exit leaves)\n");
        });
    screen.reset();
    press(CTRL_D, input -> assertThat(input.read()).isNull());
  }

  @Test
  void coloursAreForTerminalsThatHaveThem() throws IOException {
    press("a\r", input -> assertThat(input.read()).isEqualTo("a"));
    assertThat(screen.toString(StandardCharsets.UTF_8)).doesNotContain("[1;32m");
    screen.reset();
    press("a\r", "dumb", Map.of("TERM", "dumb"), input -> assertThat(input.read()).isEqualTo("a"));
    assertThat(screen.toString(StandardCharsets.UTF_8)).contains("> ").doesNotContain("\u001b");
  }
}
