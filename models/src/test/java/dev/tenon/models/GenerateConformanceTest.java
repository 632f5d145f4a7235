package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.GenerationConfig;
import dev.tenon.SequenceGenerator;
import dev.tenon.SessionOptions;
import dev.tenon.gguf.TensorType;
import dev.tenon.huggingface.Config;
import dev.tenon.json.Json;
import dev.tenon.sampling.GenerationSettings;
import dev.tenon.sampling.ScoredTokens;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// What transformers' `generate` gives, greedily and by beam search: the same ids and scores, one
/// input at a time and all of one setting side by side.
class GenerateConformanceTest {
  private static final float TOLERANCE = 1e-4f;

  /// Of what ggml takes from a table of half precision.
  private static final float TABLE_TOLERANCE = 2e-3f;

  @TempDir private Path temporary;

  @TestFactory
  Stream<DynamicContainer> givesWhatTransformersGives() throws IOException {
    var checks = new LinkedHashMap<String, FolderCase.Check>();
    checks.put("one by one", this::oneByOne);
    checks.put("side by side", this::sideBySide);
    return FolderCase.all(temporary, checks);
  }

  private void oneByOne(FolderCase one) throws IOException {
    var entries = generated(one);
    try (var generator = generator(one)) {
      for (var entry : entries) {
        var input = FolderCase.ids(entry.list("input_ids"));
        var got = generator.generate(List.of(input), settings(one, entry)).getFirst();
        check(one, entry, got);
      }
    }
  }

  /// Entries with the same settings are generated in one go.
  private void sideBySide(FolderCase one) throws IOException {
    Map<GenerationSettings, List<Config>> groups = new LinkedHashMap<>();
    for (var entry : generated(one))
      groups.computeIfAbsent(settings(one, entry), _ -> new ArrayList<>()).add(entry);
    try (var generator = generator(one)) {
      for (var group : groups.entrySet()) {
        var inputs = new ArrayList<int[]>();
        for (var entry : group.getValue()) inputs.add(FolderCase.ids(entry.list("input_ids")));
        var got = generator.generate(inputs, group.getKey());
        for (int i = 0; i < inputs.size(); i++) check(one, group.getValue().get(i), got.get(i));
      }
    }
  }

  private static List<Config> generated(FolderCase one) throws IOException {
    var entries = one.entries("generate");
    Assumptions.assumeFalse(entries.isEmpty(), "nothing generated");
    return entries;
  }

  private static SequenceGenerator generator(FolderCase one) {
    var exact = SessionOptions.of(0).withKeyType(TensorType.F32).withValueType(TensorType.F32);
    return new SequenceGenerator(one.model(), exact);
  }

  /// What the file says of generation, and on top of it what the entry says.
  private static GenerationSettings settings(FolderCase one, Config entry) throws IOException {
    var key = "tenon.generation_config";
    var values = new LinkedHashMap<String, Object>();
    if (one.model().gguf().has(key)) values.putAll(Json.object(one.model().gguf().text(key)));
    values.putAll(entry.object("settings").values());
    var settings = GenerationConfig.of(values);
    return settings.decoderStart() >= 0
        ? settings
        : settings.withDecoderStart(GenerationConfig.of(one.model().gguf()).decoderStart());
  }

  private static void check(FolderCase one, Config entry, List<ScoredTokens> got)
      throws IOException {
    var expected = entry.list("ids");
    var settings = entry.object("settings").values();
    assertThat(got).as("sequences with %s", settings).hasSameSizeAs(expected);
    for (int i = 0; i < got.size(); i++) {
      var ids = FolderCase.ids((List<?>) expected.get(i));
      var tokens = got.get(i).tokens();
      // The shorter of several are filled up.
      assertThat(tokens).as("ids with %s", settings).isEqualTo(Arrays.copyOf(ids, tokens.length));
      assertThat(Arrays.stream(ids).skip(tokens.length).distinct().count())
          .as("what fills up %s", Arrays.toString(ids))
          .isLessThanOrEqualTo(1);
    }
    if (!entry.has("scores")) return;
    var scores = entry.reals("scores");
    for (int i = 0; i < got.size(); i++)
      assertThat(got.get(i).score())
          .as("score with %s", settings)
          .isCloseTo((float) scores[i], within(one.usesTable() ? TABLE_TOLERANCE : TOLERANCE));
  }
}
