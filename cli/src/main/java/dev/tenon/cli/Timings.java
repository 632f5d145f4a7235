package dev.tenon.cli;

import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.Session;
import dev.tenon.tensor.Backend;
import java.io.PrintStream;
import java.time.Duration;
import java.util.Locale;

/// What `--verbose` says, as llama.cpp says it.
final class Timings {
  private Timings() {}

  /// Tells what was loaded onto what.
  static void model(PrintStream err, Model model, Backend backend, Duration load) {
    err.println(
        "model: "
            + Text.visible(model.name())
            + ", "
            + model.description()
            + ", "
            + Text.bytes(model.bytes())
            + ", "
            + Text.count(model.parameters())
            + " parameters");
    err.println("device: " + backend.description() + ", " + threads(backend.threads()));
    model
        .buffers()
        .forEach((type, bytes) -> err.println("weights: " + Text.bytes(bytes) + " in " + type));
    err.printf(Locale.ROOT, "%18s = %10.2f ms%n", "load time", millis(load));
  }

  /// Tells what a session takes.
  static void session(PrintStream err, Session session) {
    err.println(
        "context: "
            + session.contextLength()
            + " tokens, "
            + Text.bytes(session.bytes())
            + " for their cache and the computation");
  }

  /// Tells how long a generation took.
  static void generation(PrintStream err, Generation.Done done) {
    rate(err, "prompt eval time", done.promptTime(), done.promptTokens());
    rate(err, "eval time", done.generateTime(), done.generatedTokens());
    if (done.reusedTokens() > 0) {
      err.printf(Locale.ROOT, "%18s = %d tokens%n", "prompt reused", done.reusedTokens());
    }
    if (done.draftedTokens() > 0) {
      err.printf(
          Locale.ROOT,
          "%18s = %d of %d guessed tokens (%.1f %%)%n",
          "accepted",
          done.acceptedTokens(),
          done.draftedTokens(),
          100.0 * done.acceptedTokens() / done.draftedTokens());
    }
    err.printf(
        Locale.ROOT,
        "%18s = %10.2f ms / %5d tokens, %s%n",
        "total time",
        millis(done.promptTime().plus(done.generateTime())),
        done.promptTokens() + done.generatedTokens(),
        done.reason().name().toLowerCase(Locale.ROOT).replace('_', ' '));
  }

  private static String threads(int count) {
    return count == 1 ? "1 thread" : count + " threads";
  }

  private static void rate(PrintStream err, String what, Duration time, int tokens) {
    double millis = millis(time);
    err.printf(
        Locale.ROOT,
        "%18s = %10.2f ms / %5d tokens (%8.2f ms per token, %8.2f tokens per second)%n",
        what,
        millis,
        tokens,
        tokens == 0 ? 0 : millis / tokens,
        millis == 0 ? 0 : tokens * 1000 / millis);
  }

  private static double millis(Duration time) {
    return time.toNanos() / 1e6;
  }
}
