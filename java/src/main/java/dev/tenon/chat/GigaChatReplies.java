package dev.tenon.chat;

import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.repeat;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

/// GigaChat 3: a text, then `<|message_sep|>\n\nfunction call<|role_sep|>\n{"name": "NAME",
/// "arguments": {…}}`, one call at most.
final class GigaChatReplies {
  private GigaChatReplies() {}

  private static final String SEPARATOR = "<|message_sep|>\n\n";
  private static final String CALL = SEPARATOR + "function call<|role_sep|>\n";

  static boolean in(String source) {
    return source.contains("<|role_sep|>")
        && source.contains("<|message_sep|>")
        && !source.contains("<|function_call|>");
  }

  static ReplyGrammar of(String source, Turn turn) {
    if (!turn.mayCall()) return ReplyGrammar.of("", content(rest()), "");
    var one =
        CallForms.anyOf(
            turn,
            tool -> call(name(tool.name()), CallForms.jsonArguments(tool)),
            call(name(new Peg.Quoted('"')), Peg.arguments(json())));
    var calls = trigger("tool-call-root", repeat(turn.required() ? 1 : 0, 1, CALL, one));
    return ReplyGrammar.of("", sequence(content(until(SEPARATOR)), space(), calls), CALL);
  }

  private static Peg call(Peg name, Peg arguments) {
    return Peg.call(
        whole("{", space(), "\"name\"", space(), ":", space(), "\"", name, "\""),
        space(),
        ",",
        space(),
        "\"arguments\"",
        space(),
        ":",
        space(),
        arguments,
        space(),
        "}");
  }
}
