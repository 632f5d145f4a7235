package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.Model;
import dev.tenon.gguf.Gguf;
import dev.tenon.huggingface.Config;
import dev.tenon.model.Architecture;
import dev.tenon.model.AttentionProbe;
import dev.tenon.model.Encoder;
import dev.tenon.model.EncoderEvaluator.Sequence;
import dev.tenon.model.Hyperparameters;
import dev.tenon.tensor.Backend;
import dev.tenon.tensor.Weights;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// What transformers gives for folders of encoders: each is converted to F32, and gives the same
/// outputs of every head, and looks at the same tokens. Folders of classes that are not here, or
/// are no encoders, are skipped by name.
class EncodersConformanceTest {
  private static final double TOLERANCE = 1e-6;

  /// Of what ggml takes from a table of half precision.
  private static final double TABLE_TOLERANCE = 1e-5;

  @TempDir private Path temporary;

  @TestFactory
  Stream<DynamicContainer> givesWhatTransformersGives() throws IOException {
    var checks = new LinkedHashMap<String, FolderCase.Check>();
    checks.put("outputs", this::givesOutputs);
    checks.put("together", this::isAsTogether);
    checks.put("attention", this::looksAtTheSame);
    return FolderCase.all(temporary, checks);
  }

  private static double tolerance(FolderCase one) throws IOException {
    return one.usesTable() ? TABLE_TOLERANCE : TOLERANCE;
  }

  private void givesOutputs(FolderCase one) throws IOException {
    one.needs(Model.Kind.ENCODER);
    Assumptions.assumeFalse(one.entries("forward").isEmpty(), "no outputs");
    try (var arrays = one.arrays();
        var session = one.model().newEncoderSession()) {
      for (var entry : one.entries("forward")) {
        var names = List.copyOf(entry.object("outputs").values().keySet());
        var got = session.evaluate(List.of(sequence(entry)), names)[0];
        for (int i = 0; i < names.size(); i++) {
          var stored = arrays.tensor(entry.object("outputs").text(names.get(i)));
          var expected = new float[(int) stored.elements()];
          stored.read(0, expected, 0, expected.length);
          assertThat(nmse(got[i], expected)).as(names.get(i)).isLessThanOrEqualTo(tolerance(one));
        }
      }
    }
  }

  /// All sequences of the file in one call, some of them twice, and what each gives alone.
  private void isAsTogether(FolderCase one) throws IOException {
    one.needs(Model.Kind.ENCODER);
    var sequences = new ArrayList<Sequence>();
    for (var entry : one.entries("forward")) sequences.add(sequence(entry));
    Assumptions.assumeFalse(sequences.isEmpty(), "no outputs");
    sequences.addAll(List.copyOf(sequences).reversed());
    try (var session = one.model().newEncoderSession()) {
      var names = session.outputs().stream().map(Encoder.Output::name).toList();
      var together = session.evaluate(sequences, names);
      for (int i = 0; i < sequences.size(); i++) {
        var alone = session.evaluate(List.of(sequences.get(i)), names)[0];
        for (int o = 0; o < names.size(); o++)
          assertThat(nmse(together[i][o], alone[o])).as(names.get(o)).isLessThanOrEqualTo(1e-6);
      }
    }
  }

  private void looksAtTheSame(FolderCase one) throws IOException {
    one.needs(Model.Kind.ENCODER);
    Assumptions.assumeFalse(one.entries("attention").isEmpty(), "no attention");
    try (var arrays = one.arrays()) {
      for (var entry : one.entries("attention")) {
        var stored = arrays.tensor(entry.object("outputs").text("attentions"));
        int offset = 0;
        for (var layer : layers(one.file(), sequence(entry))) {
          var expected = new float[layer.probabilities().length];
          stored.read(offset, expected, 0, expected.length);
          assertThat(nmse(layer.probabilities(), expected))
              .as("layer %d", layer.layer())
              .isLessThanOrEqualTo(tolerance(one));
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
    var types = inputs.has("token_type_ids") ? FolderCase.ids(inputs.list("token_type_ids")) : null;
    return new Sequence(FolderCase.ids(inputs.list("input_ids")), types, null);
  }

  private static double nmse(float[] got, float[] expected) {
    return Logits.nmse(new float[][] {got}, new float[][] {expected});
  }
}
