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
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// GPT-2 (Radford et al., 2019).
///
/// Pre-norm blocks, layer norms with biases, learned positions, queries, keys and values in one
/// matrix, a feed-forward of GELU; output tied to the embedding where the file has no
/// `output.weight`.
public final class Gpt2 implements Architecture, FolderMapping {
  /// Found as a service.
  public Gpt2() {}

  @Override
  public String name() {
    return "gpt2";
  }

  @Override
  public Decoder bind(Gguf gguf, Weights w) throws GgufFormatException {
    var hp = Hyperparameters.of(gguf);
    var epsilon = Hyperparameters.epsilon(gguf, "gpt2.attention.layer_norm_epsilon");
    var embedding = w.table("token_embd.weight", hp.width(), hp.vocabulary());
    var positions = w.table("position_embd.weight", hp.width(), hp.contextLength());
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < hp.layers(); i++) layers.add(Layer.bind(hp, epsilon, w.block(i)));
    var outputNorm = LayerNorm.bind(w, "output_norm", hp.width(), epsilon);
    var output = Projection.output(w, hp.width(), hp.vocabulary());
    return new Net(hp, embedding, positions, List.copyOf(layers), outputNorm, output);
  }

  private record Net(
      Hyperparameters hp,
      Tensor embedding, // [width, vocabulary]
      Tensor positionEmbedding, // [width, contextLength]
      List<Layer> layers,
      LayerNorm outputNorm,
      Projection output) // [width, vocabulary]
      implements Decoder {

    @Override
    public Tensor forward(Graph g, Inputs in, KvView cache) {
      var x =
          g.add(
              g.rows(embedding, in.tokens()),
              g.rows(positionEmbedding, in.positions())); // [width, t]
      for (int i = 0; i < layers.size(); i++) {
        var layer = layers.get(i);
        var h = layer.attention(g, hp, cache, i, layer.attnNorm.apply(g, x)); // [width, t]
        if (i == layers.size() - 1) { // nothing after the last attention looks at other tokens
          h = g.rows(h, in.outputs()); // [width, n]
          x = g.rows(x, in.outputs()); // [width, n]
        }
        x = g.add(h, x);
        h = g.gelu(layer.up.apply(g, layer.ffnNorm.apply(g, x))); // [ffnWidth, t]
        x = g.add(layer.down.apply(g, h), x); // [width, t]
      }
      return output.apply(g, outputNorm.apply(g, x)); // [vocabulary, n]
    }

    @Override
    public int positions() {
      return hp.contextLength();
    }
  }

  private record Layer(
      LayerNorm attnNorm,
      QkvProjection qkv,
      Projection output, // [valueDim * heads, width]
      LayerNorm ffnNorm,
      Projection up, // [width, ffnWidth]
      Projection down) { // [ffnWidth, width]

    static Layer bind(Hyperparameters hp, float epsilon, Weights w) throws GgufFormatException {
      return new Layer(
          LayerNorm.bind(w, "attn_norm", hp.width(), epsilon),
          QkvProjection.bind(hp, w),
          Projection.bind(w, "attn_output", hp.valueDim() * hp.heads(), hp.width()),
          LayerNorm.bind(w, "ffn_norm", hp.width(), epsilon),
          Projection.unscaled(w, "ffn_up", hp.width(), hp.ffnWidth()),
          Projection.unscaled(w, "ffn_down", hp.ffnWidth(), hp.width()));
    }

    Tensor attention(Graph g, Hyperparameters hp, KvView cache, int layer, Tensor x) {
      var heads = qkv.apply(g, x);
      var scale = (float) (1 / Math.sqrt(hp.headDim()));
      var attended = cache.attend(layer, heads.queries(), heads.keys(), heads.values(), scale);
      return output.apply(g, attended); // [width, t]
    }
  }

  // How a Hugging Face folder becomes such a file.

  /// The causal mask, which old folders have as a tensor.
  private static final Pattern MASKS = Pattern.compile(".*\\.attn\\.(masked_)?bias");

  @Override
  public List<String> classes() {
    return List.of("GPT2LMHeadModel");
  }

  @Override
  public Map<String, Object> defaults(String modelClass) {
    return Map.of(
        "n_positions", 1024L,
        "n_embd", 768L,
        "n_layer", 12L,
        "n_head", 12L,
        "layer_norm_epsilon", 1e-5);
  }

  @Override
  public void keys(Config config, GgufPlan plan) throws IOException {
    DecoderKeys.require(
        config,
        "activation_function",
        "gelu_new",
        "gelu_pytorch_tanh",
        "gelu_fast",
        "gelu_accurate");
    if (!config.bool("scale_attn_weights", true))
      throw unsupported(config, "scale_attn_weights false");
    if (config.bool("scale_attn_by_inverse_layer_idx", false))
      throw unsupported(config, "scale_attn_by_inverse_layer_idx true");
    int width = config.size("n_embd", "hidden_size");
    plan.key("block_count", config.size("n_layer", "num_hidden_layers"));
    plan.key("context_length", config.size("n_positions", "max_position_embeddings"));
    plan.key("embedding_length", width);
    plan.key("feed_forward_length", config.has("n_inner") ? config.size("n_inner") : 4L * width);
    plan.key("attention.head_count", config.size("n_head", "num_attention_heads"));
    plan.key("attention.layer_norm_epsilon", config.real("layer_norm_epsilon"));
  }

  @Override
  public Set<String> optionalWeights(Config config) throws FormatException {
    return DecoderKeys.optionalWeights(
        config,
        true,
        "attn_qkv.weight",
        "attn_qkv.bias",
        "attn_output.bias",
        "ffn_up.bias",
        "ffn_down.bias");
  }

  @Override
  public void map(ModelFolder folder, GgufPlan plan) throws IOException {
    keys(folder.config(), plan);
    var model = folder.prefix("transformer.", "");
    folder.leaveOut(MASKS);
    plan.embeddings(folder, model + "wte.weight", "lm_head.weight", true);
    plan.tensor("position_embd.weight", folder.weight(model + "wpe.weight"));
    plan.projection("output_norm", folder, model + "ln_f");
    int layers = folder.config().size("n_layer", "num_hidden_layers");
    for (int i = 0; i < layers; i++) mapLayer(folder, model + "h." + i + ".", plan.block(i));
  }

  private static void mapLayer(ModelFolder folder, String layer, GgufPlan plan) throws IOException {
    plan.projection("attn_norm", folder, layer + "ln_1");
    mapConv1d("attn_qkv", folder, layer + "attn.c_attn", plan);
    mapConv1d("attn_output", folder, layer + "attn.c_proj", plan);
    plan.projection("ffn_norm", folder, layer + "ln_2");
    mapConv1d("ffn_up", folder, layer + "mlp.c_fc", plan);
    mapConv1d("ffn_down", folder, layer + "mlp.c_proj", plan);
  }

  /// GPT-2's matrices have a row for each input, others one for each output.
  private static void mapConv1d(String name, ModelFolder folder, String stored, GgufPlan plan)
      throws IOException {
    plan.tensor(name + ".weight", folder.weight(stored + ".weight").transposed());
    plan.tensor(name + ".bias", folder.weight(stored + ".bias"));
  }

  private static UnsupportedOperationException unsupported(Config config, String setting) {
    return new UnsupportedOperationException(
        config.path() + ": " + setting + " is not supported for gpt2");
  }
}
