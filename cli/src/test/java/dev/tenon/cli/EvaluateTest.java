package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Questions to a model that answers nonsense, the same each time.
class EvaluateTest {
  @TempDir static Path folder;
  private static String tiny;

  @BeforeAll
  static void write() throws IOException {
    tiny = TinyModel.write(folder.resolve("tiny.gguf")).toString();
  }

  private static String questions(String... questionsAndKeys) throws IOException {
    var lines = new StringBuilder();
    for (int i = 0; i < questionsAndKeys.length; i += 2)
      lines
          .append(
              Json.write(Map.of("question", questionsAndKeys[i], "key", questionsAndKeys[i + 1])))
          .append('\n');
    return Files.writeString(folder.resolve("q.jsonl"), lines).toString();
  }

  private static String[] evaluate(String... more) {
    var args = List.of("evaluate", "-m", tiny, "-f", folder.resolve("q.jsonl").toString());
    var all = new ArrayList<>(args);
    all.addAll(List.of("-c", "512", "-n", "8"));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }

  /// What the model answers.
  private static String reply(String question) throws IOException {
    questions(question, "\u0001 never said");
    var wrong = (List<?>) Json.object(tenon(evaluate("--json")).succeeded().out()).get("wrong");
    return (String) ((Map<?, ?>) wrong.getFirst()).get("reply");
  }

  @Test
  void countsTheAnswersThatHaveTheirKey() throws IOException {
    var key = reply("a b");
    assertThat(key).isNotEmpty();
    questions("a b", key, "é", "\u0001 never said", "a b", key.substring(key.length() / 2));
    assertThat(tenon(evaluate()).succeeded().out()).isEqualTo("exact match: 2 of 3 (66.7 %)\n");
    var result = Json.object(tenon(evaluate("--json")).succeeded().out());
    assertThat(result).containsEntry("questions", 3L).containsEntry("right", 2L);
    assertThat((Double) result.get("exact_match")).isEqualTo(2.0 / 3);
    assertThat((List<?>) result.get("wrong")).hasSize(1);

    assertThat(tenon(evaluate("-v")).out())
        .startsWith("question  é\n")
        .contains("\nkey       ", "\nreply     ")
        .endsWith("\nexact match: 2 of 3 (66.7 %)\n");
  }

  @Test
  void failsBelowTheLeast() throws IOException {
    var key = reply("a b");
    questions("a b", key, "a b", "\u0001 never said");
    tenon(evaluate("--min", "0.5")).succeeded();
    var tried = tenon(evaluate("--min", "0.51"));
    assertThat(tried.code()).isEqualTo(1);
    assertThat(tried.out()).isEqualTo("exact match: 1 of 2 (50.0 %)\n");
  }

  @Test
  void whatIsWrongIsOneLine() throws IOException {
    Files.writeString(folder.resolve("q.jsonl"), "{\"question\": \"a\", \"key\": \"b\"}\n{\n");
    tenon(evaluate()).failed("q.jsonl, line 2");
    Files.writeString(folder.resolve("q.jsonl"), "");
    tenon(evaluate()).failed("q.jsonl has no questions");
    Files.write(folder.resolve("q.jsonl"), new byte[] {(byte) 0xff});
    tenon(evaluate()).failed("not UTF-8");
    with().in("{}").run("evaluate", "-m", tiny, "-f", "-").failed("stdin, line 1", "question");
    tenon("evaluate", "-m", tiny, "-f", folder.resolve("none").toString()).failed("none");
    questions("a ".repeat(600), "b");
    tenon(evaluate()).failed("context");
  }
}
