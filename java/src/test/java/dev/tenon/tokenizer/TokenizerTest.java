package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What a file says of its tokens, whatever the algorithm.
class TokenizerTest {
  private static TokenizerFile gpt2() {
    return TokenizerFile.of("gpt2", "a", "b", "ab", "<end>").types(1, 1, 1, 3).merges("a b");
  }

  @Test
  void saysWhatTheFileSays() throws IOException {
    var tokenizer =
        gpt2().put("bos_token_id", 3).put("eos_token_id", 3).put("add_bos_token", true).open();

    assertThat(tokenizer.vocabularySize()).isEqualTo(4);
    assertThat(tokenizer.bos()).isEqualTo(3);
    assertThat(tokenizer.eos()).isEqualTo(3);
    assertThat(tokenizer.addsBos()).isTrue();
    assertThat(tokenizer.type(3)).isEqualTo(TokenType.CONTROL);
    assertThat(tokenizer.piece(2)).isEqualTo("ab");
  }

  @Test
  void defaultsAreThoseOfTheAlgorithm() throws IOException {
    var sentencePiece = TokenizerFile.llama(List.of("a")).open();
    assertThat(sentencePiece.bos()).isEqualTo(1);
    assertThat(sentencePiece.eos()).isEqualTo(2);
    assertThat(sentencePiece.addsBos()).isTrue();

    var tokens = IntStream.range(0, 20).mapToObj(i -> "t" + i).toList();
    var byteLevel = TokenizerFile.of("gpt2", tokens).merges("a b");
    assertThat(byteLevel.open().bos()).isEqualTo(11);
    assertThat(byteLevel.open().eos()).isEqualTo(11);
    assertThat(byteLevel.open().addsBos()).isFalse();
    assertThat(byteLevel.pre("llama-bpe").open().addsBos()).isTrue();
    assertThat(byteLevel.pre("glm4").open().bos()).isEqualTo(-1);
    assertThat(gpt2().open().bos()).as("11 is outside").isEqualTo(-1);
  }

  @Test
  void addsBeginAndEndWhereTheFileSaysSo() throws IOException {
    var file = gpt2().put("bos_token_id", 3).put("eos_token_id", 2);
    assertThat(file.open().encode("ab", true, false)).containsExactly(2);
    file.put("add_bos_token", true);
    assertThat(file.open().encode("ab", true, false)).containsExactly(3, 2);
    assertThat(file.open().encode("ab")).containsExactly(2);
    file.put("add_eos_token", true);
    assertThat(file.open().encodePrompt("a")).containsExactly(3, 0, 2);
    assertThat(file.open().encodePrompt("")).containsExactly(3, 2);
    assertThat(file.open().encode("")).isEmpty();
  }

  @Test
  void gemma4AddsTheBeginTokenWhateverTheFileSays() throws IOException {
    var tokenizer =
        TokenizerFile.of("gemma4", "<bos>", "a")
            .merges("a b")
            .put("bos_token_id", 0)
            .put("add_bos_token", false)
            .open();
    assertThat(tokenizer.encodePrompt("a")).containsExactly(0, 1);
  }

  @Test
  void anIdOfMinusOneIsNone() throws IOException {
    var tokenizer = gpt2().put("bos_token_id", 0xffff_ffffL).open();
    assertThat(tokenizer.bos()).isEqualTo(-1);
  }

  @Test
  void knowsWhatEndsAGeneration() throws IOException {
    var tokenizer =
        TokenizerFile.of("gpt2", "x", "<|im_end|>", "<|eot_id|>", "<PAD>", "<|file_sep|>", "y", "z")
            .merges("a b")
            .put("eos_token_id", 0)
            .put("eom_token_id", 5)
            .open();
    assertThat(IntStream.range(0, 7).filter(tokenizer::endsGeneration))
        .containsExactly(0, 1, 2, 3, 4, 5);
    assertThat(tokenizer.type(1)).as("by its text").isEqualTo(TokenType.CONTROL);
    assertThat(tokenizer.type(5)).as("by its id alone").isEqualTo(TokenType.NORMAL);
  }

  @Test
  void aFillerThatTheFileNamesIsNotLookedForByText() throws IOException {
    var file = TokenizerFile.of("gpt2", "<fim_pad>", "<PAD>", "pad", "<fim_prefix>").merges("a b");
    assertThat(IntStream.range(0, 3).filter(file.open()::endsGeneration)).containsExactly(0);
    assertThat(file.open().type(3)).isEqualTo(TokenType.CONTROL);

    file.put("fim_pad_token_id", 2).put("prefix_token_id", 1);
    assertThat(IntStream.range(0, 3).filter(file.open()::endsGeneration)).containsExactly(2);
    assertThat(file.open().type(3)).isEqualTo(TokenType.NORMAL);
  }

  @Test
  void harmonyEndsAMessageAndNotTheGeneration() throws IOException {
    var tokens =
        List.of("<|end|>", "<|return|>", "<|call|>", "<|channel|>", "<|message|>", "<|start|>");
    var tokenizer = TokenizerFile.of("gpt2", tokens).merges("a b").types(3, 3, 3, 3, 3, 3).open();
    assertThat(IntStream.range(0, 6).filter(tokenizer::endsGeneration)).containsExactly(1, 2);
    assertThat(tokenizer.type(0)).isEqualTo(TokenType.USER_DEFINED);
    assertThat(tokenizer.decode(3, 5, 1)).isEqualTo("<|channel|><|start|>");

    var other = TokenizerFile.of("gpt2", "<|end|>", "<|return|>").merges("a b").open();
    assertThat(other.endsGeneration(0)).isTrue();
  }

  @Test
  void gemma4HasTheOldEndTokenAsText() throws IOException {
    var tokenizer =
        TokenizerFile.of("gemma4", "</s>", "<|tool_response>").types(3, 3).merges("a b").open();
    assertThat(tokenizer.endsGeneration(0)).isFalse();
    assertThat(tokenizer.endsGeneration(1)).isTrue();
    assertThat(tokenizer.decode(0, 1)).isEqualTo("</s>");
  }

  @Test
  void emptyTokensHaveAText() throws IOException {
    assertThat(TokenizerFile.of("gpt2", "a", "", "").merges("a b").open().piece(2))
        .isEqualTo("[EMPTY_2]");
  }

  @Test
  void idsOutsideTheVocabularyAreRefused() throws IOException {
    var tokenizer = gpt2().open();
    for (int id : new int[] {-1, 4, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      var outside = "token " + id + " is outside the vocabulary of 4 tokens";
      assertThatThrownBy(() -> tokenizer.decode(0, id))
          .isInstanceOf(IndexOutOfBoundsException.class)
          .hasMessage(outside);
      assertThatThrownBy(() -> tokenizer.bytes(id, true)).hasMessage(outside);
      assertThatThrownBy(() -> tokenizer.piece(id)).hasMessage(outside);
      assertThatThrownBy(() -> tokenizer.type(id)).hasMessage(outside);
      assertThatThrownBy(() -> tokenizer.endsGeneration(id)).hasMessage(outside);
      assertThatThrownBy(() -> tokenizer.decoder().accept(id)).hasMessage(outside);
    }
  }

  @Test
  void nullsAreRefused() throws IOException {
    var tokenizer = gpt2().open();
    assertThatThrownBy(() -> tokenizer.encode(null)).isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> tokenizer.decode((int[]) null))
        .isInstanceOf(NullPointerException.class);
    assertThatThrownBy(() -> Tokenizer.of(null)).isInstanceOf(NullPointerException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"rwkv", "plamo2", "nonsense"})
  void anUnknownAlgorithmIsNamed(String model) {
    assertThatThrownBy(() -> TokenizerFile.of(model, "a").open())
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessage(
            "tokenizer.ggml.model \"%s\" is not supported; known are bert, gemma4, gpt2, llama, t5",
            model);
  }

  @Test
  void anUnknownSplittingIsNamed() {
    assertThatThrownBy(() -> gpt2().pre("klingon").open())
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageStartingWith(
            "tokenizer.ggml.pre \"klingon\" is not supported; known are a.x-4.0, afmoe, ")
        .hasMessageContainingAll("llama-bpe", "qwen2", "tekken");
  }

  @Test
  void presentWhereThereIsAVocabulary() throws IOException {
    assertThat(gpt2().present()).isTrue();
    assertThat(TokenizerFile.of("bert", "a").present()).isTrue();
    assertThat(new TokenizerFile().present()).isFalse();
    for (var model : List.of("none", "no_vocab", "test")) {
      assertThat(TokenizerFile.of(model, "a").present()).isFalse();
    }
  }

  private static void refused(TokenizerFile file, String... message) {
    assertThatThrownBy(file::open)
        .isInstanceOf(GgufFormatException.class)
        .hasMessageContainingAll(message);
  }

  @Test
  void vocabulariesThatDisagreeAreRefused() {
    refused(new TokenizerFile(), "the key tokenizer.ggml.model");
    refused(
        new TokenizerFile().put("model", new GgufValue.Text("llama")),
        "the key tokenizer.ggml.tokens");
    refused(TokenizerFile.of("gpt2"), "tokens to have at least one token", "found none");
    refused(
        TokenizerFile.of("gpt2", "a", "b", "a").merges("a b"),
        "tokens to be distinct",
        "found \"a\" as 0 and 2");
    refused(TokenizerFile.of("gpt2", "a"), "the key tokenizer.ggml.merges");
    refused(gpt2().types(1, 1, 1), "token_type to have one element for each of 4 tokens", "3");
    refused(gpt2().types(1, 1, 1, 1, 1), "token_type to have one element for each of 4 tokens");
    refused(gpt2().types(1, 7, 1, 1), "token_type to be from 0 to 6", "7 for token 1");
    refused(gpt2().types(1, 1, -1, 1), "token_type to be from 0 to 6", "-1 for token 2");
    refused(gpt2().types(1, 6, 1, 1), "token 1, a byte, to be like <0x0A>", "\"b\"");
    refused(gpt2().scores(1, 2), "scores to have one element for each of 4 tokens", "2 elements");
    refused(gpt2().put("tokens", 7), "tokens to be an array of strings");
    refused(gpt2().put("token_type", 7), "token_type to be an array of integers");
    refused(gpt2().put("merges", GgufValue.Array.of(1, 2)), "merges to be an array of strings");
  }

  @Test
  void idsThatAreNoTokensAreRefused() {
    for (var name : List.of("bos", "eos", "eot", "eom", "unknown", "fim_pad", "fim_pre")) {
      refused(
          gpt2().put(name + "_token_id", 4),
          name + "_token_id below the number of tokens, 4",
          "found 4");
      refused(
          gpt2().put(name + "_token_id", new GgufValue.Int(GgufType.INT32, -2)),
          name + "_token_id below the number of tokens, 4",
          "found -2");
      refused(
          gpt2().put(name + "_token_id", new GgufValue.Text("x")),
          name + "_token_id to be an integer");
    }
    refused(gpt2().put("add_bos_token", true), "a token to add, as tokenizer.ggml.add_bos_token");
    refused(gpt2().put("add_eos_token", true), "a token to add, as tokenizer.ggml.add_eos_token");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ab", "", " ", "a ", " a", "ab "})
  void mergesThatAreNoPairsAreRefused(String merge) {
    refused(gpt2().merges("a b", merge), "merge 1 to be two texts with a space between", merge);
  }

  @Test
  void longTextsAreCutInMessages() {
    var merge = "x".repeat(1 << 20);
    assertThatThrownBy(() -> gpt2().merges(merge).open())
        .message()
        .hasSizeLessThan(500)
        .endsWith("xxx…\"");
  }

  @Test
  void sentencePieceNeedsBytesOrSomethingForTheUnknown() throws IOException {
    refused(TokenizerFile.of("llama", "a", "b", "c"), "a token <0x00>, or one for what is unknown");
    var bytes = IntStream.range(0, 256).mapToObj("<0x%02X>"::formatted).toList();
    var types = new int[256];
    Arrays.fill(types, 6);
    assertThat(TokenizerFile.of("llama", bytes).types(types).open().encode("b"))
        .containsExactly(0xe2, 0x96, 0x81, 'b');
    refused(TokenizerFile.of("llama", bytes.subList(0, 255)), "a token <0xFF>, or one");
  }
}
