package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RenderTest {
  private static final String CONVERSATION =
      """
      {"messages": [{"role": "user", "content": "Pécs\\n"}], "add_generation_prompt": true,
       "now": "2026-01-15T12:00:00"}
      """;

  @TempDir Path folder;

  private String file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text).toString();
  }

  private String model(String template) throws IOException {
    var file = folder.resolve("model.gguf");
    var writer = new GgufWriter().put("general.architecture", "llama");
    if (template != null) writer.put("tokenizer.chat_template", template);
    TinyModel.vocabulary(writer, true).write(file);
    return file.toString();
  }

  @Test
  void printsTheRenderingAndNothingElse() throws IOException {
    var template = file("a.jinja", "{{ messages[0].content }}{{ bos_token }}{{ tools is none }}\n");
    var input = file("a.json", CONVERSATION);
    assertThat(tenon("render", "--template", template, "--input", input).succeeded().out())
        .isEqualTo("Pécs\nTrue");
    assertThat(
            with()
                .in(CONVERSATION)
                .run("render", "--template", template, "--input", "-")
                .succeeded()
                .out())
        .isEqualTo("Pécs\nTrue");
  }

  @Test
  void theFieldNowIsTheTime() throws IOException {
    var template = file("a.jinja", "{{ strftime_now('%d %B %Y %H:%M') }}");
    var input = file("a.json", CONVERSATION);
    assertThat(tenon("render", "--template", template, "--input", input).succeeded().out())
        .isEqualTo("15 January 2026 12:00");
    var wrong = file("b.json", "{\"now\": \"noon\"}");
    tenon("render", "--template", template, "--input", wrong).failed("noon");
  }

  @Test
  void aModelHasItsTemplateAndTokens() throws IOException {
    var input = file("a.json", CONVERSATION);
    var model = model("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}");
    assertThat(tenon("render", "-m", model, "--input", input).succeeded().out())
        .isEqualTo("<s>Pécs\n</s>");
    assertThat(tenon("render", "-m", model(null), "--input", input).succeeded().out())
        .isEqualTo("<|im_start|>user\nPécs\n<|im_end|>\n<|im_start|>assistant\n");
    assertThat(tenon("render", "--chat-template", "llama3", "--input", input).succeeded().out())
        .isEqualTo(
            "<|start_header_id|>user<|end_header_id|>\n\nPécs<|eot_id|>"
                + "<|start_header_id|>assistant<|end_header_id|>\n\n");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ messages|nope }}",
        "{% if a %}",
        "{% include 'other' %}",
        "{{ raise_exception('no\nway') }}",
        "{{ nope.x }}",
        "{{ ((((",
      })
  void badTemplatesAreOneLineWithThePlace(String source) throws IOException {
    var template = file("a.jinja", source);
    var input = file("a.json", CONVERSATION);
    tenon("render", "--template", template, "--input", input).failed("line 1, column ");
  }

  @Test
  void badInputIsOneLine() throws IOException {
    var template = file("a.jinja", "{{ messages }}");
    tenon("render", "--template", template, "--input", file("a.json", "{\"a\": "))
        .failed("a.json", "JSON");
    tenon("render", "--template", template, "--input", file("b.json", "[1]")).failed("object");
    tenon("render", "--template", template, "--input", folder.resolve("none").toString())
        .failed("no such file");
    tenon("render", "--template", folder.resolve("none").toString(), "--input", "-")
        .failed("no such file");
    with().in("{").run("render", "--template", template, "--input", "-").failed("stdin: ");
    tenon("render", "--template", template, "--input", folder.toString())
        .failed(folder + ": it is a folder");
    tenon("render", "--template", folder.toString(), "--input", "-")
        .failed(folder + ": it is a folder");
    tenon("render", "--template", template).refused("--input");
    tenon("render", "--input", file("c.json", "{}")).refused("--template");
    tenon("render", "--chat-template", "nope", "--input", file("d.json", "{}")).failed("chatml");
  }
}
