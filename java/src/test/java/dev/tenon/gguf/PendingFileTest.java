package dev.tenon.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PendingFileTest {
  @TempDir Path folder;

  private List<String> names() throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static void write(PendingFile file, String text) throws IOException {
    file.channel().write(ByteBuffer.wrap(text.getBytes()));
  }

  @Test
  void theTargetIsReplacedAsAWhole() throws IOException {
    var target = folder.resolve("a.gguf");
    Files.writeString(target, "old");
    try (var file = PendingFile.of(target)) {
      write(file, "new");
      assertThat(target).hasContent("old");
      file.complete();
      assertThat(target).hasContent("new");
    }
    assertThat(names()).containsExactly("a.gguf");
    try (var file = PendingFile.of(target)) {
      write(file, "newer"); // and no more
    }
    assertThat(target).hasContent("new");
    assertThat(names()).containsExactly("a.gguf");
  }

  @Test
  void severalMayBeInTheMaking() throws IOException {
    var target = folder.resolve("a.gguf");
    try (var first = PendingFile.of(target);
        var second =
            PendingFile.of(folder.resolve("x").resolve("..").normalize().resolve("a.gguf"));
        var other = PendingFile.of(folder.resolve("b.gguf"))) {
      write(first, "first");
      write(second, "second");
      write(other, "other");
      assertThat(names()).hasSize(3);
      first.complete();
      second.complete();
      other.complete();
    }
    assertThat(target).hasContent("second");
    assertThat(names()).containsExactly("a.gguf", "b.gguf");
  }

  @Test
  void whatIsNobodysGoesWithTheNextAttempt() throws IOException {
    var mine = List.of(".a.gguf.0123456789abcdef.tmp", ".a.gguf.ffffffffffffffff.tmp");
    var others =
        List.of(
            ".a.gguf.0123456789abcde.tmp",
            ".b.gguf.0123456789abcdef.tmp",
            ".a.gguf.0123456789abcdef.tmp.txt",
            "a.gguf.0123456789abcdef.tmp");
    for (var name : mine) Files.writeString(folder.resolve(name), "left");
    for (var name : others) Files.writeString(folder.resolve(name), "left");
    try (var file = PendingFile.of(folder.resolve("a.gguf"))) {
      file.complete();
    }
    assertThat(names()).containsAll(others).doesNotContainAnyElementsOf(mine).contains("a.gguf");
  }

  @Test
  void whatCannotBeMadeIsSaidAtOnce() throws IOException {
    assertThatThrownBy(() -> PendingFile.check(folder)).hasMessageContaining("no regular file");
    assertThatThrownBy(() -> PendingFile.check(folder.resolve("no/a")))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("no folder");
    PendingFile.check(folder.resolve("a"));
    assertThat(names()).isEmpty();
    var locked = Files.createDirectory(folder.resolve("locked"));
    Files.setPosixFilePermissions(locked, PosixFilePermissions.fromString("r-xr-xr-x"));
    Assumptions.assumeFalse(Files.isWritable(locked), "this user may write everywhere");
    assertThatThrownBy(() -> PendingFile.of(locked.resolve("a")))
        .isInstanceOf(AccessDeniedException.class);
  }

  @Test
  void namesMayBeAsLongAsTheFileSystemHasThem() throws IOException {
    var target = folder.resolve("é".repeat(125) + ".gguf");
    for (int i = 0; i < 2; i++) {
      try (var file = PendingFile.of(target)) {
        write(file, "new");
        file.complete();
      }
    }
    assertThat(names()).hasSize(1);
  }

  @Test
  void theNameIsGivenOnlyToBytesOnTheDisk() throws IOException {
    var target = folder.resolve("a.gguf");
    Files.writeString(target, "old");
    try (var file = PendingFile.of(target)) {
      write(file, "new");
      Thread.currentThread().interrupt(); // nothing reaches the disk
      assertThatThrownBy(file::complete).isInstanceOf(ClosedByInterruptException.class);
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
    assertThat(target).hasContent("old");
    assertThat(names()).containsExactly("a.gguf");
  }

  /// Holds a file in the making until it is killed.
  static final class Holder {
    public static void main(String[] args) throws Exception {
      var file = PendingFile.of(Path.of(args[0]));
      write(file, "half");
      System.out.println("ready");
      Thread.sleep(60_000);
    }
  }

  @Test
  void thoseOfLivingProcessesStayAndThoseOfKilledOnesGo() throws Exception {
    var target = folder.resolve("a.gguf");
    var process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                path(PendingFile.class) + File.pathSeparator + path(Holder.class),
                Holder.class.getName(),
                target.toString())
            .redirectErrorStream(true)
            .start();
    try (var lines = process.inputReader()) {
      assertThat(lines.readLine()).isEqualTo("ready");
      try (var file = PendingFile.of(target)) {
        write(file, "whole");
        file.complete();
      }
      assertThat(names()).hasSize(2);
      process.destroyForcibly().waitFor();
      assertThat(names()).hasSize(2);
    } finally {
      process.destroyForcibly();
    }
    assertThat(target).hasContent("whole");
    try (var file = PendingFile.of(target)) {
      assertThat(names()).hasSize(2); // its own
      file.complete();
    }
    assertThat(names()).containsExactly("a.gguf");
  }

  private static Path path(Class<?> type) throws Exception {
    return Path.of(type.getProtectionDomain().getCodeSource().getLocation().toURI());
  }
}
