package dev.tenon.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.jinja.TemplateException;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ChatTemplateTest {
  private static final List<Map<String, String>> MESSAGES =
      List.of(
          Map.of("role", "system", "content", " Be brief. "),
          Map.of("role", "user", "content", "Hi"),
          Map.of("role", "assistant", "content", "Hello"),
          Map.of("role", "user", "content", "Bye\n"));

  @TempDir Path folder;

  @Test
  void suppliesWhatTheCallerLeavesOut() {
    var template =
        ChatTemplate.of("{{ bos_token }}{{ tools is none }}{{ eos_token }}{{ x is defined }}");
    assertThat(template.render(Map.of())).isEqualTo("TrueFalse");
    assertThat(template.withTokens("<s>", "</s>").render(Map.of())).isEqualTo("<s>True</s>False");
    assertThat(template.withTokens("<s>", "</s>").render(Map.of("bos_token", "B", "x", 1)))
        .isEqualTo("BTrue</s>True");
    assertThat(
            ChatTemplate.of("{{ messages|length }}{{ add_generation_prompt }}{{ tools }}")
                .render(MESSAGES, null, true))
        .isEqualTo("4TrueNone");
  }

  @Test
  void timeIsTheVariableNow() {
    var template = ChatTemplate.of("{{ strftime_now('%Y-%m-%d %H:%M:%S') }}");
    assertThat(template.render(Map.of("now", "2024-02-29T01:02:03")))
        .isEqualTo("2024-02-29 01:02:03");
    assertThat(template.render(Map.of())).matches("20\\d\\d-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d");
    assertThatThrownBy(() -> template.render(Map.of("now", "noon")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2026-01-15T12:00:00, got noon");
    assertThat(ChatTemplate.of("{{ now }}").render(Map.of("now", "noon"))).isEqualTo("noon");
  }

  @Test
  void anExceptionOfTheTemplateKeepsItsWords() {
    var template = ChatTemplate.of("{{ raise_exception('Roles must alternate') }}");
    assertThatThrownBy(() -> template.render(Map.of()))
        .isInstanceOfSatisfying(
            TemplateException.class, e -> assertThat(e.reason()).isEqualTo("Roles must alternate"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "chatml|<|im_start|>system\\n Be brief. <|im_end|>\\n<|im_start|>user\\nHi<|im_end|>\\n",
        "llama3|<|start_header_id|>system<|end_header_id|>\\n\\nBe brief.<|eot_id|>",
        "gemma|<start_of_turn>user\\nBe brief.\\n\\nHi<end_of_turn>\\n<start_of_turn>model\\nHello",
        "llama2-sys-bos|[INST] <<SYS>>\\n Be brief. \\n<</SYS>>\\n\\nHi [/INST]Hello</s><s>[INST] ",
        "mistral-v1| [INST]  Be brief. \\n\\nHi [/INST] Hello</s> [INST] Bye\\n [/INST]",
        "vicuna| Be brief. \\n\\nUSER: Hi\\nASSISTANT: Hello</s>\\nUSER: Bye\\n\\nASSISTANT:",
      })
  void builtInTemplatesRenderAsLlamaCpp(String row) {
    var name = row.substring(0, row.indexOf('|'));
    var expected = row.substring(row.indexOf('|') + 1).replace("\\n", "\n");
    assertThat(ChatTemplate.builtIn(name).render(MESSAGES, null, true)).startsWith(expected);
  }

  @Test
  void everyBuiltInTemplateRenders() {
    assertThat(ChatTemplate.builtInNames()).hasSizeGreaterThan(50).isSorted();
    for (var name : ChatTemplate.builtInNames()) {
      var template = ChatTemplate.builtIn(name);
      assertThat(template.render(MESSAGES, null, true)).as(name).contains("Hi", "Hello", "Bye");
      assertThat(template.render(List.of(), null, false)).as(name).hasSizeLessThan(60);
    }
    assertThatThrownBy(() -> ChatTemplate.builtIn("nope"))
        .hasMessageContaining("\"nope\"")
        .hasMessageContaining("chatml");
  }

  private <T> T with(GgufWriter writer, Use<T> use, String... further) throws IOException {
    var tokens = new ArrayList<>(List.of("<unk>", "<s>", "</s>"));
    for (int i = 0; i < 256; i++) tokens.add("<0x%02X>".formatted(i));
    tokens.addAll(List.of(further));
    var types = new int[tokens.size()];
    var scores = new float[tokens.size()];
    for (int i = 0; i < types.length; i++) types[i] = i < 3 || i > 258 ? 3 : 6;
    var file = folder.resolve("file.gguf");
    writer
        .put("general.architecture", "llama")
        .put("tokenizer.ggml.model", "llama")
        .put("tokenizer.ggml.tokens", GgufValue.Array.strings(tokens))
        .put("tokenizer.ggml.token_type", GgufValue.Array.of(types))
        .put("tokenizer.ggml.scores", GgufValue.Array.of(scores))
        .write(file);
    try (var gguf = Gguf.open(file)) {
      return use.apply(gguf, Tokenizer.of(gguf));
    }
  }

  private interface Use<T> {
    T apply(Gguf gguf, Tokenizer tokenizer) throws IOException;
  }

  @Test
  void aFileHasItsTemplateAndTokens() throws IOException {
    var writer =
        new GgufWriter()
            .put("tokenizer.chat_template", "{{ bos_token }}plain{{ eos_token }}")
            .put("tokenizer.chat_template.tool_use", "{{ bos_token }}tools{{ eos_token }}")
            .put("tokenizer.chat_template.rag", "rag");
    with(
        writer,
        (gguf, tokenizer) -> {
          var template = ChatTemplate.of(gguf, tokenizer);
          assertThat(template.render(List.of(), null, true)).isEqualTo("<s>plain</s>");
          assertThat(template.render(List.of(), List.of(Map.of()), true)).isEqualTo("<s>tools</s>");
          assertThat(template.bosToken()).isEqualTo("<s>");
          assertThat(template.source()).contains("plain");
          assertThat(template.toolSource()).contains("tools");
          assertThat(ChatTemplate.present(gguf)).isTrue();
          assertThat(ChatTemplate.names(gguf)).containsExactlyInAnyOrder("tool_use", "rag");
          assertThat(ChatTemplate.of(gguf, tokenizer, "rag").render(Map.of())).isEqualTo("rag");
          assertThatThrownBy(() -> ChatTemplate.of(gguf, tokenizer, "nope"))
              .hasMessageContaining("\"nope\"")
              .hasMessageContaining("rag");
          return null;
        });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "chatml; a b",
        "chatml; <|im_start|> <|im_end|>",
        "phi4; <|im_start|> <|im_sep|> <|im_end|>",
        "llama3; <|start_header_id|> <|end_header_id|> <|eot_id|>",
        "gemma; <start_of_turn> <end_of_turn>",
        "gpt-oss; <|start|> <|channel|> <|message|> <|end|>",
        "mistral-v7; [INST] [/INST] [SYSTEM_PROMPT]",
        "mistral-v3; [INST] [/INST] [AVAILABLE_TOOLS]",
        "command-r; <|START_OF_TURN_TOKEN|> <|CHATBOT_TOKEN|>",
        "phi3; <|user|> <|assistant|> <|end|> <|endoftext|>",
      })
  void aFileWithoutATemplateHasTheOneOfItsVocabulary(String name, String tokens)
      throws IOException {
    with(
        new GgufWriter(),
        (gguf, tokenizer) -> {
          assertThat(ChatTemplate.present(gguf)).isFalse();
          assertThat(ChatTemplate.of(gguf, tokenizer).source())
              .isEqualTo(ChatTemplate.builtIn(name).source());
          return null;
        },
        tokens.split(" "));
  }
}
