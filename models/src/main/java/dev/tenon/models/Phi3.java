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

/// Phi-3 (Abdin et al., 2024), Phi-3.5 and Phi-4, the dense models.
///
/// Pre-norm blocks, SwiGLU feed-forward; queries, keys and values in one matrix, gate and up in
/// another; rotary positions of a part of each head, with LongRoPE's factors where the file has
/// them; a sliding window in some. The output is tied to the embedding where the file has no
/// `output.weight`.
public final class Phi3 implements Architecture, FolderMapping {
  /// Found as a service.
  public Phi3() {}

  @Override
  public String name() {
    return "phi3";
  }

  @Override
  public Decoder bind(Gguf gguf, Weights w) throws GgufFormatException {
    var hp = Hyperparameters.of(gguf);
    var epsilon = Hyperparameters.epsilon(gguf, "phi3.attention.layer_norm_rms_epsilon");
    int window = Hyperparameters.window(gguf, "phi3.attention.sliding_window");
    var rope = LongRope.bind(hp.rope(gguf, Rope.Layout.SPLIT, null), w);
    var embedding = w.table("token_embd.weight", hp.width(), hp.vocabulary());
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < hp.layers(); i++) layers.add(Layer.bind(hp, w.block(i)));
    var outputNorm = w.vector("output_norm.weight", hp.width());
    var output = Projection.output(w, hp.width(), hp.vocabulary());
    return new Net(hp, window, rope, epsilon, embedding, List.copyOf(layers), outputNorm, output);
  }

  private record Net(
      Hyperparameters hp,
      int window,
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
        x = g.add(layer.down.apply(g, g.swiglu(layer.gateUp.apply(g, h))), x); // [width, t]
      }
      return output.apply(g, g.rmsNorm(x, outputNorm, epsilon)); // [vocabulary, n]
    }

    @Override
    public Rope keyRope(int layer) {
      return rope;
    }
  }

  private record Layer(
      Tensor attnNorm, // [width]
      QkvProjection qkv,
      Projection output, // [valueDim * heads, width]
      Tensor ffnNorm, // [width]
      Projection gateUp, // [width, 2 * ffnWidth]
      Projection down) { // [ffnWidth, width]

    static Layer bind(Hyperparameters hp, Weights w) throws GgufFormatException {
      return new Layer(
          w.vector("attn_norm.weight", hp.width()),
          QkvProjection.bind(hp, w),
          Projection.bind(w, "attn_output", (long) hp.valueDim() * hp.heads(), hp.width()),
          w.vector("ffn_norm.weight", hp.width()),
          Projection.unscaled(w, "ffn_up", hp.width(), 2L * hp.ffnWidth()),
          Projection.unscaled(w, "ffn_down", hp.ffnWidth(), hp.width()));
    }

    Tensor attention(Graph g, Net net, Tensor positions, KvView cache, int layer, Tensor x) {
      var rope = net.rope.forContext(cache.contextLength());
      var heads = qkv.apply(g, x);
      var queries = g.rope(heads.queries(), positions, rope); // [headDim, heads, t]
      var keys = g.rope(heads.keys(), positions, rope); // [headDim, kvHeads, t]
      var scale = (float) (1 / Math.sqrt(net.hp.headDim()));
      var attended = cache.attend(layer, queries, keys, heads.values(), scale, net.window);
      return output.apply(g, attended); // [width, t]
    }
  }

  // How a Hugging Face folder becomes such a file.

  @Override
  public List<String> classes() {
    return List.of("Phi3ForCausalLM");
  }

  @Override
  public Map<String, Object> defaults(String modelClass) {
    return Map.of(
        "max_position_embeddings",
        4096L,
        "original_max_position_embeddings",
        4096L,
        "rms_norm_eps",
        1e-5,
        "rope_theta",
        10000.0);
  }

  @Override
  public void keys(Config config, GgufPlan plan) throws IOException {
    DecoderKeys.require(config, "hidden_act", "silu", "swish");
    int width = config.size("hidden_size");
    int heads = config.size("num_attention_heads");
    int headDim = config.size("head_dim", width / heads);
    DecoderKeys.put(plan, config);
    double part = DecoderKeys.rope(config).real("partial_rotary_factor", 1);
    int dims = (int) (headDim * part);
    if (dims < 2 || dims > headDim || dims % 2 != 0)
      throw config.malformed(
          "partial_rotary_factor", "pairs of the head's " + headDim + " elements", "" + part);
    plan.key("rope.dimension_count", dims);
    plan.key("rope.scaling.original_context_length", LongRope.originalContext(config));
    LongRope.map(config, dims, plan);
    plan.key(
        "attention.sliding_window",
        config.has("sliding_window") ? config.size("sliding_window") : 0);
  }

  @Override
  public Set<String> optionalWeights(Config config) throws FormatException {
    return DecoderKeys.optionalWeights(config, false, "attn_qkv.weight");
  }

  @Override
  public void map(ModelFolder folder, GgufPlan plan) throws IOException {
    var config = folder.config();
    keys(config, plan);
    plan.embeddings(folder, "model.embed_tokens.weight", "lm_head.weight", false);
    plan.projection("output_norm", folder, "model.norm");
    for (int i = 0; i < config.size("num_hidden_layers"); i++)
      mapLayer(folder, "model.layers." + i + ".", plan.block(i));
  }

  private static void mapLayer(ModelFolder folder, String layer, GgufPlan plan) throws IOException {
    plan.projection("attn_norm", folder, layer + "input_layernorm");
    plan.projection("attn_qkv", folder, layer + "self_attn.qkv_proj");
    plan.projection("attn_output", folder, layer + "self_attn.o_proj");
    plan.projection("ffn_norm", folder, layer + "post_attention_layernorm");
    plan.projection("ffn_up", folder, layer + "mlp.gate_up_proj"); // both, gate first
    plan.projection("ffn_down", folder, layer + "mlp.down_proj");
  }
}
