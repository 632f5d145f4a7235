package dev.tenon.chat;

import static dev.tenon.chat.Peg.ahead;
import static dev.tenon.chat.Peg.call;
import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.nothing;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.repeat;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.rule;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

import java.util.ArrayList;
import java.util.List;

/// Qwen3-Coder, Qwen 3.5, Nemotron Nano 3, Step 3.5:
///
/// ```text
/// <think>
/// …</think>
/// <tool_call>
/// <function=NAME>
/// <parameter=KEY>
/// VALUE
/// </parameter>
/// </function>
/// </tool_call>
/// ```
final class QwenCoderReplies {
  private QwenCoderReplies() {}

  static boolean in(String source) {
    return source.contains("<tool_call>")
        && source.contains("<function=")
        && source.contains("<parameter=")
        // One that has no line ends between its tags.
        && !source.contains("'<tool_call><function=' ~ tool_call.name ~ '>'");
  }

  static ReplyGrammar of(String source, Turn turn) {
    boolean thinks = source.contains("<think>");
    var opening = turn.opening(thinks ? "<think>" : "");
    // A call may come before the thoughts are closed.
    var thoughts =
        thinks
            ? optional(
                "<think>",
                space(),
                thinking(until("</think>", "<tool_call>")),
                choice("</think>", ahead("<tool_call>")))
            : nothing();
    if (turn.schema() != null) {
      var answer = content(json("response-format", ParameterSchema.of(turn.schema())));
      return ReplyGrammar.of(opening, sequence(thoughts, space(), answer), "");
    }
    if (!turn.mayCall()) {
      return ReplyGrammar.of(opening, sequence(thoughts, space(), content(rest())), "");
    }
    var starts = new ArrayList<>(List.of("<tool_call>"));
    // Models without thoughts leave the first tag out at times.
    if (!thinks) turn.tools().forEach(tool -> starts.add("<function=" + tool.name() + ">"));
    var call =
        sequence(
            choice(
                CallForms.anyOf(turn, tool -> function(name(tool.name()), arguments(tool))),
                Peg.tolerated(
                    function(
                        name(CallForms.anyName()),
                        arguments(new Turn.Callable("", ParameterSchema.of(null)))))),
            "</tool_call>",
            space());
    var next = rule("tool-call", "<tool_call>\n", call);
    var first = thinks ? next : rule("tool-call-first", optional("<tool_call>\n"), call);
    var calls =
        trigger(
            "tool-call-root",
            repeat(turn.required() ? 1 : 0, 1, CallForms.severalIf(turn.parallel(), first, next)));
    return new ReplyGrammar(
        opening,
        sequence(thoughts, space(), content(until(starts)), space(), calls),
        "<tool_call>",
        starts,
        List.of());
  }

  private static Peg function(Peg name, Peg arguments) {
    return call(whole("<function=", name, ">\n"), arguments, close("</function>\n"));
  }

  private static Peg arguments(Turn.Callable tool) {
    return CallForms.taggedArguments(
        tool, new CallForms.Tags("<parameter=", ">\n", END), QwenCoderReplies::value);
  }

  private static final String END = "\n</parameter>\n";

  /// Text where only text may be, else JSON; where both may be, JSON if it is any.
  private static Peg value(ParameterSchema schema, String rule) {
    return CallForms.jsonOrText(schema, rule, END, false);
  }
}
