package dev.tenon.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What is known of a turn before the model speaks: the tools it may call and what the rendered
/// prompt ends with.
///
/// @param tools the tools, in order; none where calls are forbidden
/// @param required whether a call is demanded
/// @param parallel whether there may be several calls
/// @param thinking whether the model may think
/// @param schema what the answer must be as JSON, or null where it is text
/// @param prompt what the template puts before the reply
record Turn(
    List<Callable> tools,
    boolean required,
    boolean parallel,
    boolean thinking,
    Map<String, Object> schema,
    String prompt) {

  /// A tool.
  ///
  /// @param name its name
  /// @param parameters the schema of its arguments
  record Callable(String name, ParameterSchema parameters) {}

  /// Reads it off the variables that a template is rendered with.
  static Turn of(Map<String, ?> conversation, String prompt) {
    var choice = conversation.get("tool_choice");
    boolean none = "none".equals(choice);
    return new Turn(
        none ? List.of() : tools(conversation.get("tools")),
        choice instanceof Map || "required".equals(choice),
        !Boolean.FALSE.equals(conversation.get("parallel_tool_calls")),
        !Boolean.FALSE.equals(conversation.get("enable_thinking")),
        schema(conversation),
        prompt);
  }

  /// Checks what a conversation must have as lists of objects.
  ///
  /// @throws IllegalArgumentException naming the variable
  static void check(Map<String, ?> conversation) {
    for (var name : List.of("messages", "tools")) {
      var value = conversation.get(name);
      if (value == null) continue;
      if (!(value instanceof Iterable<?> elements)) {
        throw new IllegalArgumentException(
            name + ": expected a list of objects, got " + kind(value));
      }
      int i = 0;
      for (var element : elements) {
        if (!(element instanceof Map)) {
          throw new IllegalArgumentException(
              name + "[" + i + "]: expected an object, got " + kind(element));
        }
        i++;
      }
    }
  }

  private static String kind(Object value) {
    return switch (value) {
      case null -> "null";
      case CharSequence _ -> "a string";
      case Number _ -> "a number";
      case Boolean _ -> "a boolean";
      case Iterable<?> _ -> "a list";
      case Map<?, ?> _ -> "an object";
      default -> value.getClass().getSimpleName();
    };
  }

  private static List<Callable> tools(Object tools) {
    var callables = new ArrayList<Callable>();
    if (tools instanceof List<?> list) {
      for (var tool : list) {
        if (!(tool instanceof Map<?, ?> map)) continue;
        var function = map.get("function") instanceof Map<?, ?> inner ? inner : map;
        if (function.get("name") instanceof String name && !name.isEmpty()) {
          callables.add(new Callable(name, parameters(function.get("parameters"))));
        }
      }
    }
    return callables;
  }

  private static ParameterSchema parameters(Object parameters) {
    return ParameterSchema.of(
        parameters instanceof Map<?, ?> map && !map.isEmpty()
            ? map
            : Map.of("type", "object", "properties", Map.of()));
  }

  /// The schema of the answer, as OpenAI's requests or llama.cpp's have it.
  private static Map<String, Object> schema(Map<String, ?> conversation) {
    var schema = conversation.get("json_schema");
    if (conversation.get("response_format") instanceof Map<?, ?> format) {
      if (format.get("json_schema") instanceof Map<?, ?> named) {
        schema = named.get("schema") instanceof Map<?, ?> inner ? inner : named;
      } else if (format.get("schema") instanceof Map<?, ?> inner) {
        schema = inner;
      }
    }
    if (!(schema instanceof Map<?, ?> members) || members.isEmpty()) return null;
    var map = new LinkedHashMap<String, Object>();
    members.forEach((name, value) -> map.put(String.valueOf(name), value));
    return map;
  }

  Turn withoutTools() {
    return new Turn(List.of(), false, parallel, thinking, schema, prompt);
  }

  boolean mayCall() {
    return !tools.isEmpty();
  }

  /// {@return the end of the prompt from the first of some markers on: what belongs to the reply's
  /// own form; empty where there is none of them}
  String opening(String... markers) {
    int first = prompt.length();
    for (var marker : markers) {
      int found = marker.isEmpty() ? -1 : prompt.indexOf(marker);
      if (found >= 0) first = Math.min(first, found);
    }
    return prompt.substring(first);
  }

  /// {@return whether the prompt ends in the middle of the thoughts}
  boolean thinkingOpen(String start, String end) {
    int opened = prompt.lastIndexOf(start);
    return opened >= 0 && prompt.lastIndexOf(end) < opened;
  }
}
