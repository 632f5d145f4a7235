package dev.tenon.models;

import dev.tenon.gguf.GgufWriter;
import dev.tenon.model.Architecture;
import java.util.Random;

/// Llama files of random weights. Each part of the architecture can be there or not.
record TinyLlama(
    int layers,
    int width,
    int heads,
    int kvHeads,
    int ffn,
    int experts,
    int used,
    boolean biases,
    boolean tied,
    boolean vocabulary,
    long seed)
    implements TinyFile {

  static final TinyLlama DENSE = new TinyLlama(2, 32, 4, 2, 48, 0, 0, false, false, true, 1);
  static final TinyLlama BIASED = new TinyLlama(3, 48, 6, 3, 64, 0, 0, true, true, true, 2);
  static final TinyLlama MIXTURE = new TinyLlama(2, 64, 4, 1, 32, 5, 2, false, true, true, 3);

  @Override
  public Architecture architecture() {
    return new Llama();
  }

  @Override
  public void fill(GgufWriter gguf) {
    TinyFile.number(gguf, "llama.block_count", layers);
    TinyFile.number(gguf, "llama.embedding_length", width);
    TinyFile.number(gguf, "llama.feed_forward_length", ffn);
    TinyFile.number(gguf, "llama.attention.head_count", heads);
    TinyFile.number(gguf, "llama.attention.head_count_kv", kvHeads);
    TinyFile.number(gguf, "llama.context_length", 512);
    TinyFile.real(gguf, "llama.attention.layer_norm_rms_epsilon", 1e-5f);
    if (experts > 0) {
      TinyFile.number(gguf, "llama.expert_count", experts);
      TinyFile.number(gguf, "llama.expert_used_count", used);
    }
    if (vocabulary) TinyFile.vocabulary(gguf);
    else TinyFile.number(gguf, "llama.vocab_size", TOKENS);
    tensors(new Weights(gguf, new Random(seed)));
  }

  private void tensors(Weights weights) {
    int headDim = width / heads;
    weights.weight("token_embd.weight", width, TOKENS);
    weights.norm("output_norm", width, false);
    if (!tied) weights.weight("output.weight", width, TOKENS);
    for (int i = 0; i < layers; i++) {
      var block = "blk." + i + ".";
      weights.norm(block + "attn_norm", width, false);
      weights.projection(block + "attn_q", width, width, biases);
      weights.projection(block + "attn_k", width, headDim * kvHeads, biases);
      weights.projection(block + "attn_v", width, headDim * kvHeads, biases);
      weights.projection(block + "attn_output", width, width, biases);
      weights.norm(block + "ffn_norm", width, false);
      if (experts == 0) {
        weights.projection(block + "ffn_gate", width, ffn, biases);
        weights.projection(block + "ffn_up", width, ffn, biases);
        weights.projection(block + "ffn_down", ffn, width, biases);
      } else {
        weights.weight(block + "ffn_gate_inp.weight", width, experts);
        weights.weight(block + "ffn_gate_exps.weight", width, ffn, experts);
        weights.weight(block + "ffn_up_exps.weight", width, ffn, experts);
        weights.weight(block + "ffn_down_exps.weight", ffn, width, experts);
      }
    }
  }
}
