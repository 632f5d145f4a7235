package dev.tenon.cli;

import java.io.PrintStream;

/// Something that moves while a person waits. It shows when the wait is long enough to notice, and
/// leaves no trace.
final class Spinner {
  private static final long PATIENCE = 200; // milliseconds before it shows
  private static final long PERIOD = 100; // between two frames
  private static final String FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏";

  private final PrintStream err;
  private Thread thread; // null where nothing spins

  private Spinner(PrintStream err) {
    this.err = err;
  }

  /// Starts one.
  ///
  /// @param shown whether there is a terminal to show it on
  static Spinner start(PrintStream err, boolean shown) {
    var spinner = new Spinner(err);
    if (shown) {
      spinner.thread = Thread.ofPlatform().daemon().name("spinner").start(spinner::spin);
    }
    return spinner;
  }

  private void spin() {
    boolean drawn = false;
    try {
      Thread.sleep(PATIENCE);
      for (int i = 0; ; i = (i + 1) % FRAMES.length()) {
        drawn = true;
        err.print("\r" + FRAMES.charAt(i));
        err.flush();
        Thread.sleep(PERIOD);
      }
    } catch (InterruptedException _) {
      if (drawn) {
        err.print("\r \r");
        err.flush();
      }
    }
  }

  /// Takes it away, if it is there. An interrupted thread stays interrupted.
  void stop() {
    if (thread == null) {
      return;
    }
    thread.interrupt();
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    thread = null;
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
