package dev.tenon.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.tenon.json.Json;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MessageTest {
  private static final ToolCall CALL = new ToolCall("c1", "add", Map.of("a", 1L));

  @Test
  void templatesSeeWhatTheyExpect() {
    assertThat(Message.user("Hi").toMap()).isEqualTo(Map.of("role", "user", "content", "Hi"));
    assertThat(Message.tool("c1", "add", "3").toMap())
        .isEqualTo(Map.of("role", "tool", "content", "3", "tool_call_id", "c1", "name", "add"));
    assertThat(Json.write(Message.assistant(null, "hm", List.of(CALL)).toMap()))
        .isEqualTo(
            "{\"role\":\"assistant\",\"content\":\"\",\"reasoning_content\":\"hm\",\"tool_calls\":"
                + "[{\"type\":\"function\",\"id\":\"c1\",\"function\":{\"name\":\"add\","
                + "\"arguments\":{\"a\":1}}}]}");
  }

  @Test
  void openAiHasArgumentsAsText() {
    assertThat(Json.write(Message.assistant(null, null, List.of(CALL)).toOpenAi()))
        .contains("\"arguments\":\"{\\\"a\\\":1}\"")
        .doesNotContain("content");
  }

  @Test
  void openAiIsReadBack() {
    var message = Message.assistant("Look", "hm", List.of(CALL));
    assertThat(Message.of(message.toOpenAi())).isEqualTo(message);
    assertThat(Message.of(message.toMap())).isEqualTo(message);
    assertThat(
            Message.of(
                    Json.object(
                        "{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": \"a\"},"
                            + " {\"type\": \"text\", \"text\": \"b\"}]}"))
                .content())
        .isEqualTo("a\nb");
  }

  @Test
  void argumentsMayBeNoObject() {
    var call = ToolCall.of(Map.of("function", Map.of("name", "f", "arguments", "not JSON")));
    assertThat(call.arguments()).isEqualTo("not JSON");
    assertThatIllegalArgumentException()
        .isThrownBy(call::argumentMap)
        .withMessageContaining("f: the arguments are no object but \"not JSON\"");
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    refused(() -> Message.of(Map.of("content", "a")), "'role' is missing");
    refused(() -> Message.of(Map.of("role", "user")), "the user has no content");
    refused(() -> Message.of(Map.of("role", "user", "content", 1L)), "neither text nor list");
    refused(
        () -> Message.of(Map.of("role", "user", "content", List.of(Map.of("type", "image_url")))),
        "image_url, not text");
    refused(
        () -> Message.of(Map.of("role", "assistant", "content", "", "tool_calls", 1L)),
        "'tool_calls' is no list");
    refused(() -> new Message("user", "a", "hm", List.of(), null, null), "a user neither thinks");
    refused(() -> new Message(" ", "a", null, List.of(), null, null), "the role is blank");
    refused(() -> new ToolCall(" ", Map.of()), "the name is blank");
    refused(() -> new ToolCall(null, "f", Double.NaN), "NaN");
  }

  private static void refused(Runnable made, String message) {
    assertThatIllegalArgumentException().isThrownBy(made::run).withMessageContaining(message);
  }
}
