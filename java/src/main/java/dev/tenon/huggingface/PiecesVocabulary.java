package dev.tenon.huggingface;

import dev.tenon.gguf.GgufValue;
import dev.tenon.huggingface.TokenizerVocabulary.Builder;
import dev.tenon.huggingface.TokenizerVocabulary.Table;
import dev.tenon.tokenizer.TokenizerSteps;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes a vocabulary for a class of transformers that cuts a text with SentencePiece and numbers
/// the pieces in its own way: `MarianTokenizer`, with one model for the source and one for the
/// target, both over one `vocab.json`; `M2M100Tokenizer`; and those that move the numbers of the
/// model and have tokens before and after them.
///
/// The pieces stand in Tenon's own keys ([TokenizerSteps#SOURCE], [TokenizerSteps#TARGET]); the
/// steps are those of SentencePiece itself.
final class PiecesVocabulary {
  private static final float UNUSED_SCORE = -10000;

  /// The codes of mBART, of which mBART-50 has more.
  private static final List<String> MBART =
      List.of(
          ("ar_AR cs_CZ de_DE en_XX es_XX et_EE fi_FI fr_XX gu_IN hi_IN it_IT ja_XX kk_KZ ko_KR"
                  + " lt_LT lv_LV my_MM ne_NP nl_XX ro_RO ru_RU si_LK tr_TR vi_VN zh_CN")
              .split(" "));

  private static final List<String> MBART50 =
      List.of(
          (String.join(" ", MBART)
                  + " af_ZA az_AZ bn_IN fa_IR he_IL hr_HR id_ID ka_GE km_KH mk_MK ml_IN mn_MN mr_IN"
                  + " pl_PL ps_AF pt_XX sv_SE sw_KE ta_IN te_IN th_TH tl_XX uk_UA ur_PK xh_ZA gl_ES"
                  + " sl_SI")
              .split(" "));

  private static final List<String> M2M100 =
      List.of(
          ("af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd"
                  + " gl gu ha he hi hr ht hu hy id ig ilo is it ja jv ka kk km kn ko lb lg ln lo"
                  + " lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru sd si sk sl so"
                  + " sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu")
              .split(" "));

  private static final List<String> WMT21 = List.of("en", "ha", "is", "ja", "cs", "ru", "zh", "de");

  private static final String KNOWN =
      "M2M100Tokenizer, MBart50Tokenizer, MBartTokenizer, MarianTokenizer, NllbTokenizer,"
          + " PegasusTokenizer, XLMRobertaTokenizer";

  private final Path folder;
  private final int rows;
  private final AddedVocabulary added;
  private final TokenizerSettings settings;
  private final Config values;
  private final Table table;

  /// Tokens that are found in a text, by id, as an `added_tokens_decoder` has them.
  private final Map<String, Object> special = new LinkedHashMap<>();

  /// What is put around a text and a pair, as a `TemplateProcessing` has it.
  private final List<Object> single = new ArrayList<>();

  private final List<Object> pair = new ArrayList<>();

  PiecesVocabulary(Path folder, int rows, AddedVocabulary added, TokenizerSettings settings) {
    this.folder = folder;
    this.rows = rows;
    this.added = added;
    this.settings = settings;
    values = settings.values();
    table = new Table(rows);
  }

  /// {@return the vocabulary of a class}
  ///
  /// @param name the class, without `Fast` at its end
  /// @param path the SentencePiece model
  TokenizerVocabulary read(String name, Path path) throws IOException {
    var model = SentencePieceModel.open(path);
    switch (name) {
      case "MarianTokenizer" -> readMarian(model);
      case "M2M100Tokenizer" -> readM2m100(model);
      case "PegasusTokenizer" -> readPegasus(model);
      case "MBartTokenizer" -> readMbart(model, MBART, false);
      case "MBart50Tokenizer" -> readMbart(model, MBART50, true);
      case "NllbTokenizer" -> readNllb(model);
      case "XLMRobertaTokenizer" -> {
        putFairseq(model, List.of());
        putSpecial(1L + model.pieces().size(), "<mask>", true);
        frame(List.of("<s>"), List.of("</s>"), List.of("</s>", "</s>"));
      }
      default ->
          throw new UnsupportedOperationException(
              path
                  + ": the tokenizer class "
                  + FormatException.quote(name)
                  + " is not supported; known are "
                  + KNOWN);
    }
    return build(name, path, model);
  }

  // Tokens.

  private void readMarian(SentencePieceModel model) throws IOException {
    if (values.bool("separate_vocabs", false)) {
      throw new UnsupportedOperationException(
          folder + ": separate_vocabs, a vocabulary for each language, is not supported");
    }
    putVocabulary(model);
    for (var kind : List.of("eos", "unk", "pad")) {
      var text = special(kind);
      long id = table.find(text);
      if (id >= 0) {
        putSpecial(id, text, false);
      }
    }
    frame(List.of(), List.of(special("eos")), List.of());
  }

  private void readM2m100(SentencePieceModel model) throws IOException {
    long size = putVocabulary(model);
    var codes =
        switch (values.textOr("language_codes", "m2m100")) {
          case "m2m100" -> M2M100;
          case "wmt21" -> WMT21;
          default ->
              throw new UnsupportedOperationException(
                  folder
                      + ": language_codes "
                      + FormatException.quote(values.text("language_codes"))
                      + " are not supported; known are m2m100, wmt21");
        };
    for (int i = 0; i < codes.size() && size + i < TokenizerFiles.MOST_TOKENS; i++) {
      table.put(
          (int) size + i, "__" + codes.get(i) + "__", UNUSED_SCORE, TokenizerVocabulary.NORMAL);
    }
    for (var kind : List.of("bos", "eos", "unk", "pad")) {
      long id = table.find(special(kind));
      if (id >= 0) {
        putSpecial(id, special(kind), false);
      }
    }
    var source = language("en");
    if (!codes.contains(source)) {
      throw new UnsupportedOperationException(
          folder + ": src_lang " + FormatException.quote(source) + " is none of " + codes);
    }
    frame(List.of("__" + source + "__"), List.of(special("eos")), List.of());
  }

  private void readPegasus(SentencePieceModel model) throws IOException {
    int offset = Math.clamp(values.integer("offset", 103), 0, TokenizerFiles.MOST_TOKENS / 2);
    putPieces(model, 0, offset);
    var first = new ArrayList<>(List.of(special("pad"), special("eos")));
    if (values.values().getOrDefault("mask_token_sent", "") != null) {
      first.add(values.textOr("mask_token_sent", "<mask_1>"));
      first.add(values.has("mask_token") ? special("mask") : "<mask_2>");
    }
    for (int i = 2; first.size() < offset; i++) {
      first.add("<unk_" + i + ">");
    }
    for (int id = 0; id < first.size(); id++) {
      putSpecial(id, first.get(id), false);
    }
    if (model.unknown() >= 0) {
      putSpecial(offset + model.unknown(), special("unk"), false);
    }
    frame(List.of(), List.of(special("eos")), List.of());
  }

  private void readMbart(SentencePieceModel model, List<String> codes, boolean before)
      throws IOException {
    putFairseq(model, codes);
    var source = language("en_XX");
    if (!codes.contains(source)) {
      throw new UnsupportedOperationException(
          folder + ": src_lang " + FormatException.quote(source) + " is none of " + codes);
    }
    putSpecial(1L + model.pieces().size() + codes.size(), "<mask>", true);
    if (before) {
      frame(List.of(source), List.of("</s>"), List.of());
    } else {
      frame(List.of(), List.of("</s>", source), List.of());
    }
  }

  private void readNllb(SentencePieceModel model) throws IOException {
    putFairseq(model, List.of());
    var source = language("eng_Latn");
    if (!values.has("added_tokens_decoder")) {
      throw new UnsupportedOperationException(
          folder
              + ": an NllbTokenizer whose tokenizer_config.json has no added_tokens_decoder, which"
              + " says what languages there are, is not supported");
    }
    if (values.bool("legacy_behaviour", false)) {
      frame(List.of(), List.of("</s>", source), List.of());
    } else {
      frame(List.of(source), List.of("</s>"), List.of());
    }
  }

  /// Puts the tokens of a `vocab.json`, with the scores of pieces.
  ///
  /// @return how many
  private int putVocabulary(SentencePieceModel model) throws IOException {
    var file = folder.resolve("vocab.json");
    var ids =
        TokenizerFiles.ids(new Config(file, Map.of("vocab", Config.open(file).values())), "vocab");
    ids.forEach((text, id) -> table.put(id, text, UNUSED_SCORE, TokenizerVocabulary.NORMAL));
    for (var piece : model.pieces()) {
      var id = ids.get(piece.text());
      if (id != null) {
        table.put(id, piece.text(), piece.score(), piece.type());
      }
    }
    return ids.size();
  }

  /// Puts the pieces of a model from one on, with higher ids.
  private void putPieces(SentencePieceModel model, int from, int offset) {
    for (int i = from; i < model.pieces().size(); i++) {
      var piece = model.pieces().get(i);
      table.put(i + offset, piece.text(), piece.score(), piece.type());
    }
  }

  /// Puts what fairseq has: four tokens, the pieces but the first three, and languages.
  private void putFairseq(SentencePieceModel model, List<String> codes) {
    putPieces(model, 3, 1);
    var first = List.of("<s>", "<pad>", "</s>", "<unk>");
    for (int id = 0; id < first.size(); id++) {
      putSpecial(id, first.get(id), false);
    }
    for (int i = 0; i < codes.size(); i++) {
      putSpecial(1L + model.pieces().size() + i, codes.get(i), false);
    }
  }

  /// Puts a token that is found in a text.
  ///
  /// @param left whether it takes the white space before it along
  private void putSpecial(long id, String text, boolean left) {
    special.put(
        String.valueOf(id),
        new LinkedHashMap<>(Map.of("content", text, "special", true, "lstrip", left)));
  }

  /// {@return the text of a special token}
  private String special(String kind) {
    var value = values.values().get(kind + "_token");
    if (value instanceof Map<?, ?> map && map.get("content") instanceof String text) {
      return text;
    }
    return value instanceof String text
        ? text
        : switch (kind) {
          case "bos" -> "<s>";
          case "eos" -> "</s>";
          case "unk" -> "<unk>";
          default -> "<pad>";
        };
  }

  private String language(String fallback) throws IOException {
    return values.textOr("src_lang", fallback);
  }

  // Steps.

  private void frame(List<String> before, List<String> after, List<String> between) {
    for (var pairs : List.of(single, pair)) {
      before.forEach(text -> pairs.add(token(text)));
      pairs.add(Map.of("Sequence", Map.of("id", "A", "type_id", 0L)));
      if (pairs == pair) {
        between.forEach(text -> pairs.add(token(text)));
        pairs.add(Map.of("Sequence", Map.of("id", "B", "type_id", 0L)));
      }
      after.forEach(text -> pairs.add(token(text)));
    }
  }

  private static Object token(String text) {
    return Map.of("SpecialToken", Map.of("id", text, "type_id", 0L));
  }

  private TokenizerVocabulary build(String name, Path path, SentencePieceModel model)
      throws IOException {
    readAdded();
    added.addTo(table);
    var unknown = special("unk");
    int unknownId = added.find(unknown) >= 0 ? added.find(unknown) : table.find(unknown);
    if (table.text(unknownId) != null) {
      table.put(unknownId, unknown, 0, TokenizerVocabulary.UNKNOWN);
    }
    table.fill(rows, UNUSED_SCORE);
    var steps = new LinkedHashMap<String, Object>();
    boolean isMarian = name.equals("MarianTokenizer");
    var normalizer = normalizer(model);
    normalizer.put("language_codes", isMarian);
    steps.put("normalizer", normalizer);
    steps.put("decoder", Map.of("type", "SentencePiece"));
    steps.put(
        "post_processor", Map.of("type", "TemplateProcessing", "single", single, "pair", pair));
    steps.put(
        "model", Map.of("type", "SentencePiece", "unk_token", unknown, "language_codes", isMarian));
    var builder = new Builder(model.unigram() ? "t5" : "llama", "default", table, true);
    settings.addTo(builder, table, new Config(path, steps));
    builder.flag("add_space_prefix", model.addsSpace());
    builder.flag("remove_extra_whitespaces", model.removesSpaces());
    if (model.charsmap().length > 0) {
      builder.put("precompiled_charsmap", TokenizerFiles.signedBytes(model.charsmap()));
    }
    putPieces(builder, TokenizerSteps.SOURCE, model);
    if (isMarian) {
      var target = SentencePieceModel.open(folder.resolve("target.spm"));
      putPieces(builder, TokenizerSteps.TARGET, target);
      steps.put("target_normalizer", normalizer(target));
    }
    steps.put("added_tokens", added.json());
    try {
      TokenizerSteps.check(steps);
    } catch (IllegalArgumentException e) {
      throw new FormatException(path, "normalizer", "one of SentencePiece", e.getMessage());
    }
    builder.steps(steps);
    return builder.build();
  }

  /// Reads the added tokens of the class and of the folder. They are found in the text as it is
  /// written, whatever the folder says.
  private void readAdded() throws IOException {
    var file = folder.resolve("added_tokens.json");
    if (Files.exists(file)) {
      added.readFile(file);
    }
    var all = new LinkedHashMap<>(special);
    values
        .object("added_tokens_decoder")
        .values()
        .forEach(
            (id, token) -> {
              if (token instanceof Map<?, ?> map) {
                var copy = new LinkedHashMap<String, Object>();
                map.forEach((key, value) -> copy.put((String) key, value));
                copy.put("normalized", false);
                all.put(id, copy);
              } else {
                all.put(id, token);
              }
            });
    added.readSettings(new Config(values.path(), Map.of("added_tokens_decoder", all)));
  }

  /// {@return the normaliser of a model}
  static Map<String, Object> normalizer(SentencePieceModel model) {
    var step = new LinkedHashMap<String, Object>();
    step.put("type", "SentencePiece");
    if (model.charsmap().length > 0) {
      step.put("precompiled_charsmap", Base64.getEncoder().encodeToString(model.charsmap()));
    }
    step.put("add_dummy_prefix", model.addsSpace());
    step.put("remove_extra_whitespaces", model.removesSpaces());
    step.put("escape_whitespaces", model.escapesSpaces());
    step.put("treat_whitespace_as_suffix", model.spaceAfter());
    var userDefined =
        model.pieces().stream()
            .filter(piece -> piece.type() == TokenizerVocabulary.USER_DEFINED)
            .map(SentencePieceModel.Piece::text)
            .toList();
    if (!userDefined.isEmpty()) {
      step.put("user_defined", userDefined);
    }
    return step;
  }

  private static void putPieces(Builder builder, String prefix, SentencePieceModel model) {
    var pieces = model.pieces();
    var scores = new float[pieces.size()];
    var types = new int[pieces.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = pieces.get(i).score();
      types[i] = pieces.get(i).type();
    }
    builder.own(prefix + ".model", new GgufValue.Text(model.unigram() ? "unigram" : "bpe"));
    builder.own(
        prefix + ".pieces",
        GgufValue.Array.strings(pieces.stream().map(SentencePieceModel.Piece::text).toList()));
    builder.own(prefix + ".scores", GgufValue.Array.of(scores));
    builder.own(prefix + ".types", GgufValue.Array.of(types));
  }
}
