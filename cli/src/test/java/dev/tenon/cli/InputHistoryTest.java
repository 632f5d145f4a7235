package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InputHistoryTest {
  @TempDir Path folder;

  @Test
  void comesBackAfterARestart() {
    var file = folder.resolve("a/b/history");
    var history = new InputHistory(file);
    assertThat(history.entries()).isEmpty();
    history.add("one");
    history.add("one");
    history.add(" ");
    history.add("\"\"\"two\n\\n lines\"\"\"");
    history.add("é 😀\tx");
    assertThat(new InputHistory(file).entries())
        .isEqualTo(history.entries())
        .containsExactly("one", "\"\"\"two\n\\n lines\"\"\"", "é 😀\tx");
  }

  @Test
  void isTheUsersAlone() throws IOException {
    assumeTrue(FileSystems.getDefault().supportedFileAttributeViews().contains("posix"));
    var file = folder.resolve("tenon/history");
    new InputHistory(file).add("secret");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
  }

  @Test
  void isBounded() throws IOException {
    var file = folder.resolve("history");
    Files.writeString(file, "x\n".repeat(2000) + "last\n");
    var history = new InputHistory(file);
    assertThat(history.entries()).hasSize(1000).endsWith("x", "last");
    assertThat(Files.readAllLines(file)).hasSize(1000).endsWith("last");

    Files.writeString(file, ("y".repeat(999) + "\n").repeat(3000) + "end\n");
    assertThat(new InputHistory(file).entries()).hasSizeLessThan(1100).endsWith("end");
    assertThat(Files.size(file)).isLessThan(1 << 20);

    history.add("z".repeat(1 << 17));
    assertThat(history.entries()).endsWith("last");
  }

  @Test
  void whatCannotBeReadOrWrittenIsLeft() throws IOException {
    var none = new InputHistory(null);
    none.add("a");
    assertThat(none.entries()).containsExactly("a");

    var taken = Files.writeString(folder.resolve("file"), "");
    var inside = new InputHistory(taken.resolve("history"));
    inside.add("a");
    assertThat(inside.entries()).containsExactly("a");

    var directory = new InputHistory(folder);
    directory.add("a");
    assertThat(directory.entries()).containsExactly("a");

    var binary = folder.resolve("binary");
    Files.write(binary, new byte[] {(byte) 0xff, 'a', '\n', '\\', '\n', 0, '\n'});
    assertThat(new InputHistory(binary).entries()).hasSize(3);
  }

  @Test
  void liesInTheFolderForState() {
    assertThat(InputHistory.file(Map.of("HOME", "/home/me")))
        .isEqualTo(Path.of("/home/me/.local/state/tenon/history"));
    assertThat(InputHistory.file(Map.of("HOME", "/home/me", "XDG_STATE_HOME", "/state")))
        .isEqualTo(Path.of("/state/tenon/history"));
    assertThat(InputHistory.file(Map.of("HOME", "/home/me", "XDG_STATE_HOME", "relative")))
        .isEqualTo(Path.of("/home/me/.local/state/tenon/history"));
    assertThat(InputHistory.file(Map.of())).isNull();
    assertThat(InputHistory.file(Map.of("HOME", "a\0b"))).isNull();
  }
}
