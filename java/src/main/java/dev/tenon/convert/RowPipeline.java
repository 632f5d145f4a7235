package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.RowQuantizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Future;

/// Brings tensors to other types, one after the other, in pieces of rows: several threads compute
/// while the calling one writes what is done, in order. The next tensor is begun before the last is
/// written.
///
/// Memory is a few pieces, and the pages of the tensors being read, which the system takes back
/// when it needs them.
final class RowPipeline implements AutoCloseable {
  /// Rows of so many elements stay in a processor's cache between one step and the next.
  private static final long PIECE_ELEMENTS = 1 << 17;

  private final Gguf source;
  private final List<Job> jobs;
  private final Progress progress;
  private final long totalBytes;
  private final PieceMaker maker;
  private final ArrayDeque<Buffers> free = new ArrayDeque<>();
  private final ArrayDeque<Piece> begun = new ArrayDeque<>();
  private final long pieceElements;
  private Opened opened;
  private int nextJob;
  private long nextRow;
  private int nextWritten;
  private long doneBytes;

  /// What is to be done with one tensor.
  ///
  /// @param tensor as the file has it
  /// @param type what it becomes
  /// @param importance of its columns, of matrices one after the other; or null
  record Job(TensorInfo tensor, TensorType type, float[] importance) {
    boolean copies() {
      return tensor.type() == type;
    }

    long rows() {
      var shape = tensor.shape();
      return shape.n0() == 0 ? 0 : shape.n1() * shape.n2() * shape.n3();
    }

    long width() {
      return tensor.shape().n0();
    }
  }

  /// Memory of one piece in the making.
  private record Buffers(MemorySegment values, MemorySegment rows) {}

  /// A tensor that is being read: mapped for itself, so that its pages go when it is done.
  private record Opened(Job job, Arena arena, MemorySegment data, MemorySegment importance) {}

  /// Rows of a tensor, begun but not written.
  private record Piece(
      Opened opened, long bytes, boolean last, Buffers buffers, Future<MemorySegment> done) {}

  RowPipeline(Gguf source, List<Job> jobs, int threads, long bufferBytes, Progress progress) {
    this.source = source;
    this.jobs = jobs;
    this.progress = progress;
    totalBytes = jobs.stream().mapToLong(job -> job.tensor.bytes()).sum();
    long widest = jobs.stream().filter(job -> !job.copies()).mapToLong(Job::width).max().orElse(0);
    int pieces = Math.clamp(bufferBytes / Math.max(1, 8 * widest), 1, threads + 2);
    pieceElements = Math.clamp(bufferBytes / (8L * pieces), 1, PIECE_ELEMENTS);
    long values = 0;
    long rows = 0;
    for (var job : jobs) {
      if (job.copies()) continue;
      long count = Math.min(pieceRows(job), job.rows());
      if (job.tensor.type() != TensorType.F32)
        values = Math.max(values, count * job.width() * Float.BYTES);
      rows = Math.max(rows, count * job.type.rowBytes(job.width()));
    }
    maker = new PieceMaker(Math.min(threads, pieces), "tenon-rows-");
    for (int i = 0; i < pieces; i++)
      free.add(new Buffers(maker.allocate(values), maker.allocate(rows)));
  }

  /// Writes the next tensor.
  void writeNext(WritableByteChannel out) throws IOException {
    var job = jobs.get(nextWritten++);
    if (job.rows() == 0) return;
    for (boolean last = false; !last; ) {
      begin();
      var piece = begun.remove();
      out.write(PieceMaker.take(piece.done).asByteBuffer());
      free.add(piece.buffers);
      doneBytes += piece.bytes;
      progress.at(doneBytes, totalBytes);
      last = piece.last;
      if (last) maker.done(piece.opened.arena);
    }
  }

  /// Begins pieces while there is memory for them.
  private void begin() throws IOException {
    while (!free.isEmpty() && nextJob < jobs.size()) {
      var job = jobs.get(nextJob);
      if (job.rows() == 0) {
        nextJob++;
        continue;
      }
      if (nextRow == 0) opened = open(job);
      long row = nextRow;
      long rows = Math.min(pieceRows(job), job.rows() - row);
      // Each matrix has an importance of its own.
      if (job.importance != null)
        rows = Math.min(rows, job.tensor.shape().n1() - row % job.tensor.shape().n1());
      nextRow += rows;
      boolean last = nextRow == job.rows();
      var from = opened;
      var buffers = free.remove();
      long count = rows;
      begun.add(
          new Piece(
              from,
              rows * job.tensor.type().rowBytes(job.width()),
              last,
              buffers,
              maker.make(() -> make(from, row, count, buffers))));
      if (last) {
        nextJob++;
        nextRow = 0;
      }
    }
  }

  private long pieceRows(Job job) {
    long bytes = job.tensor.type().rowBytes(job.width());
    return Math.max(1, job.copies() ? (4L * pieceElements) / bytes : pieceElements / job.width());
  }

  private Opened open(Job job) throws IOException {
    var own = maker.begin();
    MemorySegment importance = null;
    if (job.importance != null)
      importance = own.allocateFrom(ValueLayout.JAVA_FLOAT, job.importance);
    return new Opened(job, own, source.map(job.tensor, own), importance);
  }

  /// Makes rows; on one of the threads.
  private MemorySegment make(Opened from, long row, long rows, Buffers buffers) throws IOException {
    var job = from.job;
    var tensor = job.tensor;
    long width = job.width();
    long rowBytes = tensor.type().rowBytes(width);
    var data = from.data.asSlice(row * rowBytes, rows * rowBytes);
    // In Java: a file cut off meanwhile is an error here, and would end the process in C.
    long wrong = RowQuantizer.firstNotFinite(tensor.type(), data);
    if (wrong >= 0)
      throw new IOException(
          source.path()
              + ": "
              + tensor.name()
              + " holds what is infinite or not a number, in row "
              + (row + wrong * tensor.type().blockElements() / width));
    if (job.copies()) return data;
    var values = data;
    if (tensor.type() != TensorType.F32) {
      values = buffers.values;
      RowQuantizer.dequantize(tensor.type(), data, values, rows * width);
    }
    MemorySegment importance = null;
    if (from.importance != null) {
      long matrix = row / tensor.shape().n1() % tensor.shape().n2();
      long bytes = width * Float.BYTES;
      importance = from.importance.asSlice(matrix * bytes, bytes);
    }
    var made = buffers.rows.asSlice(0, rows * job.type.rowBytes(width));
    try {
      RowQuantizer.quantize(job.type, values, made, rows, width, importance);
    } catch (IllegalArgumentException e) {
      throw new IOException(source.path() + ": " + tensor.name() + ": " + e.getMessage(), e);
    }
    wrong = RowQuantizer.firstNotFinite(job.type, made);
    if (wrong >= 0)
      throw new IOException(
          source.path()
              + ": "
              + tensor.name()
              + " has weights too large for "
              + job.type.ggmlName()
              + ", in row "
              + (row + wrong * job.type.blockElements() / width));
    return made;
  }

  /// Ends the threads, then gives the memory back. Closing twice has no effect.
  @Override
  public void close() {
    maker.close();
  }
}
