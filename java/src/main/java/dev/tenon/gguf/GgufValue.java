package dev.tenon.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.AbstractList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/// A metadata value. Immutable and thread-safe; it does not depend on the file it came from.
///
/// Bytes of a string that are not UTF-8 read as U+FFFD. [GgufWriter#copy(Gguf)] keeps them, as does
/// an [Array] of strings that is written again.
public sealed interface GgufValue {
  /// {@return the type that a file stores this value as}
  GgufType type();

  /// A number of any integer type.
  ///
  /// @param type one of the eight integer types
  /// @param value the number; from 2^63 up, which only [GgufType#UINT64] has, its two's complement
  record Int(GgufType type, long value) implements GgufValue {
    /// Checks that the type holds the number.
    ///
    /// @throws IllegalArgumentException if `type` is not an integer type or cannot hold `value`
    public Int {
      boolean fits =
          switch (type) {
            case UINT8 -> value == (value & 0xff);
            case INT8 -> value == (byte) value;
            case UINT16 -> value == (value & 0xffff);
            case INT16 -> value == (short) value;
            case UINT32 -> value == (value & 0xffff_ffffL);
            case INT32 -> value == (int) value;
            case UINT64, INT64 -> true;
            case FLOAT32, FLOAT64, BOOL, STRING, ARRAY ->
                throw new IllegalArgumentException("integer value: " + type + " is not an integer");
          };
      if (!fits) {
        throw new IllegalArgumentException("integer value: " + type + " cannot hold " + value);
      }
    }

    /// {@return the number in decimal}
    @Override
    public String toString() {
      return type == GgufType.UINT64 ? Long.toUnsignedString(value) : Long.toString(value);
    }
  }

  /// A number of either floating-point type.
  ///
  /// @param type [GgufType#FLOAT32] or [GgufType#FLOAT64]
  /// @param value the number; one that binary32 does not have is rounded when it is written so
  record Real(GgufType type, double value) implements GgufValue {
    /// Checks the type.
    ///
    /// @throws IllegalArgumentException if `type` is not a floating-point type
    public Real {
      if (!type.isReal()) {
        throw new IllegalArgumentException("real value: " + type + " is not a floating-point type");
      }
    }

    /// {@return the number in decimal, with the digits its type needs}
    @Override
    public String toString() {
      return type == GgufType.FLOAT32 ? Float.toString((float) value) : Double.toString(value);
    }
  }

  /// A truth value.
  ///
  /// @param value the flag
  record Bool(boolean value) implements GgufValue {
    @Override
    public GgufType type() {
      return GgufType.BOOL;
    }

    /// {@return `true` or `false`}
    @Override
    public String toString() {
      return Boolean.toString(value);
    }
  }

  /// A string.
  ///
  /// @param value the text
  record Text(String value) implements GgufValue {
    /// Checks that it is not null.
    public Text {
      Objects.requireNonNull(value, "value");
    }

    @Override
    public GgufType type() {
      return GgufType.STRING;
    }

    /// {@return the text}
    @Override
    public String toString() {
      return value;
    }
  }

  /// Values of one type, held as the bytes that a file has for them: a vocabulary of 128 thousand
  /// tokens is one array of bytes and one of positions.
  ///
  /// Two are equal where their types and bytes are.
  final class Array implements GgufValue {
    private final GgufType elementType;
    private final int size;

    /// The elements as in a file, little-endian. Only read by position.
    private final ByteBuffer data;

    /// Where each string or array begins, and the end; null where all have one size.
    private final int[] starts;

    /// Takes bytes that were checked and do not change.
    ///
    /// @param starts where each string or array begins, and the end; null where that is to be found
    Array(GgufType elementType, int size, byte[] bytes, int[] starts) {
      this.elementType = elementType;
      this.size = size;
      this.data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
      this.starts =
          starts != null || elementType.bytes() > 0 ? starts : index(data, elementType, size, 0);
    }

    /// {@return an array of strings}
    ///
    /// @param texts the elements; not retained
    /// @throws IllegalArgumentException if one has half a surrogate pair, or all take more than
    ///     2^31 - 1 bytes
    public static Array strings(List<String> texts) {
      var encoded = texts.stream().map(Encoding::utf8).toList();
      long total = encoded.stream().mapToLong(bytes -> Long.BYTES + (long) bytes.length).sum();
      var out = Encoding.allocate(total, texts.size() + " strings");
      for (var bytes : encoded) {
        out.putLong(bytes.length).put(bytes);
      }
      return new Array(GgufType.STRING, encoded.size(), out.array(), null);
    }

    /// {@return an array of integers}
    ///
    /// @param elementType an integer type
    /// @param values the elements, those of [GgufType#UINT64] as two's complement; not retained
    /// @throws IllegalArgumentException if `elementType` is no integer type or cannot hold one
    public static Array integers(GgufType elementType, long... values) {
      return of(
          elementType,
          Arrays.stream(values).<GgufValue>mapToObj(v -> new Int(elementType, v)).toList());
    }

    /// {@return an array of [GgufType#INT32]}
    ///
    /// @param values the elements; not retained
    public static Array of(int... values) {
      var out =
          Encoding.allocate((long) values.length * Integer.BYTES, values.length + " integers");
      out.asIntBuffer().put(values);
      return new Array(GgufType.INT32, values.length, out.array(), null);
    }

    /// {@return an array of [GgufType#FLOAT32]}
    ///
    /// @param values the elements; not retained
    public static Array of(float... values) {
      var out = Encoding.allocate((long) values.length * Float.BYTES, values.length + " reals");
      out.asFloatBuffer().put(values);
      return new Array(GgufType.FLOAT32, values.length, out.array(), null);
    }

    /// {@return an array of any type}
    ///
    /// @param elementType the type of each element
    /// @param values the elements; not retained
    /// @throws IllegalArgumentException if an element has another type, a string has half a
    ///     surrogate pair, arrays are more than four levels deep, or all take more than 2^31 - 1
    ///     bytes
    public static Array of(GgufType elementType, List<? extends GgufValue> values) {
      long total = 0;
      for (var value : values) {
        if (value.type() != elementType) {
          throw new IllegalArgumentException(
              "array of " + elementType + ": an element of " + value.type());
        }
        if (value instanceof Array array && array.levels() >= HeaderReader.MOST_NESTED_ARRAYS) {
          throw new IllegalArgumentException(
              "array of arrays: at most "
                  + HeaderReader.MOST_NESTED_ARRAYS
                  + " levels of arrays are possible");
        }
        total += Encoding.bytes(value);
      }
      var out = Encoding.allocate(total, values.size() + " values");
      values.forEach(value -> Encoding.put(value, out));
      return new Array(elementType, values.size(), out.array(), null);
    }

    @Override
    public GgufType type() {
      return GgufType.ARRAY;
    }

    /// {@return the type of each element}
    public GgufType elementType() {
      return elementType;
    }

    /// {@return the number of elements}
    public int size() {
      return size;
    }

    /// {@return one element}
    ///
    /// @param i 0 to [#size] - 1
    /// @throws IndexOutOfBoundsException if `i` is not
    public GgufValue get(int i) {
      return switch (elementType) {
        case FLOAT32, FLOAT64 -> new Real(elementType, real(i));
        case BOOL -> new Bool(integer(i) != 0);
        case STRING -> new Text(text(i));
        case ARRAY -> array(i);
        case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 ->
            new Int(elementType, integer(i));
      };
    }

    /// {@return the elements as an unmodifiable view}
    public List<GgufValue> values() {
      return new Values(this);
    }

    private static final class Values extends AbstractList<GgufValue> implements RandomAccess {
      private final Array array;

      Values(Array array) {
        this.array = array;
      }

      @Override
      public GgufValue get(int i) {
        return array.get(i);
      }

      @Override
      public int size() {
        return array.size;
      }
    }

    /// {@return how many levels of arrays this is: 1 where no element is an array}
    private int levels() {
      int most = 0;
      for (int i = 0; elementType == GgufType.ARRAY && i < size; i++) {
        most = Math.max(most, array(i).levels());
      }
      return most + 1;
    }

    /// {@return the bytes of the elements as a file has them, read-only}
    ByteBuffer encoded() {
      return data.asReadOnlyBuffer();
    }

    /// {@return an element of an integer type; of booleans 0 or 1}
    long integer(int i) {
      int at = Objects.checkIndex(i, size) * elementType.bytes();
      return switch (elementType) {
        case UINT8 -> data.get(at) & 0xff;
        case INT8 -> data.get(at);
        case UINT16 -> data.getShort(at) & 0xffff;
        case INT16 -> data.getShort(at);
        case UINT32 -> data.getInt(at) & 0xffff_ffffL;
        case INT32 -> data.getInt(at);
        case UINT64, INT64 -> data.getLong(at);
        case BOOL -> data.get(at) != 0 ? 1 : 0;
        case FLOAT32, FLOAT64, STRING, ARRAY ->
            throw new IllegalStateException("an array of " + elementType + " has no integers");
      };
    }

    /// {@return an element of a number type}
    double real(int i) {
      int at = Objects.checkIndex(i, size) * elementType.bytes();
      return switch (elementType) {
        case FLOAT32 -> data.getFloat(at);
        case FLOAT64 -> data.getDouble(at);
        case UINT64 -> Encoding.unsigned(data.getLong(at));
        default -> integer(i);
      };
    }

    /// {@return an element of an array of strings}
    String text(int i) {
      int at = starts[Objects.checkIndex(i, size)] + Long.BYTES;
      return new String(data.array(), at, starts[i + 1] - at, StandardCharsets.UTF_8);
    }

    private Array array(int i) {
      int at = starts[Objects.checkIndex(i, size)];
      return new Array(
          GgufType.byId(data.getInt(at)),
          (int) data.getLong(at + Integer.BYTES),
          Arrays.copyOfRange(data.array(), at + Integer.BYTES + Long.BYTES, starts[i + 1]),
          null);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Array array
          && elementType == array.elementType
          && size == array.size
          && data.equals(array.data);
    }

    @Override
    public int hashCode() {
      return Objects.hash(elementType, size, data);
    }

    /// {@return the number and type of the elements, and the first few}
    @Override
    public String toString() {
      var text = new StringBuilder().append(size).append(' ').append(elementType).append(" [");
      for (int i = 0; i < Math.min(size, 8); i++) {
        text.append(i == 0 ? "" : ", ").append(get(i));
      }
      return text.append(size > 8 ? ", …]" : "]").toString();
    }

    /// Finds where each of `size` strings or arrays begins. The bytes were checked.
    private static int[] index(ByteBuffer data, GgufType type, int size, int from) {
      var starts = new int[size + 1];
      starts[0] = from;
      for (int i = 0; i < size; i++) {
        starts[i + 1] =
            type == GgufType.STRING
                ? starts[i] + Long.BYTES + (int) data.getLong(starts[i])
                : endOfArray(data, starts[i]);
      }
      return starts;
    }

    private static int endOfArray(ByteBuffer data, int at) {
      var type = GgufType.byId(data.getInt(at));
      int size = (int) data.getLong(at + Integer.BYTES);
      int from = at + Integer.BYTES + Long.BYTES;
      return type.bytes() > 0 ? from + size * type.bytes() : index(data, type, size, from)[size];
    }
  }
}
