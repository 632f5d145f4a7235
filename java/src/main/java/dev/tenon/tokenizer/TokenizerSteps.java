package dev.tenon.tokenizer;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Tenon's own keys for a tokenizer, and what to write in place of them where llama.cpp's keys say
/// all there is to say.
///
/// A `tokenizer.json` may have steps that llama.cpp's format has no key for: a normaliser, the
/// order of merges of a vocabulary that it takes for SentencePiece's, words cut by a regular
/// expression that it does not know, tokens that take white space along. A file that has them holds
/// `tokenizer.ggml.*` as well as they can be said there, and beside them
///
/// - [#STEPS], a text: the `tokenizer.json` as it is, without vocabulary and merges;
/// - [#MERGES], an array of texts: the merges in order, where `tokenizer.ggml.merges` has no place.
///
/// [Tokenizer#of] goes by these where they are there. Other programs do not know them.
public final class TokenizerSteps {
  /// The key of the steps: JSON with `normalizer`, `pre_tokenizer`, `added_tokens`, `model`
  /// (without `vocab` and `merges`), `post_processor` (for what it puts around a text or a pair)
  /// and `decoder`, each as in a `tokenizer.json`; or the `post_processor` alone, where other keys
  /// say all the rest. A `model` has `added_only`, the ids of added tokens that no word is made of,
  /// and in `vocab` those tokens of a WordPiece whose text the table of tokens cannot tell.
  public static final String STEPS = "tenon.tokenizer.steps";

  /// The key of the merges of a vocabulary that is not byte-level: two texts with a space between,
  /// a space in one written as `Ġ`.
  public static final String MERGES = "tenon.tokenizer.merges";

  /// What the keys of the SentencePiece model begin with that cuts a text into pieces, where the
  /// vocabulary numbers them in another way: `.model` (`unigram` or `bpe`), `.pieces`, `.scores`
  /// and `.types` (those of `tokenizer.ggml.token_type`). Where a text is cut into characters that
  /// have ids of their own, `.tokens` are those, by id.
  public static final String SOURCE = "tenon.tokenizer.source";

  /// What the keys of the model for texts in the language of the target begin with, as [#SOURCE].
  public static final String TARGET = "tenon.tokenizer.target";

  /// The key of the scores of a unigram vocabulary, as binary64, where those of
  /// `tokenizer.ggml.scores` are rounded.
  public static final String SCORES = "tenon.tokenizer.scores";

  /// The algorithms that there are.
  private static final List<String> MODELS =
      List.of("BPE", "Characters", "SentencePiece", "Unigram", "WordPiece");

  /// Pieces that the probing texts are made of: what the known splittings treat differently.
  private static final List<String> PIECES =
      List.of(
          " ", " ", " ", "  ", "   ", "\n", "\n\n", "\r\n", "\t", " \n", "\n ", "\u00a0", "\u3000",
          "a", "Z", "word", "Camel", "ALL", "mIX", "é", "Éa", "ß", "Straße", "Яд", "дом", "中", "中文",
          "の", "カナ", "ー", "한국", "ا", "ال", "का", "ा", "e\u0301", "\u0301", "ไทย", "ๆ", "ǅ", "ʰ",
          "'s", "'t", "'re", "'ve", "'m", "'ll", "'d", "'S", "'LL", "'Re", "'x", "’s", "'", "1",
          "2", "12", "123", "1234", "1234567", "٣", "٣٤٥", "²", "½", "Ⅷ", "!", ".", ",", "...", "-",
          "_", "/", "//", "$", "+", "==", "<", ">", "|", "`", "~", "(", ")", "[", "]", "{", "}",
          "#", "\"", "，", "。", "、", "！", "—", "…", "«", "»", "“", "”", "€", "™", "↑", "😀",
          "\u200b", "\u200d");

  private static final String CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String CAPITAL_FIRST =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*"
          + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+";
  private static final String CAPITALS =
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+"
          + "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*";
  private static final String SYMBOLS = "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*";
  private static final String SPACES = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String O200K =
      CAPITAL_FIRST
          + CONTRACTION
          + "?|"
          + CAPITALS
          + CONTRACTION
          + "?|\\p{N}{1,3}"
          + SYMBOLS
          + SPACES;

  /// What the files of some families have in their `tokenizer.json`, where llama.cpp cuts in a
  /// simpler way under their name: by that the name is found nevertheless.
  private static final Map<PreTokenizer, List<String>> PUBLISHED = published();

  private static final int PROBES = 600;
  private static final int PIECES_EACH = 24;

  private TokenizerSteps() {}

  /// {@return whether a file has the steps of a whole tokenizer: it may have the `post_processor`
  /// alone}
  static boolean hasModel(Gguf gguf) throws GgufFormatException {
    return gguf.has(STEPS) && read(gguf).containsKey("model");
  }

  /// {@return the steps of a file that has some}
  static Map<String, Object> read(Gguf gguf) throws GgufFormatException {
    try {
      return Json.object(gguf.text(STEPS));
    } catch (JsonException e) {
      throw gguf.malformed(STEPS, "a JSON object", e.getMessage());
    }
  }

  /// A splitting that llama.cpp knows.
  ///
  /// @param name what `tokenizer.ggml.pre` is to say
  /// @param exact whether it cuts texts as the pre-tokenizer does: else it is the nearest
  public record Splitting(String name, boolean exact) {}

  /// Finds the splitting of llama.cpp that a pre-tokenizer is: by what the two make of many texts,
  /// so that a pattern may be written in any way.
  ///
  /// @param preTokenizer the `pre_tokenizer` of a `tokenizer.json` with byte-level words
  /// @param wordsWhole whether a word that is a token is not built from its parts: `ignore_merges`
  /// @return the one that is equal, else the one whose family's files have that pre-tokenizer, else
  ///     the nearest
  /// @throws UnsupportedOperationException if a step of the pre-tokenizer is unknown; the message
  ///     has it
  /// @throws IllegalArgumentException if it is malformed
  public static Splitting splitting(Object preTokenizer, boolean wordsWhole) {
    var splitter = Splitter.of(preTokenizer);
    var texts = probes();
    var expected = new ArrayList<int[]>();
    for (var text : texts) {
      expected.add(ends(splitter, text));
    }
    var candidates = new ArrayList<>(List.of(PreTokenizer.values()));
    candidates.removeIf(candidate -> candidate.has(PreTokenizer.Rule.CHARACTERS));
    // Of two that cut alike the one that builds words alike is the nearer.
    candidates.sort(
        Comparator.comparing(
            candidate -> candidate.has(PreTokenizer.Rule.WORDS_WHOLE) != wordsWhole));
    var nearest = PreTokenizer.DEFAULT;
    int fewest = Integer.MAX_VALUE;
    for (var candidate : candidates) {
      int differences = differences(candidate, texts, expected, fewest);
      if (differences < fewest) {
        fewest = differences;
        nearest = candidate;
      }
    }
    boolean exact = fewest == 0 && nearest.has(PreTokenizer.Rule.WORDS_WHOLE) == wordsWhole;
    for (var candidate : fewest == 0 ? List.<PreTokenizer>of() : candidates) {
      if (isPublished(candidate, texts, expected)) {
        nearest = candidate;
        break;
      }
    }
    return new Splitting(nearest.title(), exact);
  }

  private static Map<PreTokenizer, List<String>> published() {
    var map = new EnumMap<PreTokenizer, List<String>>(PreTokenizer.class);
    map.put(PreTokenizer.GPT4O, List.of(O200K));
    map.put(PreTokenizer.GRANITE_EMBEDDING, List.of(O200K));
    map.put(
        PreTokenizer.TEKKEN,
        List.of(CAPITAL_FIRST + "|" + CAPITALS + "|\\p{N}" + SYMBOLS + SPACES));
    map.put(PreTokenizer.TINY_AYA, List.of("\\d{1,3}(?=(?:\\d{3})*\\b)", O200K));
    var notHan = "\\p{M}&&[^\\p{Han}]]";
    map.put(
        PreTokenizer.KIMI_K2,
        List.of(
            "[\\p{Han}]+|" + O200K.replace("\\p{M}]", notHan).replace("[\\r\\n/]*", "[\\r\\n]*")));
    return map;
  }

  private static boolean isPublished(
      PreTokenizer candidate, List<String> texts, List<int[]> expected) {
    if (!PUBLISHED.containsKey(candidate)) {
      return false;
    }
    var steps = new ArrayList<Map<String, Object>>();
    for (var regex : PUBLISHED.get(candidate)) {
      steps.add(Map.of("type", "Split", "pattern", Map.of("Regex", regex)));
    }
    steps.add(Map.of("type", "ByteLevel", "add_prefix_space", false, "use_regex", false));
    var splitter = Splitter.of(Map.of("type", "Sequence", "pretokenizers", steps));
    for (int i = 0; i < texts.size(); i++) {
      if (!Arrays.equals(ends(splitter, texts.get(i)), expected.get(i))) {
        return false;
      }
    }
    return true;
  }

  /// {@return how many texts a splitting cuts otherwise, counted up to `most`}
  private static int differences(
      PreTokenizer candidate, List<String> texts, List<int[]> expected, int most) {
    int differences = 0;
    for (int i = 0; i < texts.size() && differences < most; i++) {
      if (!Arrays.equals(candidate.split(texts.get(i)).toArray(), expected.get(i))) {
        differences++;
      }
    }
    return differences;
  }

  /// {@return where the words of a text end, in characters; another text's where it was changed}
  private static int[] ends(Splitter splitter, String text) {
    var ends = new IntList();
    var written = ByteLevelBpe.written(text);
    var all = new StringBuilder();
    var starts = new int[written.length() + 1]; // of characters, by bytes
    int bytes = 0;
    for (int i = 0; i < text.length(); ) {
      int c = text.codePointAt(i);
      int next = i + Character.charCount(c);
      bytes += Normalizer.utf8(Character.toString(c)).length;
      starts[bytes] = next;
      i = next;
    }
    for (var word : splitter.split(AlignedText.of(text))) {
      all.append(word.text());
      ends.add(all.length() < starts.length ? starts[all.length()] : -1);
    }
    return all.toString().equals(written) ? ends.toArray() : new int[] {-1};
  }

  /// {@return texts of random pieces, the same ones every time, and long runs of spaces}
  private static List<String> probes() {
    var random = new Random(5);
    var texts = new ArrayList<String>();
    for (int i = 0; i < PROBES; i++) {
      var text = new StringBuilder();
      for (int n = 0; n < PIECES_EACH; n++) {
        text.append(PIECES.get(random.nextInt(PIECES.size())));
      }
      texts.add(text.toString());
    }
    for (int n = 1; n < 600; n = n * 3 / 2 + 1) {
      texts.add("a" + " ".repeat(n) + "b" + "\n".repeat(n % 5) + " ".repeat(n));
    }
    texts.add("<sentinel:12> IMGIMGABZ <sentinel:x>");
    return texts;
  }

  /// Checks that [Tokenizer#of] can go by some steps.
  ///
  /// @param steps a `tokenizer.json`, with or without its vocabulary
  /// @throws UnsupportedOperationException if one of them is unknown; the message has it
  /// @throws IllegalArgumentException if they are malformed
  public static void check(Map<String, ?> steps) {
    Normalizer.of(steps.get("normalizer"));
    Splitter.of(steps.get("pre_tokenizer"));
    Decoding.of(steps.get("decoder"));
    Normalizer.of(steps.get("target_normalizer"));
    var model = new Normalizer.Step("model", steps.get("model"));
    if (!MODELS.contains(model.type())) {
      throw model.unknown(String.join(", ", MODELS));
    }
  }
}
