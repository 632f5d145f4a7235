package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.json.Json;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The steps of a `tokenizer.json` at their edges, as the library tokenizers 0.23 takes them.
class TokenizerStepsTest {
  private static Map<String, Object> regex(String type, String regex, String key, Object value) {
    return Map.of("type", type, "pattern", Map.of("Regex", regex), key, value);
  }

  /// Expected words are parted by `;`.
  @ParameterizedTest
  @CsvSource({
    "(?=(\\d{3})+(?!\\d)), Isolated, false, a1234567b, a1;234;567b",
    "\\b, Isolated, false, 'a b²', 'a; ;b²'",
    "\\w+|[^\\w\\s]+, Isolated, false, 'Ⅷ½ x²a,\u200d', 'Ⅷ½; ;x²a;,\u200d'",
    "\\s+$, Isolated, false, 'a  \\nb \\r\\n c ', 'a;  ;\\nb; \\r;\\n c; '",
    "^., Removed, false, 'ab\\ncd\u2028e', 'b\\n;d\u2028e'",
    "a, Contiguous, true, 'aab aba', 'aa;b ;a;b;a'",
    "a, MergedWithNext, false, aaba, a;ab;a",
    "a, MergedWithPrevious, false, aaba, a;a;ba",
    "[\\p{Han}]+, Isolated, false, a中文b, a;中文;b",
    "\\W, Removed, false, a-b½c, a;b½c"
  })
  void splitCutsAsOnigurumaMatches(
      String regex, String behavior, boolean invert, String text, String expected) {
    var step =
        Map.of(
            "type",
            "Split",
            "pattern",
            Map.of("Regex", regex),
            "behavior",
            behavior,
            "invert",
            invert);
    var words =
        Splitter.of(step).split(AlignedText.of(text.translateEscapes())).stream()
            .map(AlignedText::text)
            .toList();
    assertThat(words).containsExactly(expected.translateEscapes().split(";"));
  }

  @Test
  void normalizersTakeMarksAndEdgesAsTheyDoThere() {
    var text = "e\u0301\u093e\u0915\u20dd";
    assertThat(Normalizer.of(Map.of("type", "StripAccents")).apply(text)).isEqualTo("e\u0915");
    var bert =
        Json.object(
            """
            {"type":"BertNormalizer","clean_text":false,"handle_chinese_chars":false,
            "strip_accents":true,"lowercase":false}\
            """);
    assertThat(Normalizer.of(bert).apply(text)).isEqualTo("e\u093e\u0915\u20dd");
    assertThat(Normalizer.of(regex("Replace", "\\b", "content", "|")).apply("a b²"))
        .isEqualTo("|a| |b²|");
    assertThat(Normalizer.of(Map.of("type", "Nmt")).apply("a\u200b\u0007\ufeffb"))
        .isEqualTo("a  b");
  }

  @Test
  void anExpressionThatGoesTooDeepIsAnError() {
    var normalizer = Normalizer.of(regex("Replace", "(a|b)*c", "content", ""));
    assertThatThrownBy(() -> normalizer.apply("ab".repeat(100_000)))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("regular expression");
  }

  private static List<String> added(String text, AddedTokens.Token... tokens) {
    var parts = new ArrayList<String>();
    for (var part : new AddedTokens(List.of(tokens)).split(text, true)) {
      var shown = text.substring(part.from(), part.to());
      parts.add(part.token() == Vocabulary.NONE ? shown : part.token() + "");
    }
    return parts;
  }

  @Test
  void addedTokensTakeSpacesAlongButNotOtherTokens() {
    var right = new AddedTokens.Token(0, "<x>", false, false, false, true);
    var line = new AddedTokens.Token(1, "\n", false, false, false, false);
    assertThat(added("<x> \n a", right, line)).containsExactly("0", "1", " a");
    var left = new AddedTokens.Token(1, "\n", false, false, true, false);
    assertThat(added("<x> \n a", right, left)).containsExactly("0", " a");
    var both = new AddedTokens.Token(1, "\n", false, false, true, true);
    assertThat(added("a \n\n b", both)).containsExactly("a", "1", "b");
  }

  @Test
  void aWholeWordHasNoCharacterOfWordsBeside() {
    var word = new AddedTokens.Token(0, "<x>", false, true, false, false);
    assertThat(added("Ⅷ<x> <x>\u200d <x> a<x>", word))
        .containsExactly("Ⅷ<x> <x>\u200d ", "0", " a<x>");
  }

  /// The pre-tokenizers of some families as their `tokenizer.json` have them: Sequences of Splits
  /// (`S`), individual digits (`D`) and byte-level words (`B`: cut by GPT-2's expression).
  @ParameterizedTest
  @CsvSource(
      delimiter = '\t',
      value = {
        "gpt-2\tfalse\ttrue\tB",
        "starcoder\tfalse\ttrue\tD B",
        "llama-bpe\ttrue\ttrue\tS{LLAMA3}",
        "dbrx\tfalse\ttrue\tS{LLAMA3}",
        "qwen2\tfalse\ttrue\tS{QWEN2}",
        "minicpm5\ttrue\ttrue\tS\\p{N}{1,3} S{MINICPM5}",
        "laguna\tfalse\ttrue\tS[^\\n]+|[\\n]+ S{QWEN2}",
        "deepseek-v3\tfalse\ttrue\tS\\p{N}{1,3} S[一-龥\u3040-ゟ゠-ヿ]+ S{DEEPSEEK3}",
        "gpt-4o\tfalse\tfalse\tS{O200K}",
        "granite-embed-multi-97m\ttrue\tfalse\tS{O200K}",
        "tiny_aya\tfalse\tfalse\tS\\d{1,3}(?=(?:\\d{3})*\\b) S{O200K}",
        "tekken\ttrue\tfalse\tS{TEKKEN}",
        "kimi-k2\tfalse\tfalse\tS{KIMI}",
        "superbpe\tfalse\tfalse\tS\\p{N}+ S(?=(\\d{3})+(?!\\d))",
        "bloom\tfalse\ttrue\tS\u2423?[^(\\s|[.,!?…。，、।۔،])]+",
        "viking\tfalse\ttrue\tS\u2423?[^(\\s|[.,!?…。，、।۔،])]+ D",
      })
  void theNameOfAFamilyIsFoundByItsPattern(
      String name, boolean wordsWhole, boolean exact, String written) {
    var steps = new ArrayList<Map<String, Object>>();
    boolean cut = false;
    for (var step : written.split(" ")) {
      switch (step.charAt(0)) {
        case 'S' -> {
          var regex = step.substring(1).replace('\u2423', ' ');
          steps.add(regex("Split", FAMILIES.getOrDefault(regex, regex), "behavior", "Isolated"));
        }
        case 'D' -> steps.add(Map.of("type", "Digits", "individual_digits", true));
        default -> cut = true;
      }
    }
    steps.add(Map.of("type", "ByteLevel", "add_prefix_space", false, "use_regex", cut));
    assertThat(
            TokenizerSteps.splitting(
                Map.of("type", "Sequence", "pretokenizers", steps), wordsWhole))
        .isEqualTo(new TokenizerSteps.Splitting(name, exact));
  }

  private static final String CONTRACTION = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String SPACES = "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String LLAMA3 =
      CONTRACTION
          + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|"
          + SPACES;
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String O200K =
      "[^\\r\\n\\p{L}\\p{N}]?%1$s*%2$s+%3$s?|[^\\r\\n\\p{L}\\p{N}]?%1$s+%2$s*%3$s?|\\p{N}{1,3}"
              .formatted(UPPER, LOWER, CONTRACTION)
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|"
          + SPACES;
  private static final Map<String, String> FAMILIES =
      Map.of(
          "{LLAMA3}",
          LLAMA3,
          "{QWEN2}",
          LLAMA3.replace("{1,3}", ""),
          "{MINICPM5}",
          LLAMA3.replace("{1,3}", "+"),
          "{O200K}",
          O200K,
          "{TEKKEN}",
          O200K.replace(CONTRACTION + "?", "").replace("{1,3}", ""),
          "{KIMI}",
          "[\\p{Han}]+|"
              + O200K.replace("\\p{M}]", "\\p{M}&&[^\\p{Han}]]").replace("[\\r\\n/]*", "[\\r\\n]*"),
          "{DEEPSEEK3}",
          "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
              + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|"
              + SPACES);
}
