package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Map;
import java.util.concurrent.CancellationException;

/// Changes what a file says of itself: writes it anew, tensors byte for byte.
public final class MetadataEditor {
  private MetadataEditor() {}

  /// Writes a file with other metadata. Of a split set, whose first file has the metadata, that
  /// one is written.
  ///
  /// @param source an open file
  /// @param values put in place of those that the keys have, or at the end, in this order
  /// @param removed keys that are left out; one that is not there has no effect
  /// @param target where it is to be, which may be the source; replaced as a whole
  /// @param progress is told how far it is
  /// @throws IllegalArgumentException if a key or a value cannot be written
  /// @throws CancellationException if the thread is interrupted; the target is as it was
  /// @throws IOException if a file cannot be read or written; the target is as it was
  public static void write(
      Gguf source,
      Map<String, GgufValue> values,
      Collection<String> removed,
      Path target,
      Progress progress)
      throws IOException {
    var writer = new GgufWriter().copy(source);
    removed.forEach(writer::remove);
    values.forEach(writer::put);
    var copier = new TensorCopier(source, progress);
    for (var tensor : source.tensors()) if (tensor.part() == 0) copier.add(writer, tensor);
    SplitSet.write(writer, target);
  }

  /// {@return the file that has the metadata of a source: of a split set the first}
  ///
  /// @param source an open file
  public static Path file(Gguf source) {
    return SplitSet.path(source, 0);
  }
}
