package dev.tenon.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.Model;
import dev.tenon.convert.NewModelPlan;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.huggingface.FormatException;
import dev.tenon.json.Json;
import dev.tenon.sampling.Sampler;
import dev.tenon.tensor.Backend;
import dev.tenon.train.NewModel;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// New models of a configuration and a vocabulary.
class NewModelTest {
  private static final Map<String, Object> SIZES =
      Map.of(
          "hidden_size", 32,
          "num_hidden_layers", 3,
          "num_attention_heads", 4,
          "num_key_value_heads", 2,
          "head_dim", 8,
          "intermediate_size", 80,
          "max_position_embeddings", 48);

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "LlamaForCausalLM",
        "MistralForCausalLM",
        "MixtralForCausalLM",
        "Qwen2ForCausalLM",
        "Qwen3ForCausalLM",
        "Gemma3ForCausalLM",
        "Phi3ForCausalLM",
        "GPT2LMHeadModel"
      })
  void isLoadedAndRuns(String name) throws IOException {
    var file = make(config(name, Map.of()), 1);
    try (var backend = Backend.cpu(1);
        var model = Model.load(file, backend);
        var session = model.newSession(0)) {
      assertThat(model.name()).isEqualTo("newborn");
      assertThat(model.contextLength()).isEqualTo(48);
      assertThat(session.generate("text", Sampler.greedy(), 4).toList()).isNotNull();
      for (float logit : session.evaluate(1, 70, 71)) assertThat(logit).isFinite();
    }
  }

  @Test
  void theSameSeedMakesTheSameFile() throws IOException {
    var config = config("LlamaForCausalLM", Map.of());
    var first = Files.readAllBytes(make(config, 7));
    assertThat(Files.readAllBytes(make(config, 7))).isEqualTo(first);
    assertThat(Files.readAllBytes(make(config, 8))).isNotEqualTo(first);
  }

  @Test
  void numbersOfATensorFollowFromSeedAndName() throws IOException {
    // Another width of the feed-forward changes neither the attention nor the tables.
    var narrow = tensors(make(config("LlamaForCausalLM", Map.of()), 7));
    var wide = tensors(make(config("LlamaForCausalLM", Map.of("intermediate_size", 96)), 7));
    assertThat(wide.get("blk.2.attn_q.weight")).isEqualTo(narrow.get("blk.2.attn_q.weight"));
    assertThat(wide.get("token_embd.weight")).isEqualTo(narrow.get("token_embd.weight"));
    assertThat(wide.get("blk.1.attn_q.weight")).isNotEqualTo(narrow.get("blk.2.attn_q.weight"));
  }

  @Test
  void weightsAreAsGpt2Has() throws IOException {
    var config = config("GPT2LMHeadModel", Map.of("initializer_range", 0.05));
    var tensors = tensors(make(config, 1));
    for (var tensor : tensors.entrySet()) {
      var name = tensor.getKey();
      var values = tensor.getValue();
      if (name.endsWith(".bias")) {
        assertThat(values).as(name).containsOnly(0);
      } else if (name.contains("norm")) {
        assertThat(values).as(name).containsOnly(1);
      } else {
        boolean last = name.contains("attn_output") || name.contains("ffn_down");
        double wanted = last ? 0.05 / Math.sqrt(2 * 3) : 0.05;
        double error = 4 / Math.sqrt(2 * values.length); // four of its own deviations
        assertThat(deviation(values)).as(name).isCloseTo(wanted, within(wanted * error));
        assertThat(mean(values)).isCloseTo(0, within(4 * wanted / Math.sqrt(values.length)));
      }
    }
    assertThat(tensors)
        .containsKeys("blk.0.attn_qkv.weight", "blk.0.attn_qkv.bias", "blk.2.ffn_down.bias")
        .containsKeys("position_embd.weight", "output_norm.bias")
        .doesNotContainKey("output.weight");
  }

  @Test
  void theConfigurationDecidesOnOptionalWeights() throws IOException {
    assertThat(names(config("LlamaForCausalLM", Map.of())))
        .contains("output.weight")
        .noneMatch(name -> name.endsWith(".bias") || name.endsWith(".scale"));
    assertThat(names(config("LlamaForCausalLM", Map.of("tie_word_embeddings", true))))
        .doesNotContain("output.weight");
    assertThat(names(config("LlamaForCausalLM", Map.of("attention_bias", true, "mlp_bias", true))))
        .contains("blk.1.attn_q.bias", "blk.1.attn_output.bias", "blk.2.ffn_gate.bias");
    assertThat(names(config("Qwen2ForCausalLM", Map.of())))
        .contains("blk.0.attn_q.bias", "blk.0.attn_v.bias", "output.weight")
        .doesNotContain("blk.0.attn_output.bias");
    assertThat(names(config("Gemma3ForCausalLM", Map.of()))).doesNotContain("output.weight");
    assertThat(names(config("Gemma3ForCausalLM", Map.of("tie_word_embeddings", false))))
        .contains("output.weight");
  }

  @Test
  void takesTheVocabularyOfAFolder() throws IOException {
    Files.writeString(
        folder.resolve("tokenizer.json"),
        """
        {"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
         "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]}}\
        """);
    var config = config("LlamaForCausalLM", Map.of("vocab_size", 5));
    for (var vocabulary : List.of(folder, folder.resolve("tokenizer.json"))) {
      var tokens = NewModelPlan.of(config, vocabulary, "x").metadata().get("tokenizer.ggml.tokens");
      assertThat(tokens.toString()).contains("ab", "[PAD4]");
    }
    var fewer = config("LlamaForCausalLM", Map.of("vocab_size", 2));
    assertThatThrownBy(() -> NewModelPlan.of(fewer, folder, "x"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("vocab_size");
    var bare = config("LlamaForCausalLM", Map.of());
    assertThatThrownBy(() -> NewModelPlan.of(bare, folder, "x"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("vocab_size");
  }

  @Test
  void refusesWhatItCannotMake() throws IOException {
    refused("LlamaForCausalLM", Map.of("vocab_size", 300), "vocab_size", "259", "300");
    refused("LlamaForCausalLM", Map.of("initializer_range", 0), "initializer_range");
    refused("LlamaForCausalLM", Map.of("num_key_value_heads", 3), "head_count_kv");
    refused("LlamaForCausalLM", Map.of("num_hidden_layers", 100000), "block_count");
    refused("LlamaForCausalLM", Map.of("hidden_act", "relu"), "hidden_act", "relu");
    refused("LlamaForCausalLM", Map.of("tie_word_embeddings", "no"), "tie_word_embeddings");
    refused(
        "LlamaForCausalLM",
        Map.of("rope_scaling", Map.of("rope_type", "llama3", "factor", 8)),
        "rope_freqs.weight");
    refused(
        "Phi3ForCausalLM",
        Map.of(
            "rope_scaling",
            Map.of(
                "type",
                "longrope",
                "long_factor",
                List.of(1, 1, 1, 1),
                "short_factor",
                List.of(1, 1, 1, 1))),
        "rope_factors_long.weight");
    refused("BertModel", Map.of(), "BertModel");
    refused("MarianMTModel", Map.of(), "MarianMTModel");
    refused("NoSuchModel", Map.of(), "NoSuchModel", "LlamaForCausalLM");
    refused(
        "LlamaForCausalLM",
        Map.of("hidden_size", 1 << 30, "head_dim", 1 << 28, "intermediate_size", 1 << 30),
        "go together");
  }

  @Test
  void refusesWhatIsNoVocabulary() throws IOException {
    var config = config("LlamaForCausalLM", Map.of());
    assertThatThrownBy(() -> NewModelPlan.of(config, config, "x")).isInstanceOf(IOException.class);
    var empty = folder.resolve("empty.gguf");
    new GgufWriter().put("general.architecture", "llama").write(empty);
    assertThatThrownBy(() -> NewModelPlan.of(config, empty, "x"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("tokenizer.ggml.tokens");
    assertThatThrownBy(() -> NewModelPlan.of(config, folder, "x"))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("tokenizer.json");
  }

  private void refused(String name, Map<String, Object> changes, String... parts)
      throws IOException {
    var config = config(name, changes);
    assertThatThrownBy(() -> make(config, 1))
        .as(changes.toString())
        .isInstanceOfAny(IOException.class, UnsupportedOperationException.class)
        .hasMessageContainingAll(parts);
    assertThat(folder.resolve("new.gguf")).doesNotExist();
  }

  /// A `config.json` of tiny sizes.
  private Path config(String name, Map<String, Object> changes) throws IOException {
    var values = new HashMap<>(SIZES);
    if (name.startsWith("GPT2")) {
      values.clear();
      values.putAll(Map.of("n_embd", 32, "n_layer", 3, "n_head", 4, "n_positions", 48));
    }
    if (name.startsWith("Phi3")) values.remove("head_dim");
    values.put("architectures", List.of(name));
    values.putAll(changes);
    return Files.writeString(folder.resolve("config.json"), Json.write(values));
  }

  private Path vocabulary() throws IOException {
    var writer = new GgufWriter().put("general.architecture", "llama");
    TinyFile.vocabulary(writer);
    var file = folder.resolve("vocabulary.gguf");
    writer.write(file);
    return file;
  }

  private Path make(Path config, long seed) throws IOException {
    var file = folder.resolve("new.gguf");
    Files.deleteIfExists(file);
    model(config).write(file, seed);
    return file;
  }

  private NewModel model(Path config) throws IOException {
    var plan = NewModelPlan.of(config, vocabulary(), "newborn");
    return NewModel.of(
        plan.architecture(), plan.metadata(), plan.optionalWeights(), plan.deviation());
  }

  private List<String> names(Path config) throws IOException {
    return model(config).weights().stream().map(weight -> weight.name()).toList();
  }

  private static Map<String, float[]> tensors(Path file) throws IOException {
    try (var gguf = Gguf.open(file)) {
      return gguf.tensors().stream()
          .collect(
              Collectors.toMap(
                  TensorInfo::name,
                  info -> gguf.data(info).toArray(ValueLayout.JAVA_FLOAT_UNALIGNED)));
    }
  }

  private static double mean(float[] values) {
    double sum = 0;
    for (float value : values) sum += value;
    return sum / values.length;
  }

  private static double deviation(float[] values) {
    double sum = 0;
    for (float value : values) sum += value * value;
    return Math.sqrt(sum / values.length);
  }
}
