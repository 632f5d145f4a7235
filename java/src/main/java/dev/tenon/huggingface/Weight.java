package dev.tenon.huggingface;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/// A tensor of a GGUF file to be, as it is made from tensors of a folder: some of their rows, in
/// another order, several stacked, with a number added.
///
/// Nothing is read when it is made. Shapes are PyTorch's, slowest-varying first, so that a
/// projection is `[out, in]`.
///
/// ```java
/// var qkv = folder.weight("attn.qkv_proj.weight"); // [3 * width, width]
/// var queries = qkv.rows(0, width).rotaryPairs(heads); // [width, width]
/// ```
///
/// Immutable and thread-safe; valid while the folder is open.
public final class Weight {
  private final long[] shape;

  /// One after the other; none where there are values.
  private final List<StoredTensor> parts;

  /// The elements themselves, or null.
  private final float[] values;

  private final float added;

  private Weight(long[] shape, List<StoredTensor> parts, float[] values, float added) {
    this.shape = shape;
    this.parts = parts;
    this.values = values;
    this.added = added;
  }

  /// {@return a tensor as the folder has it}
  ///
  /// @param tensor of an open checkpoint
  public static Weight of(StoredTensor tensor) {
    return new Weight(tensor.shape(), List.of(tensor), null, 0);
  }

  /// {@return a vector of numbers that no file has, such as factors of rotary frequencies}
  ///
  /// @param values copied
  public static Weight of(float... values) {
    return new Weight(new long[] {values.length}, List.of(), values.clone(), 0);
  }

  /// {@return a vector of numbers that no file has, rounded to binary32}
  ///
  /// @param values for example [Config#reals]
  public static Weight of(double[] values) {
    var numbers = new float[values.length];
    for (int i = 0; i < numbers.length; i++) numbers[i] = (float) values[i];
    return of(numbers);
  }

  /// {@return several of one shape as one of a dimension more, the first of all: experts}
  ///
  /// @param weights at least one, as the folder has them
  /// @throws IllegalArgumentException if their shapes differ, or there is none
  public static Weight stacked(List<Weight> weights) {
    if (weights.isEmpty()) throw new IllegalArgumentException("stack: there is nothing to stack");
    var first = weights.getFirst();
    for (var weight : weights) {
      if (!Arrays.equals(weight.shape, first.shape)
          || weight.values != null
          || weight.added != first.added) {
        throw new IllegalArgumentException(
            "stack " + first + " and " + weight + ": they do not go together");
      }
    }
    var shape = new long[first.shape.length + 1];
    shape[0] = weights.size();
    System.arraycopy(first.shape, 0, shape, 1, first.shape.length);
    var parts = weights.stream().flatMap(weight -> weight.parts.stream()).toList();
    return new Weight(shape, parts, null, first.added);
  }

  /// {@return the dimensions, slowest-varying first}
  public long[] shape() {
    return shape.clone();
  }

  /// {@return the number of elements}
  public long elements() {
    return Arrays.stream(shape).reduce(1, (a, b) -> a * b);
  }

  /// {@return the type that all elements are stored in, or F32 where they are of several or are
  /// changed}
  public ElementType type() {
    return isStored() ? parts.getFirst().type() : ElementType.F32;
  }

  /// {@return the tensors of the folder it is made from, for messages}
  public List<String> names() {
    return parts.stream().map(StoredTensor::name).toList();
  }

  /// {@return some of its rows, the first dimension}
  ///
  /// @param from first row, at least 0
  /// @param to after the last row
  /// @throws IndexOutOfBoundsException if there are no such rows
  /// @throws IllegalStateException if it is no longer one tensor of the folder
  public Weight rows(long from, long to) {
    return change("rows", tensor -> tensor.rows(from, to));
  }

  /// {@return the matrix with rows and columns exchanged, as GPT-2's `Conv1D` needs it}
  ///
  /// @throws IllegalArgumentException if it is no matrix
  /// @throws IllegalStateException if it is no longer one tensor of the folder
  public Weight transposed() {
    return change("transpose", tensor -> tensor.permuted(1, 0));
  }

  /// {@return the dimensions in another order}
  ///
  /// @param order which dimension comes first, second and so on
  /// @throws IllegalArgumentException if it does not name each dimension once
  /// @throws IllegalStateException if it is no longer one tensor of the folder
  public Weight permuted(int... order) {
    return change("permute", tensor -> tensor.permuted(order));
  }

  /// {@return the same elements in the same order, as another shape}
  ///
  /// @param to dimensions, slowest-varying first
  /// @throws IllegalArgumentException if that is another number of elements
  public Weight reshaped(long... to) {
    if (parts.size() == 1) return change("reshape", tensor -> tensor.reshaped(to));
    if (Arrays.stream(to).reduce(1, (a, b) -> a * b) != elements()) {
      throw new IllegalArgumentException(
          "reshape " + this + " to " + Arrays.toString(to) + ": another number of elements");
    }
    return new Weight(to.clone(), parts, values, added);
  }

  /// {@return the rows of each head in another order: the pairs that are turned together, which
  /// transformers keeps half a head apart, beside each other}
  ///
  /// @param heads how many; divides the rows, with an even number for each
  /// @throws IllegalArgumentException if it does not
  /// @throws IllegalStateException if it is no longer one tensor of the folder
  public Weight rotaryPairs(long heads) {
    if (heads < 1 || shape.length == 0 || shape[0] % (2 * heads) != 0) {
      throw new IllegalArgumentException(
          "rotary pairs of " + this + ": " + heads + " heads do not divide its rows into pairs");
    }
    long rest = shape[0] == 0 ? 0 : elements() / shape[0];
    return change(
        "rotary pairs",
        tensor ->
            tensor
                .reshaped(heads, 2, shape[0] / heads / 2, rest)
                .permuted(0, 2, 1, 3)
                .reshaped(shape));
  }

  /// {@return the elements with a number added to each, in binary32}
  ///
  /// @param number for example 1, where a norm's weights are stored as what they differ from 1
  public Weight plus(float number) {
    return new Weight(shape, parts, values, added + number);
  }

  private Weight change(String what, Function<StoredTensor, StoredTensor> change) {
    if (parts.size() != 1) {
      throw new IllegalStateException(what + " of " + this + ": it is not one tensor");
    }
    var changed = change.apply(parts.getFirst());
    return new Weight(changed.shape(), List.of(changed), null, added);
  }

  /// {@return the same over mappings of its own, whose pages are given back when an arena
  /// closes and not only with the folder}
  ///
  /// @param arena decides how long it is valid; may outlive the folder
  /// @throws IOException if the system cannot map the files
  public Weight mapped(Arena arena) throws IOException {
    var own = new ArrayList<StoredTensor>();
    for (var part : parts) own.add(part.mapped(arena));
    return new Weight(shape, List.copyOf(own), values, added);
  }

  /// Reads elements as binary32, in row-major order.
  ///
  /// @param from the first element
  /// @param into where they go
  /// @param at the index there of the first
  /// @param count how many
  /// @throws IndexOutOfBoundsException if there are not as many, here or there
  /// @throws IllegalStateException if the folder is closed
  public void read(long from, float[] into, int at, int count) {
    Objects.checkFromIndexSize(from, count, elements());
    if (values != null) {
      System.arraycopy(values, (int) from, into, at, count);
    } else {
      forParts(from, count, (part, start, run, done) -> part.read(start, into, at + done, run));
    }
    if (added != 0) for (int i = at; i < at + count; i++) into[i] += added;
  }

  /// {@return whether all elements are as the folder stores them, in one type, so that [#copy]
  /// gives them without a change}
  public boolean isStored() {
    return !parts.isEmpty()
        && added == 0
        && parts.stream()
            .allMatch(part -> part.type() == parts.getFirst().type() && !part.isScaled());
  }

  /// {@return elements as they are stored, without a copy; null where they do not follow each other
  /// in the file}
  ///
  /// @param from the first element
  /// @param count how many
  /// @throws IndexOutOfBoundsException if there are not as many
  /// @throws IllegalStateException if they are not [#isStored], or the folder is closed
  public MemorySegment stored(long from, long count) {
    checkStored(from, count);
    for (var part : parts) {
      if (from < part.elements()) {
        int bytes = part.type().bytes();
        return part.isContiguous() && from + count <= part.elements()
            ? part.bytes().asSlice(from * bytes, count * bytes)
            : null;
      }
      from -= part.elements();
    }
    return null;
  }

  /// Copies elements as they are stored, little-endian, in row-major order.
  ///
  /// @param from the first element
  /// @param into where they go, from its first byte on
  /// @param count how many
  /// @throws IndexOutOfBoundsException if there are not as many, here or there
  /// @throws IllegalStateException if they are not [#isStored], or the folder is closed
  public void copy(long from, MemorySegment into, int count) {
    checkStored(from, count);
    forParts(
        from,
        count,
        (part, start, run, done) -> part.copy(start, into, (long) done * part.type().bytes(), run));
  }

  private void checkStored(long from, long count) {
    if (!isStored()) throw new IllegalStateException("copy " + this + ": it is not stored so");
    Objects.checkFromIndexSize(from, count, elements());
  }

  /// Takes some elements of one part.
  private interface Run {
    /// @param start the first, of that part
    /// @param count how many
    /// @param done how many were taken before
    void take(StoredTensor part, long start, int count, int done);
  }

  private void forParts(long from, int count, Run run) {
    int done = 0;
    for (var part : parts) {
      if (done == count) return;
      if (from < part.elements()) {
        int here = (int) Math.min(count - done, part.elements() - from);
        run.take(part, from, here, done);
        done += here;
        from += here;
      }
      from -= part.elements();
    }
  }

  /// {@return what it is made from, with its shape}
  @Override
  public String toString() {
    var names = names();
    return (names.isEmpty() ? "values" : names.getFirst())
        + (names.size() > 1 ? " and " + (names.size() - 1) + " more" : "")
        + " "
        + Arrays.toString(shape);
  }
}
