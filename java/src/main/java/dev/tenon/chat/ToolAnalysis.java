package dev.tenon.chat;

import static dev.tenon.chat.Markup.MARKER;
import static dev.tenon.chat.Markup.difference;
import static dev.tenon.chat.Markup.find;
import static dev.tenon.chat.Markup.trim;
import static dev.tenon.chat.Markup.trimStart;
import static dev.tenon.chat.TemplateAnalysis.ARGUMENT_1;
import static dev.tenon.chat.TemplateAnalysis.ARGUMENT_2;
import static dev.tenon.chat.TemplateAnalysis.FUNCTION_1;
import static dev.tenon.chat.TemplateAnalysis.FUNCTION_2;
import static dev.tenon.chat.TemplateAnalysis.ID_1;
import static dev.tenon.chat.TemplateAnalysis.ID_2;
import static dev.tenon.chat.TemplateAnalysis.ID_9;
import static dev.tenon.chat.TemplateAnalysis.VALUE_1;
import static dev.tenon.chat.TemplateAnalysis.VALUE_2;
import static dev.tenon.chat.TemplateAnalysis.answer;
import static dev.tenon.chat.TemplateAnalysis.both;
import static dev.tenon.chat.TemplateAnalysis.call;
import static dev.tenon.chat.TemplateAnalysis.calls;
import static dev.tenon.chat.TemplateAnalysis.count;
import static dev.tenon.chat.TemplateAnalysis.question;

import dev.tenon.chat.ReplyShape.Arguments;
import dev.tenon.chat.ReplyShape.Form;
import dev.tenon.chat.ReplyShape.Function;
import dev.tenon.chat.ReplyShape.JsonCall;
import dev.tenon.chat.ReplyShape.Thinking;
import dev.tenon.chat.ReplyShape.Tools;
import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// The part of [TemplateAnalysis] that finds out how calls are written.
final class ToolAnalysis {
  private static final Map<String, Object> FIRST = call(FUNCTION_1, both(), ID_1);
  private static final Map<String, Object> SECOND = call(FUNCTION_2, both(), ID_2);

  private final TemplateAnalysis template;
  private final Thinking thinking;

  ToolAnalysis(TemplateAnalysis template, Thinking thinking) {
    this.template = template;
    this.thinking = thinking;
  }

  Tools tools() {
    var difference = template.compareCalls(answer(), calls(FIRST));
    if (difference == null || difference.right().isEmpty()) return Tools.NONE;
    var shown = difference.right();
    boolean several = template.showsCalls(FIRST, SECOND);
    var markup = without(without(shown, thinking.start()), thinking.end());
    if (inJson(FUNCTION_1, shown))
      return trimmed(several ? eachWrapped(json(markup)) : json(markup));
    var form = inJson(ARGUMENT_1, shown) ? Form.TAG_WITH_JSON : Form.TAGS;
    var prefixes = new String[1];
    var tools = trimmed(tags(markup, prefixes)).withForm(form);
    if (several) tools = eachCall(tools);
    tools = tools.withFunction(function(tools, prefixes[0]));
    if (form == Form.TAGS) tools = tools.withArguments(argumentNames());
    if (form == Form.TAGS) tools = tools.withArguments(argumentValues(tools));
    return id(tools);
  }

  private static String without(String text, String part) {
    int at = part.isEmpty() ? -1 : text.indexOf(part);
    return at < 0 ? text : text.substring(0, at) + text.substring(at + part.length());
  }

  private static boolean inJson(String name, String text) {
    return find("[{:]\\s*\"" + name + "\"", text) != null;
  }

  private static Tools trimmed(Tools tools) {
    return tools
        .withSection(tools.sectionStart(), trim(tools.sectionEnd()))
        .withCall(tools.callStart(), trim(tools.callEnd()));
  }

  // A call that is a JSON object.

  private static Tools json(String markup) {
    int start = markup.indexOf('{');
    int end = markup.lastIndexOf('}') + 1;
    if (start < 0 || end <= start) return Tools.NONE;
    var object = markup.substring(start, end);
    Map<String, Object> call;
    try {
      call = Json.object(object);
    } catch (JsonException _) {
      return Tools.NONE; // nothing that could be read back
    }
    var keys = keys(call, markup);
    var array = find("\\[\\s*" + Pattern.quote(object) + "\\s*\\]", markup);
    if (array != null) {
      start = array.start();
      end = array.end();
      keys = keys.inArrays();
    }
    var closing = trim(markup.substring(end));
    return Tools.NONE
        .withForm(Form.JSON)
        .withSection(trimStart(markup.substring(0, start)), closing)
        .withJson(keys);
  }

  /// Which key has what: values are known.
  private static JsonCall keys(Map<String, Object> call, String markup) {
    boolean nameIsKey = call.containsKey(FUNCTION_1);
    var found = new LinkedHashMap<String, String>();
    call.forEach(
        (key, value) -> {
          if (key.equals(FUNCTION_1)) return;
          if (value instanceof Map<?, ?> inner
              && (inner.containsValue(FUNCTION_1) || !Json.write(value).contains(ARGUMENT_1))) {
            found.put("wrapper", key);
            inner.forEach((name, member) -> register(found, (String) name, member));
          } else {
            register(found, key, value);
          }
        });
    var order = new ArrayList<String>();
    for (var what : List.of("name", "arguments", "id", "generated")) {
      if (found.containsKey(what)) order.add(found.get(what));
    }
    order.sort(Comparator.comparingInt(key -> markup.indexOf('"' + key + '"')));
    return new JsonCall(
        false,
        nameIsKey,
        found.getOrDefault("wrapper", ""),
        nameIsKey ? "" : found.getOrDefault("name", "name"),
        nameIsKey
            ? found.getOrDefault("arguments", "")
            : found.getOrDefault("arguments", "arguments"),
        found.getOrDefault("id", ""),
        found.getOrDefault("generated", ""),
        List.copyOf(order),
        false);
  }

  private static void register(Map<String, String> found, String key, Object value) {
    if (value instanceof String text && text.contains("call0000")) found.put("id", key);
    else if (FUNCTION_1.equals(value)) found.put("name", key);
    else if (Json.write(value).contains(ARGUMENT_1)) found.put("arguments", key);
    else if (key.contains("id")) found.put("generated", key);
  }

  /// Where a second call has the section's markers again, they are each call's.
  private Tools eachWrapped(Tools tools) {
    var difference = template.compareCalls(calls(FIRST), calls(FIRST, SECOND));
    return difference != null
            && !tools.sectionStart().isEmpty()
            && difference.right().contains(tools.sectionStart())
        ? tools.withCall(tools.sectionStart(), tools.sectionEnd()).withSection("", "")
        : tools;
  }

  // A call in tags.

  /// The markers around calls, and around each of them.
  ///
  /// @param prefix takes what stands before the name in its own tag
  private static Tools tags(String markup, String[] prefix) {
    var inTag =
        find(
            ("<(?<a>(?:(?!NAME)[^>])*)NAME(?!\\s*<)[^>]*>\\s*"
                    + "|\\[(?<b>(?:(?!NAME)[^\\]])*)NAME(?!\\s*\\[[^\\]]*\\])\\s*")
                .replace("NAME", FUNCTION_1),
            markup);
    var name = inTag == null ? FUNCTION_1 : inTag.group();
    prefix[0] = "";
    var quoted = Pattern.quote(name);
    var marker = "(" + MARKER + "\\s*)";
    var both = find(marker + marker + "(?:(?!" + quoted + ").)*" + quoted + "(.*)", markup);
    if (both != null) {
      if (inTag != null) {
        prefix[0] = inTag.group("a") != null ? "<" + inTag.group("a") : "[" + inTag.group("b");
      }
      var closing = find(marker + marker + "\\z", both.group(3));
      return Tools.NONE
          .withSection(both.group(1), closing == null ? "" : closing.group(2))
          .withCall(both.group(2), closing == null ? "" : closing.group(1));
    }
    var section = find(marker + quoted + "(.*)", markup);
    if (section == null) return Tools.NONE;
    var closing = find(marker + "\\z", section.group(2));
    return Tools.NONE.withSection(section.group(1), closing == null ? "" : closing.group(1));
  }

  /// With a second call: which markers are each call's, and which those of all.
  private Tools eachCall(Tools tools) {
    var one = template.renderTools(question(), calls(FIRST));
    var two = template.renderTools(question(), calls(FIRST, SECOND));
    if (one == null || two == null) return tools;
    var difference = difference(one, two);
    var second = trimStart(difference(difference.suffix(), difference.right()).right());
    if (!tools.sectionStart().isEmpty() && second.startsWith(tools.sectionStart())) {
      tools = tools.withCall(tools.sectionStart(), tools.sectionEnd()).withSection("", "");
    }
    if (!tools.callEnd().isEmpty()) {
      int ends = count(one, tools.callEnd());
      if (ends > 0 && ends == count(two, tools.callEnd())) {
        tools =
            tools
                .withSection(tools.sectionStart(), tools.callEnd())
                .withCall(tools.callStart(), "");
      }
    }
    return tools;
  }

  /// Two names: what stands around them, and what closes a call.
  private Function function(Tools tools, String prefix) {
    var difference = template.compareCalls(calls(FIRST), calls(SECOND));
    if (difference == null
        || !difference.left().contains(FUNCTION_1)
        || !difference.right().contains(FUNCTION_2)) {
      return new Function(prefix, "", "", "").withIdOutside(ID_1);
    }
    var opening = tools.callStart().isEmpty() ? tools.sectionStart() : tools.callStart();
    int opened = opening.isEmpty() ? -1 : difference.prefix().lastIndexOf(opening);
    if (opened >= 0) prefix = difference.prefix().substring(opened + opening.length());
    int name = difference.left().indexOf(FUNCTION_1);
    prefix += difference.left().substring(0, name);
    var end = Markup.beforeMarker(difference.left().substring(name + FUNCTION_1.length()));
    var separator = "";
    if (tools.form() == Form.TAG_WITH_JSON) {
      end += beforeJson(difference.suffix());
    } else {
      var more = Markup.beforeMarker(difference.suffix());
      end += more;
      var argument =
          find(
              MARKER + "\\s*(?:" + ARGUMENT_1 + "|" + ARGUMENT_2 + ")",
              difference.suffix().substring(more.length()));
      if (argument != null) {
        separator =
            trim(difference.suffix().substring(more.length(), more.length() + argument.start()));
      }
    }
    return new Function(prefix, end, separator, closing(tools, difference.suffix()))
        .withIdOutside(ID_1);
  }

  /// What is before the first bracket of JSON, markers included, where a marker follows the JSON.
  private static String beforeJson(String text) {
    var marker = Pattern.compile(MARKER).matcher(text);
    int i = 0;
    while (i < text.length()) {
      if (marker.region(i, text.length()).lookingAt()) i = marker.end();
      else if (text.charAt(i) == '{' || text.charAt(i) == '[') break;
      else i++;
    }
    return marker.region(i, text.length()).find() ? text.substring(0, i) : "";
  }

  /// What stands between the last argument and the end of the call.
  private static String closing(Tools tools, String suffix) {
    var end = tools.callEnd().isEmpty() ? tools.sectionEnd() : tools.callEnd();
    if (end.isEmpty()) return ""; // what follows may as well end the turn
    int at = suffix.indexOf(end);
    var rest = at < 0 ? suffix : suffix.substring(0, at);
    int last = rest.indexOf(VALUE_2);
    if (last < 0) return "";
    var after = rest.substring(last + VALUE_2.length());
    if (tools.form() == Form.TAGS) {
      var marker = find("\\A\\s*" + MARKER + "\\s*", after);
      return marker == null ? "" : trimStart(after.substring(marker.end()));
    }
    int bracket = Math.max(after.lastIndexOf('}'), after.lastIndexOf(']'));
    return bracket < 0 || bracket == after.length() - 1
        ? ""
        : trimStart(after.substring(bracket + 1));
  }

  private static Map<String, Object> callWith(String argument, String value) {
    return calls(call(FUNCTION_1, Map.of(argument, value), ID_1));
  }

  private Arguments argumentNames() {
    var difference =
        template.compareCalls(callWith(ARGUMENT_1, VALUE_1), callWith(ARGUMENT_2, VALUE_2));
    if (difference == null) return Arguments.NONE;
    var left = difference.left();
    var right = difference.right();
    int first = left.indexOf(ARGUMENT_1);
    int second = right.indexOf(ARGUMENT_2);
    if (first < 0 || second < 0) return Arguments.NONE;
    var before = left.substring(0, first);
    var after = upTo("[\"X]", left.substring(first + ARGUMENT_1.length()));
    if (first > 0
        && before.equals(right.substring(0, second))
        && after.equals(upTo("[\"Y]", right.substring(second + ARGUMENT_2.length())))) {
      return new Arguments(before, after, "", "", false);
    }
    if (first > 0 || second > 0) return Arguments.NONE;
    var start = Markup.fromLastMarker(difference.prefix());
    var end =
        find(
            "\\A(?:(?!" + MARKER + ").)*" + MARKER + "\\s*",
            left.substring(ARGUMENT_1.length()) + difference.suffix());
    return new Arguments(
        start == null ? difference.prefix() : start, end == null ? "" : end.group(), "", "", false);
  }

  private static String upTo(String pattern, String text) {
    var match = find(pattern, text);
    return match == null ? text : text.substring(0, match.start());
  }

  private Arguments argumentValues(Tools tools) {
    var arguments = tools.arguments();
    var difference =
        template.compareCalls(callWith(ARGUMENT_1, VALUE_1), callWith(ARGUMENT_1, VALUE_2));
    if (difference == null
        || !difference.left().equals(VALUE_1)
        || !difference.right().equals(VALUE_2)) return arguments;
    var prefix = difference.prefix();
    var name = ARGUMENT_1 + arguments.nameEnd();
    int named = prefix.lastIndexOf(name);
    if (named >= 0) prefix = prefix.substring(named + name.length());
    var start = Markup.fromLastMarker(prefix);
    if (start == null) start = prefix;
    var end = difference.suffix();
    var close = tools.function().close();
    if (close.isEmpty()) close = tools.callEnd().isEmpty() ? tools.sectionEnd() : tools.callEnd();
    int closed = close.isEmpty() ? -1 : end.indexOf(close);
    if (closed >= 0) end = end.substring(0, closed);
    return new Arguments(
        arguments.nameStart(), arguments.nameEnd(), start, trim(end).isEmpty() ? "" : end, false);
  }

  /// Two ids: where they stand. Only one between name and arguments is read.
  private Tools id(Tools tools) {
    var difference = template.compareCalls(calls(FIRST), calls(call(FUNCTION_1, both(), ID_9)));
    if (difference == null || difference.left().isEmpty() && difference.right().isEmpty()) {
      return tools;
    }
    int before = difference.prefix().lastIndexOf(FUNCTION_1);
    boolean after = difference.suffix().contains(FUNCTION_1);
    if (before < 0 || after) return tools;
    int bracketAfter = difference.suffix().indexOf('{');
    if (bracketAfter < 0 || difference.prefix().indexOf('{', before) >= 0) return tools;
    var common = ID_1.substring(0, Markup.commonPrefix(ID_1, ID_9));
    var between = difference.prefix().substring(before + FUNCTION_1.length());
    Matcher opening =
        find("(" + MARKER + ")(?:(?!" + MARKER + "|" + common + ").)*" + common, between);
    var start = opening == null ? Markup.lastMarker(between) : opening.group(1);
    var end = find("\\A(?:(?!" + MARKER + ")[^{])*(" + MARKER + ")", difference.suffix());
    tools = tools.withId(start, end == null ? "" : end.group(1));
    return !tools.idEnd().isEmpty() && tools.callEnd().startsWith(tools.idEnd())
        ? tools.withCall(tools.callStart(), "")
        : tools;
  }
}
