package dev.tenon.huggingface;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// The keys that encoders and their heads share: those of gguf-py and llama.cpp's
/// `convert_hf_to_gguf.py` where they have one, else Tenon's own.
public final class EncoderKeys {
  private static final int MOST_CLASSES = 1 << 20;

  private EncoderKeys() {}

  /// Puts sizes, counts and norms, by the names that BERT and those after it have for them.
  ///
  /// @param plan takes the keys
  /// @param config of the folder
  /// @throws FormatException if a value is absent that every encoder has, or of another type
  /// @throws UnsupportedOperationException if the class is to be run as a decoder
  public static void put(GgufPlan plan, Config config) throws FormatException {
    if (config.bool("is_decoder", false)) throw unsupported(config, "is_decoder", "true");
    plan.key("block_count", config.size("num_hidden_layers"));
    plan.key("context_length", config.size("max_position_embeddings"));
    plan.key("embedding_length", config.size("hidden_size"));
    plan.key("feed_forward_length", config.size("intermediate_size"));
    plan.key("attention.head_count", config.size("num_attention_heads"));
    plan.key("attention.layer_norm_epsilon", config.real("layer_norm_eps"));
    plan.fileType();
    plan.key("attention.causal", new GgufValue.Bool(false));
  }

  /// Puts the names of a classifier's classes, `LABEL_0` and so on where the folder has none, and
  /// what its scores are.
  ///
  /// @param plan takes the keys
  /// @param config of the folder
  /// @param classes how many the classifier has weights for
  /// @throws FormatException if the folder names others, or a key has another type
  public static void labels(GgufPlan plan, Config config, long classes) throws FormatException {
    if (classes < 1 || classes > MOST_CLASSES)
      throw config.malformed(
          "id2label", "a classifier of 1 to " + MOST_CLASSES + " classes", "" + classes);
    var named = config.object("id2label");
    if (!named.values().isEmpty() && named.values().size() != classes)
      throw config.malformed(
          "id2label", classes + " labels, as the classifier has", "" + named.values().size());
    var labels = new ArrayList<String>();
    for (int i = 0; i < classes; i++)
      labels.add(named.values().isEmpty() ? "LABEL_" + i : named.text("" + i));
    labels(plan, labels);
    if (config.has("problem_type"))
      plan.own("classifier.problem_type", new GgufValue.Text(config.text("problem_type")));
    var activation = rerankerActivation(config);
    if (activation != null) plan.own("classifier.activation", new GgufValue.Text(activation));
  }

  /// Puts the names of a classifier's classes.
  ///
  /// @param plan takes the key
  /// @param labels by their place in the logits
  public static void labels(GgufPlan plan, List<String> labels) {
    plan.key("classifier.output_labels", GgufValue.Array.strings(labels));
  }

  /// {@return what a reranker of sentence-transformers applies to its score, a class of PyTorch by
  /// its name there; null where nothing is said or it is none of the two in use}
  private static String rerankerActivation(Config config) throws FormatException {
    var name =
        config
            .object("sentence_transformers")
            .textOr("activation_fn", config.textOr("sbert_ce_default_activation_function", null));
    if (name == null) return null;
    if (name.endsWith(".Sigmoid")) return "sigmoid";
    return name.endsWith(".Identity") ? "identity" : null;
  }

  /// Puts how texts become embeddings, where the folder is one of sentence-transformers: by
  /// `modules.json`, the configuration of its pooling, `sentence_bert_config.json` and
  /// `config_sentence_transformers.json`.
  ///
  /// @param plan takes the keys
  /// @param folder with or without those files
  /// @throws FormatException if one is malformed
  /// @throws UnsupportedOperationException if there is a module of a kind that is not known, or a
  ///     way of pooling
  /// @throws IOException if one cannot be read
  public static void pooling(GgufPlan plan, ModelFolder folder) throws IOException {
    var sentences = SentenceTransformer.read(folder.path());
    if (sentences == null) return;
    switch (sentences.mode()) {
      case "mean" -> plan.key("pooling_type", 1);
      case "cls" -> plan.key("pooling_type", 2);
      case "lasttoken" -> plan.key("pooling_type", 3);
      case "max" -> plan.own("pooling.mode", new GgufValue.Text("max")); // llama.cpp has none
      default -> throw new IllegalStateException(sentences.mode());
    }
    plan.own("pooling.normalize", new GgufValue.Bool(sentences.normalize()));
    if (sentences.maxTokens() > 0)
      plan.own("pooling.max_tokens", new GgufValue.Int(GgufType.UINT32, sentences.maxTokens()));
    var prompts = sentences.prompts();
    if (prompts.isEmpty()) return;
    plan.own("pooling.prompt_names", GgufValue.Array.strings(List.copyOf(prompts.keySet())));
    plan.own("pooling.prompts", GgufValue.Array.strings(List.copyOf(prompts.values())));
    if (sentences.defaultPrompt() != null)
      plan.own("pooling.default_prompt", new GgufValue.Text(sentences.defaultPrompt()));
  }

  private static UnsupportedOperationException unsupported(Config config, String key, String value)
      throws FormatException {
    return new UnsupportedOperationException(
        config.path()
            + ": "
            + key
            + " "
            + value
            + " is not supported for "
            + config.architecture());
  }
}
