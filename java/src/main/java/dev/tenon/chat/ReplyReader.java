package dev.tenon.chat;

import dev.tenon.chat.Peg.Tag;
import dev.tenon.chat.PegMatcher.Node;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Makes a message of what was matched in a reply.
final class ReplyReader {
  /// A reply as far as it goes.
  ///
  /// @param thinking the thoughts, empty where they are white space alone
  /// @param content the answer
  /// @param calls the calls whose tool is known
  record Draft(String thinking, String content, List<Call> calls) {}

  /// A call as far as it goes.
  ///
  /// @param id its id, or null
  /// @param name the tool's name
  /// @param arguments its arguments, once it is complete
  /// @param complete whether it is
  record Call(String id, String name, Object arguments, boolean complete) {}

  private final String text;
  private final StringBuilder thinking = new StringBuilder();
  private final StringBuilder content = new StringBuilder();
  private final List<Call> calls = new ArrayList<>();

  private ReplyReader(String text) {
    this.text = text;
  }

  static Draft read(String text, List<Node> nodes) {
    var reader = new ReplyReader(text);
    for (var node : nodes) reader.read(node);
    var thinking = reader.thinking.toString();
    return new Draft(
        thinking.isBlank() ? "" : thinking, reader.content.toString(), List.copyOf(reader.calls));
  }

  private void read(Node node) {
    switch (node.tag()) {
      case THINKING -> thinking.append(text, node.start(), node.end());
      case CONTENT -> content.append(text, node.start(), node.end());
      case CALL -> call(node);
      default -> node.parts().forEach(this::read);
    }
  }

  private void call(Node call) {
    var name = find(call, Tag.NAME);
    if (name == null) return;
    var id = find(call, Tag.ID);
    calls.add(
        new Call(
            id == null ? null : unquoted(text(id).strip()),
            text(name).strip(),
            call.partial() ? null : arguments(call),
            !call.partial()));
  }

  private Object arguments(Node call) {
    var members = new LinkedHashMap<String, Object>();
    members(call, members);
    var arguments = find(call, Tag.ARGUMENTS);
    if (!members.isEmpty() || arguments == null) return members;
    var value = text(arguments).strip();
    if (value.isEmpty()) return members;
    // Some models write the object as a text of JSON.
    return Literals.value(value) instanceof String text
        ? Literals.value(text)
        : Literals.value(value);
  }

  /// Adds the members below a node, but not those of their values.
  private void members(Node node, Map<String, Object> members) {
    for (var part : node.parts()) {
      if (part.tag() != Tag.MEMBER) {
        members(part, members);
      } else {
        var name = find(part, Tag.MEMBER_NAME);
        var value = firstValue(part);
        if (name != null && value != null) members.put(unquoted(text(name).strip()), value(value));
      }
    }
  }

  private Node firstValue(Node node) {
    for (var part : node.parts()) {
      if (isValue(part)) return part;
      var value = firstValue(part);
      if (value != null) return value;
    }
    return null;
  }

  private static boolean isValue(Node node) {
    return switch (node.tag()) {
      case TEXT, VALUE, OBJECT, ARRAY -> true;
      default -> false;
    };
  }

  private Object value(Node node) {
    return switch (node.tag()) {
      case OBJECT -> {
        var members = new LinkedHashMap<String, Object>();
        members(node, members);
        yield members;
      }
      case ARRAY -> {
        var elements = new ArrayList<Object>();
        elements(node, elements);
        yield elements;
      }
      case VALUE -> Literals.value(text(node));
      default -> text(node);
    };
  }

  private void elements(Node node, List<Object> elements) {
    for (var part : node.parts()) {
      if (isValue(part)) elements.add(value(part));
      else elements(part, elements);
    }
  }

  private static Node find(Node node, Tag tag) {
    for (var part : node.parts()) {
      if (part.tag() == tag) return part;
      var found = find(part, tag);
      if (found != null) return found;
    }
    return null;
  }

  private String text(Node node) {
    return text.substring(node.start(), node.end());
  }

  private static String unquoted(String text) {
    return text.length() >= 2 && text.startsWith("\"") && text.endsWith("\"")
        ? text.substring(1, text.length() - 1)
        : text;
  }
}
