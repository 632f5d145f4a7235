package dev.tenon.huggingface;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.foreign.ValueLayout.OfFloat;
import java.lang.foreign.ValueLayout.OfInt;
import java.lang.foreign.ValueLayout.OfLong;
import java.lang.foreign.ValueLayout.OfShort;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.stream.Collectors;

/// The type of a tensor's elements, by the names of `safetensors`. All are little-endian.
public enum ElementType {
  /// IEEE 754 binary64.
  F64(8),
  /// IEEE 754 binary32.
  F32(4),
  /// IEEE 754 binary16.
  F16(2),
  /// The upper half of a binary32.
  BF16(2),
  /// 4 bits of exponent, 3 of mantissa, no infinities (`float8_e4m3fn`).
  F8_E4M3(1),
  /// 5 bits of exponent, 2 of mantissa: the upper half of a binary16.
  F8_E5M2(1),
  /// A power of two, from -127 to 127, or NaN.
  F8_E8M0(1),
  /// Signed integer, 64 bits.
  I64(8),
  /// Signed integer, 32 bits.
  I32(4),
  /// Signed integer, 16 bits.
  I16(2),
  /// Signed integer, 8 bits.
  I8(1),
  /// Unsigned integer, 64 bits.
  U64(8),
  /// Unsigned integer, 32 bits.
  U32(4),
  /// Unsigned integer, 16 bits.
  U16(2),
  /// Unsigned integer, 8 bits.
  U8(1),
  /// A byte that is 0 or 1.
  BOOL(1);

  private static final OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final float[] E4M3 = new float[256];

  static {
    for (int b = 0; b < 256; b++) {
      int exponent = b >> 3 & 15;
      int mantissa = b & 7;
      float magnitude =
          (b & 127) == 127
              ? Float.NaN
              : exponent == 0
                  ? Math.scalb((float) mantissa, -9)
                  : Math.scalb(8f + mantissa, exponent - 10);
      E4M3[b] = b < 128 ? magnitude : -magnitude;
    }
  }

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /// {@return the size of an element in bytes: 1, 2, 4 or 8}
  public int bytes() {
    return bytes;
  }

  /// {@return whether elements are of a floating-point type}
  public boolean isReal() {
    return ordinal() <= F8_E8M0.ordinal();
  }

  /// {@return the type of a name, or null where there is none}
  ///
  /// @param name as in a `safetensors` header, for example `BF16`
  static ElementType of(String name) {
    return Arrays.stream(values()).filter(t -> t.name().equals(name)).findFirst().orElse(null);
  }

  /// {@return all names, for messages}
  static String known() {
    return Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "));
  }

  /// Reads elements that follow each other, as binary32: exactly where that has the number, else
  /// rounded (F64 and integers of more than 24 bits).
  ///
  /// @param from where the first begins, in bytes
  void read(MemorySegment data, long from, float[] into, int at, int count) {
    switch (this) {
      case F32 -> MemorySegment.copy(data, FLOAT, from, into, at, count);
      case F16 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = Float.float16ToFloat(data.get(SHORT, from + 2L * i));
        }
      }
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = Float.intBitsToFloat(data.get(SHORT, from + 2L * i) << 16);
        }
      }
      default -> {
        for (int i = 0; i < count; i++) {
          into[at + i] = read(data, from + (long) bytes * i);
        }
      }
    }
  }

  private float read(MemorySegment data, long at) {
    return switch (this) {
      case F64 -> (float) Double.longBitsToDouble(data.get(LONG, at));
      case F32 -> data.get(FLOAT, at);
      case F16 -> Float.float16ToFloat(data.get(SHORT, at));
      case BF16 -> Float.intBitsToFloat(data.get(SHORT, at) << 16);
      case F8_E4M3 -> E4M3[unsigned(data, at)];
      case F8_E5M2 -> Float.float16ToFloat((short) (unsigned(data, at) << 8));
      case F8_E8M0 ->
          unsigned(data, at) == 255 ? Float.NaN : Math.scalb(1f, unsigned(data, at) - 127);
      case I64 -> data.get(LONG, at);
      case I32 -> data.get(INT, at);
      case I16 -> data.get(SHORT, at);
      case I8 -> data.get(ValueLayout.JAVA_BYTE, at);
      case U64 -> unsigned(data.get(LONG, at));
      case U32 -> Integer.toUnsignedLong(data.get(INT, at));
      case U16 -> Short.toUnsignedInt(data.get(SHORT, at));
      case U8 -> unsigned(data, at);
      case BOOL -> unsigned(data, at) == 0 ? 0 : 1;
    };
  }

  private static int unsigned(MemorySegment data, long at) {
    return data.get(ValueLayout.JAVA_BYTE, at) & 0xff;
  }

  /// Halved with the lost bit kept, so that rounding is that of the number itself.
  private static float unsigned(long number) {
    return number >= 0 ? number : (float) (number >>> 1 | number & 1) * 2;
  }
}
