package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/// The command as a test runs it: in this JVM, with streams of its own.
///
/// @param code the exit code
/// @param bytes what came out
/// @param err what was said beside it
record Tried(int code, byte[] bytes, String err) {
  /// Runs the command with nothing to read.
  static Tried tenon(String... args) {
    return with().run(args);
  }

  static Setting with() {
    return new Setting();
  }

  String out() {
    return new String(bytes, StandardCharsets.UTF_8);
  }

  /// Asserts that it went well and said nothing beside.
  Tried succeeded() {
    assertThat(err).isEmpty();
    assertThat(code).isZero();
    return this;
  }

  /// Asserts that it failed with one clear line, and nothing else.
  Tried failed(String... hints) {
    return said(1, hints);
  }

  /// Asserts that it refused its arguments with one clear line, and nothing else.
  Tried refused(String... hints) {
    return said(2, hints);
  }

  private Tried said(int expected, String... hints) {
    assertThat(out()).isEmpty();
    assertThat(err).startsWith("tenon: ").endsWith("\n");
    for (var hint : hints) {
      assertThat(err).contains(hint);
    }
    assertThat(err.strip().lines()).as(err).hasSize(1);
    assertThat(err).doesNotContain("Exception").doesNotContain("\tat ");
    assertThat(code).as(err).isEqualTo(expected);
    return this;
  }

  /// What the command finds around it.
  static final class Setting {
    private InputStream in = InputStream.nullInputStream();
    private OutputStream out = new ByteArrayOutputStream();
    private String terminals = "";
    // More threads than that only wait for each other over models as small as these.
    private final Map<String, String> environment = new HashMap<>(Map.of("TENON_THREADS", "1"));

    Setting in(String text) {
      in = new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
      return this;
    }

    Setting in(byte[] bytes) {
      in = new ByteArrayInputStream(bytes);
      return this;
    }

    /// An input that cannot be read.
    Setting unreadable() {
      in =
          new InputStream() {
            @Override
            public int read() throws IOException {
              throw new IOException("Is a directory");
            }
          };
      return this;
    }

    /// An output that fails after so many bytes.
    Setting outFailing(int after, String reason) {
      out =
          new OutputStream() {
            private int written;

            @Override
            public void write(int b) throws IOException {
              if (++written > after) {
                throw new IOException(reason);
              }
            }
          };
      return this;
    }

    /// The descriptors that are terminals, for example `02`.
    Setting terminals(String digits) {
      terminals = digits;
      return this;
    }

    Setting env(String name, String value) {
      environment.put(name, value);
      return this;
    }

    Tried run(String... args) {
      var err = new ByteArrayOutputStream();
      int code = Tenon.run(args, Streams.of(in, out, err, terminals, environment));
      return new Tried(
          code,
          out instanceof ByteArrayOutputStream bytes ? bytes.toByteArray() : new byte[0],
          err.toString(StandardCharsets.UTF_8));
    }
  }
}
