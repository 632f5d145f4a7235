package dev.tenon.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ThreadLocalRandom;

/// A file in the making: written beside the one it is to be, and renamed when it is complete, so
/// that the target is replaced as a whole or not at all.
///
/// ```java
/// try (var file = PendingFile.of(Path.of("result.bin"))) {
///   file.channel().write(bytes);
///   file.complete();
/// }
/// ```
///
/// Nothing is left behind when that fails, or when the process is told to end (SIGINT, SIGTERM).
/// What a process left that was killed, or lost its machine, goes when the same target is written
/// again: the file is locked as long as its process lives, and what is named like it and can be
/// locked is nobody's. Where the file system has no locks, it stays.
///
/// Confined to one thread at a time.
public final class PendingFile implements AutoCloseable {
  private static final String SUFFIX = ".tmp";
  private static final int NUMBER = 16; // digits
  private static final int MOST_NAME_BYTES = 200; // of 255, and there is a suffix

  /// Those of this process. They must not stay when it is told to end, nor may they be opened a
  /// second time, which would undo the lock.
  private static final Set<Path> PENDING = ConcurrentHashMap.newKeySet();

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(() -> PENDING.forEach(PendingFile::delete)));
  }

  private final Path target;
  private final Path beside;
  private final FileChannel channel;
  private final WritableByteChannel named = new Named();
  private boolean complete;

  private PendingFile(Path target, Path beside, FileChannel channel) {
    this.target = target;
    this.beside = beside;
    this.channel = channel;
  }

  /// Checks that a file could be made, before the work of finding out what is to be in it.
  ///
  /// @param target where it is to be
  /// @throws IOException if that is a folder or special file, or its folder is missing or cannot be
  ///     written to
  public static void check(Path target) throws IOException {
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      throw new FileSystemException(target.toString(), null, "no regular file; cannot be replaced");
    }
    var folder = target.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new NoSuchFileException(target.toString(), null, "no folder " + folder);
    }
    if (!Files.isWritable(folder)) {
      throw new AccessDeniedException(folder.toString());
    }
  }

  /// Looks whether the disk has room, where the file system says so, rather than fill it first.
  ///
  /// @param target where a file is to be
  /// @param bytes that it will have
  /// @throws FileSystemException if there are not as many free
  /// @throws IOException if its folder is missing
  static void checkRoom(Path target, long bytes) throws IOException {
    long room = Files.getFileStore(target.toAbsolutePath().getParent()).getUsableSpace();
    if (bytes > room && room > 0) {
      throw new FileSystemException(
          target.toString(),
          null,
          "no room for " + bytes + " bytes: the disk has " + room + " free");
    }
  }

  /// Begins a file, and deletes what killed processes have left of earlier attempts.
  ///
  /// @param target where it is to be; a link there is replaced, not followed
  /// @param attributes that it is made with, such as who may read it
  /// @return the file, empty; the caller closes it
  /// @throws IOException as from [#check], or if it cannot be made
  public static PendingFile of(Path target, FileAttribute<?>... attributes) throws IOException {
    check(target);
    var folder = target.toAbsolutePath().getParent().toRealPath();
    var name = target.getFileName().toString();
    if (name.getBytes(StandardCharsets.UTF_8).length > MOST_NAME_BYTES) {
      name = "%08x".formatted(name.hashCode());
    }
    var prefix = "." + name + ".";
    deleteAbandoned(folder, prefix);
    while (true) {
      long number = ThreadLocalRandom.current().nextLong();
      var beside = folder.resolve(prefix + "%016x".formatted(number) + SUFFIX);
      var file = begin(target, beside, attributes);
      if (file != null) {
        return file;
      }
    }
  }

  /// {@return the file, or null where another process came between its making and its locking}
  private static PendingFile begin(Path target, Path beside, FileAttribute<?>... attributes)
      throws IOException {
    PENDING.add(beside);
    FileChannel channel = null;
    try {
      channel =
          FileChannel.open(
              beside, Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE), attributes);
      if (lock(channel) && Files.exists(beside, LinkOption.NOFOLLOW_LINKS)) {
        return new PendingFile(target, beside, channel);
      }
      channel.close();
    } catch (Throwable e) {
      try (var _ = channel) {
        delete(beside);
      }
      PENDING.remove(beside);
      throw e;
    }
    delete(beside);
    PENDING.remove(beside);
    return null;
  }

  private static boolean lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock() != null;
    } catch (ClosedByInterruptException e) {
      throw e;
    } catch (IOException _) {
      return true; // no locks here: nobody else gets one either
    }
  }

  private static void deleteAbandoned(Path folder, String prefix) {
    try (var files = Files.newDirectoryStream(folder, file -> isPending(file, prefix))) {
      for (var file : files) {
        if (PENDING.contains(file)) {
          continue;
        }
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE);
            var lock = channel.tryLock()) {
          if (lock != null) {
            delete(file);
          }
        } catch (IOException | OverlappingFileLockException _) {
          // Somebody's, or not ours to delete.
        }
      }
    } catch (IOException | DirectoryIteratorException _) {
      // What cannot be listed cannot be deleted, and does no harm but to take room.
    }
  }

  private static boolean isPending(Path file, String prefix) {
    var name = file.getFileName().toString();
    return name.length() == prefix.length() + NUMBER + SUFFIX.length()
        && name.startsWith(prefix)
        && name.endsWith(SUFFIX)
        && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
  }

  private static void delete(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException _) {
      // Hidden, or on a disk that is gone. The next attempt will try again.
    }
  }

  /// {@return where its bytes go; what it throws when the disk is full names the target}
  public WritableByteChannel channel() {
    return named;
  }

  private int write(ByteBuffer bytes) throws IOException {
    try {
      return channel.write(bytes);
    } catch (IOException e) {
      throw named(e);
    }
  }

  private void force() throws IOException {
    try {
      channel.force(true);
    } catch (IOException e) {
      throw named(e);
    }
  }

  private IOException named(IOException e) {
    if (e instanceof ClosedChannelException) return e;
    return new IOException(
        "cannot write " + target + ": " + e.getMessage() + "; nothing is left of it", e);
  }

  /// The channel with failures that say more.
  private final class Named implements WritableByteChannel {
    @Override
    public int write(ByteBuffer bytes) throws IOException {
      return PendingFile.this.write(bytes);
    }

    @Override
    public boolean isOpen() {
      return channel.isOpen();
    }

    @Override
    public void close() {
      // The file is closed as a whole.
    }
  }

  /// {@return where it is to be}
  public Path target() {
    return target;
  }

  /// Gives the file its name, in place of what has that, once its bytes are on the disk: else a
  /// machine that is lost could leave the name with nothing under it.
  ///
  /// @throws ClosedByInterruptException if the thread is interrupted before
  /// @throws IOException if its bytes do not reach the disk, or it cannot be renamed
  public void complete() throws IOException {
    force();
    // While it is open, and so locked.
    Files.move(beside, target, StandardCopyOption.ATOMIC_MOVE);
    complete = true;
  }

  /// Closes the file, and deletes it where it is not complete. Closing twice has no effect.
  ///
  /// @throws IOException if it cannot be closed
  @Override
  public void close() throws IOException {
    try {
      channel.close();
    } finally {
      if (!complete) {
        delete(beside);
      }
      PENDING.remove(beside);
    }
  }
}
