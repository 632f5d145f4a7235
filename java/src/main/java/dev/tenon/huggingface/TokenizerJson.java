package dev.tenon.huggingface;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.huggingface.TokenizerVocabulary.Builder;
import dev.tenon.huggingface.TokenizerVocabulary.Table;
import dev.tenon.tokenizer.TokenizerSteps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes a vocabulary of what a `tokenizer.json` says: which algorithm, its tokens and merges, and
/// the steps before it.
final class TokenizerJson {
  private static final float UNUSED_SCORE = -1000;

  private final Path folder;
  private final int rows;
  private final AddedVocabulary added;
  private final TokenizerSettings settings;

  TokenizerJson(Path folder, int rows, AddedVocabulary added, TokenizerSettings settings) {
    this.folder = folder;
    this.rows = rows;
    this.added = added;
    this.settings = settings;
  }

  /// {@return the vocabulary of a `tokenizer.json`}
  TokenizerVocabulary read(Config file) throws IOException {
    var json = settings.tokenizerClass().changed(file);
    added.readJson(json);
    added.readSettings(settings.values());
    var model = json.object("model");
    var kind = settings.tokenizerClass();
    if ((kind.isBert() || kind.isRoberta()) && model.values().get("vocab") instanceof Map) {
      added.addSpecial(json.path(), settings, TokenizerFiles.ids(model, "vocab"));
    }
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

  // Byte-pair encodings.

  /// Two tokens that become one.
  private record Merge(String left, String right) {}

  private static List<Merge> merges(Config model) throws IOException {
    var merges = new ArrayList<Merge>();
    for (var item : model.list("merges")) {
      int space = item instanceof String text ? text.indexOf(' ') : -1;
      if (item instanceof String text && space >= 0 && space == text.lastIndexOf(' ')) {
        merges.add(new Merge(text.substring(0, space), text.substring(space + 1)));
      } else if (item instanceof List<?> pair
          && pair.size() == 2
          && pair.get(0) instanceof String left
          && pair.get(1) instanceof String right) {
        merges.add(new Merge(left, right));
      } else {
        throw model.malformed("merges", "pairs of texts", Config.describe(item));
      }
    }
    return merges;
  }

  /// {@return merges as GGUF has them: two texts with a space between, a space in one as `Ġ`}
  private static GgufValue written(List<Merge> merges) {
    return GgufValue.Array.strings(
        merges.stream()
            .map(m -> m.left.replace(' ', '\u0120') + " " + m.right.replace(' ', '\u0120'))
            .toList());
  }

  private TokenizerVocabulary readBpe(Config json, Config model) throws IOException {
    var ids = TokenizerFiles.ids(model, "vocab");
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
    added.addTo(table);
    table.fill(rows, 0);
    var builder = new Builder("gpt2", splitting.name(), table, false);
    builder.put("merges", written(merges));
    settings.addTo(builder, table, json);
    boolean own =
        !splitting.exact()
            || json.has("normalizer")
            || !model.textOr("continuing_subword_prefix", "").isEmpty()
            || !model.textOr("end_of_word_suffix", "").isEmpty()
            || addsPrefixSpace(json.values().get("pre_tokenizer"))
            || replacesBytes(model, ids)
            || settings.hasFrame(json)
            || added.isUnusual();
    if (own) {
      addSteps(builder, json, added, settings);
    } else if (settings.hasPair(json)) {
      var step = Map.of("post_processor", json.values().get("post_processor"));
      builder.steps(step);
    }
    return builder.build();
  }

  /// {@return whether a byte without a token becomes another one, which llama.cpp leaves out}
  private static boolean replacesBytes(Config model, Map<String, Integer> ids)
      throws FormatException {
    long bytes =
        ids.keySet().stream().filter(text -> text.length() == 1 && isByte(text.charAt(0))).count();
    return bytes < 256 && (model.has("unk_token") || model.bool("byte_fallback", false));
  }

  /// {@return whether a character stands for a byte in a byte-level vocabulary}
  private static boolean isByte(char c) {
    return c > ' ' && c < 0x7f || c > 0xa0 && c != 0xad && c < 0x144;
  }

  private static boolean isByteLevel(Object step) {
    return step instanceof Map<?, ?> map
        && ("ByteLevel".equals(map.get("type"))
            || map.get("pretokenizers") instanceof List<?> list
                && list.stream().anyMatch(TokenizerJson::isByteLevel)
            || map.get("normalizers") instanceof List<?> other
                && other.stream().anyMatch(TokenizerJson::isByteLevel));
  }

  private static boolean addsPrefixSpace(Object step) {
    return step instanceof Map<?, ?> map
        && ("ByteLevel".equals(map.get("type"))
                && !Boolean.FALSE.equals(map.get("add_prefix_space"))
            || map.get("pretokenizers") instanceof List<?> list
                && list.stream().anyMatch(TokenizerJson::addsPrefixSpace));
  }

  /// A vocabulary with spaces as U+2581, and bytes for what has no token: llama.cpp takes it for
  /// SentencePiece's, which merges by scores; the order of merges is said beside it.
  private TokenizerVocabulary readMetaspace(
      Config json, Config model, Map<String, Integer> ids, List<Merge> merges) throws IOException {
    var table = new Table(rows);
    var scores = scores(ids, merges);
    var unknown = model.textOr("unk_token", null);
    ids.forEach(
        (text, id) -> {
          int type =
              TokenizerFiles.isByte(text)
                  ? TokenizerVocabulary.BYTE
                  : text.equals(unknown) ? TokenizerVocabulary.UNKNOWN : TokenizerVocabulary.NORMAL;
          table.put(id, text, scores.getOrDefault(text, 0f), type);
        });
    added.addTo(table);
    if (unknown != null && ids.containsKey(unknown) && ids.get(unknown) < rows) {
      table.put(ids.get(unknown), unknown, 0, TokenizerVocabulary.UNKNOWN);
    }
    table.fill(rows, UNUSED_SCORE);
    var builder = new Builder("llama", "default", table, true);
    settings.addTo(builder, table, json);
    builder.flag("add_space_prefix", prepends(json));
    addSteps(builder, json, added, settings);
    builder.own(TokenizerSteps.MERGES, written(merges));
    return builder.build();
  }

  /// {@return scores by which SentencePiece merges in the order of a list, or as near as can be: of
  /// a file of SentencePiece's beside the other, else the negative place in the list}
  private Map<String, Float> scores(Map<String, Integer> ids, List<Merge> merges)
      throws IOException {
    var scores = new HashMap<String, Float>();
    if (TokenizerFiles.has(folder, "tokenizer.model")) {
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
      var result = merges.get(i).left + merges.get(i).right;
      if (ids.containsKey(result)) {
        scores.putIfAbsent(result, -1f - i);
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
              .stream().anyMatch(TokenizerJson::prepends);
      default -> false;
    };
  }

  // Unigram and WordPiece.

  private TokenizerVocabulary readUnigram(Config json, Config model) throws IOException {
    TokenizerSteps.check(json.values());
    var table = new Table(rows);
    int unknown = Math.clamp(model.integer("unk_id", -1), -1, TokenizerFiles.MOST_TOKENS);
    var items = model.list("vocab");
    if (items.size() > TokenizerFiles.MOST_TOKENS) {
      throw model.malformed(
          "vocab", "at most " + TokenizerFiles.MOST_TOKENS + " pieces", "" + items.size());
    }
    var scores = new double[Math.min(rows, items.size())];
    boolean rounded = false;
    var ids = new HashMap<String, Integer>();
    for (int id = 0; id < items.size(); id++) {
      if (!(items.get(id) instanceof List<?> pair)
          || pair.size() != 2
          || !(pair.get(0) instanceof String text)
          || !(pair.get(1) instanceof Number score)) {
        throw model.malformed("vocab", "pairs of text and score", Config.describe(items.get(id)));
      }
      var before = ids.put(text, id);
      if (before != null) { // of two of one text the later one counts
        table.put(before, null, UNUSED_SCORE, TokenizerVocabulary.UNUSED);
      }
      int type =
          id == unknown
              ? TokenizerVocabulary.UNKNOWN
              : TokenizerFiles.isByte(text) ? TokenizerVocabulary.BYTE : TokenizerVocabulary.NORMAL;
      table.put(id, text, score.floatValue(), type);
      if (id < scores.length) {
        scores[id] = score.doubleValue();
        rounded |= scores[id] != score.floatValue();
      }
    }
    added.addTo(table);
    for (int id = 0; id < scores.length; id++) {
      table.put(id, table.text(id), (float) scores[id], table.type(id));
    }
    if (table.text(unknown) != null) {
      table.put(unknown, table.text(unknown), (float) scores[unknown], TokenizerVocabulary.UNKNOWN);
    }
    table.fill(rows, UNUSED_SCORE);
    var builder = new Builder("t5", "default", table, true);
    settings.addTo(builder, table, json);
    builder.flag("add_space_prefix", prepends(json));
    var charsmap = charsmap(json.values().get("normalizer"));
    if (charsmap != null) {
      builder.flag("remove_extra_whitespaces", true);
      builder.put(
          "precompiled_charsmap", TokenizerFiles.signedBytes(Base64.getDecoder().decode(charsmap)));
    }
    addSteps(builder, json, added, settings);
    if (rounded) {
      builder.own(
          TokenizerSteps.SCORES,
          GgufValue.Array.of(
              GgufType.FLOAT64,
              Arrays.stream(scores)
                  .mapToObj(score -> new GgufValue.Real(GgufType.FLOAT64, score))
                  .toList()));
    }
    return builder.build();
  }

  private static String charsmap(Object step) {
    if (!(step instanceof Map<?, ?> map)) {
      return null;
    }
    if (map.get("precompiled_charsmap") instanceof String text) {
      return text;
    }
    return map.get("normalizers") instanceof List<?> all
        ? all.stream().map(TokenizerJson::charsmap).filter(c -> c != null).findFirst().orElse(null)
        : null;
  }

  private TokenizerVocabulary readWordPiece(Config json, Config model) throws IOException {
    TokenizerSteps.check(json.values());
    var ids = TokenizerFiles.ids(model, "vocab");
    var table = new Table(rows);
    ids.forEach((text, id) -> table.put(id, text, 0, TokenizerVocabulary.NORMAL));
    added.addTo(table);
    // As llama.cpp wants them: a token that begins a word has a space before it.
    for (int id = 0; id < table.size(); id++) {
      if (table.text(id) != null && table.type(id) != TokenizerVocabulary.CONTROL) {
        table.put(id, phantom(table.text(id)), 0, table.type(id));
      }
    }
    table.fill(rows, 0);
    var builder = new Builder("bert", "default", table, false);
    builder.put("token_type_count", new GgufValue.Int(GgufType.UINT32, settings.tokenTypes()));
    settings.addTo(builder, table, json);
    addNormalizer(builder, json.values().get("normalizer"));
    addSteps(builder, json, added, settings, others(ids, table));
    return builder.build();
  }

  private static String phantom(String text) {
    return text.startsWith("##") ? text.substring(2) : "\u2581" + text;
  }

  /// {@return the tokens that cannot be told by what stands for them in a table}
  private static Map<String, Object> others(Map<String, Integer> ids, Table table) {
    var others = new LinkedHashMap<String, Object>();
    ids.forEach(
        (text, id) -> {
          if (id < table.size()) {
            var stored = table.text(id);
            boolean begins = stored.startsWith("\u2581");
            var told =
                table.type(id) == TokenizerVocabulary.CONTROL
                    ? stored
                    : begins ? stored.substring(1) : "##" + stored;
            if (stored.isEmpty() || !told.equals(text)) {
              others.put(text, (long) id);
            }
          }
        });
    return others;
  }

  /// Says what llama.cpp makes of a text before it is split.
  private static void addNormalizer(Builder builder, Object step) {
    if (!(step instanceof Map<?, ?> map)) {
      return;
    }
    switch (String.valueOf(map.get("type"))) {
      case "Sequence" -> {
        if (map.get("normalizers") instanceof List<?> all) {
          all.forEach(normalizer -> addNormalizer(builder, normalizer));
        }
      }
      case "Lowercase" -> builder.flag("normalizer.lowercase", true);
      case "StripAccents" -> builder.flag("normalizer.strip_accents", true);
      case "BertNormalizer" -> {
        if (map.get("lowercase") instanceof Boolean flag) {
          builder.flag("normalizer.lowercase", flag);
        }
        if (map.get("strip_accents") instanceof Boolean flag) {
          builder.flag("normalizer.strip_accents", flag);
        }
      }
      default -> {}
    }
  }

  // What all kinds have.

  /// Puts the steps of a `tokenizer.json`, without its vocabulary, into the own key.
  static void addSteps(
      Builder builder, Config json, AddedVocabulary added, TokenizerSettings settings)
      throws IOException {
    addSteps(builder, json, added, settings, Map.of());
  }

  /// Does so with the ids of some tokens that the table cannot tell.
  private static void addSteps(
      Builder builder,
      Config json,
      AddedVocabulary added,
      TokenizerSettings settings,
      Map<String, Object> tokens)
      throws IOException {
    var steps = new LinkedHashMap<String, Object>();
    for (var key : List.of("normalizer", "pre_tokenizer", "post_processor", "decoder")) {
      boolean replaced = key.equals("post_processor") && settings.isFlagged();
      if (json.has(key) && !replaced) {
        steps.put(key, json.values().get(key));
      }
    }
    steps.put("added_tokens", added.json());
    var model = new LinkedHashMap<>(json.object("model").values());
    var vocabulary = model.remove("vocab");
    if (vocabulary instanceof List<?> list) {
      model.put("vocab_size", (long) list.size()); // ids from there on are added tokens
    } else if (vocabulary instanceof Map<?, ?> ids) {
      var others = added.notAmong(ids);
      if (!others.isEmpty()) {
        model.put("added_only", others);
      }
    }
    model.remove("merges");
    if (!tokens.isEmpty()) {
      model.put("vocab", tokens);
    }
    model.putIfAbsent("type", "BPE");
    steps.put("model", model);
    builder.steps(steps);
  }
}
