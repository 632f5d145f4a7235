package dev.tenon.cli;

import java.io.IOException;

/// What a person types, or a program writes, one input after the other. An input is a line, or
/// several between `"""`.
interface LineInput extends AutoCloseable {
  /// Reads the next input.
  ///
  /// @return its text, as it was typed; null at the end, `""` where it was given up by Ctrl-C
  /// @throws IOException if it cannot be read
  String read() throws IOException;

  /// Says what Ctrl-C does while nothing is read.
  void onInterrupt(Runnable action);

  @Override
  void close() throws IOException;
}
