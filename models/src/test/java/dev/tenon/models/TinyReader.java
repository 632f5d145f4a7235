package dev.tenon.models;

import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.model.Architecture;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/// BERT files of random weights, with a vocabulary of letters and a few words.
///
/// @param head which weights it has on top
/// @param classes how many a head of classes tells apart
record TinyReader(Head head, int classes, long seed) implements TinyFile {
  static final int WIDTH = 32;
  static final int CONTEXT = 24;
  static final List<String> TOKENS = tokens();

  /// What there may be on top of the hidden states.
  enum Head {
    NOTHING,
    MASKS,
    TEXTS,
    TOKENS,
    ANSWERS
  }

  static TinyReader of(Head head) {
    return new TinyReader(head, 3, 1);
  }

  private static List<String> tokens() {
    var tokens = new ArrayList<>(List.of("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"));
    for (char c = 'a'; c <= 'z'; c++) {
      tokens.add("\u2581" + c); // begins a word
      tokens.add("" + c);
    }
    tokens.addAll(List.of("\u2581the", "\u2581cat", "\u2581.", "ing"));
    return tokens;
  }

  @Override
  public Architecture architecture() {
    return new Bert();
  }

  @Override
  public void fill(GgufWriter gguf) {
    TinyFile.number(gguf, "bert.block_count", 2);
    TinyFile.number(gguf, "bert.embedding_length", WIDTH);
    TinyFile.number(gguf, "bert.feed_forward_length", 48);
    TinyFile.number(gguf, "bert.attention.head_count", 4);
    TinyFile.number(gguf, "bert.context_length", CONTEXT);
    TinyFile.real(gguf, "bert.attention.layer_norm_epsilon", 1e-12f);
    gguf.put("tokenizer.ggml.model", "bert");
    gguf.put("tokenizer.ggml.tokens", GgufValue.Array.strings(TOKENS));
    var types = new int[TOKENS.size()];
    for (int i = 0; i < types.length; i++) types[i] = i < 5 ? 3 : 1; // control, else normal
    gguf.put("tokenizer.ggml.token_type", GgufValue.Array.of(types));
    TinyFile.number(gguf, "tokenizer.ggml.padding_token_id", 0);
    TinyFile.number(gguf, "tokenizer.ggml.unknown_token_id", 1);
    TinyFile.number(gguf, "tokenizer.ggml.bos_token_id", 2);
    TinyFile.number(gguf, "tokenizer.ggml.cls_token_id", 2);
    TinyFile.number(gguf, "tokenizer.ggml.seperator_token_id", 3);
    TinyFile.number(gguf, "tokenizer.ggml.mask_token_id", 4);
    var weights = new Weights(gguf, new Random(seed));
    weights.weight("token_embd.weight", WIDTH, TOKENS.size());
    weights.weight("position_embd.weight", WIDTH, CONTEXT);
    weights.weight("token_types.weight", WIDTH, 2);
    weights.norm("token_embd_norm", WIDTH, true);
    for (int i = 0; i < 2; i++) {
      var block = "blk." + i + ".";
      for (var name : List.of("attn_q", "attn_k", "attn_v", "attn_output"))
        weights.projection(block + name, WIDTH, WIDTH, true);
      weights.norm(block + "attn_output_norm", WIDTH, true);
      weights.projection(block + "ffn_up", WIDTH, 48, true);
      weights.projection(block + "ffn_down", 48, WIDTH, true);
      weights.norm(block + "layer_output_norm", WIDTH, true);
    }
    switch (head) {
      case NOTHING -> {}
      case MASKS -> {
        weights.projection("mlm.dense", WIDTH, WIDTH, true);
        weights.norm("mlm.norm", WIDTH, true);
        weights.weight("output.bias", TOKENS.size());
      }
      case TEXTS -> {
        weights.projection("cls", WIDTH, WIDTH, true);
        weights.projection("cls.output", WIDTH, classes, true);
      }
      case TOKENS -> weights.projection("token_cls", WIDTH, classes, true);
      case ANSWERS -> weights.projection("qa_outputs", WIDTH, 2, true);
    }
  }

  /// Names the classes.
  static void labels(GgufWriter gguf, String... labels) {
    gguf.put("bert.classifier.output_labels", GgufValue.Array.strings(List.of(labels)));
  }
}
