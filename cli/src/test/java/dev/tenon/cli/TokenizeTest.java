package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

class TokenizeTest {
  @TempDir static Path folder;
  private static String vocabulary;

  @BeforeAll
  static void write() throws IOException {
    var file = folder.resolve("vocabulary.gguf");
    var writer = new GgufWriter().put("general.architecture", "llama");
    TinyModel.vocabulary(writer, true).write(file);
    vocabulary = file.toString();
  }

  @Test
  void aVocabularyAloneWillDo() {
    assertThat(tenon("tokenize", "-m", vocabulary, "--text", "ab\t").succeeded().out())
        .isEqualTo(
            """
                 1 -> '<s>'
               265 -> ' ab'
                12 -> '\t'
            """);
  }

  @Test
  void printsIdsAsOneArray() {
    assertThat(tenon("tokenize", "-m", vocabulary, "--text", "ab\t", "--ids").succeeded().out())
        .isEqualTo("[1, 265, 12]\n");
    assertThat(tenon("tokenize", "-m", vocabulary, "--ids", "--no-bos").succeeded().out())
        .isEqualTo("[]\n");
  }

  @Test
  void specialTokensAreRecognisedUnlessToldNotTo() {
    assertThat(ids("--text", "</s>a")).startsWith("[1, 2, ");
    assertThat(ids("--text", "</s>a", "--no-bos")).startsWith("[2, ");
    assertThat(ids("--text", "</s>a", "--no-parse-special")).doesNotContain("[1, 2, ");
  }

  @Test
  void aPairIsPutTogetherAsTheTokenizerDoes() {
    assertThat(ids("--text", "ab", "--pair", "ab")).isEqualTo("[1, 265, 1, 265]\n");
    assertThat(ids("--text", "ab ab", "--pair", "ab", "--max-length", "4"))
        .isEqualTo("[1, 265, 1, 265]\n");
    assertThat(
            tenon("tokenize", "-m", vocabulary, "--text", "ab", "--pair", "ab").succeeded().out())
        .isEqualTo(
            """
                 1 -> '<s>'
               265 -> ' ab'
                 1 -> '<s>'
               265 -> ' ab'
            """);
    var json =
        Json.object(
            tenon("tokenize", "-m", vocabulary, "--text", "ab", "--pair", "ab", "--json")
                .succeeded()
                .out());
    assertThat(json.get("ids")).isEqualTo(List.of(1L, 265L, 1L, 265L));
    assertThat(json.get("type_ids")).isEqualTo(List.of(0L, 0L, 1L, 1L));
    assertThat(json.get("offsets"))
        .isEqualTo(List.of(List.of(0L, 0L), List.of(0L, 2L), List.of(0L, 0L), List.of(0L, 2L)));
    assertThat(json.get("sequence_ids")).isEqualTo(Arrays.asList(null, 0L, null, 1L));
    assertThat(json.get("special_tokens_mask")).isEqualTo(List.of(1L, 0L, 1L, 0L));
    tenon("tokenize", "-m", vocabulary, "--text", "a", "--pair", "b", "--no-bos").refused("--pair");
    tenon("tokenize", "-m", vocabulary, "--text", "a", "--json", "--ids").refused("--json");
    tenon("tokenize", "-m", vocabulary, "--text", "a", "--max-length", "-1")
        .refused("--max-length");
    tenon("tokenize", "-m", vocabulary, "--text", "a", "--max-length", "0").failed("no room");
  }

  @Test
  void everyByteOfAFileAndTheInputCounts() throws IOException {
    var text = "a\r\nb\n\n\0é\ufeff\n";
    var file = Files.writeString(folder.resolve("text.txt"), text);
    assertThat(ids("-f", file.toString())).isEqualTo(ids("--text", text));
    assertThat(
            with().in(text).run("tokenize", "-m", vocabulary, "--ids", "-f", "-").succeeded().out())
        .isEqualTo(ids("--text", text));
    assertThat(with().in(text).run("tokenize", "-m", vocabulary, "--ids").succeeded().out())
        .isEqualTo(ids("--text", text));
    var invalid = new byte[] {'a', (byte) 0xff, 'b'};
    assertThat(with().in(invalid).run("tokenize", "-m", vocabulary, "--ids").succeeded().out())
        .isEqualTo(ids("--text", "a\ufffdb"));
    tenon("tokenize", "-m", vocabulary, "-f", folder.resolve("none").toString())
        .failed("no such file");
    tenon("tokenize", "-m", vocabulary, "-f", folder.toString())
        .failed(folder.toString(), "it is a folder");
  }

  @Test
  void decodesWithoutSpecialTokens() {
    var args = new String[] {"tokenize", "-m", vocabulary, "--decode", "[1, 265, 12, 2]"};
    assertThat(tenon(args).succeeded().out()).isEqualTo("ab\t");
    assertThat(with().terminals("1").run(args).succeeded().out()).isEqualTo("ab\t\n");
    assertThat(tenon("tokenize", "-m", vocabulary, "--decode", "").succeeded().out()).isEmpty();
  }

  @Test
  void piecesAreBytesAsTheyAre() {
    // Half of a character is printed as it is.
    var bytes = tenon("tokenize", "-m", vocabulary, "--text", "ü").succeeded().bytes();
    assertThat(new String(bytes, StandardCharsets.ISO_8859_1))
        .contains("-> '\u00c3'", "-> '\u00bc'");
  }

  /// The first case of each vocabulary is enough here: what the tokenizers do is tested with them.
  @TestFactory
  Stream<DynamicTest> readsEveryVocabularyThatTheLibraryDoes() throws IOException {
    return Fixtures.each(
        "tokenizers",
        "*spm*.gguf",
        file -> {
          var inp = Files.readString(Path.of(file + ".inp")).split("\n__ggml_vocab_test__\n");
          var out = Files.readAllLines(Path.of(file + ".out"));
          for (int i = 0; i < Math.min(5, inp.length); i++) {
            var ids =
                tenon("tokenize", "-m", file.toString(), "--no-bos", "--ids", "--text", inp[i]);
            assertThat(ids.succeeded().out().replaceAll("[\\[\\],]", "").strip())
                .isEqualTo(out.get(i).strip());
          }
        });
  }

  private static String ids(String... more) {
    var all = new ArrayList<>(List.of("tokenize", "-m", vocabulary, "--ids"));
    all.addAll(List.of(more));
    return tenon(all.toArray(String[]::new)).succeeded().out();
  }
}
