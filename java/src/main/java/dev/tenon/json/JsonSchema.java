package dev.tenon.json;

import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/// The JSON Schema of a Java type: of the JSON from which [JsonRecords] makes a value of it.
///
/// ```java
/// record Answer(String city, int people, List<String> sights) {}
/// var schema = JsonSchema.of(Answer.class);
/// // {"type":"object","properties":{"city":{"type":"string"},"people":{"type":"integer",…},…},
/// //  "required":["city","people","sights"],"additionalProperties":false}
/// ```
///
/// A record is an object with a member for each component, all required but those that are a
/// [java.util.Optional]. There are further strings, numbers, booleans, enums by their names,
/// [java.util.UUID], arrays, lists, sets, maps from strings, [Object] for any value, and sealed
/// interfaces, whose records are told apart by the member `type`: the simple name. Records may
/// contain themselves.
public final class JsonSchema {
  private final Map<Class<?>, String> names = new HashMap<>(); // of records that contain themselves
  private final Map<String, Object> definitions = new LinkedHashMap<>();

  private JsonSchema() {}

  /// {@return the schema of a type; may be changed}
  ///
  /// @param type a class, or a type with arguments such as `List<Answer>`
  /// @throws IllegalArgumentException if JSON has nothing for it or a part of it
  public static Map<String, Object> of(Type type) {
    var schema = new JsonSchema();
    schema.findRecursive(type, new HashSet<>(), new HashSet<>());
    return schema.document(schema.schema(type));
  }

  /// {@return the schema of an object, all of its members required but those that are a
  /// [java.util.Optional]; may be changed}
  ///
  /// @param members their types by name, in order: the parameters of a method, for example
  /// @throws IllegalArgumentException if JSON has nothing for one of them or a part of it
  public static Map<String, Object> ofMembers(Map<String, ? extends Type> members) {
    var schema = new JsonSchema();
    var done = new HashSet<Class<?>>();
    for (var type : members.values()) {
      schema.findRecursive(type, new HashSet<>(), done);
    }
    return schema.document(schema.object(null, members));
  }

  private Map<String, Object> document(Map<String, Object> root) {
    if (!definitions.isEmpty()) {
      root.put("$defs", definitions);
    }
    return root;
  }

  /// Gives names to the records and interfaces that contain themselves.
  private void findRecursive(Type type, Set<Class<?>> open, Set<Class<?>> done) {
    var java = JavaType.of(type);
    if (java.part() != null) {
      findRecursive(java.part(), open, done);
      return;
    }
    var raw = java.raw();
    if (open.contains(raw)) {
      if (!names.containsKey(raw)) {
        var name = raw.getSimpleName();
        for (int i = 2; names.containsValue(name); i++) {
          name = raw.getSimpleName() + i;
        }
        names.put(raw, name);
      }
      return;
    }
    if (!done.add(raw)) {
      return;
    }
    open.add(raw);
    switch (java.kind()) {
      case RECORD -> {
        for (var component : java.components().entrySet()) {
          within(raw, component.getKey(), () -> findRecursive(component.getValue(), open, done));
        }
      }
      case SEALED -> {
        for (var permitted : java.records().values()) {
          findRecursive(permitted, open, done);
        }
      }
      default -> {}
    }
    open.remove(raw);
  }

  private static void within(Class<?> record, String component, Runnable looking) {
    try {
      looking.run();
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          record.getSimpleName() + "." + component + ": " + e.getMessage(), e);
    }
  }

  private Map<String, Object> schema(Type type) {
    var java = JavaType.of(type);
    var name = names.get(java.raw());
    if (name == null) {
      return definition(java);
    }
    if (!definitions.containsKey(name)) {
      definitions.put(name, null); // its place, before those that it needs
      definitions.put(name, definition(java));
    }
    return map("$ref", "#/$defs/" + name);
  }

  private Map<String, Object> definition(JavaType type) {
    return switch (type.kind()) {
      case ANY -> map();
      case STRING -> map("type", "string");
      case UUID -> map("type", "string", "format", "uuid");
      case BOOLEAN -> map("type", "boolean");
      case REAL -> map("type", "number");
      case WHOLE -> {
        long min = JavaType.min(type.raw());
        yield min == 0 || min == Long.MIN_VALUE
            ? map("type", "integer")
            : map("type", "integer", "minimum", min, "maximum", -1 - min);
      }
      case ENUM ->
          map(
              "enum",
              Arrays.stream(type.raw().getEnumConstants())
                  .map(constant -> ((Enum<?>) constant).name())
                  .toList());
      case ARRAY -> map("type", "array", "items", schema(type.part()));
      case MAP -> map("type", "object", "additionalProperties", schema(type.part()));
      case OPTIONAL -> schema(type.part());
      case RECORD -> object(null, type.components());
      case SEALED -> {
        var alternatives = new ArrayList<Object>();
        type.records()
            .forEach(
                (name, record) -> alternatives.add(object(name, JavaType.of(record).components())));
        yield map("anyOf", alternatives);
      }
    };
  }

  private Map<String, Object> object(String name, Map<String, ? extends Type> members) {
    var properties = map();
    var required = new ArrayList<String>();
    if (name != null) {
      properties.put(JavaType.DISCRIMINATOR, map("const", name));
      required.add(JavaType.DISCRIMINATOR);
    }
    members.forEach(
        (key, type) -> {
          properties.put(key, schema(type));
          if (JavaType.of(type).kind() != JavaType.Kind.OPTIONAL) {
            required.add(key);
          }
        });
    return map(
        "type",
        "object",
        "properties",
        properties,
        "required",
        required,
        "additionalProperties",
        false);
  }

  private static Map<String, Object> map(Object... keysAndValues) {
    var map = new LinkedHashMap<String, Object>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      map.put((String) keysAndValues[i], keysAndValues[i + 1]);
    }
    return map;
  }
}
