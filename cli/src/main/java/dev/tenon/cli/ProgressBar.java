package dev.tenon.cli;

import java.io.PrintStream;

/// How much of a model is in place, on one line of a terminal. It shows when the wait is long
/// enough to notice, and is gone when it is over.
final class ProgressBar implements AutoCloseable {
  private static final long PATIENCE = 300_000_000; // nanoseconds before the bar is drawn
  private static final long PERIOD = 100_000_000; // between two drawings
  private static final int WIDTH = 30;

  private final PrintStream err;
  private long due = System.nanoTime() + PATIENCE;
  private int drawn;

  ProgressBar(PrintStream err) {
    this.err = err;
  }

  /// Takes note of how far it is, in bytes.
  void at(long done, long total) {
    long now = System.nanoTime();
    if (now - due < 0 || total <= 0) {
      return;
    }
    due = now + PERIOD;
    draw(done, total);
  }

  void draw(long done, long total) {
    double part = Math.clamp((double) done / total, 0, 1);
    int filled = (int) (part * WIDTH);
    var line =
        "loading ["
            + "#".repeat(filled)
            + "-".repeat(WIDTH - filled)
            + "] "
            + (int) (part * 100)
            + "% of "
            + Text.bytes(total);
    err.print("\r" + line + " ".repeat(Math.max(0, drawn - line.length())));
    err.flush();
    drawn = line.length();
  }

  /// Takes the line away.
  @Override
  public void close() {
    if (drawn > 0) {
      err.print("\r" + " ".repeat(drawn) + "\r");
      err.flush();
      drawn = 0;
    }
  }
}
