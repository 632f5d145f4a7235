package dev.tenon.models;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.Shape;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.DecoderKeys;
import dev.tenon.huggingface.FolderMapping;
import dev.tenon.huggingface.FormatException;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.huggingface.Weight;
import dev.tenon.model.Architecture;
import dev.tenon.model.Decoder;
import dev.tenon.model.ExpertProjection;
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

/// Llama (Touvron et al., 2023), and what shares its graph: Llama 2 and 3, Mistral, and as a
/// mixture of experts Mixtral (Jiang et al., 2024).
///
/// Pre-norm blocks, grouped-query attention, rotary positions on neighbouring elements, SwiGLU
/// feed-forward; biases where the file has them; output tied to the embedding where it has no
/// `output.weight`.
public final class Llama implements Architecture, FolderMapping {
  /// Found as a service.
  public Llama() {}

  @Override
  public String name() {
    return "llama";
  }

  @Override
  public Decoder bind(Gguf gguf, Weights w) throws GgufFormatException {
    var hp = Hyperparameters.of(gguf);
    var epsilon = Hyperparameters.epsilon(gguf, "llama.attention.layer_norm_rms_epsilon");
    var experts = Experts.of(gguf);
    // Llama 3 stretches its context by a factor for each frequency.
    var factors =
        w.has("rope_freqs.weight") ? w.vector("rope_freqs.weight", hp.headDim() / 2) : null;
    var rope = LongRope.bind(hp.rope(gguf, Rope.Layout.ADJACENT, factors), w);
    if (rope.dims() != hp.headDim())
      throw gguf.malformed(
          "llama.rope.dimension_count",
          "llama.rope.dimension_count to be the head's " + hp.headDim(),
          "" + rope.dims());
    // Mistral has one; llama.cpp has no key for it.
    int window = Hyperparameters.window(gguf, "tenon.attention.sliding_window");

    var embedding = w.table("token_embd.weight", hp.width(), hp.vocabulary());
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < hp.layers(); i++) layers.add(Layer.bind(hp, experts, w.block(i)));
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
      Tensor attnNorm, // [width]
      QkvProjection qkv,
      Projection output, // [valueDim * heads, width]
      Tensor ffnNorm, // [width]
      FeedForward feedForward) {

    static Layer bind(Hyperparameters hp, Experts experts, Weights w) throws GgufFormatException {
      return new Layer(
          w.vector("attn_norm.weight", hp.width()),
          QkvProjection.bind(hp, w),
          Projection.bind(w, "attn_output", hp.valueDim() * hp.heads(), hp.width()),
          w.vector("ffn_norm.weight", hp.width()),
          experts.count() == 0 ? SwiGlu.bind(hp, w)::apply : Mixture.bind(hp, experts, w)::apply);
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

  @FunctionalInterface
  private interface FeedForward {
    /// `x` `[width, t]` to `[width, t]`.
    Tensor apply(Graph g, Tensor x);
  }

  /// How many experts there are, how many each token is sent to, and what their sum is multiplied
  /// by.
  private record Experts(int count, int used, float scale) {
    static Experts of(Gguf gguf) throws GgufFormatException {
      int count = Hyperparameters.number(gguf, "llama.expert_count", 0);
      int used = Hyperparameters.number(gguf, "llama.expert_used_count", 0);
      if (count > 0 && (used < 1 || used > count))
        throw gguf.malformed(
            "llama.expert_used_count",
            "llama.expert_used_count from 1 to the " + count + " experts",
            "" + used);
      return new Experts(count, used, (float) gguf.real("llama.expert_weights_scale", 0));
    }
  }

  private record Mixture(
      Experts experts,
      Tensor router, // [width, experts]
      ExpertProjection gate, // [width, ffnWidth, experts]
      ExpertProjection up, // [width, ffnWidth, experts]
      ExpertProjection down) { // [ffnWidth, width, experts]

    static Mixture bind(Hyperparameters hp, Experts experts, Weights w) throws GgufFormatException {
      int n = experts.count();
      return new Mixture(
          experts,
          w.matrix("ffn_gate_inp.weight", hp.width(), n),
          ExpertProjection.bind(w, "ffn_gate_exps", hp.width(), hp.ffnWidth(), n),
          ExpertProjection.bind(w, "ffn_up_exps", hp.width(), hp.ffnWidth(), n),
          ExpertProjection.bind(w, "ffn_down_exps", hp.ffnWidth(), hp.width(), n));
    }

    Tensor apply(Graph g, Tensor x) {
      long width = x.shape().n0();
      long t = x.shape().n1();
      int used = experts.used();
      var probabilities = g.softmax(g.matmul(router, x)); // [experts, t]
      var chosen = g.topK(probabilities, used); // I32 [used, t]
      var shares =
          g.rows(g.reshape(probabilities, Shape.of(1, experts.count(), t)), chosen); // [1, used, t]
      shares = g.reshape(shares, Shape.of(used, t));
      var sum = g.clamp(g.sumRows(shares), MIN_SUM, Float.POSITIVE_INFINITY); // [1, t]
      shares = g.reshape(g.div(shares, sum), Shape.of(1, used, t));
      if (experts.scale() != 0 && experts.scale() != 1) shares = g.scale(shares, experts.scale());

      var h = g.reshape(x, Shape.of(width, 1, t));
      h = g.swiglu(gate.apply(g, h, chosen), up.apply(g, h, chosen)); // [ffnWidth, used, t]
      h = g.mul(down.apply(g, h, chosen), shares); // [width, used, t]
      return g.sumSlices(h); // [width, t]
    }

    /// The smallest normal half-precision number keeps the division from zero.
    private static final float MIN_SUM = 6.103515625e-5f;
  }

  // How a Hugging Face folder becomes such a file.

  @Override
  public List<String> classes() {
    return List.of(
        "LlamaForCausalLM", "LLaMAForCausalLM", "MistralForCausalLM", "MixtralForCausalLM");
  }

  @Override
  public Map<String, Object> defaults(String modelClass) {
    return switch (modelClass) {
      case "MistralForCausalLM" ->
          Map.of(
              "max_position_embeddings", 131072L,
              "num_key_value_heads", 8L,
              "rms_norm_eps", 1e-6,
              "rope_theta", 10000.0,
              "sliding_window", 4096L);
      case "MixtralForCausalLM" ->
          Map.of(
              "max_position_embeddings", 131072L,
              "num_key_value_heads", 8L,
              "num_local_experts", 8L,
              "num_experts_per_tok", 2L,
              "rms_norm_eps", 1e-5,
              "rope_theta", 1e6);
      default ->
          Map.of("max_position_embeddings", 2048L, "rms_norm_eps", 1e-6, "rope_theta", 10000.0);
    };
  }

  @Override
  public void keys(Config config, GgufPlan plan) throws IOException {
    DecoderKeys.require(config, "hidden_act", "silu", "swish");
    int width = config.size("hidden_size");
    int heads = config.size("num_attention_heads");
    int headDim = config.size("head_dim", width / heads);
    DecoderKeys.put(plan, config);
    plan.key("vocab_size", config.size("vocab_size"));
    plan.key("rope.dimension_count", headDim);
    plan.key("attention.key_length", headDim);
    plan.key("attention.value_length", headDim);

    var rope = DecoderKeys.rope(config);
    if (rope.textOr("rope_type", "").equals("llama3"))
      plan.tensor("rope_freqs.weight", Weight.of(factors(rope, headDim)));
    LongRope.map(config, headDim, plan);
    boolean mistral = config.architecture() instanceof String name && name.startsWith("Mi");
    if (mistral && config.has("sliding_window")) Windows.map(config, plan); // Mixtral as well
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
    int experts = config.has("num_local_experts") ? config.size("num_local_experts") : 0;
    for (int i = 0; i < config.size("num_hidden_layers"); i++)
      mapLayer(folder, model + "layers." + i + ".", experts, plan.block(i));
  }

  private static void mapLayer(ModelFolder folder, String layer, int experts, GgufPlan plan)
      throws IOException {
    var config = folder.config();
    int heads = config.size("num_attention_heads");
    int kvHeads = config.size("num_key_value_heads", heads);
    plan.projection("attn_norm", folder, layer + "input_layernorm");
    plan.projection("attn_q", folder, layer + "self_attn.q_proj", w -> w.rotaryPairs(heads));
    plan.projection("attn_k", folder, layer + "self_attn.k_proj", w -> w.rotaryPairs(kvHeads));
    plan.projection("attn_v", folder, layer + "self_attn.v_proj");
    plan.projection("attn_output", folder, layer + "self_attn.o_proj");
    plan.projection("ffn_norm", folder, layer + "post_attention_layernorm");
    if (experts == 0) {
      plan.projection("ffn_gate", folder, layer + "mlp.gate_proj");
      plan.projection("ffn_up", folder, layer + "mlp.up_proj");
      plan.projection("ffn_down", folder, layer + "mlp.down_proj");
      return;
    }
    var mixture = layer + "block_sparse_moe.";
    plan.projection("ffn_gate_inp", folder, mixture + "gate");
    plan.tensor("ffn_gate_exps.weight", stack(folder, mixture, experts, "w1"));
    plan.tensor("ffn_down_exps.weight", stack(folder, mixture, experts, "w2"));
    plan.tensor("ffn_up_exps.weight", stack(folder, mixture, experts, "w3"));
  }

  private static Weight stack(ModelFolder folder, String mixture, int experts, String name)
      throws IOException {
    var weights = new ArrayList<Weight>();
    for (int i = 0; i < experts; i++)
      weights.add(folder.weight(mixture + "experts." + i + "." + name + ".weight"));
    return Weight.stacked(weights);
  }

  /// What the frequencies of Llama 3 are divided by: those of wavelengths beyond the old context by
  /// `factor`, short ones by 1, those between by something between.
  private static double[] factors(Config rope, int headDim) throws IOException {
    double base = rope.real("rope_theta", 10000);
    double factor = rope.real("factor", 8);
    double low = rope.real("low_freq_factor", 1);
    double high = rope.real("high_freq_factor", 4);
    double context = rope.real("original_max_position_embeddings", 8192);
    if (!(base > 0 && factor > 0 && low > 0 && high > low && context > 0))
      throw rope.malformed(
          "rope_type",
          "llama3 with positive factors, the high above the low one",
          "others among " + rope.values());
    if (headDim > 1 << 16) throw rope.malformed("head_dim", "at most " + (1 << 16), "" + headDim);
    var factors = new double[headDim / 2];
    for (int i = 0; i < factors.length; i++) {
      double wavelength = 2 * Math.PI * Math.pow(base, 2.0 * i / headDim);
      double smooth = (context / wavelength - low) / (high - low);
      if (wavelength < context / high) factors[i] = 1;
      else if (wavelength > context / low) factors[i] = factor;
      else factors[i] = 1 / ((1 - smooth) / factor + smooth);
    }
    return factors;
  }
}
