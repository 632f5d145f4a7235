package dev.tenon.chat;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// A template that is rendered for its form alone: where it refuses a conversation, one that it may
/// like better is tried.
final class LooseTemplate {
  private final Function<Map<String, Object>, String> template;

  /// @param template renders variables; what it throws is a conversation that it refuses
  LooseTemplate(Function<Map<String, Object>, String> template) {
    this.template = template;
  }

  /// {@return the rendering, or null where the template refuses all that was tried}
  String render(Map<String, Object> variables) {
    var rendered = once(variables);
    if (rendered != null) return rendered;
    var changed = new LinkedHashMap<>(variables);
    changed.put("messages", withArguments(variables.get("messages")));
    rendered = once(changed);
    // Some go through the tools even where there are none.
    changed.computeIfAbsent("tools", _ -> List.of());
    if (rendered == null) rendered = once(changed);
    if (rendered == null) {
      // FireFunction's template has its tools in a text.
      changed.put("functions", Json.write(changed.get("tools")));
      changed.putIfAbsent("datetime", "Jan 01 2025");
      rendered = once(changed);
    }
    if (rendered == null && changed.remove("tools") != null) rendered = once(changed);
    return rendered;
  }

  private String once(Map<String, Object> variables) {
    try {
      return template.apply(variables);
    } catch (RuntimeException _) {
      return null; // what is wrong is said to who renders the prompt
    }
  }

  /// The messages, with arguments of calls that are texts of JSON as values, and with a content.
  private static Object withArguments(Object messages) {
    if (!(messages instanceof List<?> list)) return messages;
    var changed = new ArrayList<Object>();
    for (var message : list) {
      if (message instanceof Map<?, ?> map && map.get("tool_calls") instanceof List<?> calls) {
        var copy = new LinkedHashMap<Object, Object>(map);
        copy.putIfAbsent("content", "");
        copy.put("tool_calls", calls.stream().map(LooseTemplate::withArgumentsOf).toList());
        changed.add(copy);
      } else {
        changed.add(message);
      }
    }
    return changed;
  }

  private static Object withArgumentsOf(Object call) {
    if (!(call instanceof Map<?, ?> map
        && map.get("function") instanceof Map<?, ?> function
        && function.get("arguments") instanceof String arguments)) return call;
    try {
      var changed = new LinkedHashMap<Object, Object>(function);
      changed.put("arguments", Json.parse(arguments));
      var copy = new LinkedHashMap<Object, Object>(map);
      copy.put("function", changed);
      return copy;
    } catch (JsonException _) {
      return call;
    }
  }
}
