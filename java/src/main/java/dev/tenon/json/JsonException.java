package dev.tenon.json;

/// A text that is not JSON, or not the JSON that was expected.
public final class JsonException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  /// Makes one.
  ///
  /// @param message what was expected and found, and where
  public JsonException(String message) {
    super(message);
  }
}
