package dev.tenon.chat;

import static dev.tenon.chat.Peg.call;
import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.many;
import static dev.tenon.chat.Peg.member;
import static dev.tenon.chat.Peg.memberName;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.not;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.rest;
import static dev.tenon.chat.Peg.rule;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.thinking;
import static dev.tenon.chat.Peg.trigger;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.whole;

import java.util.ArrayList;

/// MiniMax M3: `<mm:think>…</mm:think>…`, and calls in tags that are named like the parameters,
/// each behind the token `]<]minimax[>[`; objects and arrays are tags again.
final class MiniMaxReplies {
  private MiniMaxReplies() {}

  private static final String NS = "]<]minimax[>[";
  private static final String START = NS + "<tool_call>";

  /// How deep a schema is followed; deeper values are read as JSON.
  private static final int MAX_DEPTH = 12;

  static boolean in(String source) {
    return source.contains(NS)
        && source.contains("<tool_call>")
        && source.contains("<invoke name=");
  }

  static ReplyGrammar of(String source, Turn turn) {
    var opening = turn.opening("<mm:think>", "</mm:think>");
    var block =
        turn.thinking()
            ? sequence(
                "<mm:think>",
                space(),
                new Peg.Through(
                    sequence(thinking(until("</mm:think>")), "</mm:think>"), "</mm:think>"))
            : sequence("<mm:think>", until("</mm:think>"), "</mm:think>");
    // Without thoughts there is their end alone.
    var thoughts = optional(choice(block, "</mm:think>"));
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
            CallForms.anyOf(
                turn,
                tool ->
                    invoke(
                        name(tool.name()),
                        members(tool.parameters(), "tool-" + tool.name() + "-arg", 0))),
            Peg.tolerated(invoke(name(CallForms.anyName()), many(space(), unknownMember()))));
    var calls =
        trigger(
            "tool-call",
            START,
            space(),
            CallForms.severalIf(turn.parallel(), one, space(), one),
            space(),
            NS + "</tool_call>");
    return ReplyGrammar.of(
            opening,
            sequence(
                thoughts,
                content(until(START)),
                CallForms.optionalIf(!turn.required(), calls),
                CallForms.endAfterCalls(START)),
            START)
        .outsideThoughts("<mm:think>", "</mm:think>");
  }

  private static Peg invoke(Peg name, Peg members) {
    return call(
        whole(NS + "<invoke name=\"", name, "\">"),
        space(),
        members,
        space(),
        close(NS + "</invoke>"));
  }

  private static Peg members(ParameterSchema object, String rule, int depth) {
    var required = new ArrayList<Object>();
    var optional = new ArrayList<Peg>();
    var all = new ArrayList<Peg>();
    for (var property : object.members()) {
      var name = rule + "-" + property.name();
      var element =
          rule(
              name,
              member(
                  whole(NS + "<", memberName(property.name()), ">"),
                  loosely(property.schema(), name, NS + "</" + property.name() + ">", depth)));
      all.add(element);
      if (property.required()) {
        if (!required.isEmpty()) required.add(space());
        required.add(element);
      } else {
        optional.add(element);
      }
    }
    if (!optional.isEmpty()) required.add(many(space(), choice(optional)));
    all.add(Peg.tolerated(unknownMember()));
    return new Peg.Written(many(space(), choice(all)), sequence(required.toArray()));
  }

  /// A member that the schema does not have: text, or JSON.
  private static Peg unknownMember() {
    return member(
        whole(NS + "<", not("/"), memberName(until(">")), ">"),
        Peg.value(until(NS + "</")),
        whole(NS + "</", until(">"), ">"));
  }

  /// A value as its schema has it, or anything.
  private static Peg loosely(ParameterSchema schema, String rule, String end, int depth) {
    var value = value(schema, rule, end, depth + 1);
    return choice(value, Peg.tolerated(Peg.value(until(end)), close(end)));
  }

  private static Peg value(ParameterSchema given, String rule, String end, int depth) {
    var close = close(end);
    if (given.mayBeText()) return CallForms.textUpTo(end);
    var schema = given;
    var alternatives = schema.alternatives();
    if (depth < MAX_DEPTH && !alternatives.isEmpty()) {
      var choices = new ArrayList<Peg>();
      for (int i = 0; i < alternatives.size(); i++) {
        choices.add(value(alternatives.get(i), rule + "-" + i, end, depth + 1));
      }
      return choice(choices);
    }
    if (depth < MAX_DEPTH && !schema.members().isEmpty()) {
      return sequence(Peg.tagged(Peg.Tag.OBJECT, members(schema, rule, depth)), space(), close);
    }
    if (depth < MAX_DEPTH && schema.type().equals("array") && !schema.isTuple()) {
      var item =
          rule(
              rule + "-item",
              NS + "<item>",
              loosely(schema.items(), rule + "-item", NS + "</item>", depth));
      return sequence(Peg.tagged(Peg.Tag.ARRAY, many(space(), item)), space(), close);
    }
    return whole(Peg.value(json(rule + "-schema", schema)), close);
  }
}
