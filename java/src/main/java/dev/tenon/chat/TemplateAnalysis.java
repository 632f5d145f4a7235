package dev.tenon.chat;

import static dev.tenon.chat.Markup.MARKER;
import static dev.tenon.chat.Markup.difference;
import static dev.tenon.chat.Markup.find;
import static dev.tenon.chat.Markup.trim;
import static dev.tenon.chat.Markup.trimStart;

import dev.tenon.chat.Markup.Difference;
import dev.tenon.chat.ReplyShape.Content;
import dev.tenon.chat.ReplyShape.Thinking;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// Reads off a template what its replies look like: renders it with and without a thought, a call,
/// a second call, other names and values, and looks at what differs. The comparisons are those of
/// llama.cpp's `common/chat-diff-analyzer.cpp`.
final class TemplateAnalysis {
  // What is looked for in renderings: texts that no template has, of which no two begin or end
  // with the same character.
  static final String FUNCTION_1 = "FFF_FIRST_FUNCTION_F";
  static final String FUNCTION_2 = "SSS_SECOND_FUNCTION_S";
  static final String ARGUMENT_1 = "AA_FIRST_ARGUMENT_AA";
  static final String ARGUMENT_2 = "BB_SECOND_ARGUMENT_BB";
  static final String VALUE_1 = "XXXX";
  static final String VALUE_2 = "YYYY";
  static final String ID_1 = "call00001";
  static final String ID_2 = "call00002";
  static final String ID_9 = "call99999";
  private static final String QUESTION = "U_QUESTION Hello END_U";
  private static final String ANSWER = "A_ANSWER I can help END_A";
  private static final String THOUGHT = "REASON_PART I am thinking END_R";

  private static final List<Object> TOOLS = List.of(tool(FUNCTION_1), tool(FUNCTION_2));

  private final LooseTemplate template;

  /// Whether the template takes the content of messages as a list of parts alone.
  private boolean partsAlone;

  private TemplateAnalysis(LooseTemplate template) {
    this.template = template;
  }

  /// {@return the shape of the replies of a template}
  ///
  /// @param source the template's text, for what only that tells
  static ReplyShape of(String source, LooseTemplate template) {
    var analysis = new TemplateAnalysis(template);
    analysis.partsAlone = analysis.takesPartsAlone();
    boolean calls = analysis.showsCalls(call(FUNCTION_1, both(), ID_1));
    var thinking = analysis.thinking(calls);
    var content = analysis.content(thinking);
    var tools = calls ? new ToolAnalysis(analysis, thinking).tools() : ReplyShape.Tools.NONE;
    return TemplateQuirks.apply(source, new ReplyShape(thinking, content, tools, List.of()));
  }

  // Thoughts.

  private Thinking thinking(boolean calls) {
    var thinking = thoughtsBesideAnswer();
    thinking = thoughtsSwitchedOn(thinking);
    return calls ? thoughtsWithCallsOnly(thinking) : thinking;
  }

  /// An answer with and without a thought: the markers around the thought.
  private Thinking thoughtsBesideAnswer() {
    var without = render(Map.of(), question(), answer());
    var with = render(Map.of(), question(), thought(ANSWER));
    if (without == null || with == null) return Thinking.NONE;
    if (!difference(without, with).right().contains(THOUGHT)) return Thinking.NONE;
    var wrapped =
        find("(" + MARKER + "\\s*)" + Pattern.quote(THOUGHT) + "(\\s*" + MARKER + "\\s*)", with);
    if (wrapped != null) return new Thinking(true, wrapped.group(1), wrapped.group(2));
    var ended = find(Pattern.quote(THOUGHT) + "\\s*(" + MARKER + "\\s*)", with);
    return ended == null ? Thinking.NONE : new Thinking(true, "", ended.group(1));
  }

  /// The prompt with thinking on and off: it may open the thoughts, or close them at once.
  private Thinking thoughtsSwitchedOn(Thinking thinking) {
    var prompt = Map.<String, Object>of("add_generation_prompt", true);
    var off = render(Map.of("add_generation_prompt", true, "enable_thinking", false), question());
    var on = render(prompt, question());
    if (on == null || off == null) return thinking;
    var difference = difference(off, on);
    var left = trim(difference.left());
    var right = trim(difference.right());
    var start = thinking.start();
    var end = thinking.end();
    if (left.isEmpty() && !difference.right().isEmpty()) {
      if (!right.isEmpty() && on.endsWith(right) && start.isEmpty()) {
        return new Thinking(true, difference.right(), end);
      }
    } else if (right.isEmpty() && !difference.left().isEmpty()) {
      if (!left.isEmpty() && off.endsWith(left) && end.isEmpty()) {
        var segments = Markup.segmentsWithText(off);
        int last = segments.size() - 1;
        if (last >= 1
            && segments.get(last).text().equals(left)
            && segments.get(last - 1).marker()) {
          start = segments.get(last - 1).text();
        }
        return new Thinking(true, start, difference.left());
      }
    } else if (!left.isEmpty() && !right.isEmpty()) {
      // The system message may differ as well: look behind the end that both prompts have.
      for (var pair : List.of(List.of(on, off), List.of(off, on))) {
        var base = pair.getFirst();
        var extended = pair.getLast();
        var anchor = base.substring(Math.max(0, base.length() - 64));
        int at = extended.lastIndexOf(anchor);
        if (at < 0) continue;
        var segments = Markup.segmentsWithText(trim(extended.substring(at + anchor.length())));
        if (segments.size() == 2 && segments.get(0).marker() && segments.get(1).marker()) {
          return new Thinking(
              true,
              start.isEmpty() ? segments.get(0).text() : start,
              end.isEmpty() ? segments.get(1).text() : end);
        }
      }
    }
    return thinking;
  }

  /// Some templates show thoughts only beside calls.
  private Thinking thoughtsWithCallsOnly(Thinking thinking) {
    var answered = renderTools(question(), thought(ANSWER));
    var message = new LinkedHashMap<String, Object>(calls(call(FUNCTION_1, both(), ID_1)));
    message.put("content", null);
    message.put("reasoning_content", THOUGHT);
    var called = renderTools(question(), message);
    if (answered == null || called == null) return thinking;
    if (answered.contains(THOUGHT) || !called.contains(THOUGHT)) return thinking;
    var thought = Pattern.quote(THOUGHT);
    var wrapped = find("(" + MARKER + "\\s*)" + thought + "\\s*(" + MARKER + "\\s*)", called);
    if (wrapped != null) return new Thinking(true, wrapped.group(1), wrapped.group(2));
    var ended = find(thought + "\\s*(" + MARKER + "\\s*)", called);
    return ended == null ? Thinking.NONE : new Thinking(true, thinking.start(), ended.group(1));
  }

  // The answer.

  private Content content(Thinking thinking) {
    var answered = renderTools(question(), answer());
    var called = renderTools(question(), calls(call("test_func", Map.of("arg1", "value1"), ID_1)));
    var thought = renderTools(question(), thought(""));
    if (answered == null || called == null || thought == null) return Content.PLAIN;
    var byCall = difference(answered, called).left();
    var byThought = difference(answered, thought).left();
    var answer = Pattern.quote(ANSWER);
    if (trim(byCall).equals(ANSWER)) {
      if (trimStart(byThought).equals(byThought)) return Content.PLAIN;
      if (!thinking.end().isEmpty()
          && find(Pattern.quote(thinking.end()) + "\\s*" + answer, byThought) != null) {
        return Content.PLAIN;
      }
    }
    int thoughtEnd = thinking.end().isEmpty() ? -1 : byThought.indexOf(thinking.end());
    if (thoughtEnd >= 0) byThought = byThought.substring(thoughtEnd + thinking.end().length());
    var longer = byThought.length() > byCall.length() ? byThought : byCall;
    var wrapped = find("(" + MARKER + "\\s*)" + answer + "\\s*(" + MARKER + "\\s*)", longer);
    return wrapped == null ? Content.PLAIN : new Content(wrapped.group(1), wrapped.group(2));
  }

  // What the template can do.

  private boolean takesPartsAlone() {
    var shown = render(Map.of(), question());
    if (shown != null && shown.contains(QUESTION)) return false;
    partsAlone = true;
    shown = render(Map.of(), question());
    return shown != null && shown.contains(QUESTION);
  }

  /// {@return whether an assistant's calls are all shown}
  @SafeVarargs
  final boolean showsCalls(Map<String, Object>... calls) {
    var shown = renderTools(question(), calls(calls));
    var without = renderTools(question(), answer());
    if (shown == null) return false;
    for (var call : calls) {
      var name = (String) ((Map<?, ?>) call.get("function")).get("name");
      if (count(shown, name) <= (without == null ? 0 : count(without, name))) return false;
    }
    return true;
  }

  static int count(String text, String part) {
    int count = 0;
    for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length())) {
      count++;
    }
    return count;
  }

  // Renderings. Null is a conversation that the template refuses.

  /// {@return what differs between an answer with one and with other calls, or null}
  Difference compareCalls(Map<String, Object> message, Map<String, Object> other) {
    var a = renderTools(question(), message);
    var b = renderTools(question(), other);
    return a == null || b == null ? null : difference(a, b);
  }

  @SafeVarargs
  final String renderTools(Map<String, Object>... messages) {
    return render(Map.of("tools", TOOLS), messages);
  }

  @SafeVarargs
  private String render(Map<String, Object> more, Map<String, Object>... messages) {
    var variables = new LinkedHashMap<String, Object>();
    var list = new ArrayList<Object>();
    for (var message : messages) list.add(withContent(message));
    variables.put("messages", list);
    variables.put("bos_token", "");
    variables.put("eos_token", "");
    variables.put("enable_thinking", true);
    variables.putAll(more);
    return template.render(variables);
  }

  private Map<String, Object> withContent(Map<String, Object> message) {
    if (!partsAlone || !(message.get("content") instanceof String text)) return message;
    var copy = new LinkedHashMap<>(message);
    copy.put("content", List.of(Map.of("type", "text", "text", text)));
    return copy;
  }

  static Map<String, Object> question() {
    return message("user", QUESTION);
  }

  static Map<String, Object> answer() {
    return message("assistant", ANSWER);
  }

  private static Map<String, Object> thought(String content) {
    var message = message("assistant", content);
    message.put("reasoning_content", THOUGHT);
    return message;
  }

  @SafeVarargs
  static Map<String, Object> calls(Map<String, Object>... calls) {
    var message = message("assistant", "");
    var list = new ArrayList<Object>();
    for (var call : calls) list.add(call);
    message.put("tool_calls", list);
    return message;
  }

  private static LinkedHashMap<String, Object> message(String role, String content) {
    var message = new LinkedHashMap<String, Object>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  static Map<String, Object> call(String name, Map<String, Object> arguments, String id) {
    var function = new LinkedHashMap<String, Object>();
    function.put("name", name);
    function.put("arguments", arguments);
    var call = new LinkedHashMap<String, Object>();
    call.put("id", id);
    call.put("type", "function");
    call.put("function", function);
    return call;
  }

  static Map<String, Object> both() {
    var arguments = new LinkedHashMap<String, Object>();
    arguments.put(ARGUMENT_1, VALUE_1);
    arguments.put(ARGUMENT_2, VALUE_2);
    return arguments;
  }

  private static Map<String, Object> tool(String name) {
    var properties = new LinkedHashMap<String, Object>();
    properties.put(ARGUMENT_1, Map.of("type", "string", "description", "First argument"));
    properties.put(ARGUMENT_2, Map.of("type", "string", "description", "Second argument"));
    var parameters = new LinkedHashMap<String, Object>();
    parameters.put("type", "object");
    parameters.put("properties", properties);
    parameters.put("required", List.of());
    var function = new LinkedHashMap<String, Object>();
    function.put("name", name);
    function.put("description", "A function");
    function.put("parameters", parameters);
    var tool = new LinkedHashMap<String, Object>();
    tool.put("type", "function");
    tool.put("function", function);
    return tool;
  }
}
