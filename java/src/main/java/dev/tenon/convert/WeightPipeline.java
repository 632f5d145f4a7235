package dev.tenon.convert;

import dev.tenon.gguf.TensorType;
import dev.tenon.huggingface.ElementType;
import dev.tenon.huggingface.Weight;
import dev.tenon.tensor.RowQuantizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.List;
import java.util.concurrent.Future;

/// Makes the tensors of a file from the weights of a folder, one after the other, in pieces:
/// several threads compute while the calling one writes what is done, in order. What is stored as
/// it is to be is written from the mapped file.
///
/// Memory is a few pieces, and the pages of the tensors being read.
final class WeightPipeline implements AutoCloseable {
  /// What stays in a processor's cache; a multiple of every block.
  private static final int PIECE = 1 << 17;

  /// Elements that are written from the file at once.
  private static final int STORED_PIECE = 1 << 22;

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path folder;
  private final List<Job> jobs;
  private final FileType whole;
  private final Progress progress;
  private final long totalBytes;
  private final PieceMaker maker;
  private final ArrayDeque<Buffers> free = new ArrayDeque<>();
  private final ArrayDeque<Piece> begun = new ArrayDeque<>();
  private Opened opened;
  private int nextJob;
  private long nextElement;
  private long doneBytes;

  /// What is to be done for one tensor.
  ///
  /// @param name in the file to be, for messages
  /// @param type what it becomes; rows are a multiple of its block
  record Job(String name, Weight weight, TensorType type) {
    long bytes() {
      return type.rowBytes(weight.elements());
    }

    /// {@return whether its elements are stored as they are to be}
    boolean copies() {
      return weight.isStored() && type == stored(weight.type());
    }
  }

  /// {@return the same type in GGUF, or null}
  static TensorType stored(ElementType type) {
    return switch (type) {
      case F32 -> TensorType.F32;
      case F16 -> TensorType.F16;
      case BF16 -> TensorType.BF16;
      default -> null;
    };
  }

  /// Memory of one piece in the making.
  ///
  /// @param numbers where they are read to
  /// @param values the same for native functions
  /// @param made what they become
  private record Buffers(float[] numbers, MemorySegment values, MemorySegment made) {}

  /// Elements of a tensor, begun but not written.
  private record Piece(Opened opened, boolean last, Buffers buffers, Future<MemorySegment> done) {}

  /// A tensor that is being read: mapped for itself, so that its pages go when it is done.
  private record Opened(Job job, Arena arena) {}

  /// @param whole the type of a file all of whose weights must be finite, or null where those of
  ///     plain floats need not
  WeightPipeline(Path folder, List<Job> jobs, FileType whole, int threads, Progress progress) {
    this.folder = folder;
    this.whole = whole;
    this.jobs = jobs;
    this.progress = progress;
    totalBytes = jobs.stream().mapToLong(Job::bytes).sum();
    maker = new PieceMaker(threads, "tenon-weights-");
    for (int i = 0; i < threads + 2; i++)
      free.add(
          new Buffers(
              new float[PIECE],
              maker.allocate((long) PIECE * Float.BYTES),
              maker.allocate((long) PIECE * Float.BYTES)));
  }

  /// Writes the next tensor.
  void writeNext(WritableByteChannel out) throws IOException {
    for (boolean last = false; !last; ) {
      begin();
      var piece = begun.element();
      var bytes = PieceMaker.take(piece.done);
      out.write(bytes.asByteBuffer());
      doneBytes += bytes.byteSize();
      progress.at(doneBytes, totalBytes);
      begun.remove();
      free.add(piece.buffers);
      last = piece.last;
      if (last) maker.done(piece.opened.arena);
    }
  }

  /// Begins pieces while there is memory for them.
  private void begin() throws IOException {
    while (!free.isEmpty() && nextJob < jobs.size()) {
      if (nextElement == 0) opened = open(jobs.get(nextJob));
      var from = opened;
      var job = from.job;
      long element = nextElement;
      long left = job.weight.elements() - element;
      boolean inPlace =
          job.copies() && job.weight.stored(element, Math.min(left, STORED_PIECE)) != null;
      int count = (int) Math.min(left, inPlace ? STORED_PIECE : PIECE);
      boolean last = count == left;
      var buffers = free.remove();
      begun.add(
          new Piece(from, last, buffers, maker.make(() -> make(job, element, count, buffers))));
      nextElement = last ? 0 : element + count;
      if (last) nextJob++;
    }
  }

  private Opened open(Job job) throws IOException {
    var own = maker.begin();
    return new Opened(new Job(job.name, job.weight.mapped(own), job.type), own);
  }

  /// Makes elements; on one of the threads.
  private MemorySegment make(Job job, long from, int count, Buffers buffers) throws IOException {
    var made = job.copies() ? copy(job, from, count, buffers) : convert(job, from, count, buffers);
    if (whole != null && !job.type.isQuantized()) {
      long wrong = RowQuantizer.firstNotFinite(job.type, made);
      if (wrong >= 0) throw notFinite(job, from + wrong, whole.name());
    }
    return made;
  }

  private MemorySegment copy(Job job, long from, int count, Buffers buffers) {
    var stored = job.weight.stored(from, count);
    if (stored != null) return stored;
    var made = buffers.made.asSlice(0, (long) count * job.weight.type().bytes());
    job.weight.copy(from, made, count);
    return made;
  }

  private MemorySegment convert(Job job, long from, int count, Buffers buffers) throws IOException {
    var numbers = buffers.numbers;
    job.weight.read(from, numbers, 0, count);
    var made = buffers.made.asSlice(0, job.type.rowBytes(count));
    switch (job.type) {
      case F32 -> MemorySegment.copy(numbers, 0, made, FLOAT, 0, count);
      case F16 -> {
        for (int i = 0; i < count; i++) made.set(SHORT, 2L * i, Float.floatToFloat16(numbers[i]));
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) made.set(SHORT, 2L * i, upperHalf(numbers[i]));
      }
      default -> quantize(job, from, count, buffers, made);
    }
    if (job.type != TensorType.F32) checkFinite(job, from, count, numbers, made);
    return made;
  }

  /// The nearest number of BF16: of two as near the even one.
  private static short upperHalf(float number) {
    int bits = Float.floatToRawIntBits(number);
    if (Float.isNaN(number)) return (short) (bits >>> 16 | 0x40);
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  private void quantize(Job job, long from, int count, Buffers buffers, MemorySegment made)
      throws IOException {
    var values = buffers.values.asSlice(0, (long) count * Float.BYTES);
    MemorySegment.copy(buffers.numbers, 0, values, ValueLayout.JAVA_FLOAT, 0, count);
    long wrong = RowQuantizer.firstNotFinite(TensorType.F32, values);
    if (wrong >= 0) throw notFinite(job, from + wrong, job.type.ggmlName());
    RowQuantizer.quantize(job.type, values, made, 1, count, null);
  }

  /// What was finite is to stay so.
  private void checkFinite(Job job, long from, int count, float[] numbers, MemorySegment made)
      throws IOException {
    long wrong = RowQuantizer.firstNotFinite(job.type, made);
    if (wrong < 0) return;
    boolean quantized = job.type.isQuantized();
    float most = job.type == TensorType.F16 ? 65520 : 0x1.ffp127f; // what is rounded to infinity
    for (int i = (int) wrong * job.type.blockElements(); i < count; i++)
      if (quantized || Float.isFinite(numbers[i]) && Math.abs(numbers[i]) >= most)
        throw new IOException(of(job, from + i) + " is too large for " + job.type.ggmlName());
  }

  private IOException notFinite(Job job, long element, String type) {
    return new IOException(
        of(job, element) + " is infinite or not a number, which " + type + " cannot hold");
  }

  private String of(Job job, long element) {
    var shape = job.weight.shape();
    long width = shape.length == 0 ? 1 : shape[shape.length - 1];
    return folder + ": a weight of " + job.name + ", in row " + element / width + ",";
  }

  /// Ends the threads, then gives the memory back. Closing twice has no effect.
  @Override
  public void close() {
    maker.close();
  }
}
