package dev.tenon.metrics;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What is expected is what Python answers.
class PythonTextTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '`',
      value = {
        "ΟΔΥΣΣΕΥΣ; οδυσσευς",
        "ΑΣ. ΣΑ; ας. σα",
        "Α.Σ; α.ς",
        "ΑΣ.Α; ασ.α",
        "Σ; σ",
        "1Σ; 1σ",
        "ΑΣ’; ας’",
        "ΑΣ1; ας1",
        "İI; i\u0307i",
        "STRASSE ẞ; strasse ß",
        "𐐀; 𐐨",
      })
  void lowerCaseKnowsTheEndsOfWords(String text, String lower) {
    assertThat(PythonText.lower(text)).isEqualTo(lower);
  }

  @Test
  void whiteSpaceIsPythons() {
    assertThat(PythonText.split("\u3000a\u00a0b\u001cc\u0085\u2028d\u2007e\u202f"))
        .containsExactly("a", "b", "c", "d", "e");
    assertThat(PythonText.split("a\u200bb\ufeff\u180ec")).hasSize(1);
    assertThat(PythonText.split(" \t\n")).isEmpty();
    assertThat(PythonText.strip("\u2003 a b\r\n")).isEqualTo("a b");
    assertThat(PythonText.stripEnd(" \u0085")).isEmpty();
  }
}
