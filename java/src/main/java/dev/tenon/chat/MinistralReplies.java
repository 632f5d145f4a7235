package dev.tenon.chat;

import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.repeat;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

/// Ministral 3 and Magistral: `[THINK]…[/THINK]…[TOOL_CALLS]NAME[ARGS]{…}`.
final class MinistralReplies {
  private MinistralReplies() {}

  static boolean in(String source) {
    return source.contains("[SYSTEM_PROMPT]")
        && source.contains("[TOOL_CALLS]")
        && source.contains("[ARGS]")
        && !source.contains("[CALL_ID]");
  }

  static ReplyGrammar of(String source, Turn turn) {
    var opening = turn.opening("[THINK]");
    var thoughts = optional("[THINK]", thinking(until("[/THINK]")), "[/THINK]");
    if (turn.schema() != null) {
      var answer = content(json("response-format", ParameterSchema.of(turn.schema())));
      return ReplyGrammar.of(
          opening, sequence(thoughts, space(), "```json", space(), answer, space(), "```"), "");
    }
    if (!turn.mayCall()) {
      return ReplyGrammar.of(opening, sequence(thoughts, space(), content(rest())), "");
    }
    var one =
        CallForms.anyOf(
            turn,
            tool -> call(name(tool.name()), CallForms.jsonArguments(tool)),
            call(name(CallForms.anyName()), Peg.arguments(json())));
    var calls =
        trigger(
            "tool-call",
            repeat(turn.required() ? 1 : 0, turn.parallel() ? -1 : 1, "[TOOL_CALLS]", one));
    return ReplyGrammar.of(
            opening,
            sequence(thoughts, space(), content(until("[TOOL_CALLS]")), space(), calls),
            "[TOOL_CALLS]")
        .outsideThoughts("[THINK]", "[/THINK]");
  }

  private static Peg call(Peg name, Peg arguments) {
    return Peg.call(whole(name, "[ARGS]"), arguments);
  }
}
