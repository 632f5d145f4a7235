package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ParseTest {
  private static final String CALL =
      "<tool_call>{\"name\": \"add\", \"arguments\": {\"a\": 1}}</tool_call>";

  @TempDir static Path folder;
  private static String template;
  private static String conversation;

  @BeforeAll
  static void write() throws IOException {
    template =
        Files.writeString(
                folder.resolve("template.jinja"),
                "{% for m in messages %}<|{{ m.role }}|>{% if m.reasoning_content %}<think>"
                    + "{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}"
                    + "{% for c in m.tool_calls or [] %}<tool_call>{\"name\": \""
                    + "{{ c.function.name }}\", \"arguments\": {{ c.function.arguments | tojson }}}"
                    + "</tool_call>{% endfor %}<|end|>{% endfor %}"
                    + "{% if add_generation_prompt %}<|assistant|>{% endif %}")
            .toString();
    conversation =
        Files.writeString(
                folder.resolve("conversation.json"),
                "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}], \"tools\": [{\"type\":"
                    + " \"function\", \"function\": {\"name\": \"add\", \"parameters\": {\"type\":"
                    + " \"object\", \"properties\": {\"a\": {\"type\": \"integer\"}}}}}]}")
            .toString();
  }

  @Test
  void printsTheMessageAsOpenAisJson() {
    assertThat(parsed("<think>hm</think>Look: " + CALL))
        .isEqualTo(
            Map.of(
                "role",
                "assistant",
                "content",
                "Look: ",
                "reasoning_content",
                "hm",
                "tool_calls",
                List.of(
                    Map.of(
                        "type",
                        "function",
                        "function",
                        Map.of("name", "add", "arguments", "{\"a\":1}")))));
    assertThat(parsed("Hello\n")).isEqualTo(Map.of("role", "assistant", "content", "Hello\n"));
  }

  @Test
  void whatIsWrongIsOneLine() throws IOException {
    tried(CALL.substring(0, 40)).failed("the reply ends in the middle of a tool call of add");
    tried("<tool_call>add 1</tool_call>").failed("not written as the template has it");
    var broken = Files.writeString(folder.resolve("broken.json"), "{\"messages\": [").toString();
    with().in("").run("parse", "--template", template, "--input", broken).failed("broken.json");
    with()
        .in("")
        .run("parse", "--template", template, "--input", folder.resolve("none").toString())
        .failed("no such file");
  }

  @Test
  void whatTheConversationOrTheTemplateLacksIsSaid() throws IOException {
    refuses("{\"messages\": \"x\"}", "messages: expected a list of objects, got a string");
    refuses("{\"messages\": [], \"tools\": \"foo\"}", "tools: expected a list of objects");
    refuses(
        "{\"messages\": [], \"tools\": [[\"a\", \"b\"], 3]}",
        "tools[0]: expected an object, got a list");
    for (var jinja :
        List.of(
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}")) {
      with()
          .in("Hi")
          .run("parse", "--chat-template", jinja, "--input", conversation)
          .failed("line 1");
    }
  }

  private static void refuses(String json, String hint) throws IOException {
    var file = Files.writeString(folder.resolve("refused.json"), json).toString();
    with().in("Hi").run("parse", "--template", template, "--input", file).failed(hint);
  }

  @Test
  void usageIsChecked() {
    tenon("parse").refused("--input");
    tenon("parse", "--input", conversation).refused("--template");
    tenon("parse", "--template", template, "--input", "-").refused("stdin");
  }

  private static Tried tried(String reply) {
    return with().in(reply).run("parse", "--template", template, "--input", conversation);
  }

  private static Object parsed(String reply) {
    return Json.parse(tried(reply).succeeded().out());
  }
}
