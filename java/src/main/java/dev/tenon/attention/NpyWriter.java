package dev.tenon.attention;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// Writes arrays in NumPy's format, `.npy` of version 1.0, which `numpy.load` reads without pickle:
/// little-endian, in C order.
///
/// ```java
/// NpyWriter.writeRows(out, new float[][] {{1, 2, 3}, {4, 5, 6}}); // shape (2, 3)
/// ```
///
/// The streams are left open, and not flushed.
public final class NpyWriter {
  private static final byte[] MAGIC = {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};

  /// What the data's first byte is aligned to.
  private static final int ALIGNMENT = 64;

  private static final int BUFFER = 1 << 16; // bytes

  private NpyWriter() {}

  /// Writes float32 of any shape.
  ///
  /// @param out where to
  /// @param values the numbers, the last dimension fastest
  /// @param shape the sizes of the dimensions
  /// @throws IllegalArgumentException if the shape is not that of so many numbers
  /// @throws IOException if it cannot be written
  public static void writeFloats(OutputStream out, float[] values, int... shape)
      throws IOException {
    check(values.length, shape);
    writeHeader(out, "<f4", shape);
    writeFloats(out, values);
  }

  /// Writes a float32 matrix, shape (rows, width).
  ///
  /// @param out where to
  /// @param rows its rows; of none the shape is (0, 0)
  /// @throws IllegalArgumentException if the rows are not of one width
  /// @throws IOException if it cannot be written
  public static void writeRows(OutputStream out, float[][] rows) throws IOException {
    int width = rows.length == 0 ? 0 : rows[0].length;
    for (int i = 0; i < rows.length; i++) {
      if (rows[i].length != width) {
        throw new IllegalArgumentException(
            "npy: row %d has %d numbers, row 0 %d".formatted(i, rows[i].length, width));
      }
    }
    writeHeader(out, "<f4", rows.length, width);
    for (var row : rows) {
      writeFloats(out, row);
    }
  }

  /// Writes int64, shape (length,).
  ///
  /// @param out where to
  /// @param values the numbers
  /// @throws IOException if it cannot be written
  public static void writeLongs(OutputStream out, int[] values) throws IOException {
    writeHeader(out, "<i8", values.length);
    var buffer = buffer(Long.BYTES);
    for (int value : values) {
      room(buffer, Long.BYTES, out).putLong(value);
    }
    room(buffer, buffer.capacity(), out);
  }

  /// Writes texts, shape (length,), of as many code points as the longest has. NumPy does not tell
  /// U+0000 at the end of a text from its padding.
  ///
  /// @param out where to
  /// @param texts the texts
  /// @throws IOException if it cannot be written
  public static void writeStrings(OutputStream out, List<String> texts) throws IOException {
    int width = 1; // NumPy has no use for texts of none
    for (var text : texts) {
      width = Math.max(width, text.codePointCount(0, text.length()));
    }
    writeHeader(out, "<U" + width, texts.size());
    var buffer = buffer(Integer.BYTES);
    for (var text : texts) {
      var points = Arrays.copyOf(text.codePoints().toArray(), width);
      for (int point : points) {
        room(buffer, Integer.BYTES, out).putInt(point);
      }
    }
    room(buffer, buffer.capacity(), out);
  }

  private static void check(int values, int[] shape) {
    long product = 1;
    boolean known = true;
    for (int size : shape) {
      known &= size >= 0 && product <= Integer.MAX_VALUE; // then their product is a long
      product *= size;
    }
    if (!known || product != values) {
      throw new IllegalArgumentException(
          "npy: " + values + " numbers do not have shape " + Arrays.toString(shape));
    }
  }

  /// The magic number, the length of what follows, a Python dictionary and spaces up to the data.
  private static void writeHeader(OutputStream out, String type, int... shape) throws IOException {
    var sizes = Arrays.stream(shape).mapToObj(Integer::toString).collect(Collectors.joining(", "));
    var dictionary =
        "{'descr': '%s', 'fortran_order': False, 'shape': (%s), }"
            .formatted(type, shape.length == 1 ? sizes + "," : sizes);
    int before = MAGIC.length + Short.BYTES;
    int unpadded = before + dictionary.length() + 1;
    int padded = (unpadded + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    var header = dictionary + " ".repeat(padded - unpadded) + "\n";
    out.write(MAGIC);
    out.write(header.length());
    out.write(header.length() >>> 8);
    out.write(header.getBytes(StandardCharsets.US_ASCII));
  }

  private static void writeFloats(OutputStream out, float[] values) throws IOException {
    var buffer = buffer(Float.BYTES);
    int step = BUFFER / Float.BYTES;
    for (int from = 0; from < values.length; from += step) {
      int count = Math.min(step, values.length - from);
      buffer.asFloatBuffer().put(values, from, count);
      out.write(buffer.array(), 0, count * Float.BYTES);
    }
  }

  private static ByteBuffer buffer(int element) {
    return ByteBuffer.allocate(BUFFER / element * element).order(ByteOrder.LITTLE_ENDIAN);
  }

  /// {@return the buffer, written out if it has no room for so many bytes}
  private static ByteBuffer room(ByteBuffer buffer, int bytes, OutputStream out)
      throws IOException {
    if (buffer.remaining() < bytes) {
      out.write(buffer.array(), 0, buffer.position());
      buffer.clear();
    }
    return buffer;
  }
}
