package dev.tenon.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// A file that was never on a disk is the same as one that is.
class GgufInMemoryTest {
  private static final Path NAME = Path.of("no", "file.gguf");

  @TempDir Path folder;
  private Path file;
  private byte[] bytes;

  @BeforeEach
  void write() throws IOException {
    file = folder.resolve("a.gguf");
    var values = Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, 1, 2, 3, 4);
    new GgufWriter()
        .put("general.name", "a")
        .tensor("first", TensorType.F32, Shape.of(1), values.asSlice(0, 4))
        .tensor("second", TensorType.F32, Shape.of(3), values.asSlice(4))
        .write(file);
    bytes = Files.readAllBytes(file);
  }

  @Test
  void isTheSameAsOnADisk() throws IOException {
    try (var mapped = Gguf.open(file);
        var read = Gguf.of(NAME, bytes)) {
      assertThat(read.path()).isEqualTo(NAME);
      assertThat(read.keys()).isEqualTo(mapped.keys());
      assertThat(read.tensors()).isEqualTo(mapped.tensors());
      assertThat(read.fileBytes()).isEqualTo(bytes.length);
      assertThat(read.mapping(0).mismatch(mapped.mapping(0))).isEqualTo(-1);
      for (var tensor : read.tensors())
        assertThat(read.data(tensor).mismatch(mapped.data(tensor))).isEqualTo(-1);
    }
  }

  @Test
  void copiesWhatItIsGiven() throws IOException {
    var given = bytes.clone();
    try (var read = Gguf.of(NAME, given)) {
      Arrays.fill(given, (byte) 0);
      assertThat(read.mapping(0).toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
      assertThat(read.mapping(0).isReadOnly()).isTrue();
    }
  }

  @Test
  void whatIsMappedOutlivesIt() throws IOException {
    try (var arena = Arena.ofConfined()) {
      MemorySegment whole;
      MemorySegment second;
      var read = Gguf.of(NAME, bytes);
      try (read) {
        whole = read.mapPart(0, arena);
        second = read.map(read.tensor("second"), arena);
      }
      assertThat(whole.toArray(ValueLayout.JAVA_BYTE)).isEqualTo(bytes);
      assertThat(whole.address() % 4096).isZero(); // tensors lie where the file aligns them
      assertThat(second.toArray(ValueLayout.JAVA_FLOAT)).containsExactly(2, 3, 4);
      assertThatIllegalStateException().isThrownBy(() -> read.mapPart(0, arena));
      assertThatIllegalStateException().isThrownBy(() -> read.mapping(0));
    }
  }

  @Test
  void refusesWhatOpenRefuses() throws IOException {
    assertThatThrownBy(() -> Gguf.of(NAME, new byte[0]))
        .isInstanceOf(GgufFormatException.class)
        .hasMessageContaining(NAME.toString());
    for (int length : new int[] {3, 23, 60, bytes.length - 24})
      assertThatThrownBy(() -> Gguf.of(NAME, Arrays.copyOf(bytes, length)))
          .isInstanceOf(GgufFormatException.class);
    var part = folder.resolve("b-00001-of-00002.gguf");
    new GgufWriter()
        .put("split.no", new GgufValue.Int(GgufType.UINT16, 0))
        .put("split.count", new GgufValue.Int(GgufType.UINT16, 2))
        .write(part);
    assertThatThrownBy(() -> Gguf.of(NAME, Files.readAllBytes(part)))
        .isInstanceOf(GgufFormatException.class)
        .hasMessageContaining("a whole file");
  }
}
