package dev.tenon.chat;

import static dev.tenon.chat.Peg.arguments;
import static dev.tenon.chat.Peg.call;
import static dev.tenon.chat.Peg.choice;
import static dev.tenon.chat.Peg.close;
import static dev.tenon.chat.Peg.content;
import static dev.tenon.chat.Peg.end;
import static dev.tenon.chat.Peg.id;
import static dev.tenon.chat.Peg.json;
import static dev.tenon.chat.Peg.many;
import static dev.tenon.chat.Peg.member;
import static dev.tenon.chat.Peg.memberName;
import static dev.tenon.chat.Peg.name;
import static dev.tenon.chat.Peg.nothing;
import static dev.tenon.chat.Peg.optional;
import static dev.tenon.chat.Peg.rule;
import static dev.tenon.chat.Peg.sequence;
import static dev.tenon.chat.Peg.space;
import static dev.tenon.chat.Peg.text;
import static dev.tenon.chat.Peg.tolerated;
import static dev.tenon.chat.Peg.until;
import static dev.tenon.chat.Peg.value;
import static dev.tenon.chat.Peg.whole;

import dev.tenon.chat.ParameterSchema.Kind;
import dev.tenon.chat.ReplyShape.JsonCall;
import dev.tenon.chat.Turn.Callable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.function.Function;

/// Forms of calls that several families share.
final class CallForms {
  /// The most arguments of which a grammar has every order.
  private static final int MAX_PERMUTED = 6;

  private CallForms() {}

  /// {@return one of the tools, each with its own form}
  static Peg anyOf(Turn turn, Function<Callable, Peg> form) {
    var forms = new ArrayList<Peg>();
    for (var tool : turn.tools()) forms.add(rule("tool-" + tool.name(), form.apply(tool)));
    return choice(forms);
  }

  /// {@return one of the tools, or a tool that is not there, which the caller can tell the model}
  static Peg anyOf(Turn turn, Function<Callable, Peg> form, Peg unknown) {
    return choice(anyOf(turn, form), tolerated(unknown));
  }

  /// {@return the arguments of a tool as one JSON object}
  static Peg jsonArguments(Callable tool) {
    return arguments(json("tool-" + tool.name() + "-schema", tool.parameters()));
  }

  /// {@return a name that no tool has}
  static Peg anyName() {
    return new Peg.Characters("[A-Za-z0-9_.-]");
  }

  // Calls that are JSON objects.

  /// {@return calls between two markers, one behind another or in an array}
  static Peg jsonCalls(Turn turn, JsonCall keys, String start, String end, boolean required) {
    Peg call =
        turn.tools().isEmpty()
            ? tolerated(jsonCall(keys, name(new Peg.Quoted('"')), anyArguments()))
            : anyOf(
                turn,
                tool -> jsonCall(keys, name(tool.name()), jsonArguments(tool)),
                start.isEmpty()
                    ? choice(List.of()) // JSON that is no tool's may be the answer
                    : jsonCall(keys, name(new Peg.Quoted('"')), anyArguments()));
    var calls = turn.parallel() ? sequence(call, many(space(), ",", space(), call)) : call;
    if (keys.inArray()) calls = sequence("[", space(), calls, space(), "]");
    var section = Peg.trigger("tool-call", start, space(), calls, space(), end);
    return required ? section : optional(section);
  }

  private static Peg anyArguments() {
    return arguments(json());
  }

  private static Peg jsonCall(JsonCall keys, Peg name, Peg arguments) {
    var fields = new ArrayList<Field>();
    if (!keys.nameIsKey()) {
      fields.add(new Field(keys.name(), whole("\"", name, "\""), true));
      fields.add(new Field(keys.arguments(), arguments, true));
    } else if (!keys.arguments().isEmpty()) {
      fields.add(new Field(keys.arguments(), arguments, true));
    }
    var text = sequence("\"", id(new Peg.Quoted('"')), "\"");
    var idFields = new ArrayList<Field>();
    if (!keys.id().isEmpty()) idFields.add(new Field(keys.id(), text, false));
    if (!keys.generatedId().isEmpty()) {
      idFields.add(new Field(keys.generatedId(), choice(text, id(json())), false));
    }
    if (keys.nameIsKey()) {
      fields.addAll(idFields);
      return call(
          "{",
          space(),
          whole("\"", name, "\""),
          space(),
          ":",
          space(),
          fields.isEmpty() ? arguments : object(fields, keys),
          space(),
          close("}"));
    }
    if (!keys.wrapper().isEmpty()) {
      var inner = new Field(keys.wrapper(), object(fields, keys), true);
      fields.clear();
      fields.add(inner);
    }
    fields.addAll(idFields);
    return call(object(fields, keys, keys.openAi()), close());
  }

  /// A member of the object of a call.
  private record Field(String key, Peg value, boolean required) {}

  private static Peg object(List<Field> fields, JsonCall keys) {
    return object(fields, keys, false);
  }

  /// An object with its members in the order of the template.
  private static Peg object(List<Field> fields, JsonCall keys, boolean typed) {
    var sorted = new ArrayList<>(fields);
    sorted.sort(
        Comparator.comparingInt(
            field -> {
              int at = keys.order().indexOf(field.key());
              return at < 0 ? keys.order().size() : at;
            }));
    var parts = new ArrayList<Object>(List.of("{", space()));
    if (typed) {
      parts.add(optional("\"type\"", space(), ":", space(), "\"function\"", space(), ",", space()));
    }
    int last = sorted.size() - 1;
    while (last > 0 && !sorted.get(last).required()) last--;
    for (int i = 0; i < sorted.size(); i++) {
      var field = sorted.get(i);
      var pair = sequence("\"" + field.key() + "\"", space(), ":", space(), field.value());
      var comma = sequence(space(), ",", space());
      if (i < last) {
        parts.add(field.required() ? sequence(pair, comma) : optional(whole(pair, comma)));
      } else {
        parts.add(i == last ? pair : optional(whole(comma, pair)));
      }
    }
    parts.add(space());
    parts.add("}");
    return sequence(parts.toArray());
  }

  // Calls whose arguments are in tags.

  /// How one argument is written.
  ///
  /// @param before what is before the name
  /// @param named what is between name and value
  /// @param after what is after the value
  record Tags(String before, String named, String after) {}

  /// {@return the arguments of a tool, each in its own tags: first those required, then
  /// others; read in any order, and with names that the schema does not have}
  static Peg taggedArguments(Callable tool, Tags tags) {
    return taggedArguments(tool, tags, (schema, rule) -> argument(schema, rule, tags.after()));
  }

  /// How the value of an argument is written.
  @FunctionalInterface
  interface ValueForm {
    /// {@return the value and what closes it}
    Peg of(ParameterSchema schema, String rule);
  }

  static Peg taggedArguments(Callable tool, Tags tags, ValueForm form) {
    var required = new ArrayList<Peg>();
    var optional = new ArrayList<Peg>();
    var all = new ArrayList<Peg>();
    for (var member : tool.parameters().members()) {
      var rule = "tool-" + tool.name() + "-arg-" + member.name();
      var argument =
          rule(
              rule,
              member(
                  whole(tags.before(), memberName(member.name()), tags.named()),
                  form.of(member.schema(), rule)));
      (member.required() ? required : optional).add(argument);
      all.add(argument);
    }
    if (!tags.before().isEmpty() && !tags.named().isEmpty()) {
      all.add(
          tolerated(
              member(
                  whole(tags.before(), memberName(new Peg.Characters("[^<>\"\n]")), tags.named()),
                  form.of(ParameterSchema.of(null), "any"))));
    }
    var written = permuted("tool-" + tool.name() + "-args", required);
    if (!optional.isEmpty()) written = sequence(written, many(space(), choice(optional)));
    return new Peg.Written(many(space(), choice(all)), written);
  }

  /// {@return each of some parts once, in any order; where there are many, in the given one}
  private static Peg permuted(String rule, List<Peg> parts) {
    if (parts.size() < 2 || parts.size() > MAX_PERMUTED) {
      var sequence = new ArrayList<Object>();
      for (var part : parts) {
        if (!sequence.isEmpty()) sequence.add(space());
        sequence.add(part);
      }
      return sequence(sequence.toArray());
    }
    // A rule for each set of parts that are left.
    var left = new Peg[1 << parts.size()];
    left[0] = nothing();
    for (int set = 1; set < left.length; set++) {
      var choices = new ArrayList<Peg>();
      for (int i = 0; i < parts.size(); i++) {
        int rest = set & ~(1 << i);
        if (rest == set) continue;
        choices.add(rest == 0 ? parts.get(i) : sequence(parts.get(i), space(), left[rest]));
      }
      left[set] = rule(rule + "-" + set, choice(choices));
    }
    return left[left.length - 1];
  }

  /// {@return a value that is text where its schema may be one, else JSON}
  static Peg argument(ParameterSchema schema, String rule, String end) {
    if (schema.mayBeText()) return textUpTo(end);
    return choice(
        whole(value(json(rule + "-schema", schema)), close(end)),
        tolerated(value(until(end)), close(end)));
  }

  /// {@return a value that is text where nothing else may be, JSON where no text may be, and JSON
  /// if it is any where both may}
  ///
  /// @param quoted whether what stands in quotes is JSON too
  static Peg jsonOrText(ParameterSchema schema, String rule, String end, boolean quoted) {
    var kinds = EnumSet.copyOf(schema.kinds());
    if (!kinds.contains(Kind.STRING)) return argument(schema, rule, end);
    var text = textUpTo(end);
    if (kinds.size() == 1) return text;
    if (!quoted) kinds.remove(Kind.STRING);
    var json = whole(new Peg.Kinds(kinds), value(json()), close(end));
    return new Peg.Written(choice(json, text), text);
  }

  /// {@return a text and the tag that ends it}
  static Peg textUpTo(String end) {
    return new Peg.Through(sequence(text(until(end)), close(end)), end);
  }

  /// {@return parts in a row, where there may be several calls as often as there are}
  static Peg severalIf(boolean parallel, Peg first, Object... next) {
    return parallel ? sequence(first, many(next)) : first;
  }

  /// {@return the end of a reply with calls; text that a model adds is accepted, but no call
  /// that is not of its form}
  ///
  /// @param markers what begins a call
  static Peg endAfterCalls(String... markers) {
    return markers[0].isEmpty()
        ? end()
        : choice(end(), tolerated(space(), content(until(markers)), end()));
  }

  static Peg optionalIf(boolean optional, Peg part) {
    return optional ? optional(part) : part;
  }

  static Peg nothingIfEmpty(String marker, Peg part) {
    return marker.isEmpty() ? nothing() : part;
  }
}
