package dev.tenon.models;

import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Architecture;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Random;

/// Phi-3 files of random weights; with LongRoPE's factors where the context has an original length.
record TinyPhi3(
    int layers,
    int width,
    int heads,
    int kvHeads,
    int rotated,
    int ffn,
    int window,
    int originalContext,
    boolean fused,
    boolean tied,
    long seed)
    implements TinyFile {
  static final TinyPhi3 PLAIN = new TinyPhi3(2, 32, 4, 2, 8, 48, 0, 0, true, false, 1);
  static final TinyPhi3 PARTIAL = new TinyPhi3(3, 48, 3, 3, 12, 40, 7, 0, false, true, 2);
  static final TinyPhi3 LONG = new TinyPhi3(2, 64, 4, 1, 12, 40, 11, 100, true, true, 3);

  @Override
  public Architecture architecture() {
    return new Phi3();
  }

  @Override
  public void fill(GgufWriter gguf) {
    TinyFile.number(gguf, "phi3.block_count", layers);
    TinyFile.number(gguf, "phi3.embedding_length", width);
    TinyFile.number(gguf, "phi3.feed_forward_length", ffn);
    TinyFile.number(gguf, "phi3.attention.head_count", heads);
    TinyFile.number(gguf, "phi3.attention.head_count_kv", kvHeads);
    TinyFile.number(gguf, "phi3.attention.sliding_window", window);
    TinyFile.number(gguf, "phi3.rope.dimension_count", rotated);
    TinyFile.number(gguf, "phi3.context_length", 512);
    TinyFile.real(gguf, "phi3.attention.layer_norm_rms_epsilon", 1e-5);
    TinyFile.vocabulary(gguf);
    if (originalContext > 0) {
      TinyFile.number(gguf, "phi3.rope.scaling.original_context_length", originalContext);
      TinyFile.real(gguf, "phi3.rope.scaling.attn_factor", 1.2);
      factors(gguf, "rope_factors_short.weight", rotated / 2, 0.1f);
      factors(gguf, "rope_factors_long.weight", rotated / 2, 0.5f);
    }
    var weights = new Weights(gguf, new Random(seed));
    weights.weight("token_embd.weight", width, TOKENS);
    weights.norm("output_norm", width, false);
    if (!tied) weights.weight("output.weight", width, TOKENS);
    int headDim = width / heads;
    for (int i = 0; i < layers; i++) {
      var block = "blk." + i + ".";
      weights.norm(block + "attn_norm", width, false);
      if (fused) {
        weights.projection(block + "attn_qkv", width, width + 2 * headDim * kvHeads, false);
      } else {
        weights.projection(block + "attn_q", width, width, false);
        weights.projection(block + "attn_k", width, headDim * kvHeads, false);
        weights.projection(block + "attn_v", width, headDim * kvHeads, false);
      }
      weights.projection(block + "attn_output", width, width, false);
      weights.norm(block + "ffn_norm", width, false);
      weights.projection(block + "ffn_up", width, 2 * ffn, false);
      weights.projection(block + "ffn_down", ffn, width, false);
    }
  }

  /// Puts factors 1, 1 + step, 1 + 2 step …
  static void factors(GgufWriter gguf, String name, int count, float step) {
    var bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) bytes.putFloat(1 + step * i);
    gguf.tensor(name, TensorType.F32, Shape.of(count), MemorySegment.ofArray(bytes.array()));
  }
}
