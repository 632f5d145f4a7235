package dev.tenon.huggingface;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What a folder of sentence-transformers has beside the model: how hidden states become the
/// embedding of a text.
///
/// @param mode `mean`, `cls`, `lasttoken` or `max`
/// @param normalize whether the last step scales embeddings to length 1
/// @param maxTokens how many tokens of a text are read; 0 where nothing is said
/// @param prompts texts put in front, by name
/// @param defaultPrompt name of the one that is used unasked; null for none
record SentenceTransformer(
    String mode,
    boolean normalize,
    int maxTokens,
    Map<String, String> prompts,
    String defaultPrompt) {
  private static final long MOST_BYTES = 1 << 20;

  private static final List<String> MODES = List.of("mean", "cls", "lasttoken", "max");

  /// What older folders have as a flag each.
  private static final Map<String, String> FLAGS =
      Map.of(
          "pooling_mode_mean_tokens", "mean",
          "pooling_mode_cls_token", "cls",
          "pooling_mode_lasttoken", "lasttoken",
          "pooling_mode_max_tokens", "max",
          "pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens",
          "pooling_mode_weightedmean_tokens", "weightedmean");

  /// {@return what a folder says; null where it has no `modules.json`, or one without pooling}
  static SentenceTransformer read(Path folder) throws IOException {
    var path = folder.resolve("modules.json");
    if (!Files.isRegularFile(path)) return null;
    String mode = null;
    boolean normalize = false;
    for (var module : modules(path)) {
      var type = module.text("type");
      switch (type.substring(type.lastIndexOf('.') + 1)) {
        case "Transformer", "Dropout" -> {} // nothing is dropped when not training
        case "Pooling" -> mode = mode(beside(folder, module.textOr("path", "")));
        case "Normalize" -> normalize = true;
        default ->
            throw new UnsupportedOperationException(
                path
                    + ": module "
                    + FormatException.quote(type)
                    + " is not supported; known are Transformer, Pooling, Normalize, Dropout");
      }
    }
    if (mode == null) return null;
    var prompts = Config.openIfPresent(folder.resolve("config_sentence_transformers.json"));
    return new SentenceTransformer(
        mode,
        normalize,
        maxTokens(folder),
        prompts(prompts),
        prompts.textOr("default_prompt_name", null));
  }

  private static List<Config> modules(Path path) throws IOException {
    var modules = new ArrayList<Config>();
    try {
      if (!(Json.parse(CheckpointFiles.text(path, MOST_BYTES)) instanceof List<?> list))
        throw new FormatException(path, "modules", "a JSON array", "something else");
      for (var item : list) {
        var values = new LinkedHashMap<String, Object>();
        values.put("module", item);
        modules.add(new Config(path, values).object("module"));
      }
    } catch (JsonException e) {
      throw new FormatException(path, "text", "a JSON array", e.getMessage());
    }
    return modules;
  }

  /// {@return the configuration in a folder of the folder}
  private static Config beside(Path folder, String name) throws IOException {
    var path = folder.resolve(name).normalize();
    if (!path.startsWith(folder.normalize()))
      throw new FormatException(
          folder.resolve("modules.json"), "path", "one in the folder", FormatException.quote(name));
    return Config.open(path.resolve("config.json"));
  }

  private static String mode(Config pooling) throws FormatException {
    var modes = new ArrayList<String>();
    for (var flag : FLAGS.entrySet())
      if (pooling.bool(flag.getKey(), false)) modes.add(flag.getValue());
    if (modes.isEmpty() && pooling.has("pooling_mode")) modes.add(pooling.text("pooling_mode"));
    Collections.sort(modes);
    if (modes.size() != 1 || !MODES.contains(modes.getFirst()))
      throw new UnsupportedOperationException(
          pooling.path()
              + ": pooling "
              + (modes.isEmpty() ? "of no mode" : String.join(" and ", modes))
              + " is not supported; known is one of "
              + String.join(", ", MODES));
    if (!pooling.bool("include_prompt", true))
      throw new UnsupportedOperationException(
          pooling.path() + ": include_prompt false is not supported");
    return modes.getFirst();
  }

  /// The file is named after the model that the library first knew: `sentence_bert_config.json`,
  /// whatever the model.
  private static int maxTokens(Path folder) throws IOException {
    var settings = Config.openIfPresent(folder.resolve("sentence_bert_config.json"));
    if (settings.bool("do_lower_case", false))
      throw new UnsupportedOperationException(
          settings.path() + ": do_lower_case true is not supported");
    return settings.has("max_seq_length") ? settings.size("max_seq_length") : 0;
  }

  private static Map<String, String> prompts(Config config) throws FormatException {
    var texts = config.object("prompts");
    var prompts = new LinkedHashMap<String, String>();
    for (var name : texts.values().keySet())
      if (texts.has(name)) prompts.put(name, texts.text(name));
    return prompts;
  }
}
