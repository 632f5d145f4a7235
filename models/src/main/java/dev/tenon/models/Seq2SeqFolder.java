package dev.tenon.models;

import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.ModelFolder;
import java.io.IOException;
import java.util.List;
import java.util.regex.Pattern;

/// What the folders of encoder-decoders have in common whose classes in transformers descend from
/// BART's: names of settings and tensors.
///
/// Keys and tensors are called as gguf-py calls those of T5, and in its manner where T5 has none:
/// `decoder_feed_forward_length`, `attention.decoder_head_count`, `enc.position_embd.weight`.
final class Seq2SeqFolder {
  /// What fairseq put into its checkpoints.
  private static final Pattern VERSIONS = Pattern.compile(".*(en|de)coder\\.version");

  private Seq2SeqFolder() {}

  /// Puts the numbers of both halves.
  static void keys(ModelFolder folder, GgufPlan plan) throws IOException {
    var config = folder.config();
    int width = config.size("d_model");
    plan.key("block_count", config.size("encoder_layers"));
    plan.key("decoder_block_count", config.size("decoder_layers"));
    plan.key("context_length", config.size("max_position_embeddings"));
    plan.key("embedding_length", width);
    plan.key("feed_forward_length", config.size("encoder_ffn_dim"));
    plan.key("decoder_feed_forward_length", config.size("decoder_ffn_dim"));
    plan.key("attention.head_count", heads(config, "encoder_attention_heads", width));
    plan.key("attention.decoder_head_count", heads(config, "decoder_attention_heads", width));
    plan.key("attention.layer_norm_epsilon", 1e-5); // of torch.nn.LayerNorm
    plan.key("hidden_activation", Activation.of(config, "activation_function").key());
    if (config.bool("scale_embedding", false)) plan.key("embedding_scale", Math.sqrt(width));
    for (var said : List.of(folder.generation(), config)) {
      if (!said.has("decoder_start_token_id")) continue;
      plan.key("decoder_start_token_id", said.integer("decoder_start_token_id"));
      break;
    }
  }

  private static int heads(Config config, String key, int width) throws IOException {
    int heads = config.size(key);
    if (width % heads != 0)
      throw config.malformed(key, "a divisor of d_model " + width, "" + heads);
    return heads;
  }

  /// Puts the embeddings, `token_embd.weight` the decoder's and `enc.token_embd.weight` the
  /// encoder's where it has one of its own, and the output with its bias.
  ///
  /// @param shared whether both halves have the same embedding
  static void embeddings(ModelFolder folder, GgufPlan plan, String model, boolean shared)
      throws IOException {
    var both = model + "shared.weight";
    var encoder = model + "encoder.embed_tokens.weight";
    var decoder = model + "decoder.embed_tokens.weight";
    var output = "lm_head.weight";
    if (shared) {
      if (!folder.config().bool("tie_word_embeddings", true) && folder.has(encoder))
        for (var other : List.of(both, decoder))
          if (!folder.tied(encoder, other))
            throw new UnsupportedOperationException(
                folder.config().path()
                    + ": tie_word_embeddings false, with an embedding of the encoder's own, is not"
                    + " supported for "
                    + plan.architecture());
      plan.embeddings(folder, first(folder, both, decoder, encoder, output), output, true);
      for (var same : List.of(both, decoder, encoder)) if (folder.has(same)) folder.weight(same);
    } else {
      plan.embeddings(folder, first(folder, decoder, output), output, true);
      plan.tensor("enc.token_embd.weight", folder.weight(first(folder, encoder, both)));
    }
    if (folder.has("final_logits_bias")) {
      var bias = folder.weight("final_logits_bias");
      plan.tensor("output.bias", bias.reshaped(bias.elements()));
    }
  }

  /// The first of some names that a tensor has, or the first of all.
  private static String first(ModelFolder folder, String... names) {
    for (var name : names) if (folder.has(name)) return name;
    return names[0];
  }

  /// Puts the layers of both halves.
  static void layers(ModelFolder folder, GgufPlan plan, String model) throws IOException {
    folder.leaveOut(VERSIONS);
    var config = folder.config();
    for (int i = 0; i < config.size("encoder_layers"); i++)
      layer(folder, model + "encoder.layers." + i + ".", plan.part("enc").block(i));
    for (int i = 0; i < config.size("decoder_layers"); i++) {
      var stored = model + "decoder.layers." + i + ".";
      var layer = plan.part("dec").block(i);
      layer(folder, stored, layer);
      attention("cross_attn", folder, stored + "encoder_attn", layer);
    }
  }

  /// What a layer has in both halves.
  private static void layer(ModelFolder folder, String stored, GgufPlan plan) throws IOException {
    attention("attn", folder, stored + "self_attn", plan);
    plan.projection("ffn_norm", folder, stored + "final_layer_norm");
    plan.projection("ffn_up", folder, stored + "fc1");
    plan.projection("ffn_down", folder, stored + "fc2");
  }

  private static void attention(String name, ModelFolder folder, String stored, GgufPlan plan)
      throws IOException {
    plan.projection(name + "_norm", folder, stored + "_layer_norm");
    plan.projection(name + "_q", folder, stored + ".q_proj");
    plan.projection(name + "_k", folder, stored + ".k_proj");
    plan.projection(name + "_v", folder, stored + ".v_proj");
    plan.projection(name + "_o", folder, stored + ".out_proj");
  }
}
