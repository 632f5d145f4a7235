package dev.tenon.convert;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.FormatException;
import dev.tenon.huggingface.ModelCard;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.huggingface.Weight;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/// What a file says of its model under `general.*`: from the model card, the name of the folder,
/// `_name_or_path` and `generation_config.json`, as `Metadata` in gguf-py finds it.
final class GeneralMetadata {
  /// Where a card's fields go; the first that it has counts.
  private static final String[][] CARD_FIELDS = {
    {"name", "name", "model_name"},
    {"author", "author", "model_author", "model_creator"},
    {"version", "version", "model_version"},
    {"organization", "organization", "model_organization"},
    {"description", "description", "model_description"},
    {"finetune", "finetune", "model_finetune"},
    {"basename", "basename", "model_basename", "model_type"},
    {"size_label", "size_label", "model_size_label"},
    {"source.url", "url", "model_url"},
    {"source.doi", "doi", "model_doi"},
    {"source.uuid", "uuid", "model_uuid"},
    {"source.repo_url", "repo_url", "model_repo_url"},
    {"license", "license"},
    {"license.name", "license_name"},
    {"license.link", "license_link"}
  };

  /// Texts in the order in which they are written.
  private static final List<String> TEXTS =
      List.of(
          "name",
          "author",
          "version",
          "organization",
          "finetune",
          "basename",
          "description",
          "quantized_by",
          "size_label",
          "license",
          "license.name",
          "license.link",
          "url",
          "doi",
          "uuid",
          "repo_url",
          "source.url",
          "source.doi",
          "source.uuid",
          "source.repo_url");

  /// What is said of a model or dataset that this one comes from.
  private static final List<String> ORIGIN_TEXTS =
      List.of(
          "name",
          "author",
          "version",
          "organization",
          "description",
          "url",
          "doi",
          "uuid",
          "repo_url");

  /// Settings of samplers: the key, its type, and what `generation_config.json` calls it.
  private enum Sampling {
    SEQUENCE(GgufType.STRING, "sequence"),
    TOP_K(GgufType.INT32, "top_k"),
    TOP_P(GgufType.FLOAT32, "top_p"),
    MIN_P(GgufType.FLOAT32, "min_p"),
    XTC_PROBABILITY(GgufType.FLOAT32, "xtc_probability"),
    XTC_THRESHOLD(GgufType.FLOAT32, "xtc_threshold"),
    TEMP(GgufType.FLOAT32, "temperature"),
    PENALTY_LAST_N(GgufType.INT32, "penalty_last_n"),
    PENALTY_REPEAT(GgufType.FLOAT32, "penalty_repeat", "repetition_penalty"),
    MIROSTAT(GgufType.INT32, "mirostat"),
    MIROSTAT_TAU(GgufType.FLOAT32, "mirostat_tau"),
    MIROSTAT_ETA(GgufType.FLOAT32, "mirostat_eta");

    final GgufType type;
    final String[] names;

    Sampling(GgufType type, String... names) {
      this.type = type;
      this.names = names;
    }

    String key() {
      return "general.sampling." + name().toLowerCase(Locale.ROOT);
    }
  }

  private static final String HUB = "https://huggingface.co/";
  private static final Pattern HUB_URL = Pattern.compile("https?://huggingface.co/([^/]+/[^/]+)");

  private final Map<Sampling, GgufValue> sampling = new LinkedHashMap<>();
  private final Map<String, String> texts = new LinkedHashMap<>();
  private List<Map<String, String>> baseModels;
  private List<Map<String, String>> datasets;
  private List<String> tags;
  private List<String> languages;

  private GeneralMetadata() {}

  /// Gathers what is known of a model.
  ///
  /// @param tensors of the file to be
  static GeneralMetadata of(ModelFolder folder, Map<String, Weight> tensors, ConvertOptions options)
      throws IOException {
    return of(folder.path(), folder.config(), folder.generation(), Parameters.of(tensors), options);
  }

  /// Gathers what is known of a model.
  ///
  /// @param given a folder, or a file
  static GeneralMetadata of(
      Path given, Config config, Config generation, Parameters size, ConvertOptions options)
      throws IOException {
    var metadata = new GeneralMetadata();
    var path = given.toAbsolutePath().normalize();
    metadata.read(Files.isDirectory(path) ? ModelCard.of(path) : ModelCard.parse(""), size.total());
    metadata.readSampling(generation, false);
    if (config.values().get("_name_or_path") instanceof String id
        && id.chars().filter(c -> c == '/').count() <= 1)
      metadata.read(ModelId.of(id, size.total()));
    metadata.read(ModelId.of(folderName(path), size.total()));

    metadata.override(new Config(path, options.metadata()));
    if (options.name() != null) metadata.texts.put("name", options.name());
    if (size.total() > 0) metadata.texts.putIfAbsent("size_label", size.label());
    return metadata;
  }

  /// {@return the name of a folder, of a file without its ending; of a folder of the hub's cache,
  /// which is named by a hash, that of the model}
  private static String folderName(Path path) {
    var name = path.getFileName() == null ? "" : path.getFileName().toString();
    if (!Files.isDirectory(path)) return name.replaceFirst("\\.[^.]*$", "");
    int n = path.getNameCount();
    if (n < 3 || !path.getName(n - 2).toString().equals("snapshots")) return name;
    var repository = path.getName(n - 3).toString();
    return repository.startsWith("models--")
        ? repository.substring("models--".length()).replaceFirst("--", "/")
        : name;
  }

  private void read(ModelCard card, long parameters) {
    for (var fields : CARD_FIELDS)
      for (int i = 1; i < fields.length; i++) put(fields[0], card.text(fields[i]));
    baseModels = origins(card, parameters, "base_model", "base_models", "base_model_sources");
    datasets = origins(card, parameters, "datasets", "dataset", "dataset_sources");
    tags = words(card, "tags", "pipeline_tag");
    languages = words(card, "languages", "language");
  }

  private void put(String key, String value) {
    if (value != null) texts.putIfAbsent(key, value);
  }

  private static List<String> words(ModelCard card, String... fields) {
    List<String> words = null;
    for (var field : fields) {
      if (card.values().get(field) == null) continue;
      if (words == null) words = new ArrayList<>();
      for (var item : card.list(field)) if (item instanceof String word) words.add(word);
    }
    return words;
  }

  private static List<Map<String, String>> origins(
      ModelCard card, long parameters, String... fields) {
    for (var field : fields) {
      if (!card.has(field)) continue;
      var origins = new ArrayList<Map<String, String>>();
      if (card.values().get(field) instanceof Map) return origins;
      for (var item : card.list(field)) origins.add(origin(item, parameters));
      return origins;
    }
    return null;
  }

  /// {@return what is said of a model or dataset by its name, its address or in fields}
  private static Map<String, String> origin(Object item, long parameters) {
    var origin = new LinkedHashMap<String, String>();
    switch (item) {
      case String id when id.matches("(?s)(http|https|ssh)://.*") -> {
        origin.put("repo_url", id);
        var name = HUB_URL.matcher(id);
        if (name.matches()) putParts(origin, ModelId.of(name.group(1), parameters));
      }
      case String id -> {
        var parts = ModelId.of(id, parameters);
        putParts(origin, parts);
        if (parts.organization() != null)
          origin.put("repo_url", HUB + parts.organization() + "/" + parts.fullName());
      }
      case Map<?, ?> fields ->
          fields.forEach(
              (key, value) -> {
                if (value instanceof String text) origin.put((String) key, text);
              });
      default -> {}
    }
    return origin;
  }

  private static void putParts(Map<String, String> origin, ModelId id) {
    origin.put("name", ModelId.title(id.fullName()));
    if (id.organization() != null) origin.put("organization", ModelId.title(id.organization()));
    if (id.version() != null) origin.put("version", id.version());
  }

  private void read(ModelId id) {
    put("name", ModelId.title(id.fullName()));
    if (id.organization() != null) put("organization", ModelId.title(id.organization()));
    put("basename", id.baseName());
    put("finetune", id.finetune());
    put("version", id.version());
    put("size_label", id.sizeLabel());
  }

  /// @param keys whether they have the names of the file's keys
  private void readSampling(Config config, boolean keys) throws FormatException {
    for (var setting : Sampling.values())
      for (var name : keys ? new String[] {setting.key()} : setting.names) {
        if (!config.has(name)) continue;
        sampling.put(
            setting,
            switch (setting.type) {
              case STRING -> new GgufValue.Text(config.text(name));
              case INT32 -> int32(config, name);
              default -> new GgufValue.Real(GgufType.FLOAT32, config.real(name));
            });
        break;
      }
  }

  private static GgufValue int32(Config config, String name) throws FormatException {
    long number = config.integer(name);
    if (number != (int) number) throw config.malformed(name, "an integer of 32 bits", "" + number);
    return new GgufValue.Int(GgufType.INT32, number);
  }

  private void override(Config values) throws FormatException {
    readSampling(values, true);
    for (var key : TEXTS) {
      // As upstream has it, the licence itself is for the card alone to say.
      var full = "general." + key;
      if (values.has(full) && !key.equals("license")) texts.put(key, values.text(full));
    }
    if (values.has("general.base_models")) baseModels = overriding(values, "general.base_models");
    if (values.has("general.datasets")) datasets = overriding(values, "general.datasets");
    if (values.has("general.tags")) tags = values.texts("general.tags");
    if (values.has("general.languages")) languages = values.texts("general.languages");
  }

  private static List<Map<String, String>> overriding(Config values, String key)
      throws FormatException {
    var origins = new ArrayList<Map<String, String>>();
    for (var item : values.list(key)) {
      if (!(item instanceof Map)) throw values.malformed(key, "an array of objects", "" + item);
      origins.add(origin(item, 0));
    }
    return origins;
  }

  /// Puts every key, in gguf-py's order.
  void putInto(Map<String, GgufValue> keys) {
    keys.put("general.type", new GgufValue.Text("model"));
    for (var setting : Sampling.values())
      if (sampling.containsKey(setting)) keys.put(setting.key(), sampling.get(setting));
    for (var key : TEXTS) text(keys, "general." + key, texts.get(key));
    putOrigins(keys, "general.base_model.", baseModels);
    putOrigins(keys, "general.dataset.", datasets);
    if (tags != null && !tags.isEmpty()) keys.put("general.tags", GgufValue.Array.strings(tags));
    if (languages != null && !languages.isEmpty())
      keys.put("general.languages", GgufValue.Array.strings(languages));
  }

  private static void putOrigins(
      Map<String, GgufValue> keys, String prefix, List<Map<String, String>> origins) {
    if (origins == null) return;
    keys.put(prefix + "count", new GgufValue.Int(GgufType.UINT32, origins.size()));
    for (int i = 0; i < origins.size(); i++)
      for (var key : ORIGIN_TEXTS) text(keys, prefix + i + "." + key, origins.get(i).get(key));
  }

  private static void text(Map<String, GgufValue> keys, String key, String value) {
    if (value != null && !value.isEmpty()) keys.put(key, new GgufValue.Text(value));
  }

  /// {@return the name of a file by the convention for GGUF files, for example
  /// `Mistral-7B-Instruct-v0.2-Q8_0.gguf`}
  ///
  /// @param type of its weights, or null for a vocabulary
  String fileName(String type) {
    var base = texts.getOrDefault("basename", texts.get("name")).strip();
    var name = new StringBuilder(base.replace(' ', '-').replace('/', '-'));
    if (type != null) append(name, texts.get("size_label"));
    append(name, texts.get("finetune"));
    append(name, texts.get("version"));
    append(name, type == null ? "vocab" : type.toUpperCase(Locale.ROOT));
    return name.toString().replaceAll("\\p{Cntrl}", "-") + ".gguf";
  }

  private static void append(StringBuilder name, String part) {
    // A part of a name is no path, whoever wrote the card.
    if (part != null) name.append('-').append(part.strip().replace(' ', '-').replace('/', '-'));
  }

  /// How many parameters a model has.
  ///
  /// @param shared of them what is no expert's
  /// @param ofOne those of one expert of each layer
  /// @param experts how many there are in a layer
  record Parameters(long total, long shared, long ofOne, long experts) {
    static Parameters of(Map<String, Weight> tensors) {
      long total = 0;
      long ofOne = 0;
      long shared = 0;
      long expertSum = 0;
      long expertTensors = 0;
      for (var tensor : tensors.entrySet()) {
        var shape = tensor.getValue().shape();
        long size = Arrays.stream(shape).reduce(1, (a, b) -> a * b);
        total += size;
        if (tensor.getKey().contains("_exps.") && shape.length >= 3) {
          long count = shape[shape.length - (tensor.getKey().contains(".bias") ? 2 : 3)];
          ofOne += count == 0 ? 0 : size / count;
          expertSum += count;
          expertTensors++;
        } else {
          shared += size;
        }
      }
      return new Parameters(
          total, shared, ofOne, expertTensors == 0 ? 0 : expertSum / expertTensors);
    }

    /// {@return the size as names have it, for example `7.2B` or `8x7B`}
    String label() {
      return experts > 0 ? experts + "x" + rounded(shared + ofOne) : rounded(total);
    }

    private static String rounded(long count) {
      double scaled;
      char unit;
      if (count > 1e12) {
        scaled = count * 1e-12;
        unit = 'T';
      } else if (count > 1e9) {
        scaled = count * 1e-9;
        unit = 'B';
      } else if (count > 1e6) {
        scaled = count * 1e-6;
        unit = 'M';
      } else {
        scaled = count * 1e-3;
        unit = 'K';
      }
      long whole = (long) Math.rint(scaled);
      int digits = whole == 0 ? 0 : Long.toString(whole).length();
      return new BigDecimal(scaled)
              .setScale(Math.max(0, 2 - digits), RoundingMode.HALF_EVEN)
              .toPlainString()
          + unit;
    }
  }
}
