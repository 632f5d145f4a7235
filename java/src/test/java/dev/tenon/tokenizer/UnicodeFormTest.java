package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UnicodeFormTest {
  /// Base characters, marks of many classes, and what is put together of them.
  private static final int[] CHARACTERS =
      ("abeos .éộṩÅ\u0300\u0301\u0302\u0307\u0308\u0323\u031b\u0327\u0334\u0345\u05b0\u05bc\u064b"
              + "\u093c\u0915\u0958\u3099か\u1112\u1161\u11ab한각ﬁ①½Å\u0344中😀\ufb2c\u0f71\u0f72")
          .codePoints()
          .toArray();

  /// The text is what Java makes; where it comes from is in bounds and in the order of the text.
  @ParameterizedTest
  @EnumSource(Form.class)
  void theTextIsThatOfTheForm(Form form) {
    var random = new Random(3);
    for (int round = 0; round < 20_000; round++) {
      var text = new StringBuilder();
      for (int n = random.nextInt(12); n > 0; n--) {
        text.appendCodePoint(CHARACTERS[random.nextInt(CHARACTERS.length)]);
      }
      var found = UnicodeForm.apply(AlignedText.of(text.toString()), form);
      assertThat(found.text()).as(text.toString()).isEqualTo(Normalizer.normalize(text, form));
      for (int i = 0; i < found.length(); i++) {
        assertThat(found.start(i)).isLessThan(found.end(i));
        assertThat(found.end(i)).isBetween(1, text.length());
        assertThat(i == 0 || found.start(i) >= found.start(i - 1)).isTrue();
      }
    }
  }

  @Test
  void whatIsPutTogetherComesFromTheFirst() {
    var found = UnicodeForm.apply(AlignedText.of("xe\u0301ﬁ"), Form.NFKC);
    assertThat(found.text()).isEqualTo("xéfi");
    int[] starts = {0, 1, 3, 3};
    int[] ends = {1, 2, 4, 4};
    for (int i = 0; i < starts.length; i++) {
      assertThat(found.start(i)).isEqualTo(starts[i]);
      assertThat(found.end(i)).isEqualTo(ends[i]);
    }
  }
}
