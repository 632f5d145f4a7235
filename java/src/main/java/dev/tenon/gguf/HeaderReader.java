package dev.tenon.gguf;

import static dev.tenon.gguf.GgufFormatException.quote;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Reads the fields of a header one after the other. Nothing is read, and nothing allocated, that
/// the rest of the file could not hold.
final class HeaderReader {
  /// No header known is a tenth of this; values are held in memory, so there must be an end.
  static final int MOST_BYTES = 1 << 28;

  /// Arrays of arrays have no use that is known, so this is a bound and no more.
  static final int MOST_NESTED_ARRAYS = 4;

  private final Path file;
  private final long fileBytes;

  /// The header's bytes, at most [#MOST_BYTES] of the file, little-endian.
  private final ByteBuffer bytes;

  private int position;

  HeaderReader(Path file, long fileBytes, ByteBuffer bytes) {
    this.file = file;
    this.fileBytes = fileBytes;
    this.bytes = bytes;
  }

  /// {@return the offset of the field to be read next}
  int position() {
    return position;
  }

  /// Reads a number of 32 bits.
  ///
  /// @param what the field, for messages
  /// @param name the key or tensor that it is a field of, null in the file's own
  int uint32(String what, String name) throws GgufFormatException {
    return bytes.getInt(take(Integer.BYTES, what, name));
  }

  /// Reads a number of 64 bits.
  long uint64(String what, String name) throws GgufFormatException {
    return bytes.getLong(take(Long.BYTES, what, name));
  }

  /// Reads how many things follow that take at least `leastBytes` each.
  int count(int most, int leastBytes, String what, String name) throws GgufFormatException {
    int at = position;
    long count = uint64("the number of " + what, name);
    if (count < 0 || count > most) {
      throw wrong(at, "at most " + most + " " + of(what, name), Long.toUnsignedString(count));
    }
    if (count > (fileBytes - position) / leastBytes) {
      throw wrong(
          at,
          of(what, name) + " to fit into the " + (fileBytes - position) + " bytes that follow",
          Long.toString(count));
    }
    return (int) count;
  }

  /// Reads a name: UTF-8, strictly.
  String name(int leastBytes, int mostBytes, String what) throws GgufFormatException {
    int at = position;
    var utf8 = string(mostBytes, what, null);
    if (utf8.length < leastBytes) {
      throw wrong(at, what + " of at least " + leastBytes + " byte", "length " + utf8.length);
    }
    var name = Encoding.text(utf8);
    if (name == null) {
      throw wrong(
          at + Long.BYTES, what + " in UTF-8", quote(new String(utf8, StandardCharsets.UTF_8)));
    }
    return name;
  }

  /// Reads the type of a metadata value and the value.
  GgufValue value(String key) throws GgufFormatException {
    var type = type(key);
    return switch (type) {
      case ARRAY -> array(key);
      case STRING ->
          new GgufValue.Text(
              new String(string(MOST_BYTES, "the string", key), StandardCharsets.UTF_8));
      default -> {
        // One number is an array of one.
        int at = take(type.bytes(), "the value", key);
        yield new GgufValue.Array(type, 1, copy(at, position), null).get(0);
      }
    };
  }

  private GgufValue.Array array(String key) throws GgufFormatException {
    var type = type(key);
    int count = elementCount(type, key);
    int from = position;
    var starts = type.bytes() > 0 ? null : new int[count + 1];
    skip(type, count, starts, 1, key);
    return new GgufValue.Array(type, count, copy(from, position), starts);
  }

  /// Checks the elements of an array and moves past them.
  ///
  /// @param starts where each element begins is put here, from 0, and the end; or null
  private void skip(GgufType type, int count, int[] starts, int depth, String key)
      throws GgufFormatException {
    int from = position;
    if (type.bytes() > 0) {
      take((long) count * type.bytes(), "the elements", key);
      return;
    }
    if (type == GgufType.ARRAY && depth == MOST_NESTED_ARRAYS) {
      throw wrong(
          position, of("at most " + MOST_NESTED_ARRAYS + " levels of arrays", key), "one more");
    }
    for (int i = 0; i < count; i++) {
      if (starts != null) {
        starts[i] = position - from;
      }
      if (type == GgufType.STRING) {
        skipString(key);
      } else {
        var elementType = type(key);
        skip(elementType, elementCount(elementType, key), null, depth + 1, key);
      }
    }
    if (starts != null) {
      starts[count] = position - from;
    }
  }

  /// Moves past a string of an array. There are 408 thousand in a vocabulary of Llama 3, so this
  /// looks at what is usual first.
  private void skipString(String key) throws GgufFormatException {
    int at = position;
    int left = bytes.limit() - at - Long.BYTES;
    long length;
    if (left >= 0 && (length = bytes.getLong(at)) >= 0 && length <= left) {
      position = at + Long.BYTES + (int) length;
    } else {
      takeString(MOST_BYTES, "a string", key);
    }
  }

  private int elementCount(GgufType type, String key) throws GgufFormatException {
    return count(MOST_BYTES, type.leastBytes(), "elements", key);
  }

  private GgufType type(String key) throws GgufFormatException {
    int at = position;
    int id = uint32("the type", key);
    var type = GgufType.byId(id);
    if (type == null) {
      throw wrong(at, of("the type", key) + " to be 0 to 12", Integer.toUnsignedString(id));
    }
    return type;
  }

  private byte[] string(int mostBytes, String what, String name) throws GgufFormatException {
    int from = takeString(mostBytes, what, name);
    return copy(from, position);
  }

  /// Reads the length of a string and moves past its bytes.
  ///
  /// @return where they begin
  private int takeString(int mostBytes, String what, String name) throws GgufFormatException {
    int at = position;
    long length = uint64(what, name);
    if (length < 0 || length > fileBytes - position) {
      throw wrong(
          at,
          of(what, name) + " to fit into the " + (fileBytes - position) + " bytes that follow",
          "length " + Long.toUnsignedString(length));
    }
    if (length > mostBytes) {
      throw wrong(at, of(what, name) + " of at most " + mostBytes + " bytes", "length " + length);
    }
    return take(length, what, name);
  }

  /// Moves past bytes that must be there.
  ///
  /// @return where they begin
  private int take(long length, String what, String name) throws GgufFormatException {
    int at = position;
    if (length > bytes.limit() - at) {
      throw bytes.limit() == fileBytes
          ? wrong(
              at,
              of(what, name) + ", " + length + " bytes",
              "the end of the file after " + (fileBytes - at))
          : wrong(at, "metadata and tensor table of at most " + MOST_BYTES + " bytes", "more");
    }
    position += (int) length;
    return at;
  }

  private byte[] copy(int from, int to) {
    var copy = new byte[to - from];
    bytes.get(from, copy);
    return copy;
  }

  /// {@return a field and what it is a field of, for messages}
  private static String of(String what, String name) {
    return name == null ? what : what + " of " + quote(name);
  }

  GgufFormatException wrong(long at, String expected, String found) {
    return new GgufFormatException(file, at, expected, found);
  }
}
