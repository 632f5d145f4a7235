package dev.tenon.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.Gguf;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// The vocabularies of llama.cpp, with the ids that it gives for texts.
class TokenizerConformanceTest {
  private static final String FOLDER = "tokenizers";
  private static final String SEPARATOR = "\n__ggml_vocab_test__\n";

  /// What Tenon does not have yet.
  private static final Set<String> LATER = Set.of("rwkv", "plamo2");

  /// What makes another text of a text before it makes tokens of it.
  private static final Set<String> LOSSY = Set.of("bert", "t5");

  private interface Check {
    void of(Tokenizer tokenizer, Path file) throws IOException;
  }

  private static Stream<DynamicTest> eachLossless(Check check) throws IOException {
    return each(
        (tokenizer, file) -> {
          try (var gguf = Gguf.open(file)) {
            var model = gguf.text("tokenizer.ggml.model");
            Assumptions.assumeFalse(LOSSY.contains(model), () -> model + " changes texts");
          }
          check.of(tokenizer, file);
        });
  }

  private static Stream<DynamicTest> each(Check check) throws IOException {
    return Fixtures.each(
        FOLDER,
        "*.gguf",
        file -> {
          try (var gguf = Gguf.open(file)) {
            var model = gguf.text("tokenizer.ggml.model");
            Assumptions.assumeFalse(LATER.contains(model), () -> "no tokenizer " + model + " yet");
            check.of(Tokenizer.of(gguf), file);
          }
        });
  }

  private static List<String> texts(Path file) throws IOException {
    var input = file.resolveSibling(file.getFileName() + ".inp");
    Assumptions.assumeTrue(Files.exists(input), () -> "no texts " + input);
    var parts = Files.readString(input).split(SEPARATOR, -1);
    return Arrays.asList(parts)
        .subList(0, parts.length - (parts[parts.length - 1].isEmpty() ? 1 : 0));
  }

  @TestFactory
  Stream<DynamicTest> idsAreThoseOfLlamaCpp() throws IOException {
    return each(
        (tokenizer, file) -> {
          var texts = texts(file);
          var ids = Files.readAllLines(file.resolveSibling(file.getFileName() + ".out"));
          assertThat(texts).hasSameSizeAs(ids).isNotEmpty();
          var differences = new ArrayList<String>();
          for (int i = 0; i < texts.size(); i++) {
            var expected =
                Arrays.stream(ids.get(i).strip().split(" +"))
                    .filter(id -> !id.isEmpty())
                    .mapToInt(Integer::parseInt)
                    .toArray();
            var found = tokenizer.encode(texts.get(i));
            if (!Arrays.equals(found, expected)) {
              differences.add(
                  "%s: %s, not %s"
                      .formatted(texts.get(i), Arrays.toString(found), Arrays.toString(expected)));
            }
          }
          assertThat(differences).isEmpty();
        });
  }

  @TestFactory
  Stream<DynamicTest> textsComeBack() throws IOException {
    return eachLossless(
        (tokenizer, file) -> {
          for (var text : texts(file)) {
            assertThat(tokenizer.decode(tokenizer.encode(text))).isEqualTo(text);
            var prompt = tokenizer.encode(text, true, false);
            assertThat(tokenizer.decode(prompt)).isEqualTo(text);
            var decoder = tokenizer.decoder();
            var streamed = new StringBuilder();
            for (int id : prompt) {
              streamed.append(decoder.accept(id));
            }
            assertThat(streamed.append(decoder.finish()).toString()).isEqualTo(text);
          }
        });
  }

  /// Random texts of every script: what has no token is bytes, and nothing gets lost. (Some of the
  /// vocabularies lack bytes: a character that is lost alone is left out.)
  @TestFactory
  Stream<DynamicTest> randomTextsComeBack() throws IOException {
    return eachLossless(
        (tokenizer, _) -> {
          var random = new Random(9);
          for (int round = 0; round < 2_000; round++) {
            var text = new StringBuilder();
            for (int i = random.nextInt(30); i > 0; i--) {
              int limit = new int[] {0x80, 0x800, 0x10000, 0x110000}[random.nextInt(4)];
              int c = random.nextInt(limit);
              var character = Character.toString(c >= 0xd800 && c < 0xe000 ? ' ' : c);
              if (tokenizer.decode(tokenizer.encode(character)).equals(character)) {
                text.append(character);
              }
            }
            var ids = tokenizer.encode(text.toString());
            assertThat(tokenizer.decode(ids)).isEqualTo(text.toString());
          }
        });
  }

  @TestFactory
  Stream<DynamicTest> everyTokenHasBytesAndAText() throws IOException {
    return eachLossless(
        (tokenizer, _) -> {
          for (int id = 0; id < tokenizer.vocabularySize(); id++) {
            assertThat(tokenizer.piece(id)).isNotEmpty();
            assertThat(tokenizer.bytes(id, true).length > 0)
                .isEqualTo(tokenizer.type(id) != TokenType.UNUSED);
            if (tokenizer.type(id) == TokenType.CONTROL) {
              assertThat(tokenizer.bytes(id, false)).isEmpty();
              assertThat(tokenizer.encode(tokenizer.piece(id), false, true)).containsExactly(id);
            }
          }
          assertThat(tokenizer.endsGeneration(tokenizer.eos())).isTrue();
        });
  }
}
