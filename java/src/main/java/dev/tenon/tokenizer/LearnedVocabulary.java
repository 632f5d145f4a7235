package dev.tenon.tokenizer;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.json.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A byte-level BPE vocabulary that was learnt by a [BpeTrainer], to be written as a GGUF file
/// ([#gguf]) or a `tokenizer.json` ([#json]).
///
/// Which special tokens begin, end and fill up a text is known by their usual names (`<s>`,
/// `</s>`, `<|endoftext|>`, `<|im_end|>`, `<pad>` and the like, the first of them), or said. Where
/// none begins a text it is the one that ends it, as in GPT-2.
///
/// Immutable and thread-safe.
public final class LearnedVocabulary {
  private static final List<String> BOS =
      List.of("<s>", "<bos>", "[BOS]", "<|bos|>", "<|begin_of_text|>", "<|startoftext|>");
  private static final List<String> EOS =
      List.of(
          "</s>",
          "<eos>",
          "[EOS]",
          "<|eos|>",
          "<|end_of_text|>",
          "<|endoftext|>",
          "<|im_end|>",
          "<|eot_id|>",
          "<end_of_turn>",
          "<|end|>");
  private static final List<String> PAD = List.of("<pad>", "[PAD]", "<|pad|>");

  private static final int NORMAL = 1; // of tokenizer.ggml.token_type
  private static final int CONTROL = 3;

  /// Contractions in any case, without the letters beyond ASCII that `(?i:…)` takes for them there.
  private static final String CONTRACTION = "'(?:[sdmtSDMT]|[rR][eE]|[vV][eE]|[lL][lL])|";

  private static final String SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  /// The regular expression of a `tokenizer.json` that splits like each of these.
  private static final Map<PreTokenizer, String> SPLITS =
      Map.of(
          PreTokenizer.LLAMA3,
          llama3(CONTRACTION, "{1,3}"),
          PreTokenizer.DBRX,
          llama3(CONTRACTION, "{1,3}"),
          PreTokenizer.CHATGLM,
          llama3(CONTRACTION, "{1,3}"),
          PreTokenizer.QWEN2,
          llama3(CONTRACTION, ""),
          PreTokenizer.UFAKZEKA,
          llama3("", ""));

  private final Learned learned;
  private final int bos;
  private final int eos;
  private final int pad;
  private final boolean addsBos;
  private final String chatTemplate;

  private record Learned(
      BpeTrainer.Options options,
      List<String> tokens,
      List<String> merges,
      long corpusBytes,
      long corpusTokens) {}

  LearnedVocabulary(
      BpeTrainer.Options options,
      List<String> tokens,
      List<String> merges,
      long corpusBytes,
      long corpusTokens) {
    this(
        new Learned(options, List.copyOf(tokens), List.copyOf(merges), corpusBytes, corpusTokens),
        first(options, BOS),
        first(options, EOS),
        first(options, PAD),
        false,
        null);
  }

  private LearnedVocabulary(
      Learned learned, int bos, int eos, int pad, boolean addsBos, String chatTemplate) {
    this.learned = learned;
    this.bos = bos;
    this.eos = eos;
    this.pad = pad;
    this.addsBos = addsBos;
    this.chatTemplate = chatTemplate;
  }

  private static String llama3(String contraction, String digits) {
    return contraction
        + "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
        + digits
        + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
        + SPACES;
  }

  /// {@return the first special token that has one of the names, or -1}
  private static int first(BpeTrainer.Options options, List<String> names) {
    for (var token : options.specialTokens()) {
      if (names.contains(token)) {
        return options.specialTokens().indexOf(token);
      }
    }
    return Vocabulary.NONE;
  }

  /// {@return whether a special token of that name ends a text where nothing else is said}
  ///
  /// @param token any text
  public static boolean endsText(String token) {
    return EOS.contains(token);
  }

  /// {@return the texts of tokens by id, the special ones first; a byte is written as a character}
  public List<String> tokens() {
    return learned.tokens;
  }

  /// {@return the merges in order: two tokens with a space between, such as `Ġ t`}
  public List<String> merges() {
    return learned.merges;
  }

  /// {@return the number of bytes of the texts as UTF-8}
  public long corpusBytes() {
    return learned.corpusBytes;
  }

  /// {@return the number of tokens that the texts become}
  public long corpusTokens() {
    return learned.corpusTokens;
  }

  /// {@return the id of the token that begins a text, or -1}
  public int bos() {
    return bos == Vocabulary.NONE ? eos : bos;
  }

  /// {@return the id of the token that ends a text, or -1}
  public int eos() {
    return eos;
  }

  /// {@return the id of the token that fills up a text, or -1}
  public int pad() {
    return pad;
  }

  /// {@return a copy in which another token begins a text}
  ///
  /// @param token one of the special tokens
  /// @throws IllegalArgumentException if it is none
  public LearnedVocabulary withBos(String token) {
    return new LearnedVocabulary(learned, special(token), eos, pad, addsBos, chatTemplate);
  }

  /// {@return a copy in which another token ends a text}
  ///
  /// @param token one of the special tokens
  /// @throws IllegalArgumentException if it is none
  public LearnedVocabulary withEos(String token) {
    return new LearnedVocabulary(learned, bos, special(token), pad, addsBos, chatTemplate);
  }

  /// {@return a copy in which another token fills up a text}
  ///
  /// @param token one of the special tokens
  /// @throws IllegalArgumentException if it is none
  public LearnedVocabulary withPad(String token) {
    return new LearnedVocabulary(learned, bos, eos, special(token), addsBos, chatTemplate);
  }

  /// {@return a copy that says whether tokenizers put the begin token before a text}
  ///
  /// @param adds whether they do; not so unless said
  public LearnedVocabulary withAddBos(boolean adds) {
    return new LearnedVocabulary(learned, bos, eos, pad, adds, chatTemplate);
  }

  /// {@return a copy with a chat template, which a `tokenizer.json` has no place for}
  ///
  /// @param jinja the template, or null for none
  public LearnedVocabulary withChatTemplate(String jinja) {
    return new LearnedVocabulary(learned, bos, eos, pad, addsBos, jinja);
  }

  private int special(String token) {
    int id = learned.options.specialTokens().indexOf(token);
    if (id < 0) {
      throw new IllegalArgumentException(
          Vocabulary.quote(token)
              + " is none of the special tokens, "
              + String.join(", ", learned.options.specialTokens()));
    }
    return id;
  }

  /// {@return a file of the vocabulary alone, to be written, or to be completed to a model}
  ///
  /// It has the `tokenizer.*` keys that [Tokenizer#of] and llama.cpp read. Its architecture is
  /// `gpt2`, as that of llama.cpp's vocabulary files of this kind; no weight goes with it.
  ///
  /// @throws IllegalStateException if no token ends a text: readers would take id 11 for it
  public GgufWriter gguf() {
    if (eos == Vocabulary.NONE) {
      throw new IllegalStateException(
          "gguf: no special token ends a text; give one such as <|endoftext|>, or say which does");
    }
    var types = new int[learned.tokens.size()];
    Arrays.fill(types, NORMAL);
    Arrays.fill(types, 0, learned.options.specialTokens().size(), CONTROL);
    var writer =
        new GgufWriter()
            .put("general.architecture", "gpt2")
            .put(VocabularyTokenizer.MODEL, "gpt2")
            .put("tokenizer.ggml.pre", learned.options.preTokenizer())
            .put(Vocabulary.TOKENS, GgufValue.Array.strings(learned.tokens))
            .put("tokenizer.ggml.token_type", GgufValue.Array.of(types))
            .put("tokenizer.ggml.merges", GgufValue.Array.strings(learned.merges))
            .put("tokenizer.ggml.bos_token_id", id(bos()))
            .put("tokenizer.ggml.eos_token_id", id(eos));
    if (pad != Vocabulary.NONE) {
      writer.put("tokenizer.ggml.padding_token_id", id(pad));
    }
    writer.put("tokenizer.ggml.add_bos_token", new GgufValue.Bool(addsBos));
    if (chatTemplate != null) {
      writer.put("tokenizer.chat_template", chatTemplate);
    }
    return writer;
  }

  private static GgufValue id(int token) {
    return new GgufValue.Int(GgufType.UINT32, token);
  }

  /// {@return the vocabulary as a `tokenizer.json`, with which Hugging Face's tokenizers gives the
  /// same ids}
  ///
  /// @throws UnsupportedOperationException if it has no way to split texts as this one does; the
  ///     message has the ways that there are
  /// @throws IllegalStateException if a begin token is to be added, and there is none
  public String json() {
    var json = new LinkedHashMap<String, Object>();
    json.put("version", "1.0");
    json.put("truncation", null);
    json.put("padding", null);
    json.put("added_tokens", addedTokens());
    json.put("normalizer", null);
    json.put("pre_tokenizer", preTokenizer());
    json.put("post_processor", addsBos ? template() : byteLevel(true));
    json.put("decoder", byteLevel(true));
    json.put("model", model());
    return Json.write(json, "  ") + "\n";
  }

  private List<Object> addedTokens() {
    var added = new ArrayList<Object>();
    for (var token : learned.options.specialTokens()) {
      var json = new LinkedHashMap<String, Object>();
      json.put("id", added.size());
      json.put("content", token);
      json.put("single_word", false);
      json.put("lstrip", false);
      json.put("rstrip", false);
      json.put("normalized", false);
      json.put("special", true);
      added.add(json);
    }
    return added;
  }

  /// Checks that there is a `tokenizer.json` for a pre-tokenizer, before the work of learning.
  ///
  /// @param preTokenizer a name of `tokenizer.ggml.pre`
  /// @throws UnsupportedOperationException if there is none; the message has those that are known
  public static void checkJson(String preTokenizer) {
    var pre = PreTokenizer.of(preTokenizer);
    if (pre != PreTokenizer.GPT2 && pre != PreTokenizer.STARCODER && !SPLITS.containsKey(pre)) {
      throw new UnsupportedOperationException(
          "a tokenizer.json for the pre-tokenizer "
              + preTokenizer
              + " is not supported; known are gpt-2, starcoder, llama-bpe, dbrx, glm4, qwen2,"
              + " ufakzeka and their other names");
    }
  }

  private Object preTokenizer() {
    checkJson(learned.options.preTokenizer());
    var pre = PreTokenizer.of(learned.options.preTokenizer());
    if (pre == PreTokenizer.GPT2) {
      return byteLevel(true);
    }
    if (pre == PreTokenizer.STARCODER) {
      var digits = new LinkedHashMap<String, Object>();
      digits.put("type", "Digits");
      digits.put("individual_digits", true);
      return sequence("pretokenizers", digits, byteLevel(true));
    }
    var split = new LinkedHashMap<String, Object>();
    split.put("type", "Split");
    split.put("pattern", Map.of("Regex", SPLITS.get(pre)));
    split.put("behavior", "Isolated");
    split.put("invert", false);
    return sequence("pretokenizers", split, byteLevel(false));
  }

  private static Map<String, Object> byteLevel(boolean useRegex) {
    var json = new LinkedHashMap<String, Object>();
    json.put("type", "ByteLevel");
    json.put("add_prefix_space", false);
    json.put("trim_offsets", true);
    json.put("use_regex", useRegex);
    return json;
  }

  private static Map<String, Object> sequence(String member, Object... steps) {
    var json = new LinkedHashMap<String, Object>();
    json.put("type", "Sequence");
    json.put(member, List.of(steps));
    return json;
  }

  /// What puts the begin token before each text.
  private Object template() {
    if (bos() == Vocabulary.NONE) {
      throw new IllegalStateException("json: no special token begins a text; say which does");
    }
    var token = learned.tokens.get(bos());
    var json = new LinkedHashMap<String, Object>();
    json.put("type", "TemplateProcessing");
    json.put("single", List.of(piece("SpecialToken", token, 0), piece("Sequence", "A", 0)));
    json.put(
        "pair",
        List.of(
            piece("SpecialToken", token, 0),
            piece("Sequence", "A", 0),
            piece("SpecialToken", token, 1),
            piece("Sequence", "B", 1)));
    var ids = new LinkedHashMap<String, Object>();
    ids.put("id", token);
    ids.put("ids", List.of(bos()));
    ids.put("tokens", List.of(token));
    json.put("special_tokens", Map.of(token, ids));
    return sequence("processors", byteLevel(true), json);
  }

  private static Object piece(String kind, String id, int type) {
    var json = new LinkedHashMap<String, Object>();
    json.put("id", id);
    json.put("type_id", type);
    return Map.of(kind, json);
  }

  private Object model() {
    var vocabulary = new LinkedHashMap<String, Object>();
    for (var token : learned.tokens) {
      vocabulary.put(token, vocabulary.size());
    }
    var merges = new ArrayList<Object>();
    for (var merge : learned.merges) {
      int space = merge.indexOf(' ');
      merges.add(List.of(merge.substring(0, space), merge.substring(space + 1)));
    }
    var pre = PreTokenizer.of(learned.options.preTokenizer());
    var json = new LinkedHashMap<String, Object>();
    json.put("type", "BPE");
    json.put("dropout", null);
    json.put("unk_token", null);
    json.put("continuing_subword_prefix", null);
    json.put("end_of_word_suffix", null);
    json.put("fuse_unk", false);
    json.put("byte_fallback", false);
    json.put("ignore_merges", pre.has(PreTokenizer.Rule.WORDS_WHOLE));
    json.put("vocab", vocabulary);
    json.put("merges", merges);
    return json;
  }
}
