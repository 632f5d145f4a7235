package dev.tenon.tokenizer;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// The texts of tokens as a `tokenizer.json` has them: of some a file has other ones. Filled once,
/// then read by any thread.
final class TokenTexts {
  private final Vocabulary vocabulary;
  private final List<Normalizer.Step> added = new ArrayList<>();

  /// Tokens whose text in the file is not the one that a word is made of.
  private final Map<String, Integer> renamed = new HashMap<>();

  /// The texts of those.
  private final Map<Integer, String> names = new HashMap<>();

  /// Tokens that no word is made of: those that are added and not of the model's vocabulary.
  private final BitSet addedOnly = new BitSet();

  /// Whether a token that begins a word has U+2581 in front, and one that goes on nothing.
  private final boolean phantom;

  TokenTexts(Vocabulary vocabulary, Map<String, Object> steps) {
    this.vocabulary = vocabulary;
    var model = new Normalizer.Step("model", steps.get("model"));
    phantom = model.type().equals("WordPiece");
    if (model.get("vocab") instanceof Map<?, ?> others) {
      others.forEach((text, id) -> rename(String.valueOf(text), id));
    }
    if (model.has("added_only")) {
      for (var id : model.list("added_only")) {
        if (!(id instanceof Long number) || number < 0) {
          throw model.wrong("added_only", "an array of ids");
        }
        addedOnly.set((int) Math.min(number, vocabulary.size()));
      }
    }
    if (steps.get("added_tokens") == null) {
      return;
    }
    if (!(steps.get("added_tokens") instanceof List<?> list)) {
      throw new IllegalArgumentException("added_tokens: expected an array");
    }
    for (var item : list) {
      var token = new Normalizer.Step("added_tokens", item);
      if (token.text("content").isEmpty()) {
        throw new IllegalArgumentException("added_tokens: expected an id and a content");
      }
      if (rename(token.text("content"), token.get("id"))) {
        added.add(token);
      }
    }
  }

  /// {@return whether the model has a row for a token}
  private boolean rename(String text, Object json) {
    if (!(json instanceof Long id) || id < 0) {
      throw new IllegalArgumentException("added_tokens: expected an id and a content");
    }
    if (id >= vocabulary.size()) {
      return false;
    }
    renamed.put(text, id.intValue());
    names.put(id.intValue(), text);
    return true;
  }

  /// {@return tokens to be found before a text is normalised}
  List<AddedTokens.Token> asWritten() {
    return added.stream()
        .filter(token -> !token.flag("normalized", false))
        .map(token -> token(token, token.text("content")))
        .toList();
  }

  /// {@return tokens to be found after that}
  List<AddedTokens.Token> normalized(Normalizer normalizer) {
    return added.stream()
        .filter(token -> token.flag("normalized", false))
        .map(token -> token(token, normalizer.apply(token.text("content"))))
        .toList();
  }

  private static AddedTokens.Token token(Normalizer.Step json, String text) {
    return new AddedTokens.Token(
        ((Long) json.get("id")).intValue(),
        text,
        json.flag("special", false),
        json.flag("single_word", false),
        json.flag("lstrip", false),
        json.flag("rstrip", false));
  }

  /// {@return the token of a text that words are made of, or [Vocabulary#NONE]}
  int word(String text) {
    int id = find(text);
    return id != Vocabulary.NONE && addedOnly.get(id) ? Vocabulary.NONE : id;
  }

  /// {@return the token of a text, or [Vocabulary#NONE]}
  int find(String text) {
    var id = renamed.get(text);
    if (id != null) {
      return id;
    }
    int found =
        vocabulary.find(
            !phantom ? text : text.startsWith("##") ? text.substring(2) : Vocabulary.SPACE + text);
    boolean other =
        found != Vocabulary.NONE
            && (names.containsKey(found) || vocabulary.type(found) == TokenType.UNUSED);
    return other ? Vocabulary.NONE : found;
  }

  /// {@return the text of a token as the `tokenizer.json` has it}
  String text(int id) {
    var name = names.get(id);
    if (name != null || !phantom || vocabulary.type(id) == TokenType.CONTROL) {
      return name == null ? vocabulary.text(id) : name;
    }
    var text = vocabulary.text(id);
    return text.charAt(0) == Vocabulary.SPACE ? text.substring(1) : "##" + text;
  }

  /// {@return the texts of all tokens, null for those that no word is made of}
  List<String> all() {
    var all = new ArrayList<String>(vocabulary.size());
    for (int id = 0; id < vocabulary.size(); id++) {
      boolean used = vocabulary.type(id) != TokenType.UNUSED || names.containsKey(id);
      all.add(used && !addedOnly.get(id) ? text(id) : null);
    }
    return all;
  }
}
