package dev.tenon.huggingface;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The tensors of a model, by name, whatever the format of their files.
///
/// ```java
/// try (var checkpoint = Checkpoint.open(Path.of("TinyStories-656K"))) {
///   for (var tensor : checkpoint.tensors()) {
///     System.out.println(tensor); // lm_head.weight F32 [2048, 128]
///   }
/// }
/// ```
///
/// The files are mapped: opening one reads its header, and a tensor's bytes come when they are
/// asked for. Thread-safe but for [#close], after which no tensor is to be in use.
public interface Checkpoint extends AutoCloseable {
  /// Opens the weights of a folder, or one file of weights.
  ///
  /// Of a folder that is the first of `model.safetensors`, `model.safetensors.index.json` with its
  /// shards, `pytorch_model.bin`, `pytorch_model.bin.index.json` with its shards, and otherwise its
  /// only `.safetensors`, `.bin`, `.pth` or `.pt` file that holds tensors.
  ///
  /// @param path a folder; or a file that ends in `.safetensors`, `.index.json`, `.bin`, `.pth` or
  ///     `.pt`, of PyTorch's or, where it is none of those, llama2.c's
  /// @return the open checkpoint; the caller closes it
  /// @throws FormatException if the bytes are not what they should be
  /// @throws NoSuchFileException if there are no weights
  /// @throws IOException if a file cannot be read or mapped
  static Checkpoint open(Path path) throws IOException {
    if (Files.isDirectory(path)) {
      return open(CheckpointFiles.find(path));
    }
    var name = path.getFileName() == null ? "" : path.getFileName().toString();
    var lower = name.toLowerCase(Locale.ROOT);
    if (lower.endsWith(".index.json")) {
      return ShardedCheckpoint.open(path);
    }
    if (lower.endsWith(".safetensors")) {
      return Safetensors.open(path);
    }
    return TorchCheckpoint.is(path) ? TorchCheckpoint.open(path) : Llama2c.open(path);
  }

  /// {@return all tensors, in the order of their files}
  List<StoredTensor> tensors();

  /// {@return a tensor, or null where there is none of that name}
  ///
  /// @param name for example `model.embed_tokens.weight`
  StoredTensor find(String name);

  /// {@return a tensor}
  ///
  /// @param name for example `model.embed_tokens.weight`
  /// @throws IOException if there is none of that name; the message has the file and some names
  default StoredTensor tensor(String name) throws IOException {
    var tensor = find(name);
    if (tensor == null) {
      var some = tensors().stream().limit(8).map(StoredTensor::name).toList();
      throw new IOException(
          path()
              + ": no tensor "
              + name
              + " among "
              + tensors().size()
              + ", the first are "
              + some);
    }
    return tensor;
  }

  /// {@return what the files say besides tensors, for example `format`; empty where nothing}
  Map<String, String> metadata();

  /// {@return the file that was opened: of shards, their index}
  Path path();

  /// Unmaps the files. Closing again has no effect.
  @Override
  void close();
}
