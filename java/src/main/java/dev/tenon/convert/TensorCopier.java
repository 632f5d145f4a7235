package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorInfo;
import java.lang.foreign.Arena;

/// Copies tensors as they are, and tells how far it is.
final class TensorCopier {
  private static final long PIECE = 1 << 24;

  private final Gguf source;
  private final Progress progress;
  private long total;
  private long done;

  TensorCopier(Gguf source, Progress progress) {
    this.source = source;
    this.progress = progress;
  }

  /// Adds a tensor of the source to a file to be.
  void add(GgufWriter writer, TensorInfo tensor) {
    total += tensor.bytes();
    writer.tensor(
        tensor.name(),
        tensor.type(),
        tensor.shape(),
        out -> {
          // Mapped for itself, so that its pages go when it is done.
          try (var arena = Arena.ofConfined()) {
            var data = source.map(tensor, arena);
            for (long at = 0; at < data.byteSize(); at += PIECE) {
              long size = Math.min(PIECE, data.byteSize() - at);
              out.write(data.asSlice(at, size).asByteBuffer());
              done += size;
              progress.at(done, total);
            }
          }
        });
  }
}
