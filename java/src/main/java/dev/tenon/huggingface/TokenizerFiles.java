package dev.tenon.huggingface;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.huggingface.TokenizerVocabulary.Builder;
import dev.tenon.huggingface.TokenizerVocabulary.Table;
import dev.tenon.json.Json;
import dev.tenon.tokenizer.TokenizerSteps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The tokenizer of a Hugging Face folder as the vocabulary of a GGUF file, as gguf-py and
/// llama.cpp's `convert_hf_to_gguf.py` write it.
///
/// Read are the first there is of `tokenizer.json`, `tokenizer.model` (SentencePiece's) and
/// `vocab.json` with `merges.txt`; and `tokenizer_config.json`, `added_tokens.json`, `config.json`,
/// `generation_config.json` and chat templates beside it.
///
/// ```java
/// var vocabulary = TokenizerFiles.read(folder, config.size("vocab_size"));
/// vocabulary.putInto(writer);
/// ```
public final class TokenizerFiles {
  private static final long MOST_BYTES = 1 << 28;
  private static final int MOST_TOKENS = 1 << 22;
  private static final float ADDED_SCORE = -1000;

  /// Classes of transformers that add begin and end tokens as `tokenizer_config.json` says,
  /// whatever the `tokenizer.json` beside it says.
  private static final Set<String> FLAGGED =
      Set.of("LlamaTokenizer", "GemmaTokenizer", "CodeLlamaTokenizer", "CohereTokenizer");

  private final Path folder;
  private final int rows;
  private final Config settings;
  private final Config config;

  /// The tokens that the files add to a vocabulary, by id.
  private final Map<Integer, Added> added = new LinkedHashMap<>();

  /// @param json as a `tokenizer.json` has it
  private record Added(String text, boolean special, Map<String, Object> json) {}

  private TokenizerFiles(Path folder, int rows) throws IOException {
    this.folder = folder;
    this.rows = rows;
    settings = Config.openIfPresent(folder.resolve("tokenizer_config.json"));
    config = Config.openIfPresent(folder.resolve("config.json"));
  }

  /// {@return whether a folder has a tokenizer that [#read] reads}
  ///
  /// @param folder a Hugging Face folder
  public static boolean present(Path folder) {
    return has(folder, "tokenizer.json")
        || has(folder, "tokenizer.model")
        || has(folder, "vocab.json") && has(folder, "merges.txt");
  }

  private static boolean has(Path folder, String name) {
    return Files.isRegularFile(folder.resolve(name));
  }

  /// Reads a folder's tokenizer.
  ///
  /// @param folder a Hugging Face folder
  /// @param rows how many tokens the model has weights for: ids from there on are left out, ids
  ///     without a token get one that is never used
  /// @return its vocabulary
  /// @throws FormatException if a file is malformed
  /// @throws UnsupportedOperationException if the tokenizer is of an unknown kind; the message has
  ///     the file, the kind and the known ones
  /// @throws IllegalArgumentException if `rows` is below 1 or above 2^22
  /// @throws IOException if a file is missing or cannot be read
  public static TokenizerVocabulary read(Path folder, int rows) throws IOException {
    if (rows < 1 || rows > MOST_TOKENS) {
      throw new IllegalArgumentException(
          "read: " + rows + " rows; 1 to " + MOST_TOKENS + " are possible");
    }
    var files = new TokenizerFiles(folder, rows);
    if (has(folder, "tokenizer.json")) {
      return files.readJson(folder.resolve("tokenizer.json"));
    }
    if (has(folder, "tokenizer.model")) {
      return files.readSentencePiece(folder.resolve("tokenizer.model"));
    }
    return files.readVocabularyAndMerges();
  }

  // tokenizer.json

  private TokenizerVocabulary readJson(Path path) throws IOException {
    Map<String, Object> json;
    try {
      json = Json.object(CheckpointFiles.text(path, MOST_BYTES));
    } catch (IllegalArgumentException e) {
      throw new FormatException(path, "text", "a JSON object", e.getMessage());
    }
    return read(new Config(path, json));
  }

  private TokenizerVocabulary read(Config json) throws IOException {
    readAdded(json);
    var model = json.object("model");
    // Old files do not name the type: they are byte-pair encodings.
    var type = model.textOr("type", model.has("merges") ? "BPE" : "none");
    try {
      return switch (type) {
        case "BPE" -> readBpe(json, model);
        case "Unigram" -> readUnigram(json, model);
        case "WordPiece" -> readWordPiece(json, model);
        default ->
            throw new UnsupportedOperationException(
                json.path()
                    + ": tokenizer model "
                    + FormatException.quote(type)
                    + " is not supported; known are BPE, Unigram, WordPiece");
      };
    } catch (UnsupportedOperationException e) {
      var message = String.valueOf(e.getMessage());
      throw message.startsWith(json.path().toString())
          ? e
          : new UnsupportedOperationException(json.path() + ": " + message, e);
    } catch (IllegalArgumentException e) {
      throw new FormatException(json.path(), "steps", "those of a tokenizer", e.getMessage());
    }
  }

  private void readAdded(Config json) throws IOException {
    for (var item : json.list("added_tokens")) {
      if (!(item instanceof Map<?, ?> map)
          || !(map.get("id") instanceof Long id)
          || !(map.get("content") instanceof String text)
          || id < 0
          || id >= MOST_TOKENS) {
        throw json.malformed("added_tokens", "objects with id and content", Config.describe(item));
      }
      var copy = new LinkedHashMap<String, Object>();
      map.forEach((key, value) -> copy.put((String) key, value));
      added.put(id.intValue(), new Added(text, Boolean.TRUE.equals(map.get("special")), copy));
    }
  }

  /// {@return texts by id}
  private static Map<String, Integer> vocabulary(Config json, String key) throws IOException {
    if (!(json.values().get(key) instanceof Map<?, ?> map)) {
      throw json.malformed(key, "an object of tokens", Config.describe(json.values().get(key)));
    }
    var ids = new LinkedHashMap<String, Integer>();
    for (var entry : map.entrySet()) {
      if (!(entry.getValue() instanceof Long id) || id < 0 || id >= MOST_TOKENS) {
        throw json.malformed(
            key,
            "ids from 0 to " + (MOST_TOKENS - 1),
            Config.describe(entry.getValue()) + " for " + Config.describe(entry.getKey()));
      }
      ids.put((String) entry.getKey(), id.intValue());
    }
    return ids;
  }

  /// {@return merges as GGUF has them: two texts with a space between, a space in one as `Ġ`}
  private static List<String> merges(Config model) throws IOException {
    var merges = new ArrayList<String>();
    for (var item : model.list("merges")) {
      if (item instanceof String text) {
        merges.add(text);
      } else if (item instanceof List<?> pair
          && pair.size() == 2
          && pair.get(0) instanceof String left
          && pair.get(1) instanceof String right) {
        merges.add(left.replace(' ', '\u0120') + " " + right.replace(' ', '\u0120'));
      } else {
        throw model.malformed("merges", "pairs of texts", Config.describe(item));
      }
    }
    return merges;
  }

  private TokenizerVocabulary readBpe(Config json, Config model) throws IOException {
    var ids = vocabulary(model, "vocab");
    var merges = merges(model);
    TokenizerSteps.check(json.values());
    boolean bytes =
        isByteLevel(json.values().get("pre_tokenizer"))
            || isByteLevel(json.values().get("normalizer"));
    if (!bytes) {
      return readMetaspace(json, model, ids, merges);
    }
    var splitting =
        TokenizerSteps.splitting(
            json.values().get("pre_tokenizer"), model.bool("ignore_merges", false));
    var table = new Table(rows);
    ids.forEach((text, id) -> table.put(id, text, 0, TokenizerVocabulary.NORMAL));
    addTo(table);
    table.fill(rows, 0);
    var builder = new Builder("gpt2", splitting.name(), table, false);
    builder.put("merges", GgufValue.Array.strings(merges));
    addSpecial(builder, table, json);
    boolean own =
        !splitting.exact()
            || json.has("normalizer")
            || !model.textOr("continuing_subword_prefix", "").isEmpty()
            || !model.textOr("end_of_word_suffix", "").isEmpty()
            || addsPrefixSpace(json.values().get("pre_tokenizer"))
            || hasUnusualAdded();
    if (own) {
      addSteps(builder, json);
    }
    return builder.build();
  }

  private static boolean isByteLevel(Object step) {
    return step instanceof Map<?, ?> map
        && ("ByteLevel".equals(map.get("type"))
            || map.get("pretokenizers") instanceof List<?> list
                && list.stream().anyMatch(TokenizerFiles::isByteLevel)
            || map.get("normalizers") instanceof List<?> other
                && other.stream().anyMatch(TokenizerFiles::isByteLevel));
  }

  private static boolean addsPrefixSpace(Object step) {
    return step instanceof Map<?, ?> map
        && ("ByteLevel".equals(map.get("type"))
                && !Boolean.FALSE.equals(map.get("add_prefix_space"))
            || map.get("pretokenizers") instanceof List<?> list
                && list.stream().anyMatch(TokenizerFiles::addsPrefixSpace));
  }

  /// {@return whether an added token does what llama.cpp's keys cannot say}
  private boolean hasUnusualAdded() {
    return added.values().stream()
        .anyMatch(
            token ->
                Boolean.TRUE.equals(token.json.get("single_word"))
                    || Boolean.TRUE.equals(token.json.get("lstrip"))
                    || Boolean.TRUE.equals(token.json.get("rstrip"))
                    || !token.special && looksSpecial(token.text));
  }

  /// A vocabulary with spaces as U+2581, and bytes for what has no token: llama.cpp takes it for
  /// SentencePiece's, which merges by scores; the order of merges is said beside it.
  private TokenizerVocabulary readMetaspace(
      Config json, Config model, Map<String, Integer> ids, List<String> merges) throws IOException {
    var table = new Table(rows);
    var scores = scores(ids, merges);
    var unknown = model.textOr("unk_token", null);
    ids.forEach(
        (text, id) -> {
          int type =
              isByte(text)
                  ? TokenizerVocabulary.BYTE
                  : text.equals(unknown) ? TokenizerVocabulary.UNKNOWN : TokenizerVocabulary.NORMAL;
          table.put(id, text, scores.getOrDefault(text, 0f), type);
        });
    addTo(table);
    if (unknown != null && ids.containsKey(unknown) && ids.get(unknown) < rows) {
      table.put(ids.get(unknown), unknown, 0, TokenizerVocabulary.UNKNOWN);
    }
    table.fill(rows, ADDED_SCORE);
    var builder = new Builder("llama", "default", table, true);
    addSpecial(builder, table, json);
    builder.flag("add_space_prefix", prepends(json));
    addSteps(builder, json);
    builder.own(TokenizerSteps.MERGES, GgufValue.Array.strings(merges));
    return builder.build();
  }

  /// {@return scores by which SentencePiece merges in the order of a list, or as near as can be: of
  /// a file of SentencePiece's beside the other, else the negative place in the list}
  private Map<String, Float> scores(Map<String, Integer> ids, List<String> merges)
      throws IOException {
    var scores = new HashMap<String, Float>();
    if (has(folder, "tokenizer.model")) {
      var pieces = SentencePieceModel.open(folder.resolve("tokenizer.model")).pieces();
      boolean same = true;
      for (int id = 0; id < pieces.size() && same; id++) {
        var piece = pieces.get(id);
        same = Integer.valueOf(id).equals(ids.get(piece.text())) || id >= rows || piece.type() != 1;
        scores.put(piece.text(), piece.score());
      }
      if (same) {
        return scores;
      }
      scores.clear();
    }
    for (int i = 0; i < merges.size(); i++) {
      var text = merges.get(i);
      for (int space = text.indexOf(' ', 1); space > 0; space = text.indexOf(' ', space + 1)) {
        var result = text.substring(0, space) + text.substring(space + 1);
        if (ids.containsKey(result)) {
          scores.putIfAbsent(result, -1f - i);
        }
      }
    }
    return scores;
  }

  /// {@return whether a space is put in front of a text}
  private static boolean prepends(Config json) {
    return prepends(json.values().get("normalizer"))
        || prepends(json.values().get("pre_tokenizer"));
  }

  private static boolean prepends(Object step) {
    if (!(step instanceof Map<?, ?> map)) {
      return false;
    }
    return switch (String.valueOf(map.get("type"))) {
      case "Prepend" -> true;
      case "Metaspace" ->
          map.get("prepend_scheme") instanceof String scheme
              ? !scheme.equals("never")
              : !Boolean.FALSE.equals(map.get("add_prefix_space"));
      case "Sequence" ->
          (map.get("normalizers") instanceof List<?> a
                  ? a
                  : map.get("pretokenizers") instanceof List<?> b ? b : List.of())
              .stream().anyMatch(TokenizerFiles::prepends);
      default -> false;
    };
  }

  private TokenizerVocabulary readUnigram(Config json, Config model) throws IOException {
    var table = new Table(rows);
    int unknown = Math.clamp(model.integer("unk_id", -1), -1, MOST_TOKENS);
    int id = 0;
    for (var item : model.list("vocab")) {
      if (!(item instanceof List<?> pair)
          || pair.size() != 2
          || !(pair.get(0) instanceof String text)
          || !(pair.get(1) instanceof Number score)
          || id >= MOST_TOKENS) {
        throw model.malformed("vocab", "pairs of text and score", Config.describe(item));
      }
      int type =
          id == unknown
              ? TokenizerVocabulary.UNKNOWN
              : isByte(text) ? TokenizerVocabulary.BYTE : TokenizerVocabulary.NORMAL;
      table.put(id++, text, score.floatValue(), type);
    }
    addTo(table);
    if (table.text(unknown) != null) {
      table.put(unknown, table.text(unknown), 0, TokenizerVocabulary.UNKNOWN);
    }
    table.fill(rows, ADDED_SCORE);
    var builder = new Builder("t5", "default", table, true);
    addSpecial(builder, table, json);
    builder.flag("add_space_prefix", prepends(json));
    var charsmap = charsmap(json.values().get("normalizer"));
    if (charsmap != null) {
      builder.put("precompiled_charsmap", bytes(Base64.getDecoder().decode(charsmap)));
    }
    addSteps(builder, json);
    return builder.build();
  }

  private static GgufValue bytes(byte[] data) {
    var numbers = new long[data.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = data[i];
    }
    return GgufValue.Array.integers(GgufType.INT8, numbers);
  }

  private static String charsmap(Object step) {
    if (!(step instanceof Map<?, ?> map)) {
      return null;
    }
    if (map.get("precompiled_charsmap") instanceof String text) {
      return text;
    }
    return map.get("normalizers") instanceof List<?> all
        ? all.stream().map(TokenizerFiles::charsmap).filter(c -> c != null).findFirst().orElse(null)
        : null;
  }

  private TokenizerVocabulary readWordPiece(Config json, Config model) throws IOException {
    var table = new Table(rows);
    var prefix = model.textOr("continuing_subword_prefix", "##");
    var unknown = model.textOr("unk_token", "[UNK]");
    vocabulary(model, "vocab")
        .forEach(
            (text, id) -> {
              // As llama.cpp wants them: a token that begins a word has a space before it.
              boolean special = text.startsWith("[") && text.endsWith("]");
              table.put(
                  id,
                  special
                      ? text
                      : text.startsWith(prefix) ? text.substring(prefix.length()) : "\u2581" + text,
                  0,
                  text.equals(unknown)
                      ? TokenizerVocabulary.UNKNOWN
                      : special ? TokenizerVocabulary.CONTROL : TokenizerVocabulary.NORMAL);
            });
    addTo(table);
    table.fill(rows, 0);
    var builder = new Builder("bert", "default", table, false);
    addSpecial(builder, table, json);
    addSteps(builder, json);
    return builder.build();
  }

  // tokenizer.model

  private TokenizerVocabulary readSentencePiece(Path path) throws IOException {
    var model = SentencePieceModel.open(path);
    var table = new Table(rows);
    for (int id = 0; id < model.pieces().size(); id++) {
      var piece = model.pieces().get(id);
      table.put(id, piece.text(), piece.score(), piece.type());
    }
    var file = folder.resolve("added_tokens.json");
    if (Files.exists(file)) {
      readAddedFile(file);
    }
    readDecoder();
    addTo(table);
    if (table.text(model.unknown()) != null) {
      table.put(model.unknown(), table.text(model.unknown()), 0, TokenizerVocabulary.UNKNOWN);
    }
    table.fill(rows, -10000);
    var builder = new Builder(model.unigram() ? "t5" : "llama", "default", table, true);
    addSpecial(builder, table, new Config(path, Map.of()));
    for (var special :
        Map.of(
                "bos",
                model.bos(),
                "eos",
                model.eos(),
                "unknown",
                model.unknown(),
                "padding",
                model.pad())
            .entrySet()) {
      if (!builder.has(special.getKey() + "_token_id")) {
        builder.id(special.getKey() + "_token_id", special.getValue());
      }
    }
    boolean first = settings.has("legacy") && !settings.bool("legacy", true);
    boolean prefix = settings.bool("add_prefix_space", model.addsSpace());
    builder.flag("add_space_prefix", prefix);
    if (model.unigram()) {
      builder.flag("remove_extra_whitespaces", model.removesSpaces());
      if (model.charsmap().length > 0) {
        builder.put("precompiled_charsmap", bytes(model.charsmap()));
      }
    } else if (model.charsmap().length > 0 || model.removesSpaces() || first && prefix) {
      var steps = new Config(path, steps(model, prefix, first));
      TokenizerSteps.check(steps.values());
      addSteps(builder, steps);
    }
    return builder.build();
  }

  /// {@return the steps of a SentencePiece model, as a `tokenizer.json` would have them}
  private Map<String, Object> steps(SentencePieceModel model, boolean prefix, boolean first) {
    var normalizers = new ArrayList<Object>();
    if (model.charsmap().length > 0) {
      normalizers.add(
          Map.of(
              "type",
              "Precompiled",
              "precompiled_charsmap",
              Base64.getEncoder().encodeToString(model.charsmap())));
    }
    if (model.removesSpaces()) {
      normalizers.add(Map.of("type", "Strip", "strip_left", true, "strip_right", true));
      normalizers.add(replace(Map.of("Regex", " {2,}"), " "));
    }
    var steps = new LinkedHashMap<String, Object>();
    steps.put("normalizer", Map.of("type", "Sequence", "normalizers", normalizers));
    steps.put(
        "pre_tokenizer",
        Map.of(
            "type",
            "Metaspace",
            "replacement",
            "\u2581",
            "split",
            false,
            "prepend_scheme",
            !prefix ? "never" : first ? "first" : "always"));
    steps.put(
        "decoder",
        Map.of(
            "type",
            "Sequence",
            "decoders",
            List.of(
                Map.of("type", "Replace", "pattern", Map.of("String", "\u2581"), "content", " "),
                Map.of("type", "Strip", "content", " ", "start", prefix ? 1L : 0L, "stop", 0L))));
    var bpe = new LinkedHashMap<String, Object>();
    bpe.put("type", "BPE");
    if (model.unknown() >= 0) {
      bpe.put("unk_token", model.pieces().get(model.unknown()).text());
    }
    bpe.put("fuse_unk", true);
    bpe.put(
        "byte_fallback",
        model.pieces().stream().anyMatch(piece -> piece.type() == TokenizerVocabulary.BYTE));
    steps.put("model", bpe);
    return steps;
  }

  private static Map<String, Object> replace(Object pattern, String content) {
    return Map.of("type", "Replace", "pattern", pattern, "content", content);
  }

  // Tokens that are added to a vocabulary.

  private void readAddedFile(Path file) throws IOException {
    var json = Config.open(file);
    for (var entry :
        vocabulary(new Config(file, Map.of("tokens", json.values())), "tokens").entrySet()) {
      putAdded(entry.getValue(), entry.getKey(), false, Map.of());
    }
  }

  private void putAdded(int id, String text, boolean special, Map<?, ?> flags) {
    var json = new LinkedHashMap<String, Object>();
    json.put("id", (long) id);
    json.put("content", text);
    for (var key : List.of("single_word", "lstrip", "rstrip", "normalized")) {
      json.put(key, Boolean.TRUE.equals(flags.get(key)));
    }
    json.put("special", special);
    added.put(id, new Added(text, special, json));
  }

  private void readDecoder() throws IOException {
    for (var entry : settings.object("added_tokens_decoder").values().entrySet()) {
      int id;
      try {
        id = Integer.parseInt(entry.getKey());
      } catch (NumberFormatException _) {
        id = -1;
      }
      if (id < 0
          || id >= MOST_TOKENS
          || !(entry.getValue() instanceof Map<?, ?> token)
          || !(token.get("content") instanceof String text)) {
        throw settings.malformed(
            "added_tokens_decoder",
            "tokens with content by ids from 0 to " + (MOST_TOKENS - 1),
            Config.describe(entry.getValue()) + " for " + Config.describe(entry.getKey()));
      }
      putAdded(id, text, Boolean.TRUE.equals(token.get("special")), token);
    }
  }

  /// Puts added tokens into a table.
  private void addTo(Table table) {
    added.forEach(
        (id, token) -> {
          boolean control = token.special || looksSpecial(token.text);
          table.put(
              id,
              control ? token.text : token.text.replace('\u2581', ' '),
              ADDED_SCORE,
              control ? TokenizerVocabulary.CONTROL : TokenizerVocabulary.USER_DEFINED);
        });
  }

  /// {@return whether gguf-py takes an added token for a control token, whatever the files say}
  private static boolean looksSpecial(String text) {
    return Set.of("<pad>", "<mask>", "<2mass>", "[@BOS@]").contains(text)
        || text.startsWith("<|") && text.endsWith("|>")
        || text.startsWith("<｜") && text.endsWith("｜>")
        || text.startsWith("<unused") && text.endsWith(">");
  }

  /// {@return whether a token stands for a byte: `<0x0A>`}
  static boolean isByte(String text) {
    return text.length() == 6
        && text.startsWith("<0x")
        && Character.digit(text.charAt(3), 16) >= 0
        && Character.digit(text.charAt(4), 16) >= 0
        && text.endsWith(">");
  }

  // vocab.json and merges.txt

  private TokenizerVocabulary readVocabularyAndMerges() throws IOException {
    var path = folder.resolve("vocab.json");
    var name = settings.textOr("tokenizer_class", "GPT2Tokenizer").replaceAll("Fast$", "");
    var json = new LinkedHashMap<String, Object>();
    var byteLevel =
        Map.<String, Object>of(
            "type", "ByteLevel", "add_prefix_space", settings.bool("add_prefix_space", false));
    switch (name) {
      case "GPT2Tokenizer", "RobertaTokenizer", "BartTokenizer", "PreTrainedTokenizer" ->
          json.put("pre_tokenizer", byteLevel);
      case "Qwen2Tokenizer" -> {
        json.put("normalizer", Map.of("type", "NFC"));
        var qwen =
            "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
                + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
        json.put(
            "pre_tokenizer",
            Map.of(
                "type",
                "Sequence",
                "pretokenizers",
                List.of(
                    Map.of(
                        "type", "Split", "pattern", Map.of("Regex", qwen), "behavior", "Isolated"),
                    Map.of("type", "ByteLevel", "add_prefix_space", false, "use_regex", false))));
      }
      default ->
          throw new UnsupportedOperationException(
              folder
                  + ": vocab.json and merges.txt of the tokenizer class "
                  + FormatException.quote(name)
                  + " are not supported; known are BartTokenizer, GPT2Tokenizer, Qwen2Tokenizer,"
                  + " RobertaTokenizer");
    }
    var file = folder.resolve("added_tokens.json");
    if (Files.exists(file)) {
      readAddedFile(file);
    }
    readDecoder();
    var model = new LinkedHashMap<String, Object>();
    model.put("type", "BPE");
    model.put("vocab", Config.open(path).values());
    model.put("merges", readMerges(folder.resolve("merges.txt")));
    json.put("model", model);
    json.put("decoder", byteLevel);
    json.put("added_tokens", added.values().stream().map(Added::json).toList());
    return read(new Config(path, json));
  }

  private static List<Object> readMerges(Path path) throws IOException {
    var merges = new ArrayList<Object>();
    boolean first = true;
    for (var line : CheckpointFiles.text(path, MOST_BYTES).split("\n", -1)) {
      boolean comment = first && line.startsWith("#version");
      first = false;
      var pair = line.strip();
      if (comment || pair.isEmpty()) {
        continue;
      }
      if (pair.split(" ", -1).length != 2) {
        throw new FormatException(
            path, "line " + (merges.size() + 1), "two texts", FormatException.quote(pair));
      }
      merges.add(pair);
    }
    return merges;
  }

  // What all kinds have.

  /// Puts the steps of a `tokenizer.json`, without its vocabulary, into the own key.
  private void addSteps(Builder builder, Config json) throws IOException {
    var steps = new LinkedHashMap<String, Object>();
    for (var key : List.of("normalizer", "pre_tokenizer", "post_processor", "decoder")) {
      if (json.has(key)) {
        steps.put(key, json.values().get(key));
      }
    }
    steps.put("added_tokens", added.values().stream().map(Added::json).toList());
    var model = new LinkedHashMap<>(json.object("model").values());
    model.remove("vocab");
    model.remove("merges");
    model.putIfAbsent("type", "BPE");
    steps.put("model", model);
    builder.own(TokenizerSteps.STEPS, new GgufValue.Text(Json.write(steps)));
  }

  /// Names special tokens, says which are added to a text, and puts chat templates.
  private void addSpecial(Builder builder, Table table, Config json) throws IOException {
    var template = template(json.values().get("post_processor"));
    var keys = new LinkedHashMap<String, String>();
    keys.put("bos", "bos_token_id");
    keys.put("eos", "eos_token_id");
    keys.put("unk", "unknown_token_id");
    keys.put("sep", "seperator_token_id"); // sic: so gguf-py and llama.cpp spell it
    keys.put("pad", "padding_token_id");
    keys.put("cls", "cls_token_id");
    keys.put("mask", "mask_token_id");
    for (var entry : keys.entrySet()) {
      builder.id(entry.getValue(), special(entry.getKey(), table));
    }
    // A text that is begun or ended by another token than the files name.
    var first = template == null ? null : template.first;
    var last = template == null ? null : template.last;
    if (first != null && !builder.has("bos_token_id")) {
      builder.id("bos_token_id", table.find(first));
    }
    if (last != null && !last.equals(text("eos"))) {
      int id = table.find(last);
      long eos = special("eos", table);
      if (id >= 0 && eos != id) {
        builder.id("eot_token_id", eos);
        builder.id("eos_token_id", id);
      }
    }
    addEnds(builder, table);
    boolean flagged =
        template == null
            || FLAGGED.contains(settings.textOr("tokenizer_class", "").replaceAll("Fast$", ""));
    boolean byDefault = template == null && !json.has("model"); // SentencePiece's
    boolean bos = first != null;
    boolean eos = last != null;
    if (flagged) {
      boolean sentencePiece = byDefault || template != null;
      bos = settings.bool("add_bos_token", template == null ? sentencePiece : bos);
      eos = settings.bool("add_eos_token", template != null && eos);
    }
    builder.flag("add_bos_token", bos && builder.has("bos_token_id"));
    builder.flag("add_eos_token", eos && builder.has("eos_token_id"));
    addTemplates(builder);
  }

  /// The tokens that a `TemplateProcessing` puts around a text, null where none.
  private record Template(String first, String last) {}

  /// {@return what a post-processor puts around a text, null where it puts nothing}
  private static Template template(Object step) {
    if (!(step instanceof Map<?, ?> map)) {
      return null;
    }
    if (map.get("processors") instanceof List<?> all) {
      for (var processor : all) {
        var found = template(processor);
        if (found != null) {
          return found;
        }
      }
      return null;
    }
    return switch (String.valueOf(map.get("type"))) {
      case "TemplateProcessing" ->
          map.get("single") instanceof List<?> single && !single.isEmpty()
              ? new Template(token(single.getFirst()), token(single.getLast()))
              : null;
      case "BertProcessing", "RobertaProcessing" ->
          new Template(
              map.get("cls") instanceof List<?> cls && !cls.isEmpty() ? "" + cls.getFirst() : null,
              map.get("sep") instanceof List<?> sep && !sep.isEmpty() ? "" + sep.getFirst() : null);
      default -> null;
    };
  }

  private static String token(Object item) {
    return item instanceof Map<?, ?> map
            && map.get("SpecialToken") instanceof Map<?, ?> token
            && token.get("id") instanceof String text
        ? text
        : null;
  }

  /// {@return the text of a special token in `tokenizer_config.json`, or null}
  private String text(String kind) {
    var value = settings.values().get(kind + "_token");
    return value instanceof String text
        ? text
        : value instanceof Map<?, ?> map && map.get("content") instanceof String text ? text : null;
  }

  /// {@return the id of a special token, or -1}
  private long special(String kind, Table table) throws IOException {
    var text = text(kind);
    if (text == null && kind.equals("bos")) {
      text = settings.has("tokenizer_class") ? text("cls") : null;
    }
    if (text == null && kind.equals("eos")) {
      text = text("sep");
    }
    if (text != null) {
      for (var token : added.entrySet()) {
        if (token.getValue().text.equals(text)) {
          return token.getKey();
        }
      }
      int id = table.find(text);
      if (id >= 0) {
        return id;
      }
    }
    return config.text().values().get(kind + "_token_id") instanceof Long id ? id : -1;
  }

  /// Generation ends at every token that `generation_config.json` names, not at one alone.
  private void addEnds(Builder builder, Table table) throws IOException {
    var generation = Config.openIfPresent(folder.resolve("generation_config.json"));
    var ends = generation.has("eos_token_id") ? generation : config.text();
    long eos = special("eos", table);
    for (double end : ends.reals("eos_token_id")) {
      if (end == eos) {
        continue;
      }
      if (!builder.has("eos_token_id")) {
        builder.id("eos_token_id", (long) end);
      } else if (!builder.has("eot_token_id")) {
        builder.id("eot_token_id", (long) end);
      } else if (!builder.has("eom_token_id")) {
        builder.id("eom_token_id", (long) end);
      }
    }
  }

  private void addTemplates(Builder builder) throws IOException {
    var templates = new LinkedHashMap<String, String>();
    var file = folder.resolve("chat_template.jinja");
    var value = settings.values().get("chat_template");
    if (value instanceof String text) {
      templates.put("default", text);
    } else if (value instanceof List<?> list) {
      for (var item : list) {
        if (item instanceof Map<?, ?> map
            && map.get("name") instanceof String name
            && map.get("template") instanceof String text) {
          templates.put(name, text);
        }
      }
    } else if (Files.exists(file)) {
      templates.put("default", CheckpointFiles.text(file, 1 << 22));
      var more = folder.resolve("additional_chat_templates");
      if (Files.isDirectory(more)) {
        try (var files = Files.newDirectoryStream(more, "*.jinja")) {
          for (var other : files) {
            var name = other.getFileName().toString();
            templates.put(
                name.substring(0, name.length() - ".jinja".length()),
                CheckpointFiles.text(other, 1 << 22));
          }
        }
      }
    } else if (Files.exists(folder.resolve("chat_template.json"))) {
      var json = Config.open(folder.resolve("chat_template.json"));
      if (json.has("chat_template")) {
        templates.put("default", json.text("chat_template"));
      }
    }
    var names = new ArrayList<String>();
    templates.forEach(
        (name, text) -> {
          if (name.equals("default")) {
            builder.own("tokenizer.chat_template", new GgufValue.Text(text));
          } else {
            names.add(name);
            builder.own("tokenizer.chat_template." + name, new GgufValue.Text(text));
          }
        });
    if (!names.isEmpty()) {
      builder.own("tokenizer.chat_templates", GgufValue.Array.strings(names));
    }
  }
}
