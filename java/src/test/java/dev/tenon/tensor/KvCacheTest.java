package dev.tenon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorType;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Which cells hold what. What attention makes of them is tested with the architectures.
class KvCacheTest {
  private static final KvCache.Settings F16 =
      new KvCache.Settings(TensorType.F16, TensorType.F16, true);
  private static final KvCache.Layout LAYOUT = new KvCache.Layout(2, 2, 8, 8);
  private static final int ALL = Integer.MAX_VALUE; // a window

  @TempDir Path folder;
  private Backend backend;
  private Gguf gguf;
  private Weights weights;
  private KvCache cache;

  @BeforeEach
  void open() throws IOException {
    var file = folder.resolve("empty.gguf");
    new GgufWriter().put("general.architecture", "none").write(file);
    backend = Backend.cpu(1);
    gguf = Gguf.open(file);
    weights = Weights.of(gguf, backend, 2, new Weights.Placement(0, false));
    cache = new KvCache(weights, LAYOUT, 256, F16);
  }

  @AfterEach
  void close() {
    cache.close();
    cache.close();
    weights.close();
    gguf.close();
    backend.close();
  }

  private int[] place(int sequence, int from, int to) {
    var positions = IntStream.range(from, to).toArray();
    return cache.place(positions, IntStream.range(from, to).map(_ -> sequence).toArray());
  }

  @Test
  void rewindFreesCellsThatAreThenUsedAgain() {
    place(0, 0, 200);
    assertThat(cache.length(0)).isEqualTo(200);
    cache.rewind(0, 50);
    assertThat(cache.length(0)).isEqualTo(50);
    assertThat(cache.used()).isEqualTo(50);
    place(0, 50, 256);
    assertThat(cache.used()).isEqualTo(256);
    assertThatIllegalStateException()
        .isThrownBy(() -> place(0, 256, 257))
        .withMessageContainingAll("1", "256");
    assertThat(cache.length(0)).isEqualTo(256);
  }

  @Test
  void aForkSharesCellsUntilBothLetGo() {
    place(3, 0, 100);
    cache.fork(3, 5);
    assertThat(cache.used()).isEqualTo(100);
    assertThat(cache.length(5)).isEqualTo(100);
    var apart = place(5, 100, 110);
    assertThat(cache.used()).isEqualTo(110);
    assertThat(cache.sees(5, 109, ALL, apart[0])).isTrue();
    assertThat(cache.sees(3, 109, ALL, apart[0])).isFalse();
    cache.rewind(3, 0);
    assertThat(cache.used()).isEqualTo(110);
    cache.rewind(5, 60);
    assertThat(cache.used()).isEqualTo(60);
    cache.fork(5, 3);
    cache.rewind(5, 0);
    assertThat(cache.used()).isEqualTo(60);
    assertThat(cache.length(3)).isEqualTo(60);
  }

  @Test
  void reorderMakesEachSequenceAsOneWas() {
    var first = place(0, 0, 10);
    var second = place(1, 0, 4);
    place(2, 0, 7);
    cache.reorder(new int[] {1, 0, 0, 1});
    assertThat(cache.used()).isEqualTo(14); // what was sequence 2 is forgotten
    for (int s : new int[] {0, 3}) assertThat(cache.cellsOf(s)).isEqualTo(second);
    for (int s : new int[] {1, 2}) assertThat(cache.cellsOf(s)).isEqualTo(first);
    var apart = cache.place(new int[] {10, 10}, new int[] {1, 2});
    assertThat(cache.sees(2, 10, ALL, apart[0])).isFalse();
    assertThat(cache.used()).isEqualTo(16);
    cache.reorder(new int[] {2});
    assertThat(cache.length(0)).isEqualTo(11);
    assertThat(cache.cellsOf(0)).startsWith(first).endsWith(apart[1]);
    assertThat(cache.used()).isEqualTo(11);
    for (int s = 1; s < 64; s++) assertThat(cache.length(s)).isZero();
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> cache.reorder(new int[] {0, 64}));
    assertThatIllegalArgumentException().isThrownBy(() -> cache.reorder(new int[65]));
    assertThat(cache.length(0)).isEqualTo(11);
    cache.reorder(new int[0]);
    assertThat(cache.used()).isZero();
    assertThat(place(63, 0, 256)).hasSize(256);
    var all = new int[64];
    Arrays.fill(all, 63);
    cache.reorder(all);
    for (int s = 0; s < 64; s++) assertThat(cache.length(s)).isEqualTo(256);
    assertThat(cache.used()).isEqualTo(256);
  }

  @Test
  void dropMovesWhatIsBehindDown() {
    var cells = place(2, 0, 100);
    var moved = cache.drop(2, 10, 40);
    assertThat(moved).containsExactly(Arrays.copyOfRange(cells, 40, 100));
    assertThat(cache.length(2)).isEqualTo(70);
    assertThat(cache.used()).isEqualTo(70);
    assertThat(cache.sees(2, 10, ALL, cells[40])).isTrue();
    assertThat(cache.sees(2, 9, ALL, cells[40])).isFalse();
    assertThat(cache.sees(2, 99, ALL, cells[10])).isFalse();
    assertThat(cache.cellsOf(2)).hasSize(70).startsWith(Arrays.copyOf(cells, 10));
    place(2, 70, 71);
    for (int[] range : new int[][] {{-1, 0}, {5, 4}, {0, 72}})
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> cache.drop(2, range[0], range[1]));
    cache.fork(2, 3);
    assertThatIllegalStateException().isThrownBy(() -> cache.drop(2, 0, 1));
    assertThat(cache.length(2)).isEqualTo(71);
  }

  @Test
  void whateverIsDoneTheCountsAreRight() {
    var random = new Random(6);
    for (int step = 0; step < 3000; step++) {
      int sequence = random.nextInt(4);
      int length = cache.length(sequence);
      switch (random.nextInt(7)) {
        case 3 -> cache.reorder(random.ints(random.nextInt(1, 5), 0, 4).toArray());
        case 0 -> cache.rewind(sequence, random.nextInt(length + 1));
        case 1 -> cache.fork(sequence, random.nextInt(4));
        case 2 -> {
          int from = random.nextInt(length + 1);
          try {
            cache.drop(sequence, from, from + random.nextInt(length - from + 1));
          } catch (IllegalStateException e) {
            assertThat(e).hasMessageContaining("shares");
            assertThat(cache.length(sequence)).isEqualTo(length);
          }
        }
        default -> {
          int more = random.nextInt(Math.min(20, 257 - cache.used()));
          place(sequence, length, length + more);
        }
      }
      var held = new TreeSet<Integer>();
      for (int s = 0; s < 4; s++) {
        var of = cache.cellsOf(s);
        assertThat(of).hasSize(cache.length(s)).doesNotHaveDuplicates();
        for (int position = 0; position < of.length; position++) {
          assertThat(cache.sees(s, position, ALL, of[position])).isTrue();
          if (position > 0) assertThat(cache.sees(s, position - 1, ALL, of[position])).isFalse();
          held.add(of[position]);
        }
      }
      assertThat(cache.used()).isEqualTo(held.size());
    }
  }

  @Test
  void keysAndValuesComeBackAsTheyWereWritten() throws IOException {
    for (boolean flash : new boolean[] {true, false}) {
      var settings = new KvCache.Settings(TensorType.F16, TensorType.F32, flash);
      try (var from = new KvCache(weights, LAYOUT, 256, settings);
          var to = new KvCache(weights, LAYOUT, 512, settings)) {
        int n = 40;
        var bytes = new byte[(int) LAYOUT.bytes(n, TensorType.F16, TensorType.F32)];
        new Random(3).nextBytes(bytes);
        var scattered = IntStream.range(0, n).map(i -> (i * 77 + 5) % 256).toArray();
        from.read(1, scattered, new ByteArrayInputStream(bytes));
        assertThat(from.cellsOf(1)).isEqualTo(scattered);
        assertThat(from.used()).isEqualTo(n);
        var first = new ByteArrayOutputStream();
        from.write(1, first);
        assertThat(first.toByteArray()).isEqualTo(bytes);
        to.place(new int[] {0, 1}, new int[2]);
        var there = IntStream.range(300, 300 + n).toArray();
        to.read(7, there, new ByteArrayInputStream(bytes));
        var second = new ByteArrayOutputStream();
        to.write(7, second);
        assertThat(second.toByteArray()).isEqualTo(bytes);
        assertThatIllegalArgumentException()
            .isThrownBy(() -> to.read(7, new int[] {1}, new ByteArrayInputStream(bytes)));
        assertThatExceptionOfType(IndexOutOfBoundsException.class)
            .isThrownBy(() -> to.read(7, new int[] {512}, new ByteArrayInputStream(bytes)));
        assertThatExceptionOfType(EOFException.class)
            .isThrownBy(() -> to.read(7, there, new ByteArrayInputStream(bytes, 0, 99)));
        assertThat(to.length(7)).isZero();
        assertThat(to.used()).isEqualTo(2);
      }
    }
  }

  @Test
  void aTokenSeesItsOwnSequenceUpToItself() {
    var cells = cache.place(new int[] {0, 0, 1, 1}, new int[] {1, 2, 1, 2});
    assertThat(cache.sees(1, 1, ALL, cells[0])).isTrue();
    assertThat(cache.sees(1, 1, ALL, cells[2])).isTrue();
    assertThat(cache.sees(1, 0, ALL, cells[2])).isFalse();
    assertThat(cache.sees(1, 1, 1, cells[2])).isTrue(); // itself
    assertThat(cache.sees(1, 1, 1, cells[0])).isFalse();
    assertThat(cache.sees(1, 1, 2, cells[0])).isTrue();
    assertThat(cache.sees(1, 1, ALL, cells[1])).isFalse();
    assertThat(cache.visible()).isEqualTo(256);
  }

  @Test
  void whatAPassSeesGrowsInSteps() {
    try (var large = new KvCache(weights, LAYOUT, 1000, F16)) {
      assertThat(large.cells()).isEqualTo(1024);
      assertThat(large.visible()).isEqualTo(256);
      large.place(IntStream.range(0, 257).toArray(), new int[257]);
      assertThat(large.visible()).isEqualTo(512);
      large.rewind(0, 3);
      assertThat(large.visible()).isEqualTo(256);
    }
  }

  @Test
  void positionsMustFollowOnAndNothingIsTakenOtherwise() {
    place(0, 0, 3);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> place(0, 4, 5))
        .withMessageContainingAll("4", "3");
    assertThatIllegalArgumentException().isThrownBy(() -> place(0, 2, 4));
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> place(64, 0, 1));
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> cache.length(-1));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> cache.rewind(0, -1));
    assertThat(cache.used()).isEqualTo(3);
  }

  @Test
  void weightsOutliveTheirCachesAndAClosedCacheSaysSo() {
    assertThatIllegalStateException().isThrownBy(weights::close).withMessageContaining("cache");
    var other = new KvCache(weights, LAYOUT, 256, F16);
    other.close();
    assertThatIllegalStateException().isThrownBy(() -> other.rewind(0, 0));
    assertThatIllegalStateException().isThrownBy(() -> other.place(new int[1], new int[1]));
    assertThatIllegalStateException().isThrownBy(other::visible);
  }

  @Test
  void typesAndSizesAreChecked() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new KvCache.Settings(TensorType.Q4_0, TensorType.F16, true))
        .withMessageContainingAll("q4_0", "q8_0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new KvCache.Settings(TensorType.F16, TensorType.Q8_0, false))
        .withMessageContaining("flash");
    var quantized = new KvCache.Settings(TensorType.Q8_0, TensorType.Q8_0, true);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new KvCache(weights, LAYOUT, 256, quantized))
        .withMessageContainingAll("8", "32");
    assertThatIllegalArgumentException().isThrownBy(() -> new KvCache(weights, LAYOUT, 0, F16));
    assertThatExceptionOfType(BackendException.class)
        .isThrownBy(() -> new KvCache(weights, new KvCache.Layout(64, 64, 128, 128), 1 << 28, F16))
        .withMessageContainingAll("needs", "free");
  }
}
