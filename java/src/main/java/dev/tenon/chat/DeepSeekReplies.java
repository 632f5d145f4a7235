package dev.tenon.chat;

import static dev.tenon.chat.Peg.call;
import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.not;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.rule;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.text;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

/// DeepSeek 3.2 and 4:
///
/// ```text
/// <think>…</think>…
///
/// <｜DSML｜function_calls>
/// <｜DSML｜invoke name="NAME">
/// <｜DSML｜parameter name="KEY" string="true">VALUE</｜DSML｜parameter>
/// </｜DSML｜invoke>
/// </｜DSML｜function_calls>
/// ```
final class DeepSeekReplies {
  private DeepSeekReplies() {}

  private static final String DSML = "｜DSML｜";

  static boolean in(String source) {
    return source.contains("dsml_token")
        && source.contains("DSML")
        && (source.contains("function_calls") || source.contains("tool_calls"));
  }

  static ReplyGrammar of(String source, Turn turn) {
    var block = source.contains("function_calls") ? "function_calls" : "tool_calls";
    var start = "<" + DSML + block + ">";
    var opening = turn.opening("<think>", "</think>");
    // Without thoughts the prompt has them empty, or only their end.
    var thoughts = choice("</think>", optional("<think>", thinking(until("</think>")), "</think>"));
    if (turn.schema() != null) {
      var answer = content(json("response-format", ParameterSchema.of(turn.schema())));
      return ReplyGrammar.of(
          opening,
          sequence(thoughts, rule("answer", "```json", space(), answer, space(), "```"), end()),
          "");
    }
    if (!turn.mayCall()) {
      return ReplyGrammar.of(opening, sequence(thoughts, content(rest()), end()), "");
    }
    var one =
        choice(
            CallForms.anyOf(turn, tool -> invoke(name(tool.name()), tool)),
            Peg.tolerated(
                invoke(
                    name(CallForms.anyName()), new Turn.Callable("", ParameterSchema.of(null)))));
    var calls =
        trigger(
            "tool-call",
            start,
            space(),
            CallForms.severalIf(turn.parallel(), one, space(), one),
            space(),
            "</" + DSML + block + ">");
    var text = sequence(not("<think>"), content(until("\n\n" + start, start)), space());
    var usual =
        sequence(
            thoughts,
            text,
            CallForms.optionalIf(!turn.required(), calls),
            CallForms.endAfterCalls(start));
    // Thoughts may end with a call.
    var calledWhileThinking =
        sequence(
            "<think>", thinking(until("\n\n" + start, start, "</think>")), space(), calls, end());
    return ReplyGrammar.of(
        opening, turn.thinking() ? choice(calledWhileThinking, usual) : usual, start);
  }

  private static Peg invoke(Peg name, Turn.Callable tool) {
    return call(
        whole("<" + DSML + "invoke name=\"", name, "\">\n"),
        CallForms.taggedArguments(
            tool,
            new CallForms.Tags("<" + DSML + "parameter name=\"", "\"", END),
            DeepSeekReplies::value),
        space(),
        close("</" + DSML + "invoke>"));
  }

  private static final String END = "</" + DSML + "parameter>";

  /// The tag says itself whether text or JSON follows.
  private static Peg value(ParameterSchema schema, String rule) {
    var text = sequence(whole(" string=\"true\">"), text(until(END)), close(END));
    var json =
        sequence(
            whole(" string=\"false\">"),
            choice(
                whole(Peg.value(json(rule + "-schema", schema)), close(END)),
                Peg.tolerated(Peg.value(until(END)), close(END))));
    return schema.mayBeText()
        ? choice(text, Peg.tolerated(json))
        : choice(json, Peg.tolerated(text));
  }
}
