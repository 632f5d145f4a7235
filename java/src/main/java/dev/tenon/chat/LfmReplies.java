package dev.tenon.chat;

import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.many;
import static dev.tenon.chat.Peg.member;
import static dev.tenon.chat.Peg.memberName;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.nothing;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.value;
import static dev.tenon.chat.Peg.whole;

import java.util.ArrayList;

/// LFM 2 and 2.5: `<think>…</think>…<|tool_call_start|>[NAME(KEY="VALUE")]<|tool_call_end|>`, calls
/// as Python has them.
final class LfmReplies {
  private LfmReplies() {}

  private static final String START = "<|tool_call_start|>";

  static boolean in(String source) {
    return source.contains("<|tool_list_start|>") && source.contains("<|tool_list_end|>")
        || source.contains("List of tools: [") && !source.contains("<|tool_list_start|>");
  }

  static ReplyGrammar of(String source, Turn turn) {
    var opening = turn.opening("<think>");
    var thoughts =
        source.contains("<think>")
            ? optional("<think>", thinking(until("</think>")), "</think>")
            : nothing();
    if (!turn.mayCall()) {
      var answer =
          turn.schema() == null ? rest() : json("response", ParameterSchema.of(turn.schema()));
      return ReplyGrammar.of(opening, sequence(thoughts, content(answer), end()), "");
    }
    var one =
        CallForms.anyOf(
            turn,
            tool -> call(name(tool.name()), arguments(tool)),
            call(name(CallForms.anyName()), any()));
    var calls =
        trigger(
            "tool-call",
            START,
            "[",
            space(),
            CallForms.severalIf(turn.parallel(), one, ",", space(), one),
            space(),
            "]",
            "<|tool_call_end|>");
    return ReplyGrammar.of(
            opening,
            sequence(
                thoughts,
                content(until(START)),
                CallForms.optionalIf(!turn.required(), calls),
                CallForms.endAfterCalls(START)),
            START)
        .outsideThoughts("<think>", "</think>");
  }

  private static Peg call(Peg name, Peg arguments) {
    return Peg.call(whole(name, "("), space(), arguments, space(), close(")"));
  }

  private static Peg arguments(Turn.Callable tool) {
    var choices = new ArrayList<Peg>();
    for (var parameter : tool.parameters().members()) {
      boolean text = "string".equals(parameter.schema().schema().get("type"));
      choices.add(
          argument(
              memberName(parameter.name()),
              text ? Peg.choice(quoted('"'), quoted('\'')) : new Peg.PythonValue()));
    }
    choices.add(Peg.tolerated(any()));
    return optional(choice(choices), many(",", space(), choice(choices)));
  }

  private static Peg any() {
    return argument(memberName(new Peg.Characters("[A-Za-z0-9_]")), new Peg.PythonValue());
  }

  private static Peg argument(Peg name, Peg value) {
    return member(whole(name, "="), value(value));
  }

  private static Peg quoted(char quote) {
    return sequence("" + quote, new Peg.Quoted(quote), "" + quote);
  }
}
