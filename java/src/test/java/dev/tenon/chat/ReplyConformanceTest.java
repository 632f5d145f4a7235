package dev.tenon.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Replies as llama.cpp's parser takes them apart, whole and character by character.
class ReplyConformanceTest {
  /// A reply after a conversation. What is recorded for it may be several messages: with and
  /// without thoughts taken out of the answer.
  private record Case(String template, Map<String, Object> conversation, String reply) {}

  /// A message as it is compared: white space around texts aside, arguments as JSON.
  private record Parsed(String content, String thinking, List<Object> calls) {}

  @TestFactory
  Stream<DynamicTest> everyReplyIsTakenApartAsRecorded() throws IOException {
    var folder = Fixtures.need("templates");
    var recorded = new LinkedHashMap<Case, List<Parsed>>();
    for (var entry : list(Json.parse(Files.readString(folder.resolve("replies.json"))))) {
      var reply = map(entry);
      recorded
          .computeIfAbsent(
              new Case(
                  (String) reply.get("template"),
                  map(reply.get("conversation")),
                  (String) reply.get("reply")),
              _ -> new ArrayList<>())
          .add(recorded(map(reply.get("message"))));
    }
    var formats = new HashMap<String, ReplyFormat>();
    return recorded.entrySet().stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey().template() + " " + Json.write(entry.getKey().reply()),
                    () -> check(formats, folder, entry.getKey(), entry.getValue())));
  }

  private static void check(
      Map<String, ReplyFormat> formats, Path folder, Case reply, List<Parsed> recorded)
      throws IOException {
    var format = formats.get(reply.template());
    if (format == null) {
      format = ReplyFormat.of(ChatTemplate.of(Files.readString(folder.resolve(reply.template()))));
      formats.put(reply.template(), format);
    }
    var whole = format.parse(reply.conversation(), reply.reply());
    assertThat(recorded).contains(parsed(whole));

    var parser = format.parser(reply.conversation());
    var told = new Told();
    for (int i = 0; i < reply.reply().length(); i++) {
      told.add(parser.accept(reply.reply().substring(i, i + 1)));
    }
    assertThat(parser.finish()).isEqualTo(whole);
    told.add(parser.remaining());
    // White space before a call may have been told before the call was known.
    var content = told.content.toString();
    assertThat(content.isBlank() && !whole.toolCalls().isEmpty() ? "" : content)
        .isEqualTo(whole.content());
    assertThat(told.thinking.toString().strip())
        .isEqualTo(whole.reasoning() == null ? "" : whole.reasoning());
    assertThat(told.calls).isEqualTo(whole.toolCalls());

    var grammar = format.toolGrammar(reply.conversation());
    if (grammar != null) grammar.grammar();
  }

  private static Parsed recorded(Map<String, Object> message) {
    var calls = new ArrayList<Object>();
    if (message.get("tool_calls") instanceof List<?> list) {
      for (var call : list) {
        calls.add(
            List.of(map(call).get("name"), value(Json.parse((String) map(call).get("arguments")))));
      }
    }
    return new Parsed(text(message.get("content")), text(message.get("reasoning_content")), calls);
  }

  private static Parsed parsed(Message message) {
    return new Parsed(
        text(message.content()),
        message.reasoning() == null ? "" : message.reasoning(),
        message.toolCalls().stream()
            .map(call -> (Object) List.of(call.name(), value(call.arguments())))
            .toList());
  }

  private static String text(Object text) {
    return text == null ? "" : ((String) text).strip();
  }

  /// A number is what it is worth, whichever way it is written.
  private static Object value(Object json) {
    return switch (json) {
      case null -> "null";
      case Number number -> number.doubleValue();
      case Map<?, ?> members -> {
        var map = new HashMap<Object, Object>();
        members.forEach((name, member) -> map.put(name, value(member)));
        yield map;
      }
      case List<?> elements -> elements.stream().map(ReplyConformanceTest::value).toList();
      default -> json;
    };
  }

  private static List<?> list(Object value) {
    return (List<?>) value;
  }

  private static Map<String, Object> map(Object value) {
    var map = new LinkedHashMap<String, Object>();
    ((Map<?, ?>) value).forEach((name, member) -> map.put((String) name, member));
    return map;
  }
}
