package dev.tenon.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// A message of a conversation.
///
/// ```java
/// var messages = List.of(Message.system("Be brief."), Message.user("Hello!"));
/// ```
///
/// @param role who speaks: `system`, `user`, `assistant` or `tool` in most templates
/// @param content the text, or null in a message of an assistant that has only calls
/// @param reasoning what an assistant thought before it answered, or null
/// @param toolCalls what an assistant calls, in order; mostly empty
/// @param toolCallId of a result: the id of the call, or null
/// @param name of a result: the tool's name; else the speaker's, or null
public record Message(
    String role,
    String content,
    String reasoning,
    List<ToolCall> toolCalls,
    String toolCallId,
    String name) {
  /// Makes one.
  ///
  /// @throws IllegalArgumentException if the role is blank, there is neither content nor anything
  ///     else, or someone else than the assistant thinks or calls
  public Message {
    Objects.requireNonNull(role, "role");
    toolCalls = List.copyOf(toolCalls);
    if (role.isBlank()) throw new IllegalArgumentException("message: the role is blank");
    if (!role.equals("assistant") && (reasoning != null || !toolCalls.isEmpty())) {
      throw new IllegalArgumentException("message: a " + role + " neither thinks nor calls tools");
    }
    if (content == null && reasoning == null && toolCalls.isEmpty()) {
      throw new IllegalArgumentException("message: the " + role + " has no content");
    }
  }

  /// {@return what the model is told about itself}
  ///
  /// @param content the text
  public static Message system(String content) {
    return of("system", content);
  }

  /// {@return what the user says}
  ///
  /// @param content the text
  public static Message user(String content) {
    return of("user", content);
  }

  /// {@return what the model answered}
  ///
  /// @param content the text
  public static Message assistant(String content) {
    return of("assistant", content);
  }

  /// {@return what the model answered, thoughts and calls included}
  ///
  /// @param content the text, or null
  /// @param reasoning the thoughts, or null
  /// @param toolCalls the calls
  public static Message assistant(String content, String reasoning, List<ToolCall> toolCalls) {
    return new Message("assistant", content, reasoning, toolCalls, null, null);
  }

  /// {@return the result of a call}
  ///
  /// @param id the call's id, or null where it had none
  /// @param name the tool's name
  /// @param result the text that the model is given
  public static Message tool(String id, String name, String result) {
    return new Message("tool", Objects.requireNonNull(result, "result"), null, List.of(), id, name);
  }

  private static Message of(String role, String content) {
    return new Message(
        role, Objects.requireNonNull(content, "content"), null, List.of(), null, null);
  }

  /// Reads OpenAI's object of a message.
  ///
  /// @param message its `role`, `content` (a text, null, or a list of parts, whose texts are joined
  ///     by line ends), `reasoning_content` (or `reasoning`), `tool_calls`, `tool_call_id`, `name`
  /// @return the message
  /// @throws IllegalArgumentException if something is of another kind, or a part is no text
  public static Message of(Map<String, ?> message) {
    if (!(message.get("role") instanceof String role)) {
      throw new IllegalArgumentException("message: 'role' is missing or no text");
    }
    var calls = new ArrayList<ToolCall>();
    switch (message.get("tool_calls")) {
      case null -> {}
      case List<?> list -> list.forEach(call -> calls.add(ToolCall.of(object("tool_calls", call))));
      default -> throw new IllegalArgumentException("message: 'tool_calls' is no list");
    }
    var reasoning = text(message, "reasoning_content");
    if (reasoning == null) reasoning = text(message, "reasoning");
    var content = content(message.get("content"));
    return new Message(
        role,
        content == null && reasoning == null && message.get("tool_calls") != null ? "" : content,
        reasoning,
        calls,
        text(message, "tool_call_id"),
        text(message, "name"));
  }

  private static String content(Object content) {
    return switch (content) {
      case null -> null;
      case String text -> text;
      case List<?> parts -> {
        var texts = new ArrayList<String>();
        for (var part : parts) {
          var map = object("content", part);
          if (!(map.get("text") instanceof String text)) {
            throw new IllegalArgumentException(
                "message: a part of the content is " + map.get("type") + ", not text");
          }
          texts.add(text);
        }
        yield String.join("\n", texts);
      }
      default -> throw new IllegalArgumentException("message: 'content' is neither text nor list");
    };
  }

  private static String text(Map<String, ?> message, String key) {
    return switch (message.get(key)) {
      case null -> null;
      case String text -> text;
      default -> throw new IllegalArgumentException("message: '" + key + "' is no text");
    };
  }

  private static Map<String, Object> object(String where, Object value) {
    if (!(value instanceof Map<?, ?> members)) {
      throw new IllegalArgumentException("message: '" + where + "' has something but objects");
    }
    var map = new LinkedHashMap<String, Object>();
    members.forEach((key, member) -> map.put(String.valueOf(key), member));
    return map;
  }

  /// {@return the message as templates expect it: OpenAI's names, with the arguments of calls as
  /// values; what is not there is left out}
  public Map<String, Object> toMap() {
    var map = new LinkedHashMap<String, Object>();
    map.put("role", role);
    // Templates write null out as None.
    map.put("content", content == null ? "" : content);
    if (reasoning != null) map.put("reasoning_content", reasoning);
    if (!toolCalls.isEmpty()) {
      map.put("tool_calls", toolCalls.stream().map(ToolCall::toMap).toList());
    }
    if (toolCallId != null) map.put("tool_call_id", toolCallId);
    if (name != null) map.put("name", name);
    return map;
  }

  /// {@return the message as OpenAI's JSON has it; what is not there is left out}
  public Map<String, Object> toOpenAi() {
    var map = toMap();
    if (!toolCalls.isEmpty()) {
      map.put("tool_calls", toolCalls.stream().map(ToolCall::toOpenAi).toList());
      if (content == null) map.remove("content");
    }
    return map;
  }
}
