package dev.tenon.huggingface;

import dev.tenon.huggingface.TokenizerVocabulary.Table;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The tokens that a tokenizer's files add to a vocabulary: control tokens, and texts that are
/// never taken apart. Of two of one id the last that was read counts.
final class AddedVocabulary {
  private static final float SCORE = -1000;

  /// By id.
  private final Map<Integer, Token> tokens = new LinkedHashMap<>();

  /// @param json as a `tokenizer.json` has it
  private record Token(String text, boolean special, Map<String, Object> json) {}

  /// Reads the `added_tokens` of a `tokenizer.json`.
  void readJson(Config json) throws IOException {
    for (var item : json.list("added_tokens")) {
      if (!(item instanceof Map<?, ?> map)
          || !(map.get("id") instanceof Long id)
          || !(map.get("content") instanceof String text)
          || id < 0
          || id >= TokenizerFiles.MOST_TOKENS) {
        throw json.malformed("added_tokens", "objects with id and content", Config.describe(item));
      }
      var copy = new LinkedHashMap<String, Object>();
      map.forEach((key, value) -> copy.put((String) key, value));
      tokens.put(id.intValue(), new Token(text, Boolean.TRUE.equals(map.get("special")), copy));
    }
  }

  /// Reads an `added_tokens.json`: ids by text.
  void readFile(Path file) throws IOException {
    var json = Config.open(file);
    for (var entry :
        TokenizerFiles.ids(new Config(file, Map.of("tokens", json.values())), "tokens")
            .entrySet()) {
      put(entry.getValue(), entry.getKey(), false, Map.of());
    }
  }

  private void put(int id, String text, boolean special, Map<?, ?> flags) {
    var json = new LinkedHashMap<String, Object>();
    json.put("id", (long) id);
    json.put("content", text);
    for (var key : List.of("single_word", "lstrip", "rstrip", "normalized")) {
      json.put(key, Boolean.TRUE.equals(flags.get(key)));
    }
    json.put("special", special);
    tokens.put(id, new Token(text, special, json));
  }

  /// Reads the `added_tokens_decoder` of a `tokenizer_config.json`.
  void readSettings(Config settings) throws IOException {
    for (var entry : settings.object("added_tokens_decoder").values().entrySet()) {
      int id;
      try {
        id = Integer.parseInt(entry.getKey());
      } catch (NumberFormatException _) {
        id = -1;
      }
      if (id < 0
          || id >= TokenizerFiles.MOST_TOKENS
          || !(entry.getValue() instanceof Map<?, ?> token)
          || !(token.get("content") instanceof String text)) {
        throw settings.malformed(
            "added_tokens_decoder",
            "tokens with content by ids from 0 to " + (TokenizerFiles.MOST_TOKENS - 1),
            Config.describe(entry.getValue()) + " for " + Config.describe(entry.getKey()));
      }
      put(id, text, Boolean.TRUE.equals(token.get("special")), token);
    }
  }

  /// Puts the tokens into a table.
  void addTo(Table table) {
    tokens.forEach(
        (id, token) -> {
          boolean control = token.special || looksSpecial(token.text);
          var text = control ? token.text : token.text.replace('\u2581', ' ');
          if (!text.equals(token.text) && table.find(text) >= 0) {
            text = token.text; // one of the vocabulary's own is written so
          }
          int type = control ? TokenizerVocabulary.CONTROL : TokenizerVocabulary.USER_DEFINED;
          table.put(id, text, SCORE, type);
        });
  }

  /// {@return whether gguf-py takes an added token for a control token, whatever the files say}
  private static boolean looksSpecial(String text) {
    return Set.of("<pad>", "<mask>", "<2mass>", "[@BOS@]").contains(text)
        || text.startsWith("<|") && text.endsWith("|>")
        || text.startsWith("<｜") && text.endsWith("｜>")
        || text.startsWith("<unused") && text.endsWith(">");
  }

  /// {@return the id of a text, or -1}
  int find(String text) {
    for (var token : tokens.entrySet()) {
      if (token.getValue().text.equals(text)) {
        return token.getKey();
      }
    }
    return -1;
  }

  /// Adds the special tokens that a class has by default, where they are none of these yet.
  ///
  /// @param path what to name in messages
  /// @param ids those of the vocabulary; a token that it does not have gets an id after them
  void addSpecial(Path path, TokenizerSettings settings, Map<String, Integer> ids)
      throws IOException {
    var special = new LinkedHashMap<String, Object>();
    var texts = new LinkedHashSet<String>();
    int next =
        Math.max(ids.size(), tokens.keySet().stream().mapToInt(id -> id + 1).max().orElse(0));
    for (var kind : List.of("bos", "eos", "unk", "sep", "pad", "cls", "mask")) {
      if (settings.text(kind) != null) {
        texts.add(settings.text(kind));
      }
    }
    texts.addAll(settings.moreSpecial());
    boolean left = settings.tokenizerClass().takesSpaces();
    for (var text : texts) {
      if (find(text) < 0) {
        var id = ids.get(text);
        special.put(
            String.valueOf(id == null ? next++ : id),
            Map.of(
                "content",
                text,
                "special",
                true,
                "lstrip",
                left && text.equals(settings.text("mask"))));
      }
    }
    readSettings(new Config(path, Map.of("added_tokens_decoder", special)));
  }

  /// {@return the ids of the tokens that a model's vocabulary does not have}
  ///
  /// @param ids those of the vocabulary by text
  List<Long> notAmong(Map<?, ?> ids) {
    return tokens.entrySet().stream()
        .filter(token -> !ids.containsKey(token.getValue().text))
        .map(token -> (long) token.getKey())
        .toList();
  }

  /// {@return the tokens as the `added_tokens` of a `tokenizer.json` has them}
  List<Map<String, Object>> json() {
    return tokens.values().stream().map(Token::json).toList();
  }

  /// {@return whether one of them does what llama.cpp's keys cannot say}
  boolean isUnusual() {
    return tokens.values().stream()
        .anyMatch(
            token ->
                Boolean.TRUE.equals(token.json.get("single_word"))
                    || Boolean.TRUE.equals(token.json.get("lstrip"))
                    || Boolean.TRUE.equals(token.json.get("rstrip"))
                    || !token.special && looksSpecial(token.text));
  }
}
