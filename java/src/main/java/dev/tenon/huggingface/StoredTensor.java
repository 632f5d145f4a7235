package dev.tenon.huggingface;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;

/// A tensor as a checkpoint stores it: a type, a shape and a way through mapped bytes.
///
/// Its elements are numbered in row-major order, the last dimension fastest, whatever their order
/// in the file. Nothing is read before it is asked for, and no call holds more than a few hundred
/// kilobytes of the heap.
///
/// Valid while its [Checkpoint] is open; afterwards data are an [IllegalStateException].
/// Thread-safe.
public final class StoredTensor {
  /// Elements that are converted at once.
  private static final int CHUNK = 1 << 14;

  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String name;
  private final ElementType type;
  private final long[] shape;
  private final Path file;

  /// From the first byte of the storage that the elements lie in to its last.
  private final MemorySegment storage;

  /// Where element 0 is, in elements.
  private final long start;

  /// How the elements are gone through: as the shape, or with dimensions of it split.
  private final long[] sizes;

  /// How far apart neighbours in each of these are, in elements.
  private final long[] strides;

  private final long elements;
  private final boolean contiguous;

  /// A tensor whose elements follow each other.
  ///
  /// @param data its bytes
  StoredTensor(String name, ElementType type, long[] shape, Path file, MemorySegment data) {
    this(name, type, shape, file, data, 0, shape, rowMajor(shape));
  }

  /// Any tensor. The caller has checked that no element lies outside the storage, and that no
  /// product overflows.
  StoredTensor(
      String name,
      ElementType type,
      long[] shape,
      Path file,
      MemorySegment storage,
      long start,
      long[] sizes,
      long[] strides) {
    this.name = name;
    this.type = type;
    this.shape = shape.clone();
    this.file = file;
    this.storage = storage;
    this.start = start;
    this.sizes = sizes.clone();
    this.strides = strides.clone();
    elements = Arrays.stream(sizes).reduce(1, (a, b) -> a * b);
    contiguous = elements == 0 || isRowMajor();
  }

  /// {@return the strides of a tensor whose elements follow each other}
  static long[] rowMajor(long[] sizes) {
    var strides = new long[sizes.length];
    long stride = 1;
    for (int d = sizes.length - 1; d >= 0; d--) {
      strides[d] = stride;
      stride *= sizes[d];
    }
    return strides;
  }

  private boolean isRowMajor() {
    long stride = 1;
    for (int d = sizes.length - 1; d >= 0; d--) {
      if (sizes[d] != 1 && strides[d] != stride) {
        return false;
      }
      stride *= sizes[d];
    }
    return true;
  }

  /// {@return its name in the checkpoint, for example `model.embed_tokens.weight`}
  public String name() {
    return name;
  }

  /// {@return the type of its elements}
  public ElementType type() {
    return type;
  }

  /// {@return its dimensions as PyTorch has them, slowest-varying first; a scalar has none}
  public long[] shape() {
    return shape.clone();
  }

  /// {@return the number of elements, 0 or more}
  public long elements() {
    return elements;
  }

  /// {@return the size of its elements in bytes}
  public long byteSize() {
    return elements * type.bytes();
  }

  /// {@return the file that has its bytes}
  public Path file() {
    return file;
  }

  /// {@return whether its elements follow each other in the file, so that there are [#bytes]}
  public boolean isContiguous() {
    return contiguous;
  }

  /// {@return the mapped bytes of its elements: no copy}
  ///
  /// @throws IllegalStateException if its elements do not follow each other; [#write] gives the
  ///     bytes of any
  public MemorySegment bytes() {
    if (!contiguous) {
      throw new IllegalStateException(
          "tensor " + name + ": its elements do not follow each other in " + file);
    }
    return elements == 0
        ? storage.asSlice(0, 0)
        : storage.asSlice(start * type.bytes(), byteSize());
  }

  /// {@return whether another tensor is the same elements of the same file: tied weights}
  ///
  /// @param other any tensor
  public boolean isSameAs(StoredTensor other) {
    return elements > 0
        && type == other.type
        && storage.equals(other.storage)
        && start == other.start
        && Arrays.equals(sizes, other.sizes)
        && Arrays.equals(strides, other.strides);
  }

  /// Reads elements as binary32. F16, BF16 and F8 are exact, as are integers of up to 24 bits.
  ///
  /// @param from the first element
  /// @param into where they go
  /// @param at the index there of the first
  /// @param count how many
  /// @throws IndexOutOfBoundsException if there are not as many, here or there
  /// @throws IllegalStateException if the checkpoint is closed
  public void read(long from, float[] into, int at, int count) {
    Objects.checkFromIndexSize(from, count, elements);
    Objects.checkFromIndexSize(at, count, into.length);
    gather(
        from,
        count,
        (element, run, done) -> type.read(storage, element * type.bytes(), into, at + done, run));
  }

  /// Writes all elements as they are stored, little-endian, in row-major order.
  ///
  /// @param out takes every byte it is given
  /// @throws IOException from `out`
  /// @throws IllegalStateException if the checkpoint is closed
  public void write(WritableByteChannel out) throws IOException {
    if (contiguous) {
      var bytes = bytes();
      // A buffer views 2 GiB at most, and a large one would hide an interruption for long.
      long most = 1 << 24;
      for (long done = 0; done < bytes.byteSize(); done += most) {
        writeAll(bytes.asSlice(done, Math.min(most, bytes.byteSize() - done)).asByteBuffer(), out);
      }
      return;
    }
    var chunk = new byte[CHUNK * type.bytes()];
    for (long done = 0; done < elements; done += CHUNK) {
      int count = (int) Math.min(CHUNK, elements - done);
      gather(
          done,
          count,
          (element, run, at) ->
              MemorySegment.copy(
                  storage,
                  ValueLayout.JAVA_BYTE,
                  element * type.bytes(),
                  chunk,
                  at * type.bytes(),
                  run * type.bytes()));
      writeAll(ByteBuffer.wrap(chunk, 0, count * type.bytes()), out);
    }
  }

  /// Writes all elements as binary32, little-endian, in row-major order, as [#read] gives them.
  ///
  /// @param out takes every byte it is given
  /// @throws IOException from `out`
  /// @throws IllegalStateException if the checkpoint is closed
  public void writeF32(WritableByteChannel out) throws IOException {
    if (type == ElementType.F32) {
      write(out);
      return;
    }
    var numbers = new float[CHUNK];
    var bytes = ByteBuffer.allocate(CHUNK * Float.BYTES);
    var segment = MemorySegment.ofBuffer(bytes.duplicate());
    for (long done = 0; done < elements; done += CHUNK) {
      int count = (int) Math.min(CHUNK, elements - done);
      read(done, numbers, 0, count);
      MemorySegment.copy(numbers, 0, segment, FLOAT, 0, count);
      writeAll(bytes.clear().limit(count * Float.BYTES), out);
    }
  }

  private static void writeAll(ByteBuffer bytes, WritableByteChannel out) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  /// Takes elements that follow each other in the storage.
  private interface Run {
    /// @param element the number of the first in the storage
    /// @param count how many
    /// @param done how many were taken before
    void take(long element, int count, int done);
  }

  /// Goes through `count` elements from one on, in runs that are as long as the storage has them.
  private void gather(long from, int count, Run run) {
    if (count == 0) {
      return;
    }
    if (contiguous) {
      run.take(start + from, count, 0);
      return;
    }
    int last = sizes.length - 1;
    var index = new long[sizes.length];
    long rest = from;
    for (int d = last; d >= 0; d--) {
      index[d] = rest % sizes[d];
      rest /= sizes[d];
    }
    for (int done = 0; done < count; ) {
      long element = start;
      for (int d = 0; d <= last; d++) {
        element += index[d] * strides[d];
      }
      int row = (int) Math.min(sizes[last] - index[last], count - done);
      if (strides[last] == 1) {
        run.take(element, row, done);
      } else {
        for (int i = 0; i < row; i++) {
          run.take(element + i * strides[last], 1, done + i);
        }
      }
      done += row;
      index[last] += row;
      for (int d = last; d > 0 && index[d] == sizes[d]; d--) {
        index[d] = 0;
        index[d - 1]++;
      }
    }
  }

  /// {@return name, type and shape, for example `lm_head.weight BF16 [512, 64]`}
  @Override
  public String toString() {
    return name + " " + type + " " + Arrays.toString(shape);
  }
}
