package dev.tenon.gguf;

import static org.assertj.core.api.Assertions.assertThat;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever is read can be written, and read again as the same.
class GgufRoundTripFuzzTest {
  @TempDir static Path folder;

  static Stream<Arguments> seeds() throws IOException {
    return FuzzSeeds.all();
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "", maxExecutions = 5000)
  void writesWhatItReads(byte[] bytes) throws IOException {
    var any = Files.write(folder.resolve("any.gguf"), bytes);
    try (var gguf = Gguf.open(any)) {
      var first = copy(gguf, folder.resolve("first.gguf"));
      var values = values(gguf, folder.resolve("values.gguf"));
      try (var again = Gguf.open(first);
          var valuesAgain = Gguf.open(values)) {
        assertSame(again, gguf);
        assertSame(valuesAgain, gguf);
        var second = copy(again, folder.resolve("second.gguf"));
        assertThat(Files.mismatch(first, second)).isEqualTo(-1);
      }
    } catch (GgufFormatException e) {
      // Only what came from outside may be malformed.
      assertThat(e.getMessage()).startsWith(any.toString());
    }
  }

  private static Path copy(Gguf gguf, Path file) throws IOException {
    var writer = new GgufWriter().copy(gguf);
    gguf.tensors().forEach(tensor -> writer.tensor(gguf, tensor));
    writer.write(file);
    return file;
  }

  private static Path values(Gguf gguf, Path file) throws IOException {
    var writer = new GgufWriter();
    for (var key : gguf.keys()) {
      writer.put(key, gguf.get(key));
    }
    for (var tensor : gguf.tensors()) {
      writer.tensor(tensor.name(), tensor.type(), tensor.shape(), gguf.data(tensor));
    }
    writer.write(file);
    return file;
  }

  private static void assertSame(Gguf actual, Gguf expected) throws IOException {
    assertThat(actual.keys()).containsExactlyElementsOf(expected.keys());
    for (var key : expected.keys()) {
      assertThat(actual.get(key)).isEqualTo(expected.get(key));
    }
    assertThat(actual.tensors()).hasSameSizeAs(expected.tensors());
    for (var tensor : expected.tensors()) {
      var same = actual.tensor(tensor.name());
      assertThat(same.type()).isEqualTo(tensor.type());
      assertThat(same.shape()).isEqualTo(tensor.shape());
      assertThat(actual.data(same).mismatch(expected.data(tensor))).isEqualTo(-1);
    }
  }
}
