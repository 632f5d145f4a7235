package dev.tenon.cli;

import java.io.PrintStream;
import java.util.Locale;

/// How far a file in the making is: a bar with rate and time left on a terminal, now and then a
/// line in a log. What is done before anyone notices shows nothing.
final class FileProgress implements AutoCloseable {
  private static final long SECOND = 1_000_000_000;
  private static final int WIDTH = 30;

  private final PrintStream err;
  private final String verb;
  private final String unit;
  private final boolean terminal;
  private final long start = System.nanoTime();
  private long base;
  private long due;
  private String note = "";
  private int drawn;

  /// Begins to count the time.
  ///
  /// @param verb what is being done, for example `quantizing`
  FileProgress(Streams streams, String verb) {
    this(streams, verb, null);
  }

  /// Begins to count the time.
  ///
  /// @param verb what is being done
  /// @param unit what is counted, for example `tokens`; null for bytes
  FileProgress(Streams streams, String verb, String unit) {
    this.unit = unit;
    this.err = streams.err();
    this.verb = verb;
    this.terminal = streams.errTerminal();
    due = start + (terminal ? SECOND / 3 : 10 * SECOND);
  }

  /// Takes note of what was done before: it says nothing of the rate.
  void begin(long done) {
    base = done;
  }

  /// Has something to say beside, from now on, such as an estimate of the result.
  void note(String text) {
    note = ", " + text;
  }

  /// Takes note of how far it is.
  void at(long done, long total) {
    long now = System.nanoTime();
    if (now - due < 0 || total <= 0) {
      return;
    }
    due = now + (terminal ? SECOND / 10 : 10 * SECOND);
    show(done, total, (now - start) / (double) SECOND);
  }

  void show(long done, long total, double seconds) {
    double part = Math.clamp((double) done / total, 0, 1);
    long gained = done - base;
    var state =
        (int) (part * 100)
            + "% of "
            + amount(total)
            + (gained <= 0
                ? ""
                : ", "
                    + amount((long) (gained / Math.max(seconds, 1e-3)))
                    + "/s, "
                    + time(seconds * (total - done) / gained)
                    + " left")
            + note;
    if (!terminal) {
      err.println(verb + ": " + state);
      return;
    }
    int filled = (int) (part * WIDTH);
    var line = verb + " [" + "#".repeat(filled) + "-".repeat(WIDTH - filled) + "] " + state;
    err.print("\r" + line + " ".repeat(Math.max(0, drawn - line.length())));
    err.flush();
    drawn = line.length();
  }

  private String amount(long count) {
    return unit == null ? Text.bytes(count) : count + " " + unit;
  }

  /// {@return for example `1:05:09`, `2:30` or `12 s`}
  static String time(double seconds) {
    long all = Math.round(seconds);
    if (all < 60) {
      return all + " s";
    }
    long hours = all / 3600;
    return hours == 0
        ? String.format(Locale.ROOT, "%d:%02d", all / 60, all % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", hours, all / 60 % 60, all % 60);
  }

  /// {@return seconds since the beginning}
  double seconds() {
    return (System.nanoTime() - start) / (double) SECOND;
  }

  /// Takes the bar away.
  @Override
  public void close() {
    if (drawn > 0) {
      err.print("\r" + " ".repeat(drawn) + "\r");
      err.flush();
      drawn = 0;
    }
  }
}
