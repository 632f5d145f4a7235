package dev.tenon.cli;

import dev.tenon.Model;
import dev.tenon.ModelOptions;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/// Which model, and where and how it is put in memory.
final class ModelFlags {
  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE",
      description = "The GGUF file; of a split set the first.")
  String model;

  @Option(
      names = {"-t", "--threads"},
      paramLabel = "N",
      defaultValue = "-1",
      description = "Threads of the processor (default: as many as compute fastest).")
  int threads;

  @Option(
      names = {"-ngl", "--gpu-layers", "--n-gpu-layers"},
      paramLabel = "N",
      defaultValue = "auto",
      converter = GpuLayers.class,
      description = "Layers on the graphics card: a number, auto or all (default: auto).")
  int gpuLayers;

  @Option(
      names = {"-nr", "--no-repack"},
      description = "Leave the weights as they are in the file.")
  boolean noRepack;

  /// {@return the path of the file}
  Path path(Command command) {
    if (model == null || model.isEmpty()) {
      throw command.usage("which model? Give -m FILE or set TENON_MODEL");
    }
    return Path.of(model);
  }

  /// {@return the backend; the caller closes it}
  Backend backend(Command command) {
    if (threads <= 0) {
      return Backend.best();
    }
    try {
      return Backend.best(threads);
    } catch (IllegalArgumentException e) {
      throw command.usage(e.getMessage());
    }
  }

  /// {@return the model, loaded with a progress bar where a person waits; the caller closes it}
  Model load(Command command, Backend backend) throws IOException {
    var options = ModelOptions.defaults().withGpuLayers(gpuLayers).withRepack(!noRepack);
    if (!command.streams.errTerminal()) {
      return Model.load(path(command), backend, options);
    }
    var bar = new ProgressBar(command.streams.err());
    try {
      return Model.load(path(command), backend, options.withProgress(bar::at));
    } finally {
      bar.close();
    }
  }

  /// Reads a number of layers.
  static final class GpuLayers implements ITypeConverter<Integer> {
    /// Made by picocli.
    GpuLayers() {}

    @Override
    public Integer convert(String text) {
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
}
