package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

/// The small things that commands are made of.
class PartsTest {
  @Test
  void everyFailureIsOneLine() {
    assertThat(Failure.line(new NoSuchFileException("x"))).isEqualTo("no such file: x");
    assertThat(Failure.line(new AccessDeniedException("x"))).isEqualTo("permission denied: x");
    assertThat(Failure.line(new FileSystemException("x", null, "Is a directory")))
        .isEqualTo("x: Is a directory");
    assertThat(Failure.line(new UncheckedIOException(new NoSuchFileException("x"))))
        .isEqualTo("no such file: x");
    assertThat(Failure.line(new InvalidPathException("x\0", "Nul character not allowed")))
        .contains("\\u0000", "Nul character");
    assertThat(Failure.line(new OutOfMemoryError("Java heap space"))).startsWith("out of memory");
    assertThat(Failure.line(new StackOverflowError())).contains("stack");
    assertThat(Failure.line(new UnsatisfiedLinkError("no libggml\nin a")))
        .isEqualTo("no libggml in a");
    assertThat(Failure.line(new ExceptionInInitializerError(new UnsatisfiedLinkError("none"))))
        .isEqualTo("none");
    assertThat(Failure.line(new IllegalStateException())).isEqualTo("IllegalStateException");
    assertThat(Failure.line(new IllegalStateException("a\u001b[31mb"))).isEqualTo("a\\u001b[31mb");
  }

  @Test
  void sizesAreShort() {
    assertThat(Text.bytes(0)).isEqualTo("0 B");
    assertThat(Text.bytes(1023)).isEqualTo("1023 B");
    assertThat(Text.bytes(1536)).isEqualTo("1.50 KiB");
    assertThat(Text.bytes(5L << 30)).isEqualTo("5.00 GiB");
    assertThat(Text.bytes(Long.MAX_VALUE)).isEqualTo("8192.00 PiB");
    assertThat(Text.count(1_240_000_000)).isEqualTo("1.24 B");
    assertThat(Text.count(999)).isEqualTo("999");
  }

  @Test
  void theProgressBarLeavesNothingBehind() {
    var err = new ByteArrayOutputStream();
    try (var bar = new ProgressBar(new PrintStream(err, true, StandardCharsets.UTF_8))) {
      bar.at(1, 100); // too early to be seen
      assertThat(err.size()).isZero();
      bar.draw(50, 100);
      assertThat(err.toString(StandardCharsets.UTF_8))
          .contains("[###############---")
          .contains("50%");
      bar.draw(200, 100);
      assertThat(err.toString(StandardCharsets.UTF_8)).contains("100%");
    }
    var all = err.toString(StandardCharsets.UTF_8);
    assertThat(all.substring(all.lastIndexOf('\r', all.length() - 2))).isBlank().endsWith("\r");
  }
}
