package dev.tenon.chat;

import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.until;

import java.util.List;

/// Command A and North: `<|START_THINKING|>…<|END_THINKING|>`, then either
/// `<|START_TEXT|>…<|END_TEXT|>` or `<|START_ACTION|>[{"tool_call_id": "0", "tool_name": "NAME",
/// "parameters": {…}}]<|END_ACTION|>`.
final class CohereReplies {
  private CohereReplies() {}

  private static final String TEXT = "<|START_TEXT|>";
  private static final String ACTION = "<|START_ACTION|>";

  private static final ReplyShape.JsonCall CALL =
      new ReplyShape.JsonCall(
          true,
          false,
          "",
          "tool_name",
          "parameters",
          "",
          "tool_call_id",
          List.of("tool_call_id", "tool_name", "parameters"),
          false);

  static boolean in(String source) {
    return source.contains(TEXT) && source.contains(ACTION);
  }

  static ReplyGrammar of(String source, Turn turn) {
    var opening = turn.opening("<|START_THINKING|>");
    var thoughts =
        optional(
            "<|START_THINKING|>",
            thinking(until("<|END_THINKING|>", TEXT, ACTION)),
            optional("<|END_THINKING|>"));
    var body =
        turn.schema() == null
            ? until("<|END_TEXT|>")
            : json("response", ParameterSchema.of(turn.schema()));
    var answer = sequence(TEXT, content(body), optional("<|END_TEXT|>"));
    var turnEnd = sequence(optional("<|END_OF_TURN_TOKEN|>"), end());
    if (!turn.mayCall() || turn.schema() != null) {
      return ReplyGrammar.of(opening, sequence(thoughts, answer, turnEnd), "");
    }
    var calls = CallForms.jsonCalls(turn, CALL, ACTION, "<|END_ACTION|>", true);
    return ReplyGrammar.of(
        opening,
        sequence(thoughts, turn.required() ? calls : choice(calls, answer), turnEnd),
        ACTION);
  }
}
