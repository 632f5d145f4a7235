package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.ToIntFunction;

/// What is put around a text, and around and between the two of a pair, as the `post_processor` of
/// a `tokenizer.json` says; where a file has none, as its keys say. Immutable and thread-safe.
final class PostProcessor {
  private static final String ADD_SEP = "tokenizer.ggml.add_sep_token";

  private static final PostProcessor NOTHING =
      new PostProcessor(List.of(), List.of(), List.of(), false);

  private final List<Piece> single;
  private final List<Piece> pair;
  private final List<Trimming> trimmings;

  /// Whether only the first window of a text gets the types that are said here.
  private final boolean firstOnly;

  /// A token that is added, or a text.
  ///
  /// @param sequence which text: 0 or 1; -1 for a token
  /// @param id the token
  /// @param type of the token, or of all tokens of the text
  record Piece(int sequence, int id, int type) {
    static Piece text(int sequence, int type) {
      return new Piece(sequence, Vocabulary.NONE, type);
    }

    static Piece token(int id, int type) {
      return new Piece(-1, id, type);
    }
  }

  /// Taking white space from the places of tokens.
  ///
  /// @param spaceAdded whether a single space that a text begins with is not of the text, so that
  ///     its place is not there to be taken off
  record Trimming(boolean spaceAdded) {}

  private PostProcessor(
      List<Piece> single, List<Piece> pair, List<Trimming> trimmings, boolean firstOnly) {
    this.single = known(single);
    this.pair = known(pair);
    this.trimmings = trimmings;
    this.firstOnly = firstOnly;
  }

  /// {@return all pieces but tokens that are beyond what the model has rows for}
  private static List<Piece> known(List<Piece> pieces) {
    return pieces.stream()
        .filter(piece -> piece.sequence >= 0 || piece.id != Vocabulary.NONE)
        .toList();
  }

  /// {@return what a `post_processor` puts around texts}
  ///
  /// @param otherwise what is put there where it says nothing of that
  /// @param tokens finds the token of a text, or [Vocabulary#NONE]
  /// @param size the number of tokens
  /// @throws UnsupportedOperationException if its type is unknown; the message has it
  /// @throws IllegalArgumentException if it is malformed
  static PostProcessor of(
      Object json, PostProcessor otherwise, ToIntFunction<String> tokens, int size) {
    if (json == null) {
      return otherwise;
    }
    var step = new Normalizer.Step("post_processor", json);
    return switch (step.type()) {
      case "Sequence" -> {
        var framed = otherwise;
        var trimmings = new ArrayList<Trimming>();
        for (var processor : step.list("processors")) {
          if (processor == null) {
            throw step.wrong("processors", "objects");
          }
          var one = of(processor, NOTHING, tokens, size);
          trimmings.addAll(one.trimmings);
          boolean first = framed == otherwise; // the first template counts
          framed = first && !one.single.isEmpty() ? one : framed;
        }
        yield new PostProcessor(framed.single, framed.pair, trimmings, framed.firstOnly);
      }
      case "ByteLevel" ->
          new PostProcessor(otherwise.single, otherwise.pair, trimmings(step), false);
      case "BertProcessing" -> {
        int cls = named(step, "cls", tokens, size);
        int sep = named(step, "sep", tokens, size);
        yield bert(cls, sep);
      }
      case "RobertaProcessing" -> {
        var cls = Piece.token(named(step, "cls", tokens, size), 0);
        var sep = Piece.token(named(step, "sep", tokens, size), 0);
        var first = Piece.text(0, 0);
        yield new PostProcessor(
            List.of(cls, first, sep),
            List.of(cls, first, sep, sep, Piece.text(1, 0), sep),
            trimmings(step),
            false);
      }
      case "TemplateProcessing" -> {
        var one = template(step, "single", tokens, size);
        var two = step.has("pair") ? template(step, "pair", tokens, size) : List.<Piece>of();
        yield new PostProcessor(
            one.isEmpty() ? List.of(Piece.text(0, 0)) : one,
            two.isEmpty() ? List.of(Piece.text(0, 0), Piece.text(1, 1)) : two,
            List.of(),
            true);
      }
      default ->
          throw step.unknown(
              "BertProcessing, ByteLevel, RobertaProcessing, Sequence, TemplateProcessing");
    };
  }

  private static List<Trimming> trimmings(Normalizer.Step step) {
    return step.flag("trim_offsets", true)
        ? List.of(new Trimming(step.flag("add_prefix_space", true)))
        : List.of();
  }

  /// {@return the id of a pair of text and id}
  private static int named(
      Normalizer.Step step, String key, ToIntFunction<String> tokens, int size) {
    var pair = step.list(key);
    if (pair.size() != 2
        || !(pair.get(0) instanceof String text)
        || !(pair.get(1) instanceof Long id)) {
      throw step.wrong(key, "a text and its id");
    }
    return id >= 0 && id < size ? id.intValue() : tokens.applyAsInt(text);
  }

  private static List<Piece> template(
      Normalizer.Step step, String key, ToIntFunction<String> tokens, int size) {
    var pieces = new ArrayList<Piece>();
    for (var item : step.list(key)) {
      if (item instanceof Map<?, ?> map && map.get("SpecialToken") != null) {
        var token = new Normalizer.Step("SpecialToken", map.get("SpecialToken"));
        for (int id : ids(step, token.text("id"), tokens, size)) {
          pieces.add(Piece.token(id, type(token)));
        }
      } else if (item instanceof Map<?, ?> map && map.get("Sequence") != null) {
        var text = new Normalizer.Step("Sequence", map.get("Sequence"));
        pieces.add(Piece.text(text.text("id").equals("A") ? 0 : 1, type(text)));
      } else {
        throw step.wrong(key, "objects with a SpecialToken or a Sequence");
      }
    }
    return pieces;
  }

  private static int type(Normalizer.Step piece) {
    return switch (piece.get("type_id")) {
      case null -> 0;
      case Long type when type >= 0 && type <= Integer.MAX_VALUE -> type.intValue();
      default -> throw piece.wrong("type_id", "a number");
    };
  }

  /// {@return the ids of a special token of a template, which may be several}
  private static int[] ids(
      Normalizer.Step template, String name, ToIntFunction<String> tokens, int size) {
    if (template.get("special_tokens") instanceof Map<?, ?> all
        && all.get(name) instanceof Map<?, ?> token
        && token.get("ids") instanceof List<?> list) {
      var ids = new IntList();
      for (var item : list) {
        ids.add(item instanceof Long id && id >= 0 && id < size ? id.intValue() : Vocabulary.NONE);
      }
      return ids.toArray();
    }
    return new int[] {tokens.applyAsInt(name)};
  }

  /// {@return what the keys of a file say: as llama.cpp puts tokens around a text, and around a
  /// pair to be ranked; where they are silent on pairs, each text as one alone, as transformers
  /// does for Llama}
  static PostProcessor of(Gguf gguf, Vocabulary vocabulary) throws GgufFormatException {
    if (gguf.text(VocabularyTokenizer.MODEL, "").equals("bert")) {
      return bert(vocabulary.bos(), vocabulary.sep());
    }
    int bos = vocabulary.addsBos() ? vocabulary.bos() : Vocabulary.NONE;
    int eos = vocabulary.addsEos() ? vocabulary.eos() : Vocabulary.NONE;
    var single = List.of(Piece.token(bos, 0), Piece.text(0, 0), Piece.token(eos, 0));
    var pair = new ArrayList<>(single);
    if (gguf.bool(ADD_SEP, false) && vocabulary.sep() != Vocabulary.NONE) {
      pair.add(Piece.token(vocabulary.sep(), 0));
      pair.add(Piece.text(1, 0));
      pair.add(Piece.token(eos, 0));
    } else {
      pair.add(Piece.token(bos, 1));
      pair.add(Piece.text(1, 1));
      pair.add(Piece.token(eos, 1));
    }
    return new PostProcessor(single, pair, List.of(), false);
  }

  private static PostProcessor bert(int cls, int sep) {
    var single = List.of(Piece.token(cls, 0), Piece.text(0, 0), Piece.token(sep, 0));
    var pair = new ArrayList<>(single);
    pair.add(Piece.text(1, 1));
    pair.add(Piece.token(sep, 1));
    return new PostProcessor(single, pair, List.of(), false);
  }

  /// {@return the pieces of one text, or of a pair}
  List<Piece> pieces(boolean isPair) {
    return isPair ? pair : single;
  }

  /// {@return whether the first text of a pair comes first}
  boolean isInOrder() {
    for (var piece : pair) {
      if (piece.sequence >= 0) {
        return piece.sequence == 0;
      }
    }
    return true;
  }

  List<Trimming> trimmings() {
    return trimmings;
  }

  boolean firstOnly() {
    return firstOnly;
  }

  /// {@return the ids of a text with what is put around it}
  int[] around(TokenList text) {
    var ids = new IntList();
    for (var piece : single) {
      if (piece.sequence < 0) {
        ids.add(piece.id);
      } else {
        for (int i = 0; i < text.size(); i++) {
          ids.add(text.id(i));
        }
      }
    }
    return ids.toArray();
  }
}
