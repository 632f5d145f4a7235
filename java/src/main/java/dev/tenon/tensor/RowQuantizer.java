package dev.tenon.tensor;

import static java.lang.foreign.MemorySegment.NULL;

import dev.tenon.ggml.Ggml;
import dev.tenon.ggml.NativeLibrary;
import dev.tenon.ggml.ggml_to_float_t;
import dev.tenon.ggml.ggml_type_traits;
import dev.tenon.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Objects;

/// Rows of weights, from one [TensorType] to another, by ggml's own functions: the same bytes on
/// every machine and for every division of the rows among threads.
///
/// Thread-safe. Segments must be native or mapped, and accessible to the calling thread.
public final class RowQuantizer {
  /// The largest weight that goes into a type with a grid. Their scales are binary16 and could not
  /// hold what is larger, and ggml would end the process where a sum of squares overflows.
  private static final float MOST_IN_A_GRID = 1e8f;

  /// The largest importance, for the same reason.
  private static final float MOST_IMPORTANCE = 1e15f;

  private static final ValueLayout.OfLong LONG = little(ValueLayout.JAVA_LONG_UNALIGNED);
  private static final ValueLayout.OfShort SHORT = little(ValueLayout.JAVA_SHORT_UNALIGNED);
  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  private RowQuantizer() {}

  private static <T extends ValueLayout> T little(T layout) {
    @SuppressWarnings("unchecked")
    var little = (T) layout.withOrder(ByteOrder.LITTLE_ENDIAN);
    return little;
  }

  /// {@return whether [#quantize] makes rows of a type}
  ///
  /// @param type a type
  public static boolean canQuantize(TensorType type) {
    return switch (type) {
      case I8, I16, I32, I64, F64, Q8_1, Q8_K -> false;
      default -> true;
    };
  }

  /// {@return whether [#dequantize] reads rows of a type}
  ///
  /// @param type a type
  public static boolean canDequantize(TensorType type) {
    return canQuantize(type);
  }

  /// {@return whether [#quantize] cannot do without an importance of each column}
  ///
  /// @param type a type
  public static boolean needsImportance(TensorType type) {
    return switch (type) {
      case IQ2_XXS, IQ2_XS, IQ1_S -> true;
      default -> false;
    };
  }

  /// Brings rows to a type.
  ///
  /// @param type what they are to be
  /// @param values binary32, finite: see [#firstNotFinite]
  /// @param into at least the bytes of so many rows
  /// @param rows how many
  /// @param rowElements elements of one, a multiple of the type's block
  /// @param importance of each column, binary32: `rowElements` numbers from 0 to 1e15; null for
  ///     none
  /// @throws UnsupportedOperationException if there is no way to that type
  /// @throws IllegalArgumentException if a segment is too small, a row is no whole number of
  ///     blocks, or the type needs an importance and has none, or it or a weight is beyond what
  ///     the type can hold
  public static void quantize(
      TensorType type,
      MemorySegment values,
      MemorySegment into,
      long rows,
      long rowElements,
      MemorySegment importance) {
    if (!canQuantize(type))
      throw new UnsupportedOperationException("quantize: ggml makes no rows of " + name(type));
    need("quantize", "weights", values, product(rows, rowElements, Float.BYTES));
    need("quantize", name(type), into, product(rows, type.rowBytes(rowElements), 1));
    if (importance == null && needsImportance(type))
      throw new IllegalArgumentException(
          "quantize: " + name(type) + " needs an importance of each column");
    if (importance != null) {
      need("quantize", "importance", importance, product(1, rowElements, Float.BYTES));
      checkImportance(importance, rowElements);
    }
    if (rows == 0 || rowElements == 0) return;
    if (hasGrid(type)) checkGridded(type, values, rows * rowElements);
    NativeLibrary.load();
    Ggml.ggml_quantize_chunk(
        type.id(), values, into, 0, rows, rowElements, importance == null ? NULL : importance);
  }

  /// Brings elements of a type to binary32.
  ///
  /// @param type what they are
  /// @param from their bytes
  /// @param into at least 4 bytes for each
  /// @param elements how many, a multiple of the type's block
  /// @throws UnsupportedOperationException if ggml does not read that type
  /// @throws IllegalArgumentException if a segment is too small, or the elements are no whole
  ///     number of blocks
  public static void dequantize(
      TensorType type, MemorySegment from, MemorySegment into, long elements) {
    if (!canDequantize(type))
      throw new UnsupportedOperationException("dequantize: ggml reads no rows of " + name(type));
    long bytes = type.rowBytes(elements);
    need("dequantize", name(type), from, bytes);
    need("dequantize", "weights", into, product(1, elements, Float.BYTES));
    if (elements == 0) return;
    if (type == TensorType.F32) {
      MemorySegment.copy(from, 0, into, 0, bytes);
      return;
    }
    NativeLibrary.load();
    var traits =
        ggml_type_traits.reinterpret(Ggml.ggml_get_type_traits(type.id()), Arena.global(), null);
    ggml_to_float_t.invoke(ggml_type_traits.to_float(traits), from, into, elements);
  }

  /// {@return the first block whose number or scale is infinite or not a number, -1 where there is
  /// none}
  ///
  /// What ggml's `ggml_validate_row_data` refuses, without the line that it prints.
  ///
  /// @param type what the bytes are; integers have nothing to check
  /// @param data whole blocks
  /// @throws IllegalArgumentException if they are not
  public static long firstNotFinite(TensorType type, MemorySegment data) {
    if (data.byteSize() % type.blockBytes() != 0)
      throw new IllegalArgumentException(
          "check: " + data.byteSize() + " bytes, not a whole number of blocks of " + name(type));
    return switch (type) {
      case F32 -> firstAllOnes(data, 0x7f80_0000_7f80_0000L, Float.BYTES);
      case F16 -> firstAllOnes(data, 0x7c00_7c00_7c00_7c00L, Short.BYTES);
      case BF16 -> firstAllOnes(data, 0x7f80_7f80_7f80_7f80L, Short.BYTES);
      case F64 -> firstAllOnes(data, 0x7ff0_0000_0000_0000L, Double.BYTES);
      case I8, I16, I32, I64, NVFP4 -> -1;
      case MXFP4 -> firstScale(data, type, 0);
      case IQ1_M -> firstScale(data, type, 48);
      case Q4_1, Q5_1, Q8_1, Q4_K, Q5_K -> firstScale(data, type, 0, 2);
      case Q2_K -> firstScale(data, type, 80, 82);
      case Q3_K -> firstScale(data, type, 108);
      case Q6_K -> firstScale(data, type, 208);
      case TQ1_0 -> firstScale(data, type, 52);
      case TQ2_0 -> firstScale(data, type, 64);
      case Q8_K -> firstScale(data, type, 2); // the upper half of a binary32
      case Q1_0,
          Q2_0,
          Q4_0,
          Q5_0,
          Q8_0,
          IQ1_S,
          IQ2_XXS,
          IQ2_XS,
          IQ2_S,
          IQ3_XXS,
          IQ3_S,
          IQ4_NL,
          IQ4_XS ->
          firstScale(data, type, 0);
    };
  }

  /// Several numbers in one word: adding the lowest bit of the exponent carries into the sign,
  /// which is masked out, where all bits of the exponent are set, and nowhere else.
  private static long firstAllOnes(MemorySegment data, long exponents, int bytes) {
    long lowest = exponents & -exponents; // of the lowest number; the others follow
    for (int i = 8 * bytes; i < Long.SIZE; i *= 2) lowest |= lowest << i;
    long signs = exponents + lowest;
    long size = data.byteSize();
    long words = size & -Long.BYTES;
    int piece = 1 << 16;
    for (long from = 0; from < words; from += piece) {
      long found = 0;
      var part = data.asSlice(from, Math.min(piece, words - from));
      for (int i = 0, n = (int) part.byteSize(); i < n; i += Long.BYTES)
        found |= (part.get(LONG, i) & exponents) + lowest;
      if ((found & signs) != 0) return firstOf(data, from, exponents, bytes);
    }
    return firstOf(data, words, exponents, bytes);
  }

  /// The same for one number after the other, from a byte on.
  private static long firstOf(MemorySegment data, long from, long exponents, int bytes) {
    long mask = exponents & -1L >>> Long.SIZE - 8 * bytes;
    for (long i = from; i < data.byteSize(); i += bytes) {
      long number =
          switch (bytes) {
            case Short.BYTES -> data.get(SHORT, i);
            case Float.BYTES -> data.get(little(ValueLayout.JAVA_INT_UNALIGNED), i);
            default -> data.get(LONG, i);
          };
      if ((number & mask) == mask) return i / bytes;
    }
    return -1;
  }

  /// The first block one of whose scales, at these bytes of it, is not finite.
  private static long firstScale(MemorySegment data, TensorType type, int... at) {
    long block = 0;
    for (long from = 0; from < data.byteSize(); from += type.blockBytes(), block++) {
      for (int offset : at) {
        boolean wrong =
            switch (type) {
              case MXFP4 -> data.get(ValueLayout.JAVA_BYTE, from) == (byte) 0xff;
              case Q8_K -> (data.get(SHORT, from + offset) & 0x7f80) == 0x7f80;
              case IQ1_M -> (spreadScale(data, from + offset) & 0x7c00) == 0x7c00;
              default -> (data.get(SHORT, from + offset) & 0x7c00) == 0x7c00;
            };
        if (wrong) return block;
      }
    }
    return -1;
  }

  /// The upper half of a scale of IQ1_M, which has four bits in each of four numbers.
  private static int spreadScale(MemorySegment data, long numbers) {
    return data.get(SHORT, numbers + 6) & 0xf000 | data.get(SHORT, numbers + 4) >> 4 & 0x0f00;
  }

  private static boolean hasGrid(TensorType type) {
    return switch (type) {
      case IQ1_S, IQ1_M, IQ2_XXS, IQ2_XS, IQ2_S, IQ3_XXS, IQ3_S -> true;
      default -> false;
    };
  }

  private static void checkGridded(TensorType type, MemorySegment values, long elements) {
    float most = 0;
    for (long i = 0; i < elements; i++)
      most = Math.max(most, Math.abs(values.getAtIndex(FLOAT, i)));
    if (!(most <= MOST_IN_A_GRID))
      throw new IllegalArgumentException(
          "quantize: a weight of " + most + " is more than " + name(type) + " can hold");
  }

  private static void checkImportance(MemorySegment importance, long elements) {
    for (long i = 0; i < elements; i++) {
      float value = importance.getAtIndex(FLOAT, i);
      if (!(value >= 0 && value <= MOST_IMPORTANCE))
        throw new IllegalArgumentException(
            "quantize: column " + i + " has the importance " + value + ", from 0 to 1e15");
    }
  }

  private static long product(long a, long b, long bytes) {
    if (a < 0 || b < 0)
      throw new IllegalArgumentException("quantize: " + a + " rows of " + b + ", at least 0");
    try {
      return Math.multiplyExact(Math.multiplyExact(a, b), bytes);
    } catch (ArithmeticException _) {
      throw new IllegalArgumentException(
          "quantize: " + a + " times " + b + " elements are more than 2^63 bytes");
    }
  }

  private static void need(String operation, String what, MemorySegment segment, long bytes) {
    Objects.requireNonNull(segment, what);
    if (!segment.isNative() || segment.byteSize() < bytes)
      throw new IllegalArgumentException(
          operation
              + ": "
              + (segment.isNative() ? segment.byteSize() + " bytes" : "an array")
              + " for "
              + what
              + ", where "
              + bytes
              + " native bytes are needed");
  }

  private static String name(TensorType type) {
    return type.ggmlName();
  }
}
