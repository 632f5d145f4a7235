package dev.tenon.models;

import dev.tenon.gguf.GgufWriter;
import dev.tenon.model.Architecture;
import java.util.Random;

/// GPT-2 files of random weights.
record TinyGpt2(int layers, int width, int heads, int ffn, int context, boolean tied, long seed)
    implements TinyFile {
  static final TinyGpt2 TIED = new TinyGpt2(2, 32, 4, 48, 64, true, 1);
  static final TinyGpt2 UNTIED = new TinyGpt2(3, 48, 3, 64, 300, false, 2);

  @Override
  public Architecture architecture() {
    return new Gpt2();
  }

  @Override
  public void fill(GgufWriter gguf) {
    TinyFile.number(gguf, "gpt2.block_count", layers);
    TinyFile.number(gguf, "gpt2.embedding_length", width);
    TinyFile.number(gguf, "gpt2.feed_forward_length", ffn);
    TinyFile.number(gguf, "gpt2.attention.head_count", heads);
    TinyFile.number(gguf, "gpt2.context_length", context);
    TinyFile.real(gguf, "gpt2.attention.layer_norm_epsilon", 1e-5f);
    TinyFile.vocabulary(gguf);
    var weights = new Weights(gguf, new Random(seed));
    weights.weight("token_embd.weight", width, TOKENS);
    weights.weight("position_embd.weight", width, context);
    weights.norm("output_norm", width, true);
    if (!tied) weights.weight("output.weight", width, TOKENS);
    for (int i = 0; i < layers; i++) {
      var block = "blk." + i + ".";
      weights.norm(block + "attn_norm", width, true);
      weights.projection(block + "attn_qkv", width, 3 * width, true);
      weights.projection(block + "attn_output", width, width, true);
      weights.norm(block + "ffn_norm", width, true);
      weights.projection(block + "ffn_up", width, ffn, true);
      weights.projection(block + "ffn_down", ffn, width, true);
    }
  }
}
