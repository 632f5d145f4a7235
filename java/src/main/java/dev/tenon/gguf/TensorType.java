package dev.tenon.gguf;

import java.util.Arrays;
import java.util.stream.Collectors;

/// The type of a tensor's elements. Elements are stored in blocks of [#blockElements] that take
/// [#blockBytes]; a row is a whole number of blocks.
///
/// Numbers, names and sizes are those of `ggml_type` and its traits in ggml 0.25.1.
public enum TensorType {
  /// IEEE 754 binary32.
  F32(0, "f32", 1, 4),
  /// IEEE 754 binary16.
  F16(1, "f16", 1, 2),
  /// 4 bits, a scale for 32.
  Q4_0(2, "q4_0", 32, 18),
  /// 4 bits, a scale and a minimum for 32.
  Q4_1(3, "q4_1", 32, 20),
  /// 5 bits, a scale for 32.
  Q5_0(6, "q5_0", 32, 22),
  /// 5 bits, a scale and a minimum for 32.
  Q5_1(7, "q5_1", 32, 24),
  /// 8 bits, a scale for 32.
  Q8_0(8, "q8_0", 32, 34),
  /// 8 bits, a scale and a sum for 32: what activations are brought to during a computation.
  Q8_1(9, "q8_1", 32, 36),
  /// 2 bits, super-blocks of 256.
  Q2_K(10, "q2_K", 256, 84),
  /// 3 bits, super-blocks of 256.
  Q3_K(11, "q3_K", 256, 110),
  /// 4 bits, super-blocks of 256.
  Q4_K(12, "q4_K", 256, 144),
  /// 5 bits, super-blocks of 256.
  Q5_K(13, "q5_K", 256, 176),
  /// 6 bits, super-blocks of 256.
  Q6_K(14, "q6_K", 256, 210),
  /// 8 bits, super-blocks of 256: what activations are brought to during a computation.
  Q8_K(15, "q8_K", 256, 292),
  /// About 2.06 bits, from a grid.
  IQ2_XXS(16, "iq2_xxs", 256, 66),
  /// About 2.31 bits, from a grid.
  IQ2_XS(17, "iq2_xs", 256, 74),
  /// About 3.06 bits, from a grid.
  IQ3_XXS(18, "iq3_xxs", 256, 98),
  /// About 1.56 bits, from a grid.
  IQ1_S(19, "iq1_s", 256, 50),
  /// 4 bits, values from a table, a scale for 32.
  IQ4_NL(20, "iq4_nl", 32, 18),
  /// About 3.44 bits, from a grid.
  IQ3_S(21, "iq3_s", 256, 110),
  /// About 2.56 bits, from a grid.
  IQ2_S(22, "iq2_s", 256, 82),
  /// 4.25 bits, values from a table, super-blocks of 256.
  IQ4_XS(23, "iq4_xs", 256, 136),
  /// Signed integer, 8 bits.
  I8(24, "i8", 1, 1),
  /// Signed integer, 16 bits.
  I16(25, "i16", 1, 2),
  /// Signed integer, 32 bits.
  I32(26, "i32", 1, 4),
  /// Signed integer, 64 bits.
  I64(27, "i64", 1, 8),
  /// IEEE 754 binary64.
  F64(28, "f64", 1, 8),
  /// 1.75 bits, from a grid.
  IQ1_M(29, "iq1_m", 256, 56),
  /// The upper half of a binary32.
  BF16(30, "bf16", 1, 2),
  /// Ternary, five in a byte.
  TQ1_0(34, "tq1_0", 256, 54),
  /// Ternary, four in a byte.
  TQ2_0(35, "tq2_0", 256, 66),
  /// 4-bit floats (E2M1), a power of two for 32.
  MXFP4(39, "mxfp4", 32, 17),
  /// 4-bit floats (E2M1), an 8-bit float (E4M3) for each 16 of 64.
  NVFP4(40, "nvfp4", 64, 36),
  /// 1 bit, a scale for 128.
  Q1_0(41, "q1_0", 128, 18),
  /// 2 bits, a scale for 64.
  Q2_0(42, "q2_0", 64, 18);

  private static final TensorType[] BY_ID = new TensorType[64];

  static {
    for (var type : values()) {
      BY_ID[type.id] = type;
    }
  }

  private final int id;
  private final String ggmlName;
  private final int blockElements;
  private final int blockBytes;

  TensorType(int id, String ggmlName, int blockElements, int blockBytes) {
    this.id = id;
    this.ggmlName = ggmlName;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /// {@return the number of this type in a file, that of `ggml_type`}
  public int id() {
    return id;
  }

  /// {@return ggml's name of this type, for example `q4_K`}
  public String ggmlName() {
    return ggmlName;
  }

  /// {@return how many elements one block holds: 1 where elements stand alone}
  public int blockElements() {
    return blockElements;
  }

  /// {@return the size of one block in bytes}
  public int blockBytes() {
    return blockBytes;
  }

  /// {@return whether elements share a block with its scales}
  public boolean isQuantized() {
    return blockElements > 1;
  }

  /// {@return the size of a row in bytes}
  ///
  /// @param elements row length, a multiple of [#blockElements]
  /// @throws IllegalArgumentException if it is negative or no such multiple, or the size is above
  ///     2^63 - 1
  public long rowBytes(long elements) {
    if (elements < 0 || elements % blockElements != 0) {
      throw new IllegalArgumentException(
          ggmlName + ": a row of " + elements + " elements; blocks have " + blockElements);
    }
    return multiply(elements / blockElements, elements);
  }

  /// {@return the size in bytes of a tensor whose rows follow each other without gaps}
  ///
  /// @param shape rows must be a multiple of [#blockElements]
  /// @throws IllegalArgumentException if they are not, or the size is above 2^63 - 1
  public long bytes(Shape shape) {
    if (shape.n0() % blockElements != 0) {
      throw new IllegalArgumentException(
          ggmlName + ": rows of " + shape + " elements; blocks have " + blockElements);
    }
    return multiply(shape.elements() / blockElements, shape);
  }

  private long multiply(long blocks, Object what) {
    if (blocks > Long.MAX_VALUE / blockBytes) {
      throw new IllegalArgumentException(
          ggmlName + ": " + what + " takes more than 2^63 - 1 bytes");
    }
    return blocks * blockBytes;
  }

  /// {@return the type with that number}
  ///
  /// @param id a number of `ggml_type`
  /// @throws UnsupportedOperationException if no type has it, or no longer has; the message lists
  ///     the known
  public static TensorType of(int id) {
    var type = byId(id);
    if (type == null) {
      throw new UnsupportedOperationException("tensor type " + unknown(id) + "; known: " + known());
    }
    return type;
  }

  /// {@return the type with that number, or null where there is none}
  static TensorType byId(int id) {
    return id >= 0 && id < BY_ID.length ? BY_ID[id] : null;
  }

  /// {@return what is known of a number that [#byId] has no type for}
  static String unknown(int id) {
    var removed =
        switch (id) {
          case 4 -> "q4_2";
          case 5 -> "q4_3";
          case 31 -> "q4_0_4_4, now q4_0 repacked at load";
          case 32 -> "q4_0_4_8, now q4_0 repacked at load";
          case 33 -> "q4_0_8_8, now q4_0 repacked at load";
          case 36 -> "iq4_nl_4_4, now iq4_nl repacked at load";
          case 37 -> "iq4_nl_4_8, now iq4_nl repacked at load";
          case 38 -> "iq4_nl_8_8, now iq4_nl repacked at load";
          default -> null;
        };
    return removed == null ? Integer.toString(id) : id + " (removed from ggml: " + removed + ")";
  }

  /// {@return every type with its number, for messages}
  static String known() {
    return Arrays.stream(values())
        .map(type -> type.id + " " + type.ggmlName)
        .collect(Collectors.joining(", "));
  }
}
