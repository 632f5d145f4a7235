package dev.tenon.chat;

import static dev.tenon.chat.Markup.trim;
import static dev.tenon.chat.Peg.ahead;
import static dev.tenon.chat.Peg.arguments;
import static dev.tenon.chat.Peg.call;
import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.id;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.many;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.nothing;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

import dev.tenon.chat.CallForms.Tags;
import dev.tenon.chat.ReplyShape.Form;
import java.util.ArrayList;

/// The form of the replies of a template whose shape was read off it. As llama.cpp's
/// `common/chat-auto-parser-generator.cpp`.
final class ShapeReplies {
  private final ReplyShape shape;
  private final Turn turn;

  private ShapeReplies(ReplyShape shape, Turn turn) {
    this.shape = shape;
    this.turn = turn;
  }

  static ReplyGrammar of(ReplyShape shape, Turn turn) {
    return new ShapeReplies(shape, turn).grammar();
  }

  private ReplyGrammar grammar() {
    var opening = turn.opening(trim(shape.thinking().start()));
    boolean tools = turn.mayCall() && shape.tools().form() != Form.NONE;
    if (turn.schema() != null) {
      return ReplyGrammar.of(opening, sequence(space(), thoughts(), space(), answerInJson()), "");
    }
    var body = tools ? withCalls() : answer();
    if (tools || shape.thinking().present()) body = sequence(space(), body);
    var thinking = shape.thinking();
    return ReplyGrammar.of(opening, body, tools ? shape.tools().trigger() : "")
        .outsideThoughts(trim(thinking.start()), trim(thinking.end()));
  }

  private Peg thoughts() {
    var thinking = shape.thinking();
    if (!thinking.present() || thinking.end().isEmpty()) return nothing();
    var thoughts = sequence(thinking(until(trim(thinking.end()))), loosely(thinking.end()));
    return thinking.start().isEmpty()
        ? optional(thoughts)
        : optional(loosely(thinking.start()), thoughts);
  }

  /// A marker whose white space may be missing.
  private static Peg loosely(String marker) {
    var parts = new ArrayList<Object>();
    var text = trim(marker);
    int start = marker.indexOf(text);
    for (int i = 0; i < start; i++) parts.add(optional(marker.substring(i, i + 1)));
    parts.add(text);
    for (int i = start + text.length(); i < marker.length(); i++) {
      parts.add(optional(marker.substring(i, i + 1)));
    }
    return sequence(parts.toArray());
  }

  private Peg answer() {
    var content = shape.content();
    if (!content.wrapped()) return sequence(thoughts(), content(rest()), end());
    var wrapped = sequence(content.start(), content(until(content.end())), content.end(), end());
    return shape.thinking().present()
        ? sequence(thoughts(), choice(wrapped, content(rest())))
        : sequence(content(until(content.start())), wrapped);
  }

  private Peg answerInJson() {
    var answer =
        Peg.rule("response-format", content(json("response", ParameterSchema.of(turn.schema()))));
    return sequence(
        choice(
            sequence("```json", space(), answer, space(), "```"),
            sequence(space(), answer, space())),
        end());
  }

  private Peg withCalls() {
    return switch (shape.tools().form()) {
      case JSON -> withJsonCalls();
      case TAG_WITH_JSON -> withTaggedCalls(" ", false);
      case TAGS -> withTaggedCalls(" ", true);
      case NONE -> answer();
    };
  }

  private Peg withJsonCalls() {
    var tools = shape.tools();
    var content = shape.content();
    Peg calls;
    if (tools.sectionStart().isEmpty() && !tools.callStart().isEmpty()) {
      var call = CallForms.jsonCalls(turn, tools.json(), tools.callStart(), tools.callEnd(), true);
      calls = trigger("tool-calls", Peg.repeat(turn.required() ? 1 : 0, -1, call, space()));
    } else {
      calls =
          CallForms.jsonCalls(
              turn, tools.json(), tools.sectionStart(), tools.sectionEnd(), turn.required());
    }
    var start = tools.trigger().isEmpty() ? "{" : tools.trigger();
    var text =
        content.wrapped()
            ? optional(content.start(), content(until(content.end())), content.end())
            : optional(content(until(start)));
    return sequence(thoughts(), text, calls, CallForms.endAfterCalls(tools.trigger()));
  }

  private Peg withTaggedCalls(String separator, boolean tagged) {
    var tools = shape.tools();
    var call =
        CallForms.anyOf(turn, tool -> taggedCall(name(tool.name()), argumentsOf(tool, tagged)));
    if (!tools.function().nameEnd().isEmpty() && !tools.trigger().isEmpty()) {
      var unknown =
          tagged
              ? CallForms.taggedArguments(
                  new Turn.Callable("", ParameterSchema.of(null)), argumentTags())
              : arguments(json());
      call = choice(call, Peg.tolerated(taggedCall(name(CallForms.anyName()), unknown)));
    }
    var gap = tagged ? space() : nothing();
    Peg calls;
    if (!tools.callStart().isEmpty()) {
      var wrapped = sequence(tools.callStart(), gap, call, gap, tools.callEnd());
      calls =
          trigger(
              "tool-call", CallForms.severalIf(turn.parallel(), wrapped, space(), wrapped), gap);
      if (!tools.sectionStart().isEmpty()) {
        calls =
            trigger(
                "tool-calls",
                tools.sectionStart(),
                space(),
                calls,
                space(),
                tools.sectionEnd().isEmpty() ? end() : sequence(tools.sectionEnd(), gap));
      }
    } else {
      calls =
          trigger(
              "tool-call",
              tools.sectionStart(),
              gap,
              CallForms.severalIf(turn.parallel(), call, ", ", call),
              gap,
              tools.sectionEnd());
    }
    var text = CallForms.nothingIfEmpty(tools.trigger(), optional(content(until(tools.trigger()))));
    return sequence(
        thoughts(),
        text,
        CallForms.optionalIf(!turn.required(), calls),
        CallForms.endAfterCalls(tools.trigger()));
  }

  private Tags argumentTags() {
    var arguments = shape.tools().arguments();
    return new Tags(
        arguments.nameStart(), arguments.nameEnd() + arguments.valueStart(), arguments.valueEnd());
  }

  private Peg argumentsOf(Turn.Callable tool, boolean tagged) {
    return tagged ? CallForms.taggedArguments(tool, argumentTags()) : CallForms.jsonArguments(tool);
  }

  /// A call: its name, its id and its arguments.
  private Peg taggedCall(Peg name, Peg arguments) {
    var tools = shape.tools();
    var function = tools.function();
    var parts = new ArrayList<Object>();
    var id =
        function.idStart() == null
            ? nothing()
            : sequence(function.idStart(), id(until(function.nameStart())));
    parts.add(whole(id, function.nameStart(), name, function.nameEnd()));
    if (!function.separator().isEmpty()) {
      parts.add(space());
      parts.add(function.separator());
    }
    boolean hasId = !tools.idStart().isEmpty() && !tools.idEnd().isEmpty();
    if (hasId) {
      parts.add(optional(tools.idStart(), id(until(tools.idEnd()))));
      parts.add(tools.idEnd());
    }
    parts.add(space());
    parts.add(arguments);
    if (!function.close().isEmpty()) {
      parts.add(space());
      parts.add(close(function.close()));
    } else if (!tools.callEnd().isEmpty()) {
      parts.add(
          close(
              tools.arguments().spaced()
                  ? ahead(space(), tools.callEnd())
                  : ahead(tools.callEnd())));
    } else {
      parts.add(space());
    }
    var call = call(parts.toArray());
    // Without anything after the name it is not known to be complete before the arguments begin.
    return function.nameEnd().isEmpty() && !hasId ? whole(call) : call;
  }

  /// {@return several times, or once where there may be but one call}
  static Peg several(Turn turn, Peg call) {
    return turn.parallel() ? many(call) : optional(call);
  }
}
