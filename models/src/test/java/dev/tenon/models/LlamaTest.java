package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Random;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// The architecture on files of random weights: however the tokens are cut up, the logits are the
/// same, and a file that does not fit is refused by name.
class LlamaTest {
  @TempDir Path folder;

  private static int[] tokens() {
    return new Random(5).ints(40, 0, TinyLlama.TOKENS).toArray();
  }

  static Stream<Arguments> models() {
    return Stream.of(TinyLlama.DENSE, TinyLlama.BIASED, TinyLlama.MIXTURE)
        .flatMap(model -> Stream.of(true, false).map(flash -> Arguments.of(model, flash)));
  }

  @ParameterizedTest
  @MethodSource("models")
  void theSameHoweverTheTokensAreCutUp(TinyLlama model, boolean flash) throws IOException {
    var file = model.write(folder.resolve("m.gguf"));
    try (var open =
        new Evaluations(file, new Llama(), Evaluations.settings(TensorType.F32, flash), false)) {
      open.check(tokens(), open.all(tokens()), 1e-10);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void aSmallerCacheIsAlmostAsGood(TinyLlama model, boolean flash) throws IOException {
    var file = model.write(folder.resolve("m.gguf"));
    float[][] exact;
    try (var open =
        new Evaluations(file, new Llama(), Evaluations.settings(TensorType.F32, false), false)) {
      exact = open.all(tokens());
    }
    try (var open =
        new Evaluations(file, new Llama(), Evaluations.settings(TensorType.F16, flash), true)) {
      open.check(tokens(), exact, 1e-4);
    }
  }

  @Test
  void aQuantizedCacheWorksWhereHeadsDivide() throws IOException {
    var wide = new TinyLlama(2, 64, 2, 1, 32, 0, 0, false, false, true, 4);
    var file = wide.write(folder.resolve("m.gguf"));
    float[][] exact;
    try (var open =
        new Evaluations(file, new Llama(), Evaluations.settings(TensorType.F32, false), false)) {
      exact = open.all(tokens());
    }
    try (var open =
        new Evaluations(file, new Llama(), Evaluations.settings(TensorType.Q8_0, true), false)) {
      open.check(tokens(), exact, 1e-2);
    }
  }

  static Stream<Arguments> badFiles() {
    return Stream.of(
        bad(
            "block_count",
            "llama.block_count from 1",
            w -> TinyLlama.number(w, "llama.block_count", 0)),
        bad(
            "missing block",
            "blk.2.attn_norm.weight",
            w -> TinyLlama.number(w, "llama.block_count", 3)),
        bad(
            "odd heads",
            "llama.attention.head_count_kv a divisor",
            w -> TinyLlama.number(w, "llama.attention.head_count_kv", 3)),
        bad("wrong width", "[33", w -> TinyLlama.number(w, "llama.embedding_length", 33)),
        bad(
            "wrong ffn",
            "blk.0.ffn_gate.weight",
            w -> TinyLlama.number(w, "llama.feed_forward_length", 47)),
        bad(
            "no ffn",
            "blk.0.ffn_gate.weight",
            w -> TinyLlama.number(w, "llama.feed_forward_length", 0)),
        bad(
            "no epsilon",
            "layer_norm_rms_epsilon",
            w -> w.remove("llama.attention.layer_norm_rms_epsilon")),
        bad(
            "head size",
            "blk.0.attn_q.weight",
            w -> TinyLlama.number(w, "llama.attention.key_length", 16)),
        bad(
            "odd rotation",
            "rope.dimension_count",
            w -> TinyLlama.number(w, "llama.rope.dimension_count", 7)),
        bad(
            "short rotation",
            "rope.dimension_count",
            w -> TinyLlama.number(w, "llama.rope.dimension_count", 4)),
        bad(
            "experts without weights",
            "blk.0.ffn_gate_inp.weight",
            w -> {
              TinyLlama.number(w, "llama.expert_count", 4);
              TinyLlama.number(w, "llama.expert_used_count", 2);
            }),
        bad(
            "more experts used than there are",
            "llama.expert_used_count",
            w -> {
              TinyLlama.number(w, "llama.expert_count", 4);
              TinyLlama.number(w, "llama.expert_used_count", 5);
            }),
        bad(
            "quantized factors",
            "rope_freqs.weight",
            w ->
                w.tensor(
                    "rope_freqs.weight",
                    TensorType.I32,
                    Shape.of(4),
                    MemorySegment.ofArray(new byte[16]))),
        bad(
            "wrong bias",
            "blk.0.attn_q.bias",
            w ->
                w.tensor(
                    "blk.0.attn_q.bias",
                    TensorType.F32,
                    Shape.of(31),
                    MemorySegment.ofArray(new byte[124]))));
  }

  private static Arguments bad(String what, String message, Consumer<GgufWriter> change) {
    return Arguments.of(what, message, change);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("badFiles")
  void aFileThatDoesNotFitIsRefusedByName(String what, String message, Consumer<GgufWriter> change)
      throws IOException {
    var file = TinyLlama.DENSE.write(folder.resolve("m.gguf"), change);
    assertThatExceptionOfType(GgufFormatException.class)
        .isThrownBy(
            () ->
                new Evaluations(
                        file, new Llama(), Evaluations.settings(TensorType.F32, false), false)
                    .close())
        .withMessageContainingAll(file.toString(), message)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\n"));
  }
}
