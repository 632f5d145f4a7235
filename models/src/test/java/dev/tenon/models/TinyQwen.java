package dev.tenon.models;

import dev.tenon.gguf.GgufWriter;
import dev.tenon.model.Architecture;
import java.util.Random;

/// Qwen files of random weights: of Qwen2, with biases, or of Qwen3, with norms of each head.
record TinyQwen(
    boolean three,
    int layers,
    int width,
    int heads,
    int kvHeads,
    int headDim,
    int ffn,
    boolean tied,
    long seed)
    implements TinyFile {
  static final TinyQwen TWO = new TinyQwen(false, 2, 32, 4, 2, 8, 48, true, 1);
  static final TinyQwen TWO_UNTIED = new TinyQwen(false, 3, 48, 6, 3, 8, 64, false, 2);
  static final TinyQwen THREE = new TinyQwen(true, 2, 32, 4, 1, 16, 48, true, 3);
  static final TinyQwen THREE_UNTIED = new TinyQwen(true, 3, 24, 2, 2, 32, 40, false, 4);

  @Override
  public Architecture architecture() {
    return three ? new Qwen3() : new Qwen2();
  }

  @Override
  public void fill(GgufWriter gguf) {
    var name = architecture().name() + ".";
    TinyFile.number(gguf, name + "block_count", layers);
    TinyFile.number(gguf, name + "embedding_length", width);
    TinyFile.number(gguf, name + "feed_forward_length", ffn);
    TinyFile.number(gguf, name + "attention.head_count", heads);
    TinyFile.number(gguf, name + "attention.head_count_kv", kvHeads);
    TinyFile.number(gguf, name + "context_length", 512);
    TinyFile.real(gguf, name + "attention.layer_norm_rms_epsilon", 1e-6f);
    if (headDim != width / heads) {
      TinyFile.number(gguf, name + "attention.key_length", headDim);
      TinyFile.number(gguf, name + "attention.value_length", headDim);
    }
    TinyFile.vocabulary(gguf);
    var weights = new Weights(gguf, new Random(seed));
    weights.weight("token_embd.weight", width, TOKENS);
    weights.norm("output_norm", width, false);
    if (!tied) weights.weight("output.weight", width, TOKENS);
    for (int i = 0; i < layers; i++) {
      var block = "blk." + i + ".";
      weights.norm(block + "attn_norm", width, false);
      weights.projection(block + "attn_q", width, headDim * heads, !three);
      weights.projection(block + "attn_k", width, headDim * kvHeads, !three);
      weights.projection(block + "attn_v", width, headDim * kvHeads, !three);
      if (three) {
        weights.norm(block + "attn_q_norm", headDim, false);
        weights.norm(block + "attn_k_norm", headDim, false);
      }
      weights.projection(block + "attn_output", headDim * heads, width, false);
      weights.norm(block + "ffn_norm", width, false);
      weights.projection(block + "ffn_gate", width, ffn, false);
      weights.projection(block + "ffn_up", width, ffn, false);
      weights.projection(block + "ffn_down", ffn, width, false);
    }
  }
}
