package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.json.Json;
import dev.tenon.tokenizer.TokenizedText;
import dev.tenon.tokenizer.Tokenizer;
import dev.tenon.tokenizer.Truncation;
import dev.tenon.tokenizer.Truncation.Strategy;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// Texts and pairs with their segments, places, words and windows, as the library tokenizers 0.22
/// gives them for small `tokenizer.json` of random steps (`tokenizers.json` beside this); and
/// folders that have a `vocab.txt` alone.
class TokenizerJsonTest {
  @TempDir private Path folder;

  private Tokenizer open(int rows) throws IOException {
    var writer = new GgufWriter().put("general.architecture", "test");
    TokenizerFiles.read(folder, rows).putInto(writer);
    var file = folder.resolve("t.gguf");
    Files.deleteIfExists(file);
    writer.write(file);
    try (var gguf = Gguf.open(file)) {
      return Tokenizer.of(gguf);
    }
  }

  private void write(String name, String text) throws IOException {
    Files.writeString(folder.resolve(name), text);
  }

  @TestFactory
  Stream<DynamicTest> theLibraryGivesTheSame() throws IOException {
    try (var in = TokenizerJsonTest.class.getResourceAsStream("tokenizers.json")) {
      var all = (List<?>) Json.parse(new String(in.readAllBytes(), StandardCharsets.UTF_8));
      return all.stream()
          .map(Map.class::cast)
          .map(one -> DynamicTest.dynamicTest(name(one), () -> check(one)));
    }
  }

  private static String name(Map<?, ?> one) {
    var json = (Map<?, ?>) one.get("tokenizer");
    return ((Map<?, ?>) json.get("model")).get("type")
        + ", "
        + type(json.get("pre_tokenizer"))
        + ", "
        + type(json.get("post_processor"));
  }

  private static Object type(Object step) {
    return step instanceof Map<?, ?> map ? map.get("type") : null;
  }

  private void check(Map<?, ?> one) throws IOException {
    write("tokenizer.json", Json.write(one.get("tokenizer")));
    var space = ((Map<?, ?>) one.get("tokenizer")).get("pre_tokenizer");
    boolean adds =
        space instanceof Map<?, ?> map && Boolean.TRUE.equals(map.get("add_prefix_space"));
    write("tokenizer_config.json", "{\"add_prefix_space\":" + adds + "}");
    var tokenizer = open(400);
    for (var item : (List<?>) one.get("cases")) {
      var test = (Map<?, ?>) item;
      var text = (String) test.get("text");
      var pair = (String) test.get("pair");
      assertThat(row(tokenizer.tokenize(text, pair))).isEqualTo(test.get("whole"));
      if (pair == null) {
        assertThat(list(tokenizer.encodePrompt(text)))
            .isEqualTo(((Map<?, ?>) test.get("whole")).get("ids"));
      }
      var truncation =
          new Truncation(
              ((Long) test.get("max")).intValue(),
              Strategy.valueOf((String) test.get("strategy")),
              ((Long) test.get("stride")).intValue());
      var windows = tokenizer.windows(text, pair, truncation);
      assertThat(windows.stream().map(TokenizerJsonTest::row).toList())
          .isEqualTo(test.get("windows"));
      assertThat(tokenizer.tokenize(text, pair, truncation)).isEqualTo(windows.getFirst());
    }
  }

  private static Map<String, Object> row(TokenizedText tokens) {
    return Map.of(
        "ids",
        list(tokens.ids()),
        "types",
        list(tokens.typeIds()),
        "starts",
        list(tokens.starts()),
        "ends",
        list(tokens.ends()),
        "words",
        list(tokens.words()));
  }

  private static List<Long> list(int[] values) {
    return Arrays.stream(values).asLongStream().boxed().toList();
  }

  private void vocabulary() throws IOException {
    write(
        "vocab.txt",
        "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nun\n##able\n##\ncafe\ncafé\n!\n▁x\n##▁x\n");
  }

  @Test
  void aVocabularyOfLinesIsBertsWhenTheClassIs() throws IOException {
    vocabulary();
    assertThat(TokenizerFiles.present(folder)).isTrue();
    assertThatThrownBy(() -> TokenizerFiles.read(folder, 13))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("BertTokenizer");
    write("config.json", "{\"model_type\":\"bert\"}");
    var tokenizer = open(13);
    // Lowercased, without accents, as BERT is where nothing says otherwise.
    assertThat(tokenizer.encode("Unable CAFÉ!", true, true)).containsExactly(2, 5, 6, 8, 10, 3);
    assertThat(tokenizer.decode(tokenizer.encode("Unable CAFÉ!"))).isEqualTo("unable cafe!");
    assertThat(tokenizer.cls()).isEqualTo(2);
    assertThat(tokenizer.sep()).isEqualTo(3);
    assertThat(tokenizer.mask()).isEqualTo(4);
    assertThat(tokenizer.pad()).isEqualTo(0);
    assertThat(tokenizer.unknown()).isEqualTo(1);
    // What stands for some tokens in the file would be another's.
    assertThat(tokenizer.piece(12)).isEqualTo("##▁x");
    assertThat(tokenizer.encode("▁x un▁x")).containsExactly(11, 5, 12);
    write(
        "tokenizer_config.json",
        "{\"tokenizer_class\":\"BertTokenizer\",\"do_lower_case\":false,\"mask_token\":\"un\"}");
    tokenizer = open(13);
    assertThat(tokenizer.encode("café Café")).containsExactly(9, 1);
    assertThat(tokenizer.mask()).isEqualTo(5);
  }

  @Test
  void theClassCountsForMoreThanTheFile() throws IOException {
    write(
        "tokenizer.json",
        """
        {"normalizer":{"type":"BertNormalizer","lowercase":true},"pre_tokenizer":
        {"type":"BertPreTokenizer"},"model":{"type":"WordPiece","vocab":{"[UNK]":0,"a":1,"A":2}}}\
        """);
    assertThat(open(3).encode("A")).containsExactly(1);
    write(
        "tokenizer_config.json",
        "{\"tokenizer_class\":\"BertTokenizerFast\",\"do_lower_case\":false}");
    assertThat(open(3).encode("A")).containsExactly(2);
  }

  @Test
  void whatCannotBeCutIsRefused() throws IOException {
    vocabulary();
    write("config.json", "{\"model_type\":\"bert\"}");
    var tokenizer = open(13);
    var text = "un un un un";
    assertThat(tokenizer.tokenize(text, null, new Truncation(4)).ids()).containsExactly(2, 5, 5, 3);
    assertThat(tokenizer.tokenize(text, null, new Truncation(2)).ids()).containsExactly(2, 3);
    assertRefused(tokenizer, text, null, new Truncation(1), "no room for the 2 tokens");
    assertRefused(
        tokenizer, text, null, new Truncation(5, Strategy.ONLY_SECOND, 0), "without a second");
    assertRefused(
        tokenizer, text, "un", new Truncation(5, Strategy.ONLY_SECOND, 0), "cannot make 5 tokens");
    assertRefused(tokenizer, text, null, new Truncation(4, Strategy.LONGEST_FIRST, 2), "stride");
    var large = "un ".repeat(20_000);
    assertThatThrownBy(() -> tokenizer.windows(large, large, new Truncation(7)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("too many windows");
    assertThatThrownBy(() -> new Truncation(-1)).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> tokenizer.tokenize(null)).isInstanceOf(NullPointerException.class);
  }

  private static void assertRefused(
      Tokenizer tokenizer, String text, String pair, Truncation truncation, String message) {
    assertThatThrownBy(() -> tokenizer.windows(text, pair, truncation))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
    assertThatThrownBy(() -> tokenizer.tokenize(text, pair, truncation))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message);
  }

  @Test
  void longWordsTakeTimeInProportion() throws IOException {
    vocabulary();
    write("config.json", "{\"model_type\":\"bert\"}");
    var tokenizer = open(13);
    for (var part : List.of("a", "un", "e\u0301", "\u0301", "<", "中", "[MASK]", " ")) {
      var tokens = tokenizer.tokenize(part.repeat(200_000));
      assertThat(tokens.length()).isBetween(2, 200_002);
    }
    assertThat(tokenizer.encode("a".repeat(1_000_000))).containsExactly(1);
  }

  @Test
  void paddingIsOfNoText() throws IOException {
    vocabulary();
    write("config.json", "{\"model_type\":\"bert\"}");
    var tokens = open(13).tokenize("un", "un").padded(7, 0);
    assertThat(tokens.ids()).containsExactly(2, 5, 3, 5, 3, 0, 0);
    assertThat(tokens.typeIds()).containsExactly(0, 0, 0, 1, 1, 0, 0);
    assertThat(tokens.sequences()).containsExactly(-1, 0, -1, 1, -1, -1, -1);
    assertThat(tokens.words()).containsExactly(-1, 0, -1, 0, -1, -1, -1);
    assertThat(tokens.ends()).containsExactly(0, 2, 0, 2, 0, 0, 0);
    assertThat(tokens.padded(3, 0)).isSameAs(tokens);
  }
}
