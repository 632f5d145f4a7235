package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class SpinnerTest {
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();
  private final PrintStream stream = new PrintStream(err, true, StandardCharsets.UTF_8);

  @Test
  void turnsAndLeavesNoTrace() throws InterruptedException {
    var spinner = Spinner.start(stream, true);
    while (err.size() < 12) {
      Thread.sleep(10);
    }
    spinner.stop();
    int size = err.size();
    spinner.stop();
    Thread.sleep(250);
    assertThat(err.size()).isEqualTo(size);
    assertThat(err.toString(StandardCharsets.UTF_8)).startsWith("\r⠋\r⠙").endsWith("\r \r");
  }

  @Test
  void doesNotShowWhereTheWaitIsShortOrNobodySees() throws InterruptedException {
    Spinner.start(stream, true).stop();
    var unseen = Spinner.start(stream, false);
    Thread.sleep(400);
    unseen.stop();
    assertThat(err.size()).isZero();
  }

  @Test
  void anInterruptIsKept() {
    var spinner = Spinner.start(stream, true);
    Thread.currentThread().interrupt();
    spinner.stop();
    assertThat(Thread.interrupted()).isTrue();
  }
}
