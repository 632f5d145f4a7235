package dev.tenon.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class GenerationSettingsTest {
  private static final GenerationSettings DEFAULTS = GenerationSettings.defaults();

  @Test
  void eachWithChangesItsOwn() {
    var changed =
        DEFAULTS
            .withMaxLength(1)
            .withMaxNewTokens(2)
            .withMinLength(3)
            .withMinNewTokens(4)
            .withNumBeams(5)
            .withNumReturnSequences(5)
            .withLengthPenalty(-1)
            .withEarlyStopping(EarlyStopping.NEVER)
            .withNoRepeatNgramSize(6)
            .withEncoderNoRepeatNgramSize(7)
            .withRepetitionPenalty(1.5)
            .withEncoderRepetitionPenalty(1.25)
            .withBadWordsIds(List.of(List.of(8)))
            .withSequenceBias(Map.of(List.of(9), 1.0))
            .withForcedBos(10)
            .withForcedEos(List.of(11))
            .withSuppressTokens(List.of(12))
            .withBeginSuppressTokens(List.of(13))
            .withExponentialDecayLengthPenalty(14, 1.1)
            .withRemoveInvalidValues(true)
            .withRenormalizeLogits(true)
            .withDoSample(true)
            .withTemperature(0.5)
            .withTopK(15)
            .withTopP(0.1)
            .withMinP(0.2)
            .withTypicalP(0.3)
            .withEpsilonCutoff(0.4)
            .withEtaCutoff(0.6)
            .withBos(16)
            .withEos(List.of(17))
            .withPad(18)
            .withDecoderStart(19);
    assertThat(changed)
        .isEqualTo(
            new GenerationSettings(
                1,
                2,
                3,
                4,
                5,
                5,
                -1,
                EarlyStopping.NEVER,
                6,
                7,
                1.5,
                1.25,
                List.of(List.of(8)),
                Map.of(List.of(9), 1.0),
                10,
                List.of(11),
                List.of(12),
                List.of(13),
                14,
                1.1,
                true,
                true,
                true,
                0.5,
                15,
                0.1,
                0.2,
                0.3,
                0.4,
                0.6,
                16,
                List.of(17),
                18,
                19));
  }

  @Test
  void lengthsAreOfNewTokensOrOfAll() {
    assertThat(DEFAULTS.lengthLimit(7)).isEqualTo(27);
    assertThat(DEFAULTS.withMaxLength(9).lengthLimit(7)).isEqualTo(9);
    assertThat(DEFAULTS.withMaxLength(9).withMaxNewTokens(5).lengthLimit(7)).isEqualTo(12);
    assertThat(DEFAULTS.withMaxNewTokens(Integer.MAX_VALUE).lengthLimit(7))
        .isEqualTo(Integer.MAX_VALUE);
    assertThat(DEFAULTS.withMinLength(9).leastLength(7)).isEqualTo(9);
    assertThat(DEFAULTS.withMinLength(9).withMinNewTokens(1).leastLength(7)).isEqualTo(8);
  }

  @Test
  void fillsUpAsTransformersDoes() {
    assertThat(DEFAULTS.filler()).isEqualTo(-1);
    assertThat(DEFAULTS.withEos(List.of(4, 5)).filler()).isEqualTo(4);
    assertThat(DEFAULTS.withEos(List.of(4)).withPad(3).filler()).isEqualTo(3);
    assertThat(DEFAULTS.withEos(List.of(4)).withPad(0).filler()).isZero();
    assertThat(DEFAULTS.withEos(List.of(4)).withPad(0).withNumBeams(2).filler()).isEqualTo(4);
  }

  @Test
  void whatMakesNoSenseIsNamed() {
    refused("num_beams 0", () -> DEFAULTS.withNumBeams(0));
    refused("num_beams 65", () -> DEFAULTS.withNumBeams(65));
    refused("num_return_sequences 2", () -> DEFAULTS.withNumReturnSequences(2));
    refused(
        "num_return_sequences 3 with num_beams 2",
        () -> DEFAULTS.withDoSample(true).withNumBeams(2).withNumReturnSequences(3));
    refused("length_penalty", () -> DEFAULTS.withLengthPenalty(Double.NaN));
    refused("length_penalty", () -> DEFAULTS.withLengthPenalty(1e300));
    refused("repetition_penalty 0", () -> DEFAULTS.withRepetitionPenalty(0));
    refused("repetition_penalty", () -> DEFAULTS.withRepetitionPenalty(1e-320));
    refused("no_repeat_ngram_size -1", () -> DEFAULTS.withNoRepeatNgramSize(-1));
    refused("temperature -1", () -> DEFAULTS.withTemperature(-1));
    refused("top_p 1.5", () -> DEFAULTS.withTopP(1.5));
    refused("eos_token_id", () -> DEFAULTS.withEos(List.of(-1)));
    refused("eos_token_id: 257", () -> DEFAULTS.withEos(Collections.nCopies(257, 0)));
    refused("bad_words_ids", () -> DEFAULTS.withBadWordsIds(List.of(List.of())));
    refused("sequence_bias", () -> DEFAULTS.withSequenceBias(Map.of(List.of(1), Double.NaN)));
    assertThat(DEFAULTS.withDoSample(true).withNumReturnSequences(64).draws()).isTrue();
    assertThat(DEFAULTS.withDoSample(true).withTemperature(0).draws()).isFalse();
  }

  private static void refused(String message, Runnable change) {
    assertThatIllegalArgumentException().isThrownBy(change::run).withMessageContaining(message);
  }

  @Test
  void keepsNothingOfTheCallers() {
    var bias = new LinkedHashMap<List<Integer>, Double>();
    bias.put(List.of(1), 2.0);
    var settings = DEFAULTS.withSequenceBias(bias);
    bias.clear();
    assertThat(settings.sequenceBias()).hasSize(1);
  }
}
