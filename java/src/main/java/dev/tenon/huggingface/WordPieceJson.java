package dev.tenon.huggingface;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes a `tokenizer.json` of a `vocab.txt`, a token a line, for BERT's classes: as transformers
/// converts it (`convert_slow_tokenizer.py`).
final class WordPieceJson {
  private static final long MOST_BYTES = 1 << 28;

  private final Map<String, Integer> ids = new LinkedHashMap<>();
  private final TokenizerSettings settings;

  private WordPieceJson(Path path, TokenizerSettings settings) throws IOException {
    this.settings = settings;
    int id = 0;
    for (var line : CheckpointFiles.text(path, MOST_BYTES).split("\r\n|\r|\n", -1)) {
      if (id == TokenizerFiles.MOST_TOKENS) {
        throw new FormatException(
            path, "tokens", "at most " + TokenizerFiles.MOST_TOKENS, "more of them");
      }
      ids.put(line, id++); // of two the last counts
    }
    if (Integer.valueOf(id - 1).equals(ids.get(""))) {
      ids.remove(""); // behind the last line
    }
  }

  /// {@return what the `tokenizer.json` says}
  ///
  /// @param path the `vocab.txt`
  /// @param added tokens that are known already; those that the class has by default are put there
  static Map<String, Object> of(Path path, TokenizerSettings settings, AddedVocabulary added)
      throws IOException {
    var vocabulary = new WordPieceJson(path, settings);
    added.addSpecial(path, settings, vocabulary.ids);
    var json = vocabulary.json();
    json.put("added_tokens", added.json());
    return json;
  }

  private LinkedHashMap<String, Object> json() throws FormatException {
    var json = new LinkedHashMap<String, Object>();
    json.put("normalizer", settings.tokenizerClass().normalizer());
    json.put("pre_tokenizer", Map.of("type", "BertPreTokenizer"));
    json.put("post_processor", template());
    json.put("decoder", Map.of("type", "WordPiece", "prefix", "##", "cleanup", true));
    var model = new LinkedHashMap<String, Object>();
    model.put("type", "WordPiece");
    model.put("unk_token", settings.text("unk"));
    model.put("continuing_subword_prefix", "##");
    model.put("max_input_chars_per_word", 100L);
    var vocabulary = new LinkedHashMap<String, Object>();
    ids.forEach((text, id) -> vocabulary.put(text, (long) id));
    model.put("vocab", vocabulary);
    json.put("model", model);
    return json;
  }

  private Map<String, Object> template() throws FormatException {
    var name = settings.tokenizerClass().name();
    var cls = token("cls", name.equals("FunnelTokenizer") ? 2 : 0);
    var sep = token("sep", 0);
    var first = text("A", 0);
    var between = name.equals("MPNetTokenizer") ? List.of(sep, sep) : List.of(sep);
    var pair = new ArrayList<Object>(List.of(cls, first));
    pair.addAll(between);
    pair.add(text("B", 1));
    pair.add(token("sep", 1));
    return Map.of("type", "TemplateProcessing", "single", List.of(cls, first, sep), "pair", pair);
  }

  private Map<String, Object> token(String kind, long type) throws FormatException {
    return Map.of("SpecialToken", Map.of("id", settings.text(kind), "type_id", type));
  }

  private static Map<String, Object> text(String name, long type) {
    return Map.of("Sequence", Map.of("id", name, "type_id", type));
  }
}
