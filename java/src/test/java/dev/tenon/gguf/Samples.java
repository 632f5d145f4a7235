package dev.tenon.gguf;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;

/// Small files, and a way to use everything in one.
final class Samples {
  private Samples() {}

  /// Writes a file with every type of value and some tensors.
  static Path everything(Path file) throws IOException {
    var writer =
        new GgufWriter()
            .put("general.architecture", "llama")
            .put("a.u8", new GgufValue.Int(GgufType.UINT8, 200))
            .put("a.i8", new GgufValue.Int(GgufType.INT8, -2))
            .put("a.u16", new GgufValue.Int(GgufType.UINT16, 60000))
            .put("a.i16", new GgufValue.Int(GgufType.INT16, -3))
            .put("a.u32", new GgufValue.Int(GgufType.UINT32, 4_000_000_000L))
            .put("a.i32", new GgufValue.Int(GgufType.INT32, -4))
            .put("a.f32", new GgufValue.Real(GgufType.FLOAT32, 0.5))
            .put("a.bool", new GgufValue.Bool(true))
            .put("a.u64", new GgufValue.Int(GgufType.UINT64, -1))
            .put("a.i64", new GgufValue.Int(GgufType.INT64, -5))
            .put("a.f64", new GgufValue.Real(GgufType.FLOAT64, 0.1))
            .put("strings", GgufValue.Array.strings(List.of("", "é", "token")))
            .put("numbers", GgufValue.Array.of(1, -2, 3))
            .put("reals", GgufValue.Array.of(0.25f, -1f))
            .put("none", GgufValue.Array.strings(List.of()))
            .put(
                "nested",
                GgufValue.Array.of(
                    GgufType.ARRAY,
                    List.of(GgufValue.Array.of(1, 2), GgufValue.Array.strings(List.of("x")))));
    return write(writer, file);
  }

  /// Writes a file without metadata.
  static Path tensorsAlone(Path file) throws IOException {
    return write(new GgufWriter(), file);
  }

  private static Path write(GgufWriter writer, Path file) throws IOException {
    writer
        .tensor("embedding", TensorType.F32, Shape.of(4, 3), filled(48, 1))
        .tensor("quantized", TensorType.Q4_0, Shape.of(64, 2), filled(72, 2))
        .tensor("empty", TensorType.F32, Shape.of(4, 0), filled(0, 0))
        .tensor("scalar", TensorType.F16, Shape.of(), filled(2, 3))
        .write(file);
    return file;
  }

  /// {@return so many bytes that differ from each other and by `seed`}
  static MemorySegment filled(int bytes, int seed) {
    var data = new byte[bytes];
    for (int i = 0; i < bytes; i++) {
      data[i] = (byte) (i * 7 + seed * 31);
    }
    return MemorySegment.ofArray(data);
  }

  /// Asks a file for all that it has.
  ///
  /// @return a number that depends on it, so that nothing is left out
  static long touch(Gguf gguf) throws IOException {
    long sum = gguf.fileBytes() + gguf.alignment() + gguf.version() + gguf.toString().length();
    for (var key : gguf.keys()) {
      sum = 31 * sum + touch(gguf.get(key));
    }
    for (var tensor : gguf.tensors()) {
      sum = 31 * sum + sum(gguf.data(gguf.tensor(tensor.name())));
      try (var arena = Arena.ofConfined()) {
        sum = 31 * sum + sum(gguf.map(tensor, arena));
      }
    }
    return sum;
  }

  private static long touch(GgufValue value) {
    if (value instanceof GgufValue.Array array) {
      long sum = array.size();
      for (var element : array.values()) {
        sum = 31 * sum + touch(element);
      }
      return sum;
    }
    return value.toString().hashCode();
  }

  private static long sum(MemorySegment data) {
    long sum = 0;
    for (long i = 0; i < data.byteSize(); i++) {
      sum += data.get(ValueLayout.JAVA_BYTE, i);
    }
    return sum;
  }
}
