package dev.tenon.cli;

import dev.tenon.chat.ReplyException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;

/// What is said of a failure: one line.
final class Failure {
  private Failure() {}

  /// {@return one line for a person, without control characters that a file may have put there}
  static String line(Throwable thrown) {
    return Text.visible(reason(thrown).replace('\n', ' '));
  }

  /// {@return whether it is what a person or a file can bring about: its line says it all}
  static boolean expected(Throwable thrown) {
    return thrown instanceof IllegalArgumentException
        || thrown instanceof IllegalStateException
        || thrown instanceof UnsupportedOperationException
        || thrown instanceof IOException
        || thrown instanceof UncheckedIOException
        || thrown instanceof ReplyException;
  }

  private static String reason(Throwable thrown) {
    return switch (thrown) {
      case UncheckedIOException e -> reason(e.getCause());
      case ExceptionInInitializerError e when e.getCause() != null -> reason(e.getCause());
      case NoSuchFileException e when e.getReason() == null -> "no such file: " + e.getFile();
      case AccessDeniedException e -> "permission denied: " + e.getFile();
      case FileSystemException e when e.getReason() != null -> e.getFile() + ": " + e.getReason();
      case InvalidPathException e ->
          "a file cannot be named " + e.getInput() + " here: " + e.getReason();
      case OutOfMemoryError e -> "out of memory: " + e.getMessage();
      case StackOverflowError _ -> "nested too deeply: the stack is full";
      // What the JVM makes of a fault in mapped memory.
      case InternalError _ -> "a file was cut off while it was read: " + thrown.getMessage();
      default -> {
        var message = thrown.getMessage();
        yield message == null || message.isBlank() ? thrown.getClass().getSimpleName() : message;
      }
    };
  }
}
