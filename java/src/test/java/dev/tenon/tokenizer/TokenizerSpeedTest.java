package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.Gguf;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// The time to encode grows with the length of a text, not with its square, whatever it holds.
class TokenizerSpeedTest {
  private static final List<String> RUNS =
      List.of("a", " ", "\n", "1", "中", "😀", " a", "<s>", "<|eot_id|>");

  private static final int SHORT = 1 << 12;
  private static final int TIMES = 32;

  @TestFactory
  Stream<DynamicTest> smallVocabularies() throws IOException {
    var tokens = new ArrayList<>(IntStream.range(0, 256).mapToObj("<0x%02X>"::formatted).toList());
    var merges = new ArrayList<String>();
    for (var c : List.of("a", "▁", "Ġ", "1", "!", "\n", "Ċ")) {
      tokens.add(c);
      for (var run = c; run.length() < 64; run += run) {
        tokens.add(run + run);
        merges.add(run + " " + run);
      }
    }
    var sentencePiece = TokenizerFile.llama(tokens).open();
    var byteLevel =
        TokenizerFile.of("gpt2", tokens).merges(merges.toArray(String[]::new)).pre("gpt-2").open();
    return Stream.of(
        DynamicTest.dynamicTest("SentencePiece", () -> check(sentencePiece)),
        DynamicTest.dynamicTest("byte-level", () -> check(byteLevel)));
  }

  @TestFactory
  Stream<DynamicTest> realVocabularies() throws IOException {
    return Fixtures.each(
        "tokenizers",
        "*-llama-*.gguf",
        file -> {
          try (var gguf = Gguf.open(file)) {
            check(Tokenizer.of(gguf));
          }
        });
  }

  private static void check(Tokenizer tokenizer) {
    for (var run : RUNS) {
      var text = run.repeat(SHORT / run.length());
      var longer = run.repeat(SHORT * TIMES / run.length());
      time(tokenizer, longer);
      long once = Math.max(time(tokenizer, text), 200_000);
      // The square would be 1024.
      assertThat(time(tokenizer, longer) / once).as("a run of %s", run).isLessThan(8 * TIMES);
    }
  }

  /// {@return the time in nanoseconds, the least of three}
  private static long time(Tokenizer tokenizer, String text) {
    long least = Long.MAX_VALUE;
    for (int i = 0; i < 3; i++) {
      long start = System.nanoTime();
      tokenizer.encode(text, false, true);
      least = Math.min(least, System.nanoTime() - start);
    }
    return least;
  }
}
