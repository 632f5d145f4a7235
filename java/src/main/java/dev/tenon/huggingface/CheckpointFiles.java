package dev.tenon.huggingface;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;

/// Finds and maps files of weights.
final class CheckpointFiles {
  private static final List<String> USUAL =
      List.of(
          "model.safetensors",
          "model.safetensors.index.json",
          "pytorch_model.bin",
          "pytorch_model.bin.index.json");

  /// The most dimensions of a tensor.
  static final int MOST_DIMENSIONS = 32;

  private CheckpointFiles() {}

  /// {@return the file that has the weights of a folder, or says where they are}
  static Path find(Path folder) throws IOException {
    for (var name : USUAL) {
      if (Files.exists(folder.resolve(name))) {
        return folder.resolve(name);
      }
    }
    for (var endings : List.of(Set.of("safetensors"), Set.of("bin", "pth", "pt"))) {
      List<Path> files;
      try (var all = Files.list(folder)) {
        files = all.filter(file -> isWeights(file, endings)).sorted().toList();
      }
      if (files.size() == 1) {
        return files.getFirst();
      }
      if (files.size() > 1) {
        throw new FileSystemException(
            folder.toString(),
            null,
            "which are its weights: "
                + files.stream().map(Path::getFileName).toList()
                + "? expected one, or an index");
      }
    }
    throw new NoSuchFileException(
        folder.toString(),
        null,
        "no weights; looked for " + USUAL + ", *.safetensors, *.bin, *.pth");
  }

  private static boolean isWeights(Path file, Set<String> endings) {
    var name = file.getFileName().toString();
    return endings.contains(name.substring(name.lastIndexOf('.') + 1))
        && !name.startsWith("training_args")
        && !name.startsWith("optimizer")
        && !name.startsWith("scheduler")
        && !name.startsWith("adapter_model")
        && !name.startsWith("expected") // results beside a model
        && !name.startsWith("tok")
        && Files.isRegularFile(file);
  }

  /// {@return all bytes of a file}
  static MemorySegment map(Path path, Arena arena) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString(), null, "no such file");
    }
    if (!Files.isRegularFile(path)) {
      throw new FileSystemException(path.toString(), null, "no regular file; expected weights");
    }
    try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }
  }

  /// {@return the text of a file of at most so many bytes}
  static String text(Path path, long most) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString(), null, "no such file");
    }
    if (!Files.isRegularFile(path)) {
      throw new FileSystemException(path.toString(), null, "no regular file");
    }
    if (Files.size(path) > most) {
      throw new FormatException(
          path, "size", "at most " + most + " bytes", Files.size(path) + " bytes");
    }
    // What is no UTF-8 becomes U+FFFD: the parser says so where it matters.
    return new String(Files.readAllBytes(path), StandardCharsets.UTF_8);
  }

  /// {@return the number of elements of a shape whose dimensions are 0 or more, or -1 where that or
  /// a part of the product is above 2^63 - 1; zeros count as ones on the way}
  static long elements(long[] shape) {
    long product = 1;
    boolean none = false;
    for (long n : shape) {
      if (n == 0) {
        none = true;
      } else if (product > Long.MAX_VALUE / n) {
        return -1;
      } else {
        product *= n;
      }
    }
    return none ? 0 : product;
  }
}
