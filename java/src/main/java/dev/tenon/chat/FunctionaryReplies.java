package dev.tenon.chat;

import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

import java.util.List;

/// Functionary 3.2: the prompt ends with `>>>`, then comes whom it is for: `all` and a text, or a
/// tool's name and a line with its arguments; more begins with `>>>` again.
final class FunctionaryReplies {
  private FunctionaryReplies() {}

  /// A name that is not `all`, once that is sure.
  private static final String CALLED = "(?:\\A|>>>)((?!all|al$|a$).)";

  static boolean in(String source) {
    return source.contains(">>>all") && source.contains(">>>${recipient}");
  }

  static ReplyGrammar of(String source, Turn turn) {
    var answer = sequence("all\n", content(rest()));
    if (!turn.mayCall()) return ReplyGrammar.of("", sequence(answer, end()), "");
    var one = CallForms.anyOf(turn, tool -> call(name(tool.name()), CallForms.jsonArguments(tool)));
    // Where the name of the first call has its marker in the prompt, that of others has not.
    var next = sequence(optional(">>>"), one);
    var calls = trigger("tools", CallForms.severalIf(turn.parallel(), one, next));
    var text = sequence("all\n", content(until(">>>")), optional(">>>"));
    var reply =
        turn.required()
            ? choice(sequence(text, calls), calls)
            : choice(sequence(text, calls), answer, calls);
    return new ReplyGrammar("", sequence(reply, end()), "", List.of(), List.of(CALLED));
  }

  private static Peg call(Peg name, Peg arguments) {
    return Peg.call(whole(name, "\n"), arguments);
  }
}
