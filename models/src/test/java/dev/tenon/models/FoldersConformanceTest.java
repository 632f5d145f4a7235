package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.FlashAttention;
import dev.tenon.GenerateOptions;
import dev.tenon.Generation;
import dev.tenon.Model;
import dev.tenon.SessionOptions;
import dev.tenon.gguf.TensorType;
import dev.tenon.huggingface.Config;
import dev.tenon.sampling.SamplerSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// What transformers gives for whole folders: each is converted to F32, and gives the same ids, and
/// a decoder the same logits and the same continuations. Folders of classes that are not here are
/// skipped by name.
class FoldersConformanceTest {
  private static final double TOLERANCE = 1e-6;

  /// Of what ggml takes from a table of half precision.
  private static final double TABLE_TOLERANCE = 1e-5;

  /// What a greedy continuation may be told.
  private static final Set<String> GREEDY =
      Set.of("max_new_tokens", "eos_token_id", "repetition_penalty", "num_beams", "do_sample");

  @TempDir private Path temporary;

  @TestFactory
  Stream<DynamicContainer> givesWhatTransformersGives() throws IOException {
    var checks = new LinkedHashMap<String, FolderCase.Check>();
    checks.put("ids", this::givesTheIds);
    checks.put("logits", this::givesTheLogits);
    checks.put("continuations", this::givesTheContinuations);
    return FolderCase.all(temporary, checks);
  }

  private void givesTheIds(FolderCase one) throws IOException {
    var entries = one.entries("tokenizer");
    Assumptions.assumeFalse(entries.isEmpty(), "no tokenizer");
    var tokenizer = one.model().tokenizer();
    for (var entry : entries) {
      if (entry.has("pair")) continue;
      var text = entry.text("text");
      var ids = FolderCase.ids(entry.list("ids"));
      assertThat(tokenizer.encode(text, true, true)).as("ids of %s", text).isEqualTo(ids);
      if (entry.has("plain"))
        assertThat(tokenizer.encode(text, false, true))
            .as("plain ids of %s", text)
            .isEqualTo(FolderCase.ids(entry.list("plain")));
      if (entry.has("decoded"))
        assertThat(tokenizer.decode(ids)).as("text of %s", text).isEqualTo(entry.text("decoded"));
    }
  }

  private void givesTheLogits(FolderCase one) throws IOException {
    one.needs(Model.Kind.DECODER);
    double tolerance = one.usesTable() ? TABLE_TOLERANCE : TOLERANCE;
    try (var arrays = one.arrays()) {
      for (var entry : one.entries("forward")) {
        var ids = FolderCase.ids(entry.object("inputs").list("input_ids"));
        var stored = arrays.tensor(entry.object("outputs").text("logits"));
        try (var session = one.model().newSession(exact(ids.length))) {
          var got = session.evaluateAll(ids);
          var expected = new float[ids.length][got[0].length];
          long width = stored.elements() / ids.length;
          for (int i = 0; i < ids.length; i++) stored.read(i * width, expected[i], 0, (int) width);
          assertThat(Logits.nmse(got, expected)).isLessThanOrEqualTo(tolerance);
        }
      }
    }
  }

  private static SessionOptions exact(int tokens) {
    return SessionOptions.of(tokens)
        .withKeyType(TensorType.F32)
        .withValueType(TensorType.F32)
        .withFlashAttention(FlashAttention.OFF);
  }

  private void givesTheContinuations(FolderCase one) throws IOException {
    one.needs(Model.Kind.DECODER);
    int tried = 0;
    var generation = Config.openIfPresent(one.folder().resolve("generation_config.json"));
    for (var entry : one.entries("generate")) {
      var values = new LinkedHashMap<>(generation.values());
      values.keySet().retainAll(GREEDY);
      values.putAll(entry.object("settings").values());
      if (!GREEDY.containsAll(values.keySet())) continue;
      var settings = new Config(one.expected().path(), values);
      if (settings.size("num_beams", 1) > 1) continue;
      tried++;
      var prompt = FolderCase.ids(entry.list("input_ids"));
      var expected = FolderCase.ids((List<?>) entry.list("ids").getFirst());
      assertThat(continuation(one.model(), prompt, settings)).isEqualTo(expected);
    }
    Assumptions.assumeTrue(tried > 0, "nothing greedy");
  }

  private static int[] continuation(Model model, int[] prompt, Config settings) throws IOException {
    int most = settings.size("max_new_tokens");
    var ends = new HashSet<Integer>();
    for (double end : settings.reals("eos_token_id")) ends.add((int) end);
    var sampler =
        SamplerSettings.defaults()
            .withTemperature(0)
            .withPenalties(1 << 20, (float) settings.real("repetition_penalty", 1), 0, 0)
            .sampler();
    var options =
        GenerateOptions.of(most).withEndsAsConfigured(true).withStopTokens(Set.copyOf(ends));
    try (var session = model.newSession(exact(prompt.length + most))) {
      return IntStream.concat(
              Arrays.stream(prompt),
              session
                  .complete(prompt, sampler, options)
                  .filter(Generation.Piece.class::isInstance)
                  .mapToInt(event -> ((Generation.Piece) event).token())
                  .filter(token -> token >= 0)) // the last is what was held back, and no token
          .toArray();
    }
  }
}
