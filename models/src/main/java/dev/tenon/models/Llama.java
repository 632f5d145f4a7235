package dev.tenon.models;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.Shape;
import dev.tenon.model.Architecture;
import dev.tenon.model.Blocks;
import dev.tenon.model.Decoder;
import dev.tenon.model.ExpertProjection;
import dev.tenon.model.Hyperparameters;
import dev.tenon.model.Inputs;
import dev.tenon.model.Projection;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.Rope;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.util.ArrayList;
import java.util.List;

/// Llama (Touvron et al., 2023), and what shares its graph: Llama 2 and 3, Mistral, and as a
/// mixture of experts Mixtral (Jiang et al., 2024).
///
/// Pre-norm blocks, grouped-query attention, rotary positions on neighbouring elements, SwiGLU
/// feed-forward; biases where the file has them; output tied to the embedding where it has no
/// `output.weight`.
public final class Llama implements Architecture {
  private static final String EPSILON = "llama.attention.layer_norm_rms_epsilon";

  /// Found as a service.
  public Llama() {}

  @Override
  public String name() {
    return "llama";
  }

  @Override
  public Decoder bind(Gguf gguf, Weights w) throws GgufFormatException {
    var hp = Hyperparameters.of(gguf);
    var epsilon = (float) gguf.real(EPSILON);
    if (!(epsilon >= 0)) throw gguf.malformed(EPSILON, EPSILON + " of at least 0", "" + epsilon);
    var experts = Experts.of(gguf);
    // Llama 3 stretches its context by a factor for each frequency.
    var factors =
        w.has("rope_freqs.weight") ? w.vector("rope_freqs.weight", hp.headDim() / 2) : null;
    var rope = hp.rope(gguf, Rope.Layout.ADJACENT, factors);
    if (rope.dims() != hp.headDim())
      throw gguf.malformed(
          "llama.rope.dimension_count",
          "llama.rope.dimension_count to be the head's " + hp.headDim(),
          "" + rope.dims());

    var embedding = w.table("token_embd.weight", hp.width(), hp.vocabulary());
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < hp.layers(); i++) layers.add(Layer.bind(hp, experts, w.block(i)));
    var outputNorm = w.vector("output_norm.weight", hp.width());
    var output =
        w.matrix(
            w.has("output.weight") ? "output.weight" : "token_embd.weight",
            hp.width(),
            hp.vocabulary());
    return new Net(hp, rope, epsilon, embedding, List.copyOf(layers), outputNorm, output);
  }

  private record Net(
      Hyperparameters hp,
      Rope rope,
      float epsilon,
      Tensor embedding, // [width, vocabulary]
      List<Layer> layers,
      Tensor outputNorm, // [width]
      Tensor output) // [width, vocabulary]
      implements Decoder {

    @Override
    public Tensor forward(Graph g, Inputs in, KvView cache) {
      var x = g.rows(embedding, in.tokens()); // [width, t]
      for (int i = 0; i < layers.size(); i++) {
        var layer = layers.get(i);
        var h = g.rmsNorm(x, layer.attnNorm, epsilon); // [width, t]
        h = layer.attention(g, hp, rope, in.positions(), cache, i, h); // [width, t]
        if (i == layers.size() - 1) { // nothing after the last attention looks at other tokens
          h = g.rows(h, in.outputs()); // [width, n]
          x = g.rows(x, in.outputs()); // [width, n]
        }
        x = g.add(h, x);
        h = g.rmsNorm(x, layer.ffnNorm, epsilon);
        x = g.add(layer.feedForward.apply(g, h), x); // [width, t]
      }
      return g.matmul(output, g.rmsNorm(x, outputNorm, epsilon)); // [vocabulary, n]
    }

    @Override
    public Rope keyRope(int layer) {
      return rope;
    }
  }

  private record Layer(
      Tensor attnNorm, // [width]
      Projection q, // [width, headDim * heads]
      Projection k, // [width, headDim * kvHeads]
      Projection v, // [width, valueDim * kvHeads]
      Projection output, // [valueDim * heads, width]
      Tensor ffnNorm, // [width]
      FeedForward feedForward) {

    static Layer bind(Hyperparameters hp, Experts experts, Weights w) throws GgufFormatException {
      return new Layer(
          w.vector("attn_norm.weight", hp.width()),
          Projection.bind(w, "attn_q", hp.width(), hp.headDim() * hp.heads()),
          Projection.bind(w, "attn_k", hp.width(), hp.headDim() * hp.kvHeads()),
          Projection.bind(w, "attn_v", hp.width(), hp.valueDim() * hp.kvHeads()),
          Projection.bind(w, "attn_output", hp.valueDim() * hp.heads(), hp.width()),
          w.vector("ffn_norm.weight", hp.width()),
          experts.count() == 0 ? Dense.bind(hp, w) : Mixture.bind(hp, experts, w));
    }

    Tensor attention(
        Graph g,
        Hyperparameters hp,
        Rope rope,
        Tensor positions,
        KvView cache,
        int layer,
        Tensor x) {
      var queries = Blocks.heads(g, q.apply(g, x), hp.headDim(), hp.heads()); // [headDim, heads, t]
      var keys =
          Blocks.heads(g, k.apply(g, x), hp.headDim(), hp.kvHeads()); // [headDim, kvHeads, t]
      var values =
          Blocks.heads(g, v.apply(g, x), hp.valueDim(), hp.kvHeads()); // [valueDim, kvHeads, t]
      queries = g.rope(queries, positions, rope);
      keys = g.rope(keys, positions, rope);
      var scale = (float) (1 / Math.sqrt(hp.headDim()));
      return output.apply(g, cache.attend(layer, queries, keys, values, scale)); // [width, t]
    }
  }

  private sealed interface FeedForward {
    /// `x` `[width, t]` to `[width, t]`.
    Tensor apply(Graph g, Tensor x);
  }

  private record Dense(
      Projection gate, // [width, ffnWidth]
      Projection up, // [width, ffnWidth]
      Projection down) // [ffnWidth, width]
      implements FeedForward {

    static Dense bind(Hyperparameters hp, Weights w) throws GgufFormatException {
      return new Dense(
          Projection.scaledLast(w, "ffn_gate", hp.width(), hp.ffnWidth()),
          Projection.scaledLast(w, "ffn_up", hp.width(), hp.ffnWidth()),
          Projection.scaledLast(w, "ffn_down", hp.ffnWidth(), hp.width()));
    }

    @Override
    public Tensor apply(Graph g, Tensor x) {
      return down.apply(g, g.swiglu(gate.apply(g, x), up.apply(g, x)));
    }
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
      ExpertProjection down) // [ffnWidth, width, experts]
      implements FeedForward {

    static Mixture bind(Hyperparameters hp, Experts experts, Weights w) throws GgufFormatException {
      int n = experts.count();
      return new Mixture(
          experts,
          w.matrix("ffn_gate_inp.weight", hp.width(), n),
          ExpertProjection.bind(w, "ffn_gate_exps", hp.width(), hp.ffnWidth(), n),
          ExpertProjection.bind(w, "ffn_up_exps", hp.width(), hp.ffnWidth(), n),
          ExpertProjection.bind(w, "ffn_down_exps", hp.ffnWidth(), hp.width(), n));
    }

    @Override
    public Tensor apply(Graph g, Tensor x) {
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
}
