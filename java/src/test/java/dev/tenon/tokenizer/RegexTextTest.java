package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.regex.Pattern;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;

class RegexTextTest {
  /// The classes that splittings name, and a letter for each.
  private static final List<String> CLASSES =
      List.of("W\\s", "N\\p{N}", "L\\p{L}", "M\\p{M}", "P\\p{P}", "S\\p{S}");

  /// If this fails with a new JDK, its Unicode has characters that [RegexText] must learn of.
  @Test
  void everyCharacterIsInTheClassOfUnicode151() {
    var patterns = CLASSES.stream().map(c -> Pattern.compile(c.substring(1))).toList();
    var crc = new CRC32();
    for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
      if (c < Character.MIN_SURROGATE || c > Character.MAX_SURROGATE) {
        var seen = RegexText.of(Character.toString(c));
        int in = 0;
        while (in < patterns.size() && !patterns.get(in).matcher(seen).matches()) {
          in++;
        }
        crc.update(in < patterns.size() ? CLASSES.get(in).charAt(0) : '-');
      }
    }
    // Of the table of llama.cpp (unicode-data.cpp), with a letter for each character.
    assertThat(crc.getValue()).isEqualTo(0x364ec0bL);
  }

  @Test
  void aTextKeepsItsLength() {
    var text = "a\u00a0b\u2028\u3000\u0897😀\ud801\uddc0é\ua7cb";
    assertThat(RegexText.of(text))
        .hasSize(text.length())
        .isEqualTo("a\u000bb\u000b\u000b\u2e9a😀\ud83f\udfffé\ua48f");
    assertThat(RegexText.of("plain été 中文 😀")).isEqualTo("plain été 中文 😀");
  }
}
