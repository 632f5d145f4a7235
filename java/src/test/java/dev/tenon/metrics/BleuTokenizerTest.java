package dev.tenon.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The words are those of sacreBLEU's tokenizers.
class BleuTokenizerTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '¦',
      quoteCharacter = '`',
      value = {
        "13a ¦ Hello, world! ¦ Hello|,|world|!",
        "13a ¦ 1,000.5 is 5-fold. ¦ 1,000.5|is|5|-|fold|.",
        "13a ¦ don't (e.g.) re-do ¦ don't|(|e|.|g|.|)|re-do",
        "13a ¦ &quot;a&amp;b&quot; &lt;c&gt; &amp;lt; ¦ \"|a|&|b|\"|<|c|>|<",
        "13a ¦ a<skipped>b «q» 3,5 ¦ ab|«q»|3,5",
        "intl ¦ «q», 3,5 x.5 5.x 5€ ¦ «|q|»|,|3,5|x|.|5|5|.|x|5|€",
        "intl ¦ ٣٫٤ a٫٤ 2010. ¦ ٣٫٤|a|٫|٤|2010.",
        "char ¦ aé 😀 b ¦ a|é|😀|b",
        "zh ¦ 我们a好, ok。 ¦ 我|们|a|好|,|ok|。",
        "zh ¦ 𠀀𠀀 ⨀⨀ ¦ 𠀀𠀀|⨀|⨀",
        "none ¦ Hello, world! 我们 ¦ Hello,|world!|我们",
      })
  void cutsTextsAsSacrebleuDoes(String label, String text, String words) {
    assertThat(BleuTokenizer.of(label).tokenize(text)).isEqualTo(List.of(words.split("\\|")));
  }
}
