package dev.tenon.huggingface;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// The tokenizer of a Hugging Face folder as the vocabulary of a GGUF file, as gguf-py and
/// llama.cpp's `convert_hf_to_gguf.py` write it.
///
/// Read are the first there is of `tokenizer.json`, `tokenizer.model` (SentencePiece's), the model
/// of a class that calls SentencePiece (`source.spm` with `target.spm` and `vocab.json`,
/// `spiece.model`, `sentencepiece.bpe.model`, `spm.model`), `vocab.txt` (WordPiece), `vocab.json`
/// with `merges.txt`, and the characters of a `config.json`; and `tokenizer_config.json`,
/// `added_tokens.json`, `config.json`, `generation_config.json` and chat templates beside it.
///
/// ```java
/// var vocabulary = TokenizerFiles.read(folder, config.size("vocab_size"));
/// vocabulary.putInto(writer);
/// ```
public final class TokenizerFiles {
  static final int MOST_TOKENS = 1 << 22;

  private static final long MOST_BYTES = 1 << 28;

  private final Path folder;
  private final int rows;
  private final AddedVocabulary added = new AddedVocabulary();
  private final TokenizerSettings settings;

  private TokenizerFiles(Path folder, int rows) throws IOException {
    this.folder = folder;
    this.rows = rows;
    settings = new TokenizerSettings(folder, added);
  }

  /// {@return whether a folder has a tokenizer that [#read] reads}
  ///
  /// @param folder a Hugging Face folder
  public static boolean present(Path folder) {
    return has(folder, "tokenizer.json")
        || has(folder, "tokenizer.model")
        || pieces(folder) != null
        || has(folder, "vocab.json") && has(folder, "merges.txt")
        || has(folder, "vocab.txt")
        || CharacterVocabulary.present(folder);
  }

  /// {@return the SentencePiece model of a class that numbers pieces in its own way, or null}
  private static Path pieces(Path folder) {
    for (var name : List.of("source.spm", "spiece.model", "sentencepiece.bpe.model", "spm.model")) {
      if (has(folder, name)) {
        return folder.resolve(name);
      }
    }
    return null;
  }

  static boolean has(Path folder, String name) {
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
      return new SentencePieceVocabulary(folder, rows, files.added, files.settings).read();
    }
    if (pieces(folder) != null) {
      return files.readPieces(pieces(folder));
    }
    if (!has(folder, "vocab.json") && CharacterVocabulary.present(folder)) {
      return CharacterVocabulary.read(folder, rows);
    }
    if (!has(folder, "vocab.json") && has(folder, "vocab.txt")) {
      return files.readWordPieces(folder.resolve("vocab.txt"));
    }
    return files.readVocabularyAndMerges();
  }

  private TokenizerVocabulary readWordPieces(Path path) throws IOException {
    var kind = settings.tokenizerClass();
    if (!kind.isBert()) {
      throw new UnsupportedOperationException(
          path
              + " of the tokenizer class "
              + FormatException.quote(kind.name())
              + " is not supported; known are BertTokenizer and those that are as it");
    }
    readAdded();
    return read(new Config(path, WordPieceJson.of(path, settings, added)));
  }

  private void readAdded() throws IOException {
    var file = folder.resolve("added_tokens.json");
    if (Files.exists(file)) {
      added.readFile(file);
    }
    added.readSettings(settings.values());
  }

  /// Reads a SentencePiece model as the class of the tokenizer does.
  private TokenizerVocabulary readPieces(Path path) throws IOException {
    var name = settings.values().textOr("tokenizer_class", className()).replaceAll("Fast$", "");
    if (!SentencePieceJson.CLASSES.contains(name)) {
      return new PiecesVocabulary(folder, rows, added, settings).read(name, path);
    }
    var model = SentencePieceModel.open(path);
    var special = SentencePieceJson.special(name, model, settings.values());
    special.putAll(settings.values().object("added_tokens_decoder").values());
    added.readSettings(
        new Config(settings.values().path(), Map.of("added_tokens_decoder", special)));
    var json = SentencePieceJson.of(name, model, settings.values());
    json.put("added_tokens", added.json());
    return read(new Config(path, json));
  }

  /// {@return the class of the tokenizer of a folder that does not say}
  private String className() throws IOException {
    var config = Config.openIfPresent(folder.resolve("config.json"));
    return config.textOr(
        "tokenizer_class",
        switch (config.textOr("model_type", "")) {
          case "marian" -> "MarianTokenizer";
          case "t5", "mt5", "umt5" -> "T5Tokenizer";
          case "pegasus", "bigbird_pegasus" -> "PegasusTokenizer";
          case "mbart" -> "MBartTokenizer";
          case "m2m_100" -> "M2M100Tokenizer";
          case "albert" -> "AlbertTokenizer";
          case "xlnet" -> "XLNetTokenizer";
          case "xlm-roberta" -> "XLMRobertaTokenizer";
          case "deberta-v2" -> "DebertaV2Tokenizer";
          default -> has(folder, "source.spm") ? "MarianTokenizer" : "";
        });
  }

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
    return new TokenizerJson(folder, rows, added, settings).read(json);
  }

  private TokenizerVocabulary readVocabularyAndMerges() throws IOException {
    var path = folder.resolve("vocab.json");
    var kind = settings.tokenizerClass();
    var name = kind.name().isEmpty() ? "GPT2Tokenizer" : kind.name();
    var json = new LinkedHashMap<String, Object>();
    var byteLevel =
        Map.<String, Object>of(
            "type",
            "ByteLevel",
            "add_prefix_space",
            settings.values().bool("add_prefix_space", false));
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
    readAdded();
    var model = new LinkedHashMap<String, Object>();
    model.put("type", "BPE");
    model.put("vocab", Config.open(path).values());
    model.put("merges", readMerges(folder.resolve("merges.txt")));
    json.put("model", model);
    json.put("decoder", byteLevel);
    if (kind.isRoberta()) {
      var ids = ids(new Config(path, model), "vocab");
      added.addSpecial(path, settings, ids);
      json.put(
          "post_processor",
          Map.of(
              "type",
              "RobertaProcessing",
              "sep",
              named(settings.text("sep"), ids),
              "cls",
              named(settings.text("cls"), ids)));
    }
    json.put("added_tokens", added.json());
    return read(new Config(path, json));
  }

  /// {@return a token as post-processors name it: a text and its id}
  private List<Object> named(String text, Map<String, Integer> ids) {
    int id = added.find(text) >= 0 ? added.find(text) : ids.getOrDefault(text, -1);
    return List.of(text, (long) id);
  }

  private static List<Object> readMerges(Path path) throws IOException {
    var merges = new ArrayList<Object>();
    int number = 0;
    for (var line : CheckpointFiles.text(path, MOST_BYTES).split("\n", -1)) {
      boolean comment = ++number == 1 && line.startsWith("#version");
      var pair = line.strip();
      if (comment || pair.isEmpty()) {
        continue;
      }
      if (pair.split(" ", -1).length != 2) {
        throw new FormatException(path, "line " + number, "two texts", FormatException.quote(pair));
      }
      merges.add(pair);
    }
    return merges;
  }

  // What several kinds have.

  /// {@return ids by text}
  static Map<String, Integer> ids(Config json, String key) throws IOException {
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

  /// {@return whether a token stands for a byte: `<0x0A>`}
  static boolean isByte(String text) {
    return text.length() == 6
        && text.startsWith("<0x")
        && Character.digit(text.charAt(3), 16) >= 0
        && Character.digit(text.charAt(4), 16) >= 0
        && text.endsWith(">");
  }

  /// {@return bytes as gguf-py writes them: an array of signed integers}
  static GgufValue signedBytes(byte[] data) {
    var numbers = new long[data.length];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = data[i];
    }
    return GgufValue.Array.integers(GgufType.INT8, numbers);
  }
}
