package dev.tenon.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Sources of different lengths, and rows that look at them, against plain loops.
class CrossCacheTest {
  private static final int LAYERS = 2;
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;
  private static final int HEAD_DIM = 8;
  private static final int VALUE_DIM = 12;
  private static final KvCache.Layout LAYOUT =
      new KvCache.Layout(LAYERS, KV_HEADS, HEAD_DIM, VALUE_DIM);

  @TempDir Path folder;
  private Backend backend;
  private Gguf gguf;
  private Weights weights;
  private CrossCache cache;

  /// Keys and values of each source, layer by layer.
  private final List<float[][]> keys = new ArrayList<>();

  private final List<float[][]> values = new ArrayList<>();
  private final Random random = new Random(11);

  @BeforeEach
  void open() throws IOException {
    var file = folder.resolve("empty.gguf");
    new GgufWriter().put("general.architecture", "none").write(file);
    backend = Backend.cpu(2);
    gguf = Gguf.open(file);
    weights = Weights.of(gguf, backend, LAYERS, new Weights.Placement(0, false));
    cache = new CrossCache(weights, LAYOUT, 64);
  }

  @AfterEach
  void close() {
    cache.close();
    cache.close();
    weights.close();
    gguf.close();
    backend.close();
  }

  private float[] values(int n) {
    var values = new float[n];
    for (int i = 0; i < n; i++) values[i] = (float) random.nextGaussian();
    return values;
  }

  /// Encodes sources in one pass.
  private void encode(int... lengths) {
    var packing = new Packing(lengths);
    int first = cache.place(packing);
    assertThat(first).isEqualTo(keys.size());
    int t = packing.rows();
    try (var graph = new Graph(64);
        var compute = new Compute(backend, 64)) {
      var writer = cache.writer(graph, first, packing);
      var inputs = new ArrayList<Tensor>();
      var data = new ArrayList<float[]>();
      for (int layer = 0; layer < LAYERS; layer++) {
        var k = graph.input("k", TensorType.F32, Shape.of(HEAD_DIM * KV_HEADS, t));
        var v = graph.input("v", TensorType.F32, Shape.of(VALUE_DIM * KV_HEADS, t));
        writer.write(layer, k, v);
        inputs.addAll(List.of(k, v));
        data.addAll(List.of(values(HEAD_DIM * KV_HEADS * t), values(VALUE_DIM * KV_HEADS * t)));
      }
      compute.allocate(graph);
      for (int i = 0; i < inputs.size(); i++) inputs.get(i).set(data.get(i));
      compute.run();
      int from = 0;
      for (int length : lengths) {
        var ofKeys = new float[LAYERS][];
        var ofValues = new float[LAYERS][];
        for (int layer = 0; layer < LAYERS; layer++) {
          ofKeys[layer] = rows(data.get(2 * layer), HEAD_DIM * KV_HEADS, from, length);
          ofValues[layer] = rows(data.get(2 * layer + 1), VALUE_DIM * KV_HEADS, from, length);
        }
        keys.add(ofKeys);
        values.add(ofValues);
        from += length;
      }
    }
  }

  private static float[] rows(float[] all, int width, int from, int count) {
    return Arrays.copyOfRange(all, from * width, (from + count) * width);
  }

  /// Checks what rows of sequences get, of which each looks at a source.
  private void check(int[] sequences, int[] sources, boolean kept) {
    int t = sequences.length;
    var q = values(HEAD_DIM * HEADS * t);
    try (var graph = new Graph(1024);
        var compute = new Compute(backend, 1024)) {
      var queries = graph.input("q", TensorType.F32, Shape.of(HEAD_DIM, HEADS, t));
      var tap = kept ? new AttentionTap(graph) : null;
      var view = cache.view(graph, cache.sight(sequences), tap);
      var results = new ArrayList<Tensor>();
      for (int layer = 0; layer < LAYERS; layer++) results.add(view.attend(layer, queries, 0.4f));
      results.forEach(graph::output);
      compute.allocate(graph);
      queries.set(q);
      compute.run();
      int width = VALUE_DIM * HEADS;
      for (int layer = 0; layer < LAYERS; layer++) {
        var got = new float[width * t];
        assertThat(results.get(layer).shape()).isEqualTo(Shape.of(width, t));
        results.get(layer).get(0, got);
        for (int row = 0; row < t; row++) {
          var k = keys.get(sources[row])[layer];
          var v = values.get(sources[row])[layer];
          int length = k.length / HEAD_DIM / KV_HEADS;
          var expected =
              Loops.attend(rows(q, HEAD_DIM * HEADS, row, 1), k, v, HEADS, KV_HEADS, length, 0.4f);
          for (int i = 0; i < width; i++)
            assertThat((double) got[row * width + i])
                .as("layer %d, row %d", layer, row)
                .isCloseTo(expected[i], within(2e-5));
        }
      }
      if (kept) {
        var looked =
            tap.kept().stream()
                .mapToLong(l -> l.probabilities().shape().n1() * l.probabilities().shape().n3());
        assertThat(looked.sum()).isEqualTo((long) LAYERS * t);
      }
    }
  }

  @Test
  void eachRowSeesItsSource() {
    encode(3, 3, 5);
    encode(5, 2, 2, 2, 7);
    for (int s = 0; s < 8; s++) cache.look(s, s);
    for (boolean kept : new boolean[] {false, true}) {
      check(new int[] {4}, new int[] {4}, kept);
      var all = IntStream.range(0, 8).toArray();
      check(all, all, kept);
      check(new int[] {7, 6, 5, 4, 3, 2, 1, 0}, new int[] {7, 6, 5, 4, 3, 2, 1, 0}, kept);
      check(new int[] {0, 1, 0, 1, 2, 2, 2}, new int[] {0, 1, 0, 1, 2, 2, 2}, kept);
      check(new int[] {2, 3, 3, 2, 7, 7, 0}, new int[] {2, 3, 3, 2, 7, 7, 0}, kept);
    }
  }

  @Test
  void beamsOfASourceStandTogether() {
    encode(4, 4, 4, 6);
    for (int s = 0; s < 16; s++) cache.look(s, s / 4);
    var all = IntStream.range(0, 16).toArray();
    check(all, IntStream.range(0, 16).map(s -> s / 4).toArray(), false);
    assertThat(cache.sight(all).runs())
        .containsExactly(new CrossCache.Run(0, 4, 0, 4, 3), new CrossCache.Run(12, 4, 12, 6, 1));
    // Beams that are through leave a source fewer rows than the next has.
    var live = new int[] {0, 2, 4, 5, 6, 7, 8, 9, 10, 11, 13};
    check(live, Arrays.stream(live).map(s -> s / 4).toArray(), false);
  }

  @Test
  void sightsAreEqualWhereTheirGraphsAre() {
    encode(4, 4, 6);
    for (int s = 0; s < 6; s++) cache.look(s, s / 2);
    var sight = cache.sight(new int[] {0, 1, 2, 3});
    assertThat(cache.sight(new int[] {1, 1, 3, 2})).isEqualTo(sight).hasSameHashCodeAs(sight);
    assertThat(cache.sight(new int[] {0, 2, 1, 3})).isNotEqualTo(sight);
    assertThat(cache.sight(new int[] {2, 3, 0, 1})).isNotEqualTo(sight);
    cache.reorder(new int[] {1, 0, 3, 2, 5, 4});
    assertThat(cache.sight(new int[] {0, 1, 2, 3})).isEqualTo(sight);
  }

  @Test
  void reorderedSequencesLookAsThoseTheyComeFrom() {
    encode(2, 3, 5);
    for (int s = 0; s < 3; s++) cache.look(s, s);
    cache.reorder(new int[] {2, 2, 0, 1, 1});
    check(new int[] {0, 1, 2, 3, 4}, new int[] {2, 2, 0, 1, 1}, false);
    cache.reorder(new int[] {4, 0});
    check(new int[] {0, 1, 2}, new int[] {1, 2, 0}, false);
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> cache.reorder(new int[] {1, 64}))
        .withMessageContaining("64");
    assertThatIllegalArgumentException().isThrownBy(() -> cache.reorder(new int[65]));
    check(new int[] {0, 1, 2}, new int[] {1, 2, 0}, false); // as they were
  }

  @Test
  void whatWasEncodedBeforeIsForgotten() {
    encode(60);
    assertThatIllegalStateException()
        .isThrownBy(() -> cache.place(new Packing(new int[] {3, 2})))
        .withMessageContainingAll("5", "4");
    cache.clear();
    keys.clear();
    values.clear();
    assertThatIllegalStateException().isThrownBy(() -> cache.sight(new int[1]));
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> cache.look(0, 0));
    encode(64);
    check(new int[] {9, 9, 9}, new int[3], false);
  }

  @Test
  void whatIsNotThereIsRefused() {
    encode(2);
    assertThatExceptionOfType(IndexOutOfBoundsException.class).isThrownBy(() -> cache.look(0, 1));
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> cache.look(64, 0))
        .withMessageContaining("64");
    assertThatExceptionOfType(IndexOutOfBoundsException.class)
        .isThrownBy(() -> cache.sight(new int[] {-1}))
        .withMessageContaining("-1");
    assertThatIllegalArgumentException().isThrownBy(() -> new CrossCache(weights, LAYOUT, 0));
    assertThatIllegalStateException().isThrownBy(weights::close).withMessageContaining("cache");
    try (var graph = new Graph(64)) {
      var view = cache.view(graph, cache.sight(new int[3]), null);
      var two = graph.input("two", TensorType.F32, Shape.of(HEAD_DIM, HEADS, 2));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> view.attend(0, two, 1))
          .withMessageContaining("queries");
      var writer = cache.writer(graph, 0, new Packing(new int[] {2}));
      var k = graph.input("k", TensorType.F32, Shape.of(HEAD_DIM * KV_HEADS, 3));
      var v = graph.input("v", TensorType.F32, Shape.of(VALUE_DIM * KV_HEADS, 3));
      assertThatIllegalArgumentException().isThrownBy(() -> writer.write(0, k, v));
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> writer.write(LAYERS, k, v));
    }
    var other = new CrossCache(weights, LAYOUT, 8);
    other.close();
    assertThatIllegalStateException().isThrownBy(other::clear).withMessageContaining("closed");
  }
}
