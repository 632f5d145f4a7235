package dev.tenon.chat;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What a JSON Schema says of a value, as far as it matters for reading one: whether text between
/// tags is a string or JSON, and which members an object has. Read as llama.cpp's
/// `common/json-schema.cpp` does.
///
/// @param schema the schema
/// @param document what `#/…` in it refers to
record ParameterSchema(Map<String, Object> schema, Map<String, Object> document) {
  /// How deep alternatives and references are followed.
  private static final int MAX_DEPTH = 32;

  /// Kinds of values.
  enum Kind {
    NULL,
    BOOLEAN,
    NUMBER,
    STRING,
    ARRAY,
    OBJECT
  }

  /// A member of an object.
  ///
  /// @param name its name
  /// @param schema its schema
  /// @param required whether it must be there
  record Member(String name, ParameterSchema schema, boolean required) {}

  static ParameterSchema of(Object schema) {
    var map = map(schema);
    return new ParameterSchema(map, map);
  }

  /// {@return the kinds a value may be of}
  Set<Kind> kinds() {
    return kinds(0);
  }

  private Set<Kind> kinds(int depth) {
    if (depth > MAX_DEPTH) return EnumSet.noneOf(Kind.class);
    if (schema.containsKey("$ref")) return target().kinds(depth + 1);
    var kinds = EnumSet.noneOf(Kind.class);
    var alternatives = alternatives();
    if (!alternatives.isEmpty()) {
      for (var alternative : alternatives) kinds.addAll(alternative.kinds(depth + 1));
      return kinds;
    }
    if (schema.containsKey("const")) return EnumSet.of(kindOf(schema.get("const")));
    if (schema.get("enum") instanceof List<?> values) {
      for (var value : values) kinds.add(kindOf(value));
      return kinds;
    }
    var parts = parts();
    if (!parts.isEmpty()) {
      kinds.addAll(EnumSet.allOf(Kind.class));
      for (var part : parts) kinds.retainAll(part.kinds(depth + 1));
      return kinds;
    }
    return switch (type()) {
      case "null" -> EnumSet.of(Kind.NULL);
      case "boolean" -> EnumSet.of(Kind.BOOLEAN);
      case "number", "integer" -> EnumSet.of(Kind.NUMBER);
      case "string" -> EnumSet.of(Kind.STRING);
      case "array" -> EnumSet.of(Kind.ARRAY);
      case "object" -> EnumSet.of(Kind.OBJECT);
      default -> EnumSet.allOf(Kind.class);
    };
  }

  /// {@return whether a value may be a string, where the schema says anything about it}
  boolean mayBeText() {
    return mayBeText(0);
  }

  private boolean mayBeText(int depth) {
    if (depth > MAX_DEPTH) return false;
    if (schema.containsKey("$ref")) return target().mayBeText(depth + 1);
    var alternatives = alternatives();
    if (!alternatives.isEmpty()) {
      return alternatives.stream().anyMatch(one -> one.mayBeText(depth + 1));
    }
    if (schema.containsKey("const")) return schema.get("const") instanceof String;
    if (schema.get("enum") instanceof List<?> values) {
      return values.stream().anyMatch(String.class::isInstance);
    }
    var parts = parts().stream().filter(part -> !part.saysNothing()).toList();
    if (!parts.isEmpty()) return parts.stream().allMatch(part -> part.mayBeText(depth + 1));
    return type().equals("string");
  }

  /// {@return the members that an object of this schema may have, in the schema's order}
  List<Member> members() {
    if (!type().equals("object") || !parts().isEmpty()) return List.of();
    var required = schema.get("required") instanceof List<?> names ? names : List.of();
    var members = new ArrayList<Member>();
    map(schema.get("properties"))
        .forEach(
            (name, property) ->
                members.add(
                    new Member(
                        name,
                        new ParameterSchema(map(property), document),
                        required.contains(name))));
    return members;
  }

  /// {@return the schema that a reference leads to, or this}
  ParameterSchema resolved() {
    var schema = this;
    for (int i = 0; i < MAX_DEPTH && schema.schema.containsKey("$ref"); i++) {
      schema = schema.target();
    }
    return schema;
  }

  /// {@return the schemas of which one must hold; empty where there is no such choice}
  List<ParameterSchema> alternatives() {
    for (var key : List.of("oneOf", "anyOf")) {
      if (schema.get(key) instanceof List<?> schemas) return of(schemas);
    }
    if (!(schema.get("type") instanceof List<?> types)) return List.of();
    var alternatives = new ArrayList<ParameterSchema>();
    for (var type : types) {
      var alternative = new LinkedHashMap<>(schema);
      alternative.put("type", type);
      alternatives.add(new ParameterSchema(alternative, document));
    }
    return alternatives;
  }

  /// {@return the schema of an array's elements}
  ParameterSchema items() {
    return new ParameterSchema(map(schema.get("items")), document);
  }

  /// {@return whether an array has a schema for each element}
  boolean isTuple() {
    return schema.get("items") instanceof List<?>
        || !schema.containsKey("items") && schema.get("prefixItems") instanceof List<?>;
  }

  /// {@return what it is by its type or, without one, by its other words; `any` if by none}
  String type() {
    if (schema.get("type") instanceof String type) return type;
    if (schema.containsKey("properties")
        || schema.containsKey("additionalProperties")
            && !Boolean.TRUE.equals(schema.get("additionalProperties"))) return "object";
    if (schema.containsKey("items") || schema.containsKey("prefixItems")) return "array";
    for (var key : List.of("pattern", "minLength", "maxLength", "format")) {
      if (schema.containsKey(key)) return "string";
    }
    return "any";
  }

  private boolean saysNothing() {
    return type().equals("any")
        && parts().isEmpty()
        && alternatives().isEmpty()
        && !schema.containsKey("$ref")
        && !schema.containsKey("const")
        && !schema.containsKey("enum");
  }

  /// The schemas that must hold together.
  private List<ParameterSchema> parts() {
    return schema.get("allOf") instanceof List<?> schemas && !schema.containsKey("properties")
        ? of(schemas)
        : List.of();
  }

  private List<ParameterSchema> of(List<?> schemas) {
    var all = new ArrayList<ParameterSchema>();
    for (var schema : schemas) all.add(new ParameterSchema(map(schema), document));
    return all;
  }

  private ParameterSchema target() {
    Object target = document;
    if (!(schema.get("$ref") instanceof String reference) || !reference.startsWith("#/")) {
      return new ParameterSchema(Map.of(), document);
    }
    for (var name : reference.substring(2).split("/")) {
      target =
          target instanceof List<?> list && name.matches("\\d{1,9}")
              ? Integer.parseInt(name) < list.size() ? list.get(Integer.parseInt(name)) : null
              : map(target).get(name);
    }
    return new ParameterSchema(map(target), document);
  }

  private static Kind kindOf(Object value) {
    return switch (value) {
      case null -> Kind.NULL;
      case Boolean _ -> Kind.BOOLEAN;
      case Long _, Integer _, Double _, BigInteger _ -> Kind.NUMBER;
      case String _ -> Kind.STRING;
      case List<?> _ -> Kind.ARRAY;
      default -> Kind.OBJECT;
    };
  }

  private static Map<String, Object> map(Object value) {
    if (!(value instanceof Map<?, ?> members)) return Map.of();
    var map = new LinkedHashMap<String, Object>();
    members.forEach((name, member) -> map.put(String.valueOf(name), member));
    return map;
  }
}
