package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.Embedder;
import dev.tenon.Model;
import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.FileType;
import dev.tenon.fixtures.Fixtures;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.json.Json;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// Recorded embeddings of real models: ours point the same way, less so with coarser weights.
class EmbedderConformanceTest {
  private static final String RECORDED = "expected-embeddings.json";

  @TempDir private Path temporary;

  @TestFactory
  Stream<DynamicTest> pointsWhereTheRecordedOnesDo() throws IOException {
    var tests = new ArrayList<DynamicTest>();
    try (var all = Files.list(Fixtures.need("models"))) {
      for (var folder : all.filter(f -> Files.exists(f.resolve(RECORDED))).sorted().toList()) {
        tests.add(test(folder, FileType.F16, 0.9999));
        tests.add(test(folder, FileType.Q8_0, 0.99));
      }
    }
    Assumptions.assumeFalse(tests.isEmpty(), "no " + RECORDED);
    return tests.stream();
  }

  private DynamicTest test(Path folder, FileType type, double least) {
    var name = folder.getFileName() + " " + type;
    return DynamicTest.dynamicTest(
        name,
        () -> {
          var file = temporary.resolve(name + ".gguf");
          try (var open = ModelFolder.open(folder)) {
            Converter.of(open, ConvertOptions.usual().withType(type)).write(file);
          }
          var texts = new ArrayList<String>();
          var expected = new ArrayList<float[]>();
          var recorded = (List<?>) Json.parse(Files.readString(folder.resolve(RECORDED)));
          for (var entry : recorded) {
            var one = (Map<?, ?>) entry;
            texts.add((String) one.get("text"));
            expected.add(vector((List<?>) one.get("embedding")));
          }
          try (var backend = Backend.best();
              var model = Model.load(file, backend);
              var embedder = new Embedder(model)) {
            var given = embedder.embed(texts);
            for (int i = 0; i < given.length; i++)
              assertThat(Embedder.cosine(given[i], expected.get(i)))
                  .as(texts.get(i))
                  .isGreaterThanOrEqualTo(least);
          }
        });
  }

  private static float[] vector(List<?> numbers) {
    var vector = new float[numbers.size()];
    for (int i = 0; i < vector.length; i++) vector[i] = ((Number) numbers.get(i)).floatValue();
    return vector;
  }
}
