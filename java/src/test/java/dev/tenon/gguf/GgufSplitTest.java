package dev.tenon.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Sets of files as llama-gguf-split makes them.
class GgufSplitTest {
  @TempDir Path folder;

  private Path part(int number, int count) {
    return folder.resolve("m-%05d-of-%05d.gguf".formatted(number, count));
  }

  private static GgufWriter writer(int no, int count, int tensors) {
    return new GgufWriter()
        .put("split.no", new GgufValue.Int(GgufType.UINT16, no))
        .put("split.count", new GgufValue.Int(GgufType.UINT16, count))
        .put("split.tensors.count", new GgufValue.Int(GgufType.INT32, tensors));
  }

  private static GgufWriter with(GgufWriter writer, String name, int seed) {
    return writer.tensor(name, TensorType.F32, Shape.of(3), Samples.filled(12, seed));
  }

  private void writeSet() throws IOException {
    // The first has metadata alone, as with --no-tensor-first-split.
    writer(0, 3, 3).put("general.architecture", "llama").write(part(1, 3));
    with(with(writer(1, 3, 3), "a", 1), "b", 2).write(part(2, 3));
    with(writer(2, 3, 3), "c", 3).write(part(3, 3));
  }

  @Test
  void opensAsOne() throws IOException {
    writeSet();
    try (var gguf = Gguf.open(part(1, 3))) {
      assertThat(gguf.parts()).isEqualTo(3);
      assertThat(gguf.text("general.architecture")).isEqualTo("llama");
      assertThat(gguf.tensors()).extracting(TensorInfo::name).containsExactly("a", "b", "c");
      assertThat(gguf.tensors()).extracting(TensorInfo::part).containsExactly(1, 1, 2);
      assertThat(gguf.fileBytes())
          .isEqualTo(Files.size(part(1, 3)) + Files.size(part(2, 3)) + Files.size(part(3, 3)));
      int seed = 1;
      for (var tensor : gguf.tensors()) {
        var expected = Samples.filled(12, seed++);
        assertThat(gguf.data(tensor).mismatch(expected)).isEqualTo(-1);
        try (var arena = Arena.ofConfined()) {
          assertThat(gguf.map(tensor, arena).mismatch(expected)).isEqualTo(-1);
        }
      }
    }
  }

  @Test
  void oneOfOneIsAnOrdinaryFile() throws IOException {
    var file = folder.resolve("any.gguf");
    with(writer(0, 1, 1), "a", 1).write(file);
    try (var gguf = Gguf.open(file)) {
      assertThat(gguf.parts()).isEqualTo(1);
    }
  }

  @Test
  void laterPart() throws IOException {
    writeSet();
    assertThatThrownBy(() -> Gguf.open(part(2, 3)))
        .isInstanceOf(GgufFormatException.class)
        .hasMessageContaining(
            "expected the first file of the set, m-00001-of-00003.gguf, found file 2 of 3");
  }

  @Test
  void missingPart() throws IOException {
    writeSet();
    Files.delete(part(3, 3));
    assertThatThrownBy(() -> Gguf.open(part(1, 3)))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(part(3, 3) + ": no such file, which is part 3 of 3");
  }

  @Test
  void otherName() throws IOException {
    writeSet();
    var file = Files.move(part(1, 3), folder.resolve("renamed.gguf"));
    assertThatThrownBy(() -> Gguf.open(file))
        .isInstanceOf(GgufFormatException.class)
        .hasMessageContaining("-00001-of-00003.gguf")
        .hasMessageContaining("renamed.gguf");
  }

  @Test
  void partsThatDisagree() throws IOException {
    for (var wrong :
        List.of(
            with(writer(1, 3, 3), "c", 3),
            with(writer(2, 4, 3), "c", 3),
            with(new GgufWriter(), "c", 3),
            writer(2, 3, 3),
            with(writer(2, 3, 3), "a", 3))) {
      writeSet();
      wrong.write(part(3, 3));
      assertThatThrownBy(() -> Gguf.open(part(1, 3)))
          .isInstanceOf(GgufFormatException.class)
          .hasMessageContaining("expected");
    }
  }

  @Test
  void absurdNumbers() throws IOException {
    for (var values :
        new GgufValue[][] {
          {new GgufValue.Int(GgufType.INT64, 0), new GgufValue.Int(GgufType.INT64, 1L << 60)},
          {new GgufValue.Int(GgufType.INT32, -1), new GgufValue.Int(GgufType.INT32, 3)},
          {new GgufValue.Int(GgufType.INT32, 3), new GgufValue.Int(GgufType.INT32, 3)},
          {new GgufValue.Int(GgufType.INT32, 0), new GgufValue.Int(GgufType.INT32, -3)},
          {new GgufValue.Int(GgufType.INT32, 0), new GgufValue.Int(GgufType.UINT64, -3)},
          {new GgufValue.Text("0"), new GgufValue.Int(GgufType.INT32, 3)},
          {new GgufValue.Int(GgufType.INT32, 0), new GgufValue.Text("3")},
        }) {
      new GgufWriter().put("split.no", values[0]).put("split.count", values[1]).write(part(1, 3));
      assertThatThrownBy(() -> Gguf.open(part(1, 3))).isInstanceOf(GgufFormatException.class);
    }
    new GgufWriter().put("split.count", new GgufValue.Int(GgufType.UINT16, 3)).write(part(1, 3));
    assertThatThrownBy(() -> Gguf.open(part(1, 3)))
        .isInstanceOf(GgufFormatException.class)
        .hasMessageContaining("split.no");
  }
}
