package dev.tenon.huggingface;

import dev.tenon.gguf.GgufValue;
import dev.tenon.huggingface.TokenizerVocabulary.Builder;
import dev.tenon.huggingface.TokenizerVocabulary.Table;
import dev.tenon.tokenizer.TokenizerSteps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes a vocabulary of the characters in a `config.json`: those of the source and those of the
/// target, each numbered by its place (`grapheme_chars`, `phoneme_chars`).
///
/// The places of special tokens, which `bos_token_id` and the like name, hold a character that
/// stands for nothing; one more place with that character is the unknown token.
final class CharacterVocabulary {
  private static final String SOURCE = "grapheme_chars";
  private static final String TARGET = "phoneme_chars";

  private CharacterVocabulary() {}

  /// {@return whether a folder's `config.json` has the characters of a source and a target}
  static boolean present(Path folder) {
    try {
      var config = Config.openIfPresent(folder.resolve("config.json"));
      return config.values().get(SOURCE) instanceof String
          && config.values().get(TARGET) instanceof String;
    } catch (IOException _) {
      return false;
    }
  }

  static TokenizerVocabulary read(Path folder, int rows) throws IOException {
    var config = Config.open(folder.resolve("config.json"));
    var specials = new LinkedHashMap<Integer, String>();
    put(specials, config, "pad", "<pad>");
    put(specials, config, "bos", "<s>");
    put(specials, config, "eos", "</s>");
    int unknown = unknown(config.text(SOURCE), config, specials);
    if (unknown >= 0) {
      specials.put(unknown, "<unk>");
    }
    var source = tokens(config.text(SOURCE), specials);
    var target = tokens(config.text(TARGET), specials);
    var table = new Table(rows);
    for (int id = 0; id < target.size(); id++) {
      int type =
          id == unknown
              ? TokenizerVocabulary.UNKNOWN
              : specials.containsKey(id)
                  ? TokenizerVocabulary.CONTROL
                  : target.get(id).isEmpty()
                      ? TokenizerVocabulary.UNUSED
                      : TokenizerVocabulary.NORMAL;
      table.put(id, target.get(id).isEmpty() ? null : target.get(id), 0, type);
    }
    table.fill(rows, 0);
    var builder = new Builder("characters", null, table, false);
    for (var special : specials.entrySet()) {
      var name =
          switch (special.getValue()) {
            case "<pad>" -> "padding";
            case "<s>" -> "bos";
            case "</s>" -> "eos";
            default -> "unknown";
          };
      builder.id(name + "_token_id", special.getKey());
    }
    builder.flag("add_bos_token", builder.has("bos_token_id"));
    builder.flag("add_eos_token", builder.has("eos_token_id"));
    var steps = new LinkedHashMap<String, Object>();
    var model = new LinkedHashMap<String, Object>();
    model.put("type", "Characters");
    if (unknown >= 0) {
      model.put("unk_token", "<unk>");
    }
    steps.put("model", model);
    TokenizerSteps.check(steps);
    builder.steps(steps);
    builder.own(TokenizerSteps.SOURCE + ".tokens", GgufValue.Array.strings(source));
    return builder.build();
  }

  private static void put(Map<Integer, String> specials, Config config, String kind, String text)
      throws IOException {
    long id = config.integer(kind + "_token_id", -1);
    if (id >= 0 && id < TokenizerFiles.MOST_TOKENS) {
      specials.put((int) id, text);
    }
  }

  /// {@return the place of the unknown token: what `unk_token_id` says, else the first one that has
  /// the character of the special tokens and is none of them, else -1}
  private static int unknown(String characters, Config config, Map<Integer, String> specials)
      throws IOException {
    long named = config.integer("unk_token_id", -1);
    if (named >= 0 && named < TokenizerFiles.MOST_TOKENS) {
      return (int) named;
    }
    var all = characters.codePoints().toArray();
    var held = new HashSet<Integer>();
    for (int id : specials.keySet()) {
      if (id < all.length) {
        held.add(all[id]);
      }
    }
    for (int id = 0; id < all.length; id++) {
      if (held.contains(all[id]) && !specials.containsKey(id)) {
        return id;
      }
    }
    return -1;
  }

  /// {@return the token at each place; an empty one where a character stands there again}
  private static List<String> tokens(String characters, Map<Integer, String> specials) {
    var tokens = new ArrayList<String>();
    var seen = new HashSet<String>();
    for (int c : characters.codePoints().toArray()) {
      var special = specials.get(tokens.size());
      var text = Character.toString(c);
      tokens.add(special != null ? special : seen.add(text) ? text : "");
    }
    return tokens;
  }
}
