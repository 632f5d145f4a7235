package dev.tenon.gguf;

import java.util.Locale;

/// The type of a metadata value. [#id] is the number that a file stores for it.
public enum GgufType {
  /// Unsigned, 8 bits.
  UINT8(1),
  /// Signed, 8 bits.
  INT8(1),
  /// Unsigned, 16 bits.
  UINT16(2),
  /// Signed, 16 bits.
  INT16(2),
  /// Unsigned, 32 bits.
  UINT32(4),
  /// Signed, 32 bits.
  INT32(4),
  /// IEEE 754 binary32.
  FLOAT32(4),
  /// One byte: 0 is false, anything else true.
  BOOL(1),
  /// A length of 64 bits and so many bytes of UTF-8.
  STRING(0),
  /// An element type, a count of 64 bits and so many elements.
  ARRAY(0),
  /// Unsigned, 64 bits.
  UINT64(8),
  /// Signed, 64 bits.
  INT64(8),
  /// IEEE 754 binary64.
  FLOAT64(8);

  private static final GgufType[] BY_ID = values();

  private final int bytes;

  GgufType(int bytes) {
    this.bytes = bytes;
  }

  /// {@return the number of this type in a file, 0 to 12}
  public int id() {
    return ordinal();
  }

  /// {@return whether this is one of the eight integer types}
  public boolean isInteger() {
    return switch (this) {
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> true;
      case FLOAT32, FLOAT64, BOOL, STRING, ARRAY -> false;
    };
  }

  /// {@return whether this is one of the two floating-point types}
  public boolean isReal() {
    return this == FLOAT32 || this == FLOAT64;
  }

  /// {@return bytes of one value in a file; 0 for strings and arrays, whose size varies}
  int bytes() {
    return bytes;
  }

  /// {@return bytes of the smallest value of this type in a file}
  int leastBytes() {
    return switch (this) {
      case STRING -> Long.BYTES;
      case ARRAY -> Integer.BYTES + Long.BYTES;
      default -> bytes;
    };
  }

  /// {@return the type with that number, or null where there is none}
  static GgufType byId(int id) {
    return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
  }

  /// {@return the name in lower case, as messages have it}
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
