package dev.tenon.cli;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/// What the command reads from, writes to and finds in its environment. A test makes its own.
///
/// @param in the standard input
/// @param out the standard output, for what programs may read
/// @param err the standard error, for everything else
/// @param inTerminal whether a person types the input
/// @param outTerminal whether a person reads the output
/// @param errTerminal whether a person reads the errors
/// @param environment the environment variables
record Streams(
    InputStream in,
    Output out,
    PrintStream err,
    boolean inTerminal,
    boolean outTerminal,
    boolean errTerminal,
    Map<String, String> environment) {

  /// The streams of this process. Which of them are terminals is told by the launcher, in the
  /// system property `tenon.terminals`: the digits of the descriptors that are. Without it all are
  /// where Java says that input and output both are, else none.
  static Streams ofProcess() {
    var told = System.getProperty("tenon.terminals");
    if (told == null) {
      var console = System.console();
      told = console != null && console.isTerminal() ? "012" : "";
    }
    return of(
        new FileInputStream(FileDescriptor.in),
        new FileOutputStream(FileDescriptor.out),
        new FileOutputStream(FileDescriptor.err),
        told,
        System.getenv());
  }

  /// {@return streams of which those are terminals whose digits are in `terminals`}
  static Streams of(
      InputStream in,
      OutputStream out,
      OutputStream err,
      String terminals,
      Map<String, String> environment) {
    return new Streams(
        in,
        new Output(out),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        terminals.contains("0"),
        terminals.contains("1"),
        terminals.contains("2"),
        environment);
  }

  /// {@return all that there is to read, byte for byte}
  byte[] readAll() throws IOException {
    try {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new IOException("cannot read the standard input: " + e.getMessage(), e);
    }
  }

  /// {@return whether output may be coloured: a person reads it and has not asked for none}
  boolean colours() {
    return outTerminal && environment.getOrDefault("NO_COLOR", "").isEmpty();
  }
}
