package dev.tenon.models;

import dev.tenon.gguf.GgufWriter;
import dev.tenon.model.Architecture;
import java.util.Random;

/// BERT files of random weights.
///
/// @param types segments that it tells apart; none where 0
/// @param head which weights it has on top
record TinyBert(int layers, int width, int heads, int ffn, int context, int types, Head head)
    implements TinyFile {
  static final TinyBert BARE = new TinyBert(2, 32, 4, 48, 24, 2, Head.NONE);
  static final TinyBert CLASSES = new TinyBert(3, 48, 3, 64, 40, 1, Head.CLASSES);
  static final TinyBert PRETRAINING = new TinyBert(1, 64, 2, 96, 24, 3, Head.PRETRAINING);
  static final TinyBert TOKENS_OF = new TinyBert(2, 32, 2, 32, 24, 0, Head.TOKEN_CLASSES);
  static final TinyBert ENDS = new TinyBert(2, 32, 1, 80, 24, 2, Head.ENDS);

  enum Head {
    NONE,
    CLASSES,
    PRETRAINING,
    TOKEN_CLASSES,
    ENDS
  }

  @Override
  public Architecture architecture() {
    return new Bert();
  }

  @Override
  public void fill(GgufWriter gguf) {
    TinyFile.number(gguf, "bert.block_count", layers);
    TinyFile.number(gguf, "bert.embedding_length", width);
    TinyFile.number(gguf, "bert.feed_forward_length", ffn);
    TinyFile.number(gguf, "bert.attention.head_count", heads);
    TinyFile.number(gguf, "bert.context_length", context);
    TinyFile.real(gguf, "bert.attention.layer_norm_epsilon", 1e-12);
    TinyFile.vocabulary(gguf);
    var weights = new Weights(gguf, new Random(layers + width));
    weights.weight("token_embd.weight", width, TOKENS);
    weights.weight("position_embd.weight", width, context);
    if (types > 0) weights.weight("token_types.weight", width, types);
    weights.norm("token_embd_norm", width, true);
    for (int i = 0; i < layers; i++) {
      var block = "blk." + i + ".";
      weights.projection(block + "attn_q", width, width, true);
      weights.projection(block + "attn_k", width, width, true);
      weights.projection(block + "attn_v", width, width, true);
      weights.projection(block + "attn_output", width, width, true);
      weights.norm(block + "attn_output_norm", width, true);
      weights.projection(block + "ffn_up", width, ffn, true);
      weights.projection(block + "ffn_down", ffn, width, true);
      weights.norm(block + "layer_output_norm", width, true);
    }
    switch (head) {
      case NONE -> {}
      case CLASSES -> pooled(weights, 5);
      case PRETRAINING -> {
        pooled(weights, 2);
        weights.projection("mlm.dense", width, width, true);
        weights.norm("mlm.norm", width, true);
        weights.weight("output.bias", TOKENS);
      }
      case TOKEN_CLASSES -> weights.projection("token_cls", width, 7, true);
      case ENDS -> weights.projection("qa_outputs", width, 2, true);
    }
  }

  private void pooled(Weights weights, int classes) {
    weights.projection("cls", width, width, true);
    weights.projection("cls.output", width, classes, true);
  }
}
