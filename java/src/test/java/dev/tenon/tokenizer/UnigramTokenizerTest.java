package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import java.io.IOException;
import org.junit.jupiter.api.Test;

/// Files with a unigram vocabulary as llama.cpp's converter makes them.
class UnigramTokenizerTest {
  private static TokenizerFile file() {
    return TokenizerFile.of("t5", "<pad>", "</s>", "<unk>", "▁", "a", "b", "▁ab", "<user>")
        .types(3, 3, 2, 1, 1, 1, 1, 4)
        .scores(0, 0, 0, -2, -3, -3, -4, 0)
        .put("add_space_prefix", true);
  }

  @Test
  void spacesAreMergedWhereTheFileSaysSo() throws IOException {
    var merging = file().put("remove_extra_whitespaces", true).open();
    assertThat(merging.encode("  ab   b ")).containsExactly(6, 3, 5);
    assertThat(file().open().encode(" ab  b ")).containsExactly(3, 6, 3, 3, 5, 3);
  }

  @Test
  void theEndIsAddedUnlessTheFileSaysNo() throws IOException {
    assertThat(file().open().encodePrompt("ab")).containsExactly(6, 1);
    var without = file().put("add_eos_token", false).open();
    assertThat(without.encodePrompt("ab")).containsExactly(6);
  }

  @Test
  void unknownCharactersSideBySideAreOneToken() throws IOException {
    var tokenizer = file().open();
    assertThat(tokenizer.encode("ab?!\uD83D\uDE00a<user>b")).containsExactly(6, 2, 4, 7, 3, 5);
    assertThat(tokenizer.decode(6, 2, 4, 7, 3, 5)).isEqualTo("aba<user> b");
  }

  @Test
  void aTableThatEndsEarlyIsRefused() {
    var table = GgufValue.Array.integers(GgufType.INT8, 100, 0, 0, 0, 1, 2, 3);
    assertThatThrownBy(() -> file().put("precompiled_charsmap", table).open())
        .isInstanceOf(GgufFormatException.class)
        .hasMessageContaining("tokenizer.ggml.precompiled_charsmap")
        .hasMessageContaining("100 bytes");
  }
}
