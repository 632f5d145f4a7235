package dev.tenon.convert;

/// Is told how far a file is.
@FunctionalInterface
public interface Progress {
  /// Called now and then on the thread that makes the file, which it holds up.
  ///
  /// @param doneBytes bytes read of what is to be read
  /// @param totalBytes bytes to be read
  void at(long doneBytes, long totalBytes);
}
