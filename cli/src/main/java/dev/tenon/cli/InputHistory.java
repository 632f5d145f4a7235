package dev.tenon.cli;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// What was typed before, in a file of the user's alone: one input a line, oldest first, with `\n`
/// for a line end in it and `\\` for a backslash.
///
/// It is a comfort and no more: what cannot be read or written is left.
final class InputHistory {
  private static final int ENTRIES = 1000; // kept when the file is shortened
  private static final long LARGEST = 1 << 20; // bytes of the file before it is shortened
  private static final int LONGEST = 1 << 16; // characters of an input that is remembered

  private final Path file; // null where there is no place for one
  private final List<String> entries = new ArrayList<>();

  /// Opens the history at `file`; null for one that is forgotten.
  InputHistory(Path file) {
    this.file = file;
    if (file != null) {
      try {
        load();
      } catch (IOException | RuntimeException _) {
        entries.clear();
      }
    }
  }

  /// {@return the file in the user's folder for state; null where there is no such folder}
  static Path file(Map<String, String> environment) {
    var state = environment.getOrDefault("XDG_STATE_HOME", "");
    var home = environment.getOrDefault("HOME", "");
    try {
      if (!state.isEmpty() && Path.of(state).isAbsolute()) {
        return Path.of(state, "tenon", "history");
      }
      return home.isEmpty() ? null : Path.of(home, ".local", "state", "tenon", "history");
    } catch (RuntimeException _) {
      return null; // such a name cannot be
    }
  }

  /// {@return the inputs, oldest first}
  List<String> entries() {
    return List.copyOf(entries);
  }

  /// Remembers an input. One that repeats the last is not remembered twice.
  void add(String input) {
    if (input.isBlank()
        || input.length() > LONGEST
        || !entries.isEmpty() && entries.getLast().equals(input)) {
      return;
    }
    entries.add(input);
    if (file == null) {
      return;
    }
    try {
      Files.createDirectories(file.getParent(), owners("rwx------"));
      // One write a line: several chats may share the file.
      var line = ByteBuffer.wrap((escape(input) + "\n").getBytes(StandardCharsets.UTF_8));
      var how = Set.of(StandardOpenOption.CREATE, StandardOpenOption.APPEND);
      try (var channel = FileChannel.open(file, how, owners("rw-------"))) {
        channel.write(line);
      }
    } catch (IOException | RuntimeException _) {
      // It stays in memory.
    }
  }

  private void load() throws IOException {
    if (!Files.isRegularFile(file)) {
      return;
    }
    long size;
    byte[] bytes;
    try (var channel = FileChannel.open(file, EnumSet.of(StandardOpenOption.READ))) {
      size = channel.size();
      var end = ByteBuffer.allocate((int) Math.min(size, LARGEST));
      channel.position(size - end.capacity());
      while (end.hasRemaining() && channel.read(end) >= 0) {}
      bytes = end.array();
    }
    var lines = new String(bytes, StandardCharsets.UTF_8).lines().toList();
    // The first may have been cut.
    for (var line : lines.subList(size > LARGEST && !lines.isEmpty() ? 1 : 0, lines.size())) {
      if (!line.isBlank() && line.length() <= 2 * LONGEST) {
        entries.add(unescape(line));
      }
    }
    boolean many = entries.size() > 2 * ENTRIES;
    if (many) {
      entries.subList(0, entries.size() - ENTRIES).clear();
    }
    if (many || size > LARGEST) {
      shorten();
    }
  }

  /// Puts what is in memory in place of the file.
  private void shorten() throws IOException {
    var made = Files.createTempFile(file.getParent(), "history", null, owners("rw-------"));
    try {
      Files.write(made, entries.stream().map(InputHistory::escape).toList());
      Files.move(made, file, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(made);
    }
  }

  private static FileAttribute<?>[] owners(String permissions) {
    return FileSystems.getDefault().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions))
        }
        : new FileAttribute<?>[0];
  }

  private static String escape(String input) {
    return input.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "");
  }

  private static String unescape(String line) {
    var input = new StringBuilder(line.length());
    for (int i = 0; i < line.length(); i++) {
      char c = line.charAt(i);
      if (c == '\\' && i + 1 < line.length()) {
        c = line.charAt(++i);
        input.append(c == 'n' ? '\n' : c);
      } else {
        input.append(c);
      }
    }
    return input.toString();
  }
}
