package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.tenon.Model;
import dev.tenon.gguf.TensorType;
import dev.tenon.sampling.Sampler;
import dev.tenon.tensor.Backend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What is GPT-2's own: it has learned so many positions and no more.
class Gpt2Test {
  @TempDir Path folder;

  @Test
  void aSessionIsAtMostAsLongAsThePositionsLearned() throws IOException {
    var file = TinyGpt2.TIED.write(folder.resolve("m.gguf"));
    int context = TinyGpt2.TIED.context();
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> model.newSession(context + 1))
          .withMessageContainingAll("" + (context + 1), "" + context);
      try (var session = model.newSession(0)) {
        assertThat(session.contextLength()).isEqualTo(context);
        assertThat(session.canShift()).isFalse();
        var events = session.events(new int[] {1, 5, 9}, Sampler.greedy(), -1).toList();
        assertThat(events).isNotEmpty();
        assertThat(session.position()).isLessThanOrEqualTo(context);
      }
    }
  }

  @Test
  void aPositionBeyondThoseLearnedIsRefused() throws IOException {
    var file = TinyGpt2.TIED.write(folder.resolve("m.gguf"));
    int context = TinyGpt2.TIED.context();
    var tokens = new Random(1).ints(context + 1, 0, TinyFile.TOKENS).toArray();
    try (var open =
        new Evaluations(file, new Gpt2(), Evaluations.settings(TensorType.F32, false), false)) {
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> open.all(tokens))
          .withMessageContainingAll("position " + context);
      assertThat(open.chunks(Arrays.copyOf(tokens, context), 5)).hasNumberOfRows(context);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "activation_function, '\"gelu\"'",
    "activation_function, '\"relu\"'",
    "scale_attn_weights, false",
    "scale_attn_by_inverse_layer_idx, true",
  })
  void aFolderThatAsksForSomethingElseIsRefusedByName(String key, String value) throws IOException {
    var config = "{\"architectures\": [\"GPT2LMHeadModel\"], \"%s\": %s}".formatted(key, value);
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> MappedFolder.map(folder, config, new Gpt2()))
        .withMessageContainingAll("config.json", key, value.replace("\"", ""));
  }
}
