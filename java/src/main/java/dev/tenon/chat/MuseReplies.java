package dev.tenon.chat;

import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.many;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.rule;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

import java.util.List;

/// Muse Glimmer: messages `<|start|>assistant to=WHOM<|message|>…<|eom|>`; thoughts are to itself,
/// the answer is to the user, calls are to a tool.
final class MuseReplies {
  private MuseReplies() {}

  private static final String START = "<|start|>assistant";
  private static final String END = "</atem:parameter>";

  static boolean in(String source) {
    return source.contains("<atem:function_calls>") && source.contains("<|eom|>");
  }

  static ReplyGrammar of(String source, Turn turn) {
    var thoughts = rule("analysis", " to=self<|message|>", thinking(until("<|eom|>")), "<|eom|>");
    var answer =
        rule("final", optional(" to=user"), "<|message|>", content(until("<|eot|>", "<|eom|>")));
    if (!turn.mayCall()) {
      return ReplyGrammar.of(START, sequence(many(START, thoughts), START, answer), "");
    }
    var one =
        choice(
            CallForms.anyOf(turn, tool -> call(name(tool.name()), tool)),
            Peg.tolerated(
                call(name(CallForms.anyName()), new Turn.Callable("", ParameterSchema.of(null)))));
    var calls =
        trigger("tool-call", CallForms.severalIf(turn.parallel(), one, "<|eom|>", START, one));
    var reply =
        turn.required()
            ? calls
            : choice(calls, sequence(answer, optional("<|eom|>", START, calls)));
    return new ReplyGrammar(
        START,
        sequence(many(START, thoughts), START, reply),
        "<atem:function_calls>",
        List.of(),
        List.of(
            "(?:^|<\\|start\\|>assistant)( to=(?!self<\\|message\\|>)(?!user<\\|message\\|>)"
                + "[^<]*?<\\|message\\|>)"));
  }

  private static Peg call(Peg name, Turn.Callable tool) {
    return Peg.call(
        whole(
            " to=",
            until("<|message|>"),
            "<|message|><atem:function_calls>",
            space(),
            "<atem:invoke name=\"",
            name,
            "\">",
            space()),
        space(),
        CallForms.taggedArguments(tool, new CallForms.Tags("<atem:parameter name=\"", "\">", END)),
        space(),
        close("</atem:invoke>", space(), "</atem:function_calls>"));
  }
}
