package dev.tenon.models;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.FolderMapping;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.model.Architecture;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderDecoder;
import dev.tenon.model.EncoderInputs;
import dev.tenon.model.Hyperparameters;
import dev.tenon.model.Inputs;
import dev.tenon.model.Projection;
import dev.tenon.tensor.CrossCache;
import dev.tenon.tensor.CrossView;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.KvCache;
import dev.tenon.tensor.KvView;
import dev.tenon.tensor.PackedAttention;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// BART (Lewis et al., 2019).
///
/// An encoder and a decoder of post-norm blocks, layer norms with biases, learned positions of each
/// half, normed embeddings, a feed-forward of GELU; both halves and the output have one embedding.
public final class Bart implements Architecture, FolderMapping {
  /// Found as a service.
  public Bart() {}

  @Override
  public String name() {
    return "bart";
  }

  @Override
  public EncoderDecoder bind(Gguf gguf, Weights w) throws GgufFormatException {
    var hp = Hyperparameters.of(gguf);
    var decoder = Hyperparameters.ofDecoder(gguf);
    var epsilon = Hyperparameters.epsilon(gguf, "bart.attention.layer_norm_epsilon");
    var scale = (float) Hyperparameters.finite(gguf, "bart.embedding_scale", 1);
    var activation = Activation.of(gguf);
    var tokens = w.table("token_embd.weight", hp.width(), hp.vocabulary());
    var read = Embedding.bind(hp, w.part("enc"), tokens, scale, epsilon);
    var written = Embedding.bind(hp, w.part("dec"), tokens, scale, epsilon);
    var reading = new ArrayList<EncoderLayer>();
    for (int i = 0; i < hp.layers(); i++)
      reading.add(EncoderLayer.bind(hp, w.part("enc").block(i), activation, epsilon));
    var writing = new ArrayList<DecoderLayer>();
    for (int i = 0; i < decoder.layers(); i++)
      writing.add(DecoderLayer.bind(decoder, w.part("dec").block(i), activation, epsilon));
    return new Net(
        new Reader(hp, read, List.copyOf(reading)),
        decoder,
        written,
        List.copyOf(writing),
        Projection.output(w, hp.width(), hp.vocabulary()));
  }

  /// The encoder.
  private record Reader(Hyperparameters hp, Embedding embedding, List<EncoderLayer> layers)
      implements Encoder {

    @Override
    public List<Output> outputs() {
      return List.of(new Output(HIDDEN_STATES, Rows.TOKENS, hp.width()));
    }

    @Override
    public Tensor forward(Graph g, EncoderInputs in) {
      var x = embedding.apply(g, in.tokens(), in.positions()); // [width, t]
      for (int i = 0; i < layers.size(); i++) x = layers.get(i).apply(g, in.attention(), i, x);
      return x;
    }

    @Override
    public Tensor head(Graph g, Tensor hidden, EncoderInputs in, String output) {
      throw new IllegalArgumentException("output " + output + ": an encoder without a head");
    }

    @Override
    public int positions() {
      return hp.contextLength();
    }

    @Override
    public int tokenTypes() {
      return 0;
    }
  }

  /// Both halves.
  private record Net(
      Reader encoder,
      Hyperparameters hp,
      Embedding embedding,
      List<DecoderLayer> layers,
      Projection output) // [width, vocabulary]
      implements EncoderDecoder {

    @Override
    public void remember(Graph g, Tensor states, CrossCache.Writer cross) {
      for (int i = 0; i < layers.size(); i++) layers.get(i).cross.remember(g, cross, i, states);
    }

    @Override
    public Tensor forward(Graph g, Inputs in, KvView cache, CrossView cross) {
      var x = embedding.apply(g, in.tokens(), in.positions()); // [width, t]
      for (int i = 0; i < layers.size(); i++) {
        var layer = layers.get(i);
        x = layer.attend(g, cache, cross, i, x);
        if (i == layers.size() - 1) x = g.rows(x, in.outputs()); // [width, n]
        x = layer.feed(g, x);
      }
      return output.applyInParts(g, x); // [vocabulary, n]
    }

    @Override
    public int sourceVocabulary() {
      return hp.vocabulary();
    }

    @Override
    public KvCache.Layout cacheLayout() {
      return hp.cacheLayout();
    }

    @Override
    public KvCache.Layout crossLayout() {
      return hp.cacheLayout();
    }

    @Override
    public int positions() {
      return hp.contextLength();
    }
  }

  /// Tokens and their positions.
  private record Embedding(
      Tensor tokens, // [width, vocabulary]
      Tensor positions, // [width, contextLength]
      float scale,
      LayerNorm norm) {

    static Embedding bind(Hyperparameters hp, Weights w, Tensor tokens, float scale, float epsilon)
        throws GgufFormatException {
      return new Embedding(
          tokens,
          w.table("position_embd.weight", hp.width(), hp.contextLength()),
          scale,
          LayerNorm.bind(w, "token_embd_norm", hp.width(), epsilon));
    }

    Tensor apply(Graph g, Tensor ids, Tensor places) {
      var x = g.rows(tokens, ids); // [width, t]
      if (scale != 1) x = g.scale(x, scale);
      return norm.apply(g, g.add(x, g.rows(positions, places)));
    }
  }

  private record EncoderLayer(
      Attention attention, LayerNorm attnNorm, FeedForward ffn, LayerNorm ffnNorm) {

    static EncoderLayer bind(Hyperparameters hp, Weights w, Activation activation, float epsilon)
        throws GgufFormatException {
      return new EncoderLayer(
          Attention.bind(hp, w, "attn"),
          LayerNorm.bind(w, "attn_norm", hp.width(), epsilon),
          FeedForward.bind(hp, w, activation),
          LayerNorm.bind(w, "ffn_norm", hp.width(), epsilon));
    }

    Tensor apply(Graph g, PackedAttention sequences, int layer, Tensor x) {
      x = attnNorm.apply(g, g.add(x, attention.within(g, sequences, layer, x))); // [width, t]
      return ffnNorm.apply(g, g.add(x, ffn.apply(g, x))); // [width, t]
    }
  }

  private record DecoderLayer(
      Attention attention,
      LayerNorm attnNorm,
      Attention cross,
      LayerNorm crossNorm,
      FeedForward ffn,
      LayerNorm ffnNorm) {

    static DecoderLayer bind(Hyperparameters hp, Weights w, Activation activation, float epsilon)
        throws GgufFormatException {
      return new DecoderLayer(
          Attention.bind(hp, w, "attn"),
          LayerNorm.bind(w, "attn_norm", hp.width(), epsilon),
          Attention.bind(hp, w, "cross_attn"),
          LayerNorm.bind(w, "cross_attn_norm", hp.width(), epsilon),
          FeedForward.bind(hp, w, activation),
          LayerNorm.bind(w, "ffn_norm", hp.width(), epsilon));
    }

    /// What it makes of the tokens before and the source.
    Tensor attend(Graph g, KvView cache, CrossView sources, int layer, Tensor x) {
      x = attnNorm.apply(g, g.add(x, attention.causal(g, cache, layer, x))); // [width, t]
      return crossNorm.apply(g, g.add(x, cross.cross(g, sources, layer, x))); // [width, t]
    }

    Tensor feed(Graph g, Tensor x) {
      return ffnNorm.apply(g, g.add(x, ffn.apply(g, x))); // [width, n]
    }
  }

  // How a Hugging Face folder becomes such a file.

  /// Rows of a table of positions that no position has, for fairseq counted from the padding.
  private static final int OFFSET = 2;

  @Override
  public List<String> classes() {
    return List.of("BartForConditionalGeneration");
  }

  @Override
  public Map<String, Object> defaults(String modelClass) {
    return Map.ofEntries(
        Map.entry("max_position_embeddings", 1024L),
        Map.entry("d_model", 1024L),
        Map.entry("encoder_layers", 12L),
        Map.entry("encoder_ffn_dim", 4096L),
        Map.entry("encoder_attention_heads", 16L),
        Map.entry("decoder_layers", 12L),
        Map.entry("decoder_ffn_dim", 4096L),
        Map.entry("decoder_attention_heads", 16L),
        Map.entry("activation_function", "gelu"),
        Map.entry("bos_token_id", 0L),
        Map.entry("eos_token_id", 2L),
        Map.entry("pad_token_id", 1L),
        Map.entry("decoder_start_token_id", 2L),
        Map.entry("forced_eos_token_id", 2L));
  }

  @Override
  public void map(ModelFolder folder, GgufPlan plan) throws IOException {
    var config = folder.config();
    for (var other : List.of("normalize_before", "add_final_layer_norm"))
      if (config.bool(other, false)) throw unsupported(config, other + " true");
    if (!config.bool("normalize_embedding", true))
      throw unsupported(config, "normalize_embedding false");
    var model = folder.prefix("model.", "");
    Seq2SeqFolder.keys(folder, plan);
    Seq2SeqFolder.embeddings(folder, plan, model, true);
    mapPositions(folder, model + "encoder.", plan.part("enc"));
    mapPositions(folder, model + "decoder.", plan.part("dec"));
    Seq2SeqFolder.layers(folder, plan, model);
  }

  private static void mapPositions(ModelFolder folder, String half, GgufPlan plan)
      throws IOException {
    var positions = folder.weight(half + "embed_positions.weight");
    plan.tensor("position_embd.weight", positions.rows(OFFSET, positions.shape()[0]));
    plan.projection("token_embd_norm", folder, half + "layernorm_embedding");
  }

  private static UnsupportedOperationException unsupported(Config config, String setting) {
    return new UnsupportedOperationException(
        config.path() + ": " + setting + " is not supported for bart");
  }
}
