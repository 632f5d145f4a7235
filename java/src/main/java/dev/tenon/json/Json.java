package dev.tenon.json;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.StreamReadConstraints;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Reads and writes JSON.
///
/// ```java
/// var message = Json.object("{\"role\": \"user\", \"content\": \"Hi\"}");
/// message.get("content"); // Hi
/// Json.write(message); // {"role":"user","content":"Hi"}
/// ```
public final class Json {
  /// The deepest nesting read or written.
  private static final int MAX_DEPTH = 500;

  private static final JsonFactory FACTORY =
      JsonFactory.builder()
          .streamReadConstraints(
              StreamReadConstraints.builder()
                  .maxNestingDepth(MAX_DEPTH)
                  .maxStringLength(Integer.MAX_VALUE)
                  .build())
          .build();

  private Json() {}

  /// Reads one value. Of members of one name the last counts.
  ///
  /// @param text JSON, white space around it allowed
  /// @return a [Map] in the order of the text, [List], [String], [Long], [BigInteger], [Double],
  ///     [Boolean] or null; maps and lists may be changed
  /// @throws JsonException if the text is no JSON, goes on after the value or is nested deeper than
  ///     500; the message has the line and the column
  public static Object parse(String text) {
    try (var parser = FACTORY.createParser(text)) {
      if (parser.nextToken() == null) throw new JsonException("no JSON: the text is empty");
      var value = value(parser);
      if (parser.nextToken() != null)
        throw new JsonException("JSON goes on after its end, at " + place(parser));
      return value;
    } catch (JsonProcessingException e) {
      throw new JsonException("no JSON: " + reason(e));
    } catch (IOException e) {
      throw new UncheckedIOException(e); // a string is read without any
    }
  }

  /// Reads an object.
  ///
  /// @param text a JSON object, white space around it allowed
  /// @return its members in the order of the text; may be changed
  /// @throws JsonException as [#parse] does, and if it is something else than an object
  public static Map<String, Object> object(String text) {
    if (parse(text) instanceof Map<?, ?> members) {
      var object = new LinkedHashMap<String, Object>();
      members.forEach((name, value) -> object.put((String) name, value));
      return object;
    }
    throw new JsonException("JSON: expected an object, {…}");
  }

  /// {@return JSON without white space; characters beyond ASCII stay as they are}
  ///
  /// @param value what [#parse] gives: maps, iterables, strings, numbers, booleans, null
  /// @throws IllegalArgumentException if it holds anything else, a number that is not finite, or is
  ///     nested deeper than 500
  public static String write(Object value) {
    var out = new StringBuilder();
    write(value, null, 0, out);
    return out.toString();
  }

  /// {@return JSON with a line for each member}
  ///
  /// @param value what [#parse] gives: maps, iterables, strings, numbers, booleans, null
  /// @param indent what a line has before it for each level
  /// @throws IllegalArgumentException as [#write(Object)] does
  public static String write(Object value, String indent) {
    var out = new StringBuilder();
    write(value, indent, 0, out);
    return out.toString();
  }

  // Reading. The parser bounds the depth, and with it the recursion.

  private static Object value(JsonParser parser) throws IOException {
    return switch (parser.currentToken()) {
      case START_OBJECT -> {
        var object = new LinkedHashMap<String, Object>();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
          var name = parser.currentName();
          parser.nextToken();
          object.put(name, value(parser));
        }
        yield object;
      }
      case START_ARRAY -> {
        var array = new ArrayList<Object>();
        while (parser.nextToken() != JsonToken.END_ARRAY) array.add(value(parser));
        yield array;
      }
      case VALUE_STRING -> parser.getText();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      case VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
      case VALUE_NUMBER_INT ->
          switch (parser.getNumberType()) {
            case BIG_INTEGER -> parser.getBigIntegerValue();
            default -> parser.getLongValue();
          };
      default -> throw new JsonException("no JSON: a value is missing at " + place(parser));
    };
  }

  private static String reason(JsonProcessingException e) {
    var at = e.getLocation();
    // In brackets stands where an object began, in words about Java.
    var message = e.getOriginalMessage().lines().findFirst().orElse("").replaceFirst(" \\(.*", "");
    return at == null
        ? message
        : message + ", at line " + at.getLineNr() + ", column " + at.getColumnNr();
  }

  private static String place(JsonParser parser) {
    var at = parser.currentTokenLocation();
    return "line " + at.getLineNr() + ", column " + at.getColumnNr();
  }

  // Writing.

  private static void write(Object value, String indent, int depth, StringBuilder out) {
    if (depth > MAX_DEPTH)
      throw new IllegalArgumentException("JSON nested deeper than " + MAX_DEPTH);
    switch (value) {
      case null -> out.append("null");
      case String text -> quote(text, out);
      case Boolean truth -> out.append(truth);
      case Double number -> out.append(finite(number));
      case Float number -> out.append(finite(number.doubleValue()));
      case Integer number -> out.append(number);
      case Long number -> out.append(number);
      case BigInteger number -> out.append(number);
      case Map<?, ?> object -> {
        out.append('{');
        boolean first = true;
        for (var member : object.entrySet()) {
          separate(first, indent, depth + 1, out);
          first = false;
          quote(String.valueOf(member.getKey()), out);
          out.append(indent == null ? ":" : ": ");
          write(member.getValue(), indent, depth + 1, out);
        }
        if (!first) separate(true, indent, depth, out);
        out.append('}');
      }
      case Iterable<?> array -> {
        out.append('[');
        boolean first = true;
        for (var element : array) {
          separate(first, indent, depth + 1, out);
          first = false;
          write(element, indent, depth + 1, out);
        }
        if (!first) separate(true, indent, depth, out);
        out.append(']');
      }
      default ->
          throw new IllegalArgumentException("JSON has no " + value.getClass().getSimpleName());
    }
  }

  private static void separate(boolean first, String indent, int depth, StringBuilder out) {
    if (!first) out.append(',');
    if (indent != null) out.append('\n').append(indent.repeat(depth));
  }

  private static double finite(double number) {
    if (!Double.isFinite(number)) throw new IllegalArgumentException("JSON has no " + number);
    return number;
  }

  private static void quote(String text, StringBuilder out) {
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\b' -> out.append("\\b");
        case '\f' -> out.append("\\f");
        default -> {
          if (c < ' ') out.append("\\u%04x".formatted((int) c));
          else out.append(c);
        }
      }
    }
    out.append('"');
  }
}
