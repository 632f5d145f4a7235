package dev.tenon.chat;

import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.not;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.repeat;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.text;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

/// MiniCPM 5: `<think>…</think>…<function name="NAME"><param name="KEY">VALUE</param></function>`;
/// a value may stand in `<![CDATA[…]]>`.
final class MiniCpmReplies {
  private MiniCpmReplies() {}

  private static final String END = "</param>";

  static boolean in(String source) {
    return source.contains("Tool usage guidelines:")
        && source.contains("<function name=\"")
        && source.contains("<param name=\"");
  }

  static ReplyGrammar of(String source, Turn turn) {
    var opening = turn.opening("<think>");
    var thoughts =
        sequence("<think>", space(), thinking(until("</think>")), space(), "</think>", space());
    // A prompt without the marker is one of a conversation that may not think.
    if (opening.isEmpty()) thoughts = optional(thoughts);
    if (turn.schema() != null) {
      var answer = content(json("response-format", ParameterSchema.of(turn.schema())));
      return ReplyGrammar.of(opening, sequence(thoughts, answer), "");
    }
    if (!turn.mayCall()) {
      return ReplyGrammar.of(opening, sequence(thoughts, content(rest()), end()), "");
    }
    var one =
        choice(
            CallForms.anyOf(turn, tool -> call(name(tool.name()), tool)),
            Peg.tolerated(
                call(name(CallForms.anyName()), new Turn.Callable("", ParameterSchema.of(null)))));
    var calls = trigger("tool-call", repeat(1, turn.parallel() ? -1 : 1, one, space()));
    return ReplyGrammar.of(
            opening,
            sequence(
                thoughts,
                content(until("<function")),
                CallForms.optionalIf(!turn.required(), calls),
                CallForms.endAfterCalls("<function")),
            "<function")
        .outsideThoughts("<think>", "</think>");
  }

  private static Peg call(Peg name, Turn.Callable tool) {
    return Peg.call(
        whole("<function name=\"", name, "\">"),
        space(),
        CallForms.taggedArguments(
            tool, new CallForms.Tags("<param name=\"", "\">", END), MiniCpmReplies::value),
        space(),
        close("</function>"));
  }

  private static Peg value(ParameterSchema schema, String rule) {
    if (!schema.mayBeText()) return CallForms.argument(schema, rule, END);
    var wrapped =
        sequence(
            "<![CDATA[", new Peg.Through(sequence(text(until("]]>")), "]]>"), "]]>"), close(END));
    return choice(wrapped, sequence(not("<![CDATA["), CallForms.textUpTo(END)));
  }
}
