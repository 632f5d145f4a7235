package dev.tenon.huggingface;

import dev.tenon.huggingface.SentencePieceModel.Piece;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Makes a `tokenizer.json` of a SentencePiece model alone, for the classes of transformers of
/// which there is a fast one: as transformers converts it (`convert_slow_tokenizer.py`).
final class SentencePieceJson {
  /// The classes that this is for.
  static final Set<String> CLASSES =
      Set.of("T5Tokenizer", "AlbertTokenizer", "XLNetTokenizer", "DebertaV2Tokenizer");

  private final String name;
  private final SentencePieceModel model;
  private final Config values;

  private SentencePieceJson(String name, SentencePieceModel model, Config values) {
    this.name = name;
    this.model = model;
    this.values = values;
  }

  /// {@return what the `tokenizer.json` of a class says, but for `added_tokens`}
  ///
  /// @param name one of [#CLASSES]
  /// @param values `tokenizer_config.json`
  /// @throws UnsupportedOperationException if the model is no unigram model
  static Map<String, Object> of(String name, SentencePieceModel model, Config values)
      throws IOException {
    if (!model.unigram()) {
      throw new UnsupportedOperationException(
          values.path() + ": a " + name + " of a SentencePiece model that is not a unigram one");
    }
    return new SentencePieceJson(name, model, values).json();
  }

  /// {@return the special tokens of a class by id, as an `added_tokens_decoder` has them}
  static Map<String, Object> special(String name, SentencePieceModel model, Config values)
      throws IOException {
    return new SentencePieceJson(name, model, values).special();
  }

  private Map<String, Object> json() throws IOException {
    var json = new LinkedHashMap<String, Object>();
    json.put("normalizer", Map.of("type", "Sequence", "normalizers", normalizers()));
    json.put("pre_tokenizer", metaspace());
    json.put("decoder", metaspace());
    json.put("post_processor", template());
    var unigram = new LinkedHashMap<String, Object>();
    unigram.put("type", "Unigram");
    unigram.put("unk_id", (long) model.unknown());
    unigram.put("vocab", vocabulary());
    json.put("model", unigram);
    return json;
  }

  private Map<String, Object> special() throws IOException {
    var special = new LinkedHashMap<String, Object>();
    for (int id = 0; id < model.pieces().size(); id++) {
      var piece = model.pieces().get(id);
      boolean named = false;
      for (var kind : List.of("bos", "eos", "unk", "sep", "pad", "cls", "mask")) {
        named |= piece.text().equals(text(kind));
      }
      if (named
          || piece.type() == TokenizerVocabulary.CONTROL
          || piece.type() == TokenizerVocabulary.USER_DEFINED) {
        boolean control = named || piece.type() == TokenizerVocabulary.CONTROL;
        boolean left = piece.text().equals(text("mask"));
        special.put(
            String.valueOf(id),
            Map.of("content", piece.text(), "special", control, "lstrip", left));
      }
    }
    int extra = extraIds();
    for (int i = 0; i < extra; i++) {
      special.put(
          String.valueOf(model.pieces().size() + i),
          Map.of("content", "<extra_id_" + (extra - 1 - i) + ">", "special", true));
    }
    return special;
  }

  /// {@return the text of a special token}
  private String text(String kind) {
    var value = values.values().get(kind + "_token");
    if (value instanceof Map<?, ?> map && map.get("content") instanceof String text) {
      return text;
    }
    if (value instanceof String text) {
      return text;
    }
    boolean isT5 = name.equals("T5Tokenizer");
    boolean isBert = !isT5 && !name.equals("XLNetTokenizer");
    return switch (kind) {
      case "unk" -> name.equals("DebertaV2Tokenizer") ? "[UNK]" : "<unk>";
      case "pad" -> name.equals("DebertaV2Tokenizer") ? "[PAD]" : "<pad>";
      case "eos" -> isBert ? "[SEP]" : "</s>";
      case "bos" -> isBert ? "[CLS]" : isT5 ? null : "<s>";
      case "cls" -> isBert ? "[CLS]" : isT5 ? null : "<cls>";
      case "sep" -> isBert ? "[SEP]" : isT5 ? null : "<sep>";
      default -> isBert ? "[MASK]" : isT5 ? null : "<mask>";
    };
  }

  private int extraIds() throws IOException {
    return name.equals("T5Tokenizer")
        ? Math.clamp(values.integer("extra_ids", 100), 0, 1 << 16)
        : 0;
  }

  private List<Object> vocabulary() throws IOException {
    boolean plain = name.equals("T5Tokenizer") || name.equals("DebertaV2Tokenizer");
    var vocabulary = new ArrayList<Object>();
    for (var piece : model.pieces()) {
      double score = piece.score();
      vocabulary.add(List.of(piece.text(), plain || !endsNumber(piece) ? score : score - 100));
    }
    for (int i = extraIds() - 1; i >= 0; i--) {
      vocabulary.add(List.of("<extra_id_" + i + ">", 0.0));
    }
    return vocabulary;
  }

  /// {@return whether a piece is a digit with a comma after it, which is then hardly ever chosen}
  private static boolean endsNumber(Piece piece) {
    var text = piece.text();
    return text.length() > 1
        && text.endsWith(",")
        && Character.isDigit(text.codePointBefore(text.length() - 1));
  }

  private List<Object> normalizers() throws IOException {
    var all = new ArrayList<Object>();
    boolean charsmap = model.charsmap().length > 0;
    var precompiled =
        Map.of(
            "type",
            "Precompiled",
            "precompiled_charsmap",
            Base64.getEncoder().encodeToString(model.charsmap()));
    switch (name) {
      case "AlbertTokenizer", "XLNetTokenizer" -> {
        all.add(replace(Map.of("String", "``"), "\""));
        all.add(replace(Map.of("String", "''"), "\""));
        if (!values.bool("keep_accents", false)) {
          all.add(Map.of("type", "NFKD"));
          all.add(Map.of("type", "StripAccents"));
        }
        if (values.bool("do_lower_case", name.equals("AlbertTokenizer"))) {
          all.add(Map.of("type", "Lowercase"));
        }
      }
      case "DebertaV2Tokenizer" -> {
        if (values.bool("do_lower_case", false)) {
          all.add(Map.of("type", "Lowercase"));
        }
        all.add(Map.of("type", "Strip", "strip_left", true, "strip_right", true));
      }
      default -> {}
    }
    if (charsmap) {
      all.add(precompiled);
    }
    if (name.equals("T5Tokenizer")) {
      all.add(Map.of("type", "Strip", "strip_left", false, "strip_right", true));
      all.add(replace(Map.of("Regex", " {2,}"), "\u2581"));
    } else {
      all.add(replace(Map.of("Regex", " {2,}"), " "));
    }
    return all;
  }

  private static Map<String, Object> replace(Object pattern, String content) {
    return Map.of("type", "Replace", "pattern", pattern, "content", content);
  }

  private Map<String, Object> metaspace() throws IOException {
    boolean isNull =
        values.values().containsKey("add_prefix_space") && !values.has("add_prefix_space");
    boolean space = !name.equals("T5Tokenizer") || !isNull && values.bool("add_prefix_space", true);
    boolean first = name.equals("T5Tokenizer") && !values.bool("legacy", true);
    return Map.of(
        "type",
        "Metaspace",
        "replacement",
        "\u2581",
        "prepend_scheme",
        !space ? "never" : first ? "first" : "always",
        "split",
        true);
  }

  private Map<String, Object> template() {
    var a = Map.of("Sequence", Map.of("id", "A", "type_id", 0L));
    return switch (name) {
      case "T5Tokenizer" -> {
        var end = token(text("eos"), 0);
        yield template(
            List.of(a, end),
            List.of(a, end, Map.of("Sequence", Map.of("id", "B", "type_id", 0L)), end));
      }
      case "XLNetTokenizer" -> {
        var cls = token(text("cls"), 2);
        yield template(
            List.of(a, token(text("sep"), 0), cls),
            List.of(
                a,
                token(text("sep"), 0),
                Map.of("Sequence", Map.of("id", "B", "type_id", 1L)),
                token(text("sep"), 1),
                cls));
      }
      default -> {
        var cls = token(text("cls"), 0);
        var separator = token(text("sep"), 0);
        yield template(
            List.of(cls, a, separator),
            List.of(
                cls,
                a,
                separator,
                Map.of("Sequence", Map.of("id", "B", "type_id", 1L)),
                token(text("sep"), 1)));
      }
    };
  }

  private static Map<String, Object> token(String text, long type) {
    return Map.of("SpecialToken", Map.of("id", text, "type_id", type));
  }

  private static Map<String, Object> template(List<?> single, List<?> pair) {
    return Map.of("type", "TemplateProcessing", "single", single, "pair", pair);
  }
}
