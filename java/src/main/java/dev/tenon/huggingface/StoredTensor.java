package dev.tenon.huggingface;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/// A tensor as a checkpoint stores it: a type, a shape and a way through mapped bytes.
///
/// Its elements are numbered in row-major order, the last dimension fastest, whatever their order
/// in the file. Nothing is read before it is asked for, and no call holds more than a few hundred
/// kilobytes of the heap.
///
/// Valid while its [Checkpoint] is open; afterwards data are an [IllegalStateException].
/// Thread-safe.
public final class StoredTensor {
  private final String name;
  private final ElementType type;
  private final long[] shape;
  private final Path file;

  /// From the first byte of the storage that the elements lie in to its last.
  private final MemorySegment storage;

  /// Where that is in the file, in bytes.
  private final long position;

  /// Where element 0 is, in elements.
  private final long start;

  /// How the elements are gone through: as the shape, or with dimensions of it split.
  private final long[] sizes;

  /// How far apart neighbours in each of these are, in elements.
  private final long[] strides;

  /// What elements are multiplied by, or null.
  private final Scales scales;

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
    this(name, type, shape, file, storage, -1, start, sizes, strides, null);
  }

  private StoredTensor(
      String name,
      ElementType type,
      long[] shape,
      Path file,
      MemorySegment storage,
      long position,
      long start,
      long[] sizes,
      long[] strides,
      Scales scales) {
    this.name = name;
    this.type = type;
    this.shape = shape.clone();
    this.file = file;
    this.storage = storage;
    this.position = position;
    this.start = start;
    this.sizes = sizes.clone();
    this.strides = strides.clone();
    this.scales = scales;
    elements = Arrays.stream(sizes).reduce(1, (a, b) -> a * b);
    contiguous = elements == 0 || isRowMajor();
  }

  private StoredTensor view(
      long[] newShape, long newStart, long[] newSizes, long[] newStrides, Scales newScales) {
    return new StoredTensor(
        name, type, newShape, file, storage, position, newStart, newSizes, newStrides, newScales);
  }

  /// {@return the same tensor, which knows where it is in its file}
  ///
  /// @param mapping the whole file
  StoredTensor in(MemorySegment mapping) {
    long at = storage.address() - mapping.address();
    return new StoredTensor(name, type, shape, file, storage, at, start, sizes, strides, scales);
  }

  /// {@return the same tensor over a mapping of its own, whose pages are given back when an arena
  /// closes and not only with the checkpoint}
  ///
  /// @param arena decides how long it is valid
  /// @throws IOException if the system cannot map it
  StoredTensor mapped(Arena arena) throws IOException {
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      var own = channel.map(FileChannel.MapMode.READ_ONLY, position, storage.byteSize(), arena);
      return new StoredTensor(
          name, type, shape, file, own, position, start, sizes, strides, scales);
    }
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

  /// {@return whether its elements are other numbers than the file has, for its blocks are scaled}
  public boolean isScaled() {
    return scales != null;
  }

  /// {@return whether its elements follow each other in the file, so that there are [#bytes]}
  public boolean isContiguous() {
    return contiguous;
  }

  /// {@return the mapped bytes of its elements: no copy}
  ///
  /// @throws IllegalStateException if its elements do not follow each other; [#copy] gives the
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

  /// {@return the same elements in the same order, as another shape has them}
  ///
  /// @param to dimensions, slowest-varying first
  /// @throws IllegalArgumentException if that is another number of elements
  public StoredTensor reshaped(long... to) {
    if (Arrays.stream(to).anyMatch(n -> n < 0)
        || Arrays.stream(to).reduce(1, Math::multiplyExact) != elements) {
      throw new IllegalArgumentException(
          "reshape " + this + " to " + Arrays.toString(to) + ": another number of elements");
    }
    return view(to, start, sizes, strides, scales);
  }

  /// {@return the same elements with the dimensions in another order: no copy}
  ///
  /// @param order which dimension of this comes first, second and so on; `1, 0` transposes a matrix
  /// @throws IllegalArgumentException if it does not name each dimension once
  /// @throws IllegalStateException if the elements lie in a way that does not fit the dimensions
  public StoredTensor permuted(int... order) {
    if (!Arrays.equals(
        Arrays.stream(order).sorted().toArray(), IntStream.range(0, shape.length).toArray())) {
      throw new IllegalArgumentException(
          "permute " + this + " by " + Arrays.toString(order) + ": each dimension once");
    }
    var ways = ways();
    var newShape = Arrays.stream(order).mapToLong(d -> shape[d]).toArray();
    var newSizes = LongStream.builder();
    var newStrides = LongStream.builder();
    for (int d : order) {
      for (var way : ways.get(d)) {
        newSizes.add(way.size);
        newStrides.add(way.stride);
      }
    }
    return view(newShape, start, newSizes.build().toArray(), newStrides.build().toArray(), scales);
  }

  /// {@return some of the first dimension: rows of a matrix; no copy}
  ///
  /// @param from first row, at least 0
  /// @param to after the last row, at most as many as there are
  /// @throws IllegalArgumentException if this is a scalar
  /// @throws IndexOutOfBoundsException if there are no such rows
  /// @throws IllegalStateException if the rows lie in a way that cannot be cut
  public StoredTensor rows(long from, long to) {
    if (shape.length == 0) throw new IllegalArgumentException("rows of " + this + ": a scalar");
    Objects.checkFromToIndex(from, to, shape[0]);
    var ways = ways();
    if (ways.getFirst().size() > 1) {
      throw new IllegalStateException("rows of " + this + ": they do not lie evenly apart");
    }
    long stride = ways.getFirst().isEmpty() ? 0 : ways.getFirst().getFirst().stride;
    var newShape = shape.clone();
    newShape[0] = to - from;
    var newSizes = LongStream.builder().add(to - from);
    var newStrides = LongStream.builder().add(stride);
    for (var dimension : ways.subList(1, ways.size())) {
      for (var way : dimension) {
        newSizes.add(way.size);
        newStrides.add(way.stride);
      }
    }
    return view(
        newShape,
        start + from * stride,
        newSizes.build().toArray(),
        newStrides.build().toArray(),
        scales);
  }

  /// {@return the same elements, each multiplied by the number of its block when it is read}
  ///
  /// @param by one number for each block, at most two dimensions: this is cut into as many evenly,
  ///     but that the last may be smaller; rows of blocks first
  /// @param blockRows rows of a block
  /// @param blockColumns columns of a block
  /// @throws IllegalArgumentException if this is no matrix whose elements follow each other, or the
  ///     numbers are not one for each block
  StoredTensor scaled(StoredTensor by, long blockRows, long blockColumns) {
    if (shape.length != 2 || !contiguous || elements == 0) {
      throw new IllegalArgumentException("scale " + this + ": no matrix as it is stored");
    }
    long down = Math.ceilDiv(shape[0], blockRows);
    long across = Math.ceilDiv(shape[1], blockColumns);
    if (by.elements != down * across || by.elements > 1 << 26) {
      throw new IllegalArgumentException(
          "scale " + this + " by " + by + ": expected " + down + " times " + across + " numbers");
    }
    var numbers = new float[(int) by.elements];
    by.read(0, numbers, 0, numbers.length);
    return view(
        shape,
        start,
        sizes,
        strides,
        new Scales(numbers, start, shape[1], blockRows, blockColumns, across));
  }

  /// A number for each block of a matrix, whatever way its elements are gone through.
  ///
  /// @param start where element 0 is, in elements
  /// @param columns of the matrix
  /// @param across how many blocks lie beside each other
  private record Scales(
      float[] numbers, long start, long columns, long blockRows, long blockColumns, long across) {
    void apply(long element, float[] into, int at, int count) {
      for (int i = 0; i < count; i++) {
        long place = element + i - start;
        long block = place / columns / blockRows * across + place % columns / blockColumns;
        into[at + i] *= numbers[(int) block];
      }
    }
  }

  /// A way through part of a dimension.
  private record Way(long size, long stride) {}

  /// {@return how each dimension of the shape is gone through, the slowest way first}
  private List<List<Way>> ways() {
    var ways = new ArrayList<List<Way>>();
    int s = sizes.length - 1;
    long left = s < 0 ? 1 : sizes[s]; // of that size, not taken yet
    for (int d = shape.length - 1; d >= 0; d--) {
      var way = new ArrayList<Way>();
      for (long need = shape[d]; need != 1; ) {
        while (s >= 0 && left == 1 && sizes[s] != 0) left = --s < 0 ? 1 : sizes[s];
        if (s < 0) throw uneven();
        long stride = strides[s] * (left == 0 ? 1 : sizes[s] / left);
        if (left != 0 && need % left == 0 && need != 0) {
          way.addFirst(new Way(left, stride));
          need /= left;
          left = 1;
        } else if (need != 0 && left % need == 0 && left != 0) {
          way.addFirst(new Way(need, stride));
          left /= need;
          need = 1;
        } else if (need == 0 && left == 0) {
          way.addFirst(new Way(0, stride));
          left = 1;
          s--;
          need = 1;
        } else {
          throw uneven();
        }
      }
      ways.addFirst(way);
    }
    return ways;
  }

  private IllegalStateException uneven() {
    return new IllegalStateException(this + ": its elements do not lie as its dimensions are");
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
        (element, run, done) -> {
          type.read(storage, element * type.bytes(), into, at + done, run);
          if (scales != null) scales.apply(element, into, at + done, run);
        });
  }

  /// Copies elements as they are stored, little-endian.
  ///
  /// @param from the first element
  /// @param into where they go
  /// @param at the byte there of the first
  /// @param count how many
  /// @throws IndexOutOfBoundsException if there are not as many, here or there
  /// @throws IllegalStateException if the checkpoint is closed
  public void copy(long from, MemorySegment into, long at, int count) {
    Objects.checkFromIndexSize(from, count, elements);
    int bytes = type.bytes();
    Objects.checkFromIndexSize(at, (long) count * bytes, into.byteSize());
    gather(
        from,
        count,
        (element, run, done) ->
            MemorySegment.copy(
                storage, element * bytes, into, at + (long) done * bytes, (long) run * bytes));
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
