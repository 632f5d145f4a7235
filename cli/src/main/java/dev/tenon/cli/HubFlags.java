package dev.tenon.cli;

import dev.tenon.cli.Command.Value;
import dev.tenon.huggingface.Hub;
import dev.tenon.huggingface.HubChoice;
import dev.tenon.huggingface.HubException;
import dev.tenon.huggingface.HubName;
import dev.tenon.huggingface.HubSnapshot;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicBoolean;

/// Where a model is that is named and not a file: in the hub's cache, or on the hub.
final class HubFlags {
  private final Command command;
  private final Value<String> token;
  private final Value<Boolean> offline;

  HubFlags(Command command) {
    this.command = command;
    token =
        command.text(
            "TOKEN",
            "What Hugging Face knows you by (default: HF_TOKEN); others may see it here.",
            "-hft",
            "--hf-token");
    offline = command.flag("Ask no network: what was downloaded must do.", "--offline");
  }

  /// {@return the hub as the user wants it}
  Hub hub() {
    try {
      var hub = Hub.ofEnvironment(command.streams.environment());
      var given = token.get();
      hub = given == null || given.isEmpty() ? hub : hub.withToken(given.strip());
      return offline.get() ? hub.withOffline(true) : hub;
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }

  /// {@return the name of a model on the hub}
  HubName name(String text) {
    try {
      return HubName.of(text);
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }

  /// {@return the GGUF file that an argument means: a file that is there, else a model's name}
  ///
  /// @param argument a path, or `owner/name[:quant]`
  Path file(String argument) throws IOException {
    var path = Path.of(argument);
    if (Files.isDirectory(path)) {
      throw new IOException(
          argument
              + " is a folder; make a GGUF file of it: tenon convert "
              + argument
              + " -o model.gguf");
    }
    if (Files.exists(path) || !HubName.looksLike(argument)) {
      return path;
    }
    try {
      return model(name(argument), null);
    } catch (HubException e) {
      throw new IOException("no such file: " + argument + "; and as a name: " + e.getMessage(), e);
    }
  }

  /// {@return a GGUF file of a model on the hub, downloaded where it is not there}
  ///
  /// @param file which of its files, or null for that of the quant
  Path model(HubName name, String file) throws IOException {
    if (file != null) {
      return find(name, HubChoice.file(file)).firstFile();
    }
    if (name.quant() != null) {
      return find(name, convertible(name.quant())).path();
    }
    // As llama.cpp has it, another quant is the one that is meant only where the hub does not have
    // the first of the usual ones.
    var hub = hub();
    var there = hub.cache().find(name, HubChoice.model(HubChoice.USUAL_QUANTS.getFirst()));
    return (there != null ? there : pull(hub, name, convertible(null))).path();
  }

  /// {@return the folder that an argument means: one that is there, else a model's name}
  ///
  /// @param argument a path, or `owner/name`
  Path folder(String argument) throws IOException {
    var path = Path.of(argument);
    return Files.exists(path) || !HubName.looksLike(argument)
        ? path
        : find(name(argument), HubChoice.folder()).folder();
  }

  /// A model; where there is none but what one can be made of, that is said.
  private static HubChoice convertible(String quant) {
    return (name, files) -> {
      try {
        return HubChoice.model(quant).of(name, files);
      } catch (NoSuchFileException e) {
        try {
          HubChoice.folder().of(name, files);
        } catch (NoSuchFileException _) {
          throw e;
        }
        if (files.stream().anyMatch(file -> file.endsWith(".gguf"))) {
          throw e;
        }
        throw new NoSuchFileException(
            name, null, "no GGUF file there; make one: tenon convert " + name + " -o model.gguf");
      }
    };
  }

  private HubSnapshot find(HubName name, HubChoice choice) throws IOException {
    var hub = hub();
    return shown(hub, name, progress -> hub.find(name, choice, progress));
  }

  /// Downloads, and shows how far it is. Ctrl-C ends it, and leaves what the next one goes on from.
  HubSnapshot pull(Hub hub, HubName name, HubChoice choice) throws IOException {
    return shown(hub, name, progress -> hub.pull(name, choice, progress));
  }

  /// What may be a download.
  private interface Download {
    HubSnapshot with(Hub.Progress progress) throws IOException;
  }

  private HubSnapshot shown(Hub hub, HubName name, Download download) throws IOException {
    var begun = new AtomicBoolean();
    try (var progress = new FileProgress(command.streams, "downloading");
        var _ = Interrupt.ofThisThread()) {
      return download.with(
          (_, done, total) -> {
            if (!begun.getAndSet(true)) {
              progress.begin(done);
            }
            progress.at(done, total);
            return true;
          });
    } catch (InterruptedIOException | CancellationException _) {
      Thread.interrupted();
      command
          .streams
          .err()
          .println(
              Text.visible(
                  "tenon: stopped"
                      + (begun.get()
                          ? "; what came is kept as .incomplete, and tenon pull "
                              + name
                              + " goes on from there"
                          : "")));
      throw new CancellationException();
    } catch (NoSuchFileException e) {
      if (hub.isOffline()) {
        throw new NoSuchFileException(
            e.getFile(), null, e.getReason() + "; tenon pull " + name + " downloads it");
      }
      throw e;
    }
  }
}
