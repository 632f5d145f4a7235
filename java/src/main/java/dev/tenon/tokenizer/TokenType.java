package dev.tenon.tokenizer;

/// What a token is for, as `tokenizer.ggml.token_type` says.
public enum TokenType {
  /// A piece of ordinary text.
  NORMAL,
  /// Stands for text that the vocabulary cannot express.
  UNKNOWN,
  /// Steers the model and is not text: begin, end, roles of a chat.
  CONTROL,
  /// Text that was added to the vocabulary and is always one token.
  USER_DEFINED,
  /// Stands for nothing.
  UNUSED,
  /// One byte, for text that has no token of its own.
  BYTE
}
