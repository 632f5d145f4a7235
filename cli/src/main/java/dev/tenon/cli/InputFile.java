package dev.tenon.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/// Reads a file that was named, whatever that turns out to be.
final class InputFile {
  /// Of a pipe or a device, whose size is not known before; a file is read whole.
  private static final int MOST_OF_A_STREAM = 64 << 20;

  private InputFile() {}

  /// {@return all that is in a file, or in a pipe such as a shell's `<(…)`}
  ///
  /// @throws IOException if it cannot be read, is a folder or does not seem to end
  static byte[] bytes(Path file) throws IOException {
    if (Files.isDirectory(file)) {
      throw wrong(file, "it is a folder");
    }
    if (Files.isRegularFile(file)) {
      return Files.readAllBytes(file);
    }
    try (var in = Files.newInputStream(file)) {
      var bytes = in.readNBytes(MOST_OF_A_STREAM);
      if (bytes.length == MOST_OF_A_STREAM) {
        throw wrong(file, "not a file with an end");
      }
      return bytes;
    }
  }

  /// {@return the same, or all of the standard input where the name is `-`}
  static byte[] bytes(String name, Streams streams) throws IOException {
    return name.equals("-") ? streams.readAll() : bytes(Path.of(name));
  }

  /// {@return the text in a file}
  ///
  /// @throws IOException if it cannot be read, is a folder, does not seem to end or is not UTF-8
  static String text(Path file) throws IOException {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes(file))).toString();
    } catch (CharacterCodingException _) {
      throw wrong(file, "not a text: it is not UTF-8");
    }
  }

  /// Lets only files pass that are surely read to their end at once; a pipe may wait for ever.
  ///
  /// @throws IOException if it is a folder, a pipe or a device, or there is none
  static void regular(Path file) throws IOException {
    if (!Files.exists(file)) {
      throw new NoSuchFileException(file.toString());
    }
    if (!Files.isRegularFile(file)) {
      throw wrong(file, Files.isDirectory(file) ? "it is a folder" : "not a file with an end");
    }
  }

  /// {@return what an input is called in a message}
  static String name(String name) {
    return name.equals("-") ? "stdin" : name;
  }

  private static IOException wrong(Path file, String what) {
    return new FileSystemException(file.toString(), null, what);
  }
}
