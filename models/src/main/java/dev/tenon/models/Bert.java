package dev.tenon.models;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.huggingface.DecoderKeys;
import dev.tenon.huggingface.EncoderKeys;
import dev.tenon.huggingface.FolderMapping;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.model.Architecture;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderInputs;
import dev.tenon.model.Hyperparameters;
import dev.tenon.model.Projection;
import dev.tenon.model.QkvProjection;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// BERT (Devlin et al., 2018), and what was trained in its shape, such as MiniLM.
///
/// Tokens, learned positions and segments added and normed; post-norm blocks with biases; a
/// feed-forward of GELU. Heads are there where the file has their weights: the pooler `cls` (the
/// first token's state through a layer and tanh), on it the classes of a text `cls.output` or, of a
/// pair, whether one follows the other; of each token the vocabulary (`mlm.dense`, `mlm.norm`,
/// `output`, tied to the embedding where there is none), classes `token_cls` and the two ends of an
/// answer `qa_outputs`.
public final class Bert implements Architecture, FolderMapping {
  /// Found as a service.
  public Bert() {}

  @Override
  public String name() {
    return "bert";
  }

  @Override
  public Encoder bind(Gguf gguf, Weights w) throws GgufFormatException {
    var hp = Hyperparameters.of(gguf);
    if (gguf.bool("bert.attention.causal", false))
      throw new UnsupportedOperationException(
          gguf.path() + ": bert.attention.causal true is not supported");
    var epsilon = Hyperparameters.epsilon(gguf, "bert.attention.layer_norm_epsilon");
    // Files of llama.cpp's converter do not say it: they are made of models that were trained with
    // GELU itself, and so it is here, although llama.cpp takes its approximation.
    var activation = Activation.of(gguf, Activation.GELU);
    var embedding = w.table("token_embd.weight", hp.width(), hp.vocabulary());
    var positions = w.table("position_embd.weight", hp.width(), hp.contextLength());
    var types =
        w.has("token_types.weight")
            ? w.table("token_types.weight", hp.width(), w.shape("token_types.weight").n1())
            : null;
    var norm = LayerNorm.bind(w, "token_embd_norm", hp.width(), epsilon);
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < hp.layers(); i++)
      layers.add(Layer.bind(hp, epsilon, activation, w.block(i)));
    var heads = Heads.bind(hp, epsilon, activation, w);
    return new Net(hp, embedding, positions, types, norm, List.copyOf(layers), heads);
  }

  private record Net(
      Hyperparameters hp,
      Tensor embedding, // [width, vocabulary]
      Tensor positionEmbedding, // [width, contextLength]
      Tensor typeEmbedding, // [width, types], or null
      LayerNorm norm,
      List<Layer> layers,
      Heads heads)
      implements Encoder {

    @Override
    public List<Output> outputs() {
      return heads.outputs(hp);
    }

    @Override
    public Tensor forward(Graph g, EncoderInputs in) {
      var x = g.rows(embedding, in.tokens()); // [width, t]
      if (typeEmbedding != null) x = g.add(x, g.rows(typeEmbedding, in.tokenTypes()));
      x = g.add(x, g.rows(positionEmbedding, in.positions()));
      x = norm.apply(g, x);
      for (int i = 0; i < layers.size(); i++) {
        var layer = layers.get(i);
        x = layer.attnNorm.apply(g, g.add(layer.attention(g, hp, in, i, x), x)); // [width, t]
        x = layer.outputNorm.apply(g, g.add(layer.ffn.apply(g, x), x)); // [width, t]
      }
      return x;
    }

    @Override
    public Tensor head(Graph g, Tensor hidden, EncoderInputs in, String output) {
      return heads.apply(g, hidden, in, output);
    }

    @Override
    public int positions() {
      return hp.contextLength();
    }

    @Override
    public int tokenTypes() {
      return typeEmbedding == null ? 0 : (int) typeEmbedding.shape().n1();
    }
  }

  private record Layer(
      QkvProjection qkv,
      Projection output, // [width, width]
      LayerNorm attnNorm,
      FeedForward ffn,
      LayerNorm outputNorm) {

    static Layer bind(Hyperparameters hp, float epsilon, Activation activation, Weights w)
        throws GgufFormatException {
      return new Layer(
          QkvProjection.bind(hp, w),
          Projection.bind(w, "attn_output", hp.valueDim() * hp.heads(), hp.width()),
          LayerNorm.bind(w, "attn_output_norm", hp.width(), epsilon),
          FeedForward.bind(hp, w, activation),
          LayerNorm.bind(w, "layer_output_norm", hp.width(), epsilon));
    }

    Tensor attention(Graph g, Hyperparameters hp, EncoderInputs in, int layer, Tensor x) {
      var heads = qkv.apply(g, x);
      var scale = (float) (1 / Math.sqrt(hp.headDim()));
      var attended =
          in.attention().attend(layer, heads.queries(), heads.keys(), heads.values(), scale);
      return output.apply(g, attended); // [width, t]
    }
  }

  /// What is made of the hidden states; null where the file has no weights for it.
  private record Heads(
      Projection pooler, // [width, width]
      Projection classes, // [width, classes], of a sequence
      Vocabulary vocabulary,
      Projection tokenClasses, // [width, classes], of a token
      Projection ends) { // [width, 2], of a token: the start of an answer and its end
    private static final int ANY = -1;

    static Heads bind(Hyperparameters hp, float epsilon, Activation activation, Weights w)
        throws GgufFormatException {
      return new Heads(
          bind(w, "cls", hp.width(), hp.width()),
          bind(w, "cls.output", hp.width(), ANY),
          w.has("mlm.dense.weight") ? Vocabulary.bind(hp, epsilon, activation, w) : null,
          bind(w, "token_cls", hp.width(), ANY),
          bind(w, "qa_outputs", hp.width(), 2));
    }

    /// @param out length of the output, or any
    private static Projection bind(Weights w, String name, long in, long out)
        throws GgufFormatException {
      if (!w.has(name + ".weight")) return null;
      return Projection.bind(w, name, in, out == ANY ? w.shape(name + ".weight").n1() : out);
    }

    /// In the order of their weight for a class of transformers, its first result last.
    List<Encoder.Output> outputs(Hyperparameters hp) {
      var states = new Encoder.Output(Encoder.HIDDEN_STATES, Encoder.Rows.TOKENS, hp.width());
      var outputs = new ArrayList<Encoder.Output>();
      if (pooler != null)
        outputs.add(new Encoder.Output("pooler_output", Encoder.Rows.SEQUENCES, hp.width()));
      outputs.add(states);
      if (classes != null)
        outputs.add(
            new Encoder.Output(
                vocabulary == null ? "logits" : "seq_relationship_logits",
                Encoder.Rows.SEQUENCES,
                width(classes)));
      if (vocabulary != null)
        outputs.add(
            new Encoder.Output(
                classes == null ? "logits" : "prediction_logits",
                Encoder.Rows.TOKENS,
                hp.vocabulary()));
      if (tokenClasses != null)
        outputs.add(new Encoder.Output("logits", Encoder.Rows.TOKENS, width(tokenClasses)));
      if (ends != null) {
        outputs.add(new Encoder.Output("end_logits", Encoder.Rows.TOKENS, 1));
        outputs.add(new Encoder.Output("start_logits", Encoder.Rows.TOKENS, 1));
      }
      return List.copyOf(outputs);
    }

    private static int width(Projection projection) {
      return (int) projection.weight().shape().n1();
    }

    Tensor apply(Graph g, Tensor hidden, EncoderInputs in, String output) {
      return switch (output) {
        case "pooler_output" -> pooled(g, hidden, in);
        case "seq_relationship_logits" -> classes.apply(g, pooled(g, hidden, in));
        case "prediction_logits" -> vocabulary.apply(g, g.rows(hidden, in.outputs()));
        case "start_logits" -> g.slice(ends.apply(g, g.rows(hidden, in.outputs())), 0, 1);
        case "end_logits" -> g.slice(ends.apply(g, g.rows(hidden, in.outputs())), 1, 1);
        case "logits" ->
            classes != null
                ? classes.apply(g, pooled(g, hidden, in))
                : vocabulary != null
                    ? vocabulary.apply(g, g.rows(hidden, in.outputs()))
                    : tokenClasses.apply(g, g.rows(hidden, in.outputs()));
        default -> throw new IllegalArgumentException("output " + output + ": there is none");
      };
    }

    /// Of each sequence, `[width, n]`. Files of llama.cpp's converter have no pooler.
    private Tensor pooled(Graph g, Tensor hidden, EncoderInputs in) {
      var first = g.rows(hidden, in.summaries());
      return pooler == null ? first : g.tanh(pooler.apply(g, first));
    }
  }

  /// Which token stands at a place.
  private record Vocabulary(
      Projection dense, // [width, width]
      Activation activation,
      LayerNorm norm,
      Projection output) { // [width, vocabulary]

    static Vocabulary bind(Hyperparameters hp, float epsilon, Activation activation, Weights w)
        throws GgufFormatException {
      return new Vocabulary(
          Projection.bind(w, "mlm.dense", hp.width(), hp.width()),
          activation,
          LayerNorm.bind(w, "mlm.norm", hp.width(), epsilon),
          Projection.output(w, hp.width(), hp.vocabulary()));
    }

    Tensor apply(Graph g, Tensor x) {
      var h = norm.apply(g, activation.apply(g, dense.apply(g, x))); // [width, n]
      return output.applyInParts(g, h); // [vocabulary, n]
    }
  }

  // How a Hugging Face folder becomes such a file.

  /// Numbers from 0 on, which old folders have as a tensor.
  private static final Pattern COUNTS =
      Pattern.compile("(bert\\.)?embeddings\\.(position_ids|token_type_ids)");

  /// Heads of other classes, which folders keep that were trained from those.
  private static final Pattern HEADS =
      Pattern.compile("((bert\\.)?pooler|cls|classifier|qa_outputs)\\..*");

  @Override
  public List<String> classes() {
    return List.of(
        "BertModel",
        "BertForMaskedLM",
        "BertForPreTraining",
        "BertForNextSentencePrediction",
        "BertForSequenceClassification",
        "BertForTokenClassification",
        "BertForQuestionAnswering");
  }

  @Override
  public Map<String, Object> defaults(String modelClass) {
    return Map.of(
        "hidden_size", 768L,
        "num_hidden_layers", 12L,
        "num_attention_heads", 12L,
        "intermediate_size", 3072L,
        "hidden_act", "gelu",
        "max_position_embeddings", 512L,
        "layer_norm_eps", 1e-12);
  }

  @Override
  public void map(ModelFolder folder, GgufPlan plan) throws IOException {
    var config = folder.config();
    DecoderKeys.require(config, "position_embedding_type", "absolute");
    EncoderKeys.put(plan, config);
    plan.key("hidden_activation", Activation.of(config, "hidden_act").key());

    var model = folder.prefix("bert.", "");
    var embeddings = model + "embeddings.";
    plan.tensor("position_embd.weight", folder.weight(embeddings + "position_embeddings.weight"));
    var types = folder.weight(embeddings + "token_type_embeddings.weight");
    plan.tensor("token_types.weight", types);
    plan.tokenizerKey("token_type_count", types.shape()[0]);
    mapNorm("token_embd_norm", folder, embeddings + "LayerNorm", plan);
    int layers = config.size("num_hidden_layers");
    for (int i = 0; i < layers; i++)
      mapLayer(folder, model + "encoder.layer." + i + ".", plan.block(i));
    mapHeads(folder, model, plan);
    folder.leaveOut(COUNTS);
    folder.leaveOut(HEADS);
  }

  private static void mapLayer(ModelFolder folder, String layer, GgufPlan plan) throws IOException {
    plan.projection("attn_q", folder, layer + "attention.self.query");
    plan.projection("attn_k", folder, layer + "attention.self.key");
    plan.projection("attn_v", folder, layer + "attention.self.value");
    plan.projection("attn_output", folder, layer + "attention.output.dense");
    mapNorm("attn_output_norm", folder, layer + "attention.output.LayerNorm", plan);
    plan.projection("ffn_up", folder, layer + "intermediate.dense");
    plan.projection("ffn_down", folder, layer + "output.dense");
    mapNorm("layer_output_norm", folder, layer + "output.LayerNorm", plan);
  }

  private static void mapHeads(ModelFolder folder, String model, GgufPlan plan) throws IOException {
    var config = folder.config();
    var pooler = model + "pooler.dense";
    var modelClass = folder.modelClass();
    switch (modelClass) {
      case "BertForMaskedLM", "BertForPreTraining" -> {
        mapVocabulary(folder, model, plan);
        EncoderKeys.pooling(plan, folder); // a sentence-transformer may keep such a head
      }
      default -> plan.tensor("token_embd.weight", folder.weight(embedding(model)));
    }
    switch (modelClass) {
      case "BertModel" -> {
        EncoderKeys.pooling(plan, folder);
        if (folder.has(pooler + ".weight")) plan.projection("cls", folder, pooler);
      }
      case "BertForPreTraining", "BertForNextSentencePrediction" -> {
        EncoderKeys.labels(plan, List.of("IsNext", "NotNext"));
        plan.projection("cls", folder, pooler);
        plan.projection("cls.output", folder, "cls.seq_relationship");
      }
      case "BertForSequenceClassification" -> {
        EncoderKeys.labels(plan, config, folder.weight("classifier.weight").shape()[0]);
        plan.key("pooling_type", 4); // llama.cpp's for such a head
        plan.projection("cls", folder, pooler);
        plan.projection("cls.output", folder, "classifier");
      }
      case "BertForTokenClassification" -> {
        EncoderKeys.labels(plan, config, folder.weight("classifier.weight").shape()[0]);
        plan.projection("token_cls", folder, "classifier");
      }
      case "BertForQuestionAnswering" -> plan.projection("qa_outputs", folder, "qa_outputs");
      default -> {} // BertForMaskedLM has the vocabulary alone
    }
  }

  private static void mapVocabulary(ModelFolder folder, String model, GgufPlan plan)
      throws IOException {
    var head = "cls.predictions.";
    plan.embeddings(folder, embedding(model), head + "decoder.weight", true);
    var bias = folder.has(head + "bias") ? "bias" : "decoder.bias"; // the same
    plan.tensor("output.bias", folder.weight(head + bias));
    plan.projection("mlm.dense", folder, head + "transform.dense");
    mapNorm("mlm.norm", folder, head + "transform.LayerNorm", plan);
  }

  private static String embedding(String model) {
    return model + "embeddings.word_embeddings.weight";
  }

  /// Weights of the first years are called as in TensorFlow.
  private static void mapNorm(String name, ModelFolder folder, String stored, GgufPlan plan)
      throws IOException {
    if (!folder.has(stored + ".gamma")) {
      plan.projection(name, folder, stored);
      return;
    }
    plan.tensor(name + ".weight", folder.weight(stored + ".gamma"));
    plan.tensor(name + ".bias", folder.weight(stored + ".beta"));
  }
}
