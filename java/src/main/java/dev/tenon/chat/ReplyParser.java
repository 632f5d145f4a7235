package dev.tenon.chat;

import dev.tenon.chat.PegMatcher.Match;
import dev.tenon.chat.ReplyReader.Draft;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/// Takes a reply apart while it comes.
///
/// ```java
/// var parser = format.parser(conversation);
/// for (var piece : pieces) parser.accept(piece).forEach(this::show);
/// var message = parser.finish();
/// ```
///
/// What may be the beginning of a marker is held back until it is known. For one reply and one
/// thread.
public final class ReplyParser {
  private final ReplyGrammar grammar;
  private final ReplyGrammar withoutCalls;
  private final StringBuilder reply = new StringBuilder();

  // What has been told.
  private String thinking = "";
  private String content = "";
  private int started;
  private int called;
  private List<ReplyEvent> last = List.of();
  private boolean finished;

  /// @param grammar the form of the reply
  /// @param withoutCalls the form without calls, or null where that is the form
  ReplyParser(ReplyGrammar grammar, ReplyGrammar withoutCalls) {
    this.grammar = grammar;
    this.withoutCalls = withoutCalls;
  }

  /// Takes the next piece of the reply.
  ///
  /// @param piece any part of it, an empty one or a part of a character too
  /// @return what it brings, in order
  /// @throws IllegalStateException if the reply is finished
  public List<ReplyEvent> accept(String piece) {
    reply.append(Objects.requireNonNull(piece, "piece"));
    if (finished) throw new IllegalStateException("accept: the reply is finished");
    int length = reply.length();
    // Half a character is held back like half a marker.
    if (length > 0 && Character.isHighSurrogate(reply.charAt(length - 1))) length--;
    return tell(parse(reply.substring(0, length), false).draft());
  }

  /// Ends the reply.
  ///
  /// @return the message; without content, or with white space alone beside calls, it has an empty
  ///     one; thoughts have no white space around them
  /// @throws ReplyException if a call is cut off or not as the template has it
  /// @throws IllegalStateException if it is finished already
  public Message finish() {
    if (finished) throw new IllegalStateException("finish: the reply is finished");
    finished = true;
    var parsed = parse(reply.toString(), true);
    if (parsed.problem() != null) throw new ReplyException(parsed.problem());
    var draft = parsed.draft();
    last = tell(draft);
    var calls = new ArrayList<ToolCall>();
    for (var call : draft.calls()) {
      try {
        calls.add(new ToolCall(call.id(), call.name(), call.arguments()));
      } catch (IllegalArgumentException e) {
        throw new ReplyException("a call of " + call.name() + ": " + e.getMessage());
      }
    }
    // White space at the borders belongs to the markers, and so does what stands between calls.
    var thoughts = draft.thinking().strip();
    var answer = calls.isEmpty() || !draft.content().isBlank() ? draft.content() : "";
    return Message.assistant(answer, thoughts.isEmpty() ? null : thoughts, calls);
  }

  /// {@return what [#finish] brought beside what the pieces had: text that was held back}
  public List<ReplyEvent> remaining() {
    return last;
  }

  /// What a text is.
  ///
  /// @param draft what it has
  /// @param problem what is wrong with it as a whole reply, or null
  private record Parsed(Draft draft, String problem) {}

  private Parsed parse(String text, boolean complete) {
    var input = grammar.opening() + text;
    var match = PegMatcher.match(grammar.reply(), input, complete);
    if (!match.failed()) {
      return new Parsed(
          ReplyReader.read(input, match.nodes()),
          complete && (match.inCall() || endsInMarker(input, match)) ? cutOff(input, match) : null);
    }
    boolean meant = !grammar.marker().isEmpty() && text.contains(grammar.marker());
    if (meant && complete) return new Parsed(told(), strange(text, match));
    if (meant) return new Parsed(told(), null);
    // Nothing but text, though it may look like the beginning of a call.
    var form = withoutCalls == null ? grammar : withoutCalls;
    input = form.opening() + text;
    match = PegMatcher.match(form.reply(), input, complete);
    return new Parsed(
        match.failed() ? new Draft("", text, List.of()) : ReplyReader.read(input, match.nodes()),
        null);
  }

  /// Whether what follows all that was found is the marker of a call and no call.
  private boolean endsInMarker(String input, Match match) {
    var marker = Markup.trim(grammar.marker());
    if (marker.isEmpty() || match.fit() != PegMatcher.Fit.UNFINISHED) return false;
    int found = grammar.opening().length();
    for (var node : match.nodes()) found = Math.max(found, node.end());
    return input.indexOf(marker, Math.min(found, input.length())) >= 0;
  }

  private Draft told() {
    return new Draft(thinking, content, List.of());
  }

  private static String cutOff(String input, Match match) {
    var calls = ReplyReader.read(input, match.nodes()).calls();
    var open = calls.isEmpty() || calls.getLast().complete() ? null : calls.getLast().name();
    return "the reply ends in the middle of a tool call" + (open == null ? "" : " of " + open);
  }

  private String strange(String text, Match match) {
    int at = Math.clamp((long) match.end() - grammar.opening().length(), 0, text.length());
    var rest = text.substring(at).lines().findFirst().orElse("");
    return "the reply has a tool call that is not written as the template has it, at character "
        + (at + 1)
        + ": "
        + (rest.length() > 40 ? rest.substring(0, 40) + "…" : rest);
  }

  private List<ReplyEvent> tell(Draft draft) {
    var events = new ArrayList<ReplyEvent>();
    // What turns out to be something else than it seemed cannot be taken back: it is told no more.
    if (draft.thinking().length() > thinking.length() && draft.thinking().startsWith(thinking)) {
      events.add(new ReplyEvent.Thinking(draft.thinking().substring(thinking.length())));
      thinking = draft.thinking();
    }
    if (draft.content().length() > content.length() && draft.content().startsWith(content)) {
      events.add(new ReplyEvent.Content(draft.content().substring(content.length())));
      content = draft.content();
    }
    for (int i = 0; i < draft.calls().size(); i++) {
      var call = draft.calls().get(i);
      if (i >= started) {
        events.add(new ReplyEvent.CallStarted(i, call.name()));
        started++;
      }
      if (i == called && call.complete()) {
        try {
          events.add(
              new ReplyEvent.Call(i, new ToolCall(call.id(), call.name(), call.arguments())));
        } catch (IllegalArgumentException _) {
          break; // said when the reply ends
        }
        called++;
      }
    }
    return events;
  }
}
