package dev.tenon.tensor;

/// ggml or the device could not do what was asked: memory that is not there, a failed computation.
/// The message has the operation, and bytes asked and free where memory is short.
public final class BackendException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /// Says what failed.
  ///
  /// @param message operation, what was asked, what there is
  public BackendException(String message) {
    super(message);
  }
}
