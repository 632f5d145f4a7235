package dev.tenon.huggingface;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// The class of transformers that a folder's tokenizer is of, as far as it changes what the files
/// say: its arguments, from `tokenizer_config.json` or by default, count for more than some steps
/// of a `tokenizer.json`.
final class TokenizerClass {
  private static final Set<String> BERT =
      Set.of(
          "BertTokenizer",
          "ConvBertTokenizer",
          "DPRContextEncoderTokenizer",
          "DPRQuestionEncoderTokenizer",
          "DPRReaderTokenizer",
          "DistilBertTokenizer",
          "ElectraTokenizer",
          "FunnelTokenizer",
          "LayoutLMTokenizer",
          "LayoutLMv2Tokenizer",
          "LxmertTokenizer",
          "MPNetTokenizer",
          "MobileBertTokenizer",
          "RetriBertTokenizer",
          "SqueezeBertTokenizer");

  private static final Set<String> ROBERTA =
      Set.of(
          "BartTokenizer",
          "BlenderbotTokenizer",
          "LEDTokenizer",
          "LongformerTokenizer",
          "MvpTokenizer",
          "RobertaTokenizer");

  private final String name;
  private final Config settings;

  /// @param settings `tokenizer_config.json`
  /// @param config `config.json`
  TokenizerClass(Config settings, Config config) throws FormatException {
    this.settings = settings;
    var text = settings.textOr("tokenizer_class", config.textOr("tokenizer_class", null));
    name = text == null ? byModel(config.textOr("model_type", "")) : text.replaceAll("Fast$", "");
  }

  private static String byModel(String type) {
    return switch (type) {
      case "bert" -> "BertTokenizer";
      case "distilbert" -> "DistilBertTokenizer";
      case "electra" -> "ElectraTokenizer";
      case "mpnet" -> "MPNetTokenizer";
      case "mobilebert" -> "MobileBertTokenizer";
      case "convbert" -> "ConvBertTokenizer";
      case "squeezebert" -> "SqueezeBertTokenizer";
      case "layoutlm" -> "LayoutLMTokenizer";
      case "funnel" -> "FunnelTokenizer";
      case "lxmert" -> "LxmertTokenizer";
      case "roberta" -> "RobertaTokenizer";
      case "bart" -> "BartTokenizer";
      case "longformer" -> "LongformerTokenizer";
      case "led" -> "LEDTokenizer";
      case "mvp" -> "MvpTokenizer";
      case "blenderbot" -> "BlenderbotTokenizer";
      case "gpt2" -> "GPT2Tokenizer";
      default -> "";
    };
  }

  /// {@return the name without `Fast`, empty where nothing says}
  String name() {
    return name;
  }

  /// {@return whether the mask takes the white space before it along}
  boolean takesSpaces() {
    return isRoberta() || name.equals("MPNetTokenizer");
  }

  /// {@return the text of a special token of the class where its folder does not say, or null}
  ///
  /// @param kind as in `mask_token`
  String special(String kind) {
    if (name.equals("MPNetTokenizer") || isRoberta()) {
      return switch (kind) {
        case "bos", "cls" -> "<s>";
        case "eos", "sep" -> "</s>";
        case "unk" -> isRoberta() ? "<unk>" : "[UNK]";
        case "pad" -> "<pad>";
        case "mask" -> "<mask>";
        default -> null;
      };
    }
    if (!isBert()) {
      return null;
    }
    boolean funnel = name.equals("FunnelTokenizer");
    return switch (kind) {
      case "unk" -> funnel ? "<unk>" : "[UNK]";
      case "sep" -> funnel ? "<sep>" : "[SEP]";
      case "pad" -> funnel ? "<pad>" : "[PAD]";
      case "cls" -> funnel ? "<cls>" : "[CLS]";
      case "mask" -> funnel ? "<mask>" : "[MASK]";
      case "bos" -> funnel ? "<s>" : null;
      case "eos" -> funnel ? "</s>" : null;
      default -> null;
    };
  }

  /// {@return whether it is BERT's, or one of those that are as BERT's}
  boolean isBert() {
    return BERT.contains(name);
  }

  /// {@return whether it is RoBERTa's, or one of those that are as RoBERTa's}
  boolean isRoberta() {
    return ROBERTA.contains(name);
  }

  /// {@return a `tokenizer.json` with the steps that the class makes of its own}
  Config changed(Config json) throws FormatException {
    var values = new LinkedHashMap<>(json.values());
    if (values.get("pre_tokenizer") instanceof Map<?, ?> step
        && "ByteLevel".equals(step.get("type"))) {
      values.put(
          "pre_tokenizer",
          with(step, "add_prefix_space", settings.bool("add_prefix_space", false)));
    }
    if (isBert()
        && values.get("normalizer") instanceof Map<?, ?> step
        && "BertNormalizer".equals(step.get("type"))) {
      var changed = normalizer();
      // What the class has no argument for stays.
      changed.put("clean_text", !Boolean.FALSE.equals(step.get("clean_text")));
      if (name.equals("MPNetTokenizer")) {
        changed.put(
            "handle_chinese_chars", !Boolean.FALSE.equals(step.get("handle_chinese_chars")));
      }
      values.put("normalizer", changed);
    }
    if (isRoberta()
        && values.get("post_processor") instanceof Map<?, ?> step
        && ("RobertaProcessing".equals(step.get("type")) || "ByteLevel".equals(step.get("type")))) {
      values.put(
          "post_processor",
          with(
              with(step, "add_prefix_space", settings.bool("add_prefix_space", false)),
              "trim_offsets",
              settings.bool("trim_offsets", true)));
    }
    return new Config(json.path(), values);
  }

  /// {@return BERT's normaliser with the arguments of the class}
  Map<String, Object> normalizer() throws FormatException {
    var normalizer = new LinkedHashMap<String, Object>();
    normalizer.put("type", "BertNormalizer");
    normalizer.put("clean_text", true);
    normalizer.put("handle_chinese_chars", settings.bool("tokenize_chinese_chars", true));
    normalizer.put(
        "strip_accents",
        settings.has("strip_accents") ? (Object) settings.bool("strip_accents", true) : null);
    normalizer.put("lowercase", settings.bool("do_lower_case", true));
    return normalizer;
  }

  private static Map<String, Object> with(Map<?, ?> step, String key, boolean value) {
    var copy = new LinkedHashMap<String, Object>();
    step.forEach((name, old) -> copy.put((String) name, old));
    copy.put(key, value);
    return copy;
  }
}
