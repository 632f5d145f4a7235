package dev.tenon.chat;

import dev.tenon.jinja.Template;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.time.LocalDate;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;

/// Puts messages and tools into the form that a template takes: templates differ in what they know
/// (a system message, arguments as values or as text, content as parts) and in where they look for
/// thoughts and results. As llama.cpp does (`common/chat.cpp`).
///
/// ```java
/// var conversations = Conversations.of(template);
/// var conversation = conversations.variables(messages, tools, Map.of("enable_thinking", false));
/// var prompt = template.render(conversation);
/// ```
///
/// Immutable; threads may share it.
public final class Conversations {
  private static final String MARK = "Q7mark";

  /// JSON with white space as templates write it.
  private static final Template TO_JSON = Template.of("{{ value | tojson }}");

  private final String source;
  private final boolean system;
  private final boolean partsAlone;
  private final boolean argumentsAsText;

  /// Whether it goes through the tools even where there are none.
  private final boolean emptyTools;

  /// Whether it has the tools in a text, `functions`.
  private final boolean functions;

  private Conversations(String source, ChatTemplate template) {
    this.source = source;
    var loose = LooseTemplate.forProbes(template);
    var asText = render(loose, message("user", MARK));
    var asParts = render(loose, withParts(MARK));
    partsAlone = !shows(asText, MARK) && shows(asParts, MARK);
    var told = List.of(part("text", MARK));
    system =
        shows(
            render(
                loose,
                partsAlone ? with(message("system", ""), "content", told) : message("system", MARK),
                message("user", "Hi")),
            MARK);
    var asValue = rendered(loose, Map.of(MARK, MARK));
    argumentsAsText =
        (asValue == null || asValue.contains("'" + MARK + "'")) // Python's way to print a map
            && shows(rendered(loose, "{\"" + MARK + "\": 1}"), MARK);
    var plain = new LinkedHashMap<String, Object>();
    plain.put("messages", partsAlone ? List.of(withParts(MARK)) : List.of(message("user", MARK)));
    boolean refused = loose.once(plain) == null;
    plain.put("tools", List.of());
    emptyTools = refused && loose.once(plain) != null;
    plain.put("functions", "");
    plain.put("datetime", "");
    functions = refused && !emptyTools && loose.once(plain) != null;
  }

  /// {@return what puts conversations into a template's form}
  ///
  /// @param template the template; it is tried with a few conversations
  public static Conversations of(ChatTemplate template) {
    return new Conversations(template.toolSource(), template);
  }

  /// {@return the variables that the template is to be rendered with, for the prompt of an answer}
  ///
  /// @param messages the messages so far
  /// @param tools what may be called; mostly none
  /// @param more further variables, such as `enable_thinking`; they count before all others
  public Map<String, Object> variables(
      List<Message> messages, List<Tool> tools, Map<String, ?> more) {
    Objects.requireNonNull(more, "more");
    var maps = new ArrayList<Map<String, Object>>();
    for (var message : messages) maps.add(message.toMap());
    // Step 3.5 thinks in circles about white space around messages.
    if (source.contains("You have access to the following functions in JSONSchema format")) {
      maps.forEach(Conversations::trim);
    }
    if (!HarmonyReplies.in(source)) {
      for (var map : maps) if ("developer".equals(map.get("role"))) map.put("role", "system");
    }
    if (!system) mergeSystem(maps);
    if (argumentsAsText) maps.forEach(Conversations::argumentsAsText);
    var variables = new LinkedHashMap<String, Object>();
    variables.put("messages", partsAlone ? inParts(ofFamily(maps)) : ofFamily(maps));
    var definitions = tools.stream().map(Tool::toMap).toList();
    if (!tools.isEmpty() || emptyTools) variables.put("tools", definitions);
    if (functions)
      variables.put("functions", tools.isEmpty() ? "" : Json.write(definitions, "    "));
    variables.put("add_generation_prompt", true);
    variables.put("enable_thinking", true);
    var today = LocalDate.now();
    variables.put(
        "datetime", DateTimeFormatter.ofPattern("MMM dd yyyy", Locale.ROOT).format(today));
    variables.put(
        "date_string", DateTimeFormatter.ofPattern("dd MMM yyyy", Locale.ROOT).format(today));
    variables.putAll(more);
    return variables;
  }

  /// What a family's template looks for elsewhere.
  private List<Map<String, Object>> ofFamily(List<Map<String, Object>> messages) {
    if (MinistralReplies.in(source)) {
      messages.forEach(Conversations::thoughtsAsParts);
    } else if (HarmonyReplies.in(source)) {
      for (var message : messages) {
        if (message.containsKey("reasoning_content")) {
          message.put("thinking", message.get("reasoning_content"));
          if (message.containsKey("tool_calls")) message.remove("content");
        }
      }
    } else if (LfmReplies.in(source)) {
      for (var message : messages) {
        if (message.containsKey("reasoning_content")) {
          message.put("thinking", message.get("reasoning_content"));
        }
      }
    } else if (DeepSeekReplies.in(source) && !source.contains("function_calls")) {
      inOrderOfCalls(messages);
    } else if (GemmaReplies.in(source) && !source.contains("{#- OpenAI Chat Completions:")) {
      return resultsInCalls(messages);
    }
    return messages;
  }

  /// Puts a system message before the next one.
  private static void mergeSystem(List<Map<String, Object>> messages) {
    if (messages.isEmpty() || !"system".equals(messages.getFirst().get("role"))) return;
    var first = messages.removeFirst();
    if (messages.isEmpty()) return;
    var next = messages.getFirst();
    next.put("content", first.get("content") + "\n" + next.get("content"));
  }

  private static void trim(Map<String, Object> message) {
    message.replaceAll(
        (key, value) ->
            value instanceof String text
                    && (key.equals("content") || key.equals("reasoning_content"))
                ? Markup.trim(text)
                : value);
  }

  private static void argumentsAsText(Map<String, Object> message) {
    if (!(message.get("tool_calls") instanceof List<?> calls)) return;
    var texts = new ArrayList<Object>();
    for (var call : calls) {
      var function = map(map(call).get("function"));
      function.put("arguments", TO_JSON.render(Map.of("value", function.get("arguments"))));
      texts.add(with(map(call), "function", function));
    }
    message.put("tool_calls", texts);
  }

  private static void thoughtsAsParts(Map<String, Object> message) {
    var role = message.get("role");
    if (!"system".equals(role) && !"assistant".equals(role)) return;
    var parts = new ArrayList<Object>();
    if (message.remove("reasoning_content") instanceof String thoughts) {
      parts.add(part("thinking", thoughts));
    }
    if (message.get("content") instanceof String text) parts.add(part("text", text));
    message.put("content", parts);
  }

  private static List<Map<String, Object>> inParts(List<Map<String, Object>> messages) {
    for (var message : messages) {
      if (message.get("content") instanceof String text) {
        message.put("content", List.of(part("text", text)));
      }
    }
    return messages;
  }

  /// DeepSeek 4: results that follow one another are in the order of their calls.
  private static void inOrderOfCalls(List<Map<String, Object>> messages) {
    var order = new HashMap<Object, Integer>();
    for (int i = 0; i < messages.size(); i++) {
      if (messages.get(i).get("tool_calls") instanceof List<?> calls) {
        order.clear();
        for (int n = 0; n < calls.size(); n++) order.put(map(calls.get(n)).get("id"), n);
      }
      int end = i;
      while (end < messages.size() && "tool".equals(messages.get(end).get("role"))) end++;
      messages
          .subList(i, end)
          .sort(Comparator.comparingInt(one -> order.getOrDefault(one.get("tool_call_id"), 0)));
      i = Math.max(i, end - 1);
    }
  }

  /// Gemma 4's first templates: results stand in the message of their calls, and so does the answer
  /// that follows.
  private static List<Map<String, Object>> resultsInCalls(List<Map<String, Object>> messages) {
    var turns = new ArrayList<Map<String, Object>>();
    for (int i = 0; i < messages.size(); i++) {
      var message = messages.get(i);
      turns.add(message);
      if (!(message.get("tool_calls") instanceof List<?> calls)) continue;
      var responses = new ArrayList<Object>();
      while (i + 1 < messages.size() && "tool".equals(messages.get(i + 1).get("role"))) {
        var result = messages.get(++i);
        var response = new LinkedHashMap<String, Object>();
        response.put(
            "name",
            responses.size() < calls.size()
                ? ToolCall.of(map(calls.get(responses.size()))).name()
                : result.get("tool_call_id"));
        response.put("response", value(result.get("content")));
        responses.add(response);
      }
      if (!responses.isEmpty()) message.put("tool_responses", responses);
      message.remove("content");
      if (i + 1 < messages.size()) {
        var next = messages.get(i + 1);
        if ("assistant".equals(next.get("role"))
            && !next.containsKey("tool_calls")
            && !"".equals(next.get("content"))) {
          message.put("content", next.get("content"));
          i++;
        }
      }
    }
    return turns;
  }

  private static Object value(Object content) {
    try {
      return content instanceof String text ? Json.parse(text) : content;
    } catch (JsonException _) {
      return content;
    }
  }

  // What the template is tried with.

  private static Map<String, Object> withParts(String text) {
    return with(message("user", ""), "content", List.of(part("text", text)));
  }

  private static String rendered(LooseTemplate template, Object arguments) {
    var message = message("assistant", "");
    var function = new LinkedHashMap<String, Object>();
    function.put("name", "f");
    function.put("arguments", arguments);
    var call = new LinkedHashMap<String, Object>();
    call.put("id", "call00001");
    call.put("type", "function");
    call.put("function", function);
    message.put("tool_calls", List.of(call));
    var variables = new LinkedHashMap<String, Object>();
    variables.put("messages", List.of(message("user", "Hi"), message));
    return template.once(variables);
  }

  @SafeVarargs
  private static String render(LooseTemplate template, Map<String, Object>... messages) {
    var variables = new LinkedHashMap<String, Object>();
    var list = new ArrayList<Object>();
    for (var message : messages) list.add(message);
    variables.put("messages", list);
    variables.put("bos_token", "");
    variables.put("eos_token", "");
    return template.render(variables);
  }

  private static boolean shows(String rendered, String text) {
    return rendered != null && rendered.contains(text);
  }

  private static Map<String, Object> message(String role, String content) {
    var message = new LinkedHashMap<String, Object>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  private static Map<String, Object> with(Map<String, Object> map, String key, Object value) {
    map.put(key, value);
    return map;
  }

  private static Map<String, Object> part(String type, String text) {
    var part = new LinkedHashMap<String, Object>();
    part.put("type", type);
    part.put(type, text);
    return part;
  }

  private static Map<String, Object> map(Object value) {
    var map = new LinkedHashMap<String, Object>();
    if (value instanceof Map<?, ?> members) {
      members.forEach((key, member) -> map.put((String) key, member));
    }
    return map;
  }
}
