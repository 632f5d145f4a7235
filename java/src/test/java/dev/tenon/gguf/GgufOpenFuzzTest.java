package dev.tenon.gguf;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever bytes a file has, opening it and using all that it has ends in what it holds or in a
/// [GgufFormatException].
class GgufOpenFuzzTest {
  @TempDir static Path folder;

  static Stream<Arguments> seeds() throws IOException {
    return FuzzSeeds.all();
  }

  @MethodSource("seeds")
  @FuzzTest(maxDuration = "", maxExecutions = 5000)
  void opens(byte[] bytes) throws IOException {
    var file = Files.write(folder.resolve("any.gguf"), bytes);
    try (var gguf = Gguf.open(file)) {
      Samples.touch(gguf);
    } catch (GgufFormatException e) {
      if (e.offset() > bytes.length || e.getMessage().contains("\n")) {
        throw new AssertionError("a message that does not help", e);
      }
    }
  }
}
