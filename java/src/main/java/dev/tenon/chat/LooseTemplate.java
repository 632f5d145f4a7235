package dev.tenon.chat;

import dev.tenon.jinja.Limits;
import dev.tenon.jinja.TemplateException;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A template that is rendered for its form alone: where it refuses a conversation, one that it may
/// like better is tried. One that went beyond its limits is not rendered again. For one thread.
final class LooseTemplate {
  /// What a template may do with one of the tiny conversations that it is tried with: many times
  /// what any needs, and a small part of a second.
  private static final Limits PROBE = new Limits(500_000, 1000, 1 << 20, 1 << 24);

  private final ChatTemplate template;
  private final Limits limits;

  /// Why the conversation as it was given was refused last, or null.
  private RuntimeException problem;

  private boolean endless;

  private LooseTemplate(ChatTemplate template, Limits limits) {
    this.template = template;
    this.limits = limits;
  }

  /// {@return what renders the conversations that a template is tried with}
  static LooseTemplate forProbes(ChatTemplate template) {
    return new LooseTemplate(template, PROBE);
  }

  /// {@return what renders a conversation of a caller's}
  static LooseTemplate of(ChatTemplate template) {
    return new LooseTemplate(template, Limits.DEFAULT);
  }

  /// {@return the rendering, or null where the template refuses all that was tried}
  String render(Map<String, Object> variables) {
    if (endless) return null;
    problem = null;
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

  /// {@return the rendering of just these variables, or null where the template refuses them}
  String once(Map<String, Object> variables) {
    if (endless) return null;
    try {
      return template.render(variables, limits);
    } catch (RuntimeException e) {
      if (problem == null) problem = e;
      endless = e instanceof TemplateException refused && ranOut(refused);
      return null;
    }
  }

  /// Whether it went beyond the limits rather than being of another mind.
  private boolean ranOut(TemplateException e) {
    return e.reason().contains("nested too deeply")
        || e.reason().contains("more than " + limits.steps() + " steps")
        || e.reason().contains("more than " + limits.memory() + " characters");
  }

  /// {@return whether the template went beyond its limits}
  boolean isEndless() {
    return endless;
  }

  /// {@return why the last conversation was refused as it was given}
  RuntimeException problem() {
    return problem;
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
