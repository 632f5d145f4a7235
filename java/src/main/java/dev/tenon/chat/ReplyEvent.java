package dev.tenon.chat;

/// What a piece of a reply brings.
public sealed interface ReplyEvent {
  /// More of what the model thinks.
  ///
  /// @param text what comes after the thoughts so far
  record Thinking(String text) implements ReplyEvent {}

  /// More of the answer.
  ///
  /// @param text what comes after the answer so far
  record Content(String text) implements ReplyEvent {}

  /// A call has begun: the tool is known, its arguments follow.
  ///
  /// @param index which call of the reply it is, from 0
  /// @param name the tool's name
  record CallStarted(int index, String name) implements ReplyEvent {}

  /// A call is complete.
  ///
  /// @param index which call of the reply it is, from 0
  /// @param call the call
  record Call(int index, ToolCall call) implements ReplyEvent {}
}
