package dev.tenon.gguf;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// How values stand in a file.
final class Encoding {
  private Encoding() {}

  /// {@return the UTF-8 of a text}
  ///
  /// @throws IllegalArgumentException if it has half a surrogate pair
  static byte[] utf8(String text) {
    try {
      var bytes = StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(text));
      return Arrays.copyOf(bytes.array(), bytes.limit());
    } catch (CharacterCodingException _) {
      throw new IllegalArgumentException(
          GgufFormatException.quote(text) + " has half a surrogate pair: it is no UTF-8");
    }
  }

  /// {@return the text of UTF-8, or null where the bytes are not UTF-8}
  static String text(byte[] utf8) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException _) {
      return null;
    }
  }

  /// {@return a value as a file has it: its type, then what it is}
  static byte[] encode(GgufValue value) {
    var out = allocate(Integer.BYTES + bytes(value), "a value");
    out.putInt(value.type().id());
    put(value, out);
    return out.array();
  }

  /// {@return the number of bytes of a value in a file, its type left out}
  static long bytes(GgufValue value) {
    return switch (value) {
      case GgufValue.Text(var text) -> Long.BYTES + (long) utf8(text).length;
      case GgufValue.Array array -> Integer.BYTES + Long.BYTES + (long) array.encoded().limit();
      default -> value.type().bytes();
    };
  }

  /// Appends a value as a file has it, its type left out.
  static void put(GgufValue value, ByteBuffer out) {
    switch (value) {
      case GgufValue.Int(var type, var number) -> {
        switch (type.bytes()) {
          case 1 -> out.put((byte) number);
          case 2 -> out.putShort((short) number);
          case 4 -> out.putInt((int) number);
          default -> out.putLong(number);
        }
      }
      case GgufValue.Real(var type, var number) -> {
        if (type == GgufType.FLOAT32) {
          out.putFloat((float) number);
        } else {
          out.putDouble(number);
        }
      }
      case GgufValue.Bool(var flag) -> out.put((byte) (flag ? 1 : 0));
      case GgufValue.Text(var text) -> {
        var bytes = utf8(text);
        out.putLong(bytes.length).put(bytes);
      }
      case GgufValue.Array array ->
          out.putInt(array.elementType().id()).putLong(array.size()).put(array.encoded());
    }
  }

  /// {@return an empty little-endian buffer of so many bytes}
  ///
  /// @throws IllegalArgumentException if no array is that long
  static ByteBuffer allocate(long bytes, String what) {
    if (bytes > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(what + " would take " + bytes + " bytes");
    }
    return ByteBuffer.allocate((int) bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /// {@return a two's complement number taken as unsigned}
  static double unsigned(long number) {
    return number >= 0 ? number : (number >>> 1 | number & 1) * 2.0;
  }
}
