package dev.tenon.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// Files of other programs: what is read is what is written.
class GgufConformanceTest {
  @TempDir Path folder;

  @TestFactory
  Stream<DynamicTest> models() throws IOException {
    return Fixtures.each("models", "*.gguf", this::copied);
  }

  @TestFactory
  Stream<DynamicTest> archs() throws IOException {
    return Fixtures.each("archs", "*.gguf", this::copied);
  }

  @TestFactory
  Stream<DynamicTest> tokenizers() throws IOException {
    return Fixtures.each("tokenizers", "*.gguf", this::copied);
  }

  @TestFactory
  Stream<DynamicTest> quantize() throws IOException {
    return Fixtures.each("quantize", "*.gguf", this::copied);
  }

  /// Byte for byte, but for the version and where the padding of the last tensor was left out.
  private void copied(Path file) throws IOException {
    var copy = folder.resolve("copy.gguf");
    try (var gguf = Gguf.open(file)) {
      var writer = new GgufWriter().copy(gguf);
      for (var tensor : gguf.tensors()) {
        writer.tensor(gguf, tensor);
      }
      writer.write(copy);
    }
    var expected = Files.readAllBytes(file);
    var written = Files.readAllBytes(copy);
    expected[4] = 3;
    assertThat(Arrays.mismatch(expected, written)).isIn(-1, expected.length);
    for (int i = expected.length; i < written.length; i++) {
      assertThat(written[i]).isZero();
    }
    values(file, copy);
  }

  /// Through values and shapes, as a program that changes some of them would.
  private static void values(Path file, Path copy) throws IOException {
    try (var gguf = Gguf.open(file)) {
      var writer = new GgufWriter();
      for (var key : gguf.keys()) {
        writer.put(key, gguf.get(key));
      }
      for (var tensor : gguf.tensors()) {
        writer.tensor(tensor.name(), tensor.type(), tensor.shape(), gguf.data(tensor));
      }
      writer.write(copy);
      try (var again = Gguf.open(copy)) {
        assertThat(again.keys()).containsExactlyElementsOf(gguf.keys());
        for (var key : gguf.keys()) {
          assertThat(again.get(key)).as(key).isEqualTo(gguf.get(key));
        }
        assertThat(again.tensors()).hasSameSizeAs(gguf.tensors());
        for (var tensor : gguf.tensors()) {
          var same = again.tensor(tensor.name());
          assertThat(same.type()).isEqualTo(tensor.type());
          assertThat(same.shape()).isEqualTo(tensor.shape());
          assertThat(again.data(same).mismatch(gguf.data(tensor))).isEqualTo(-1);
        }
      }
    }
  }

  @Test
  void truncatedAtEveryNinetySeventhByte() throws IOException {
    var whole = Files.readAllBytes(Fixtures.need("models/stories260K.gguf"));
    var file = folder.resolve("part.gguf");
    Files.write(file, whole);
    // Cut from the end: one file, made shorter and shorter.
    try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      for (long length = (whole.length - 1) / 97 * 97L; length >= 0; length -= 97) {
        channel.truncate(length);
        try (var _ = Gguf.open(file)) {
          // Nothing but padding may be missing.
          assertThat(Arrays.copyOfRange(whole, (int) length, whole.length)).containsOnly(0);
        } catch (GgufFormatException e) {
          assertThat(e.offset()).isBetween(0L, length);
        }
      }
    }
  }
}
