package dev.tenon.huggingface;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.huggingface.TokenizerVocabulary.Builder;
import dev.tenon.huggingface.TokenizerVocabulary.Table;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What a folder says of its tokenizer's tokens beside the vocabulary: which of them are special,
/// which begin and end a text, at which a reply ends, and the chat templates. Read from
/// `tokenizer_config.json`, `config.json`, `generation_config.json` and the templates' own files.
final class TokenizerSettings {
  private static final long MOST_TEMPLATE_BYTES = 1 << 22;

  /// Classes of transformers that add begin and end tokens as `tokenizer_config.json` says,
  /// whatever the `tokenizer.json` beside it says.
  private static final Set<String> FLAGGED =
      Set.of("LlamaTokenizer", "GemmaTokenizer", "CodeLlamaTokenizer", "CohereTokenizer");

  private final Path folder;
  private final AddedVocabulary added;
  private final Config settings;
  private final Config config;
  private final Config specialTokens;
  private final TokenizerClass tokenizerClass;

  TokenizerSettings(Path folder, AddedVocabulary added) throws IOException {
    this.folder = folder;
    this.added = added;
    settings = Config.openIfPresent(folder.resolve("tokenizer_config.json"));
    config = Config.openIfPresent(folder.resolve("config.json"));
    specialTokens = Config.openIfPresent(folder.resolve("special_tokens_map.json"));
    tokenizerClass = new TokenizerClass(settings, config);
  }

  /// {@return `tokenizer_config.json`, without values where there is none}
  Config values() {
    return settings;
  }

  /// {@return how many segments the model tells apart}
  long tokenTypes() throws FormatException {
    return config.text().has("type_vocab_size") ? config.text().integer("type_vocab_size") : 1;
  }

  /// {@return the class of the tokenizer}
  TokenizerClass tokenizerClass() {
    return tokenizerClass;
  }

  /// Names special tokens, says which are added to a text, and puts chat templates.
  void addTo(Builder builder, Table table, Config json) throws IOException {
    var template = Template.of(json.values().get("post_processor"));
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
    var first = template == null ? null : template.first();
    var last = template == null ? null : template.last();
    if (first != null && (!isFlagged() || !builder.has("bos_token_id"))) {
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
    boolean bos = first != null;
    boolean eos = last != null;
    if (template == null || isFlagged()) {
      boolean sentencePiece = template == null && !json.has("model");
      bos = settings.bool("add_bos_token", sentencePiece || bos);
      eos = settings.bool("add_eos_token", eos);
    }
    builder.flag("add_bos_token", bos && builder.has("bos_token_id"));
    builder.flag("add_eos_token", eos && builder.has("eos_token_id"));
    if (!isFlagged()) {
      addPair(builder, json.values().get("post_processor"));
    }
    addTemplates(builder);
    if (builder.has("mask_token_id") || builder.has("cls_token_id")) {
      addHabits(builder);
    }
  }

  /// What transformers' pipelines of encoders go by: how long a text may be, and whether spaces
  /// before punctuation go when tokens become text.
  private void addHabits(Builder builder) throws FormatException {
    double most = settings.real("model_max_length", 0); // where there is no bound it says 1e30
    if (most >= 1 && most < Integer.MAX_VALUE) {
      builder.own("tenon.tokenizer.max_length", new GgufValue.Int(GgufType.UINT32, (long) most));
    }
    if (settings.bool("clean_up_tokenization_spaces", false)) {
      builder.own("tenon.tokenizer.clean_up_spaces", new GgufValue.Bool(true));
    }
  }

  /// Says whether a separator stands between two texts beside the end of the first.
  private static void addPair(Builder builder, Object step) {
    if (!(step instanceof Map<?, ?> map)) {
      return;
    }
    switch (String.valueOf(map.get("type"))) {
      case "Sequence" -> {
        if (map.get("processors") instanceof List<?> all) {
          all.forEach(processor -> addPair(builder, processor));
        }
      }
      case "RobertaProcessing" -> builder.flag("add_sep_token", true);
      case "TemplateProcessing" -> {
        int between = between(map.get("pair"));
        if (between > 0) {
          builder.flag("add_sep_token", between > 1);
        }
      }
      default -> {}
    }
  }

  /// {@return how many tokens stand between two texts, 0 where none ends the second}
  private static int between(Object pair) {
    if (!(pair instanceof List<?> pieces)
        || pieces.isEmpty()
        || !(pieces.getLast() instanceof Map<?, ?> last)
        || !last.containsKey("SpecialToken")) {
      return 0;
    }
    int first = -1;
    int second = -1;
    for (int i = 0; i < pieces.size(); i++) {
      if (pieces.get(i) instanceof Map<?, ?> piece && piece.containsKey("Sequence")) {
        second = first < 0 ? second : i;
        first = first < 0 ? i : first;
      }
    }
    return second < 0 ? 0 : second - first - 1;
  }

  /// {@return whether the class of the tokenizer goes by `add_bos_token` and `add_eos_token`}
  boolean isFlagged() throws FormatException {
    return FLAGGED.contains(settings.textOr("tokenizer_class", "").replaceAll("Fast$", ""));
  }

  /// {@return whether more tokens than one begin or end a text, which llama.cpp's keys cannot say}
  ///
  /// @param json a `tokenizer.json`
  boolean hasFrame(Config json) throws FormatException {
    var template = Template.of(json.values().get("post_processor"));
    return !isFlagged()
        && template != null
        && (template.before.size() > 1 || template.after.size() > 1);
  }

  /// {@return whether a pair is put together in a way that those keys cannot say, or white space is
  /// taken from the places of tokens}
  ///
  /// @param json a `tokenizer.json`
  boolean hasPair(Config json) throws FormatException {
    return !isFlagged() && hasPair(json.values().get("post_processor"));
  }

  private static boolean hasPair(Object step) {
    if (!(step instanceof Map<?, ?> map)) {
      return false;
    }
    return switch (String.valueOf(map.get("type"))) {
      case "Sequence" ->
          map.get("processors") instanceof List<?> all
              && all.stream().anyMatch(TokenizerSettings::hasPair);
      case "ByteLevel" -> !Boolean.FALSE.equals(map.get("trim_offsets"));
      case "TemplateProcessing" -> !isTwice(map.get("single"), map.get("pair"));
      default -> true;
    };
  }

  /// {@return whether the template of a pair is that of one text twice, the second time as of the
  /// second text}
  private static boolean isTwice(Object single, Object pair) {
    if (!(single instanceof List<?> one) || !(pair instanceof List<?> two)) {
      return pair == null;
    }
    if (two.size() != 2 * one.size()) {
      return false;
    }
    for (int i = 0; i < one.size(); i++) {
      if (!isPiece(one.get(i), one.get(i), "A", 0)
          || !isPiece(two.get(i), one.get(i), "A", 0)
          || !isPiece(two.get(one.size() + i), one.get(i), "B", 1)) {
        return false;
      }
    }
    return true;
  }

  /// {@return whether a piece of a template is like another, with this text and type}
  private static boolean isPiece(Object piece, Object other, String text, long type) {
    if (!(piece instanceof Map<?, ?> a) || !(other instanceof Map<?, ?> b)) {
      return false;
    }
    if (a.get("SpecialToken") instanceof Map<?, ?> token
        && b.get("SpecialToken") instanceof Map<?, ?> like) {
      return like.get("id").equals(token.get("id")) && isType(token, type);
    }
    return a.get("Sequence") instanceof Map<?, ?> sequence
        && b.containsKey("Sequence")
        && text.equals(sequence.get("id"))
        && isType(sequence, type);
  }

  private static boolean isType(Map<?, ?> piece, long type) {
    return piece.get("type_id") == null
        ? type == 0
        : Long.valueOf(type).equals(piece.get("type_id"));
  }

  /// The tokens that a post-processor puts before and after a text.
  private record Template(List<String> before, List<String> after) {
    String first() {
      return before.isEmpty() ? null : before.getFirst();
    }

    String last() {
      return after.isEmpty() ? null : after.getLast();
    }

    /// {@return what a post-processor puts around a text, null where it puts nothing}
    static Template of(Object step) {
      if (!(step instanceof Map<?, ?> map)) {
        return null;
      }
      if (map.get("processors") instanceof List<?> all) {
        return all.stream().map(Template::of).filter(t -> t != null).findFirst().orElse(null);
      }
      return switch (String.valueOf(map.get("type"))) {
        case "TemplateProcessing" ->
            map.get("single") instanceof List<?> single && !single.isEmpty() ? of(single) : null;
        case "BertProcessing", "RobertaProcessing" ->
            new Template(named(map.get("cls")), named(map.get("sep")));
        default -> null;
      };
    }

    private static Template of(List<?> single) {
      var before = new ArrayList<String>();
      var after = new ArrayList<String>();
      boolean behind = false; // the text
      for (var item : single) {
        if (item instanceof Map<?, ?> map
            && map.get("SpecialToken") instanceof Map<?, ?> token
            && token.get("id") instanceof String text) {
          (behind ? after : before).add(text);
        } else {
          behind = true;
        }
      }
      return new Template(before, after);
    }

    /// {@return the text of a pair of text and id}
    private static List<String> named(Object pair) {
      return pair instanceof List<?> list && !list.isEmpty()
          ? List.of(String.valueOf(list.getFirst()))
          : List.of();
    }
  }

  /// {@return the text of a special token: as `tokenizer_config.json` has it, or
  /// `special_tokens_map.json`, or the class by default; else null}
  String text(String kind) {
    var key = kind + "_token";
    if (settings.values().containsKey(key)) {
      return text(settings.values().get(key));
    }
    var text = text(specialTokens.values().get(key));
    return text == null ? tokenizerClass.special(kind) : text;
  }

  /// {@return the texts of the special tokens that have no name}
  List<String> moreSpecial() {
    var key = "additional_special_tokens";
    var value = settings.has(key) ? settings.values().get(key) : specialTokens.values().get(key);
    return value instanceof List<?> list
        ? list.stream()
            .map(TokenizerSettings::text)
            .filter(text -> text != null && !text.isEmpty())
            .toList()
        : List.of();
  }

  private static String text(Object value) {
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
      int id = added.find(text) >= 0 ? added.find(text) : table.find(text);
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
      templates.put("default", CheckpointFiles.text(file, MOST_TEMPLATE_BYTES));
      var more = folder.resolve("additional_chat_templates");
      if (Files.isDirectory(more)) {
        for (var other : sorted(more, "*.jinja")) {
          var name = other.getFileName().toString();
          templates.put(
              name.substring(0, name.length() - ".jinja".length()),
              CheckpointFiles.text(other, MOST_TEMPLATE_BYTES));
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

  private static List<Path> sorted(Path folder, String names) throws IOException {
    var sorted = new ArrayList<Path>();
    try (var files = Files.newDirectoryStream(folder, names)) {
      files.forEach(sorted::add);
    }
    sorted.sort(null);
    return sorted;
  }
}
