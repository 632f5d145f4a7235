package dev.tenon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

class RowQuantizerTest {
  private static final int WIDTH = 512;
  private static final ValueLayout.OfFloat F = ValueLayout.JAVA_FLOAT;

  static Stream<TensorType> quantizable() {
    return Arrays.stream(TensorType.values()).filter(RowQuantizer::canQuantize);
  }

  private static MemorySegment random(Arena arena, long seed) {
    var random = new Random(seed);
    var values = arena.allocate(F, WIDTH);
    for (int i = 0; i < WIDTH; i++) values.setAtIndex(F, i, (float) random.nextGaussian());
    return values;
  }

  private static MemorySegment ones(Arena arena) {
    var ones = arena.allocate(F, WIDTH);
    for (int i = 0; i < WIDTH; i++) ones.setAtIndex(F, i, 1);
    return ones;
  }

  @ParameterizedTest
  @MethodSource("quantizable")
  void whatComesBackIsCloseToWhatWentIn(TensorType type) {
    try (var arena = Arena.ofConfined()) {
      var values = random(arena, 1);
      var made = arena.allocate(type.rowBytes(WIDTH), 64);
      var back = arena.allocate(F, WIDTH);
      RowQuantizer.quantize(type, values, made, 1, WIDTH, ones(arena));
      assertThat(RowQuantizer.firstNotFinite(type, made)).isEqualTo(-1);
      RowQuantizer.dequantize(type, made, back, WIDTH);
      double error = 0;
      double power = 0;
      for (int i = 0; i < WIDTH; i++) {
        double value = values.getAtIndex(F, i);
        error += Math.pow(back.getAtIndex(F, i) - value, 2);
        power += value * value;
      }
      double bits =
          switch (type) {
            case F16 -> 11; // a number's mantissa
            case BF16 -> 8;
            default -> 8.0 * type.blockBytes() / type.blockElements();
          };
      // A bit more halves the error. Three values are made for weights that have no others.
      boolean ternary = bits < 2.1 || type == TensorType.Q2_0;
      assertThat(error / power).isLessThan(ternary ? 0.65 : 8 * Math.pow(4, -bits));
    }
  }

  @ParameterizedTest
  @EnumSource(TensorType.class)
  void whatIsNotFiniteIsFound(TensorType type) {
    try (var arena = Arena.ofConfined()) {
      long bytes = 3L * type.blockBytes() * 16;
      var zeros = arena.allocate(bytes, 64);
      assertThat(RowQuantizer.firstNotFinite(type, zeros)).isEqualTo(-1);
      var all = zeros.asSlice(5L * type.blockBytes(), type.blockBytes()).fill((byte) 0xff);
      boolean any =
          switch (type) {
            case I8, I16, I32, I64, NVFP4 -> false;
            default -> true;
          };
      assertThat(RowQuantizer.firstNotFinite(type, zeros)).isEqualTo(any ? 5 : -1);
      all.fill((byte) 0);
      zeros.asSlice(47L * type.blockBytes()).fill((byte) 0xff);
      assertThat(RowQuantizer.firstNotFinite(type, zeros)).isEqualTo(any ? 47 : -1);
      assertThat(RowQuantizer.firstNotFinite(type, zeros.asSlice(0, 47L * type.blockBytes())))
          .isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"F32", "F16", "BF16", "F64"})
  void finiteExtremesPass(TensorType type) {
    try (var arena = Arena.ofConfined()) {
      var data = arena.allocate(11L * type.blockBytes(), 64);
      long most =
          switch (type) {
            case F32 -> 0xff7f_ffffL;
            case F16 -> 0xfbffL;
            case BF16 -> 0xff7fL;
            default -> 0xffef_ffff_ffff_ffffL;
          };
      for (int i = 0; i < 11; i++)
        for (int b = 0; b < type.blockBytes(); b++)
          data.set(ValueLayout.JAVA_BYTE, (long) i * type.blockBytes() + b, (byte) (most >> 8 * b));
      assertThat(RowQuantizer.firstNotFinite(type, data)).isEqualTo(-1);
    }
  }

  @ParameterizedTest
  @MethodSource("quantizable")
  void whatWouldCrashIsRefused(TensorType type) {
    try (var arena = Arena.ofConfined()) {
      var values = random(arena, 2);
      long bytes = type.rowBytes(WIDTH);
      var made = arena.allocate(bytes, 64);
      var ones = ones(arena);
      refused(() -> RowQuantizer.quantize(type, values, made, 2, WIDTH, ones));
      refused(() -> RowQuantizer.quantize(type, values, made, -1, WIDTH, ones));
      refused(() -> RowQuantizer.quantize(type, values, made, Long.MAX_VALUE, WIDTH, ones));
      refused(
          () -> RowQuantizer.quantize(type, values, made.asSlice(0, bytes - 1), 1, WIDTH, ones));
      refused(() -> RowQuantizer.quantize(type, values, made, 1, WIDTH, ones.asSlice(0, WIDTH)));
      refused(() -> RowQuantizer.dequantize(type, made, values.asSlice(0, 8), WIDTH));
      var heap = MemorySegment.ofArray(new float[WIDTH]);
      refused(() -> RowQuantizer.quantize(type, heap, made, 1, WIDTH, ones));
      if (type.isQuantized())
        refused(() -> RowQuantizer.quantize(type, values, made, 1, WIDTH - 1, ones));
      if (RowQuantizer.needsImportance(type))
        refused(() -> RowQuantizer.quantize(type, values, made, 1, WIDTH, null));
      ones.setAtIndex(F, 3, Float.NaN);
      refused(() -> RowQuantizer.quantize(type, values, made, 1, WIDTH, ones));
    }
  }

  /// What overflows in the search for a point of a grid would end the process.
  @ParameterizedTest
  @EnumSource(names = {"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS", "IQ3_S"})
  void extremesOfWeightsAndImportanceDoNotEndTheProcess(TensorType type) {
    var random = new Random(3);
    try (var arena = Arena.ofConfined()) {
      var values = arena.allocate(F, WIDTH);
      var importance = arena.allocate(F, WIDTH);
      var made = arena.allocate(type.rowBytes(WIDTH), 64);
      for (int i = 0; i < 40; i++) {
        double scale = Math.pow(10, random.nextInt(56) - 45);
        for (int j = 0; j < WIDTH; j++) {
          values.setAtIndex(
              F, j, random.nextInt(3) == 0 ? 0 : (float) (scale * random.nextGaussian()));
          importance.setAtIndex(
              F, j, i % 4 == 0 ? 0 : (float) Math.min(1e15, Math.pow(10, random.nextInt(60) - 44)));
        }
        try {
          RowQuantizer.quantize(type, values, made, 1, WIDTH, importance);
        } catch (IllegalArgumentException e) {
          assertThat(e.getMessage()).contains("more than " + type.ggmlName());
        }
      }
      values.setAtIndex(F, 0, 1e9f);
      refused(() -> RowQuantizer.quantize(type, values, made, 1, WIDTH, importance));
    }
  }

  private static void refused(ThrowingCallable call) {
    assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class);
  }
}
