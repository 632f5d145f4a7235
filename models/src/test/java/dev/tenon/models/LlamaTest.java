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

/// What is Llama's own: its numbers, experts and factors, and a quantized cache.
class LlamaTest {
  @TempDir Path folder;

  private static int[] tokens() {
    return new Random(5).ints(40, 0, TinyFile.TOKENS).toArray();
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
            w -> TinyFile.number(w, "llama.block_count", 0)),
        bad(
            "missing block",
            "blk.2.attn_norm.weight",
            w -> TinyFile.number(w, "llama.block_count", 3)),
        bad(
            "odd heads",
            "llama.attention.head_count_kv a divisor",
            w -> TinyFile.number(w, "llama.attention.head_count_kv", 3)),
        bad("wrong width", "[33", w -> TinyFile.number(w, "llama.embedding_length", 33)),
        bad(
            "wrong ffn",
            "blk.0.ffn_gate.weight",
            w -> TinyFile.number(w, "llama.feed_forward_length", 47)),
        bad(
            "no ffn",
            "blk.0.ffn_gate.weight",
            w -> TinyFile.number(w, "llama.feed_forward_length", 0)),
        bad(
            "no epsilon",
            "layer_norm_rms_epsilon",
            w -> w.remove("llama.attention.layer_norm_rms_epsilon")),
        bad(
            "head size",
            "blk.0.attn_q.weight",
            w -> TinyFile.number(w, "llama.attention.key_length", 16)),
        bad(
            "odd rotation",
            "rope.dimension_count",
            w -> TinyFile.number(w, "llama.rope.dimension_count", 7)),
        bad(
            "short rotation",
            "rope.dimension_count",
            w -> TinyFile.number(w, "llama.rope.dimension_count", 4)),
        bad(
            "experts without weights",
            "blk.0.ffn_gate_inp.weight",
            w -> {
              TinyFile.number(w, "llama.expert_count", 4);
              TinyFile.number(w, "llama.expert_used_count", 2);
            }),
        bad(
            "more experts used than there are",
            "llama.expert_used_count",
            w -> {
              TinyFile.number(w, "llama.expert_count", 4);
              TinyFile.number(w, "llama.expert_used_count", 5);
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
