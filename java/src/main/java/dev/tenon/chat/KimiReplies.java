package dev.tenon.chat;

import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.id;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.repeat;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

import java.util.List;

/// Kimi K2: `<think>…</think>…<|tool_calls_section_begin|><|tool_call_begin|>functions.NAME:0
/// <|tool_call_argument_begin|>{…}<|tool_call_end|><|tool_calls_section_end|>`. Models leave out
/// most of it at times: calls come while they think, without a section, without an end.
final class KimiReplies {
  private KimiReplies() {}

  private static final String SECTION = "<|tool_calls_section_begin|>";
  private static final String CALL = "<|tool_call_begin|>";

  static boolean in(String source) {
    return source.contains(SECTION) && source.contains(CALL);
  }

  static ReplyGrammar of(String source, Turn turn) {
    var opening = turn.opening("<think>");
    var thoughts =
        optional("<think>", thinking(until("</think>", SECTION, CALL)), optional("</think>"));
    if (!turn.mayCall()) {
      return ReplyGrammar.of(opening, sequence(thoughts, content(rest()), end()), "");
    }
    var one =
        CallForms.anyOf(
            turn,
            tool -> call(name(tool.name()), CallForms.jsonArguments(tool)),
            call(name(CallForms.anyName()), Peg.arguments(json())));
    var calls =
        sequence(
            optional(SECTION),
            trigger(
                "tool-call",
                repeat(turn.required() ? 1 : 0, turn.parallel() ? -1 : 1, CALL, one),
                optional("<|tool_calls_section_end|>")));
    return new ReplyGrammar(
        opening,
        sequence(
            thoughts, content(until(SECTION, CALL)), calls, CallForms.endAfterCalls(SECTION, CALL)),
        CALL,
        List.of(CALL),
        List.of());
  }

  private static Peg call(Peg name, Peg arguments) {
    return Peg.call(
        whole(
            id("functions.", name, ":", new Peg.Characters("[0-9]")),
            "<|tool_call_argument_begin|>"),
        arguments,
        close(optional("<|tool_call_end|>")));
  }
}
