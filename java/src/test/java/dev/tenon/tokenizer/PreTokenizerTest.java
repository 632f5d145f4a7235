package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/// How each splitting splits, and that it takes time in proportion.
class PreTokenizerTest {
  private static final String TEXT = "I'm A'LL 12345 (é)!?\n \n  x 日本、テ한 e\u0301 ABc²7  ";

  /// The words of that text in llama.cpp; `_` is a space and `¶` a line feed.
  private static final String WORDS =
      """
      DEFAULT I|'|m|_A|'|LL|_|123|45|_|(|é|)!?|¶_¶_|_x|_日本|、|テ한|_e|\\u0301|_ABc|²7|__
      GPT2 I|'m|_A|'|LL|_12345|_(|é|)!?|¶_¶_|_x|_日本|、|テ한|_e|\\u0301|_ABc|²7|__
      STARCODER I|'m|_A|'|LL|_|1|2|3|4|5|_(|é|)!?|¶_¶_|_x|_日本|、|テ한|_e|\\u0301|_ABc|²|7|__
      FALCON I|'|m|_A|'|LL|_|123|45|_|(|é|)!?|¶_¶_|_x|_日本|、|テ한|_e|\\u0301|_ABc|²7|__
      CHAMELEON I|'|m|_A|'|LL|_|1|2|3|4|5|_|(|é|)|!|?|¶|_|¶|__|x|_日本|、|テ한|_e|\\u0301|_ABc|²|7|__
      LLAMA3 I|'m|_A|'LL|_|123|45|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²7|__
      DBRX I|'m|_A|'LL|_|123|45|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²7|__
      CHATGLM I|'m|_A|'LL|_|123|45|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²7|__
      MINICPM5 I|'m|_A|'LL|_|123|45|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²7|__
      JAIS2 I|'m|_A|'LL|_|123|45|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²7|__
      QWEN2 I|'m|_A|'LL|_|1|2|3|4|5|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²|7|__
      UFAKZEKA I|'m|_A|'LL|_|1|2|3|4|5|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²|7|__
      LAGUNA I|'m|_A|'LL|_|1|2|3|4|5|_(|é|)!?|¶|_|¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²|7|__
      QWEN35 I|'m|_A|'LL|_|1|2|3|4|5|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e\\u0301|_ABc|²|7|__
      SEED_CODER I|'m|_A|'LL|_|1|2|3|4|5|_(|é|)!?|¶_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²|7|__
      EXAONE_MOE I|'m|_A|'LL|_|1|2|3|4|5|_(|é|)!?¶|_¶|_|_x_日本|、テ한_e\\u0301_ABc|²|7|__
      DEEPSEEK_LLM I|'|m|_A|'|LL|_|12345|_(|é|)!?|¶|_|¶|_|_x|_|日本|、|テ한|_e|\\u0301|_ABc|²7|__
      DEEPSEEK_CODER I|'|m|_A|'|LL|_|1|2|3|4|5|_(|é|)!?|¶|_|¶|_|_x|_|日本|、|テ한|_e|\\u0301|_ABc|²|7|__
      DEEPSEEK3 I|'m|_A|'LL|_|123|45|_(|é|)!?¶|_¶|_|_x|_|日本|、|テ|한|_e\\u0301|_ABc|²7|__
      SPARK I|'m|_A|'LL|_|1|2|3|4|5|_(|é|)!?|¶|_¶_|_x|_|日本|、|テ|한|_e\\u0301|_ABc|²|7|__
      AFMOE I|'m|_A|'LL|_|12|345|_(|é|)!?¶|_¶|_|_x|_|日本|、|テ한|_e\\u0301|_ABc|²7|__
      YOUTU I'm|_A'LL|_|1|2|3|4|5|_(|é|)!?¶|_¶|_|_x|_|日本|、|テ|한|_e\\u0301|_ABc|²|7|__
      TEKKEN I|'m|_A|'LL|_|1|2|3|4|5|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²|7|__
      GPT4O I'm|_A'LL|_|123|45|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e|\\u0301|_ABc|²7|__
      GRANITE_EMBEDDING I'm|_A'LL|_|123|45|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e\\u0301|_ABc|²7|__
      TINY_AYA I'm|_A'LL|_|12|345|_(|é|)!?¶|_¶|_|_x|_日本|、テ한|_e\\u0301|_ABc|²7|__
      KIMI_K2 I'm|_A'LL|_|123|45|_(|é|)!?¶|_¶|_|_x|_|日本|、テ한|_e|\\u0301|_ABc|²7|__
      BLOOM I'm|_A'LL|_12345|_(|é|)!?¶_¶_|_x|_日本|、|テ한|_e\\u0301|_ABc²7|__
      VIKING I'm|_A'LL|_|1|2|3|4|5|_(|é|)!?¶_¶_|_x|_日本|、|テ한|_e\\u0301|_ABc|²|7|__
      SUPERBPE I'm_A'LL_|12|345|_(é)!?¶_¶__x_日本、テ한_e\\u0301_ABc|²7|__
      GEMMA4 I'm_A'LL_12345_(é)!?|¶|_|¶|__x_日本、テ한_e\\u0301_ABc²7__
      SARVAM I'm_A'LL_12345_(é)!?|¶|_|¶|__x_日本、テ한_e\\u0301_ABc²7__
      """;

  private static List<String> words(PreTokenizer splitting, String text) {
    var words = new ArrayList<String>();
    int from = 0;
    var ends = splitting.split(text);
    for (int i = 0; i < ends.size(); i++) {
      words.add(text.substring(from, ends.get(i)));
      from = ends.get(i);
    }
    assertThat(String.join("", words)).isEqualTo(text);
    assertThat(words).doesNotContain("");
    return words;
  }

  @ParameterizedTest
  @EnumSource
  void splitsAsLlamaCpp(PreTokenizer splitting) {
    var expected =
        WORDS.lines().filter(line -> line.startsWith(splitting.name() + " ")).findFirst().get();
    assertThat(String.join("|", words(splitting, TEXT)).replace("\n", "¶").replace(' ', '_'))
        .isEqualTo(expected.substring(expected.lastIndexOf(' ') + 1).replace("\\u0301", "\u0301"));
  }

  @ParameterizedTest
  @EnumSource
  void allOfATextIsInItsWords(PreTokenizer splitting) {
    var random = new Random(5);
    var parts =
        "a|Z|é|ß|中|，|1|²|٣| |  |\t|\n|\r\n|\u00a0|\u3000|'s|'|!|$|/|e\u0301|😀|𝟙|\0|\uffff";
    var part = parts.split("\\|");
    for (int round = 0; round < 300; round++) {
      var text = new StringBuilder();
      for (int i = random.nextInt(40); i > 0; i--) {
        text.append(part[random.nextInt(part.length)]);
      }
      words(splitting, text.toString());
    }
    assertThat(splitting.split("").size()).isZero();
  }

  @Test
  void namesHaveOneSplittingEach() {
    assertThat(PreTokenizer.of("llama-bpe")).isEqualTo(PreTokenizer.LLAMA3);
    assertThat(PreTokenizer.of("deepseek-r1-qwen")).isEqualTo(PreTokenizer.QWEN2);
    assertThat(PreTokenizer.of("roberta-bpe")).isEqualTo(PreTokenizer.GPT2);
    assertThat(PreTokenizer.of("")).isEqualTo(PreTokenizer.DEFAULT);
    assertThat(PreTokenizer.names()).doesNotHaveDuplicates().hasSizeGreaterThan(80);
  }

  @Test
  void casesOfTheirOwn() {
    assertThat(words(PreTokenizer.JAIS2, "a" + " ".repeat(7) + "b"))
        .containsExactly("a", "    ", "  ", " b");
    assertThat(words(PreTokenizer.JAIS2, " ".repeat(515) + "\n" + " ".repeat(515)))
        .containsExactly(" ".repeat(515) + "\n", " ".repeat(512), "  ", " ");
    assertThat(words(PreTokenizer.TEKKEN, "ABÉCD XMLHttp éÀb"))
        .containsExactly("ABÉ", "CD", " XMLHttp", " éÀb");
    assertThat(words(PreTokenizer.AFMOE, "a 1234567 𝟙𝟙𝟙𝟙"))
        .containsExactly("a", " ", "1", "234", "567", " ", "𝟙", "𝟙𝟙𝟙");
    assertThat(words(PreTokenizer.SUPERBPE, "a1234567b²12345c345²"))
        .containsExactly("a", "1", "234", "567", "b", "²12", "345", "c", "345²");
    assertThat(words(PreTokenizer.KIMI_K2, "x豈中a中\ufa6e"))
        .containsExactly("x", "豈中", "a", "中\ufa6e");
    assertThat(words(PreTokenizer.CHAMELEON, "<sentinel:12>IMGIMGABCDZ     x"))
        .containsExactly("<", "sentinel", ":", "1", "2", ">", "IMGIMGABCDZ", "    ", " x");
    assertThat(words(PreTokenizer.DEEPSEEK_LLM, "a  b  ")).containsExactly("a", " ", " b", "  ");
  }

  /// Counts how often a character is looked at.
  private static final class Counting implements CharSequence {
    private final String text;
    private long looks;

    Counting(String text) {
      this.text = text;
    }

    @Override
    public char charAt(int i) {
      looks++;
      return text.charAt(i);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int from, int to) {
      return text.subSequence(from, to);
    }
  }

  @ParameterizedTest
  @EnumSource
  void timeGrowsWithTheLength(PreTokenizer splitting) {
    var runs =
        Arrays.asList(
            "a", "A", "é", "中", "1", "²", " ", "\t", "\n", "\r\n", "\u000b", "!", "'", "$",
            "\u0301", "😀", "𝟙", "\0", "Aé", " \n", " a", "1a", "1 ", "a ", "! ", "'s", "é1", "中1",
            "\u0301a");
    for (var run : runs) {
      for (var around : List.of("%s", "a%sb", "%s!", "\n%s1", " %s\n")) {
        takesTime(splitting, around, run, 1 << 13);
      }
    }
  }

  /// Words of up to 512 spaces: the square of the length shows late.
  @Test
  void timeGrowsWithTheNumberOfSpaces() {
    takesTime(PreTokenizer.JAIS2, "a%sb", " ", 1 << 18);
    takesTime(PreTokenizer.JAIS2, "\n%s", "\t", 1 << 18);
  }

  private static void takesTime(PreTokenizer splitting, String around, String run, int n) {
    var text = new Counting(around.formatted(run.repeat(n / run.length())));
    splitting.splitAsSeen(text);
    assertThat(text.looks).as("%s of %s", around, run).isLessThan(100L * n);
  }
}
