package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Ctrl-C, as the terminal's signal.
@Timeout(60)
class InterruptTest {
  @TempDir static Path folder;

  /// Presses Ctrl-C as soon as something is printed.
  private static final class Pressing extends ByteArrayOutputStream {
    private boolean pressed;

    @Override
    public synchronized void write(byte[] bytes, int from, int count) {
      super.write(bytes, from, count);
      if (!pressed) {
        pressed = true;
        press();
      }
    }
  }

  private static void press() {
    try {
      var signal = Class.forName("sun.misc.Signal");
      signal
          .getMethod("raise", signal)
          .invoke(null, signal.getConstructor(String.class).newInstance("INT"));
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  /// A process that was started with the signal ignored, as by nohup, cannot listen to it.
  @BeforeEach
  void signalsArrive() throws InterruptedException {
    var arrived = new CountDownLatch(1);
    try (var _ = Interrupt.of(arrived::countDown)) {
      press();
      assumeTrue(arrived.await(5, TimeUnit.SECONDS), "this process ignores SIGINT");
    }
  }

  @Test
  void stopsGenerationAndLeavesTheOutputWhole() throws Exception {
    var model = TinyModel.write(folder.resolve("tiny.gguf")).toString();
    var out = new Pressing();
    var err = new ByteArrayOutputStream();
    int code =
        Tenon.run(
            new String[] {"run", "-v", "-m", model, "--ids", "--ignore-eos", "-c", "100000", "a"},
            Streams.of(InputStream.nullInputStream(), out, err, "", Map.of()));
    assertThat(code).isEqualTo(130);
    assertThat(out.toString(StandardCharsets.UTF_8)).matches("\\[1(, \\d+)+]\n");
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("interrupted");
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
  }

  @Test
  void stopsTheAnswerOfAChatAndNotTheChat() throws Exception {
    var model = TinyModel.write(folder.resolve("tiny.gguf")).toString();
    var out = new Pressing();
    var err = new ByteArrayOutputStream();
    var in = new ByteArrayInputStream("a\n/nonesuch\n".getBytes(StandardCharsets.UTF_8));
    int code =
        Tenon.run(
            new String[] {"chat", "-v", "-m", model, "--ignore-eos", "-c", "100000"},
            Streams.of(in, out, err, "", Map.of()));
    assertThat(code).isZero();
    assertThat(err.toString(StandardCharsets.UTF_8)).contains("interrupted", "/nonesuch");
  }

  @Test
  void afterItTheSignalDoesWhatItDidBefore() throws Exception {
    var outer = new CountDownLatch(1);
    try (var _ = Interrupt.of(outer::countDown)) {
      var inner = new CountDownLatch(1);
      try (var _ = Interrupt.of(inner::countDown)) {
        press();
        assertThat(inner.await(5, TimeUnit.SECONDS)).isTrue();
      }
      assertThat(outer.getCount()).isEqualTo(1);
      press();
      assertThat(outer.await(5, TimeUnit.SECONDS)).isTrue();
    }
  }
}
