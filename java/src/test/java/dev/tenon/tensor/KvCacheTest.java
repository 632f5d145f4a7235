package dev.tenon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.nio.file.Path;
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
    assertThat(cache.sees(5, 109, apart[0])).isTrue();
    assertThat(cache.sees(3, 109, apart[0])).isFalse();
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
  void aTokenSeesItsOwnSequenceUpToItself() {
    var cells = cache.place(new int[] {0, 0, 1, 1}, new int[] {1, 2, 1, 2});
    assertThat(cache.sees(1, 1, cells[0])).isTrue();
    assertThat(cache.sees(1, 1, cells[2])).isTrue();
    assertThat(cache.sees(1, 0, cells[2])).isFalse();
    assertThat(cache.sees(1, 1, cells[1])).isFalse();
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
