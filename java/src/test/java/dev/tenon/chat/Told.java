package dev.tenon.chat;

import java.util.ArrayList;
import java.util.List;

/// What events have told so far.
final class Told {
  final StringBuilder thinking = new StringBuilder();
  final StringBuilder content = new StringBuilder();
  final List<String> started = new ArrayList<>();
  final List<ToolCall> calls = new ArrayList<>();

  Told add(List<ReplyEvent> events) {
    for (var event : events) {
      switch (event) {
        case ReplyEvent.Thinking(var text) -> thinking.append(text);
        case ReplyEvent.Content(var text) -> content.append(text);
        case ReplyEvent.CallStarted(_, var name) -> started.add(name);
        case ReplyEvent.Call(_, var call) -> calls.add(call);
      }
    }
    return this;
  }
}
