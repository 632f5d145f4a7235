package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/// How special tokens are cut out of a text.
class SpecialTokensTest {
  /// Single characters are 0 to 9, all other tokens follow.
  private static Tokenizer tokenizer(String name, int type, String... specials) throws IOException {
    var tokens = new ArrayList<>(List.of("a", "b", "c", "x", "<", ">", "|", "Ġ", "Ċ", "ĉ"));
    tokens.addAll(List.of(specials));
    var types = IntStream.range(0, tokens.size()).map(i -> i < 10 ? 1 : type).toArray();
    return TokenizerFile.of("gpt2", tokens)
        .types(types)
        .merges("a b")
        .name(name)
        .pre("qwen2")
        .open();
  }

  private static Tokenizer control(String... specials) throws IOException {
    return tokenizer("", 3, specials);
  }

  @Test
  void controlTokensCountWhereAskedFor() throws IOException {
    var tokenizer = control("<x>");
    assertThat(tokenizer.encode("a<x>b", false, true)).containsExactly(0, 10, 1);
    assertThat(tokenizer.encode("a<x>b", false, false)).containsExactly(0, 4, 3, 5, 1);
    assertThat(tokenizer.encode("<x><x>", false, true)).containsExactly(10, 10);
    assertThat(tokenizer.encode("<x", false, true)).containsExactly(4, 3);
  }

  @Test
  void unknownTokensAreLikeControlTokens() throws IOException {
    var tokenizer = tokenizer("", 2, "<x>");
    assertThat(tokenizer.encode("<x>", false, true)).containsExactly(10);
    assertThat(tokenizer.encode("<x>")).containsExactly(4, 3, 5);
    assertThat(tokenizer.decode(0, 10)).isEqualTo("a");
  }

  @Test
  void userDefinedTokensAlwaysCount() throws IOException {
    var tokenizer = tokenizer("", 4, "<x>");
    assertThat(tokenizer.encode("a<x>")).containsExactly(0, 10);
    assertThat(tokenizer.decode(0, 10)).isEqualTo("a<x>");
  }

  @Test
  void theLongestAnywhereIsFirst() throws IOException {
    assertThat(control("ab", "bc").encode("abc", false, true)).as("by id").containsExactly(10, 2);
    assertThat(control("ab", "bcc").encode("abcc", false, true)).containsExactly(0, 11);
    assertThat(control("<a", "<a>", "<a>b").encode("<a><a>b<a", false, true))
        .containsExactly(11, 12, 10);
    assertThat(control("aa", "aab").encode("aaab", false, true)).containsExactly(0, 11);
    assertThat(control("aa").encode("aaa", false, true)).containsExactly(10, 0);
    assertThat(control("ab", "abb", "bbbb").encode("abbbbab", false, true))
        .containsExactly(0, 12, 10);
    assertThat(control("<|a|>", "|><|").encode("<|a|><|a|>", false, true)).containsExactly(10, 10);
  }

  @Test
  void lengthCountsInBytes() throws IOException {
    assertThat(control("ab", "bé").encode("abé", false, true)).containsExactly(0, 11);
    assertThat(control("abc", "c😀").encode("abc😀", false, true)).containsExactly(0, 1, 11);
  }

  @Test
  void tokensOfPhi3TakeTheWhiteSpaceAfterThemAlong() throws IOException {
    var tokenizer = tokenizer("Phi-3 mini", 3, "<x>", "<s>");
    assertThat(tokenizer.encode("<x> \n\t a <x> <s> a", false, true))
        .containsExactly(10, 0, 7, 10, 11, 7, 0);
    assertThat(control("<x>").encode("<x> a", false, true)).containsExactly(10, 7, 0);
    assertThat(tokenizer.encode("<x> \n", false, true)).containsExactly(10);
  }

  @Test
  void masksOfModernBertTakeTheWhiteSpaceBeforeThemAlong() throws IOException {
    var tokenizer = tokenizer("a modern-bert", 3, "[MASK]", "<x>");
    assertThat(tokenizer.encode("a \n[MASK] <x> [MASK]a", false, true))
        .containsExactly(0, 10, 7, 11, 10, 0);
    assertThat(tokenizer.encode(" [MASK]", false, true)).containsExactly(10);
  }

  @Test
  void manyTokensAndALongTextAreNoTrouble() throws IOException {
    var specials =
        IntStream.range(0, 2000).mapToObj("<|reserved_%04d|>"::formatted).toArray(String[]::new);
    var tokenizer = control(specials);
    var text = "<|reserved_1999|><|reserved_".repeat(10_000);
    assertThat(tokenizer.encode(text, false, true)).startsWith(10 + 1999, 4).contains(6);
    var runs = IntStream.range(1, 200).mapToObj("|"::repeat).filter(s -> s.length() > 1);
    assertThat(control(runs.toArray(String[]::new)).encode("|".repeat(199 * 1000), false, true))
        .hasSize(1000)
        .containsOnly(10 + 197);
  }
}
