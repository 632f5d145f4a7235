package dev.tenon.chat;

import static dev.tenon.chat.Peg.ahead;
import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.many;
import static dev.tenon.chat.Peg.member;
import static dev.tenon.chat.Peg.memberName;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.not;
import static dev.tenon.chat.Peg.nothing;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.repeat;
import static dev.tenon.chat.Peg.rule;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.text;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

/// Gemma 4: `<|channel>thought\n…<channel|>` before the answer and again within it, and calls
/// `<|tool_call>call:NAME{KEY:<|"|>VALUE<|"|>,KEY:1}<tool_call|>` with names that have no quotes
/// and texts in `<|"|>`.
final class GemmaReplies {
  private GemmaReplies() {}

  private static final String QUOTE = "<|\"|>";
  private static final String CHANNEL = "<|channel>";
  private static final String CHANNEL_END = "<channel|>";
  private static final String CALL = "<|tool_call>";

  static boolean in(String source) {
    return source.contains("'<|tool_call>call:'");
  }

  static ReplyGrammar of(String source, Turn turn) {
    var thoughts =
        rule("thought", CHANNEL, "thought", space(), thinking(until(CHANNEL_END)), CHANNEL_END);
    var stray = new Peg.Written(many(CHANNEL, not("thought")), nothing());
    var thought = choice(sequence(ahead(CHANNEL), stray, thoughts), not(CHANNEL));
    var opening = turn.opening(CHANNEL);
    if (turn.schema() != null) {
      var answer = content(json("response", ParameterSchema.of(turn.schema())));
      return ReplyGrammar.of(
          opening, sequence(optional(thought), "```json", space(), answer, space(), "```"), "");
    }
    if (!turn.mayCall()) {
      // A channel's end that nothing opened ends the answer.
      var text = content(until(CHANNEL, CHANNEL_END));
      return ReplyGrammar.of(opening, repeat(1, -1, rule("message", thought, text)), "");
    }
    var arguments = Peg.arguments(object());
    var one =
        CallForms.anyOf(
            turn,
            tool -> call(name(tool.name()), arguments),
            call(name(CallForms.anyName()), arguments));
    var calls =
        trigger(
            "tool-call",
            repeat(
                turn.required() ? 1 : 0,
                turn.parallel() ? -1 : 1,
                CALL + "call:",
                one,
                new Peg.Written(space(), nothing()),
                "<tool_call|>"));
    if (turn.required()) return ReplyGrammar.of(opening, sequence(thought, calls), CALL);
    var message = rule("message", thought, content(until(CHANNEL, CHANNEL_END, CALL)));
    return ReplyGrammar.of(opening, sequence(many(message), until(CALL), calls), CALL);
  }

  private static Peg call(Peg name, Peg arguments) {
    return Peg.call(whole(name, ahead("{")), arguments);
  }

  private static Peg object() {
    var value = new Peg.Rule("gemma-value", false);
    var member = member(whole(memberName(new Peg.Characters("[^:}]")), ":"), space(), value);
    var members = sequence(member, many(",", space(), member));
    var object =
        rule(
            "gemma-object",
            Peg.tagged(Peg.Tag.OBJECT, "{", space(), choice("}", sequence(members, space(), "}"))));
    var elements = sequence(value, many(",", space(), value));
    var array =
        rule(
            "gemma-array",
            Peg.tagged(Peg.Tag.ARRAY, "[", space(), choice("]", sequence(elements, space(), "]"))));
    value.as(choice(sequence(QUOTE, text(until(QUOTE)), QUOTE), object, array, Peg.value(json())));
    return object;
  }
}
