package dev.tenon;

import dev.tenon.chat.Message;
import dev.tenon.chat.ToolCall;

/// What happens while a [Chat] answers.
public sealed interface ChatEvent {
  /// The model thinks.
  ///
  /// @param text more of its thoughts
  record Thinking(String text) implements ChatEvent {}

  /// The model answers.
  ///
  /// @param text more of its answer
  record Answer(String text) implements ChatEvent {}

  /// The model calls a tool.
  ///
  /// @param call the whole call
  record Call(ToolCall call) implements ChatEvent {}

  /// A tool has run, and the model is told what came of it.
  ///
  /// @param call what was called
  /// @param text what it returned, or what went wrong in it
  record Result(ToolCall call, String text) implements ChatEvent {}

  /// The answer is over.
  ///
  /// @param reply the answer as it stands in the conversation now
  /// @param generation why it ended, and how much was evaluated; where tools were called, of the
  ///     last round
  record Done(Message reply, Generation.Done generation) implements ChatEvent {}
}
