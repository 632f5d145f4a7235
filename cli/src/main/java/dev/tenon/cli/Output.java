package dev.tenon.cli;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/// The standard output: bytes, and text as UTF-8 whatever the locale is. Buffered until flushed. A
/// write that fails throws, so that a full disk is not taken for success.
final class Output extends OutputStream {
  private final OutputStream to;
  private boolean failed;

  /// Nobody reads on: whoever did, as `head`, has all that it wanted.
  static final class ClosedPipeException extends IOException {
    private static final long serialVersionUID = 1;
  }

  Output(OutputStream to) {
    this.to = new BufferedOutputStream(to, 1 << 16);
  }

  void print(String text) throws IOException {
    write(text.getBytes(StandardCharsets.UTF_8));
  }

  void println(String text) throws IOException {
    print(text);
    write('\n');
  }

  @Override
  public void write(int b) throws IOException {
    try {
      to.write(b);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  @Override
  public void write(byte[] bytes, int from, int count) throws IOException {
    try {
      to.write(bytes, from, count);
    } catch (IOException e) {
      throw failure(e);
    }
  }

  @Override
  public void flush() throws IOException {
    if (failed) {
      return; // it was said, and the rest will not fit either
    }
    try {
      to.flush();
    } catch (IOException e) {
      throw failure(e);
    }
  }

  private IOException failure(IOException e) {
    failed = true;
    var reason = String.valueOf(e.getMessage());
    var lower = reason.toLowerCase(Locale.ROOT);
    return lower.contains("broken pipe") || lower.contains("connection reset")
        ? new ClosedPipeException()
        : new IOException("cannot write to the standard output: " + reason, e);
  }
}
