package dev.tenon.grammar;

import java.util.List;

/// A JSON Schema, as far as it can become a grammar.
sealed interface Schema {
  /// Any value.
  record Any() implements Schema {}

  /// What another place of the schema says.
  ///
  /// @param pointer the place, such as `#/$defs/item`
  record Ref(String pointer) implements Schema {}

  /// One of several: `anyOf`, `oneOf`, or `type` with a list.
  record AnyOf(List<Schema> schemas) implements Schema {}

  /// All of several.
  record AllOf(List<Schema> schemas) implements Schema {}

  /// One value.
  ///
  /// @param literal its JSON
  record Const(String literal) implements Schema {}

  /// One of several values.
  ///
  /// @param literals their JSON
  record Enum(List<String> literals) implements Schema {}

  /// Values of a type about which no more is said.
  ///
  /// @param type `null`, `boolean` or `number`
  record Primitive(String type) implements Schema {}

  /// Whole numbers.
  ///
  /// @param min the lowest; [Long#MIN_VALUE] for none
  /// @param max the highest; [Long#MAX_VALUE] for none
  record Whole(long min, long max) implements Schema {}

  /// Strings.
  ///
  /// @param pattern a regular expression; empty for none
  /// @param format `uuid`, `date`, `time` or `date-time`; empty for none
  /// @param minLength the fewest characters
  /// @param maxLength the most; [Integer#MAX_VALUE] for no limit
  record Text(String pattern, String format, int minLength, int maxLength) implements Schema {}

  /// Arrays of like items.
  ///
  /// @param items what each is
  /// @param min the fewest
  /// @param max the most; [Integer#MAX_VALUE] for no limit
  record Array(Schema items, int min, int max) implements Schema {}

  /// Arrays that begin with an item for each of some schemas.
  ///
  /// @param items the schemas
  /// @param rest what each item after these is; null where there are no more
  /// @param min the fewest after these
  /// @param max the most; [Integer#MAX_VALUE] for no limit
  record Tuple(List<Schema> items, Schema rest, int min, int max) implements Schema {}

  /// Objects.
  ///
  /// @param members what `properties` names, in its order
  /// @param additional the values of other members; null where there may be none
  record Members(List<Member> members, Schema additional) implements Schema {}

  /// A member of an object.
  ///
  /// @param name its key
  /// @param schema its value
  /// @param required whether it must be there
  record Member(String name, Schema schema, boolean required) {}
}
