package dev.tenon.huggingface;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// A model as Hugging Face folders have it: `config.json`, `generation_config.json`, weights,
/// tokenizer. A file of llama2.c is one as well.
///
/// It notes which tensors were asked for, so that none is forgotten silently.
///
/// ```java
/// try (var folder = ModelFolder.open(Path.of("TinyStories-656K"))) {
///   folder.modelClass(); // LlamaForCausalLM
///   folder.weight("lm_head.weight").shape(); // [2048, 128]
/// }
/// ```
///
/// Confined to one thread at a time; the weights it gives are valid until it is closed.
public final class ModelFolder implements AutoCloseable {
  /// Ways of quantization that are read, by `quant_method`.
  private static final Set<String> QUANTIZATIONS = Set.of("fp8", "compressed-tensors");

  /// Formats of compressed-tensors in which a weight is a tensor of 8 bits, with its scales beside
  /// it.
  private static final Set<String> FORMATS =
      Set.of("float-quantized", "int-quantized", "naive-quantized");

  private static final List<String> TOKENIZER_FILES =
      List.of("tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt");

  /// What `config.json` may say of how texts are generated, as transformers takes it over.
  private static final Set<String> GENERATION_KEYS =
      Set.of(
          "bad_words_ids",
          "begin_suppress_tokens",
          "bos_token_id",
          "decoder_start_token_id",
          "do_sample",
          "early_stopping",
          "encoder_no_repeat_ngram_size",
          "encoder_repetition_penalty",
          "eos_token_id",
          "epsilon_cutoff",
          "eta_cutoff",
          "exponential_decay_length_penalty",
          "forced_bos_token_id",
          "forced_eos_token_id",
          "length_penalty",
          "max_length",
          "max_new_tokens",
          "min_length",
          "min_new_tokens",
          "min_p",
          "no_repeat_ngram_size",
          "num_beams",
          "num_return_sequences",
          "pad_token_id",
          "remove_invalid_values",
          "renormalize_logits",
          "repetition_penalty",
          "sequence_bias",
          "suppress_tokens",
          "temperature",
          "top_k",
          "top_p",
          "typical_p");

  /// What old folders keep although it follows from the configuration.
  private static final Pattern NEVER_NEEDED =
      Pattern.compile(".*(\\.rotary_emb\\.inv_freq|\\.attention\\.(masked_)?bias)");

  /// Numbers of activations: they matter to kernels that compute in the quantized type.
  private static final Pattern ACTIVATION_SCALES =
      Pattern.compile(".*[._](activation|input|k|v)_scale");

  private final Path path;
  private final Config root;
  private Config config;
  private final Config generation; // null where there is no generation_config.json
  private final Checkpoint checkpoint;
  private final Path llama2c; // the model's file, or null
  private final Set<String> used = new HashSet<>();

  private ModelFolder(
      Path path, Config root, Config generation, Checkpoint checkpoint, Path llama2c)
      throws FormatException {
    this.path = path;
    this.root = root;
    this.config = root.text();
    this.generation = generation;
    this.checkpoint = checkpoint;
    this.llama2c = llama2c;
  }

  /// Opens a folder, or a model of llama2.c: its `.bin` file, or a folder with one and no
  /// `config.json`.
  ///
  /// @param path the folder or file
  /// @return the open folder; the caller closes it
  /// @throws FormatException if a file of it is malformed
  /// @throws UnsupportedOperationException if its weights are quantized in a way that is not known
  /// @throws IOException if a file is missing or cannot be read
  public static ModelFolder open(Path path) throws IOException {
    if (isGguf(path)) {
      throw new FileSystemException(
          path.toString(), null, "a GGUF file already; quantizing makes it another type");
    }
    var configPath = path.resolve("config.json");
    boolean llama2c = !Files.isDirectory(path) || !Files.exists(configPath) && hasLlama2c(path);
    var weights = llama2c && Files.isDirectory(path) ? CheckpointFiles.find(path) : path;
    var config = llama2c ? Llama2c.config(weights) : Config.open(configPath);
    var generationPath = path.resolve("generation_config.json");
    var generation = Files.exists(generationPath) ? Config.open(generationPath) : null;
    checkQuantization(config);
    var checkpoint = llama2c ? Llama2c.open(weights) : Checkpoint.open(path);
    try {
      return new ModelFolder(path, config, generation, checkpoint, llama2c ? weights : null);
    } catch (Throwable e) {
      checkpoint.close();
      throw e;
    }
  }

  private static boolean isGguf(Path path) throws IOException {
    if (!Files.isRegularFile(path)) {
      return false;
    }
    try (var in = Files.newInputStream(path)) {
      return new String(in.readNBytes(4), StandardCharsets.US_ASCII).equals("GGUF");
    }
  }

  /// {@return whether the only weights of a folder are a model of llama2.c}
  private static boolean hasLlama2c(Path folder) throws IOException {
    try {
      var weights = CheckpointFiles.find(folder);
      if (!weights.getFileName().toString().toLowerCase(Locale.ROOT).endsWith(".bin")
          || TorchCheckpoint.is(weights)) {
        return false;
      }
      Llama2c.config(weights);
      return true;
    } catch (FileSystemException | FormatException _) {
      return false; // then the missing config.json is what there is to say
    }
  }

  private static void checkQuantization(Config config) throws FormatException {
    var quantization = config.object("quantization_config");
    var method = quantization.textOr("quant_method", null);
    if (method == null) return;
    known(config, "quant_method", method, QUANTIZATIONS);
    if (method.equals("compressed-tensors"))
      known(config, "format", quantization.textOr("format", "none"), FORMATS);
  }

  private static void known(Config config, String key, String value, Set<String> known) {
    if (!known.contains(value)) {
      throw new UnsupportedOperationException(
          config.path()
              + ": quantization_config."
              + key
              + " "
              + FormatException.quote(value)
              + " is not supported; known are "
              + new TreeSet<>(known));
    }
  }

  /// {@return the folder, or the file of llama2.c}
  public Path path() {
    return path;
  }

  /// {@return the settings of the language model, as [Config#text] has them}
  public Config config() {
    return config;
  }

  /// Gives the configuration values for keys that it does not have.
  ///
  /// @param defaults of the class, as [FolderMapping#defaults] gives them
  public void assume(Map<String, Object> defaults) {
    config = config.withDefaults(defaults);
  }

  /// {@return how texts are generated: `generation_config.json`; where there is none, what
  /// `config.json` and the [defaults][#assume] of its class say of the same}
  public Config generation() {
    if (generation != null) return generation;
    var values = new LinkedHashMap<>(config.values());
    values.keySet().retainAll(GENERATION_KEYS);
    return new Config(config.path(), values);
  }

  /// {@return the class of transformers: the first of `architectures`, or null}
  ///
  /// @throws FormatException if `architectures` is no array of texts
  public String modelClass() throws FormatException {
    return root.architecture();
  }

  /// {@return the tokenizer, or null where the folder has none}
  ///
  /// @param rows how many tokens the model has weights for
  /// @throws FormatException if a file of it is malformed
  /// @throws UnsupportedOperationException if it is of an unknown kind
  /// @throws IOException if a file cannot be read
  public TokenizerVocabulary tokenizer(int rows) throws IOException {
    if (llama2c == null) {
      if (TokenizerFiles.present(path)) return TokenizerFiles.read(path, rows);
      if (Files.exists(path.resolve("tekken.json"))) {
        throw new UnsupportedOperationException(
            path.resolve("tekken.json")
                + ": Mistral's own format is not supported; tokenizer.json has the same tokenizer");
      }
      return null;
    }
    var tokenizer = Llama2c.tokenizerBeside(llama2c);
    return tokenizer == null ? null : Llama2c.tokenizer(tokenizer, rows);
  }

  /// {@return the names of all tensors, in the order of their files}
  public List<String> names() {
    return checkpoint.tensors().stream().map(StoredTensor::name).toList();
  }

  /// {@return the files that have its tensors}
  public Set<Path> files() {
    return checkpoint.tensors().stream()
        .map(StoredTensor::file)
        .collect(Collectors.toCollection(LinkedHashSet::new));
  }

  /// {@return the type of its first matrix of 16 bits, or null where none is stored so}
  public ElementType halfType() {
    return checkpoint.tensors().stream()
        .filter(tensor -> tensor.shape().length > 1)
        .map(StoredTensor::type)
        .filter(type -> type == ElementType.BF16 || type == ElementType.F16)
        .findFirst()
        .orElse(null);
  }

  /// {@return whether there is a tensor of a name}
  ///
  /// @param name for example `lm_head.weight`
  public boolean has(String name) {
    return checkpoint.find(name) != null;
  }

  /// {@return the first of some prefixes that a tensor's name begins with, or the last: folders of
  /// one class are stored with and without the name of the model inside it}
  ///
  /// @param prefixes for example `model.` and an empty one
  public String prefix(String... prefixes) {
    for (var prefix : prefixes) {
      if (names().stream().anyMatch(name -> name.startsWith(prefix))) return prefix;
    }
    return prefixes[prefixes.length - 1];
  }

  /// {@return a tensor, multiplied by its scales where it is stored with them (8-bit types)}
  ///
  /// @param name for example `model.embed_tokens.weight`
  /// @throws FormatException if its scales are not what they should be
  /// @throws IOException if there is none of that name
  public Weight weight(String name) throws IOException {
    var tensor = checkpoint.tensor(name);
    used.add(name);
    var scale = checkpoint.find(name + "_scale_inv");
    if (scale == null) scale = checkpoint.find(name + "_scale");
    if (scale == null) return Weight.of(tensor);
    used.add(scale.name());
    return Weight.of(scaled(tensor, scale));
  }

  private StoredTensor scaled(StoredTensor tensor, StoredTensor scale) throws IOException {
    var block = blockSize();
    var shape = tensor.shape();
    try {
      if (shape.length != 2) throw new IllegalArgumentException(tensor + " is no matrix");
      if (scale.elements() == 1) return tensor.scaled(scale, shape[0], shape[1]);
      if (block.length == 2) return tensor.scaled(scale, (long) block[0], (long) block[1]);
      return tensor.scaled(scale, 1, shape[1]); // one for each row
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw new FormatException(
          tensor.file(), scale.name(), "the scales of a tensor", "" + e.getMessage());
    }
  }

  /// {@return rows and columns that share a scale, or nothing}
  private double[] blockSize() throws FormatException {
    var quantization = root.object("quantization_config");
    var groups = quantization.object("config_groups");
    for (var group : groups.values().keySet()) {
      var size = groups.object(group).object("weights").reals("block_structure");
      if (size.length > 0) return size;
    }
    return quantization.reals("weight_block_size");
  }

  /// {@return whether two tensors are the same elements of the same file, or have one alone of
  /// them: then what they are for is tied}
  ///
  /// @param one a name
  /// @param other a name
  public boolean tied(String one, String other) {
    var first = checkpoint.find(one);
    var second = checkpoint.find(other);
    return first == null || second == null || first.isSameAs(second);
  }

  /// Says that some tensors are not needed.
  ///
  /// @param names matches their whole names
  public void leaveOut(Pattern names) {
    for (var name : names()) if (names.matcher(name).matches()) used.add(name);
  }

  /// {@return the tensors that were neither asked for nor left out}
  public List<String> unused() {
    leaveOut(NEVER_NEEDED);
    if (root.has("quantization_config")) leaveOut(ACTIVATION_SCALES);
    return names().stream().filter(name -> !used.contains(name)).toList();
  }

  /// Unmaps the files. Closing again has no effect.
  @Override
  public void close() {
    checkpoint.close();
  }

  @Override
  public String toString() {
    return path + " of " + checkpoint.tensors().size() + " tensors";
  }
}
