package dev.tenon.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.function.Supplier;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Whatever a model writes is a message or a [ReplyException], and the same in pieces.
class ReplyFuzzTest {
  private static final List<String> PARTS =
      List.of(
          "<think>",
          "</think>",
          "<tool_call>",
          "</tool_call>",
          "<musing>",
          "</musing>",
          "<do>",
          "</do>",
          "<act ",
          "weather",
          "ping",
          ">",
          "</act>",
          "<with ",
          "city",
          "days",
          "</with>",
          "{",
          "}",
          "\"name\": ",
          "\"weather\"",
          ", ",
          "\"arguments\": ",
          "{\"city\": \"Ulm\"}",
          "\n",
          " ",
          "3",
          "-",
          "\"",
          "\\",
          "\\u12",
          "[",
          "]",
          "ü",
          "\ud83d\ude42",
          "\ud83d",
          "<",
          "text",
          "<|im_end|>",
          "True",
          "1e999",
          "\0");

  @ParameterizedTest
  @ValueSource(strings = {Replies.HERMES, Replies.OWN})
  void piecesGiveTheSameAsTheWhole(String template) {
    var format = Replies.format(template);
    var random = new Random(11);
    for (int n = 0; n < 1000; n++) {
      var reply = new StringBuilder();
      for (int i = random.nextInt(12); i >= 0; i--) {
        reply.append(PARTS.get(random.nextInt(PARTS.size())));
      }
      var conversation = n % 3 == 0 ? Replies.conversation() : Replies.withTools();
      var parser = format.parser(conversation);
      for (int at = 0; at < reply.length(); ) {
        int end = Math.min(reply.length(), at + 1 + random.nextInt(4));
        parser.accept(reply.substring(at, end));
        at = end;
      }
      assertThat(outcome(parser::finish))
          .isEqualTo(outcome(() -> format.parse(conversation, reply.toString())));
    }
  }

  private static Object outcome(Supplier<Message> parse) {
    try {
      return parse.get();
    } catch (ReplyException e) {
      return e.getMessage();
    }
  }
}
