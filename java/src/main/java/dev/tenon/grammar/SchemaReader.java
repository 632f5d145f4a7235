package dev.tenon.grammar;

import dev.tenon.grammar.Schema.Member;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/// Reads JSON Schema: what llama.cpp takes from one, in the same order of precedence, and refuses.
/// https://github.com/ggml-org/llama.cpp/blob/v0.5.0/common/json-schema.cpp
///
/// Besides, it refuses what no value satisfies.
final class SchemaReader {
  /// The deepest nesting of schemas.
  private static final int MAX_DEPTH = 500;

  /// The most schemas within one: a list of types says all the rest once for each type, which can
  /// multiply.
  private static final int MAX_SCHEMAS = 100_000;

  private final Object root;
  private final Map<String, Schema> targets = new HashMap<>();
  private int depth;
  private int count;

  private SchemaReader(Object root) {
    this.root = root;
  }

  /// A schema with what its references refer to.
  ///
  /// @param root the schema
  /// @param targets by pointer
  record Document(Schema root, Map<String, Schema> targets) {}

  /// {@return what a schema says}
  ///
  /// @param schema JSON
  /// @throws GrammarException if it is malformed, or one that nothing satisfies
  static Document read(Object schema) {
    var reader = new SchemaReader(schema);
    return new Document(reader.schema(schema, "#"), reader.targets);
  }

  private Schema schema(Object json, String path) {
    if (json instanceof Boolean allowed) {
      throw error(
          path,
          allowed
              ? "the schema true is not supported; {} says the same"
              : "nothing satisfies the schema false");
    }
    if (!(json instanceof Map<?, ?> schema)) {
      throw error(path, "a schema must be an object, not " + kind(json));
    }
    if (++depth > MAX_DEPTH) {
      throw error(path, "schemas are nested deeper than " + MAX_DEPTH);
    }
    if (++count > MAX_SCHEMAS) {
      throw error(path, "there are over " + MAX_SCHEMAS + " schemas within the schema");
    }
    var result = schema(schema, path);
    depth--;
    return result;
  }

  private Schema schema(Map<?, ?> schema, String path) {
    if (schema.containsKey("$ref")) {
      return reference(schema.get("$ref"), path);
    }
    for (var key : List.of("oneOf", "anyOf")) {
      if (schema.containsKey(key)) {
        return new Schema.AnyOf(alternatives(schema, key, path));
      }
    }
    var type = schema.get("type");
    if (type instanceof List<?> types) {
      if (types.isEmpty()) {
        throw error(path, "type is an empty list, which nothing satisfies");
      }
      var schemas = new ArrayList<Schema>();
      for (var each : types) {
        var single = new LinkedHashMap<Object, Object>(schema);
        single.put("type", each);
        schemas.add(schema(single, path + "/type/" + schemas.size()));
      }
      return new Schema.AnyOf(schemas);
    }
    if (schema.containsKey("const")) {
      return new Schema.Const(literal(schema.get("const"), path));
    }
    if (schema.containsKey("enum")) {
      if (!(schema.get("enum") instanceof List<?> values) || values.isEmpty()) {
        throw error(path, "enum must be a list with at least one value");
      }
      return new Schema.Enum(values.stream().map(value -> literal(value, path)).toList());
    }
    return switch (type) {
      case null -> untyped(schema, path);
      case String name -> typed(name, schema, path);
      default -> throw error(path, "type must be a string or a list of strings, not " + kind(type));
    };
  }

  /// Without a type the keywords that are there decide.
  private Schema untyped(Map<?, ?> schema, String path) {
    if (hasMembers(schema)) {
      return members(schema, path);
    }
    if (schema.containsKey("allOf")) {
      return new Schema.AllOf(alternatives(schema, "allOf", path));
    }
    if (schema.containsKey("items") || schema.containsKey("prefixItems")) {
      return array(schema, path);
    }
    return schema.containsKey("pattern")
            || schema.containsKey("minLength")
            || schema.containsKey("maxLength")
            || !format(schema, path).isEmpty()
        ? text(schema, path)
        : new Schema.Any();
  }

  private Schema typed(String type, Map<?, ?> schema, String path) {
    return switch (type) {
      case "" -> untyped(schema, path);
      case "object" ->
          !hasMembers(schema) && schema.containsKey("allOf")
              ? new Schema.AllOf(alternatives(schema, "allOf", path))
              : members(schema, path);
      case "string" ->
          schema.containsKey("allOf")
              ? new Schema.AllOf(alternatives(schema, "allOf", path))
              : text(schema, path);
      case "array" -> array(schema, path);
      case "integer" -> whole(schema, path);
      case "number", "boolean", "null" -> new Schema.Primitive(type);
      default ->
          throw error(
              path,
              "unknown type \""
                  + type
                  + "\"; known are array, boolean, integer, null, number, object, string");
    };
  }

  private static boolean hasMembers(Map<?, ?> schema) {
    return schema.containsKey("properties")
        || schema.containsKey("additionalProperties")
            && !Boolean.TRUE.equals(schema.get("additionalProperties"));
  }

  // References.

  private Schema reference(Object json, String path) {
    if (!(json instanceof String pointer)) {
      throw error(path, "$ref must be a string, not " + kind(json));
    }
    if (!pointer.startsWith("#/")) {
      throw error(
          path,
          "$ref \"" + pointer + "\" is not supported: only places within the schema, #/…, are");
    }
    if (!targets.containsKey(pointer)) {
      targets.put(pointer, null); // a circle that comes back here ends here
      targets.put(pointer, schema(resolve(pointer, path), pointer));
    }
    return new Schema.Ref(pointer);
  }

  private Object resolve(String pointer, String path) {
    var target = root;
    for (var name : pointer.substring(2).split("/", -1)) {
      if (target instanceof Map<?, ?> map && map.containsKey(name)) {
        target = map.get(name);
      } else if (target instanceof Map<?, ?> map && map.containsKey(unescaped(name))) {
        target = map.get(unescaped(name));
      } else if (target instanceof List<?> list
          && name.matches("[0-9]{1,9}")
          && Integer.parseInt(name) < list.size()) {
        target = list.get(Integer.parseInt(name));
      } else {
        throw error(path, "$ref \"" + pointer + "\": there is no \"" + name + '"');
      }
    }
    return target;
  }

  private static String unescaped(String name) {
    return name.replace("~1", "/").replace("~0", "~");
  }

  // Keywords.

  private List<Schema> alternatives(Map<?, ?> schema, String key, String path) {
    if (!(schema.get(key) instanceof List<?> list)) {
      throw error(path + "/" + key, "must be a list of schemas, not " + kind(schema.get(key)));
    }
    if (list.isEmpty()) {
      throw error(path + "/" + key, "must have at least one schema");
    }
    var schemas = new ArrayList<Schema>();
    for (var each : list) {
      schemas.add(schema(each, path + "/" + key + "/" + schemas.size()));
    }
    return schemas;
  }

  private Schema members(Map<?, ?> schema, String path) {
    var required = new LinkedHashSet<Object>();
    if (schema.get("required") instanceof List<?> names) {
      required.addAll(names);
    }
    var members = new ArrayList<Member>();
    if (schema.containsKey("properties")) {
      if (!(schema.get("properties") instanceof Map<?, ?> properties)) {
        throw error(path, "properties must be an object, not " + kind(schema.get("properties")));
      }
      for (var entry : properties.entrySet()) {
        var name = String.valueOf(entry.getKey());
        var value = schema(entry.getValue(), path + "/properties/" + name);
        members.add(new Member(name, value, required.remove(name)));
      }
    }
    Schema additional = null;
    if (schema.containsKey("additionalProperties")) {
      var json = schema.get("additionalProperties");
      if (json instanceof Map<?, ?>) {
        additional = schema(json, path + "/additionalProperties");
      } else if (Boolean.TRUE.equals(json)) {
        additional = new Schema.Any();
      } else if (!Boolean.FALSE.equals(json)) {
        throw error(path, "additionalProperties must be a boolean or a schema, not " + kind(json));
      }
    } else if (!schema.containsKey("properties")) {
      additional = new Schema.Any();
    }
    // What is required must be there, whether properties has it or not.
    boolean closed = Boolean.FALSE.equals(schema.get("additionalProperties"));
    for (var name : required) {
      if (!(name instanceof String text)) {
        continue;
      }
      if (closed) {
        throw error(
            path,
            "nothing satisfies the schema: it requires \""
                + text
                + "\", which properties does not have, and allows no others");
      }
      members.add(new Member(text, additional == null ? new Schema.Any() : additional, true));
    }
    return new Schema.Members(members, additional);
  }

  private Schema array(Map<?, ?> schema, String path) {
    int min = count(schema, "minItems", path, 0);
    int max = count(schema, "maxItems", path, Integer.MAX_VALUE);
    if (min > max) {
      throw crossed(path, "minItems", min, "maxItems", max);
    }
    // A list of items is what prefixItems was called before.
    for (var key : List.of("prefixItems", "items")) {
      if (schema.get(key) instanceof List<?> list) {
        var rest = key.equals("prefixItems") ? schema.get("items") : null;
        return tuple(list, rest, min, max, path, path + "/" + key);
      }
    }
    for (var key : List.of("items", "prefixItems")) {
      if (schema.containsKey(key)) {
        return new Schema.Array(schema(schema.get(key), path + "/" + key), min, max);
      }
    }
    return new Schema.Array(new Schema.Any(), min, max);
  }

  private Schema tuple(List<?> list, Object rest, int min, int max, String path, String listPath) {
    var items = new ArrayList<Schema>();
    for (var item : list.subList(0, Math.min(list.size(), max))) {
      items.add(schema(item, listPath + "/" + items.size()));
    }
    int least = Math.max(0, min - items.size());
    int most = max == Integer.MAX_VALUE ? max : max - items.size();
    if (Boolean.FALSE.equals(rest)) {
      if (least > 0) {
        throw crossed(path, "minItems", min, "the number of items", items.size());
      }
      most = 0;
    }
    // Without a word about the rest there is no more of it than there must be.
    return rest != null && most > 0
        ? new Schema.Tuple(items, schema(rest, path + "/items"), least, most)
        : new Schema.Tuple(items, least > 0 ? new Schema.Any() : null, least, least);
  }

  private Schema text(Map<?, ?> schema, String path) {
    var pattern = "";
    if (schema.containsKey("pattern")) {
      if (!(schema.get("pattern") instanceof String given)) {
        throw error(path, "pattern must be a string, not " + kind(schema.get("pattern")));
      }
      pattern = given;
    }
    int min = count(schema, "minLength", path, 0);
    int max = count(schema, "maxLength", path, Integer.MAX_VALUE);
    if (min > max) {
      throw crossed(path, "minLength", min, "maxLength", max);
    }
    return new Schema.Text(pattern, format(schema, path), min, max);
  }

  private static String format(Map<?, ?> schema, String path) {
    if (!schema.containsKey("format")) {
      return "";
    }
    if (!(schema.get("format") instanceof String format)) {
      throw error(path, "format must be a string, not " + kind(schema.get("format")));
    }
    return switch (format) {
      case "date", "time", "date-time" -> format;
      case "uuid", "uuid1", "uuid2", "uuid3", "uuid4", "uuid5" -> "uuid";
      default -> "";
    };
  }

  private static Schema whole(Map<?, ?> schema, String path) {
    long min = Long.MIN_VALUE;
    long max = Long.MAX_VALUE;
    if (schema.containsKey("minimum")) {
      min = bound(schema, "minimum", path, RoundingMode.CEILING, 0);
    } else if (schema.containsKey("exclusiveMinimum")) {
      min = bound(schema, "exclusiveMinimum", path, RoundingMode.FLOOR, 1);
    }
    if (schema.containsKey("maximum")) {
      max = bound(schema, "maximum", path, RoundingMode.FLOOR, 0);
    } else if (schema.containsKey("exclusiveMaximum")) {
      max = bound(schema, "exclusiveMaximum", path, RoundingMode.CEILING, -1);
    }
    if (min > max) {
      throw crossed(path, "the lowest integer", min, "the highest", max);
    }
    return new Schema.Whole(min, max);
  }

  private static long bound(
      Map<?, ?> schema, String key, String path, RoundingMode rounding, int step) {
    BigInteger bound =
        switch (schema.get(key)) {
          case Double d when Double.isFinite(d) ->
              new BigDecimal(d).setScale(0, rounding).toBigInteger();
          case Float f when Float.isFinite(f) ->
              new BigDecimal(f).setScale(0, rounding).toBigInteger();
          case BigDecimal d -> d.setScale(0, rounding).toBigInteger();
          case BigInteger i -> i;
          case Long l -> BigInteger.valueOf(l);
          case Integer i -> BigInteger.valueOf(i);
          case Short s -> BigInteger.valueOf(s);
          case Byte b -> BigInteger.valueOf(b);
          case null, default ->
              throw error(path, key + " must be a number, not " + kind(schema.get(key)));
        };
    return bound
        .add(BigInteger.valueOf(step))
        .min(BigInteger.valueOf(Long.MAX_VALUE))
        .max(BigInteger.valueOf(Long.MIN_VALUE))
        .longValue();
  }

  private static int count(Map<?, ?> schema, String key, String path, int usual) {
    if (!schema.containsKey(key)) {
      return usual;
    }
    var json = schema.get(key);
    long value =
        switch (json) {
          case Long l -> l;
          case Integer i -> i;
          case Short s -> s;
          case Byte b -> b;
          case BigInteger i -> i.signum() < 0 ? -1 : Long.MAX_VALUE;
          case null, default -> -1;
        };
    if (value < 0) {
      throw error(path, key + " must be a whole number from 0 up, not " + literal(json, path));
    }
    return (int) Math.min(value, Integer.MAX_VALUE);
  }

  private static String literal(Object value, String path) {
    try {
      return JsonText.of(value);
    } catch (IllegalArgumentException e) {
      throw error(path, e.getMessage());
    }
  }

  // Errors.

  private static GrammarException crossed(
      String path, String low, long min, String high, long max) {
    return error(
        path, "nothing satisfies the schema: " + low + " is " + min + ", " + high + " is " + max);
  }

  private static GrammarException error(String path, String message) {
    return new GrammarException("JSON Schema, at " + path + ": " + message);
  }

  private static String kind(Object json) {
    return switch (json) {
      case null -> "null";
      case Map<?, ?> _ -> "an object";
      case List<?> _ -> "a list";
      case String text -> '"' + text + '"';
      default -> json.toString();
    };
  }
}
