package dev.tenon;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.json.Json;
import dev.tenon.sampling.EarlyStopping;
import dev.tenon.sampling.GenerationSettings;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenerationConfigTest {
  private static final GenerationSettings DEFAULTS = GenerationSettings.defaults();

  @TempDir Path folder;

  private static GenerationSettings of(String json) {
    return GenerationConfig.of(Json.object(json));
  }

  @Test
  void readsWhatFoldersHave() {
    assertThat(
            of(
                """
                {"_from_model_config": true, "bos_token_id": 0, "decoder_start_token_id": 2,
                 "early_stopping": true, "eos_token_id": 2, "forced_bos_token_id": 0,
                 "forced_eos_token_id": 2, "no_repeat_ngram_size": 3, "num_beams": 4,
                 "pad_token_id": 1, "max_length": 142, "transformers_version": "4.57.6"}\
                """))
        .isEqualTo(
            DEFAULTS
                .withBos(0)
                .withDecoderStart(2)
                .withEarlyStopping(EarlyStopping.TRUE)
                .withEos(List.of(2))
                .withForcedBos(0)
                .withForcedEos(List.of(2))
                .withNoRepeatNgramSize(3)
                .withNumBeams(4)
                .withPad(1)
                .withMaxLength(142));
    assertThat(
            of(
                """
                {"do_sample": true, "temperature": 0.6, "top_p": 1, "top_k": null, "min_p": null,
                 "eos_token_id": [128001, 128009], "early_stopping": "never",
                 "num_return_sequences": 3, "bad_words_ids": [[58100], [1, 2]],
                 "sequence_bias": [[[3], -2.5]], "exponential_decay_length_penalty": [5, 1.5],
                 "suppress_tokens": [7], "pad_token_id": -1, "max_length": 20}\
                """))
        .isEqualTo(
            DEFAULTS
                .withDoSample(true)
                .withTemperature(0.6)
                .withTopK(0)
                .withEos(List.of(128001, 128009))
                .withEarlyStopping(EarlyStopping.NEVER)
                .withNumReturnSequences(3)
                .withBadWordsIds(List.of(List.of(58100), List.of(1, 2)))
                .withSequenceBias(Map.of(List.of(3), -2.5))
                .withExponentialDecayLengthPenalty(5, 1.5)
                .withSuppressTokens(List.of(7)));
  }

  @Test
  void whatIsNotKnownOrNullIsPassedOver() {
    assertThat(of("{}")).isEqualTo(DEFAULTS);
    assertThat(
            of(
                """
                {"num_beams": null, "eos_token_id": null, "early_stopping": null, "do_sample": null,
                 "bad_words_ids": null, "cache_implementation": "hybrid", "max_length": null,
                 "forced_bos_token_id": null, "length_penalty": null, "num_beam_groups": 2,
                 "decoder_start_token_id": null, "guidance_scale": {"a": []}}\
                """))
        .isEqualTo(DEFAULTS);
    assertThat(of("{\"bos_token_id\": 5}").decoderStart()).isEqualTo(5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"num_beams\": \"4\"}",
        "{\"num_beams\": 4.5}",
        "{\"num_beams\": 65}",
        "{\"num_beams\": 99999999999999999999999}",
        "{\"early_stopping\": \"sometimes\"}",
        "{\"early_stopping\": 1}",
        "{\"eos_token_id\": \"</s>\"}",
        "{\"eos_token_id\": [[1]]}",
        "{\"eos_token_id\": [null]}",
        "{\"bad_words_ids\": [1]}",
        "{\"bad_words_ids\": [[]]}",
        "{\"bad_words_ids\": [[null]]}",
        "{\"bad_words_ids\": {}}",
        "{\"sequence_bias\": [[1, 2]]}",
        "{\"sequence_bias\": [[[1]]]}",
        "{\"sequence_bias\": [[[1], null]]}",
        "{\"exponential_decay_length_penalty\": [1]}",
        "{\"decoder_start_token_id\": [1, 2]}",
        "{\"do_sample\": \"yes\"}",
        "{\"temperature\": \"0.7\"}",
        "{\"top_p\": 1.5}",
        "{\"max_new_tokens\": -1}"
      })
  void whatCannotBeFollowedIsNamed(String json) {
    var name = Json.object(json).keySet().iterator().next();
    assertThatIllegalArgumentException().isThrownBy(() -> of(json)).withMessageContaining(name);
  }

  private GenerationSettings ofFile(GgufWriter writer) throws IOException {
    var path = folder.resolve("model.gguf");
    writer.write(path);
    try (var gguf = Gguf.open(path)) {
      return GenerationConfig.of(gguf);
    }
  }

  private static GgufValue id(long id) {
    return new GgufValue.Int(GgufType.UINT32, id);
  }

  @Test
  void aFileWithoutConfigurationHasItsVocabularys() throws IOException {
    var writer =
        new GgufWriter()
            .put("general.architecture", "t5")
            .put("tokenizer.ggml.bos_token_id", id(4))
            .put("tokenizer.ggml.eos_token_id", id(1))
            .put("tokenizer.ggml.padding_token_id", id(0));
    var expected = DEFAULTS.withBos(4).withEos(List.of(1)).withPad(0).withDecoderStart(4);
    assertThat(ofFile(writer)).isEqualTo(expected);
    assertThat(ofFile(writer.put("t5.decoder_start_token_id", id(9))))
        .isEqualTo(expected.withDecoderStart(9));
    assertThat(ofFile(new GgufWriter().put("general.architecture", "t5"))).isEqualTo(DEFAULTS);
  }

  @Test
  void aFilesConfigurationComesFirst() throws IOException {
    var writer =
        new GgufWriter()
            .put("general.architecture", "t5")
            .put("tokenizer.ggml.eos_token_id", id(1))
            .put("t5.decoder_start_token_id", id(9))
            .put("tenon.generation_config", "{\"num_beams\": 3}");
    assertThat(ofFile(writer)).isEqualTo(DEFAULTS.withNumBeams(3).withDecoderStart(9));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "[]", "{", "{\"num_beams\": 0}"})
  void aMalformedConfigurationIsAnErrorOfTheFile(String text) {
    assertThatThrownBy(() -> ofFile(new GgufWriter().put("tenon.generation_config", text)))
        .isInstanceOf(GgufFormatException.class)
        .hasMessageContaining("tenon.generation_config");
  }
}
