package dev.tenon.chat;

/// A reply that cannot be taken apart: a call of a tool that is cut off, or not written as the
/// template has it.
public final class ReplyException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /// Makes one.
  ///
  /// @param message what is wrong, and where in the reply
  public ReplyException(String message) {
    super(message);
  }
}
