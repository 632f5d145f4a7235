package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.FolderMapping;
import dev.tenon.huggingface.FormatException;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.TokenizerFiles;
import dev.tenon.model.Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// What a new model has, by a `config.json` as Hugging Face folders have it and a vocabulary: all
/// that a GGUF file says, and no weights yet.
///
/// ```java
/// var plan = NewModelPlan.of(Path.of("config.json"), Path.of("vocabulary.gguf"), "tiny");
/// NewModel.of(plan.architecture(), plan.metadata(), plan.optionalWeights(), plan.deviation())
///     .write(Path.of("tiny.gguf"), 1);
/// ```
///
/// @param architecture the one that knows the configuration's class
/// @param metadata every key of the file and its value, in their order
/// @param optionalWeights what the configuration asks for of the weights that not every model of
///     the architecture has: by GGUF's names, without `blk.3.` in front
/// @param deviation standard deviation of its random weights: `initializer_range`, above 0 and at
///     most 1
public record NewModelPlan(
    Architecture architecture,
    Map<String, GgufValue> metadata,
    Set<String> optionalWeights,
    double deviation) {
  private static final double USUAL_DEVIATION = 0.02;
  private static final int MOST_TOKENS = 1 << 22;
  private static final int UNUSED = 5; // a token's type
  private static final String TOKENS = "tokenizer.ggml.tokens";

  /// Copies the collections.
  public NewModelPlan {
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
    optionalWeights = Set.copyOf(optionalWeights);
  }

  /// Reads a configuration and a vocabulary.
  ///
  /// @param config a `config.json`: the class in `architectures`, sizes, and as `vocab_size` the
  ///     number of tokens of the vocabulary or nothing
  /// @param vocabulary a GGUF file, of which its `tokenizer.*` are taken; or a folder with a
  ///     tokenizer's files, or its `tokenizer.json`
  /// @param name value of `general.name`
  /// @return the plan
  /// @throws FormatException if the configuration or the tokenizer is malformed, or they do not go
  ///     together
  /// @throws UnsupportedOperationException if the class is not known or is no decoder's, or the
  ///     configuration asks for something that its architecture or a new model does not do
  /// @throws IOException if a file cannot be read, or is no GGUF file of a vocabulary
  public static NewModelPlan of(Path config, Path vocabulary, String name) throws IOException {
    var given = Config.open(config).text();
    var architecture = Converter.architecture(config, given.architecture());
    var mapping = (FolderMapping) architecture;
    var tokenizer = tokenizer(vocabulary, given);
    int tokens = ((GgufValue.Array) tokenizer.get(TOKENS)).size();
    if (given.size("vocab_size", tokens) != tokens)
      throw given.malformed(
          "vocab_size",
          "the " + tokens + " tokens of " + vocabulary + " (or none)",
          "" + given.size("vocab_size"));
    var whole =
        given
            .withDefaults(Map.of("vocab_size", (long) tokens))
            .withDefaults(mapping.defaults(given.architecture()));
    var plan = plan(whole, architecture);
    return new NewModelPlan(
        architecture,
        metadata(plan, tokenizer, name),
        mapping.optionalWeights(whole),
        deviation(whole));
  }

  private static GgufPlan plan(Config config, Architecture architecture) throws IOException {
    var plan = new GgufPlan(architecture.name());
    try {
      ((FolderMapping) architecture).keys(config, plan);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new FormatException(
          config.path(), "config", "that of a " + config.architecture(), e.getMessage());
    }
    if (!plan.tensors().isEmpty())
      throw new UnsupportedOperationException(
          config.path()
              + ": a new model with "
              + plan.tensors().keySet().iterator().next()
              + " is not supported: leave rope_scaling and rope_parameters out");
    return plan;
  }

  private static double deviation(Config config) throws FormatException {
    double deviation = config.real("initializer_range", USUAL_DEVIATION);
    if (!(deviation > 0 && deviation <= 1))
      throw config.malformed("initializer_range", "above 0 and at most 1", "" + deviation);
    return deviation;
  }

  private static Map<String, GgufValue> metadata(
      GgufPlan plan, Map<String, GgufValue> tokenizer, String name) {
    var keys = new LinkedHashMap<String, GgufValue>();
    keys.put("general.architecture", new GgufValue.Text(plan.architecture()));
    keys.put("general.type", new GgufValue.Text("model"));
    keys.put("general.name", new GgufValue.Text(name));
    keys.putAll(plan.keys());
    keys.put("general.file_type", new GgufValue.Int(GgufType.UINT32, FileType.F32.id()));
    keys.putAll(tokenizer);
    return keys;
  }

  /// {@return the keys of a vocabulary}
  private static Map<String, GgufValue> tokenizer(Path vocabulary, Config config)
      throws IOException {
    if (Files.isDirectory(vocabulary)) return ofFolder(vocabulary, config);
    if (vocabulary.getFileName() != null
        && vocabulary.getFileName().toString().equals("tokenizer.json"))
      return ofFolder(vocabulary.toAbsolutePath().getParent(), config);
    try (var gguf = Gguf.open(vocabulary)) {
      var keys = new LinkedHashMap<String, GgufValue>();
      for (var key : gguf.keys())
        // Steps of a tokenizer that llama.cpp's keys cannot say are under keys of Tenon's own.
        if (key.startsWith("tokenizer.") || key.startsWith("tenon.tokenizer."))
          keys.put(key, gguf.get(key));
      if (!gguf.isArray(TOKENS) || gguf.strings(TOKENS).isEmpty())
        throw gguf.malformed(TOKENS, "a vocabulary, " + TOKENS, "none");
      return keys;
    }
  }

  private static Map<String, GgufValue> ofFolder(Path folder, Config config) throws IOException {
    if (!TokenizerFiles.present(folder))
      throw new FormatException(folder, "vocabulary", "a tokenizer.json or its like", "none");
    if (!config.has("vocab_size"))
      throw config.malformed("vocab_size", "how many tokens " + folder + " has", "none");
    int size = config.size("vocab_size");
    if (size >= MOST_TOKENS)
      throw config.malformed("vocab_size", "below " + MOST_TOKENS, "" + size);
    // One id more than there are is filled up with a token that is never used.
    var types = TokenizerFiles.read(folder, size + 1).metadata().get("tokenizer.ggml.token_type");
    if (((GgufValue.Array) types).get(size) instanceof GgufValue.Int type && type.value() != UNUSED)
      throw config.malformed("vocab_size", "all tokens of " + folder, size + ", and it has more");
    return TokenizerFiles.read(folder, size).metadata();
  }
}
