package dev.tenon.chat;

import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.repeat;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.text;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

/// Kimi K3: sections `<|open|>think<|sep|>…<|close|>think<|sep|>`, `response` and `tools`; in the
/// last `<|open|>call tool="NAME" index="1"<|sep|>` with one `argument key="KEY"` each. The prompt
/// opens a section.
final class KimiK3Replies {
  private KimiK3Replies() {}

  private static final String SEP = "<|sep|>";
  private static final String THINK = "<|open|>think<|sep|>";
  private static final String THINK_END = "<|close|>think<|sep|>";
  private static final String RESPONSE = "<|open|>response<|sep|>";
  private static final String RESPONSE_END = "<|close|>response<|sep|>";
  private static final String TOOLS = "<|open|>tools<|sep|>";
  private static final String MESSAGE_END = "<|close|>message<|sep|>";
  private static final String ARGUMENT_END = "<|close|>argument<|sep|>";

  static boolean in(String source) {
    return source.contains("<|open|>")
        && source.contains("<|close|>")
        && source.contains("<|end_of_msg|>");
  }

  static ReplyGrammar of(String source, Turn turn) {
    var opening = turn.opening(THINK, RESPONSE);
    var thoughts =
        optional(optional(THINK), thinking(until(THINK_END, RESPONSE)), optional(THINK_END));
    var response =
        sequence(
            optional(RESPONSE),
            content(until(RESPONSE_END, TOOLS, MESSAGE_END)),
            optional(RESPONSE_END));
    var trailer = sequence(optional(MESSAGE_END), optional("<|end_of_msg|>"));
    if (!turn.mayCall()) {
      return ReplyGrammar.of(opening, sequence(thoughts, response, trailer, end()), "");
    }
    var one =
        choice(
            CallForms.anyOf(turn, tool -> call(name(tool.name()), tool)),
            Peg.tolerated(
                call(name(CallForms.anyName()), new Turn.Callable("", ParameterSchema.of(null)))));
    var calls =
        trigger(
            "tool-call",
            TOOLS,
            repeat(1, turn.parallel() ? -1 : 1, one),
            "<|close|>tools<|sep|>",
            optional(MESSAGE_END),
            optional("<|end_of_msg|>"));
    return ReplyGrammar.of(
        opening,
        sequence(thoughts, response, CallForms.optionalIf(!turn.required(), calls), trailer, end()),
        TOOLS);
  }

  private static Peg call(Peg name, Turn.Callable tool) {
    return Peg.call(
        whole("<|open|>call tool=\"", name, "\"", until(SEP), SEP),
        CallForms.taggedArguments(
            tool,
            new CallForms.Tags("<|open|>argument key=\"", "\"", ARGUMENT_END),
            KimiK3Replies::value),
        close("<|close|>call<|sep|>"));
  }

  /// What is text is told by the schema; the type that the tag tells is passed over.
  private static Peg value(ParameterSchema schema, String rule) {
    var type = schema.schema().get("type");
    var value = until(ARGUMENT_END);
    return sequence(
        until(SEP),
        SEP,
        type instanceof String name && !name.equals("string") ? Peg.value(value) : text(value),
        close(ARGUMENT_END));
  }
}
