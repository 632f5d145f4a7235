package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.GenerateOptions;
import dev.tenon.sampling.SamplerSettings;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ParametersTest {
  private final Parameters parameters =
      new Parameters(
          (settings, _) -> settings.sampler(),
          SamplerSettings.defaults().withSeed(1),
          GenerateOptions.of(-1));

  private void refused(String name, String value, String... hints) {
    var before = parameters.lines();
    assertThatThrownBy(() -> parameters.set(name, List.of(value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(hints);
    assertThat(parameters.lines()).isEqualTo(before);
  }

  @ParameterizedTest
  @CsvSource({
    "temperature, 0.25, temperature",
    "temp, 1.5, temperature",
    "top_k, 7, top_k",
    "TOP-K, 8, top_k",
    "top_p, 0.5, top_p",
    "min_p, 0.5, min_p",
    "typ_p, 0.5, typical_p",
    "top_n_sigma, 1.5, top_n_sigma",
    "xtc_probability, 0.5, xtc_probability",
    "xtc_threshold, 0.2, xtc_threshold",
    "dynatemp_range, 0.5, dynatemp_range",
    "dynatemp_exponent, 2.5, dynatemp_exponent",
    "repeat_last_n, -1, repeat_last_n",
    "repeat_last_n, 3, repeat_last_n",
    "repeat_penalty, 1.5, repeat_penalty",
    "frequency_penalty, 0.5, frequency_penalty",
    "presence_penalty, 0.5, presence_penalty",
    "dry_multiplier, 0.5, dry_multiplier",
    "dry_base, 2.5, dry_base",
    "dry_allowed_length, 5, dry_allowed_length",
    "dry_penalty_last_n, -1, dry_penalty_last_n",
    "mirostat, 2, mirostat",
    "mirostat_tau, 2.5, mirostat_tau",
    "mirostat_eta, 0.5, mirostat_eta",
    "adaptive_target, 0.5, adaptive_target",
    "adaptive_decay, 0.5, adaptive_decay",
    "min_keep, 2, min_keep",
    "samplers, top_k;temperature, samplers",
    "seed, 4294967295, seed",
    "num_predict, 12, num_predict",
    "n_predict, 13, num_predict",
    "context_shift, true, context_shift",
    "ignore_eos, true, ignore_eos",
  })
  void takesNamesOfOllamaAndOfLlamaCpp(String name, String value, String shown) {
    parameters.set(name, List.of(value));
    assertThat(parameters.line(name).split(" +")).containsExactly(shown, value);
    assertThat(parameters.lines()).contains(parameters.line(shown));
  }

  @Test
  void textsMayBeSeveral() {
    parameters.set("stop", Parameters.words("\"a b\" \"\\n\\\"\\\\\" c"));
    assertThat(parameters.options().stops().strings()).containsExactly("a b", "\n\"\\", "c");
    assertThat(parameters.line("stop")).endsWith(" \"a b\" \"\\n\\\"\\\\\" \"c\"");
    parameters.set("stop", List.of("none"));
    assertThat(parameters.options().stops().strings()).isEmpty();
    assertThatThrownBy(() -> Parameters.words("a \"b")).hasMessageContaining("open");
  }

  @Test
  void whatMakesNoSenseIsRefusedAndChangesNothing() {
    refused("temperature", "warm", "temperature", "'warm'", "number");
    refused("top_k", "1.5", "top_k", "whole number");
    refused("top_p", "NaN", "top_p NaN, from 0 to 1");
    refused("repeat_penalty", "0", "0");
    refused("mirostat", "3", "mirostat");
    refused("seed", "-2", "seed", "-1");
    refused("seed", "99999999999999999999", "seed");
    refused("samplers", "top_k;best", "best");
    refused("ignore_eos", "maybe", "ignore_eos");
    refused("temprature", "1", "temprature", "did you mean temperature?");
    refused("num_ctx", "9", "-c");
    assertThatThrownBy(() -> parameters.set("top_k", List.of("1", "2")))
        .hasMessageContaining("one value");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "top_p | 5 | top_p 5, from 0 to 1",
        "min_p | 7 | min_p 7, from 0 to 1",
        "typical_p | -0.5 | typical_p -0.5, from 0 to 1",
        "xtc_probability | 2 | xtc_probability 2, from 0 to 1",
        "xtc_threshold | NaN | xtc_threshold NaN, from 0 to 1",
        "dynatemp | -1 | dynatemp_range -1, a finite number from 0",
        "temperature | Infinity | temperature Infinity, a finite number",
        "repeat_penalty | -1 | repeat_penalty -1, a finite number above 0",
        "dry_base | 0.5 | dry_base 0.5, a finite number from 1",
        "dry_allowed_length | -1 | dry_allowed_length -1, from 0",
        "dry_last_n | -2 | dry_penalty_last_n -2, from -1",
        "mirostat | 3 | mirostat 3, from 0 to 2",
        "mirostat_lr | -1 | mirostat_eta -1, a finite number from 0",
        "adaptive_target | 1.5 | adaptive_target 1.5, at most 1",
        "adaptive_decay | 1 | adaptive_decay 1, from 0 to 0.99",
      })
  void rangesAreThoseOfTheFlags(String name, String value, String message) {
    refused(name, value, message);
  }

  @Test
  void theSamplerIsTheSameUntilSomethingIsSet() throws IOException {
    var sampler = parameters.sampler();
    assertThat(parameters.sampler()).isSameAs(sampler);
    parameters.set("top_k", List.of("3"));
    assertThat(parameters.sampler()).isNotSameAs(sampler);
  }
}
