package dev.tenon.cli;

import dev.tenon.GenerateOptions;
import dev.tenon.cli.Command.Value;
import java.time.Duration;
import java.util.List;

/// Where a text ends, beside its number of tokens, and what becomes of a full context.
final class LimitFlags {
  private final Command command;
  private final EscapeFlags escapes;
  private final Value<List<String>> stops;
  private final Value<Float> seconds;
  private final Value<Boolean> shift;
  private final Value<Boolean> noShift;
  private final Value<Integer> keep;
  private final Value<Boolean> special;

  LimitFlags(Command command, EscapeFlags escapes) {
    this.command = command;
    this.escapes = escapes;
    stops =
        command.texts(
            "TEXT", "End before this text; may be repeated.", "-r", "--reverse-prompt", "--stop");
    seconds = command.real(null, "End after so many seconds, the prompt counted in.", "--max-time");
    shift =
        command.flag(
            "When the context is full, forget the older half of what follows --keep and go on.",
            "--context-shift");
    noShift = command.flag("When the context is full, end (the default).", "--no-context-shift");
    keep =
        command.integer(
            "0",
            "Tokens at the start that a full context does not forget; -1 for the prompt's"
                + " (default: 0; a chat keeps its system prompt).",
            "--keep");
    special = command.flag("Print control tokens as well.", "-sp", "--special");
  }

  /// Says what is wrong with the flags before a model is loaded.
  void check() {
    of(GenerateOptions.of(0), 0, 0);
  }

  /// {@return options with these limits}
  ///
  /// @param options to start from
  /// @param prompt tokens of the prompt, of which no more than all can be kept; 0 in a chat, which
  ///     has no one prompt
  /// @param begin how many of them the model puts in front by itself, which are kept as well
  GenerateOptions of(GenerateOptions options, int prompt, int begin) {
    if (shift.get() && noShift.get()) {
      throw command.usage("one of --context-shift and --no-context-shift, please");
    }
    if (keep.get() < -1) {
      throw command.usage("--keep " + keep.get() + ", from -1");
    }
    if (stops.get().contains("")) {
      throw command.usage("--reverse-prompt: a text that is not empty");
    }
    var limited = options.withSpecial(special.get());
    if (!stops.get().isEmpty()) {
      limited =
          limited.withStopStrings(stops.get().stream().map(escapes::read).toArray(String[]::new));
    }
    if (seconds.get() != null) {
      if (!(seconds.get() >= 0 && seconds.get() <= 1e9)) {
        throw command.usage("--max-time " + Range.plain(seconds.get()) + ", from 0 to 1000000000");
      }
      limited = limited.withMaxTime(Duration.ofMillis(Math.round(seconds.get() * 1000.0)));
    }
    if (shift.get()) {
      long most = keep.get() < 0 ? prompt : (long) keep.get() + begin;
      limited =
          limited.withContextShift(
              (int) (prompt == 0 ? Math.max(0, most) : Math.min(prompt, most)));
    }
    return limited;
  }
}
