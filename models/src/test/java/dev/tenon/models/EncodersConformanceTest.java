package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.EncoderSession;
import dev.tenon.Model;
import dev.tenon.ModelOptions;
import dev.tenon.convert.ConvertOptions;
import dev.tenon.convert.Converter;
import dev.tenon.convert.FileType;
import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.Gguf;
import dev.tenon.huggingface.Checkpoint;
import dev.tenon.huggingface.Config;
import dev.tenon.huggingface.ModelFolder;
import dev.tenon.model.Architecture;
import dev.tenon.model.AttentionProbe;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderEvaluator.Sequence;
import dev.tenon.model.Hyperparameters;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// What transformers gives for folders of encoders: each is converted to F32, and gives the same
/// outputs of every head, and looks at the same tokens. Folders of classes that are not here, or
/// are no encoders, are skipped by name.
class EncodersConformanceTest {
  private static final double TOLERANCE = 1e-6;

  /// Of what ggml takes from a table of half precision.
  private static final double TABLE_TOLERANCE = 1e-5;

  private static final Set<String> TABLES =
      Set.of("gelu_new", "gelu_pytorch_tanh", "gelu_fast", "gelu_accurate");

  @TempDir private Path temporary;

  @TestFactory
  Stream<DynamicContainer> givesWhatTransformersGives() throws IOException {
    var folders = new ArrayList<Path>();
    for (var parent : List.of("huggingface", "models"))
      try (var all = Files.list(Fixtures.need(parent))) {
        all.filter(folder -> Files.exists(folder.resolve("expected.json")))
            .sorted()
            .forEach(folders::add);
      }
    return folders.stream()
        .map(
            folder ->
                DynamicContainer.dynamicContainer(
                    folder.getFileName().toString(),
                    Stream.of(
                        DynamicTest.dynamicTest("outputs", () -> in(folder, this::givesOutputs)),
                        DynamicTest.dynamicTest("together", () -> in(folder, this::isAsTogether)),
                        DynamicTest.dynamicTest(
                            "attention", () -> in(folder, this::looksAtTheSame)))));
  }

  private record Case(
      Path folder, Path file, Config expected, EncoderSession session, double tolerance) {
    List<Config> entries(String key) throws IOException {
      var entries = new ArrayList<Config>();
      for (var entry : expected.list(key)) {
        var copy = new LinkedHashMap<String, Object>();
        ((Map<?, ?>) entry).forEach((name, value) -> copy.put((String) name, value));
        entries.add(new Config(expected.path(), copy));
      }
      return entries;
    }
  }

  private interface Check {
    void of(Case one) throws IOException;
  }

  private void in(Path folder, Check check) throws IOException {
    var expected = Config.open(folder.resolve("expected.json"));
    var known = Converter.known().containsKey(expected.text("class"));
    Assumptions.assumeTrue(known, () -> "class " + expected.values().get("class") + " is not here");
    var file = temporary.resolve(folder.getFileName() + ".gguf");
    if (!Files.exists(file)) {
      try (var open = ModelFolder.open(folder)) {
        Converter.of(open, ConvertOptions.usual().withType(FileType.F32).withThreads(1))
            .write(file);
      }
    }
    double tolerance = usesTable(folder) ? TABLE_TOLERANCE : TOLERANCE;
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend, ModelOptions.defaults().withRepack(false))) {
      Assumptions.assumeTrue(
          model.kind() == Model.Kind.ENCODER, () -> model.kind() + " is no encoder");
      try (var session = model.newEncoderSession()) {
        check.of(new Case(folder, file, expected, session, tolerance));
      }
    }
  }

  private static boolean usesTable(Path folder) throws IOException {
    var config = Config.open(folder.resolve("config.json"));
    for (var key : List.of("hidden_act", "activation", "hidden_activation"))
      if (TABLES.contains(config.textOr(key, ""))) return true;
    return false;
  }

  private void givesOutputs(Case one) throws IOException {
    Assumptions.assumeFalse(one.entries("forward").isEmpty(), "no outputs");
    try (var arrays = Checkpoint.open(one.folder.resolve("expected.safetensors"))) {
      for (var entry : one.entries("forward")) {
        var names = List.copyOf(entry.object("outputs").values().keySet());
        var got = one.session.evaluate(List.of(sequence(entry)), names)[0];
        for (int i = 0; i < names.size(); i++) {
          var stored = arrays.tensor(entry.object("outputs").text(names.get(i)));
          var expected = new float[(int) stored.elements()];
          stored.read(0, expected, 0, expected.length);
          assertThat(nmse(got[i], expected)).as(names.get(i)).isLessThanOrEqualTo(one.tolerance);
        }
      }
    }
  }

  /// All sequences of the file in one call, some of them twice, and what each gives alone.
  private void isAsTogether(Case one) throws IOException {
    var sequences = new ArrayList<Sequence>();
    for (var entry : one.entries("forward")) sequences.add(sequence(entry));
    Assumptions.assumeFalse(sequences.isEmpty(), "no outputs");
    sequences.addAll(List.copyOf(sequences).reversed());
    var names = one.session.outputs().stream().map(Encoder.Output::name).toList();
    var together = one.session.evaluate(sequences, names);
    for (int i = 0; i < sequences.size(); i++) {
      var alone = one.session.evaluate(List.of(sequences.get(i)), names)[0];
      for (int o = 0; o < names.size(); o++)
        assertThat(nmse(together[i][o], alone[o])).as(names.get(o)).isLessThanOrEqualTo(1e-6);
    }
  }

  private void looksAtTheSame(Case one) throws IOException {
    Assumptions.assumeFalse(one.entries("attention").isEmpty(), "no attention");
    try (var arrays = Checkpoint.open(one.folder.resolve("expected.safetensors"))) {
      for (var entry : one.entries("attention")) {
        var stored = arrays.tensor(entry.object("outputs").text("attentions"));
        int offset = 0;
        for (var layer : layers(one.file, sequence(entry))) {
          var expected = new float[layer.probabilities().length];
          stored.read(offset, expected, 0, expected.length);
          assertThat(nmse(layer.probabilities(), expected))
              .as("layer %d", layer.layer())
              .isLessThanOrEqualTo(one.tolerance);
          offset += expected.length;
        }
        assertThat((long) offset).isEqualTo(stored.elements());
      }
    }
  }

  private static List<AttentionProbe.Layer> layers(Path file, Sequence sequence)
      throws IOException {
    try (var gguf = Gguf.open(file);
        var backend = Backend.cpu(1)) {
      var hp = Hyperparameters.of(gguf);
      var architecture =
          Architecture.all().stream()
              .filter(a -> a.name().equals(hp.architecture()))
              .findFirst()
              .orElseThrow();
      try (var weights = Weights.of(gguf, backend, hp.layers(), new Weights.Placement(0, false))) {
        var encoder = (Encoder) architecture.bind(gguf, weights);
        weights.load((_, _) -> {});
        var types =
            sequence.tokenTypes() == null
                ? new int[sequence.tokens().length]
                : sequence.tokenTypes();
        return AttentionProbe.of(encoder, weights, hp.vocabulary(), sequence.tokens(), types);
      }
    }
  }

  private static Sequence sequence(Config entry) throws IOException {
    var inputs = entry.object("inputs");
    var types = inputs.has("token_type_ids") ? ids(inputs.list("token_type_ids")) : null;
    return new Sequence(ids(inputs.list("input_ids")), types, null);
  }

  private static int[] ids(List<?> list) {
    return list.stream().mapToInt(id -> ((Long) id).intValue()).toArray();
  }

  private static double nmse(float[] got, float[] expected) {
    return Logits.nmse(new float[][] {got}, new float[][] {expected});
  }
}
