package dev.tenon.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What a reply may look like: a parsing expression grammar. [PegMatcher] takes a text apart with
/// it, [PegGrammar] writes it as GBNF for what constrains the sampling, so that what a model is
/// held to and what is read back are one description.
///
/// As in every such grammar a choice takes the first alternative that fits and nothing is given
/// back that a repetition has taken.
sealed interface Peg {
  /// What a part of the reply is; kept in the tree of what was matched.
  enum Tag {
    THINKING,
    CONTENT,
    CALL,
    ID,
    NAME,
    /// Arguments as one JSON value.
    ARGUMENTS,
    /// One argument, or one member of an object: a name and a value.
    MEMBER,
    MEMBER_NAME,
    /// A value that is text, as it stands.
    TEXT,
    /// A value written as JSON or in Python.
    VALUE,
    OBJECT,
    ARRAY,
    /// Closes a call or a text: what came before it is complete.
    CLOSE
  }

  record Nothing() implements Peg {}

  /// The end of the text.
  record End() implements Peg {}

  record Literal(String text) implements Peg {}

  record Sequence(List<Peg> parts) implements Peg {}

  record Choice(List<Peg> alternatives) implements Peg {}

  /// As often as it fits; a `most` of -1 is no bound.
  record Repeat(Peg part, int least, int most) implements Peg {}

  /// Fits where the part does, and takes nothing.
  record Ahead(Peg part) implements Peg {}

  /// Fits where the part does not, and takes nothing.
  record Not(Peg part) implements Peg {}

  /// Any white space, or none.
  record Space() implements Peg {}

  /// Characters of a class of GBNF's (`[0-9]`), at least one.
  record Characters(String set) implements Peg {}

  /// Everything up to the first of some texts, or to the end.
  record Until(List<String> ends) implements Peg {}

  /// What stands between quotes, with JSON's escapes.
  record Quoted(char quote) implements Peg {}

  /// A value of JSON; with a schema, for what is sampled, of that schema.
  ///
  /// @param name the rule's name in the grammar
  /// @param schema the schema, or null
  /// @param document what `#/…` in it refers to
  record JsonValue(String name, Map<String, Object> schema, Map<String, Object> document)
      implements Peg {}

  /// A value as Python writes it, with JSON's true, false and null as well.
  record PythonValue() implements Peg {}

  /// Fits where a value of one of some kinds begins, and takes nothing.
  record Kinds(Set<ParameterSchema.Kind> kinds) implements Peg {}

  record Tagged(Tag tag, Peg part) implements Peg {}

  /// Shows nothing of its inside until it fits as a whole.
  record Whole(Peg part) implements Peg {}

  /// An alternative that is accepted from a model, but nothing that it is held to.
  record Tolerated(Peg part) implements Peg {}

  /// What is read one way, and written to the grammar that holds the model another way.
  record Written(Peg part, Peg written) implements Peg {}

  /// The part takes everything up to and with the first of some texts.
  record Through(Peg part, String end) implements Peg {}

  /// A part with a name, which may refer to itself.
  final class Rule implements Peg {
    final String name;

    /// Whether a lazy grammar begins here.
    final boolean trigger;

    private Peg part;

    Rule(String name, boolean trigger) {
      this.name = name.replaceAll("[^a-zA-Z0-9-]+", "-");
      this.trigger = trigger;
    }

    Rule as(Peg part) {
      this.part = part;
      return this;
    }

    Peg part() {
      return part;
    }
  }

  // Short names to write grammars with. Parts may be given as texts.

  static Peg nothing() {
    return new Nothing();
  }

  static Peg end() {
    return new End();
  }

  static Peg space() {
    return new Space();
  }

  static Peg sequence(Object... parts) {
    return new Sequence(pegs(parts));
  }

  static Peg choice(Object... alternatives) {
    var pegs = new ArrayList<Peg>(alternatives.length);
    for (var alternative : alternatives) pegs.add(one(alternative));
    return new Choice(List.copyOf(pegs));
  }

  static Peg choice(List<Peg> alternatives) {
    return new Choice(List.copyOf(alternatives));
  }

  static Peg optional(Object... parts) {
    return new Repeat(one(parts), 0, 1);
  }

  static Peg many(Object... parts) {
    return new Repeat(one(parts), 0, -1);
  }

  static Peg repeat(int least, int most, Object... parts) {
    return new Repeat(one(parts), least, most);
  }

  static Peg ahead(Object... parts) {
    return new Ahead(one(parts));
  }

  static Peg not(Object... parts) {
    return new Not(one(parts));
  }

  static Peg until(String... ends) {
    return new Until(List.of(ends));
  }

  static Peg until(List<String> ends) {
    return new Until(List.copyOf(ends));
  }

  /// All that is left.
  static Peg rest() {
    return new Until(List.of());
  }

  static Peg tagged(Tag tag, Object... parts) {
    return new Tagged(tag, one(parts));
  }

  static Peg thinking(Object... parts) {
    return tagged(Tag.THINKING, parts);
  }

  static Peg content(Object... parts) {
    return tagged(Tag.CONTENT, parts);
  }

  static Peg call(Object... parts) {
    return tagged(Tag.CALL, parts);
  }

  static Peg name(Object... parts) {
    return whole(tagged(Tag.NAME, parts));
  }

  static Peg id(Object... parts) {
    return whole(tagged(Tag.ID, parts));
  }

  static Peg close(Object... parts) {
    return whole(tagged(Tag.CLOSE, parts));
  }

  static Peg whole(Object... parts) {
    return new Whole(one(parts));
  }

  static Peg rule(String name, Object... parts) {
    return new Rule(name, false).as(one(parts));
  }

  static Peg text(Object... parts) {
    return tagged(Tag.TEXT, parts);
  }

  static Peg value(Object... parts) {
    return tagged(Tag.VALUE, parts);
  }

  static Peg arguments(Object... parts) {
    return tagged(Tag.ARGUMENTS, parts);
  }

  static Peg member(Object... parts) {
    return tagged(Tag.MEMBER, parts);
  }

  static Peg memberName(Object... parts) {
    return whole(tagged(Tag.MEMBER_NAME, parts));
  }

  static Peg tolerated(Object... parts) {
    return new Tolerated(one(parts));
  }

  /// JSON of a schema.
  static Peg json(String name, ParameterSchema schema) {
    return new JsonValue(name, schema.schema(), schema.document());
  }

  /// Any JSON.
  static Peg json() {
    return new JsonValue("json", null, null);
  }

  /// A rule that a lazy grammar begins with.
  static Peg trigger(String name, Object... parts) {
    return new Rule(name, true).as(one(parts));
  }

  static Peg one(Object... parts) {
    var pegs = pegs(parts);
    return pegs.size() == 1 ? pegs.getFirst() : new Sequence(pegs);
  }

  private static List<Peg> pegs(Object... parts) {
    var pegs = new ArrayList<Peg>(parts.length);
    for (var part : parts) {
      switch (part) {
        case Sequence(var inner) -> pegs.addAll(inner);
        case Peg peg -> pegs.add(peg);
        case String text when text.isEmpty() -> {}
        case String text -> pegs.add(new Literal(text));
        default -> throw new IllegalArgumentException("no part of a grammar: " + part);
      }
    }
    return List.copyOf(pegs);
  }
}
