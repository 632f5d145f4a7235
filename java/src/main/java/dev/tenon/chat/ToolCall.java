package dev.tenon.chat;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// A call of a tool that a model asks for.
///
/// @param id what the result is matched by, or null where the model's family has no such ids
/// @param name the tool's name
/// @param arguments a JSON value as [Json#parse] gives it: a [Map] of names and values unless the
///     model wrote something else
public record ToolCall(String id, String name, Object arguments) {
  /// Makes one.
  ///
  /// @throws IllegalArgumentException if the name is blank or the arguments cannot be JSON
  public ToolCall {
    Objects.requireNonNull(name, "name");
    if (name.isBlank()) throw new IllegalArgumentException("tool call: the name is blank");
    Json.write(arguments); // refuses what is no JSON
  }

  /// A call without an id.
  ///
  /// @param name the tool's name
  /// @param arguments names and values
  public ToolCall(String name, Map<String, Object> arguments) {
    this(null, name, Objects.requireNonNull(arguments, "arguments"));
  }

  /// {@return the arguments by name}
  ///
  /// @throws IllegalArgumentException if they are something else than an object
  public Map<String, Object> argumentMap() {
    if (arguments instanceof Map<?, ?> members) {
      var map = new LinkedHashMap<String, Object>();
      members.forEach((key, value) -> map.put((String) key, value));
      return map;
    }
    throw new IllegalArgumentException(
        "call of " + name + ": the arguments are no object but " + Json.write(arguments));
  }

  /// {@return the arguments as JSON}
  public String argumentsJson() {
    return Json.write(arguments);
  }

  /// {@return the same call with another id}
  ///
  /// @param id the id, or null
  public ToolCall withId(String id) {
    return new ToolCall(id, name, arguments);
  }

  /// {@return the call as a template sees it: OpenAI's object, but with the arguments as a value}
  public Map<String, Object> toMap() {
    return map(arguments);
  }

  /// {@return the call as OpenAI's JSON has it, with the arguments as a text of JSON}
  public Map<String, Object> toOpenAi() {
    return map(argumentsJson());
  }

  private Map<String, Object> map(Object arguments) {
    var function = new LinkedHashMap<String, Object>();
    function.put("name", name);
    function.put("arguments", arguments);
    var call = new LinkedHashMap<String, Object>();
    call.put("type", "function");
    if (id != null) call.put("id", id);
    call.put("function", function);
    return call;
  }

  /// Reads OpenAI's object of a call.
  ///
  /// @param call `{"id": …, "type": "function", "function": {"name": …, "arguments": …}}`, the
  ///     arguments as a value or as a text of JSON; a text that is none is kept as it is
  /// @return the call
  /// @throws IllegalArgumentException if the function or its name is missing
  public static ToolCall of(Map<String, ?> call) {
    var type = call.get("type");
    if (type != null && !type.equals("function")) {
      throw new IllegalArgumentException("tool call: the type is " + type + ", not function");
    }
    if (!((call.containsKey("function") ? call.get("function") : call)
        instanceof Map<?, ?> function)) {
      throw new IllegalArgumentException("tool call: its function is no object");
    }
    if (!(function.get("name") instanceof String name)) {
      throw new IllegalArgumentException("tool call: the function has no name");
    }
    var arguments = function.get("arguments");
    if (arguments instanceof String text) {
      try {
        arguments = text.isBlank() ? new LinkedHashMap<>() : Json.parse(text);
      } catch (JsonException _) {
        // Shown to the model as it wrote it.
      }
    }
    return new ToolCall(
        call.get("id") instanceof String id ? id : null,
        name,
        arguments == null ? new LinkedHashMap<>() : arguments);
  }
}
