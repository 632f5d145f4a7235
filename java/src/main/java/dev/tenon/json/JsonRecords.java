package dev.tenon.json;

import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// JSON to Java records and back, for the types that [JsonSchema] knows.
///
/// ```java
/// record Answer(String city, int people) {}
/// var answer = JsonRecords.read("{\"city\": \"Ulm\", \"people\": 126000}", Answer.class);
/// JsonRecords.read("{\"city\": \"Ulm\", \"people\": \"few\"}", Answer.class);
/// // JsonException: $.people: expected a whole number, found "few"
/// ```
///
/// The records of a module that does not open their package to `dev.tenon` must be public, and the
/// package exported.
public final class JsonRecords {
  /// The deepest nesting of values written.
  private static final int MAX_DEPTH = 500;

  private JsonRecords() {}

  /// {@return the value that a JSON text describes}
  ///
  /// @param <T> its type
  /// @param json the text
  /// @param type the class to make; for one with type arguments see [#of]
  /// @throws JsonException if the text is no JSON, or not of that type; the message has the path of
  ///     what is wrong, such as `$.items[2].price`
  /// @throws IllegalArgumentException if JSON has nothing for the type, or its records cannot be
  ///     reached
  public static <T> T read(String json, Class<T> type) {
    return boxed(type).cast(of(Json.parse(json), type));
  }

  @SuppressWarnings("unchecked")
  private static <T> Class<T> boxed(Class<T> type) {
    return type.isPrimitive()
        ? (Class<T>) java.lang.invoke.MethodType.methodType(type).wrap().returnType()
        : type;
  }

  /// {@return the value that JSON describes}
  ///
  /// @param json a value as [Json#parse] gives it
  /// @param type a class, or a type with arguments such as `List<Answer>`
  /// @throws JsonException if it is not of that type
  /// @throws IllegalArgumentException as [#read] does
  public static Object of(Object json, Type type) {
    return value(json, type, "$");
  }

  /// {@return a value as JSON, to be written by [Json#write(Object)]}
  ///
  /// @param value what [#of] gives: records and what is in them; an absent [Optional] is left out
  /// @throws IllegalArgumentException if JSON has nothing for it, or it is nested too deeply
  public static Object toJson(Object value) {
    return json(value, Object.class, 0);
  }

  /// {@return a value as JSON, to be written by [Json#write(Object)]}
  ///
  /// @param value what [#of] gives for that type
  /// @param type its type, where its class does not say it: a sealed interface, or one with type
  ///     arguments
  /// @throws IllegalArgumentException as [#toJson(Object)]
  public static Object toJson(Object value, Type type) {
    return json(value, type, 0);
  }

  // Reading.

  private static Object value(Object json, Type type, String path) {
    var java = JavaType.of(type);
    return switch (java.kind()) {
      case ANY -> json;
      case STRING -> json instanceof String text ? text : wrong(path, "a string", json);
      case UUID -> uuid(json, path);
      case BOOLEAN -> json instanceof Boolean truth ? truth : wrong(path, "true or false", json);
      case WHOLE -> whole(json, java.raw(), path);
      case REAL -> real(json, java.raw(), path);
      case ENUM -> constant(json, java.raw(), path);
      case ARRAY -> array(json, java, path);
      case MAP -> {
        var map = new LinkedHashMap<String, Object>();
        members(json, path)
            .forEach(
                (key, each) -> map.put((String) key, value(each, java.part(), member(path, key))));
        yield Collections.unmodifiableMap(map);
      }
      case OPTIONAL -> Optional.ofNullable(json == null ? null : value(json, java.part(), path));
      case RECORD -> record(members(json, path), java, path, false);
      case SEALED -> {
        var members = members(json, path);
        var records = java.records();
        var name = members.get(JavaType.DISCRIMINATOR);
        if (name == null || !records.containsKey(name)) {
          yield wrong(
              path + "." + JavaType.DISCRIMINATOR, "one of " + quoted(records.keySet()), name);
        }
        yield record(members, JavaType.of(records.get(name)), path, true);
      }
    };
  }

  private static Object uuid(Object json, String path) {
    if (json instanceof String text && text.length() == 36) {
      try {
        return UUID.fromString(text);
      } catch (IllegalArgumentException _) {
        // said below
      }
    }
    return wrong(path, "a UUID", json);
  }

  private static Object whole(Object json, Class<?> raw, String path) {
    BigInteger number =
        switch (json) {
          case Long l -> BigInteger.valueOf(l);
          case Integer i -> BigInteger.valueOf(i);
          case BigInteger i -> i;
          // 2.0 is a whole number, too; one with a huge exponent only means to fill the memory.
          case Double d when d == Math.rint(d) && Math.abs(d) < 1e19 ->
              new BigDecimal(d).toBigInteger();
          case null, default -> null;
        };
    if (number == null) {
      return wrong(path, "a whole number", json);
    }
    if (raw == BigInteger.class) {
      return number;
    }
    long min = JavaType.min(raw);
    if (number.compareTo(BigInteger.valueOf(min)) < 0
        || number.compareTo(BigInteger.valueOf(-1 - min)) > 0) {
      return wrong(path, "a whole number from " + min + " to " + (-1 - min), json);
    }
    return switch (raw.getSimpleName()) {
      case "byte", "Byte" -> number.byteValue();
      case "short", "Short" -> number.shortValue();
      case "int", "Integer" -> number.intValue();
      default -> number.longValue();
    };
  }

  private static Object real(Object json, Class<?> raw, String path) {
    if (!(json instanceof Number number)) {
      return wrong(path, "a number", json);
    }
    if (raw == float.class || raw == Float.class) {
      return number.floatValue();
    }
    if (raw != BigDecimal.class) {
      return number.doubleValue();
    }
    return switch (number) {
      case Double d when !Double.isFinite(d) -> wrong(path, "a number that is not so large", json);
      case BigInteger i -> new BigDecimal(i);
      case Double d -> BigDecimal.valueOf(d);
      default -> BigDecimal.valueOf(number.longValue());
    };
  }

  private static Object constant(Object json, Class<?> raw, String path) {
    var names = new ArrayList<String>();
    for (var constant : raw.getEnumConstants()) {
      var name = ((Enum<?>) constant).name();
      if (name.equals(json)) {
        return constant;
      }
      names.add(name);
    }
    return wrong(path, "one of " + quoted(names), json);
  }

  private static Object array(Object json, JavaType java, String path) {
    if (!(json instanceof List<?> list)) {
      return wrong(path, "an array", json);
    }
    var values = new ArrayList<Object>(list.size());
    for (var each : list) {
      values.add(value(each, java.part(), path + "[" + values.size() + "]"));
    }
    if (java.raw() == Set.class) {
      return Collections.unmodifiableSet(new LinkedHashSet<>(values));
    }
    if (!java.raw().isArray()) {
      return Collections.unmodifiableList(values);
    }
    var array = Array.newInstance(JavaType.of(java.part()).raw(), values.size());
    for (int i = 0; i < values.size(); i++) {
      Array.set(array, i, values.get(i));
    }
    return array;
  }

  private static Object record(Map<?, ?> members, JavaType java, String path, boolean told) {
    var components = java.components();
    for (var key : members.keySet()) {
      if (!components.containsKey(key) && !(told && key.equals(JavaType.DISCRIMINATOR))) {
        throw new JsonException(
            member(path, key) + ": not expected; known are " + quoted(components.keySet()));
      }
    }
    var values = new ArrayList<Object>();
    components.forEach(
        (name, type) -> {
          boolean optional = JavaType.of(type).kind() == JavaType.Kind.OPTIONAL;
          if (!members.containsKey(name) && !optional) {
            throw new JsonException(member(path, name) + ": missing");
          }
          values.add(value(members.get(name), type, member(path, name)));
        });
    try {
      var types =
          Arrays.stream(java.raw().getRecordComponents())
              .map(component -> component.getType())
              .toArray(Class<?>[]::new);
      var constructor = java.raw().getDeclaredConstructor(types);
      if (!constructor.trySetAccessible()) {
        throw unreachable(java.raw());
      }
      return constructor.newInstance(values.toArray());
    } catch (InvocationTargetException e) {
      // What the record itself has to say to these values.
      throw new JsonException(path + ": " + e.getCause().getMessage());
    } catch (ReflectiveOperationException e) {
      throw unreachable(java.raw());
    }
  }

  private static Map<?, ?> members(Object json, String path) {
    return json instanceof Map<?, ?> map ? map : (Map<?, ?>) wrong(path, "an object", json);
  }

  private static IllegalArgumentException unreachable(Class<?> record) {
    return new IllegalArgumentException(
        record.getName()
            + " cannot be reached: open its package to dev.tenon, or make it public and export it");
  }

  // Writing.

  private static Object json(Object value, Type type, int depth) {
    if (depth > MAX_DEPTH) {
      throw new IllegalArgumentException("values are nested deeper than " + MAX_DEPTH);
    }
    var java = JavaType.of(type);
    var part = java.part() == null ? Object.class : java.part();
    return switch (value) {
      case null -> null;
      case String _, Boolean _, Long _, BigInteger _, Double _ -> value;
      case Integer _, Short _, Byte _ -> ((Number) value).longValue();
      // The shortest that reads back as the same float, not the digits of the double next to it.
      case Float f -> Double.valueOf(f.toString());
      case BigDecimal d -> d.doubleValue();
      case Enum<?> constant -> constant.name();
      case UUID id -> id.toString();
      case Optional<?> optional -> json(optional.orElse(null), part, depth + 1);
      case Map<?, ?> map -> {
        var object = new LinkedHashMap<String, Object>();
        map.forEach((key, each) -> object.put(String.valueOf(key), json(each, part, depth + 1)));
        yield object;
      }
      case Collection<?> list -> {
        var array = new ArrayList<Object>();
        for (var each : list) {
          array.add(json(each, part, depth + 1));
        }
        yield array;
      }
      case Record record -> object(record, java.kind() == JavaType.Kind.SEALED, depth);
      default -> {
        if (!value.getClass().isArray()) {
          throw new IllegalArgumentException("no JSON for " + value.getClass().getName());
        }
        var array = new ArrayList<Object>();
        for (int i = 0; i < Array.getLength(value); i++) {
          array.add(json(Array.get(value, i), part, depth + 1));
        }
        yield array;
      }
    };
  }

  private static Object object(Record record, boolean tell, int depth) {
    var object = new LinkedHashMap<String, Object>();
    var type = record.getClass();
    if (tell) {
      object.put(JavaType.DISCRIMINATOR, type.getSimpleName());
    }
    for (var component : type.getRecordComponents()) {
      Object value;
      try {
        var accessor = component.getAccessor();
        if (!accessor.trySetAccessible()) {
          throw unreachable(type);
        }
        value = accessor.invoke(record);
      } catch (InvocationTargetException e) {
        throw new IllegalArgumentException(
            type.getSimpleName() + "." + component.getName() + ": " + e.getCause().getMessage(), e);
      } catch (ReflectiveOperationException e) {
        throw unreachable(type);
      }
      if (!(value instanceof Optional<?> optional && optional.isEmpty())) {
        object.put(component.getName(), json(value, component.getGenericType(), depth + 1));
      }
    }
    return object;
  }

  // Messages.

  private static Object wrong(String path, String expected, Object found) {
    throw new JsonException(path + ": expected " + expected + ", found " + shown(found));
  }

  private static String shown(Object json) {
    return switch (json) {
      case null -> "null";
      case Map<?, ?> _ -> "an object";
      case List<?> _ -> "an array";
      case String text when text.length() > 60 -> Json.write(text.substring(0, 60)) + "…";
      case String text -> Json.write(text);
      default -> json.toString();
    };
  }

  private static String quoted(Collection<String> names) {
    return names.isEmpty() ? "none" : '"' + String.join("\", \"", names) + '"';
  }

  private static String member(String path, Object key) {
    var name = String.valueOf(key);
    return name.matches("[A-Za-z_$][A-Za-z0-9_$]*")
        ? path + "." + name
        : path + "[" + Json.write(name) + "]";
  }
}
