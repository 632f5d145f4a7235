package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EscapeFlagsTest {
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "`a\\tb`|`a\tb`",
        "`\\\\n`|`\\n`",
        "`\\'\\\"`|`'\"`",
        "`\\x41\\xe6\\x97\\xa5`|`A日`",
        "`\\x4`|`\\x4`",
        "`\\q\\`|`\\q\\`",
        "`é\\r日`|`é\r日`"
      })
  void readsWhatLlamaCppReads(String text, String meant) {
    assertThat(EscapeFlags.unescaped(text)).isEqualTo(meant);
  }
}
