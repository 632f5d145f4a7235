package dev.tenon.cli;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/// Inputs of a pipe or a file, or of a terminal that cannot do more: no editing, and a prompt only
/// where a person types.
final class PlainInput implements LineInput {
  private static final String PROMPT = "> ";
  private static final String MORE = "… ";

  private final Streams streams;
  private final BufferedReader lines;
  private Interrupt interrupt;
  private volatile boolean reading;

  PlainInput(Streams streams) {
    this.streams = streams;
    lines = new BufferedReader(new InputStreamReader(streams.in(), StandardCharsets.UTF_8));
  }

  @Override
  public String read() throws IOException {
    reading = true;
    try {
      prompt(PROMPT);
      var input = line();
      while (input != null && Multiline.isOpen(input)) {
        prompt(MORE);
        var more = line();
        if (more == null) {
          break;
        }
        input += "\n" + more;
      }
      if (input == null && streams.inTerminal()) {
        streams.err().println();
      }
      return input;
    } finally {
      reading = false;
    }
  }

  private String line() throws IOException {
    try {
      return lines.readLine();
    } catch (IOException e) {
      throw new IOException("cannot read the standard input: " + e.getMessage(), e);
    }
  }

  private void prompt(String text) {
    if (streams.inTerminal()) {
      streams.err().print(text);
      streams.err().flush();
    }
  }

  @Override
  public void onInterrupt(Runnable action) {
    interrupt =
        Interrupt.of(
            () -> {
              if (reading && streams.inTerminal()) {
                streams.err().println("\n(Ctrl-D or /exit leaves)");
                prompt(PROMPT);
              } else {
                action.run();
              }
            });
  }

  @Override
  public void close() {
    if (interrupt != null) {
      interrupt.close();
    }
  }
}
