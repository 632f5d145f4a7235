package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.ChunkedText;
import dev.tenon.GenerateOptions;
import dev.tenon.Model;
import dev.tenon.convert.ImportanceCollector;
import dev.tenon.convert.ImportanceMatrix;
import dev.tenon.convert.Perplexity;
import dev.tenon.sampling.Sampler;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.Matmul;
import dev.tenon.tensor.MatmulObserver;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CancellationException;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What importance matrices are made of, on tiny models.
class ImportanceTest {
  private static final int LENGTH = 40;

  @TempDir Path folder;
  private Backend backend;
  private Model model;

  private void open(TinyLlama shape) throws IOException {
    backend = Backend.cpu(1);
    model = Model.load(shape.write(folder.resolve("tiny.gguf")), backend);
  }

  @AfterEach
  void close() {
    model.close();
    backend.close();
  }

  private ChunkedText text(int chunks) {
    var random = new Random(9);
    var tokens = random.ints(LENGTH * chunks + 3, 3, TinyFile.TOKENS).toArray();
    return ChunkedText.of(tokens, LENGTH, 0, -1);
  }

  /// The sums in plain Java, in double precision, expert by expert.
  private static final class Plain implements MatmulObserver {
    final Map<String, double[]> sums = new TreeMap<>();
    final Map<String, long[]> counts = new TreeMap<>();

    @Override
    public boolean wants(String matrix) {
      return matrix.endsWith(".weight");
    }

    @Override
    public void multiplied(Matmul matmul) {
      int width = (int) matmul.inputShape().n0();
      int tokens =
          (int) (matmul.experts() == null ? matmul.inputShape().n1() : matmul.inputShape().n2());
      int used = matmul.experts() == null ? 1 : matmul.experts().length / tokens;
      int experts = (int) matmul.matrixShape().n2();
      var sum = sums.computeIfAbsent(matmul.matrix(), _ -> new double[width * experts]);
      var count = counts.computeIfAbsent(matmul.matrix(), _ -> new long[experts]);
      var row = new float[width];
      for (int token = 0; token < tokens; token++) {
        for (int i = 0; i < used; i++) {
          int expert = 0;
          if (matmul.experts() == null) matmul.row(token, 0, 0, row);
          else {
            expert = matmul.experts()[token * used + i];
            matmul.row(matmul.inputShape().n1() == 1 ? 0 : i, token, 0, row);
          }
          count[expert]++;
          for (int j = 0; j < width; j++) sum[expert * width + j] += (double) row[j] * row[j];
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void sumsAreThoseOfPlainJava(boolean mixture) throws IOException {
    open(mixture ? TinyLlama.MIXTURE : TinyLlama.DENSE);
    var plain = new Plain();
    var collector = new ImportanceCollector(LENGTH, true);
    try (var session = model.newSession(LENGTH)) {
      session.observe(plain);
      text(3).evaluate(session, true, (_, _) -> {});
      session.observe(collector);
      text(3).evaluate(session, true, (_, _) -> {});
    }
    var matrix = collector.matrix(List.of("a text"));
    assertThat(matrix.chunks()).isEqualTo(3);
    assertThat(matrix.chunkSize()).isEqualTo(LENGTH);
    assertThat(matrix.datasets()).containsExactly("a text");
    // An output that is the embedding has its name, and is not in any layer.
    plain.sums.remove("token_embd.weight");
    assertThat(matrix.weights()).isEqualTo(plain.sums.keySet());
    for (var name : matrix.weights()) {
      var importance = matrix.of(name);
      var sums = plain.sums.get(name);
      var counts = plain.counts.get(name);
      assertThat(importance).hasSameSizeAs(sums);
      int width = sums.length / counts.length;
      for (int i = 0; i < sums.length; i++) {
        long count = counts[i / width];
        double expected = count > 0 ? sums[i] / count : 1;
        assertThat((double) importance[i]).as(name).isCloseTo(expected, within(1e-5 * expected));
      }
    }
    assertThat(matrix.weights()).contains("blk.1.attn_output.weight");
    assertThat(plain.counts.get("blk.1.attn_q.weight")).containsExactly(3L * LENGTH);
    var experts = plain.counts.get("blk.0.ffn_down_exps.weight");
    if (mixture) assertThat(Arrays.stream(experts).sum()).isEqualTo(2L * 3 * LENGTH);
    // Back from a file it is the same.
    matrix.write(folder.resolve("imatrix.gguf"));
    var read = ImportanceMatrix.read(folder.resolve("imatrix.gguf"));
    assertThat(read.weights()).isEqualTo(matrix.weights());
    for (var name : matrix.weights()) assertThat(read.of(name)).isEqualTo(matrix.of(name));
  }

  @Test
  void theOutputCountsWhenItIsAskedFor() throws IOException {
    open(TinyLlama.DENSE);
    for (boolean output : new boolean[] {false, true}) {
      var collector = new ImportanceCollector(LENGTH, output);
      try (var session = model.newSession(LENGTH)) {
        session.observe(collector);
        text(2).evaluate(session, true, (_, _) -> {});
      }
      assertThat(collector.matrix(List.of()).weights().contains("output.weight")).isEqualTo(output);
    }
  }

  @Test
  void whatWasMeasuredInPartsIsTheSameAsInOne() throws IOException {
    open(TinyLlama.MIXTURE);
    var whole = new ImportanceCollector(LENGTH, false);
    var second = new ImportanceCollector(LENGTH, false);
    try (var session = model.newSession(LENGTH)) {
      session.observe(whole);
      text(4).evaluate(session, true, (_, _) -> {});
      var first = new ImportanceCollector(LENGTH, false);
      session.observe(first);
      var chunks = text(4).chunks();
      ChunkedText.of(new int[][] {chunks[0], chunks[1]}).evaluate(session, true, (_, _) -> {});
      second.add(first.matrix(List.of("first")));
      session.observe(second);
      ChunkedText.of(new int[][] {chunks[2], chunks[3]}).evaluate(session, true, (_, _) -> {});
    }
    var expected = whole.matrix(List.of());
    var added = second.matrix(List.of("second"));
    assertThat(added.datasets()).containsExactly("first", "second");
    assertThat(added.chunks()).isEqualTo(4);
    for (var name : expected.weights())
      assertThat(added.of(name)).containsExactly(expected.of(name), within(1e-4f));
  }

  @Test
  void aMatrixOfAnotherModelIsRefused() throws IOException {
    open(TinyLlama.DENSE);
    var collector = new ImportanceCollector(LENGTH, false);
    try (var session = model.newSession(LENGTH)) {
      session.observe(collector);
      text(2).evaluate(session, true, (_, _) -> {});
    }
    var matrix = collector.matrix(List.of());
    close();
    open(TinyLlama.BIASED); // wider
    var other = new ImportanceCollector(LENGTH, false);
    other.add(matrix);
    try (var session = model.newSession(LENGTH)) {
      session.observe(other);
      assertThatThrownBy(() -> text(2).evaluate(session, true, (_, _) -> {}))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("in what was measured before");
      session.observe(null);
      text(2).evaluate(session, true, (_, _) -> {}); // and the session can go on
      session.rewind(0);
      session.observe(new ImportanceCollector(LENGTH, false));
      var collected = new ImportanceCollector(LENGTH, false);
      session.observe(collected);
      text(2).evaluate(session, true, (_, _) -> {});
      assertThatThrownBy(() -> collected.add(matrix))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("sums and 1 counts for blk.0.");
    }
  }

  @Test
  void chunksAreEvaluatedFromAnEmptyContext() throws IOException {
    open(TinyLlama.DENSE);
    var perplexities = new double[2];
    for (int whole = 0; whole < 2; whole++) {
      var perplexity = new Perplexity();
      try (var session = model.newSession(LENGTH)) {
        text(3).evaluate(session, whole == 1, perplexity::add);
      }
      assertThat(perplexity.count()).isEqualTo(3L * (LENGTH - 1 - LENGTH / 2));
      perplexities[whole] = perplexity.value();
    }
    assertThat(perplexities[1]).isCloseTo(perplexities[0], within(1e-3 * perplexities[0]));
    var expected = new Perplexity();
    try (var session = model.newSession(LENGTH)) {
      for (var chunk : text(3).chunks()) {
        session.rewind(0);
        var tokens = chunk.clone();
        if (model.tokenizer().addsBos()) tokens[0] = model.tokenizer().bos();
        var rows = session.evaluateAll(tokens);
        for (int i = LENGTH / 2; i < LENGTH - 1; i++) expected.add(rows[i], chunk[i + 1]);
      }
    }
    assertThat(perplexities[0]).isCloseTo(expected.value(), within(1e-3 * expected.value()));
  }

  @Test
  void interruptionStopsIt() throws IOException {
    open(TinyLlama.DENSE);
    try (var session = model.newSession(LENGTH)) {
      session.observe(new ImportanceCollector(LENGTH, false));
      assertThatThrownBy(
              () -> text(3).evaluate(session, true, (_, _) -> Thread.currentThread().interrupt()))
          .isInstanceOf(CancellationException.class);
    } finally {
      Thread.interrupted();
    }
  }

  @Test
  void textsThatAreTooShortAreRefused() throws IOException {
    open(TinyLlama.DENSE);
    assertThatThrownBy(() -> ChunkedText.of(new int[79], 40, 0, -1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("79 tokens, and 80 are needed");
    assertThatThrownBy(() -> ChunkedText.of(new int[200], 40, 4, -1))
        .hasMessageContaining("after the 4 that are left out");
    assertThatThrownBy(() -> ChunkedText.of(new int[200], 3, 0, -1)).hasMessageContaining("3");
    assertThat(ChunkedText.of(new int[200], 40, 2, 1).count()).isEqualTo(1);
    assertThat(ChunkedText.of(new int[239], 40, 2, -1).count()).isEqualTo(3);
    assertThatThrownBy(() -> ChunkedText.of(new int[][] {new int[4], new int[5]}))
        .hasMessageContaining("equally many");
  }

  @Test
  void anObserverCannotDisturbTheSessionThatItWatches() throws IOException {
    open(TinyLlama.DENSE);
    try (var session = model.newSession(LENGTH)) {
      session.evaluate(3, 4);
      session.save(folder.resolve("saved"));
      var expected = session.evaluate(5, 6);
      List<ThrowingCallable> calls =
          List.of(
              () -> session.observe(null),
              session::close,
              () -> session.evaluate(7),
              () -> session.evaluateAll(7, 8, 9),
              () -> session.rewind(1),
              () -> session.drop(0, 1),
              () -> session.save(folder.resolve("other")),
              () -> session.restore(folder.resolve("saved")),
              () -> session.events(new int[] {7}, Sampler.greedy(), 3).toList(),
              () ->
                  session
                      .complete(new int[] {3, 7}, Sampler.greedy(), GenerateOptions.of(3))
                      .toList());
      for (var call : calls) {
        var shown = new int[1];
        session.rewind(2);
        session.observe(
            new MatmulObserver() {
              @Override
              public boolean wants(String matrix) {
                return matrix.startsWith("blk.1.attn_q");
              }

              @Override
              public void multiplied(Matmul matmul) {
                shown[0]++;
                assertThatThrownBy(call).isInstanceOf(IllegalStateException.class);
              }
            });
        assertThat(session.evaluate(5, 6)).isEqualTo(expected);
        assertThat(shown[0]).isOne();
        assertThat(session.tokens()).containsExactly(3, 4, 5, 6);
      }
    }
  }
}
