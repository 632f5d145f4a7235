package dev.tenon.cli;

import dev.tenon.Session;
import dev.tenon.cli.Command.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/// A file in which the state of a session lasts from one run to the next.
final class PromptCacheFlags {
  private final Command command;
  private final Value<String> file;
  private final Value<Boolean> all;
  private final Value<Boolean> readOnly;

  PromptCacheFlags(Command command) {
    this.command = command;
    file =
        command.text(
            "FILE",
            "Keep the evaluated prompt in this file, and take from it what is there already.",
            "--prompt-cache");
    all = command.flag("Keep what is generated in it as well.", "--prompt-cache-all");
    readOnly = command.flag("Take from it only.", "--prompt-cache-ro");
  }

  /// Says what is wrong with the flags before a model is loaded.
  void check() {
    if (file.get() == null && (all.get() || readOnly.get())) {
      throw command.usage("--prompt-cache-all and --prompt-cache-ro need --prompt-cache FILE");
    }
    if (all.get() && readOnly.get()) {
      throw command.usage("one of --prompt-cache-all and --prompt-cache-ro, please");
    }
  }

  /// Takes up what is in the file, if there is one.
  void restore(Session session) throws IOException {
    if (file.get() != null && (readOnly.get() || Files.exists(Path.of(file.get())))) {
      session.restore(Path.of(file.get()));
    }
  }

  /// The prompt has been evaluated, and nothing behind it.
  void promptEvaluated(Session session) throws IOException {
    if (file.get() != null && !all.get() && !readOnly.get()) {
      session.save(Path.of(file.get()));
    }
  }

  /// The text has ended.
  void ended(Session session) throws IOException {
    if (all.get()) {
      session.save(Path.of(file.get()));
    }
  }
}
