package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Views of stored tensors, and weights made of them, against plain arrays.
class WeightTest {
  @TempDir private Path folder;

  /// A tensor as a plain array, row-major.
  private record Plain(long[] shape, float[] values) {
    Plain permuted(int... order) {
      int rank = shape.length;
      var to = Arrays.stream(order).mapToLong(d -> shape[d]).toArray();
      var strides = StoredTensor.rowMajor(shape);
      var result = new float[values.length];
      for (int i = 0; i < result.length; i++) {
        long rest = i;
        long from = 0;
        for (int d = rank - 1; d >= 0; d--) {
          from += rest % to[d] * strides[order[d]];
          rest /= to[d];
        }
        result[i] = values[(int) from];
      }
      return new Plain(to, result);
    }

    Plain rows(int from, int to) {
      int row = shape[0] == 0 ? 0 : (int) (values.length / shape[0]);
      var fewer = shape.clone();
      fewer[0] = to - from;
      return new Plain(fewer, Arrays.copyOfRange(values, from * row, to * row));
    }

    Plain rotaryPairs(int heads) {
      long half = shape[0] / heads / 2;
      return new Plain(new long[] {heads, 2, half, values.length / shape[0]}, values)
          .permuted(0, 2, 1, 3)
          .reshaped(shape);
    }

    Plain reshaped(long... to) {
      return new Plain(to, values);
    }
  }

  /// Writes `w`, which holds 0, 1, 2 and so on.
  private Checkpoint counting(long... shape) throws IOException {
    int n = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
    var header =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[0,%d]}}"
            .formatted(Arrays.toString(shape), 4 * n)
            .getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + header.length + 4 * n).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    for (int i = 0; i < n; i++) bytes.putFloat(i);
    return Checkpoint.open(Files.write(folder.resolve("w.safetensors"), bytes.array()));
  }

  private static float[] values(Weight weight) {
    var values = new float[(int) weight.elements()];
    weight.read(0, values, 0, values.length);
    return values;
  }

  private static float[] stored(Weight weight) {
    var bytes = MemorySegment.ofArray(new byte[(int) weight.elements() * Float.BYTES]);
    weight.copy(0, bytes, (int) weight.elements());
    return bytes.toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
  }

  @Test
  void viewsOfViewsAreThoseOfArrays() throws IOException {
    var random = new Random(1);
    int done = 0;
    for (int round = 0; round < 400; round++) {
      var shape = new long[1 + random.nextInt(3)];
      for (int d = 0; d < shape.length; d++)
        shape[d] = List.of(1, 2, 4, 6, 12).get(random.nextInt(5));
      int n = (int) Arrays.stream(shape).reduce(1, (a, b) -> a * b);
      var plain = new Plain(shape, new float[n]);
      for (int i = 0; i < n; i++) plain.values[i] = i;
      try (var checkpoint = counting(shape)) {
        var weight = Weight.of(checkpoint.tensor("w"));
        for (int step = 0; step < 4; step++) {
          int rank = plain.shape.length;
          try {
            switch (random.nextInt(4)) {
              case 0 -> {
                int[] order = random.ints(0, rank).distinct().limit(rank).toArray();
                weight = weight.permuted(order);
                plain = plain.permuted(order);
              }
              case 1 -> {
                int to = random.nextInt((int) plain.shape[0]) + 1;
                int from = random.nextInt(to);
                weight = weight.rows(from, to);
                plain = plain.rows(from, to);
              }
              case 2 -> {
                long half = plain.values.length % 2 == 0 ? 2 : 1;
                weight = weight.reshaped(half, plain.values.length / half);
                plain = plain.reshaped(half, plain.values.length / half);
              }
              default -> {
                int heads = 1 + random.nextInt(3);
                if (plain.shape[0] % (2 * heads) != 0) continue;
                weight = weight.rotaryPairs(heads);
                plain = plain.rotaryPairs(heads);
              }
            }
          } catch (IllegalStateException e) {
            // Not every view can be cut or permuted further; what it says must be that.
            assertThat(e).hasMessageMatching(".*(lie).*");
            break;
          }
          assertThat(weight.shape()).isEqualTo(plain.shape);
          assertThat(values(weight)).isEqualTo(plain.values);
          assertThat(stored(weight)).isEqualTo(plain.values);
          done++;
        }
        int from = random.nextInt(plain.values.length);
        var part = new float[plain.values.length - from];
        weight.read(from, part, 0, part.length);
        assertThat(part).isEqualTo(Arrays.copyOfRange(plain.values, from, plain.values.length));
      }
    }
    assertThat(done).isGreaterThan(1000);
  }

  @Test
  void mappedAnewTheyOutliveTheirCheckpoint() throws IOException {
    try (var arena = Arena.ofConfined()) {
      Weight mapped;
      try (var checkpoint = counting(4, 3)) {
        mapped = Weight.of(checkpoint.tensor("w")).transposed().mapped(arena);
      }
      assertThat(values(mapped)).containsExactly(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11);
    }
  }

  @Test
  void stackedOnesAreReadAcrossTheirParts() throws IOException {
    try (var checkpoint = counting(2, 3)) {
      var w = Weight.of(checkpoint.tensor("w"));
      var stacked = Weight.stacked(List.of(w, w.rows(0, 2), w));
      assertThat(stacked.shape()).containsExactly(3, 2, 3);
      assertThat(values(stacked))
          .containsExactly(0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5);
      var middle = new float[5];
      stacked.read(4, middle, 1, 4);
      assertThat(middle).containsExactly(0, 4, 5, 0, 1);
      assertThat(stored(stacked)).isEqualTo(values(stacked));
      assertThat(stacked.stored(6, 6)).isNotNull();
      assertThat(stacked.stored(0, 7)).as("across two parts").isNull();
      assertThat(w.transposed().stored(0, 2)).as("not in that order").isNull();
    }
  }

  @Test
  void whatIsChangedIsNoLongerStored() throws IOException {
    try (var checkpoint = counting(2, 2)) {
      var one = Weight.of(checkpoint.tensor("w")).plus(1);
      assertThat(values(one)).containsExactly(1, 2, 3, 4);
      assertThat(one.isStored()).isFalse();
      assertThat(values(one.transposed())).containsExactly(1, 3, 2, 4);
      assertThatThrownBy(() -> one.stored(0, 1)).isInstanceOf(IllegalStateException.class);
      var numbers = Weight.of(3f, 4f);
      assertThat(numbers.isStored()).isFalse();
      assertThat(values(numbers)).containsExactly(3, 4);
      assertThatThrownBy(() -> numbers.rows(0, 1)).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void shapesThatDoNotGoTogetherAreRefused() throws IOException {
    try (var checkpoint = counting(4, 3)) {
      var w = Weight.of(checkpoint.tensor("w"));
      assertThatThrownBy(() -> w.rotaryPairs(3))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("3 heads");
      assertThatThrownBy(() -> w.permuted(0, 0)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> w.reshaped(5, 3)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> w.rows(0, 5)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> Weight.stacked(List.of(w, w.transposed())))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Weight.stacked(List.of(w, w.plus(1))))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> Weight.stacked(List.of()))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void scalesMultiplyTheirBlocks() throws IOException {
    var header =
        """
        {"w":{"dtype":"F8_E4M3","shape":[3,3],"data_offsets":[0,9]},
         "s":{"dtype":"F32","shape":[2,2],"data_offsets":[9,25]}}\
        """
            .getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + header.length + 25).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(header.length).put(header);
    for (int i = 0; i < 9; i++) bytes.put((byte) 0x38); // 1
    for (float scale : new float[] {1, 2, 3, 4}) bytes.putFloat(scale);
    var file = Files.write(folder.resolve("s.safetensors"), bytes.array());
    try (var checkpoint = Checkpoint.open(file)) {
      var scaled = checkpoint.tensor("w").scaled(checkpoint.tensor("s"), 2, 2);
      assertThat(values(Weight.of(scaled))).containsExactly(1, 1, 2, 1, 1, 2, 3, 3, 4);
      assertThat(values(Weight.of(scaled).transposed())).containsExactly(1, 1, 3, 1, 1, 3, 2, 2, 4);
      assertThat(values(Weight.of(scaled).rows(1, 3))).containsExactly(1, 1, 2, 3, 3, 4);
      assertThat(Weight.of(scaled).isStored()).isFalse();
      assertThatThrownBy(() -> checkpoint.tensor("w").scaled(checkpoint.tensor("s"), 1, 1))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
