package dev.tenon.tokenizer;

import static dev.tenon.tokenizer.PreTokenizer.Rule.ADD_BOS;
import static dev.tenon.tokenizer.PreTokenizer.Rule.ALWAYS_ADD_BOS;
import static dev.tenon.tokenizer.PreTokenizer.Rule.CHARACTERS;
import static dev.tenon.tokenizer.PreTokenizer.Rule.NEWLINES_WHOLE;
import static dev.tenon.tokenizer.PreTokenizer.Rule.NO_DEFAULT_BOS;
import static dev.tenon.tokenizer.PreTokenizer.Rule.WORDS_WHOLE;

import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// How a text is split into words before byte-level BPE, by the names of `tokenizer.ggml.pre`.
///
/// A splitting is a list of regular expressions, those of llama.cpp (`llm_tokenizer_bpe`). Each
/// cuts the pieces that the one before left into its matches and what is between them; it does not
/// see beyond a piece. They are written so that time grows with the length of a text: where a match
/// may fail after a long run, it can only begin where the run does.
enum PreTokenizer {
  DEFAULT(
      "default", Set.of(), "[\\p{P}$+<=>^~|]+", Regex.GPT2, "\\p{N}+", Regex.THREE_ASCII_DIGITS),
  GPT2(
      "gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert"
          + " jina-v1-en jina-v2-code roberta-bpe mpt olmo jais trillion granite-docling exaone4",
      Set.of(),
      Regex.GPT2),
  STARCODER(
      "starcoder refact command-r smollm codeshell exaone minerva-7b mellum2",
      Set.of(),
      "\\p{N}",
      Regex.GPT2),
  FALCON("falcon", Set.of(), "[\\p{P}$+<=>^~|`]+", Regex.GPT2, Regex.THREE_ASCII_DIGITS),
  CHAMELEON(
      "chameleon",
      Set.of(ADD_BOS),
      "<sentinel:[0-9]+>",
      "IMGIMG[A-I]{1,4}Z",
      "[\\t\\n]|    |  ",
      "\\p{N}",
      "[\\p{P}!-/:-@\\[-`{-~]",
      Regex.GPT2),

  LLAMA3(
      "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
      Set.of(ADD_BOS, WORDS_WHOLE),
      Regex.LLAMA3),
  DBRX("dbrx smaug-bpe", Set.of(), Regex.LLAMA3),
  CHATGLM("glm4 chatglm-bpe", Set.of(NO_DEFAULT_BOS), Regex.LLAMA3),
  MINICPM5(
      "minicpm5",
      Set.of(WORDS_WHOLE),
      "\\p{N}{1,3}",
      Regex.CONTRACTION
          + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}+| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
          + Regex.SPACES),
  JAIS2(
      "jais-2",
      Set.of(),
      Regex.CONTRACTION
          + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
          // Once a run has begun without a line end, there is none in the rest of it.
          + "|(?<![^\\S\\r\\n])\\s*[\\r\\n]+"
          + "|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)"
          + "|\\s{16}(?!\\S)|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s"),

  QWEN2(
      "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2 bailingmoe"
          + " bailingmoe2 llada-moe",
      Set.of(),
      Regex.QWEN2),
  UFAKZEKA("ufakzeka", Set.of(), Regex.QWEN2_WITHOUT_CONTRACTION),
  LAGUNA("laguna", Set.of(), Regex.LINES, Regex.QWEN2),
  QWEN35(
      "qwen35",
      Set.of(),
      Regex.CONTRACTION
          + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|"
          + Regex.SPACES),
  SEED_CODER(
      "seed-coder",
      Set.of(),
      Regex.CONTRACTION
          + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|"
          + Regex.SPACES),
  EXAONE_MOE(
      "exaone-moe",
      Set.of(),
      Regex.CONTRACTION
          + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}(?:[\\p{L}\\p{M}]| (?=\\p{L}))*+"
          + "|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|"
          + Regex.SPACES),

  DEEPSEEK_LLM(
      "deepseek-llm",
      Set.of(),
      "[\\r\\n]",
      "\\s?[" + Regex.CASED_LETTERS + "]+",
      "\\s?[!-/:-~\\uff01-\\uff0f\\uff1a-\\uff5e\\u2018-\\u201f\\u3000-\\u3002]+",
      "(?<!\\s)\\s++\\z",
      Regex.DEEPSEEK_CJK,
      "\\p{N}+"),
  DEEPSEEK_CODER(
      "deepseek-coder",
      Set.of(),
      "[\\r\\n]",
      "\\s?\\p{L}+",
      "\\s?\\p{P}+",
      Regex.DEEPSEEK_CJK,
      "\\p{N}"),
  DEEPSEEK3(
      "deepseek-v3 hunyuan-dense hy_v4 joyai-llm",
      Set.of(),
      "\\p{N}{1,3}",
      "[" + Regex.CHINESE_JAPANESE + "]+",
      Regex.DEEPSEEK3),
  SPARK(
      "spark2_5",
      Set.of(),
      "\\p{N}{1,3}",
      "[" + Regex.CHINESE_JAPANESE + "]+",
      "[!-/:-@\\[-`{-~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
          + "|[\\r\\n]|\\s+(?!\\S)|\\s+",
      "\\p{N}"),
  AFMOE(
      "afmoe",
      Set.of(),
      Regex.UP_TO_NUMBER,
      Regex.UP_TO_LEADING_DIGITS,
      Regex.THREE_DIGITS_EACH,
      "[\\u4e00-\\u9fff\\u3400-\\u4dbf\\u8c48-\\ufaff\\u3040-\\u309f\\u30a0-\\u30ff\\uff65-\\uff9f"
          + "\\u2f00-\\u2fdf\\u0e40-\\u0e7f\\u0e80-\\u0eff\\u1780-\\u17ff\\u1000-\\u109f"
          + "\\uaa60-\\uaa7f\\ua9e0-\\ua9ff\\uac00-\\ud7af\\u1100-\\u11ff]+",
      Regex.DEEPSEEK3),
  YOUTU(
      "youtu",
      Set.of(WORDS_WHOLE),
      "[\\uac00-\\ud7a3\\u3131-\\u318e]+"
          + "|[\\uff01\\u2026\\u201c\\u201d\\u2018\\u2019\\u2014\\uff1a\\uff1b\\uff0c"
          + "\\u3001-\\u303f\\ufe30-\\ufe4f]+"
          + "|[\\u3105-\\u312f]+|["
          + Regex.CHINESE_JAPANESE
          + "]+",
      Regex.LETTERS_AND_MARKS + "\\p{N}" + Regex.SYMBOLS_AND_SPACES),

  // Capitals, then small letters: letters beyond ASCII are both.
  TEKKEN(
      "tekken",
      Set.of(ADD_BOS, WORDS_WHOLE),
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&[^a-z]]*[\\p{L}&&[^A-Z]]+"
          + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&[^a-z]]+[\\p{L}&&[^A-Z]]*"
          + "|\\p{N}"
          + Regex.SYMBOLS_AND_SPACES),
  GPT4O(
      "gpt-4o llama4 kanana2 talkie minimax-m2",
      Set.of(),
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&[^a-z]]*[\\p{L}&&[^A-Z]]+(?:"
          + Regex.CONTRACTION
          + ")?|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&[^a-z]]+[\\p{L}&&[^A-Z]]*(?:"
          + Regex.CONTRACTION
          + ")?|\\p{N}{1,3}"
          + Regex.SYMBOLS_AND_SPACES),
  GRANITE_EMBEDDING(
      "granite-embed-multi-97m",
      Set.of(WORDS_WHOLE),
      "[^\\r\\n\\p{L}\\p{N}]?[[\\p{L}\\p{M}]&&[^a-z]]*[[\\p{L}\\p{M}]&&[^A-Z]]+(?:"
          + Regex.CONTRACTION
          + ")?|[^\\r\\n\\p{L}\\p{N}]?[[\\p{L}\\p{M}]&&[^a-z]]+[[\\p{L}\\p{M}]&&[^A-Z]]*(?:"
          + Regex.CONTRACTION
          + ")?|\\p{N}{1,3}"
          + Regex.SYMBOLS_AND_SPACES),
  TINY_AYA(
      "tiny_aya cohere2moe",
      Set.of(),
      Regex.UP_TO_NUMBER,
      Regex.UP_TO_LEADING_DIGITS,
      Regex.THREE_DIGITS_EACH,
      Regex.LETTERS_AND_MARKS + "\\p{N}{1,3}" + Regex.SYMBOLS_AND_SPACES),
  KIMI_K2(
      "kimi-k2",
      Set.of(),
      "["
          + Regex.HAN
          + "]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&[^"
          + Regex.HAN
          + "]]+(?:"
          + Regex.CONTRACTION
          + ")?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
          + Regex.SPACES),

  BLOOM("bloom poro-chat gpt3-finnish", Set.of(), Regex.BLOOM),
  VIKING("viking", Set.of(), Regex.BLOOM, "\\p{N}"),
  /// Groups of three ASCII digits from the right, with whatever other digits follow.
  SUPERBPE(
      "superbpe",
      Set.of(),
      "\\p{N}+",
      "(?:(?<![0-9])|(?<=(?<![0-9])[0-9]{1,2}))(?=(?:[0-9]{3})++(?![0-9]))",
      "\\G[0-9]{3}(?=[0-9])"),

  GEMMA4(
      "gemma4 granite-embed-multi-311m",
      Set.of(ALWAYS_ADD_BOS, CHARACTERS, NEWLINES_WHOLE),
      Regex.LINES),
  SARVAM("sarvam-moe", Set.of(CHARACTERS), Regex.LINES);

  /// What else goes with a splitting.
  enum Rule {
    /// The begin token is added where the file does not say.
    ADD_BOS,
    /// The begin token is added whatever the file says.
    ALWAYS_ADD_BOS,
    /// There is no begin token where the file does not name one.
    NO_DEFAULT_BOS,
    /// A word that is a token is not built from its parts (llama.cpp: `ignore_merges`).
    WORDS_WHOLE,
    /// The same for words of line feeds alone.
    NEWLINES_WHOLE,
    /// Words are made of characters, not of bytes; a space is written as U+2581, and what has no
    /// token as `<0x00>` to `<0xFF>`.
    CHARACTERS
  }

  /// What several splittings share.
  private static final class Regex {
    static final String CONTRACTION = "'(?i:[sdmt]|re|ve|ll)";
    static final String SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
    static final String SYMBOLS_AND_SPACES = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|" + SPACES;

    static final String GPT2 =
        "'(?:[sdmt]|re|ve|ll)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";
    static final String LLAMA3 =
        CONTRACTION
            + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
            + SPACES;
    static final String QWEN2_WITHOUT_CONTRACTION =
        "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|" + SPACES;
    static final String QWEN2 = CONTRACTION + "|" + QWEN2_WITHOUT_CONTRACTION;
    static final String DEEPSEEK3 =
        "[!-/:-@\\[-`{-~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
            + "| ?[\\p{P}\\p{S}]+[\\r\\n]*|"
            + SPACES;
    static final String LETTERS_AND_MARKS =
        "[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+(?:" + CONTRACTION + ")?|";
    static final String BLOOM = " ?[^(\\s|.,!?\\u2026\\u3002\\uff0c\\u3001\\u0964\\u06d4\\u060c)]+";
    static final String LINES = "[^\\n]+|\\n+";

    static final String THREE_ASCII_DIGITS = "[0-9]{3}";

    /// Three expressions that make groups of three digits from the right. What is left in front
    /// (or the first group) is not parted from the text before it, as in llama.cpp.
    static final String UP_TO_NUMBER = "\\P{N}*+\\p{N}*+";

    static final String UP_TO_LEADING_DIGITS = "\\A\\P{N}*+\\p{N}{1,3}?(?=(?:\\p{N}{3})*+\\z)";
    static final String THREE_DIGITS_EACH = "\\G\\p{N}{3}";

    static final String CHINESE_JAPANESE = "\\u4e00-\\u9fa5\\u3040-\\u309f\\u30a0-\\u30ff";
    static final String DEEPSEEK_CJK = "[\\u0800-\\u9fa5\\uac00-\\ud7ff]+";
    static final String HAN =
        "\\u4e00-\\u9fff\\u3400-\\u4dbf\\x{20000}-\\x{2a6df}\\x{2a700}-\\x{2ebef}\\uf900-\\ufaff"
            + "\\x{2f800}-\\x{2fa1f}";

    /// Letters that have a case, as the tokenizer of DeepSeek LLM lists them.
    static final String CASED_LETTERS =
        "A-Za-z\\u00b5\\u00c0-\\u00d6\\u00d8-\\u00f6\\u00f8-\\u01ba\\u01bc-\\u01bf"
            + "\\u01c4-\\u0293\\u0295-\\u02af\\u0370-\\u0373\\u0376\\u0377\\u037b-\\u037d"
            + "\\u037f\\u0386\\u0388-\\u038a\\u038c\\u038e-\\u03a1\\u03a3-\\u03f5"
            + "\\u03f7-\\u0481\\u048a-\\u052f\\u0531-\\u0556\\u10a0-\\u10c5\\u13a0-\\u13f5"
            + "\\u13f8-\\u13fd\\u1c90-\\u1cba\\u1cbd-\\u1cbf\\u1d00-\\u1d2b\\u1d6b-\\u1d77"
            + "\\u1d79-\\u1d9a\\u1e00-\\u1f15\\u1f18-\\u1f1d\\u1f20-\\u1f45\\u1f48-\\u1f4d"
            + "\\u1f50-\\u1f57\\u1f59\\u1f5b\\u1f5d\\u1f5f-\\u1f7d\\u1f80-\\u1fb4"
            + "\\u1fb6-\\u1fbc\\u1fbe\\u1fc2-\\u1fc4\\u1fc6-\\u1fcc\\u1fd0-\\u1fd3"
            + "\\u1fd6-\\u1fdb\\u1fe0-\\u1fec\\u1ff2-\\u1ff4\\u1ff6-\\u1ffc\\u2102\\u2107"
            + "\\u210a-\\u2113\\u2115\\u2119-\\u211d\\u2124\\u2126\\u2128\\u212a-\\u212d"
            + "\\u212f-\\u2134\\u2139\\u213c-\\u213f\\u2145-\\u2149\\u214e\\u2183\\u2184"
            + "\\u2c00-\\u2c7b\\u2c7e-\\u2ce4\\u2ceb-\\u2cee\\u2cf2\\u2cf3\\ua640-\\ua66d"
            + "\\ua680-\\ua69b\\ua722-\\ua76f\\ua771-\\ua787\\ua78b-\\ua78e\\uab70-\\uabbf"
            + "\\ufb00-\\ufb06\\ufb13-\\ufb17\\uff21-\\uff3a\\uff41-\\uff5a"
            + "\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}\\x{104d8}-\\x{104fb}"
            + "\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}"
            + "\\x{1e900}-\\x{1e943}";
  }

  private final List<String> names;
  private final Set<Rule> rules;
  private final String[] regexes;
  private volatile Pattern[] patterns;

  PreTokenizer(String names, Set<Rule> rules, String... regexes) {
    this.names = List.of(names.split(" "));
    this.rules = rules;
    this.regexes = regexes;
  }

  /// {@return the splitting of a name, the default one of an empty name}
  ///
  /// @throws UnsupportedOperationException if there is none; the message has the known ones
  static PreTokenizer of(String name) {
    for (var splitting : values()) {
      if (name.isEmpty() || splitting.names.contains(name)) {
        return splitting;
      }
    }
    throw new UnsupportedOperationException(
        names().stream()
            .sorted()
            .collect(
                Collectors.joining(
                    ", ", "tokenizer.ggml.pre \"" + name + "\" is not supported; known are ", "")));
  }

  /// {@return the known names}
  static List<String> names() {
    return Arrays.stream(values()).flatMap(splitting -> splitting.names.stream()).toList();
  }

  /// {@return the first of its names, which is the one to write}
  String title() {
    return names.getFirst();
  }

  boolean has(Rule rule) {
    return rules.contains(rule);
  }

  /// {@return where each word of `text` ends, in characters from its start}
  IntList split(String text) {
    return splitAsSeen(RegexText.of(text));
  }

  /// {@return where each word ends of a text that is as [RegexText] makes it}
  IntList splitAsSeen(CharSequence text) {
    var words = new IntList();
    words.add(text.length());
    for (var pattern : patterns()) {
      words = split(words, pattern.matcher(text));
    }
    return words;
  }

  private static IntList split(IntList pieces, Matcher matcher) {
    var ends = new IntList();
    int from = 0;
    for (int i = 0; i < pieces.size(); i++) {
      int to = pieces.get(i);
      matcher.region(from, to);
      while (matcher.find()) {
        if (matcher.start() > from) {
          ends.add(matcher.start());
        }
        if (matcher.end() > matcher.start()) {
          ends.add(matcher.end());
        }
        from = matcher.end();
      }
      if (from < to) {
        ends.add(to);
      }
      from = to;
    }
    return ends;
  }

  /// Compiles the regular expressions when a text is first split: none of those not used.
  private Pattern[] patterns() {
    if (patterns == null) {
      patterns = Arrays.stream(regexes).map(Pattern::compile).toArray(Pattern[]::new);
    }
    return patterns;
  }
}
