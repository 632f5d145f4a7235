package dev.tenon.chat;

import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.json;
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

/// GPT-OSS: messages in channels, `<|start|>assistant<|channel|>analysis<|message|>…<|end|>`.
/// Thoughts are in `analysis`, words before a call in `commentary`, the answer in `final`; a call
/// is to a recipient, `to=functions.NAME`, named with the role or the channel.
final class HarmonyReplies {
  private HarmonyReplies() {}

  private static final String START = "<|start|>assistant";

  static boolean in(String source) {
    return source.contains("<|channel|>");
  }

  static ReplyGrammar of(String source, Turn turn) {
    var body = until("<|end|>");
    var channel = sequence("<|channel|>", choice("commentary", "analysis"));
    // At times a stray commentary comes before a channel.
    var stray = optional("<|channel|>commentary", optional(" to=assistant"));
    var thoughts =
        rule("analysis", stray, "<|channel|>analysis<|message|>", thinking(body), "<|end|>");
    var preamble = rule("preamble", "<|channel|>commentary<|message|>", content(body), "<|end|>");
    var answer = rule("final", stray, "<|channel|>final<|message|>", content(body));
    // Calls of tools that nobody gave it.
    var unsolicited = whole(optional(channel), " to=", body, "<|end|>");
    var before = choice(preamble, thoughts);
    var opening = turn.prompt().contains(START) ? turn.opening(START) : START;
    if (turn.schema() != null) {
      var schema = json("response", ParameterSchema.of(turn.schema()));
      var format =
          rule("response-format", "<|channel|>final", constraint(), "<|message|>", content(schema));
      return ReplyGrammar.of(opening, sequence(many(START, thoughts), START, format), "");
    }
    if (!turn.mayCall()) {
      return ReplyGrammar.of(
          opening, sequence(many(START, before), START, choice(answer, unsolicited)), "");
    }
    var calls =
        trigger(
            "tool-call",
            CallForms.anyOf(
                turn,
                tool -> call(name(tool.name()), channel, CallForms.jsonArguments(tool)),
                call(name(CallForms.anyName()), channel, Peg.arguments(json()))));
    var reply = turn.required() ? calls : choice(calls, answer);
    return new ReplyGrammar(
        opening,
        sequence(many(START, before), START, reply),
        " to=functions.",
        List.of(),
        List.of(
            "\\A(\\s+to=)",
            "\\A(<\\|channel\\|>(?:commentary|analysis)\\s+to=functions)",
            "<\\|start\\|>assistant(\\s+to=)",
            "<\\|start\\|>assistant(<\\|channel\\|>(?:commentary|analysis)\\s+to=functions)"));
  }

  private static Peg constraint() {
    return optional(space(), optional("<|constrain|>"), new Peg.Characters("[A-Za-z0-9_-]"));
  }

  private static Peg call(Peg name, Peg channel, Peg arguments) {
    var recipient = sequence(" to=functions.", name);
    return choice(
        Peg.call(whole(recipient, channel, constraint(), "<|message|>"), arguments),
        Peg.call(whole(channel, recipient, constraint(), "<|message|>"), arguments));
  }
}
