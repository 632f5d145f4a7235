package dev.tenon.huggingface;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;

/// The keys that decoders share, from the names that `config.json` has for them; as gguf-py and
/// llama.cpp's `convert_hf_to_gguf.py` write them.
///
/// What `config.json` leaves out because it is what the class takes anyway, an architecture gives
/// in [FolderMapping#defaults]; then every name is there.
public final class DecoderKeys {
  private static final Set<String> ROPE_TYPES =
      Set.of("default", "linear", "dynamic", "yarn", "llama3", "longrope", "su");

  private static final String SLIDING = "sliding_attention";

  private DecoderKeys() {}

  /// Puts sizes, counts, norms, experts and rotary positions.
  ///
  /// @param plan takes the keys
  /// @param config of the folder
  /// @throws FormatException if a value is absent that every decoder has, or of another type
  /// @throws UnsupportedOperationException if rotary positions are scaled in an unknown way
  public static void put(GgufPlan plan, Config config) throws FormatException {
    plan.key("block_count", config.size("num_hidden_layers", "n_layer", "n_layers", "num_layers"));
    plan.key(
        "context_length",
        config.size("max_position_embeddings", "n_ctx", "n_positions", "max_sequence_length"));
    plan.key("embedding_length", config.size("hidden_size", "n_embd"));
    size(plan, "feed_forward_length", config, "intermediate_size", "n_inner");
    plan.key("attention.head_count", config.size("num_attention_heads", "n_head", "n_heads"));
    size(plan, "attention.head_count_kv", config, "num_key_value_heads", "n_kv_heads");
    putRope(plan, config);
    real(plan, "attention.layer_norm_rms_epsilon", config, "rms_norm_eps", "norm_eps");
    real(
        plan,
        "attention.layer_norm_epsilon",
        config,
        "layer_norm_eps",
        "layer_norm_epsilon",
        "norm_epsilon");
    size(plan, "expert_count", config, "num_local_experts", "num_experts", "n_routed_experts");
    size(plan, "expert_used_count", config, "num_experts_per_tok", "num_experts_per_token");
    size(plan, "attention.key_length", config, "head_dim");
    size(plan, "attention.value_length", config, "head_dim");
    plan.fileType();
  }

  private static void size(GgufPlan plan, String key, Config config, String... names)
      throws FormatException {
    for (var name : names) {
      if (config.has(name)) {
        plan.key(key, config.size(name));
        return;
      }
    }
  }

  private static void real(GgufPlan plan, String key, Config config, String... names)
      throws FormatException {
    for (var name : names) {
      if (config.has(name)) {
        plan.key(key, config.real(name));
        return;
      }
    }
  }

  /// {@return how positions are rotated, by the names that transformers' newest configurations
  /// have (`rope_theta`, `rope_type`, `factor`, `original_max_position_embeddings`,
  /// `partial_rotary_factor` …), whatever the folder calls them}
  ///
  /// @param config of the folder
  /// @throws FormatException if they are no object
  public static Config rope(Config config) throws FormatException {
    var stored = config.object(config.has("rope_parameters") ? "rope_parameters" : "rope_scaling");
    if (stored.has("full_attention")) stored = stored.object("full_attention");
    Map<String, Object> values = new LinkedHashMap<>(stored.values());
    if (!stored.has("rope_type") && stored.has("type"))
      values.put("rope_type", stored.text("type"));
    for (var name :
        new String[] {"rope_theta", "partial_rotary_factor", "original_max_position_embeddings"}) {
      if (!stored.has(name) && config.has(name)) values.put(name, config.values().get(name));
    }
    return new Config(config.path(), values);
  }

  private static void putRope(GgufPlan plan, Config config) throws FormatException {
    var rope = rope(config);
    var type = rope.textOr("rope_type", "default");
    if (!ROPE_TYPES.contains(type)) {
      throw new UnsupportedOperationException(
          config.path()
              + ": rope_type "
              + FormatException.quote(type)
              + " is not supported; known are "
              + new TreeSet<>(ROPE_TYPES));
    }
    switch (type) {
      case "linear" -> {
        plan.key("rope.scaling.type", "linear");
        plan.key("rope.scaling.factor", rope.real("factor"));
      }
      case "yarn" -> putYarn(plan, config, rope);
      case "longrope", "su" -> plan.key("rope.scaling.type", "longrope");
      // Llama 3's are factors of each frequency, a tensor. Dynamic ones begin beyond the trained
      // context, where no file made of the folder goes.
      default -> {}
    }
    if (rope.has("rope_theta")) plan.key("rope.freq_base", rope.real("rope_theta"));
  }

  private static void putYarn(GgufPlan plan, Config config, Config rope) throws FormatException {
    if (!rope.bool("truncate", true)) {
      throw new UnsupportedOperationException(
          config.path() + ": rope_scaling.truncate false is not supported");
    }
    double factor = rope.real("factor");
    plan.key("rope.scaling.type", "yarn");
    plan.key("rope.scaling.factor", factor);
    plan.key(
        "rope.scaling.original_context_length",
        rope.has("original_max_position_embeddings")
            ? rope.size("original_max_position_embeddings")
            : config.size("max_position_embeddings"));
    real(plan, "rope.scaling.yarn_ext_factor", rope, "extrapolation_factor");
    real(plan, "rope.scaling.yarn_attn_factor", rope, "attention_factor", "attn_factor");
    real(plan, "rope.scaling.yarn_beta_fast", rope, "beta_fast");
    real(plan, "rope.scaling.yarn_beta_slow", rope, "beta_slow");
    // What is rotated is lengthened by what the paper suggests, times this.
    double relative = yarnMagnitude(rope, factor) / yarnMagnitude(factor, 1);
    if (relative != 1) plan.key("rope.scaling.attn_factor", relative);
  }

  /// As transformers has it: what the configuration says, or a ratio of two, or the paper's.
  private static double yarnMagnitude(Config rope, double factor) throws FormatException {
    if (rope.has("attention_factor")) return rope.real("attention_factor");
    double one = rope.real("mscale", 0);
    double all = rope.real("mscale_all_dim", 0);
    return one != 0 && all != 0
        ? yarnMagnitude(factor, one) / yarnMagnitude(factor, all)
        : yarnMagnitude(factor, 1);
  }

  private static double yarnMagnitude(double factor, double multiplier) {
    return factor <= 1 ? 1 : 0.1 * multiplier * Math.log(factor) + 1;
  }

  /// {@return which layers see the last tokens alone, a sliding window, and not all of them}
  ///
  /// @param config of the folder: its `layer_types` say it
  /// @param otherwise says it of a layer, from 0, where there are none
  /// @throws FormatException if there is not one for each layer, or one is neither
  ///     `sliding_attention` nor `full_attention`
  public static List<Boolean> slidingLayers(Config config, IntPredicate otherwise)
      throws FormatException {
    int layers = config.size("num_hidden_layers");
    var types = config.texts("layer_types");
    if (types.isEmpty()) {
      return IntStream.range(0, layers).mapToObj(otherwise::test).toList();
    }
    if (types.size() != layers) {
      throw config.malformed(
          "layer_types", "one for each of the " + layers + " layers", types.size() + " of them");
    }
    for (var type : types) {
      if (!type.equals(SLIDING) && !type.equals("full_attention")) {
        throw config.malformed("layer_types", SLIDING + " or full_attention", type);
      }
    }
    return types.stream().map(SLIDING::equals).toList();
  }

  /// {@return what a new model has of the weights that not every decoder has:
  /// `output.weight` where it is not tied to the embedding; biases of the attention
  /// (`attention_bias`) and of the feed-forward block (`mlp_bias`) where the configuration asks for
  /// them}
  ///
  /// @param config with the defaults of its class
  /// @param tiedByDefault what the class takes for `tie_word_embeddings`
  /// @param always names of more
  /// @throws FormatException if a value is neither true nor false
  public static Set<String> optionalWeights(Config config, boolean tiedByDefault, String... always)
      throws FormatException {
    var names = new HashSet<>(List.of(always));
    if (!config.bool("tie_word_embeddings", tiedByDefault)) names.add("output.weight");
    if (config.bool("attention_bias", false))
      names.addAll(List.of("attn_q.bias", "attn_k.bias", "attn_v.bias", "attn_output.bias"));
    if (config.bool("mlp_bias", false))
      names.addAll(List.of("ffn_gate.bias", "ffn_up.bias", "ffn_down.bias"));
    return names;
  }

  /// Refuses a folder whose value for a key is another than what the graph computes.
  ///
  /// @param config of the folder
  /// @param key its name, for example `hidden_act`
  /// @param computed the texts that mean what the graph computes; absent is the first of them
  /// @throws FormatException if the value is no text
  /// @throws UnsupportedOperationException if it is another
  public static void require(Config config, String key, String... computed) throws FormatException {
    var found = config.textOr(key, computed[0]);
    for (var known : computed) if (known.equals(found)) return;
    throw new UnsupportedOperationException(
        config.path()
            + ": "
            + key
            + " "
            + FormatException.quote(found)
            + " is not supported for "
            + config.architecture()
            + "; known: "
            + String.join(", ", computed));
  }
}
