package dev.tenon.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConversationsTest {
  private static final String PLAIN =
      "{% for m in messages %}{{ m.role }}: {{ m.content }}{% for c in m.tool_calls or [] %}"
          + " {{ c.function.arguments | tojson }}{% endfor %};{% endfor %}";

  @Test
  void aSystemMessageThatTheTemplateDoesNotKnowStandsBeforeTheQuestion() {
    var refusing =
        "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}" + PLAIN;
    var messages = List.of(Message.system("Be brief."), Message.user("Hi"));
    assertThat(rendered(refusing, messages)).isEqualTo("user: Be brief.\nHi;");
    assertThat(rendered(PLAIN, messages)).isEqualTo("system: Be brief.;user: Hi;");
  }

  @Test
  void argumentsAreTextWhereTheTemplateJoinsThem() {
    var joining = PLAIN.replace("c.function.arguments | tojson", "'=' + c.function.arguments");
    var call = new ToolCall("f", Map.of("a", List.of(1L, 2L)));
    var messages = List.of(Message.user("Hi"), Message.assistant("", null, List.of(call)));
    assertThat(rendered(joining, messages)).endsWith("assistant:  ={\"a\": [1, 2]};");
    assertThat(rendered(PLAIN, messages)).endsWith("assistant:  {\"a\": [1, 2]};");
  }

  @Test
  void contentIsPartsWhereTheTemplateTakesNothingElse() {
    var parts =
        "{% for m in messages %}{{ m.role }}:{% for p in m.content %} {{ p.text }}{% endfor %};"
            + "{% endfor %}";
    assertThat(rendered(parts, List.of(Message.system("Be brief."), Message.user("Hi"))))
        .isEqualTo("system: Be brief.;user: Hi;");
  }

  @Test
  void whatTheCallerSaysCounts() {
    var variables =
        Conversations.of(ChatTemplate.of(PLAIN))
            .variables(
                List.of(Message.user("Hi")), List.of(), Map.of("add_generation_prompt", false));
    assertThat(variables).containsEntry("add_generation_prompt", false).doesNotContainKey("tools");
  }

  private static String rendered(String source, List<Message> messages) {
    var template = ChatTemplate.of(source);
    return template.render(Conversations.of(template).variables(messages, List.of(), Map.of()));
  }
}
