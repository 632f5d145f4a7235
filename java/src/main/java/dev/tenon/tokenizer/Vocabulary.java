package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.BitSet;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/// The tokens of a file: their texts, types and scores, and which of them are special.
///
/// What the file leaves open is decided as in llama.cpp (`llama_vocab::impl::load`). Immutable.
final class Vocabulary {
  /// Where there is no such token.
  static final int NONE = -1;

  /// What stands for a space in a token.
  static final char SPACE = '\u2581';

  static final String TOKENS = "tokenizer.ggml.tokens";

  private static final String TYPES = "tokenizer.ggml.token_type";
  private static final String SCORES = "tokenizer.ggml.scores";
  private static final String ADD_BOS = "tokenizer.ggml.add_bos_token";
  private static final String ADD_EOS = "tokenizer.ggml.add_eos_token";

  private static final int QUOTED = 80;
  private static final String HEX = "0123456789ABCDEF";

  /// Types of tokens that are cut out of a text before anything else.
  static final Set<TokenType> SPECIAL =
      EnumSet.of(TokenType.CONTROL, TokenType.USER_DEFINED, TokenType.UNKNOWN);

  /// Texts that end a generation, whatever the file says of their type.
  private static final List<String> END_OF_GENERATION =
      List.of(
          "<|eot_id|>",
          "<|im_end|>",
          "<|end|>",
          "<|return|>",
          "<|call|>",
          "<|flush|>",
          "<|calls|>",
          "<end_of_turn>",
          "<|endoftext|>",
          "</s>",
          "<|eom_id|>",
          "<EOT>",
          "_<EOT>",
          "[EOT]",
          "[EOS]",
          "<|end_of_text|>",
          "<end_of_utterance>",
          "<eos>",
          "<turn|>",
          "<|tool_response>",
          "<｜end▁of▁sentence｜>",
          "[e~[");

  private static final List<String> FIM_PREFIX =
      List.of(
          "<|fim_prefix|>",
          "<fim-prefix>",
          "<fim_prefix>",
          "<｜fim▁begin｜>",
          "<PRE>",
          "▁<PRE>",
          "<|code_prefix|>",
          "<|prefix|>");

  private static final List<String> FIM_SUFFIX =
      List.of(
          "<|fim_suffix|>",
          "<fim-suffix>",
          "<fim_suffix>",
          "<｜fim▁hole｜>",
          "<SUF>",
          "▁<SUF>",
          "<|code_suffix|>",
          "<|suffix|>");

  private static final List<String> FIM_MIDDLE =
      List.of(
          "<|fim_middle|>",
          "<fim-middle>",
          "<fim_middle>",
          "<｜fim▁end｜>",
          "<MID>",
          "▁<MID>",
          "<|code_middle|>",
          "<|middle|>");

  private static final List<String> FIM_PAD =
      List.of("<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>", "[PAD]");

  private static final List<String> FIM_REPOSITORY =
      List.of("<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>");

  private static final List<String> FIM_SEPARATOR = List.of("<|file_sep|>");

  private final TextTable texts;
  private final TokenType[] types;
  private final float[] scores;
  private final int bos;
  private final int eos;
  private final int unknown;
  private final int sep;
  private final int pad;
  private final int mask;
  private final int cls;
  private final boolean addsBos;
  private final boolean addsEos;
  private final BitSet endsGeneration = new BitSet();

  /// Special tokens that take the white space before and after them along.
  private final BitSet stripsLeft = new BitSet();

  private final BitSet stripsRight = new BitSet();

  /// What an algorithm takes for granted where the file does not say. An id outside the vocabulary
  /// is as good as [#NONE].
  ///
  /// @param alwaysAddsBos whether the begin token is added even where the file says no
  record Defaults(
      int bos,
      int eos,
      boolean addsBos,
      boolean alwaysAddsBos,
      int unknown,
      int sep,
      int pad,
      int mask) {
    static final Defaults NOTHING = new Defaults(NONE, NONE, false, false);
    static final Defaults T5 = new Defaults(NONE, 1, false, false, 2, NONE, 0, NONE);
    static final Defaults BERT = new Defaults(101, NONE, true, true, 100, 102, 0, 103);

    Defaults(int bos, int eos, boolean addsBos, boolean alwaysAddsBos) {
      this(bos, eos, addsBos, alwaysAddsBos, NONE, NONE, NONE, NONE);
    }
  }

  /// @throws GgufFormatException if keys are missing or disagree
  Vocabulary(Gguf gguf, Defaults defaults) throws GgufFormatException {
    texts = texts(gguf);
    types = types(gguf, texts.size());
    checkBytes(gguf);
    scores = scores(gguf, texts.size());
    bos = special(gguf, "tokenizer.ggml.bos_token_id", defaults.bos);
    eos = special(gguf, "tokenizer.ggml.eos_token_id", defaults.eos);
    unknown =
        special(
            gguf,
            "tokenizer.ggml.unknown_token_id",
            Math.max(Arrays.asList(types).indexOf(TokenType.UNKNOWN), defaults.unknown));
    sep = special(gguf, "tokenizer.ggml.seperator_token_id", defaults.sep); // sic
    pad = special(gguf, "tokenizer.ggml.padding_token_id", defaults.pad);
    mask = special(gguf, "tokenizer.ggml.mask_token_id", defaults.mask);
    cls = special(gguf, "tokenizer.ggml.cls_token_id", defaults == Defaults.BERT ? bos : NONE);
    addsBos = adds(gguf, ADD_BOS, defaults.addsBos, bos) || defaults.alwaysAddsBos && bos != NONE;
    addsEos = adds(gguf, ADD_EOS, defaults == Defaults.T5, eos);
    markEndOfGeneration(gguf);
    markStripping(gguf);
  }

  private static TextTable texts(Gguf gguf) throws GgufFormatException {
    var tokens = gguf.strings(TOKENS);
    if (tokens.isEmpty()) {
      throw gguf.malformed(TOKENS, TOKENS + " to have at least one token", "none");
    }
    var texts = new TextTable(tokens.size());
    for (int id = 0; id < tokens.size(); id++) {
      var text = tokens.get(id).isEmpty() ? "[EMPTY_" + id + "]" : tokens.get(id);
      var utf8 = text.getBytes(StandardCharsets.UTF_8);
      if (texts.add(utf8, 0, utf8.length) < 0) {
        throw gguf.malformed(
            TOKENS,
            TOKENS + " to be distinct",
            quote(text) + " as " + texts.find(text) + " and " + id);
      }
    }
    return texts;
  }

  /// {@return a text from a file as messages have it, cut where it is long}
  static String quote(String text) {
    return '"' + (text.length() <= QUOTED ? text : text.substring(0, QUOTED) + "…") + '"';
  }

  private static TokenType[] types(Gguf gguf, int size) throws GgufFormatException {
    var types = new TokenType[size];
    if (!gguf.has(TYPES)) {
      Arrays.fill(types, TokenType.NORMAL);
      return types;
    }
    var numbers = gguf.integers(TYPES);
    checkLength(gguf, TYPES, numbers.length, size);
    for (int id = 0; id < size; id++) {
      types[id] =
          switch (Math.clamp(numbers[id], -1, 7)) {
            case 1 -> TokenType.NORMAL;
            case 2 -> TokenType.UNKNOWN;
            case 3 -> TokenType.CONTROL;
            case 4 -> TokenType.USER_DEFINED;
            case 0, 5 -> TokenType.UNUSED;
            case 6 -> TokenType.BYTE;
            default ->
                throw gguf.malformed(
                    TYPES, TYPES + " to be from 0 to 6", numbers[id] + " for token " + id);
          };
    }
    return types;
  }

  private void checkBytes(Gguf gguf) throws GgufFormatException {
    for (int id = 0; id < types.length; id++) {
      if (types[id] == TokenType.BYTE && !isByte(texts.text(id))) {
        throw gguf.malformed(
            TOKENS, "token " + id + ", a byte, to be like <0x0A>", quote(texts.text(id)));
      }
    }
  }

  private static boolean isByte(String text) {
    return text.length() == 6
        && text.startsWith("<0x")
        && Character.digit(text.charAt(3), 16) >= 0
        && Character.digit(text.charAt(4), 16) >= 0
        && text.endsWith(">");
  }

  private static float[] scores(Gguf gguf, int size) throws GgufFormatException {
    if (!gguf.has(SCORES)) {
      return new float[size];
    }
    var scores = gguf.reals(SCORES);
    checkLength(gguf, SCORES, scores.length, size);
    return scores;
  }

  private static void checkLength(Gguf gguf, String key, int length, int size)
      throws GgufFormatException {
    if (length != size) {
      throw gguf.malformed(
          key, key + " to have one element for each of " + size + " tokens", length + " elements");
    }
  }

  /// {@return the id at a key, else `fallback` where it is a token}
  private int special(Gguf gguf, String key, int fallback) throws GgufFormatException {
    int valid = fallback < texts.size() ? fallback : NONE;
    long id = gguf.integer(key, NONE);
    if (id == NONE || id == 0xffff_ffffL) { // written where there is none
      return valid;
    }
    if (id < 0 || id >= texts.size()) {
      throw gguf.malformed(key, key + " below the number of tokens, " + texts.size(), "" + id);
    }
    return (int) id;
  }

  private static boolean adds(Gguf gguf, String key, boolean fallback, int token)
      throws GgufFormatException {
    if (gguf.bool(key, false) && token == NONE) {
      throw gguf.malformed(key, "a token to add, as " + key + " is true", "none");
    }
    return gguf.bool(key, fallback) && token != NONE;
  }

  /// Finds what ends a generation. Texts count as well as ids: many files mark such tokens as text.
  private void markEndOfGeneration(Gguf gguf) throws GgufFormatException {
    filler(gguf, FIM_PREFIX, "tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.prefix_token_id");
    filler(gguf, FIM_SUFFIX, "tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.suffix_token_id");
    filler(gguf, FIM_MIDDLE, "tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.middle_token_id");
    markEnd(filler(gguf, FIM_PAD, "tokenizer.ggml.fim_pad_token_id"));
    markEnd(filler(gguf, FIM_REPOSITORY, "tokenizer.ggml.fim_rep_token_id"));
    markEnd(filler(gguf, FIM_SEPARATOR, "tokenizer.ggml.fim_sep_token_id"));
    markEnd(special(gguf, "tokenizer.ggml.eot_token_id", NONE));
    markEnd(special(gguf, "tokenizer.ggml.eom_token_id", NONE));
    markEnd(eos);
    for (var text : END_OF_GENERATION) {
      markEnd(texts.find(text));
      setType(texts.find(text), TokenType.CONTROL);
    }
    // Harmony (gpt-oss) shows these, and its <|end|> ends a message, not the generation.
    for (var text : List.of("<|channel|>", "<|message|>", "<|start|>", "<|constrain|>")) {
      setType(texts.find(text), TokenType.USER_DEFINED);
    }
    boolean calls = isEnd("<|call|>") || isEnd("<|calls|>");
    if (isEnd("<|end|>") && calls && (isEnd("<|return|>") || isEnd("<|flush|>"))) {
      endsGeneration.clear(texts.find("<|end|>"));
      setType(texts.find("<|end|>"), TokenType.USER_DEFINED);
    }
    if (isEnd("</s>") && isEnd("<|tool_response>")) { // Gemma 4, where </s> is text
      endsGeneration.clear(texts.find("</s>"));
      setType(texts.find("</s>"), TokenType.NORMAL);
    }
  }

  /// {@return a token to fill in the middle: by the last of the keys that the file has, else the
  /// first token with one of the texts, which becomes a control token}
  private int filler(Gguf gguf, List<String> names, String... keys) throws GgufFormatException {
    int id = NONE;
    for (var key : keys) {
      id = special(gguf, key, id);
    }
    if (id != NONE) {
      return id;
    }
    for (var name : names) {
      int found = texts.find(name);
      id = id == NONE || found != NONE && found < id ? found : id;
    }
    setType(id, TokenType.CONTROL);
    return id;
  }

  private void markEnd(int id) {
    if (id != NONE) {
      endsGeneration.set(id);
    }
  }

  private boolean isEnd(String text) {
    int id = texts.find(text);
    return id != NONE && endsGeneration.get(id);
  }

  private void setType(int id, TokenType type) {
    if (id != NONE) {
      types[id] = type;
    }
  }

  /// No key of a file says which special tokens strip white space: names of models do.
  private void markStripping(Gguf gguf) throws GgufFormatException {
    var pre = gguf.text("tokenizer.ggml.pre", "");
    var architecture = gguf.text("general.architecture", "");
    var name = gguf.text("general.name", "").toLowerCase(Locale.ROOT);
    if (pre.contains("jina-v2-de")
        || pre.contains("jina-v2-es")
        || pre.contains("jina-v2-code")
        || architecture.contains("nomic-bert-moe")
        || architecture.contains("jina-bert-v3")) {
      mark(stripsLeft, "<mask>", true);
    } else if (name.contains("phi-3") || name.contains("phi3")) {
      for (int id : ofTypes(SPECIAL).toArray()) {
        stripsRight.set(id);
      }
      mark(stripsRight, "</s>", true);
      mark(stripsRight, "<unk>", false);
      mark(stripsRight, "<s>", false);
      mark(stripsRight, "<|endoftext|>", false);
    } else if (name.contains("modern-bert")) {
      mark(stripsLeft, "[MASK]", true);
    }
  }

  private void mark(BitSet set, String text, boolean value) {
    int id = texts.find(text);
    if (id != NONE) {
      set.set(id, value);
    }
  }

  /// {@return the ids of the tokens of some types, in order}
  IntList ofTypes(Set<TokenType> wanted) {
    var ids = new IntList();
    for (int id = 0; id < types.length; id++) {
      if (wanted.contains(types[id])) {
        ids.add(id);
      }
    }
    return ids;
  }

  int size() {
    return types.length;
  }

  /// {@return the text of a token as it stands in the file}
  String text(int id) {
    return texts.text(id);
  }

  /// {@return the length of its text in UTF-8}
  int length(int id) {
    return texts.length(id);
  }

  /// {@return the text of a token as it stands in the file, in UTF-8}
  byte[] utf8(int id) {
    return texts.bytes(id);
  }

  TokenType type(int id) {
    return types[id];
  }

  float score(int id) {
    return scores[id];
  }

  /// {@return the token with this text, of whatever type, or [#NONE]}
  int find(String text) {
    return texts.find(text);
  }

  /// {@return the token with this text in UTF-8, of whatever type, or [#NONE]}
  int find(byte[] text, int from, int to) {
    return texts.find(text, from, to);
  }

  int bos() {
    return bos;
  }

  int eos() {
    return eos;
  }

  int unknown() {
    return unknown;
  }

  int sep() {
    return sep;
  }

  int pad() {
    return pad;
  }

  int mask() {
    return mask;
  }

  int cls() {
    return cls;
  }

  boolean addsBos() {
    return addsBos;
  }

  boolean addsEos() {
    return addsEos;
  }

  boolean endsGeneration(int id) {
    return endsGeneration.get(id);
  }

  boolean stripsLeft(int id) {
    return stripsLeft.get(id);
  }

  boolean stripsRight(int id) {
    return stripsRight.get(id);
  }

  /// {@return the tokens `<0x00>` to `<0xFF>`, [#NONE] for each that is not there}
  int[] byteTokens() {
    var tokens = new int[256];
    var text = "<0x00>".getBytes(StandardCharsets.US_ASCII);
    for (int b = 0; b < tokens.length; b++) {
      text[3] = (byte) HEX.charAt(b >> 4);
      text[4] = (byte) HEX.charAt(b & 15);
      tokens[b] = find(text, 0, text.length);
    }
    return tokens;
  }

  /// {@return the tokens whose text is one byte, by that byte, [#NONE] for each that is not there}
  int[] singleBytes() {
    var tokens = new int[256];
    for (int b = 0; b < tokens.length; b++) {
      tokens[b] = find(new byte[] {(byte) b}, 0, 1);
    }
    return tokens;
  }
}
