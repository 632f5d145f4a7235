package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Architecture;
import dev.tenon.model.Batch;
import dev.tenon.model.Decoder;
import dev.tenon.model.Evaluator;
import dev.tenon.model.Hyperparameters;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/// A model open for tests, below sessions: every way in which the same tokens can be evaluated.
final class Evaluations implements AutoCloseable {
  private final Backend backend;
  private final Gguf gguf;
  private final Weights weights;
  private final KvCache cache;
  private final Evaluator evaluator;

  Evaluations(Path file, Architecture architecture, KvCache.Settings settings, boolean repack)
      throws IOException {
    backend = Backend.cpu(1);
    gguf = Gguf.open(file);
    var hp = Hyperparameters.of(gguf);
    weights = Weights.of(gguf, backend, hp.layers(), new Weights.Placement(0, repack));
    var decoder = (Decoder) architecture.bind(gguf, weights);
    weights.load((_, _) -> {});
    cache = new KvCache(weights, hp.cacheLayout(), 256, settings);
    evaluator = new Evaluator(decoder, weights, cache, hp.vocabulary(), 64);
  }

  static KvCache.Settings settings(TensorType type, boolean flash) {
    return new KvCache.Settings(type, type, flash);
  }

  /// Checks every way of evaluating `tokens` against `expected`, by the normalised mean squared
  /// error that each may have.
  void check(int[] tokens, float[][] expected, double tolerance) {
    assertClose("in one batch", all(tokens), expected, tolerance);
    assertClose("token by token", chunks(tokens, 1), expected, tolerance);
    assertClose("in chunks of 5", chunks(tokens, 5), expected, tolerance);
    assertClose(
        "after a rewind", afterRewind(tokens, Math.min(7, tokens.length - 1)), expected, tolerance);
    assertClose("as second sequence", asSecondSequence(tokens), expected, tolerance);
    assertClose("interleaved with another", interleaved(tokens), expected, tolerance);
    assertClose("after a fork", afterFork(tokens, tokens.length / 2), expected, tolerance);
  }

  private static void assertClose(String how, float[][] got, float[][] expected, double tolerance) {
    assertThat(Logits.nmse(got, expected)).as(how).isLessThanOrEqualTo(tolerance);
  }

  float[][] all(int[] tokens) {
    clear();
    return evaluator.evaluate(Batch.all(tokens, 0, 0));
  }

  float[][] chunks(int[] tokens, int size) {
    clear();
    return chunks(tokens, 0, size, 0);
  }

  private float[][] chunks(int[] tokens, int from, int size, int sequence) {
    var rows = new float[tokens.length - from][];
    for (int at = from; at < tokens.length; at += size) {
      var chunk = Arrays.copyOfRange(tokens, at, Math.min(at + size, tokens.length));
      var part = evaluator.evaluate(Batch.all(chunk, at, sequence));
      System.arraycopy(part, 0, rows, at - from, part.length);
    }
    return rows;
  }

  /// The last tokens once wrongly, then forgotten and evaluated again.
  private float[][] afterRewind(int[] tokens, int last) {
    clear();
    int kept = tokens.length - last;
    var rows = new float[tokens.length][];
    var wrong = tokens.clone();
    for (int i = kept; i < wrong.length; i++) wrong[i] = tokens[tokens.length - 1 - i + kept];
    System.arraycopy(evaluator.evaluate(Batch.all(wrong, 0, 0)), 0, rows, 0, kept);
    cache.rewind(0, kept);
    System.arraycopy(chunks(tokens, kept, last, 0), 0, rows, kept, last);
    return rows;
  }

  private float[][] asSecondSequence(int[] tokens) {
    clear();
    var reversed = new int[tokens.length];
    for (int i = 0; i < tokens.length; i++) reversed[i] = tokens[tokens.length - 1 - i];
    evaluator.evaluate(Batch.all(reversed, 0, 0));
    return evaluator.evaluate(Batch.all(tokens, 0, 1));
  }

  /// Two sequences in the same batches, the other one of the same tokens backwards.
  private float[][] interleaved(int[] tokens) {
    clear();
    int n = tokens.length;
    var ids = new int[2 * n];
    var positions = new int[2 * n];
    var sequences = new int[2 * n];
    var outputs = new int[n];
    for (int i = 0; i < n; i++) {
      ids[2 * i] = tokens[n - 1 - i];
      ids[2 * i + 1] = tokens[i];
      positions[2 * i] = positions[2 * i + 1] = i;
      sequences[2 * i] = 9;
      sequences[2 * i + 1] = 4;
      outputs[i] = 2 * i + 1;
    }
    return evaluator.evaluate(new Batch(ids, positions, sequences, outputs));
  }

  /// The first tokens in one sequence, the rest in another that begins as the first.
  private float[][] afterFork(int[] tokens, int at) {
    clear();
    var first = evaluator.evaluate(Batch.all(Arrays.copyOf(tokens, at), 0, 2));
    cache.fork(2, 3);
    evaluator.evaluate(Batch.all(new int[] {tokens[0], tokens[0]}, at, 2));
    var rest = chunks(tokens, at, 3, 3);
    var rows = Arrays.copyOf(first, tokens.length);
    System.arraycopy(rest, 0, rows, at, rest.length);
    return rows;
  }

  private void clear() {
    for (int sequence = 0; sequence < 16; sequence++) cache.rewind(sequence, 0);
  }

  @Override
  public void close() {
    evaluator.close();
    cache.close();
    weights.close();
    gguf.close();
    backend.close();
  }
}
