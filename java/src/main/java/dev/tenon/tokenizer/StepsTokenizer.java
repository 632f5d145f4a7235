package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Byte-pair encoding by the steps of a `tokenizer.json` ([TokenizerSteps]): the ids that
/// transformers gives.
///
/// Tokens that stand in the text are cut out of it, what is left is normalised, those that stand in
/// the normalised text are cut out, the rest is split into words, and the characters of a word
/// merge in the order of a list of pairs, or, where there is none, by the scores of tokens.
final class StepsTokenizer extends VocabularyTokenizer {
  private static final String GGML_MERGES = "tokenizer.ggml.merges";

  private final Normalizer normalizer;
  private final Splitter splitter;
  private final AddedTokens asWritten;
  private final AddedTokens normalized;
  private final Decoding decoding;

  /// Tokens whose text in the file is not the one that merges make.
  private final Map<String, Integer> renamed = new HashMap<>();

  /// The ids of those: what the file writes for them is no text of the vocabulary.
  private final BitSet added = new BitSet();

  /// What begins and ends a text where that is more than one token; else empty.
  private final IntList before = new IntList();

  private final IntList after = new IntList();

  private final boolean byteFallback;
  private final boolean fuseUnknown;
  private final boolean wordsWhole;
  private final String prefix;
  private final String suffix;
  private final int unknown;
  private final int[] byteTokens;

  /// Pairs of ids, four bytes each, numbered in the order in which they merge.
  private final TextTable pairs;

  /// What each pair becomes.
  private final int[] results;

  /// Merges by scores; null where there is a list of pairs.
  private final SentencePieceBpe byScores;

  /// How tokens become text.
  ///
  /// @param bytes whether a token is written as bytes are
  /// @param space what stands for a space in a token, or null
  /// @param suffix what ends a word, or null
  /// @param strips whether the first space is taken off
  record Decoding(boolean bytes, String space, String suffix, boolean strips) {
    /// {@return what a `decoder` of a `tokenizer.json` does}
    static Decoding of(Object json) {
      if (json == null) {
        return new Decoding(false, null, null, false);
      }
      var step = new Normalizer.Step("decoder", json);
      return switch (step.type()) {
        case "Sequence" -> {
          var all = new Decoding(false, null, null, false);
          for (var decoder : step.list("decoders")) {
            all = all.and(of(decoder));
          }
          yield all;
        }
        case "ByteLevel" -> new Decoding(true, null, null, false);
        case "Replace" -> new Decoding(false, replaced(step), null, false);
        case "ByteFallback", "Fuse" -> new Decoding(false, null, null, false);
        case "Strip" -> new Decoding(false, null, null, strips(step));
        case "Metaspace" ->
            new Decoding(
                false,
                step.text("replacement", "\u2581"),
                null,
                !step.text(
                        "prepend_scheme", step.flag("add_prefix_space", true) ? "always" : "never")
                    .equals("never"));
        case "BPEDecoder" -> new Decoding(false, null, step.text("suffix", "</w>"), false);
        default ->
            throw step.unknown(
                "BPEDecoder, ByteFallback, ByteLevel, Fuse, Metaspace, Replace, Sequence, Strip");
      };
    }

    /// {@return whether one space is taken from the start}
    private static boolean strips(Normalizer.Step step) {
      boolean start = Long.valueOf(1).equals(step.get("start"));
      boolean nothing = Long.valueOf(0).equals(step.get("start"));
      if (step.text("content").equals(" ")
          && (start || nothing)
          && Long.valueOf(0).equals(step.get("stop"))) {
        return start;
      }
      throw new UnsupportedOperationException(
          "decoder \"Strip\" of anything but one space at the start is not supported");
    }

    private static String replaced(Normalizer.Step step) {
      boolean isSpace = step.text("content").equals(" ");
      if (isSpace
          && step.get("pattern") instanceof Map<?, ?> map
          && map.get("String") instanceof String text) {
        return text;
      }
      throw new UnsupportedOperationException(
          "decoder \"Replace\" of anything but a text by a space is not supported");
    }

    private Decoding and(Decoding other) {
      return new Decoding(
          bytes || other.bytes,
          space == null ? other.space : space,
          suffix == null ? other.suffix : suffix,
          strips || other.strips);
    }
  }

  StepsTokenizer(Gguf gguf) throws GgufFormatException {
    super(new Vocabulary(gguf, new Vocabulary.Defaults(-1, -1, false, false)));
    try {
      var steps = Json.object(gguf.text(TokenizerSteps.STEPS));
      TokenizerSteps.check(steps);
      normalizer = Normalizer.of(steps.get("normalizer"));
      splitter = Splitter.of(steps.get("pre_tokenizer"));
      decoding = Decoding.of(steps.get("decoder"));
      var first = new ArrayList<AddedTokens.Token>();
      var second = new ArrayList<AddedTokens.Token>();
      readAdded(steps.get("added_tokens"), first, second);
      readTemplate(steps.get("post_processor"));
      asWritten = new AddedTokens(first);
      normalized = new AddedTokens(second);
      var model = new Normalizer.Step("model", steps.get("model"));
      byteFallback = model.flag("byte_fallback", false);
      fuseUnknown = model.flag("fuse_unk", false);
      wordsWhole = model.flag("ignore_merges", false);
      prefix = model.text("continuing_subword_prefix", "");
      suffix = model.text("end_of_word_suffix", "");
      unknown = model.has("unk_token") ? token(model.text("unk_token")) : Vocabulary.NONE;
    } catch (JsonException e) {
      throw gguf.malformed(TokenizerSteps.STEPS, "a JSON object", e.getMessage());
    } catch (IllegalArgumentException e) {
      throw gguf.malformed(TokenizerSteps.STEPS, "steps of a tokenizer", e.getMessage());
    }
    byteTokens = vocabulary.byteTokens();
    var key = gguf.has(TokenizerSteps.MERGES) ? TokenizerSteps.MERGES : GGML_MERGES;
    if (gguf.has(key)) {
      var merges = gguf.strings(key);
      pairs = new TextTable(merges.size());
      results = new int[merges.size()];
      readMerges(gguf, key, merges);
      byScores = null;
    } else {
      pairs = new TextTable(0);
      results = new int[0];
      byScores = new SentencePieceBpe(gguf);
    }
  }

  private void readAdded(
      Object json, List<AddedTokens.Token> asWritten, List<AddedTokens.Token> normalized) {
    if (json == null) {
      return;
    }
    if (!(json instanceof List<?> list)) {
      throw new IllegalArgumentException("added_tokens: expected an array");
    }
    for (var item : list) {
      var step = new Normalizer.Step("added_tokens", item);
      var text = step.text("content");
      if (!(step.get("id") instanceof Long id) || id < 0 || text.isEmpty()) {
        throw new IllegalArgumentException("added_tokens: expected an id and a content");
      }
      if (id >= vocabulary.size()) {
        continue; // beyond what the model has rows for
      }
      renamed.put(text, id.intValue());
      added.set(id.intValue());
      boolean late = step.flag("normalized", false);
      (late ? normalized : asWritten)
          .add(
              new AddedTokens.Token(
                  id.intValue(),
                  late ? normalizer.apply(text) : text,
                  step.flag("special", false),
                  step.flag("single_word", false),
                  step.flag("lstrip", false),
                  step.flag("rstrip", false)));
    }
  }

  /// Reads the tokens around a text from a `TemplateProcessing`; other steps add at most one on
  /// either side, which the file's own flags say.
  private void readTemplate(Object json) {
    if (json == null) {
      return;
    }
    var step = new Normalizer.Step("post_processor", json);
    if (step.type().equals("Sequence")) {
      step.list("processors").forEach(this::readTemplate);
    } else if (step.type().equals("TemplateProcessing") && before.size() + after.size() == 0) {
      var ids = before;
      for (var item : step.list("single")) {
        if (item instanceof Map<?, ?> map && map.get("SpecialToken") instanceof Map<?, ?> special) {
          int id = token(new Normalizer.Step("SpecialToken", special).text("id"));
          if (id != Vocabulary.NONE) {
            ids.add(id); // else it is beyond what the model has rows for
          }
        } else {
          ids = after;
        }
      }
    }
  }

  private void readMerges(Gguf gguf, String key, List<String> merges) throws GgufFormatException {
    var pair = new byte[8];
    for (int i = 0; i < merges.size(); i++) {
      var text = merges.get(i);
      int space = text.indexOf(' ');
      int left = space < 0 ? Vocabulary.NONE : part(text.substring(0, space));
      int right = space < 0 ? Vocabulary.NONE : part(text.substring(space + 1));
      int result = Vocabulary.NONE;
      if (left != Vocabulary.NONE && right != Vocabulary.NONE) {
        var after = text.substring(space + 1);
        result =
            part(
                text.substring(0, space)
                    + (after.startsWith(prefix) ? after.substring(prefix.length()) : after));
      }
      if (result == Vocabulary.NONE) {
        throw gguf.malformed(
            key, "merge " + i + " to be two tokens that make a third", Vocabulary.quote(text));
      }
      int number = pairs.add(write(left, right, pair), 0, pair.length);
      if (number >= 0) {
        results[number] = result;
      }
    }
  }

  /// {@return the token of a text in a merge, where a space is written as `Ġ`}
  private int part(String text) {
    int token = token(text);
    return token == Vocabulary.NONE ? token(text.replace('\u0120', ' ')) : token;
  }

  private static byte[] write(int left, int right, byte[] pair) {
    for (int i = 0; i < 4; i++) {
      pair[i] = (byte) (left >> 8 * i);
      pair[i + 4] = (byte) (right >> 8 * i);
    }
    return pair;
  }

  /// {@return the token of a text as merges make it, or [Vocabulary#NONE]}
  private int token(String text) {
    var id = renamed.get(text);
    if (id != null) {
      return id;
    }
    int found = vocabulary.find(text);
    boolean other =
        found != Vocabulary.NONE
            && (added.get(found) || vocabulary.type(found) == TokenType.UNUSED);
    return other ? Vocabulary.NONE : found;
  }

  @Override
  void begin(IntList ids) {
    if (before.size() > 1) {
      ids.addAll(before);
    } else {
      super.begin(ids);
    }
  }

  @Override
  void end(IntList ids) {
    if (after.size() > 1) {
      ids.addAll(after);
    } else {
      super.end(ids);
    }
  }

  @Override
  boolean addsSpace() {
    return decoding.strips;
  }

  @Override
  byte[] normal(int token) {
    var text = vocabulary.text(token);
    if (decoding.bytes) {
      return ByteLevelBpe.bytes(text);
    }
    if (decoding.space != null) {
      text = text.replace(decoding.space, " ");
    }
    if (decoding.suffix != null) {
      text = text.replace(decoding.suffix, " ");
    }
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  void encode(String text, IntList ids, boolean parseSpecial) {
    var words = new Words();
    for (var part : asWritten.split(text, parseSpecial)) {
      if (part.token() != Vocabulary.NONE) {
        ids.add(part.token());
        continue;
      }
      var plain = normalizer.apply(text.substring(part.from(), part.to()));
      for (var piece : normalized.split(plain, parseSpecial)) {
        if (piece.token() != Vocabulary.NONE) {
          ids.add(piece.token());
        } else {
          boolean first = part.from() == 0 && piece.from() == 0;
          var whole = new Splitter.Word(plain.substring(piece.from(), piece.to()), first);
          for (var word : splitter.split(whole)) {
            words.encode(word.text(), ids);
          }
        }
      }
    }
  }

  @Override
  void encode(String text, boolean leading, IntList ids) {
    encode(text, ids, false);
  }

  /// Encodes one word after another.
  private final class Words extends PairMerger {
    /// The token of each symbol.
    private int[] tokens = {};

    private final byte[] pair = new byte[8];

    void encode(String word, IntList ids) {
      if (byScores != null) {
        encodeByScores(word, ids);
        return;
      }
      int whole = wordsWhole ? token(word) : Vocabulary.NONE;
      if (whole != Vocabulary.NONE) {
        ids.add(whole);
        return;
      }
      int n = read(word);
      merge(n);
      for (int i = 0; i < n; i = next(i)) {
        ids.add(tokens[i]);
      }
    }

    private void encodeByScores(String word, IntList ids) {
      var found = new IntList();
      byScores.encode(word, false, found);
      for (int i = 0; i < found.size(); i++) {
        boolean again = i > 0 && found.get(i) == unknown && found.get(i - 1) == unknown;
        if (!again || !fuseUnknown) {
          ids.add(found.get(i));
        }
      }
    }

    /// Makes a symbol of each character; of one without a token its bytes, or one that is unknown.
    ///
    /// @return how many
    private int read(String word) {
      int most = 4 * word.length() + 1;
      if (most > tokens.length) {
        tokens = new int[Math.max(most, 2 * tokens.length)];
      }
      int n = 0;
      boolean unknownBefore = false;
      for (int i = 0; i < word.length(); ) {
        int from = i;
        i += Character.charCount(word.codePointAt(i));
        var text = word.substring(from, i);
        var full = (from > 0 ? prefix : "") + text + (i == word.length() ? suffix : "");
        int token = token(full);
        if (token != Vocabulary.NONE) {
          tokens[n++] = token;
          unknownBefore = false;
          continue;
        }
        int bytes = byteFallback ? readBytes(full, n) : 0;
        if (bytes > 0) {
          n += bytes;
        } else if (unknown != Vocabulary.NONE && !(fuseUnknown && unknownBefore)) {
          tokens[n++] = unknown;
          unknownBefore = true;
        }
      }
      return n;
    }

    /// {@return the number of bytes of a character, 0 where one of them has no token}
    private int readBytes(String text, int at) {
      var utf8 = Normalizer.utf8(text);
      if (at + utf8.length >= tokens.length) {
        tokens = Arrays.copyOf(tokens, 2 * (at + utf8.length));
      }
      for (int i = 0; i < utf8.length; i++) {
        int token = byteTokens[utf8[i] & 0xff];
        if (token == Vocabulary.NONE) {
          return 0;
        }
        tokens[at + i] = token;
      }
      return utf8.length;
    }

    @Override
    int order(int left, int right, int end) {
      int number = pairs.find(write(tokens[left], tokens[right], pair), 0, pair.length);
      return number < 0 ? NEVER : number;
    }

    @Override
    void merged(int left, int right) {
      tokens[left] = results[pairs.find(write(tokens[left], tokens[right], pair), 0, pair.length)];
    }
  }
}
