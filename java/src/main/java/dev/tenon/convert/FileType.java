package dev.tenon.convert;

import dev.tenon.gguf.TensorType;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/// What a file can be quantized to: a type for most of its weights and a rule that gives some of
/// them a better one.
///
/// Names and numbers are those of llama-quantize and of `general.file_type`.
public enum FileType {
  /// 32-bit floats.
  F32(0, TensorType.F32),
  /// 16-bit floats.
  F16(1, TensorType.F16),
  /// 4 bits, a scale for 32.
  Q4_0(2, TensorType.Q4_0),
  /// 4 bits, a scale and a minimum for 32.
  Q4_1(3, TensorType.Q4_1),
  /// 8 bits, a scale for 32.
  Q8_0(7, TensorType.Q8_0),
  /// 5 bits, a scale for 32.
  Q5_0(8, TensorType.Q5_0),
  /// 5 bits, a scale and a minimum for 32.
  Q5_1(9, TensorType.Q5_1),
  /// 2 bits in super-blocks, some tensors at 3 and 4.
  Q2_K(10, TensorType.Q2_K),
  /// 3 bits in super-blocks.
  Q3_K_S(11, TensorType.Q3_K),
  /// 3 bits in super-blocks, some tensors at 4 and 5.
  Q3_K_M(12, TensorType.Q3_K),
  /// 3 bits in super-blocks, some tensors at 5.
  Q3_K_L(13, TensorType.Q3_K),
  /// 4 bits in super-blocks, few tensors at 5.
  Q4_K_S(14, TensorType.Q4_K),
  /// 4 bits in super-blocks, half of some tensors at 6.
  Q4_K_M(15, TensorType.Q4_K),
  /// 5 bits in super-blocks.
  Q5_K_S(16, TensorType.Q5_K),
  /// 5 bits in super-blocks, half of some tensors at 6.
  Q5_K_M(17, TensorType.Q5_K),
  /// 6 bits in super-blocks.
  Q6_K(18, TensorType.Q6_K),
  /// 2.06 bits from a grid.
  IQ2_XXS(19, TensorType.IQ2_XXS),
  /// 2.31 bits from a grid.
  IQ2_XS(20, TensorType.IQ2_XS),
  /// 2 bits in super-blocks, few tensors at 4.
  Q2_K_S(21, TensorType.Q2_K),
  /// 3.3 bits from a grid.
  IQ3_XS(22, TensorType.IQ3_S),
  /// 3.06 bits from a grid.
  IQ3_XXS(23, TensorType.IQ3_XXS),
  /// 1.56 bits from a grid.
  IQ1_S(24, TensorType.IQ1_S),
  /// 4.5 bits, values from a table.
  IQ4_NL(25, TensorType.IQ4_NL),
  /// 3.44 bits from a grid.
  IQ3_S(26, TensorType.IQ3_S),
  /// 3.66 bits from a grid, some tensors at 4.
  IQ3_M(27, TensorType.IQ3_S),
  /// 2.5 bits from a grid.
  IQ2_S(28, TensorType.IQ2_XS),
  /// 2.7 bits from a grid.
  IQ2_M(29, TensorType.IQ2_S),
  /// 4.25 bits, values from a table.
  IQ4_XS(30, TensorType.IQ4_XS),
  /// 1.75 bits from a grid.
  IQ1_M(31, TensorType.IQ1_M),
  /// The upper halves of 32-bit floats.
  BF16(32, TensorType.BF16),
  /// Ternary, 1.69 bits.
  TQ1_0(36, TensorType.TQ1_0),
  /// Ternary, 2.06 bits.
  TQ2_0(37, TensorType.TQ2_0),
  /// 4-bit floats for experts, 8 bits for the rest.
  MXFP4_MOE(38, TensorType.MXFP4),
  /// 1 bit, a scale for 128.
  Q1_0(40, TensorType.Q1_0),
  /// 2 bits, a scale for 64.
  Q2_0(41, TensorType.Q2_0),
  /// Every tensor as it is.
  COPY(-1, null);

  private final int id;
  private final TensorType tensorType;

  FileType(int id, TensorType tensorType) {
    this.id = id;
    this.tensorType = tensorType;
  }

  /// {@return the number that `general.file_type` has; -1 for [#COPY], which keeps that of the
  /// file}
  public int id() {
    return id;
  }

  /// {@return the type of most weights; null for [#COPY]}
  TensorType tensorType() {
    return tensorType;
  }

  /// {@return the type with that name or number, in any case; `Q3_K`, `Q4_K` and `Q5_K` are the
  /// medium ones}
  ///
  /// @param name for example `Q4_K_M`, `q8_0` or `15`
  /// @throws IllegalArgumentException if there is none; the message lists the known
  public static FileType of(String name) {
    var upper = name.toUpperCase(Locale.ROOT);
    for (var type : values()) {
      boolean medium = type == Q3_K_M || type == Q4_K_M || type == Q5_K_M;
      if (type.name().equals(upper)
          || type != COPY && Integer.toString(type.id).equals(upper)
          || medium && type.name().equals(upper + "_M")) return type;
    }
    throw new IllegalArgumentException("no type " + name + " to quantize to; known: " + known());
  }

  /// {@return the names of all, for messages}
  public static String known() {
    return Arrays.stream(values()).map(FileType::name).collect(Collectors.joining(", "));
  }
}
