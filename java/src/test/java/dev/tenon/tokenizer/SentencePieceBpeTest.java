package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// SentencePiece's byte-pair encoding, on vocabularies small enough to do by hand.
class SentencePieceBpeTest {
  /// Ids 3 and on.
  private static final List<String> TOKENS = List.of("▁", "a", "b", "c", "ab", "bc", "▁a", "abc");

  private static TokenizerFile file(float ab, float bc, float spaceA, float abc) {
    return TokenizerFile.llama(TOKENS).scores(0, 0, 0, 0, 0, 0, 0, ab, bc, spaceA, abc);
  }

  @Test
  void mergesTheHighestScoreFirst() throws IOException {
    assertThat(file(-1, -2, -3, -4).open().encode("abc")).containsExactly(3, 10);
    assertThat(file(-2, -1, -3, -4).open().encode("abc")).as("▁a bc").containsExactly(9, 8);
    assertThat(file(-2, -1, -3, -2.5f).open().encode("abc")).containsExactly(3, 10);
    assertThat(file(-2, -3, -1, -4).open().encode("abc")).as("▁a bc").containsExactly(9, 8);
    assertThat(file(2, 3, 1, 4).open().encode("abc")).as("above 0").containsExactly(3, 10);
  }

  @Test
  void mergesTheLeftmostOfEqualScores() throws IOException {
    assertThat(file(-1, -1, -5, -9).open().encode("abc")).containsExactly(3, 10);
    assertThat(file(0, -0f, -5, -9).open().encode("abc")).as("-0 is 0").containsExactly(3, 10);
    assertThat(file(-1, -1, -1, -9).open().encode("abc")).containsExactly(9, 8);
  }

  @Test
  void putsASpaceInFrontOfATextAndAfterSpecialTokens() throws IOException {
    var file = file(-1, -2, -3, -4);
    assertThat(file.open().encode("a")).containsExactly(9);
    assertThat(file.open().encode(" a")).containsExactly(3, 9);
    assertThat(file.open().encode("a<s>a</s><s>", false, true)).containsExactly(9, 1, 9, 2, 1);
    assertThat(file.open().encode("", true, true)).containsExactly(1);

    var without = file.put("add_space_prefix", false).open();
    assertThat(without.encode("a a")).containsExactly(4, 9);
    assertThat(without.decode(9, 9)).isEqualTo(" a a");
  }

  @Test
  void whatHasNoTokenIsBytesOrUnknown() throws IOException {
    assertThat(file(-1, -2, -3, -4).open().encode("aéb😀")).containsExactly(9, 0, 5, 0);

    var tokens = new ArrayList<>(TOKENS);
    IntStream.range(0, 256).mapToObj("<0x%02X>"::formatted).forEach(tokens::add);
    var bytes = TokenizerFile.llama(tokens).put("add_space_prefix", false).open();
    assertThat(bytes.encode("aé")).containsExactly(4, 11 + 0xc3, 11 + 0xa9);
    assertThat(bytes.decode(bytes.encode("aé\n😀"))).isEqualTo("aé\n😀");
    assertThat(bytes.encode("\ud83d")).isEqualTo(bytes.encode("\ufffd"));

    var some = TokenizerFile.llama(List.of("a", "<0xC3>", "<0xA9>")).open();
    assertThat(some.encode("aéè")).as("no 0xA8, no ▁").containsExactly(0, 3, 4, 5, 0);
  }

  @Test
  void takesTheSpaceOffTheFirstTokenThatHasText() throws IOException {
    var tokenizer = file(-1, -2, -3, -4).open();
    assertThat(tokenizer.decode(9, 9)).isEqualTo("a a");
    assertThat(tokenizer.decode(1, 9, 9)).isEqualTo("a a");
    assertThat(tokenizer.decode(3, 3, 4)).isEqualTo(" a");
    assertThat(tokenizer.decode(4, 9, 2)).isEqualTo("a a");
    assertThat(tokenizer.decode(new int[] {1, 9, 2}, true)).isEqualTo("<s> a</s>");
    assertThat(tokenizer.decode()).isEmpty();
    assertThat(tokenizer.bytes(9, false)).isEqualTo(" a".getBytes(StandardCharsets.UTF_8));
    assertThat(tokenizer.bytes(1, false)).isEmpty();
    assertThat(tokenizer.bytes(1, true)).isEqualTo("<s>".getBytes(StandardCharsets.UTF_8));
    assertThat(tokenizer.piece(9)).isEqualTo("▁a");
  }

  @Test
  void tokensOfEveryTypeDecode() throws IOException {
    var tokenizer =
        TokenizerFile.of("llama", "<unk>", "▁n", "<c>", "▁u", "x", "<0x41>", "?")
            .types(2, 1, 3, 4, 5, 6, 0)
            .open();
    assertThat(tokenizer.decode(0, 1, 2, 3, 4, 5, 6)).isEqualTo("n▁uA");
    assertThat(tokenizer.decode(new int[] {0, 1, 2, 3, 4, 5, 6}, true)).isEqualTo("<unk> n<c>▁uA");
    assertThat(tokenizer.type(6)).isEqualTo(TokenType.UNUSED);
  }
}
