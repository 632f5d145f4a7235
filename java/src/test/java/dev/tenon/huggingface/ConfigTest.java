package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigTest {
  @TempDir private Path folder;

  private Config config(String json) throws IOException {
    return Config.open(Files.writeString(folder.resolve("config.json"), json));
  }

  @Test
  void valuesAreFoundByKeyAndType() throws IOException {
    var config =
        config(
            """
            {"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "eps": 1e-5, "one": 1.0,
             "tie": true, "none": null, "factors": [1, 2.5], "eos_token_id": 7,
             "rope_scaling": {"rope_type": "yarn", "factor": 4},
             "text_config": {"hidden_size": 128, "eps": null}}\
            """);
    assertThat(config.architecture()).isEqualTo("LlamaForCausalLM");
    assertThat(config.size("n_embd", "hidden_size")).isEqualTo(64);
    assertThat(config.integer("one")).isEqualTo(1);
    assertThat(config.integer("none", 5)).isEqualTo(5);
    assertThat(config.real("eps")).isEqualTo(1e-5);
    assertThat(config.real("hidden_size")).isEqualTo(64);
    assertThat(config.bool("tie", false)).isTrue();
    assertThat(config.has("none")).isFalse();
    assertThat(config.reals("factors")).containsExactly(1, 2.5);
    assertThat(config.reals("eos_token_id")).containsExactly(7);
    assertThat(config.object("rope_scaling").text("type", "rope_type")).isEqualTo("yarn");
    assertThat(config.object("absent").values()).isEmpty();
    assertThat(config.text().size("hidden_size")).isEqualTo(128);
    assertThat(config.text().real("eps")).isEqualTo(1e-5);
    assertThat(config.textOr("none", null)).isNull();
  }

  @Test
  void errorsHaveFileKeyExpectedAndFound() throws IOException {
    var config = config("{\"a\": \"x\", \"b\": {\"c\": 0}, \"big\": 1e300}");
    assertThatThrownBy(() -> config.integer("a"))
        .hasMessage(folder.resolve("config.json") + ", a: expected an integer, found \"x\"");
    assertThatThrownBy(() -> config.object("b").size("c"))
        .hasMessageContaining("b.c: expected a size from 1 to 2147483647, found 0");
    assertThatThrownBy(() -> config.size("n_embd", "hidden_size"))
        .hasMessageContaining("n_embd or hidden_size: expected a size, found none");
    assertThatThrownBy(() -> config.integer("big")).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> config.real("a")).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> config.bool("a", true)).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> config.list("a")).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> config.texts("b")).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> config.object("a")).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> config("[1]")).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> config("{")).isInstanceOf(FormatException.class);
    assertThat(Config.openIfPresent(folder.resolve("none.json")).values()).isEmpty();
  }
}
