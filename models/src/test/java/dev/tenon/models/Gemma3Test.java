package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIOException;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.huggingface.GgufPlan;
import dev.tenon.huggingface.ModelFolder;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// What is Gemma 3's own: its folders say little, and which layers are local in several ways.
class Gemma3Test {
  @TempDir Path folder;

  private static String config(String settings) {
    return """
    {"architectures": ["Gemma3ForConditionalGeneration"],
     "text_config": {"hidden_size": 2560, "intermediate_size": 10240,
                     "num_hidden_layers": 8, "sliding_window": 1024%s},
     "vision_config": {"hidden_size": 1152, "num_hidden_layers": 27}}
    """
        .formatted(settings.isEmpty() ? "" : ", " + settings);
  }

  /// The keys of a folder without its weights.
  private GgufPlan keys(String settings) throws IOException {
    assertThatIOException()
        .isThrownBy(() -> MappedFolder.map(folder, config(settings), new Gemma3()))
        .withMessageContaining("embed_tokens.weight");
    var plan = new GgufPlan("gemma3");
    try (var opened = ModelFolder.open(folder)) {
      opened.assume(new Gemma3().defaults("Gemma3ForConditionalGeneration"));
      assertThatIOException().isThrownBy(() -> new Gemma3().map(opened, plan));
    }
    return plan;
  }

  private static GgufValue number(long value) {
    return new GgufValue.Int(GgufType.UINT32, value);
  }

  private static GgufValue real(double value) {
    return new GgufValue.Real(GgufType.FLOAT32, value);
  }

  @Test
  void whatAFolderDoesNotSayIsAsTransformersFillsItIn() throws IOException {
    assertThat(keys("\"rope_scaling\": {\"factor\": 8.0, \"rope_type\": \"linear\"}").keys())
        .containsEntry("gemma3.block_count", number(8))
        .containsEntry("gemma3.context_length", number(131072))
        .containsEntry("gemma3.attention.head_count", number(8))
        .containsEntry("gemma3.attention.head_count_kv", number(4))
        .containsEntry("gemma3.attention.key_length", number(256))
        .containsEntry("gemma3.attention.sliding_window", number(1024))
        .containsEntry("gemma3.attention.layer_norm_rms_epsilon", real(1e-6))
        .containsEntry("gemma3.rope.freq_base", real(1e6))
        .containsEntry("gemma3.rope.scaling.type", new GgufValue.Text("linear"))
        .containsEntry("gemma3.rope.scaling.factor", real(8))
        .doesNotContainKeys(
            "gemma3.attention.scale",
            "gemma3.attention.sliding_window_pattern",
            "gemma3.rope.freq_base_swa",
            "gemma3.final_logit_softcapping");
  }

  @Test
  void newerFoldersSayItPerKindOfLayer() throws IOException {
    var settings =
        """
        "query_pre_attn_scalar": 168, "final_logit_softcapping": 30.0,
        "rope_parameters": {
          "full_attention": {"rope_type": "linear", "factor": 8.0, "rope_theta": 500000.0},
          "sliding_attention": {"rope_type": "default", "rope_theta": 20000.0}}
        """;
    assertThat(keys(settings).keys())
        .containsEntry("gemma3.attention.scale", real((float) (1 / Math.sqrt(168))))
        .containsEntry("gemma3.final_logit_softcapping", real(30))
        .containsEntry("gemma3.rope.freq_base", real(500000))
        .containsEntry("gemma3.rope.freq_base_swa", real(20000))
        .containsEntry("gemma3.rope.scaling.factor", real(8));
  }

  @ParameterizedTest
  @CsvSource({
    "'\"sliding_window_pattern\": 3', 11011011",
    "'\"sliding_window_pattern\": 2', 10101010",
    "'\"sliding_window_pattern\": 6', ''",
  })
  void localLayersAreListedWhereTheyAreNotTheUsualOnes(String setting, String local)
      throws IOException {
    var keys = keys(setting).keys();
    assertThat(keys).containsKey("gemma3.attention.sliding_window");
    var flags = local.chars().mapToObj(c -> (GgufValue) new GgufValue.Bool(c == '1')).toList();
    if (local.isEmpty()) assertThat(keys).doesNotContainKey(PATTERN);
    else assertThat(keys).containsEntry(PATTERN, GgufValue.Array.of(GgufType.BOOL, flags));
  }

  private static final String PATTERN = "gemma3.attention.sliding_window_pattern";

  @Test
  void withoutALocalLayerThereIsNoWindow() throws IOException {
    var full =
        String.join(", ", IntStream.range(0, 8).mapToObj(_ -> "\"full_attention\"").toList());
    for (var setting :
        List.of("\"layer_types\": [" + full + "]", "\"sliding_window_pattern\": 1")) {
      assertThat(keys(setting).keys())
          .doesNotContainKeys("gemma3.attention.sliding_window", PATTERN);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "hidden_activation, '\"gelu\"'",
    "use_bidirectional_attention, true",
    "attn_logit_softcapping, 50.0",
  })
  void aFolderThatAsksForSomethingElseIsRefusedByName(String key, String value) {
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(
            () ->
                MappedFolder.map(folder, config("\"%s\": %s".formatted(key, value)), new Gemma3()))
        .withMessageContainingAll("config.json", key);
  }

  @ParameterizedTest
  @CsvSource({
    "'\"layer_types\": [\"full_attention\"]', layer_types",
    "'\"sliding_window_pattern\": 0', sliding_window_pattern",
    "'\"sliding_window\": -1', sliding_window",
    "'\"query_pre_attn_scalar\": 0', query_pre_attn_scalar",
    "'\"query_pre_attn_scalar\": -4', query_pre_attn_scalar",
    "'\"num_hidden_layers\": 99999999999', num_hidden_layers",
  })
  void aFolderThatMakesNoSenseIsRefusedByName(String setting, String key) {
    assertThatIOException()
        .isThrownBy(() -> MappedFolder.map(folder, config(setting), new Gemma3()))
        .withMessageContainingAll("config.json", key);
  }
}
