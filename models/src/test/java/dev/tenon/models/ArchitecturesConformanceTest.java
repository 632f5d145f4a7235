package dev.tenon.models;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.TensorType;
import dev.tenon.model.Architecture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// The logits llama.cpp gives for models of random weights: an F32 cache, no flash attention, no
/// repacking. Every file that is found is evaluated in every way; those of architectures that are
/// not here are skipped by name.
class ArchitecturesConformanceTest {
  private static final double TOLERANCE = 1e-6;

  @TestFactory
  Stream<DynamicTest> givesTheLogitsOfLlamaCpp() throws IOException {
    var tokens = tokens(Fixtures.need("archs/tokens.json"));
    return Fixtures.each(
        "archs",
        "*.gguf",
        file -> {
          var architecture = architecture(file);
          var expected =
              Logits.read(
                  Path.of(file.toString().replaceFirst("\\.gguf$", ".logits.f32")), tokens.length);
          try (var open =
              new Evaluations(
                  file, architecture, Evaluations.settings(TensorType.F32, false), false)) {
            open.check(tokens, expected, TOLERANCE);
          }
        });
  }

  private static Architecture architecture(Path file) throws IOException {
    String name;
    try (var gguf = Gguf.open(file)) {
      name = gguf.text("general.architecture");
    }
    var found = Architecture.all().stream().filter(a -> a.name().equals(name)).findFirst();
    Assumptions.assumeTrue(found.isPresent(), "architecture " + name + " is not here yet");
    return found.orElseThrow();
  }

  private static int[] tokens(Path json) throws IOException {
    return Arrays.stream(Files.readString(json).replaceAll("[\\[\\]\\s]", "").split(","))
        .mapToInt(Integer::parseInt)
        .toArray();
  }
}
