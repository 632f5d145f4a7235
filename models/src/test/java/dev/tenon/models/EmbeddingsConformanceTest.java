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
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// What ONNX Runtime gives for the texts of folders of sentence-transformers: each is converted,
/// and gives the same embeddings, as near as the type of its weights lets it.
class EmbeddingsConformanceTest {
  @TempDir private Path temporary;

  private record Expected(String text, float[] embedding) {}

  @TestFactory
  Stream<DynamicTest> givesTheEmbeddings() throws IOException {
    var tests = new ArrayList<DynamicTest>();
    for (var parent : List.of("huggingface", "models"))
      try (var folders = Files.list(Fixtures.need(parent))) {
        for (var folder : folders.sorted().toList()) {
          if (!Files.exists(folder.resolve("expected-embeddings.json"))) continue;
          for (var type : List.of(FileType.F16, FileType.Q8_0))
            tests.add(
                DynamicTest.dynamicTest(
                    folder.getFileName() + " " + type,
                    () -> givesThem(folder, type, type == FileType.F16 ? 0.9999 : 0.99)));
        }
      }
    return tests.stream();
  }

  private void givesThem(Path folder, FileType type, double least) throws IOException {
    var file = temporary.resolve(type + ".gguf");
    try (var open = ModelFolder.open(folder)) {
      Converter.of(open, ConvertOptions.usual().withType(type)).write(file);
    }
    var expected = expected(folder.resolve("expected-embeddings.json"));
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend);
        var embedder = new Embedder(model)) {
      var together = embedder.embed(expected.stream().map(Expected::text).toList());
      for (int i = 0; i < together.length; i++) {
        var text = expected.get(i).text;
        assertThat(Embedder.cosine(together[i], expected.get(i).embedding))
            .as(text)
            .isGreaterThanOrEqualTo(least);
        assertThat(Embedder.cosine(embedder.embed(text), together[i]))
            .as("alone: %s", text)
            .isGreaterThanOrEqualTo(0.99999);
        assertThat(length(together[i])).as("length of %s", text).isBetween(0.99999, 1.00001);
      }
    }
  }

  private static List<Expected> expected(Path file) throws IOException {
    var all = new ArrayList<Expected>();
    for (var entry : (List<?>) Json.parse(Files.readString(file))) {
      var members = (Map<?, ?>) entry;
      var numbers = (List<?>) members.get("embedding");
      var embedding = new float[numbers.size()];
      for (int i = 0; i < embedding.length; i++)
        embedding[i] = ((Number) numbers.get(i)).floatValue();
      all.add(new Expected((String) members.get("text"), embedding));
    }
    return all;
  }

  private static double length(float[] vector) {
    double squares = 0;
    for (float element : vector) squares += (double) element * element;
    return Math.sqrt(squares);
  }
}
