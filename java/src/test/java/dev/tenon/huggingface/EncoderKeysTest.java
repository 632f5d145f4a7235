package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.model.Labels;
import dev.tenon.model.Pooling;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What folders say of labels and embeddings, and what files made of them say again.
class EncoderKeysTest {
  @TempDir private Path folder;

  private interface Mapping {
    void map(GgufPlan plan, ModelFolder folder) throws IOException;
  }

  /// A file with the keys that a mapping puts, open.
  private Gguf file(String config, Mapping mapping) throws IOException {
    Files.writeString(folder.resolve("config.json"), config);
    var header = "{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}".getBytes();
    Files.write(
        folder.resolve("model.safetensors"),
        ByteBuffer.allocate(8 + header.length + 4)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header)
            .array());
    var plan = new GgufPlan("bert");
    try (var open = ModelFolder.open(folder)) {
      mapping.map(plan, open);
    }
    var writer = new GgufWriter();
    writer.put("general.architecture", "bert");
    plan.keys().forEach(writer::put);
    writer.write(folder.resolve("m.gguf"));
    return Gguf.open(folder.resolve("m.gguf"));
  }

  private Labels labels(String config, long classes) throws IOException {
    try (var gguf =
        file(config, (plan, open) -> EncoderKeys.labels(plan, open.config(), classes))) {
      return Labels.of(gguf);
    }
  }

  @Test
  void labelsAreInTheOrderOfTheirIds() throws IOException {
    var config = "{\"id2label\": {\"10\": \"k\", \"2\": \"c\", %s}}";
    var rest = "\"0\":\"a\",\"1\":\"b\",\"3\":\"d\",\"4\":\"e\",\"5\":\"f\",\"6\":\"g\",";
    rest += "\"7\":\"h\",\"8\":\"i\",\"9\":\"j\"";
    assertThat(labels(config.formatted(rest), 11))
        .isEqualTo(new Labels(List.of("abcdefghijk".split("")), null, null));
    assertThat(labels("{\"problem_type\": \"regression\"}", 2))
        .isEqualTo(new Labels(List.of("LABEL_0", "LABEL_1"), "regression", null));
  }

  @ParameterizedTest
  @CsvSource({"3", "1", "0", "9000000000"})
  void asManyLabelsAsClasses(long classes) {
    assertThatExceptionOfType(FormatException.class)
        .isThrownBy(() -> labels("{\"id2label\": {\"0\": \"a\", \"1\": \"b\"}}", classes))
        .withMessageContainingAll("config.json", "id2label", "" + classes);
  }

  @ParameterizedTest
  @CsvSource({
    "sentence_transformers, '{\"activation_fn\": \"torch.nn.modules.linear.Identity\"}', identity",
    "sentence_transformers, '{\"activation_fn\": \"torch.nn.modules.activation.Sigmoid\"}',"
        + " sigmoid",
    "sbert_ce_default_activation_function, '\"torch.nn.modules.linear.Identity\"', identity",
    "sbert_ce_default_activation_function, null,",
  })
  void aRerankerSaysWhatItsScoresAre(String key, String value, String activation)
      throws IOException {
    assertThat(labels("{\"%s\": %s}".formatted(key, value), 1).activation()).isEqualTo(activation);
  }

  private Pooling pooling() throws IOException {
    try (var gguf = file("{}", EncoderKeys::pooling)) {
      return Pooling.of(gguf);
    }
  }

  private void modules(String pooling, String... more) throws IOException {
    var modules = new StringBuilder("[{\"type\": \"sentence_transformers.models.Transformer\"},");
    modules.append("{\"type\": \"sentence_transformers.models.Pooling\", \"path\": \"1_Pooling\"}");
    for (var module : more)
      modules.append(",{\"type\": \"sentence_transformers.models.%s\"}".formatted(module));
    Files.writeString(folder.resolve("modules.json"), modules.append("]"));
    Files.createDirectories(folder.resolve("1_Pooling"));
    Files.writeString(folder.resolve("1_Pooling/config.json"), pooling);
  }

  @Test
  void aFolderThatSaysNothingIsPooledByTheMean() throws IOException {
    assertThat(pooling())
        .isEqualTo(new Pooling(Pooling.Mode.MEAN, true, Integer.MAX_VALUE, Map.of(), null));
  }

  @ParameterizedTest
  @CsvSource({
    "'{\"pooling_mode_mean_tokens\": true}', MEAN",
    "'{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": false}', CLS",
    "'{\"pooling_mode_lasttoken\": true}', LAST",
    "'{\"pooling_mode_max_tokens\": true}', MAX",
    "'{\"pooling_mode\": \"mean\"}', MEAN",
    "'{\"pooling_mode\": \"max\"}', MAX",
  })
  void theFileSaysHowTheFolderPools(String config, Pooling.Mode mode) throws IOException {
    modules(config);
    assertThat(pooling()).isEqualTo(new Pooling(mode, false, Integer.MAX_VALUE, Map.of(), null));
    modules(config, "Dropout", "Normalize");
    Files.writeString(folder.resolve("sentence_bert_config.json"), "{\"max_seq_length\": 256}");
    Files.writeString(
        folder.resolve("config_sentence_transformers.json"),
        "{\"prompts\": {\"query\": \"Q: \", \"document\": \"\"}, \"default_prompt_name\":"
            + " \"query\"}");
    assertThat(pooling())
        .isEqualTo(new Pooling(mode, true, 256, Map.of("query", "Q: ", "document", ""), "query"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "{\"pooling_mode\": \"weightedmean\"}",
        "{\"pooling_mode_mean_sqrt_len_tokens\": true}",
        "{\"pooling_mode_cls_token\": true, \"pooling_mode_mean_tokens\": true}",
        "{\"pooling_mode\": \"mean\", \"include_prompt\": false}",
      })
  void anotherPoolingIsRefused(String config) throws IOException {
    modules(config);
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(this::pooling)
        .withMessageContaining("1_Pooling");
  }

  @Test
  void anotherModuleIsRefusedByName() throws IOException {
    modules("{\"pooling_mode\": \"mean\"}", "Dense");
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(this::pooling)
        .withMessageContainingAll("modules.json", "Dense", "Normalize");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[1]",
        "[",
        "[{}]",
        "[{\"type\": \"a.Pooling\", \"path\": \"../..\"}]",
        "[{\"type\": \"a.Pooling\", \"path\": 3}]",
      })
  void malformedModulesAreRefused(String modules) throws IOException {
    Files.writeString(folder.resolve("modules.json"), modules);
    assertThatExceptionOfType(FormatException.class)
        .isThrownBy(this::pooling)
        .withMessageContaining("modules.json");
  }
}
