package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.tokenizer.TokenType;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Folders made by hand: what becomes of each part of a tokenizer's files.
class TokenizerFilesTest {
  private static final String LLAMA3 =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\\\r\\\\n\\\\p{L}\\\\p{N}]?\\\\p{L}+|\\\\p{N}{1,3}"
          + "| ?[^\\\\s\\\\p{L}\\\\p{N}]+[\\\\r\\\\n]*|\\\\s*[\\\\r\\\\n]+|\\\\s+(?!\\\\S)|\\\\s+";

  @TempDir private Path folder;

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  private void byteLevel(String split, boolean whole, String more) throws IOException {
    write(
        "tokenizer.json",
        """
        {%s"pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Split","pattern":
        {"Regex":"%s"},"behavior":"Isolated"},{"type":"ByteLevel","add_prefix_space":false,
        "use_regex":false}]},"decoder":{"type":"ByteLevel"},"model":{"type":"BPE",
        "ignore_merges":%s,"vocab":{"a":0,"b":1,"ab":2,"Ġ":3},"merges":["a b"]}}\
        """
            .formatted(more, split, whole));
  }

  private Gguf gguf(int rows) throws IOException {
    var writer = new GgufWriter();
    TokenizerFiles.read(folder, rows).putInto(writer);
    writer.write(folder.resolve("t.gguf"));
    return Gguf.open(folder.resolve("t.gguf"));
  }

  @Test
  void theSplittingIsFoundByWhatItDoes() throws IOException {
    byteLevel(LLAMA3, true, "");
    assertPre("llama-bpe", false);
    // The same, written in another way.
    byteLevel(
        LLAMA3.replace("\\\\p{N}{1,3}", "\\\\p{N}\\\\p{N}?\\\\p{N}?").replace("(?i:", "(?i)(?:"),
        true,
        "");
    assertPre("llama-bpe", false);
    byteLevel(LLAMA3, false, "");
    assertPre("dbrx", false);
    byteLevel(LLAMA3.replace("{1,3}", ""), false, "");
    assertPre("qwen2", false);
    // One that llama.cpp does not know goes by Tenon's own keys, near to one that it does.
    byteLevel(LLAMA3.replace("{1,3}", "{1,2}"), true, "");
    assertPre("llama-bpe", true);
    byteLevel(LLAMA3, true, "\"normalizer\":{\"type\":\"NFC\"},");
    assertPre("llama-bpe", true);
  }

  private void assertPre(String name, boolean own) throws IOException {
    try (var gguf = gguf(6)) {
      assertThat(gguf.text("tokenizer.ggml.pre")).isEqualTo(name);
      assertThat(gguf.has("tenon.tokenizer.steps")).isEqualTo(own);
      assertThat(Tokenizer.of(gguf).encode("ab aé")).containsExactly(2, 3, 0);
    }
  }

  @Test
  void idsWithoutATokenAreNeverUsed() throws IOException {
    byteLevel(
        LLAMA3,
        true,
        "\"added_tokens\":[{\"id\":6,\"content\":\"<x>\",\"special\":false},"
            + "{\"id\":7,\"content\":\"<|y|>\",\"special\":true},"
            + "{\"id\":99,\"content\":\"<z>\",\"special\":true}],");
    try (var gguf = gguf(10)) {
      var tokenizer = Tokenizer.of(gguf);
      assertThat(tokenizer.vocabularySize()).isEqualTo(10);
      assertThat(tokenizer.piece(4)).isEqualTo("[PAD4]");
      assertThat(tokenizer.type(4)).isEqualTo(TokenType.UNUSED);
      assertThat(tokenizer.type(6)).isEqualTo(TokenType.USER_DEFINED);
      assertThat(tokenizer.type(7)).isEqualTo(TokenType.CONTROL);
      assertThat(tokenizer.encode("a<x>b<|y|>", false, true)).containsExactly(0, 6, 1, 7);
    }
  }

  @Test
  void settingsNameSpecialTokensAndTemplates() throws IOException {
    byteLevel(
        LLAMA3,
        true,
        "\"added_tokens\":[{\"id\":4,\"content\":\"<s>\",\"special\":true},"
            + "{\"id\":5,\"content\":\"</s>\",\"special\":true}],\"post_processor\":"
            + "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"<s>\"}},"
            + "{\"Sequence\":{\"id\":\"A\"}}]},");
    write(
        "tokenizer_config.json",
        "{\"bos_token\":\"<s>\",\"eos_token\":{\"content\":\"</s>\"},\"chat_template\":["
            + "{\"name\":\"default\",\"template\":\"D\"},"
            + "{\"name\":\"tool_use\",\"template\":\"T\"}]}");
    write("generation_config.json", "{\"eos_token_id\":[5,2]}");
    try (var gguf = gguf(6)) {
      var tokenizer = Tokenizer.of(gguf);
      assertThat(tokenizer.encode("a", true, false)).containsExactly(4, 0);
      assertThat(tokenizer.eos()).isEqualTo(5);
      assertThat(tokenizer.endsGeneration(2)).isTrue();
      assertThat(gguf.text("tokenizer.chat_template")).isEqualTo("D");
      assertThat(gguf.text("tokenizer.chat_template.tool_use")).isEqualTo("T");
      assertThat(gguf.strings("tokenizer.chat_templates")).containsExactly("tool_use");
    }
  }

  @Test
  void vocabularyAndMergesAreEnough() throws IOException {
    assertThat(TokenizerFiles.present(folder)).isFalse();
    write("vocab.json", "{\"a\":0,\"b\":1,\"ab\":2,\"Ġ\":3}");
    assertThat(TokenizerFiles.present(folder)).isFalse();
    write("merges.txt", "#version: 0.2\na b\n");
    assertThat(TokenizerFiles.present(folder)).isTrue();
    assertPre("gpt-2", false);
    write("tokenizer_config.json", "{\"tokenizer_class\":\"Qwen2Tokenizer\"}");
    assertPre("qwen2", true);
    write("tokenizer_config.json", "{\"tokenizer_class\":\"XyzTokenizer\"}");
    assertThatThrownBy(() -> TokenizerFiles.read(folder, 4))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("XyzTokenizer")
        .hasMessageContaining("GPT2Tokenizer");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"model\":{\"type\":\"Xyz\"}}",
        "{\"normalizer\":{\"type\":\"Xyz\"},\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}",
        "{\"pre_tokenizer\":{\"type\":\"Xyz\"},"
            + "\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}",
        "{\"decoder\":{\"type\":\"Xyz\"},\"model\":{\"type\":\"BPE\",\"vocab\":{},\"merges\":[]}}"
      })
  void whatIsUnknownIsNamed(String json) throws IOException {
    write("tokenizer.json", json);
    assertThatThrownBy(() -> TokenizerFiles.read(folder, 4))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageStartingWith(folder.resolve("tokenizer.json").toString())
        .hasMessageContaining("\"Xyz\" is not supported; known are ");
  }

  @Test
  void severalTokensBeginAText() throws IOException {
    byteLevel(
        LLAMA3,
        true,
        "\"added_tokens\":[{\"id\":4,\"content\":\"[g]\",\"special\":true},"
            + "{\"id\":5,\"content\":\"<sop>\",\"special\":true}],\"post_processor\":"
            + "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":\"[g]\"}},"
            + "{\"SpecialToken\":{\"id\":\"<sop>\"}},{\"Sequence\":{\"id\":\"A\"}}]},");
    try (var gguf = gguf(6)) {
      var tokenizer = Tokenizer.of(gguf);
      assertThat(tokenizer.encode("a", true, false)).containsExactly(4, 5, 0);
      assertThat(tokenizer.encode("a", false, false)).containsExactly(0);
    }
    // A text is begun by the token that the template has, whatever else is called so.
    write("tokenizer_config.json", "{\"bos_token\":\"<sop>\"}");
    try (var gguf = gguf(6)) {
      assertThat(gguf.integer("tokenizer.ggml.bos_token_id")).isEqualTo(4);
    }
  }

  @Test
  void mergesMayHaveSpacesOfTheirOwn() throws IOException {
    write(
        "tokenizer.json",
        """
        {"model":{"type":"BPE","vocab":{"a":0," ":1,"a ":2," a":3,"a  a":4,"a a":5,"b":6},
        "merges":[["a"," "],[" ","a"],["a "," a"],["a ","a"]]}}\
        """);
    try (var gguf = gguf(7)) {
      assertThat(Tokenizer.of(gguf).encode("b a a", false, false)).containsExactly(6, 1, 5);
    }
  }

  @Test
  void aByteWithoutATokenIsTheUnknownOne() throws IOException {
    write(
        "tokenizer.json",
        """
        {"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},"decoder":
        {"type":"ByteLevel"},"model":{"type":"BPE","unk_token":"<u>",
        "vocab":{"<u>":0,"a":1,"b":2},"merges":[]}}\
        """);
    try (var gguf = gguf(3)) {
      assertThat(Tokenizer.of(gguf).encode("acb", false, false)).containsExactly(1, 0, 2);
    }
  }

  @Test
  void slowRegularExpressionsAreStopped() throws IOException {
    byteLevel("(a|a)*(b|c)*(a+)+$x", true, "");
    assertThatThrownBy(
            () -> {
              try (var gguf = gguf(4)) {
                Tokenizer.of(gguf).encode("a".repeat(5000));
              }
            })
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("regular expression");
  }
}
