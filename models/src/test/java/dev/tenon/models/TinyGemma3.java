package dev.tenon.models;

import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Architecture;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/// Gemma 3 files of random weights. In one whose first layer is silent, that layer changes nothing.
record TinyGemma3(
    int layers,
    int width,
    int heads,
    int kvHeads,
    int headDim,
    int ffn,
    int window,
    float softcap,
    boolean tied,
    boolean firstIsSilent,
    long seed)
    implements TinyFile {
  static final TinyGemma3 SEVEN = new TinyGemma3(7, 32, 4, 2, 16, 48, 5, 0, true, false, 1);
  static final TinyGemma3 CAPPED = new TinyGemma3(2, 48, 3, 1, 8, 40, 9, 4, false, false, 2);

  @Override
  public Architecture architecture() {
    return new Gemma3();
  }

  @Override
  public void fill(GgufWriter gguf) {
    TinyFile.number(gguf, "gemma3.block_count", layers);
    TinyFile.number(gguf, "gemma3.embedding_length", width);
    TinyFile.number(gguf, "gemma3.feed_forward_length", ffn);
    TinyFile.number(gguf, "gemma3.attention.head_count", heads);
    TinyFile.number(gguf, "gemma3.attention.head_count_kv", kvHeads);
    TinyFile.number(gguf, "gemma3.attention.key_length", headDim);
    TinyFile.number(gguf, "gemma3.attention.value_length", headDim);
    TinyFile.number(gguf, "gemma3.context_length", 512);
    TinyFile.real(gguf, "gemma3.attention.layer_norm_rms_epsilon", 1e-6);
    TinyFile.real(gguf, "gemma3.rope.freq_base", 1e6);
    TinyFile.real(gguf, "gemma3.rope.freq_base_swa", 1000);
    if (window > 0) TinyFile.number(gguf, "gemma3.attention.sliding_window", window);
    if (softcap != 0) TinyFile.real(gguf, "gemma3.final_logit_softcapping", softcap);
    TinyFile.vocabulary(gguf);
    var weights = new Weights(gguf, new Random(seed));
    weights.weight("token_embd.weight", width, TOKENS);
    weights.norm("output_norm", width, false);
    if (!tied) weights.weight("output.weight", width, TOKENS);
    for (int i = 0; i < layers; i++) {
      var block = "blk." + i + ".";
      boolean silent = firstIsSilent && i == 0;
      weights.norm(block + "attn_norm", width, false);
      weights.projection(block + "attn_q", width, headDim * heads, false);
      weights.projection(block + "attn_k", width, headDim * kvHeads, false);
      weights.projection(block + "attn_v", width, headDim * kvHeads, false);
      weights.norm(block + "attn_q_norm", headDim, false);
      weights.norm(block + "attn_k_norm", headDim, false);
      weights.projection(block + "attn_output", headDim * heads, width, false);
      postNorm(gguf, weights, block + "post_attention_norm", silent);
      weights.norm(block + "ffn_norm", width, false);
      weights.projection(block + "ffn_gate", width, ffn, false);
      weights.projection(block + "ffn_up", width, ffn, false);
      weights.projection(block + "ffn_down", ffn, width, false);
      postNorm(gguf, weights, block + "post_ffw_norm", silent);
    }
  }

  private void postNorm(GgufWriter gguf, Weights weights, String name, boolean silent) {
    if (!silent) {
      weights.norm(name, width, false);
      return;
    }
    var zeros = MemorySegment.ofArray(new byte[4 * width]);
    gguf.tensor(name + ".weight", TensorType.F32, Shape.of(width), zeros);
  }
}
