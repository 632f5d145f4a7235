package dev.tenon.cli;

import dev.tenon.cli.Command.Value;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/// The texts that a command works on: arguments, or lines of a file or of stdin.
final class TextInputs {
  private final Command command;
  private final Value<List<String>> texts;
  private final Value<String> file;

  TextInputs(Command command, String label, String description) {
    this.command = command;
    texts = command.arguments(label, "0..*", description);
    file = command.text("FILE", "The file with a text a line; '-' for stdin.", "-f", "--file");
  }

  /// Checks that texts are given in one way.
  void check() {
    if (!texts.get().isEmpty() && file.get() != null) {
      throw command.usage("texts as arguments or by -f, not both, please");
    }
  }

  /// {@return the texts, a line each where they are not arguments}
  ///
  /// @throws IOException if the file cannot be read, or there is no text
  List<String> read() throws IOException {
    if (!texts.get().isEmpty()) {
      return texts.get();
    }
    var name = file.get() == null ? "-" : file.get();
    var bytes = InputFile.bytes(name, command.streams);
    var lines = new String(bytes, StandardCharsets.UTF_8).lines().toList();
    if (lines.isEmpty()) {
      throw new IOException(InputFile.name(name) + " has no text");
    }
    return lines;
  }
}
