package dev.tenon.cli;

import dev.tenon.Model;
import dev.tenon.ModelOptions;
import dev.tenon.cli.Command.Value;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import picocli.CommandLine.TypeConversionException;

/// Which model, and where and how it is put in memory.
final class ModelFlags {
  /// Files below this are computed fastest by one thread.
  private static final long SMALL_BYTES = 8 << 20;

  private final Command command;
  private final ModelFile file;
  private final Value<Integer> threads;
  private final Value<Integer> gpuLayers;
  private final Value<Boolean> noRepack;

  ModelFlags(Command command) {
    this(command, false);
  }

  /// @param elseBuiltIn whether the built-in model is taken where none is named
  ModelFlags(Command command, boolean elseBuiltIn) {
    this.command = command;
    file =
        new ModelFile(
            command,
            "The GGUF file, of a split set the first; or owner/name, as -hf.",
            elseBuiltIn);
    threads =
        command.integer(
            "-1",
            "Threads of the processor (default: as many as compute fastest).",
            "-t",
            "--threads");
    gpuLayers =
        command.option(
            Integer.class,
            ModelFlags::layers,
            "auto",
            "N",
            "Layers on the graphics card: a number, auto or all (default: auto).",
            "-ngl",
            "--gpu-layers",
            "--n-gpu-layers");
    noRepack = command.flag("Leave the weights as they are in the file.", "-nr", "--no-repack");
  }

  /// {@return how names of models are looked up}
  HubFlags hub() {
    return file.hub();
  }

  /// {@return whether it is the built-in model, which has no path}
  boolean builtIn() {
    return file.builtIn();
  }

  /// {@return the path of the file, which is downloaded where a model is named that is not there}
  Path path() throws IOException {
    return file.path();
  }

  /// {@return the backend; the caller closes it}
  Backend backend() throws IOException {
    if (threads.get() <= 0) {
      // The threads of so small a model wait for each other longer than they compute.
      return isSmall() ? Backend.best(1) : Backend.best();
    }
    try {
      return Backend.best(threads.get());
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }

  private boolean isSmall() throws IOException {
    if (builtIn()) {
      return true;
    }
    var path = path();
    return Files.isRegularFile(path) && Files.size(path) < SMALL_BYTES;
  }

  /// {@return the model, loaded with a progress bar where a person waits; the caller closes it}
  Model load(Backend backend) throws IOException {
    var options =
        ModelOptions.defaults().withGpuLayers(gpuLayers.get()).withRepack(!noRepack.get());
    if (builtIn()) {
      return Model.builtIn(backend, options);
    }
    var path = path();
    if (!command.streams.errTerminal()) {
      return Model.load(path, backend, options);
    }
    var bar = new ProgressBar(command.streams.err());
    try {
      return Model.load(path, backend, options.withProgress(bar::at));
    } finally {
      bar.close();
    }
  }

  /// {@return a number of layers; all of them where there is a card is what auto means}
  static int layers(String text) {
    if (text.equals("auto") || text.equals("all") || text.equals("-1") || text.equals("-2")) {
      return Integer.MAX_VALUE;
    }
    try {
      int layers = Integer.parseInt(text);
      if (layers >= 0) {
        return layers;
      }
    } catch (NumberFormatException _) {
      // Said below.
    }
    throw new TypeConversionException("'" + text + "' is not a number of layers, auto or all");
  }
}
