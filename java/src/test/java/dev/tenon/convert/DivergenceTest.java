package dev.tenon.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DivergenceTest {
  @TempDir Path folder;

  private static float[] logarithms(double... probabilities) {
    var logarithms = new float[probabilities.length];
    for (int i = 0; i < logarithms.length; i++) logarithms[i] = (float) Math.log(probabilities[i]);
    return logarithms;
  }

  @Test
  void surpriseIsWhatTheTokensWereGiven() {
    var perplexity = new Perplexity();
    perplexity.add(logarithms(0.5, 0.25, 0.25), 0);
    perplexity.add(logarithms(1, 0.5, 0.5), 1); // not normalised: a quarter
    assertThat(perplexity.value()).isCloseTo(Math.sqrt(8), within(1e-6));
    assertThat(perplexity.error()).isCloseTo(Math.log(2) / 2 * Math.sqrt(8), within(1e-6));
    assertThat(perplexity.count()).isEqualTo(2);
  }

  @Test
  void divergenceIsZeroFromItselfAlone() {
    var divergence = new Divergence();
    divergence.add(logarithms(0.5, 0.5), logarithms(0.5, 0.5), 0);
    divergence.add(logarithms(0.9, 0.1), logarithms(0.1, 0.9), 0);
    double most = 0.9 * Math.log(9) + 0.1 * Math.log(1 / 9.0);
    assertThat(divergence.mean().value()).isCloseTo(most / 2, within(1e-6));
    assertThat(divergence.quantile(0)).isCloseTo(0, within(1e-6));
    assertThat(divergence.quantile(0.5)).isCloseTo(most / 2, within(1e-6));
    assertThat(divergence.quantile(1)).isCloseTo(most, within(1e-6));
    assertThat(divergence.sameTop().value()).isEqualTo(0.5);
    assertThat(divergence.meanShift().value()).isCloseTo(-0.4, within(1e-6));
    assertThat(divergence.basePerplexity().value()).isCloseTo(Math.sqrt(1 / 0.45), within(1e-6));
  }

  @Test
  void whatWasSavedComesBack() throws IOException {
    var random = new Random(1);
    int[][] chunks = {{1, 2, 3, 4, 5, 6}, {0, 1, 2, 3, 4, 5}};
    var logits = new float[4][7];
    for (var row : logits) for (int i = 0; i < 7; i++) row[i] = (float) (4 * random.nextGaussian());
    logits[3] = new float[7]; // all alike
    var out = new ByteArrayOutputStream();
    SavedLogits.begin(out, 7, chunks);
    for (var row : logits) SavedLogits.write(out, row);
    assertThatThrownBy(() -> SavedLogits.begin(out, 7, new int[0][]))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> SavedLogits.begin(out, 7, new int[][] {{1, 2}, {1}}))
        .isInstanceOf(IllegalArgumentException.class);
    var file = folder.resolve("saved");
    Files.write(file, out.toByteArray());
    try (var saved = SavedLogits.open(file)) {
      assertThat(saved.chunks()).isDeepEqualTo(chunks);
      var row = new float[saved.vocabulary()];
      for (var expected : logits) {
        saved.next(row);
        double sum = Perplexity.logSum(expected);
        for (int i = 0; i < 7; i++)
          assertThat(row[i]).isCloseTo((float) (expected[i] - sum), within(1e-3f));
      }
      assertThatThrownBy(() -> saved.next(row)).hasMessageContaining("found the end");
    }
    for (int i = 0; i < 500; i++) {
      var bytes = Arrays.copyOf(out.toByteArray(), random.nextInt(out.size()));
      for (int j = 0; j < 3 && bytes.length > 0; j++)
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      Files.write(file, bytes);
      assertThatThrownBy(
              () -> {
                try (var saved = SavedLogits.open(file)) {
                  for (var row = new float[saved.vocabulary()]; ; ) saved.next(row);
                }
              })
          .isInstanceOf(IOException.class)
          .hasMessageContaining(file.toString());
    }
  }
}
