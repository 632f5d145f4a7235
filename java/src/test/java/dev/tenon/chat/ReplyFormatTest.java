package dev.tenon.chat;

import static dev.tenon.chat.Replies.HERMES;
import static dev.tenon.chat.Replies.OWN;
import static dev.tenon.chat.Replies.conversation;
import static dev.tenon.chat.Replies.format;
import static dev.tenon.chat.Replies.with;
import static dev.tenon.chat.Replies.withTools;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.grammar.GrammarException;
import dev.tenon.jinja.TemplateException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ReplyFormatTest {
  private static final String CALL =
      "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Ulm\"}}\n</tool_call>";

  private final ReplyFormat hermes = format(HERMES);
  private final ReplyFormat own = format(OWN);

  @Test
  void textIsTheAnswer() {
    assertThat(hermes.parse(conversation(), "1 < 2, {x} [y]"))
        .isEqualTo(Message.assistant("1 < 2, {x} [y]"));
    assertThat(hermes.parse(withTools(), "Hello").content()).isEqualTo("Hello");
    assertThat(hermes.parse(withTools(), "")).isEqualTo(Message.assistant(""));
  }

  @Test
  void thoughtsAreNoAnswer() {
    var message = hermes.parse(conversation(), "<think>\nhm\n</think>\n\nYes");
    assertThat(message.reasoning()).isEqualTo("hm");
    assertThat(message.content()).isEqualTo("Yes");
  }

  @Test
  void thoughtsMayBeOpenInThePrompt() {
    var message = own.parse(conversation(), "hm</musing>Yes");
    assertThat(message.reasoning()).isEqualTo("hm");
    assertThat(message.content()).isEqualTo("Yes");
    assertThat(own.parse(conversation(), "still th").reasoning()).isEqualTo("still th");
  }

  @Test
  void thoughtsMayBeClosedInThePrompt() {
    var conversation = with(conversation(), "enable_thinking", false);
    var message = hermes.parse(conversation, "Yes");
    assertThat(message.reasoning()).isNull();
    assertThat(message.content()).isEqualTo("Yes");
  }

  @Test
  void callsAreRead() {
    var message = hermes.parse(withTools(), "Let me look.\n" + CALL + "\n" + CALL);
    assertThat(message.content().strip()).isEqualTo("Let me look.");
    var call = new ToolCall("weather", Map.of("city", "Ulm"));
    assertThat(message.toolCalls()).containsExactly(call, call);
  }

  @Test
  void textMayFollowCalls() {
    var message = hermes.parse(withTools(), CALL + "\nDone.");
    assertThat(message.content()).isEqualTo("Done.");
    assertThat(message.toolCalls()).hasSize(1);
    assertThatThrownBy(() -> hermes.parse(withTools(), CALL + "\nDone.\n<tool_call>\nx"))
        .isInstanceOf(ReplyException.class);
  }

  @Test
  void aTemplateThatNobodyListedIsReadOffItself() {
    var message =
        own.parse(
            withTools(),
            "hm</musing>Look:<do><act weather><with city>New\nUlm</with><with days>3</with></act>"
                + "</do><do><act ping></act></do>");
    assertThat(message.reasoning()).isEqualTo("hm");
    assertThat(message.content()).isEqualTo("Look:");
    assertThat(message.toolCalls())
        .containsExactly(
            new ToolCall("weather", Map.of("city", "New\nUlm", "days", 3L)),
            new ToolCall("ping", Map.of()));
  }

  @Test
  void withoutToolsWhatLooksLikeACallIsText() {
    assertThat(hermes.parse(conversation(), CALL).content()).isEqualTo(CALL);
    var none = with(withTools(), "tool_choice", "none");
    assertThat(hermes.parse(none, CALL).content()).isEqualTo(CALL);
  }

  @Test
  void aToolThatIsNotThereIsCalledAllTheSame() {
    assertThat(hermes.parse(withTools(), CALL.replace("weather", "sing")).toolCalls())
        .containsExactly(new ToolCall("sing", Map.of("city", "Ulm")));
    assertThat(
            own.parse(withTools(), "</musing><do><act sing><with x>1</with></act></do>")
                .toolCalls())
        .containsExactly(new ToolCall("sing", Map.of("x", 1L)));
  }

  @Test
  void aCallThatIsCutOffIsOneClearError() {
    for (int end = CALL.indexOf('{'); end < CALL.lastIndexOf('}'); end++) {
      var reply = CALL.substring(0, end);
      assertThatThrownBy(() -> hermes.parse(withTools(), reply))
          .isInstanceOf(ReplyException.class)
          .hasMessageStartingWith("the reply ends in the middle of a tool call");
    }
    assertThatThrownBy(() -> hermes.parse(withTools(), CALL.substring(0, 50)))
        .hasMessageEndingWith(" of weather");
    // What is complete but for its end marker is complete.
    var ended = CALL.substring(0, CALL.lastIndexOf('\n'));
    assertThat(hermes.parse(withTools(), ended).toolCalls()).hasSize(1);
  }

  @Test
  void aCallOfAnotherFormIsOneClearError() {
    assertThatThrownBy(() -> hermes.parse(withTools(), "Hm. <tool_call>\nweather(Ulm)"))
        .isInstanceOf(ReplyException.class)
        .hasMessageContaining("not written as the template has it, at character")
        .hasMessageContaining("weather(Ulm)");
  }

  @Test
  void halfAMarkerIsNeverShown() {
    var reply = "<think>\nhm\n</think>\n\n1 < 2, so: " + CALL;
    var parser = hermes.parser(withTools());
    var told = new Told();
    for (char c : reply.toCharArray()) {
      told.add(parser.accept("" + c));
      assertThat("1 < 2, so: ").startsWith(told.content.toString());
      assertThat("hm\n").startsWith(told.thinking.toString().stripLeading());
    }
    assertThat(told.started).containsExactly("weather");
    assertThat(told.calls).hasSize(1);
    assertThat(parser.finish().content()).isEqualTo("1 < 2, so: ");
    assertThat(parser.remaining()).isEmpty();
  }

  @Test
  void whatWasHeldBackIsTextAtTheEnd() {
    var parser = hermes.parser(withTools());
    assertThat(parser.accept("1 <")).containsExactly(new ReplyEvent.Content("1 "));
    assertThat(parser.finish().content()).isEqualTo("1 <");
    assertThat(parser.remaining()).containsExactly(new ReplyEvent.Content("<"));
  }

  @Test
  void halfACharacterIsHeldBack() {
    var parser = hermes.parser(conversation());
    assertThat(parser.accept("a\ud83d")).containsExactly(new ReplyEvent.Content("a"));
    assertThat(parser.accept("\ude42")).containsExactly(new ReplyEvent.Content("\ud83d\ude42"));
  }

  @Test
  void aParserIsForOneReply() {
    var parser = hermes.parser(conversation());
    parser.finish();
    assertThatIllegalStateException().isThrownBy(() -> parser.accept("a"));
    assertThatIllegalStateException().isThrownBy(parser::finish);
  }

  @Test
  void jsonThatIsNoCallIsTextWhereCallsHaveNoMarker() {
    var llama =
        format(
            """
            {%- for message in messages %}
            {{- '<|' + message.role + '|>' + (message.content or '') }}
            {%- if message.tool_calls %}{% set call = message.tool_calls[0].function %}
            {{- '{"name": "' + call.name + '", "parameters": ' }}
            {{- call.arguments | tojson }}{{ '}' }}{% endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}\
            """);
    assertThat(
            llama.parse(
                withTools(), "{\"name\": \"weather\", \"parameters\": {\"city\": \"Ulm\"}}"))
        .isEqualTo(
            Message.assistant("", null, List.of(new ToolCall("weather", Map.of("city", "Ulm")))));
    assertThat(llama.parse(withTools(), "A set: {1, 2}").content()).isEqualTo("A set: {1, 2}");
    assertThat(llama.parse(withTools(), "{\"name\": \"Ulm\", \"people\": 1}").content())
        .isEqualTo("{\"name\": \"Ulm\", \"people\": 1}");
  }

  @Test
  void whiteSpaceBesideCallsIsNoAnswer() {
    var message = hermes.parse(withTools(), "\n \n" + CALL + "\n");
    assertThat(message.content()).isEmpty();
    assertThat(message.toolCalls()).hasSize(1);
    assertThat(own.parse(withTools(), " \n a b\n</musing>Yes").reasoning()).isEqualTo("a b");
    assertThat(own.parse(withTools(), " \n</musing>Yes").reasoning()).isNull();
  }

  @Test
  void aTemplateThatRefusesEverythingHasPlainReplies() {
    var format = format("{{ raise_exception('no') }}");
    assertThat(format.parse(withTools(), CALL).content()).isEqualTo(CALL);
    assertThat(format.toolGrammar(withTools())).isNull();
    assertThat(format.stops()).isEmpty();
  }

  @Test
  void aTemplateThatRecursesSaysSo() {
    var recursing = format("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}");
    assertThatThrownBy(() -> recursing.parse(conversation(), "Hi"))
        .isInstanceOf(TemplateException.class);
  }

  @Test
  @Timeout(20)
  void aTemplateThatLoopsIsTriedOnce() {
    var looping =
        ChatTemplate.of(
            "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}");
    var format = ReplyFormat.of(looping);
    Conversations.of(looping);
    assertThatThrownBy(() -> format.parse(withTools(), "Hi"))
        .isInstanceOf(TemplateException.class)
        .hasMessageContaining("steps");
    var large = ChatTemplate.of("{{ ('a' * 10000000) | replace('a', 'bb') | length }}");
    assertThat(ReplyFormat.of(large).parse(conversation(), "Hi").content()).isEqualTo("Hi");
    // What loops only where there are calls is plain for the rest.
    var callsLoop = HERMES + "{% if messages[-1].tool_calls %}" + looping.source() + "{% endif %}";
    assertThat(format(callsLoop).parse(withTools(), "Hi").content()).isEqualTo("Hi");
  }

  @Test
  void messagesAndToolsAreListsOfObjects() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> hermes.parse(with(conversation(), "messages", "x"), "Hi"))
        .withMessage("messages: expected a list of objects, got a string");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> hermes.parse(with(conversation(), "messages", List.of(1)), "Hi"))
        .withMessage("messages[0]: expected an object, got a number");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> hermes.toolGrammar(with(conversation(), "tools", "foo")))
        .withMessage("tools: expected a list of objects, got a string");
    var lists = with(withTools(), "tools", List.of(List.of("a", "b"), 3));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> hermes.parser(lists))
        .withMessage("tools[0]: expected an object, got a list");
  }

  @Test
  void aMarkerAloneIsACallThatIsCutOff() {
    for (var template : List.of(HERMES, HERMES.replace("<tool_call>\\n{", "<tool_call>{"))) {
      for (var reply :
          List.of("<tool_call>", "<tool_call>\n", "Hm.\n<tool_call>", CALL + "\n<tool_call>")) {
        assertThatThrownBy(() -> format(template).parse(withTools(), reply))
            .as(reply)
            .isInstanceOf(ReplyException.class)
            .hasMessage("the reply ends in the middle of a tool call");
      }
      assertThat(format(template).parse(conversation(), "<tool_call>").content())
          .isEqualTo("<tool_call>");
    }
  }

  @Test
  void anIdMayStandBeforeTheName() {
    var format =
        format(
            """
            {%- for tool in tools or [] %}{{ tool.function.name + ';' }}{% endfor %}
            {%- for message in messages %}
            {%- if message.tool_calls %}{{ '<|assistant|><|calls|>' }}
            {%- for call in message.tool_calls %}
            {{- '<|call|>' + call.id + '<|name|>' + call.function.name + '<|args|>' }}
            {{- call.function.arguments | tojson }}{{ '<|end|>' }}{% endfor %}{{ '<|done|>' }}
            {%- else %}{{ '<|' + message.role + '|>' + message.content + '<|over|>' }}{% endif %}
            {%- endfor %}
            {%- if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}\
            """);
    var reply =
        "<|calls|><|call|>a1b2c3d4e5<|name|>weather<|args|>{\"city\": \"Ulm\"}<|end|><|call|>"
            + "x<|name|>ping<|args|>{}<|end|><|done|>";
    assertThat(format.parse(withTools(), reply).toolCalls())
        .containsExactly(
            new ToolCall("a1b2c3d4e5", "weather", Map.of("city", "Ulm")),
            new ToolCall("x", "ping", Map.of()));
    var grammar = format.toolGrammar(withTools()).grammar();
    assertThat(grammar.accepts(reply)).isTrue();
    assertThat(grammar.accepts(reply.replace("ping", "sing"))).isFalse();
    assertThat(grammar.toString()).doesNotContain("call0000");
  }

  @Test
  void argumentsAreNestedOnlySoDeep() {
    var deep = "[".repeat(100_000);
    var reply = "<tool_call>\n{\"name\": \"weather\", \"arguments\": {\"city\": " + deep;
    assertThatThrownBy(() -> hermes.parse(withTools(), reply)).isInstanceOf(ReplyException.class);
    assertThat(hermes.parse(conversation(), reply).content()).isEqualTo(reply);
  }

  @Test
  void aGrammarHoldsACallToItsSchema() {
    for (var format : List.of(hermes, own)) {
      var grammar = format.toolGrammar(withTools());
      assertThat(grammar.lazy()).isTrue();
      var good = format == hermes ? CALL : "<do><act weather><with city>Ulm</with></act></do>";
      assertThat(grammar.grammar().accepts(good)).isTrue();
      assertThat(grammar.grammar().accepts(good.replace("weather", "sing"))).isFalse();
      assertThat(grammar.grammar().accepts(good.replace("city", "town"))).isFalse();
      assertThat(grammar.grammar().accepts("Hello")).isFalse();
    }
    assertThat(hermes.toolGrammar(conversation())).isNull();
  }

  @Test
  void aCallMayBeDemanded() {
    var grammar = hermes.toolGrammar(with(withTools(), "tool_choice", "required"));
    assertThat(grammar.lazy()).isFalse();
    assertThat(grammar.grammar().accepts(grammar.opening() + CALL)).isTrue();
    assertThat(grammar.grammar().accepts(grammar.opening() + "Hello")).isFalse();
  }

  @Test
  void anAnswerMayHaveASchema() {
    var schema = Map.of("type", "object", "properties", Map.of("n", Map.of("type", "integer")));
    var conversation =
        with(
            conversation(),
            "response_format",
            Map.of("type", "json_schema", "json_schema", Map.of("schema", schema)));
    assertThat(hermes.parse(conversation, "{\"n\": 1}").content()).isEqualTo("{\"n\": 1}");
    assertThat(hermes.toolGrammar(conversation).grammar().accepts("{\"n\": 1}")).isTrue();
    assertThat(hermes.toolGrammar(conversation).grammar().accepts("{\"n\": \"a\"}")).isFalse();
  }

  @Test
  void aSchemaThatTheAnswerCannotBeHeldToIsAnError() {
    for (var schema : List.of(Map.of("$ref", "#/x"), Map.of("enum", List.of()))) {
      var conversation =
          with(
              withTools(),
              "response_format",
              Map.of("type", "json_schema", "json_schema", Map.of("schema", schema)));
      for (var format : List.of(hermes, own)) {
        assertThatThrownBy(() -> format.toolGrammar(conversation))
            .as("%s", schema)
            .isInstanceOf(GrammarException.class);
      }
    }
    var function =
        Map.of(
            "name",
            "f",
            "parameters",
            Map.of("type", "object", "properties", Map.of("a", Map.of("$ref", "#/x"))));
    var tools = with(conversation(), "tools", List.of(Map.of("function", function)));
    assertThat(
            hermes
                .toolGrammar(tools)
                .grammar()
                .accepts("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>"))
        .isTrue();
  }
}
