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
import dev.tenon.model.SwiGlu;
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

/// Qwen3 (Yang et al., 2025), the dense models.
///
/// As [Qwen2], but each head of queries and keys is normed before it is rotated, heads have a
/// length of their own, and attention has no biases, save where a file has them.
public final class Qwen3 implements Architecture, FolderMapping {
  /// Found as a service.
  public Qwen3() {}

  @Override
  public String name() {
    return "qwen3";
  }

  @Override
  public Decoder bind(Gguf gguf, Weights w) throws GgufFormatException {
    var hp = Hyperparameters.of(gguf);
    var epsilon = Hyperparameters.epsilon(gguf, "qwen3.attention.layer_norm_rms_epsilon");
    var rope = hp.rope(gguf, Rope.Layout.SPLIT, null);
    var embedding = w.table("token_embd.weight", hp.width(), hp.vocabulary());
    var layers = new ArrayList<Layer>();
    var windows = Windows.bind(gguf, hp.layers());
    for (int i = 0; i < hp.layers(); i++) layers.add(Layer.bind(hp, windows[i], w.block(i)));
    var outputNorm = w.vector("output_norm.weight", hp.width());
    var output = Projection.output(w, hp.width(), hp.vocabulary());
    return new Net(hp, rope, epsilon, embedding, List.copyOf(layers), outputNorm, output);
  }

  private record Net(
      Hyperparameters hp,
      Rope rope,
      float epsilon,
      Tensor embedding, // [width, vocabulary]
      List<Layer> layers,
      Tensor outputNorm, // [width]
      Projection output) // [width, vocabulary]
      implements Decoder {

    @Override
    public Tensor forward(Graph g, Inputs in, KvView cache) {
      var x = g.rows(embedding, in.tokens()); // [width, t]
      for (int i = 0; i < layers.size(); i++) {
        var layer = layers.get(i);
        var h = g.rmsNorm(x, layer.attnNorm, epsilon); // [width, t]
        h = layer.attention(g, this, in.positions(), cache, i, h); // [width, t]
        if (i == layers.size() - 1) { // nothing after the last attention looks at other tokens
          h = g.rows(h, in.outputs()); // [width, n]
          x = g.rows(x, in.outputs()); // [width, n]
        }
        x = g.add(h, x);
        h = g.rmsNorm(x, layer.ffnNorm, epsilon);
        x = g.add(layer.feedForward.apply(g, h), x); // [width, t]
      }
      return output.apply(g, g.rmsNorm(x, outputNorm, epsilon)); // [vocabulary, n]
    }

    @Override
    public Rope keyRope(int layer) {
      return rope;
    }
  }

  private record Layer(
      int window, // tokens that each token sees
      Tensor attnNorm, // [width]
      QkvProjection qkv,
      Tensor queryNorm, // [headDim]
      Tensor keyNorm, // [headDim]
      Projection output, // [valueDim * heads, width]
      Tensor ffnNorm, // [width]
      SwiGlu feedForward) {

    static Layer bind(Hyperparameters hp, int window, Weights w) throws GgufFormatException {
      return new Layer(
          window,
          w.vector("attn_norm.weight", hp.width()),
          QkvProjection.bind(hp, w),
          w.vector("attn_q_norm.weight", hp.headDim()),
          w.vector("attn_k_norm.weight", hp.headDim()),
          Projection.bind(w, "attn_output", hp.valueDim() * hp.heads(), hp.width()),
          w.vector("ffn_norm.weight", hp.width()),
          SwiGlu.bind(hp, w));
    }

    Tensor attention(Graph g, Net net, Tensor positions, KvView cache, int layer, Tensor x) {
      var heads = qkv.apply(g, x);
      var queries = g.rmsNorm(heads.queries(), queryNorm, net.epsilon); // [headDim, heads, t]
      var keys = g.rmsNorm(heads.keys(), keyNorm, net.epsilon); // [headDim, kvHeads, t]
      queries = g.rope(queries, positions, net.rope);
      keys = g.rope(keys, positions, net.rope);
      var scale = (float) (1 / Math.sqrt(net.hp.headDim()));
      var attended = cache.attend(layer, queries, keys, heads.values(), scale, window);
      return output.apply(g, attended); // [width, t]
    }
  }

  // How a Hugging Face folder becomes such a file.

  @Override
  public List<String> classes() {
    return List.of("Qwen3ForCausalLM");
  }

  @Override
  public Map<String, Object> defaults(String modelClass) {
    return Map.of(
        "max_position_embeddings", 32768L,
        "num_key_value_heads", 32L,
        "rms_norm_eps", 1e-6,
        "rope_theta", 10000.0,
        "sliding_window", 4096L,
        "max_window_layers", 28L,
        "head_dim", 128L);
  }

  @Override
  public void keys(Config config, GgufPlan plan) throws IOException {
    DecoderKeys.require(config, "hidden_act", "silu", "swish");
    Qwen2.checkRope(config);
    DecoderKeys.put(plan, config);
    Qwen2.mapWindows(config, plan);
  }

  @Override
  public Set<String> optionalWeights(Config config) throws FormatException {
    return DecoderKeys.optionalWeights(config, false);
  }

  @Override
  public void map(ModelFolder folder, GgufPlan plan) throws IOException {
    var config = folder.config();
    keys(config, plan);
    var model = folder.prefix("model.", "");
    plan.embeddings(folder, model + "embed_tokens.weight", "lm_head.weight", false);
    plan.projection("output_norm", folder, model + "norm");
    for (int i = 0; i < config.size("num_hidden_layers"); i++)
      mapLayer(folder, model + "layers." + i + ".", plan.block(i));
  }

  private static void mapLayer(ModelFolder folder, String layer, GgufPlan plan) throws IOException {
    plan.projection("attn_norm", folder, layer + "input_layernorm");
    plan.projection("attn_q", folder, layer + "self_attn.q_proj");
    plan.projection("attn_k", folder, layer + "self_attn.k_proj");
    plan.projection("attn_v", folder, layer + "self_attn.v_proj");
    plan.projection("attn_q_norm", folder, layer + "self_attn.q_norm");
    plan.projection("attn_k_norm", folder, layer + "self_attn.k_norm");
    plan.projection("attn_output", folder, layer + "self_attn.o_proj");
    plan.projection("ffn_norm", folder, layer + "post_attention_layernorm");
    plan.projection("ffn_gate", folder, layer + "mlp.gate_proj");
    plan.projection("ffn_up", folder, layer + "mlp.up_proj");
    plan.projection("ffn_down", folder, layer + "mlp.down_proj");
  }
}
