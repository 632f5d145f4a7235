package dev.tenon.huggingface;

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

/// Makes a vocabulary of a folder's `tokenizer.model`, with the tokens that the files beside it
/// add.
final class SentencePieceVocabulary {
  private static final float UNUSED_SCORE = -10000;

  private final Path folder;
  private final int rows;
  private final AddedVocabulary added;
  private final TokenizerSettings settings;

  SentencePieceVocabulary(
      Path folder, int rows, AddedVocabulary added, TokenizerSettings settings) {
    this.folder = folder;
    this.rows = rows;
    this.added = added;
    this.settings = settings;
  }

  TokenizerVocabulary read() throws IOException {
    var path = folder.resolve("tokenizer.model");
    var model = SentencePieceModel.open(path);
    var table = new Table(rows);
    for (int id = 0; id < model.pieces().size(); id++) {
      var piece = model.pieces().get(id);
      table.put(id, piece.text(), piece.score(), piece.type());
    }
    var file = folder.resolve("added_tokens.json");
    if (Files.exists(file)) {
      added.readFile(file);
    }
    added.readSettings(settings.values());
    added.addTo(table);
    if (table.text(model.unknown()) != null) {
      table.put(model.unknown(), table.text(model.unknown()), 0, TokenizerVocabulary.UNKNOWN);
    }
    table.fill(rows, UNUSED_SCORE);
    var builder = new Builder(model.unigram() ? "t5" : "llama", "default", table, true);
    settings.addTo(builder, table, new Config(path, Map.of()));
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
    boolean first = settings.values().has("legacy") && !settings.values().bool("legacy", true);
    boolean prefix = settings.values().bool("add_prefix_space", model.addsSpace());
    builder.flag("add_space_prefix", prefix);
    if (model.unigram()) {
      builder.flag("remove_extra_whitespaces", model.removesSpaces());
      if (model.charsmap().length > 0) {
        builder.put("precompiled_charsmap", TokenizerFiles.signedBytes(model.charsmap()));
      }
    } else if (model.charsmap().length > 0 || model.removesSpaces() || first && prefix) {
      var steps = new Config(path, steps(model, prefix, first));
      TokenizerSteps.check(steps.values());
      TokenizerJson.addSteps(builder, steps, added, settings);
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
}
