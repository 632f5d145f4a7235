package dev.tenon.chat;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/// What the reply of one turn may look like.
///
/// @param opening the end of the prompt that is part of the form: read before the reply
/// @param reply the form
/// @param marker the text that shows that a call was meant; empty where nothing but the call's own
///     form does, and then what is none is text
/// @param words texts that a lazy grammar begins with
/// @param patterns regular expressions, to be looked for in the reply, that a lazy grammar begins
///     with; where there is a group, at the group's beginning
record ReplyGrammar(
    String opening, Peg reply, String marker, List<String> words, List<String> patterns) {

  /// {@return the same, but a lazy grammar does not begin while the model thinks: it may well think
  /// about how to call}
  ///
  /// @param start what begins the thoughts; empty where the reply begins with them
  /// @param end what ends them
  ReplyGrammar outsideThoughts(String start, String end) {
    if (end.isEmpty() || words.isEmpty()) return this;
    boolean open = start.isEmpty() || opening.contains(start) && !opening.contains(end);
    var begin = "\\s*" + Pattern.quote(start);
    var thoughts =
        opening.contains(end)
            ? ""
            : open
                ? ".*?" + Pattern.quote(end)
                : "(?:" + begin + ".*?" + Pattern.quote(end) + "|(?!" + begin + "))";
    var patterns = new ArrayList<String>();
    for (var word : words) {
      patterns.add("(?s)\\A" + thoughts + ".*?(" + Pattern.quote(word) + ")");
    }
    return new ReplyGrammar(opening, reply, marker, List.of(), patterns);
  }

  /// A form whose calls begin with a marker.
  static ReplyGrammar of(String opening, Peg reply, String marker) {
    return new ReplyGrammar(
        opening, reply, marker, marker.isEmpty() ? List.of() : List.of(marker), List.of());
  }
}
