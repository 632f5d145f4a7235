package dev.tenon.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufFormatException;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.model.Pooling.Mode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PoolingTest {
  private static final float[] STATES = {1, -4, 3, 8, 5, -1}; // three tokens of two elements

  @TempDir private Path folder;

  private static Pooling of(Mode mode, boolean normalize) {
    return new Pooling(mode, normalize, Integer.MAX_VALUE, Map.of(), null);
  }

  @Test
  void whatIsMadeOfTheTokens() {
    assertThat(of(Mode.MEAN, false).pool(STATES, 2)).containsExactly(3, 1);
    assertThat(of(Mode.MAX, false).pool(STATES, 2)).containsExactly(5, 8);
    assertThat(of(Mode.CLS, false).pool(STATES, 2)).containsExactly(1, -4);
    assertThat(of(Mode.LAST, false).pool(STATES, 2)).containsExactly(5, -1);
    assertThat(of(Mode.CLS, false).needed(3)).containsExactly(0);
    assertThat(of(Mode.LAST, false).needed(3)).containsExactly(2);
    assertThat(of(Mode.MEAN, false).needed(3)).isNull();
    assertThat(STATES).containsExactly(1, -4, 3, 8, 5, -1);
  }

  @Test
  void aNormalizedOneHasLengthOne() {
    assertThat(of(Mode.MEAN, true).pool(new float[] {3, 4}, 2)).containsExactly(0.6f, 0.8f);
    assertThat(of(Mode.MEAN, true).pool(new float[] {0, 0}, 2)).containsExactly(0, 0);
  }

  @Test
  void rowsAreWhole() {
    assertThatIllegalArgumentException().isThrownBy(() -> of(Mode.MEAN, true).pool(STATES, 4));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> of(Mode.MEAN, true).pool(new float[0], 2));
    assertThatIllegalArgumentException().isThrownBy(() -> of(Mode.MEAN, true).pool(STATES, 0));
  }

  @ParameterizedTest
  @CsvSource({"0, MEAN", "1, MEAN", "2, CLS", "3, LAST", "4, MEAN"})
  void filesOfOthersHaveANumber(int number, Mode mode) throws IOException {
    assertThat(file("bert.pooling_type", new GgufValue.Int(GgufType.UINT32, number)))
        .isEqualTo(of(mode, true));
  }

  @Test
  void whatMakesNoSenseIsRefused() {
    refused("bert.pooling_type", new GgufValue.Int(GgufType.UINT32, 5));
    refused("bert.pooling_type", new GgufValue.Text("mean"));
    refused("tenon.pooling.mode", new GgufValue.Text("median"));
    refused("tenon.pooling.max_tokens", new GgufValue.Int(GgufType.UINT32, 0));
    refused("tenon.pooling.normalize", new GgufValue.Text("yes"));
    refused("tenon.pooling.prompts", GgufValue.Array.strings(List.of("a")));
  }

  private void refused(String key, GgufValue value) {
    assertThatExceptionOfType(GgufFormatException.class)
        .isThrownBy(() -> file(key, value))
        .withMessageContaining(key);
  }

  private Pooling file(String key, GgufValue value) throws IOException {
    var writer = new GgufWriter();
    writer.put("general.architecture", "bert");
    writer.put(key, value);
    writer.write(folder.resolve("m.gguf"));
    try (var gguf = Gguf.open(folder.resolve("m.gguf"))) {
      return Pooling.of(gguf);
    }
  }
}
