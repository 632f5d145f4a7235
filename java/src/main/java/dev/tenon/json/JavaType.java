package dev.tenon.json;

import java.lang.reflect.GenericArrayType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// A Java type, as what JSON has for it.
///
/// @param kind which
/// @param raw its class; of [Kind#ARRAY] and [Kind#OPTIONAL] the collection, array or optional
/// @param part of an array the type of its elements, of a map that of its values, of an optional
///     that of its value; else null
record JavaType(Kind kind, Class<?> raw, Type part) {
  /// The member by which the records of a sealed interface are told apart.
  static final String DISCRIMINATOR = "type";

  /// What JSON has.
  enum Kind {
    ANY,
    STRING,
    UUID,
    BOOLEAN,
    /// A number without a fraction.
    WHOLE,
    /// A number with one.
    REAL,
    ENUM,
    ARRAY,
    MAP,
    OPTIONAL,
    RECORD,
    SEALED
  }

  /// {@return what JSON has for a type}
  ///
  /// @throws IllegalArgumentException if it has nothing
  static JavaType of(Type type) {
    return switch (type) {
      case Class<?> raw -> of(raw, raw.getComponentType());
      case ParameterizedType generic -> {
        var arguments = generic.getActualTypeArguments();
        var raw = (Class<?>) generic.getRawType();
        if (raw == Map.class && arguments[0] != String.class) {
          throw unsupported(type, "the keys of an object are strings");
        }
        yield of(raw, arguments[arguments.length - 1]);
      }
      case GenericArrayType array -> new JavaType(Kind.ARRAY, Object[].class, component(array));
      case WildcardType wildcard -> of(wildcard.getUpperBounds()[0]);
      default -> throw unsupported(type, "its type arguments are not known");
    };
  }

  private static Type component(GenericArrayType array) {
    return array.getGenericComponentType();
  }

  private static JavaType of(Class<?> raw, Type part) {
    var kind = kind(raw);
    boolean generic = kind == Kind.MAP || kind == Kind.OPTIONAL || kind == Kind.ARRAY;
    if (raw.getTypeParameters().length > 0 && !generic) {
      throw unsupported(raw, "records with type parameters are not supported");
    }
    return new JavaType(kind, raw, !generic ? null : part == null ? Object.class : part);
  }

  private static Kind kind(Class<?> raw) {
    if (raw == Object.class) {
      return Kind.ANY;
    }
    if (raw == String.class) {
      return Kind.STRING;
    }
    if (raw == UUID.class) {
      return Kind.UUID;
    }
    if (raw == boolean.class || raw == Boolean.class) {
      return Kind.BOOLEAN;
    }
    if (raw == BigInteger.class || min(raw) != 0) {
      return Kind.WHOLE;
    }
    if (List.of(float.class, Float.class, double.class, Double.class, BigDecimal.class)
        .contains(raw)) {
      return Kind.REAL;
    }
    if (raw.isEnum()) {
      return Kind.ENUM;
    }
    if (raw.isArray() || raw == List.class || raw == Set.class || raw == Collection.class) {
      return Kind.ARRAY;
    }
    if (raw == Map.class) {
      return Kind.MAP;
    }
    if (raw == Optional.class) {
      return Kind.OPTIONAL;
    }
    if (raw.isRecord()) {
      return Kind.RECORD;
    }
    if (raw.isSealed() && raw.isInterface()) {
      return Kind.SEALED;
    }
    throw unsupported(
        raw,
        "known are records, sealed interfaces of records, enums, String, UUID, numbers, booleans,"
            + " arrays, List, Set, Collection, Map with strings as keys, Optional and Object");
  }

  /// {@return the lowest value of a type of whole numbers, or 0 if it is none that has one}
  static long min(Class<?> raw) {
    if (raw == byte.class || raw == Byte.class) {
      return Byte.MIN_VALUE;
    }
    if (raw == short.class || raw == Short.class) {
      return Short.MIN_VALUE;
    }
    if (raw == int.class || raw == Integer.class) {
      return Integer.MIN_VALUE;
    }
    return raw == long.class || raw == Long.class ? Long.MIN_VALUE : 0;
  }

  /// {@return the types of a record's components by name, in order}
  Map<String, Type> components() {
    var components = new LinkedHashMap<String, Type>();
    for (var component : raw.getRecordComponents()) {
      components.put(component.getName(), component.getGenericType());
    }
    return components;
  }

  /// {@return the records of a sealed interface by simple name, those of interfaces within it too}
  ///
  /// @throws IllegalArgumentException if something else than records implements it, two have one
  ///     name, or one has a component with the name of the discriminator
  Map<String, Class<?>> records() {
    var records = new LinkedHashMap<String, Class<?>>();
    addRecords(raw, records);
    return records;
  }

  private static void addRecords(Class<?> sealed, Map<String, Class<?>> records) {
    for (var permitted : sealed.getPermittedSubclasses()) {
      var type = of(permitted);
      if (type.kind == Kind.SEALED) {
        addRecords(permitted, records);
        continue;
      }
      if (type.kind != Kind.RECORD) {
        throw unsupported(
            sealed, permitted.getSimpleName() + ", which implements it, is no record");
      }
      if (type.components().containsKey(DISCRIMINATOR)) {
        throw unsupported(
            sealed,
            "its records are told apart by \""
                + DISCRIMINATOR
                + "\", which is a component of "
                + permitted.getSimpleName());
      }
      var same = records.put(permitted.getSimpleName(), permitted);
      if (same != null && same != permitted) {
        throw unsupported(sealed, "two of its records are called " + permitted.getSimpleName());
      }
    }
  }

  private static IllegalArgumentException unsupported(Type type, String why) {
    return new IllegalArgumentException("no JSON for " + type.getTypeName() + ": " + why);
  }
}
