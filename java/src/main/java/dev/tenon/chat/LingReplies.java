package dev.tenon.chat;

import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

/// Ling 3 (Bailing 3): `<think>…</think>…<tool_call>NAME\n<arg_key>KEY</arg_key>\n
/// <arg_value>VALUE</arg_value></tool_call>`. The prompt opens or closes the thoughts; a call may
/// come before they are closed, and text after the calls.
final class LingReplies {
  private LingReplies() {}

  private static final String VALUE_END = "</arg_value>";

  static boolean in(String source) {
    return source.contains("<role>ASSISTANT</role>") && source.contains("<arg_key>");
  }

  static ReplyGrammar of(String source, Turn turn) {
    boolean open = turn.thinkingOpen("<think>", "</think>");
    var opening = turn.opening("<think>", "</think>");
    var body = open ? until("</think>", "<tool_call>") : until("</think>");
    var thoughts = optional(optional("<think>"), thinking(body), optional("</think>"));
    var tail = sequence(optional(content(until("<|role_end|>"))), optional("<|role_end|>"));
    if (!turn.mayCall()) return ReplyGrammar.of(opening, sequence(thoughts, tail, end()), "");
    var one =
        choice(
            CallForms.anyOf(turn, tool -> call(name(tool.name()), tool)),
            Peg.tolerated(
                call(name(CallForms.anyName()), new Turn.Callable("", ParameterSchema.of(null)))));
    var calls =
        trigger(
            "ling-tool-call",
            CallForms.severalIf(turn.parallel(), one, space(), one),
            space(),
            optional(content(until("<|role_end|>"))),
            optional("<|role_end|>"));
    return ReplyGrammar.of(
        opening,
        sequence(
            thoughts,
            optional(content(until("<tool_call>"))),
            CallForms.optionalIf(!turn.required(), calls),
            tail,
            end()),
        "<tool_call>");
  }

  private static Peg call(Peg name, Turn.Callable tool) {
    return Peg.call(
        whole("<tool_call>", name, space()),
        CallForms.taggedArguments(
            tool,
            new CallForms.Tags("<arg_key>", "</arg_key>", VALUE_END),
            (schema, rule) ->
                sequence(
                    space(), "<arg_value>", CallForms.jsonOrText(schema, rule, VALUE_END, true))),
        close(space(), "</tool_call>"));
  }
}
