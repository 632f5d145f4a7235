package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.json.Json;
import dev.tenon.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// The tokenizers of Hugging Face folders, with what transformers makes of texts and of pairs.
class TokenizerFilesConformanceTest {
  @TempDir private Path temporary;

  @TestFactory
  Stream<DynamicTest> idsAreThoseOfTransformers() throws IOException {
    return Stream.concat(
        Fixtures.each("huggingface", "*", this::check), Fixtures.each("models", "*", this::check));
  }

  private void check(Path folder) throws IOException {
    var file = folder.resolve("expected.json");
    Assumptions.assumeTrue(Files.exists(file), () -> "no expected.json in " + folder);
    var cases = Json.object(Files.readString(file)).get("tokenizer");
    Assumptions.assumeTrue(cases instanceof List, () -> "no texts in " + file);
    Assumptions.assumeTrue(TokenizerFiles.present(folder), () -> "another tokenizer: " + folder);
    int rows = Config.open(folder.resolve("config.json")).text().size("vocab_size");
    var vocabulary = TokenizerFiles.read(folder, rows);
    var writer = new GgufWriter().put("general.architecture", "test");
    vocabulary.putInto(writer);
    var written = temporary.resolve(folder.getFileName() + ".gguf");
    writer.write(written);
    try (var gguf = Gguf.open(written)) {
      var tokenizer = Tokenizer.of(gguf);
      assertThat(tokenizer.vocabularySize()).isGreaterThanOrEqualTo(rows);
      var wrong = new ArrayList<String>();
      for (var one : (List<?>) cases) {
        check(tokenizer, (Map<?, ?>) one, wrong);
      }
      assertThat(wrong).isEmpty();
    }
  }

  private static void check(Tokenizer tokenizer, Map<?, ?> one, List<String> wrong) {
    var text = (String) one.get("text");
    var pair = (String) one.get("pair");
    var ids = ids(one.get("ids"));
    var tokens = tokenizer.tokenize(text, pair);
    compare(text, "tokens", ids, list(tokens.ids()), wrong);
    if (one.get("token_type_ids") != null) {
      compare(text, "types", ids(one.get("token_type_ids")), list(tokens.typeIds()), wrong);
    }
    if (pair == null) {
      compare(text, "ids", ids, list(tokenizer.encode(text, true, true)), wrong);
    }
    if (one.containsKey("plain")) {
      compare(
          text, "plain", ids(one.get("plain")), list(tokenizer.encode(text, false, true)), wrong);
    }
    if (one.containsKey("decoded")) {
      var all = ids.stream().mapToInt(Integer::intValue).toArray();
      compare(text, "decoded", one.get("decoded"), tokenizer.decode(all), wrong);
    }
  }

  private static void compare(
      String text, String what, Object expected, Object found, List<String> wrong) {
    if (!expected.equals(found)) {
      wrong.add("%s of \"%s\": %s, not %s".formatted(what, text, found, expected));
    }
  }

  private static List<Integer> ids(Object json) {
    return ((List<?>) json).stream().map(id -> Math.toIntExact((Long) id)).toList();
  }

  private static List<Integer> list(int[] ids) {
    return Arrays.stream(ids).boxed().toList();
  }
}
