package dev.tenon.tensor;

import dev.tenon.ggml.Ggml;
import dev.tenon.gguf.Shape;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/// Keys and values of some cells on their way out of a cache or into it: of each layer the keys,
/// token by token, and the values, token by token as well or, where they lie transposed, element by
/// element. A megabyte at a time, whatever the cache holds.
final class KvCopy implements AutoCloseable {
  private static final int CHUNK = 1 << 20;

  private final KvCache cache;
  private final List<Run> runs;
  private final Arena arena = Arena.ofConfined();
  private final MemorySegment staging;
  private final byte[] chunk;

  /// Cells that lie side by side and hold tokens that follow one another.
  private record Run(int cell, int length) {}

  /// What is done with so many bytes of a tensor.
  private interface Step {
    void at(Tensor tensor, long offset, int bytes) throws IOException;
  }

  KvCopy(KvCache cache, int[] cells) {
    this.cache = cache;
    this.runs = runs(cells);
    int row = (int) Math.max(keyRow(), valueRow());
    this.staging = arena.allocate(Math.max(CHUNK, row), 64);
    this.chunk = new byte[Math.max(CHUNK, row)];
  }

  private static List<Run> runs(int[] cells) {
    var runs = new ArrayList<Run>();
    for (int i = 0; i < cells.length; ) {
      int from = i++;
      while (i < cells.length && cells[i] == cells[i - 1] + 1) i++;
      runs.add(new Run(cells[from], i - from));
    }
    return runs;
  }

  void write(OutputStream out) throws IOException {
    forEachPart(
        (tensor, offset, bytes) -> {
          Ggml.ggml_backend_tensor_get(tensor.ggml(), staging, offset, bytes);
          MemorySegment.copy(staging, ValueLayout.JAVA_BYTE, 0, chunk, 0, bytes);
          out.write(chunk, 0, bytes);
        });
  }

  void read(InputStream in) throws IOException {
    forEachPart(
        (tensor, offset, bytes) -> {
          if (in.readNBytes(chunk, 0, bytes) < bytes)
            throw new EOFException("ends inside the keys and values");
          MemorySegment.copy(chunk, 0, staging, ValueLayout.JAVA_BYTE, 0, bytes);
          Ggml.ggml_backend_tensor_set(tensor.ggml(), staging, offset, bytes);
        });
  }

  private void forEachPart(Step step) throws IOException {
    boolean transposed = !cache.settings().flashAttention();
    for (int layer = 0; layer < cache.layout().layers(); layer++) {
      rows(cache.keys(layer), 0, keyRow(), step);
      var values = cache.values(layer);
      if (!transposed) {
        rows(values, 0, valueRow(), step);
        continue;
      }
      long element = values.type().bytes(Shape.of(1));
      long column = element * cache.cells();
      for (int i = 0; i < cache.layout().valueDim() * cache.layout().kvHeads(); i++)
        rows(values, i * column, element, step);
    }
  }

  /// Takes the rows of all runs, as many at a time as the staging holds.
  private void rows(Tensor tensor, long start, long rowBytes, Step step) throws IOException {
    int most = (int) (chunk.length / rowBytes);
    for (var run : runs) {
      for (int done = 0; done < run.length; done += most) {
        int n = Math.min(most, run.length - done);
        step.at(tensor, start + (run.cell + done) * rowBytes, (int) (n * rowBytes));
      }
    }
  }

  private long keyRow() {
    var layout = cache.layout();
    return cache.settings().keyType().bytes(Shape.of((long) layout.headDim() * layout.kvHeads()));
  }

  private long valueRow() {
    var layout = cache.layout();
    return cache
        .settings()
        .valueType()
        .bytes(Shape.of((long) layout.valueDim() * layout.kvHeads()));
  }

  @Override
  public void close() {
    arena.close();
  }
}
