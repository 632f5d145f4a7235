package dev.tenon.models;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.DecoderKeys;
import dev.tenon.huggingface.FolderMapping;
import dev.tenon.huggingface.FormatException;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.model.Architecture;
import dev.tenon.model.Decoder;
import dev.tenon.model.Hyperparameters;
import dev.tenon.model.Inputs;
import dev.tenon.model.Projection;
import dev.tenon.model.QkvProjection;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.Rope;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/// Gemma 3 (Gemma Team, 2025), its language model.
///
/// Embeddings multiplied by the root of their length; norms before and after both halves of a
/// block; each head of queries and keys normed before it is rotated; GELU-gated feed-forward. Most
/// layers are local: they see the last tokens alone, and rotate by a base of their own. The output
/// is tied to the embedding where the file has no `output.weight`.
public final class Gemma3 implements Architecture, FolderMapping {
  /// Found as a service.
  public Gemma3() {}

  @Override
  public String name() {
    return "gemma3";
  }

  @Override
  public Decoder bind(Gguf gguf, Weights w) throws GgufFormatException {
    var hp = Hyperparameters.of(gguf);
    var epsilon = Hyperparameters.epsilon(gguf, "gemma3.attention.layer_norm_rms_epsilon");
    // The cache has keys and values of one length.
    for (var length : List.of("key_length", "value_length")) {
      var key = "gemma3.attention." + length + "_swa";
      int usual = length.startsWith("key") ? hp.headDim() : hp.valueDim();
      int local = Hyperparameters.number(gguf, key, usual);
      if (local != usual)
        throw gguf.malformed(key, key + " of " + usual + ", as in the other layers", "" + local);
    }
    var global = new Positions(hp.rope(gguf, Rope.Layout.SPLIT, null), Integer.MAX_VALUE);
    // The scalings that stretch a context are for the layers that see all of it.
    var localBase = Hyperparameters.base(gguf, "gemma3.rope.freq_base_swa", 10000);
    int window = Hyperparameters.window(gguf, "gemma3.attention.sliding_window");
    var local = new Positions(global.rope.unscaled(localBase), window);
    var isLocal = localLayers(gguf, hp.layers());

    var embedding = w.table("token_embd.weight", hp.width(), hp.vocabulary());
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < hp.layers(); i++)
      layers.add(Layer.bind(hp, isLocal[i] ? local : global, w.block(i)));
    var outputNorm = w.vector("output_norm.weight", hp.width());
    var output = Projection.output(w, hp.width(), hp.vocabulary());
    var softcap = (float) Hyperparameters.finite(gguf, "gemma3.final_logit_softcapping", 0);
    return new Net(
        hp, epsilon, scale(gguf, hp), embedding, List.copyOf(layers), outputNorm, output, softcap);
  }

  /// Which layers see the last tokens alone: those the file lists; or all but each last of so many,
  /// of six where it does not say.
  private static boolean[] localLayers(Gguf gguf, int layers) throws GgufFormatException {
    var key = "gemma3.attention.sliding_window_pattern";
    var local = new boolean[layers];
    if (Hyperparameters.window(gguf, "gemma3.attention.sliding_window") == Integer.MAX_VALUE)
      return local;
    if (gguf.isArray(key)) return Windows.pattern(gguf, key, layers);
    int period = Hyperparameters.number(gguf, key, 6);
    for (int i = 0; i < layers; i++) local[i] = period == 0 || isLocal(i, period);
    return local;
  }

  /// What scores are multiplied by. A file that does not say it means what llama.cpp takes for it,
  /// which for the largest model, told by its layers, is not by the length of a head.
  private static float scale(Gguf gguf, Hyperparameters hp) throws GgufFormatException {
    var key = "gemma3.attention.scale";
    var scale = (float) Hyperparameters.finite(gguf, key, 0);
    if (scale < 0) throw gguf.malformed(key, key + " of at least 0", "" + scale);
    return scale == 0 ? usualScale(hp.layers(), hp.width(), hp.heads(), hp.headDim()) : scale;
  }

  private static float usualScale(int layers, int width, int heads, int headDim) {
    return (float) (1 / Math.sqrt(layers == 62 ? width / heads : headDim));
  }

  /// How a layer turns positions, and how many tokens it sees.
  private record Positions(Rope rope, int window) {}

  private record Net(
      Hyperparameters hp,
      float epsilon,
      float scale,
      Tensor embedding, // [width, vocabulary]
      List<Layer> layers,
      Tensor outputNorm, // [width]
      Projection output, // [width, vocabulary]
      float softcap)
      implements Decoder {

    @Override
    public Tensor forward(Graph g, Inputs in, KvView cache) {
      var x = g.rows(embedding, in.tokens()); // [width, t]
      x = g.scale(x, (float) Math.sqrt(hp.width()));
      for (int i = 0; i < layers.size(); i++) {
        var layer = layers.get(i);
        var h = g.rmsNorm(x, layer.attnNorm, epsilon); // [width, t]
        h = layer.attention(g, this, in.positions(), cache, i, h); // [width, t]
        if (i == layers.size() - 1) { // nothing after the last attention looks at other tokens
          h = g.rows(h, in.outputs()); // [width, n]
          x = g.rows(x, in.outputs()); // [width, n]
        }
        x = g.add(g.rmsNorm(h, layer.attnPostNorm, epsilon), x);
        h = layer.feedForward(g, g.rmsNorm(x, layer.ffnNorm, epsilon));
        x = g.add(g.rmsNorm(h, layer.ffnPostNorm, epsilon), x); // [width, t]
      }
      var logits = output.apply(g, g.rmsNorm(x, outputNorm, epsilon)); // [vocabulary, n]
      if (softcap == 0) return logits;
      return g.scale(g.tanh(g.scale(logits, 1 / softcap)), softcap);
    }

    @Override
    public Rope keyRope(int layer) {
      return layers.get(layer).positions.rope;
    }
  }

  private record Layer(
      Positions positions,
      Tensor attnNorm, // [width]
      QkvProjection qkv,
      Tensor queryNorm, // [headDim]
      Tensor keyNorm, // [headDim]
      Projection output, // [valueDim * heads, width]
      Tensor attnPostNorm, // [width]
      Tensor ffnNorm, // [width]
      Projection gate, // [width, ffnWidth]
      Projection up, // [width, ffnWidth]
      Projection down, // [ffnWidth, width]
      Tensor ffnPostNorm) { // [width]

    static Layer bind(Hyperparameters hp, Positions positions, Weights w)
        throws GgufFormatException {
      return new Layer(
          positions,
          w.vector("attn_norm.weight", hp.width()),
          QkvProjection.bind(hp, w),
          w.vector("attn_q_norm.weight", hp.headDim()),
          w.vector("attn_k_norm.weight", hp.headDim()),
          Projection.bind(w, "attn_output", (long) hp.valueDim() * hp.heads(), hp.width()),
          w.vector("post_attention_norm.weight", hp.width()),
          w.vector("ffn_norm.weight", hp.width()),
          Projection.unscaled(w, "ffn_gate", hp.width(), hp.ffnWidth()),
          Projection.unscaled(w, "ffn_up", hp.width(), hp.ffnWidth()),
          Projection.unscaled(w, "ffn_down", hp.ffnWidth(), hp.width()),
          w.vector("post_ffw_norm.weight", hp.width()));
    }

    Tensor attention(Graph g, Net net, Tensor at, KvView cache, int layer, Tensor x) {
      var heads = qkv.apply(g, x);
      var queries = g.rmsNorm(heads.queries(), queryNorm, net.epsilon); // [headDim, heads, t]
      var keys = g.rmsNorm(heads.keys(), keyNorm, net.epsilon); // [headDim, kvHeads, t]
      queries = g.rope(queries, at, positions.rope);
      keys = g.rope(keys, at, positions.rope);
      var attended =
          cache.attend(layer, queries, keys, heads.values(), net.scale, positions.window);
      return output.apply(g, attended); // [width, t]
    }

    Tensor feedForward(Graph g, Tensor x) {
      return down.apply(g, g.geglu(gate.apply(g, x), up.apply(g, x))); // [width, t]
    }
  }

  // How a Hugging Face folder becomes such a file.

  private static final Pattern VISION =
      Pattern.compile("(model\\.)?(vision_tower|multi_modal_projector)\\..*");

  @Override
  public List<String> classes() {
    return List.of("Gemma3ForCausalLM", "Gemma3ForConditionalGeneration");
  }

  @Override
  public Map<String, Object> defaults(String modelClass) {
    return Map.of(
        "num_attention_heads", 8L,
        "num_key_value_heads", 4L,
        "head_dim", 256L,
        "max_position_embeddings", 131072L,
        "rms_norm_eps", 1e-6,
        "rope_theta", 1e6,
        "sliding_window", 4096L,
        "query_pre_attn_scalar", 256L);
  }

  @Override
  public void keys(Config config, GgufPlan plan) throws IOException {
    DecoderKeys.require(config, "hidden_activation", "gelu_pytorch_tanh");
    if (config.bool("use_bidirectional_attention", false))
      throw new UnsupportedOperationException(
          config.path() + ": use_bidirectional_attention is not supported");
    if (config.has("attn_logit_softcapping"))
      throw new UnsupportedOperationException(
          config.path() + ": attn_logit_softcapping is not supported");
    DecoderKeys.put(plan, config);
    mapAttention(config, plan);
    double softcap = config.real("final_logit_softcapping", 0);
    if (softcap != 0) plan.key("final_logit_softcapping", softcap);
  }

  @Override
  public Set<String> optionalWeights(Config config) throws FormatException {
    return DecoderKeys.optionalWeights(config, true);
  }

  @Override
  public void map(ModelFolder folder, GgufPlan plan) throws IOException {
    var config = folder.config();
    keys(config, plan);
    folder.leaveOut(VISION);
    var model = folder.prefix("language_model.model.", "model.language_model.", "model.", "");
    var head = model.startsWith("language_model.") ? "language_model.lm_head" : "lm_head";
    plan.embeddings(folder, model + "embed_tokens.weight", head + ".weight", true);
    plan.projection("output_norm", folder, model + "norm", w -> w.plus(1));
    for (int i = 0; i < config.size("num_hidden_layers"); i++)
      mapLayer(folder, model + "layers." + i + ".", plan.block(i));
  }

  private static void mapAttention(Config config, GgufPlan plan) throws IOException {
    int layers = config.size("num_hidden_layers");
    int width = config.size("hidden_size");
    int heads = config.size("num_attention_heads");
    int headDim = config.size("head_dim");
    double scalar = config.real("query_pre_attn_scalar");
    if (!(scalar > 0)) throw config.malformed("query_pre_attn_scalar", "above 0", "" + scalar);
    var scale = (float) (1 / Math.sqrt(scalar));
    if (scale != usualScale(layers, width, heads, headDim)) plan.key("attention.scale", scale);

    int period = config.size("sliding_window_pattern", 6);
    var local = DecoderKeys.slidingLayers(config, i -> isLocal(i, period));
    if (!local.contains(true)) return;
    plan.key("attention.sliding_window", config.size("sliding_window"));
    var rope = config.object("rope_parameters").object("sliding_attention");
    if (rope.has("rope_theta") || config.has("rope_local_base_freq"))
      plan.key(
          "rope.freq_base_swa",
          rope.has("rope_theta") ? rope.real("rope_theta") : config.real("rope_local_base_freq"));
    if (IntStream.range(0, layers).anyMatch(i -> local.get(i) != isLocal(i, 6)))
      plan.key("attention.sliding_window_pattern", Windows.pattern(local));
  }

  /// The last of so many layers sees all tokens.
  private static boolean isLocal(int layer, int period) {
    return layer % period < period - 1;
  }

  private static void mapLayer(ModelFolder folder, String layer, GgufPlan plan) throws IOException {
    var attention = layer + "self_attn.";
    // Norms are stored as what they differ from 1.
    plan.projection("attn_norm", folder, layer + "input_layernorm", w -> w.plus(1));
    plan.projection("attn_q", folder, attention + "q_proj");
    plan.projection("attn_k", folder, attention + "k_proj");
    plan.projection("attn_v", folder, attention + "v_proj");
    plan.projection("attn_q_norm", folder, attention + "q_norm", w -> w.plus(1));
    plan.projection("attn_k_norm", folder, attention + "k_norm", w -> w.plus(1));
    plan.projection("attn_output", folder, attention + "o_proj");
    plan.projection(
        "post_attention_norm", folder, layer + "post_attention_layernorm", w -> w.plus(1));
    plan.projection("ffn_norm", folder, layer + "pre_feedforward_layernorm", w -> w.plus(1));
    plan.projection("ffn_gate", folder, layer + "mlp.gate_proj");
    plan.projection("ffn_up", folder, layer + "mlp.up_proj");
    plan.projection("ffn_down", folder, layer + "mlp.down_proj");
    plan.projection("post_ffw_norm", folder, layer + "post_feedforward_layernorm", w -> w.plus(1));
  }
}
