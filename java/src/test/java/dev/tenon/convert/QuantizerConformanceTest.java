package dev.tenon.convert;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.Gguf;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// Every target against what llama-quantize made: the type of each tensor and all of its bytes.
class QuantizerConformanceTest {
  @TempDir static Path folder;

  @TestFactory
  Stream<DynamicTest> makesWhatLlamaQuantizeMakes() throws IOException {
    var fixtures = Fixtures.need("quantize");
    return Json.object(Files.readString(fixtures.resolve("expected.json"))).entrySet().stream()
        .map(
            entry ->
                DynamicTest.dynamicTest(
                    entry.getKey(),
                    () -> check(fixtures, entry.getKey(), (Map<?, ?>) entry.getValue())));
  }

  /// A case is named `plain.TYPE`, or `imatrix.TYPE` with the importance matrix.
  private static void check(Path fixtures, String name, Map<?, ?> expected) throws Exception {
    boolean plain = name.startsWith("plain.");
    var options =
        QuantizeOptions.of(FileType.of(name.substring(name.indexOf('.') + 1))).withThreads(2);
    if (!plain)
      options = options.withImportance(ImportanceMatrix.read(fixtures.resolve("imatrix.gguf")));
    var made = folder.resolve(name + ".gguf");
    try (var source = Gguf.open(fixtures.resolve("tiny-f16.gguf"))) {
      Quantizer.of(source, options).write(made);
    }
    try (var gguf = Gguf.open(made)) {
      assertThat(gguf.integer("general.file_type")).isEqualTo(expected.get("file_type"));
      var found = new TreeMap<String, Map<String, String>>();
      for (var tensor : gguf.tensors()) {
        var hash = MessageDigest.getInstance("SHA-256");
        hash.update(gguf.data(tensor).asByteBuffer());
        found.put(
            tensor.name(),
            Map.of(
                "type",
                tensor.type().ggmlName().toUpperCase(Locale.ROOT),
                "sha256",
                HexFormat.of().formatHex(hash.digest())));
      }
      assertThat(found).isEqualTo(expected.get("tensors"));
      // With a matrix the metadata have the path it was read from.
      if (plain) assertThat(Files.size(made)).isEqualTo(expected.get("bytes"));
    }
    Files.delete(made);
  }
}
