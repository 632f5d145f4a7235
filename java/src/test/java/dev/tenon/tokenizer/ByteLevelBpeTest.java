package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// Byte-level byte-pair encoding, on vocabularies small enough to do by hand.
class ByteLevelBpeTest {
  @Test
  void mergesInTheOrderOfTheFile() throws IOException {
    var file = TokenizerFile.of("gpt2", "a", "b", "c", "ab", "bc", "abc", "aa", "aaa");
    assertThat(file.merges("a b", "b c", "ab c").open().encode("abc")).containsExactly(5);
    assertThat(file.merges("b c", "a b", "ab c").open().encode("abc")).containsExactly(0, 4);
    assertThat(file.merges("b c", "a b", "a bc").open().encode("abc")).containsExactly(5);
    assertThat(file.merges("a a", "aa a").open().encode("aaaaa")).containsExactly(6, 7);
    assertThat(file.merges("a b", "b c", "a b").open().encode("abcb")).containsExactly(3, 2, 1);
  }

  @Test
  void bytesAreWrittenAsCharacters() throws IOException {
    var tokens =
        IntStream.range(0, 256)
            .mapToObj(
                b -> {
                  boolean seen = b > 32 && b < 127 || b > 160 && b != 173;
                  int hidden =
                      (int)
                          IntStream.range(0, b)
                              .filter(i -> i <= 32 || i >= 127 && i <= 160)
                              .count();
                  return Character.toString(seen ? b : 256 + (b == 173 ? 67 : hidden));
                })
            .toList();
    var tokenizer = TokenizerFile.of("gpt2", tokens).merges("a b").pre("gpt-2").open();
    assertThat(tokenizer.piece(' ')).isEqualTo("Ġ");
    assertThat(tokenizer.piece('\n')).isEqualTo("Ċ");
    assertThat(tokenizer.encode(" é\n\0")).containsExactly(' ', 0xc3, 0xa9, '\n', 0);
    assertThat(tokenizer.encode("\u00ad\u007f")).containsExactly(0xc2, 0xad, 0x7f);
    assertThat(tokenizer.decode(IntStream.range(0, 128).toArray()))
        .isEqualTo(
            IntStream.range(0, 128)
                .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                .toString());
    assertThat(tokenizer.decode(0xf0, 0x9f, 0x98, 0x80, ' ')).isEqualTo("😀 ");
  }

  @Test
  void wordsDoNotMerge() throws IOException {
    var file = TokenizerFile.of("gpt2", "a", "1", "a1", "Ġ", "Ġa", "aĠ");
    var tokenizer = file.merges("a Ġ", "a 1", "Ġ a").pre("gpt-2").open();
    assertThat(tokenizer.encode("a1 a")).containsExactly(0, 1, 4);
  }

  @Test
  void aWordThatIsATokenStaysWholeForSomeModels() throws IOException {
    var file = TokenizerFile.of("gpt2", "a", "b", "c", "ab", "abc").merges("a b");
    assertThat(file.open().encode("abc")).containsExactly(3, 2);
    assertThat(file.pre("llama-bpe").put("add_bos_token", false).open().encode("abc"))
        .containsExactly(4);
  }

  @Test
  void bytesWithoutATokenAreLeftOut() throws IOException {
    var tokenizer = TokenizerFile.of("gpt2", "a", "b").merges("a b", "Ġ x").open();
    assertThat(tokenizer.encode("ab")).as("what merges is no token").containsExactly(0, 1);
    assertThat(tokenizer.encode("a?é b")).containsExactly(0, 1);
    assertThat(tokenizer.encode("é x")).isEmpty();
  }

  @Test
  void charactersThatAreNoBytesAreShownAsLlamaCppDoes() throws IOException {
    var tokenizer = TokenizerFile.of("gpt2", "a→b", "→".repeat(1 << 18)).merges("a b").open();
    assertThat(tokenizer.decode(0)).isEqualTo("a[UNK_BYTE_0xe28692a→b]b");
    assertThat(tokenizer.decode(1)).as("not its square").isEqualTo("→".repeat(1 << 18));
  }

  @Test
  void gemma4MergesCharacters() throws IOException {
    var tokenizer =
        TokenizerFile.of(
                "gemma4", "▁", "é", "x", "▁é", "\n\n", "\n", "<0xE2>", "<0x82>", "<0xAC>", "é▁é")
            .types(1, 1, 1, 1, 1, 1, 6, 6, 6, 1)
            .merges("▁ é", "é ▁é")
            .open();
    assertThat(tokenizer.encode("x é")).containsExactly(2, 3);
    assertThat(tokenizer.encode("é é")).as("not split at spaces").containsExactly(9);
    assertThat(tokenizer.encode("\n\nx\n")).as("newlines whole").containsExactly(4, 2, 5);
    assertThat(tokenizer.encode("€")).containsExactly(6, 7, 8);
    assertThat(tokenizer.encode("ß")).isEmpty();
    assertThat(tokenizer.decode(3, 9, 6, 7, 8)).isEqualTo(" éé é€");
  }

  @Test
  void kimiMayComeWithoutMerges() throws IOException {
    var tokenizer = TokenizerFile.of("gpt2", "a", "b", "ab").pre("kimi-k2").open();
    assertThat(tokenizer.encode("ab")).containsExactly(0, 1);
  }

  @Test
  void anEmptySplittingIsTheDefault() throws IOException {
    var file = TokenizerFile.of("gpt2", "1", "11", "111", "1111").merges("1 1", "11 1", "11 11");
    assertThat(file.open().encode("1111")).containsExactly(2, 0);
    assertThat(file.pre("").open().encode("1111")).containsExactly(2, 0);
    assertThat(file.pre("gpt-2").open().encode("1111")).containsExactly(3);
  }
}
