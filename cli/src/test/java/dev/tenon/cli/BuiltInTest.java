package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Commands that no model is named to.
class BuiltInTest {
  @TempDir Path folder;

  @Test
  void aQuestionIsAnArgumentOrTheInput() {
    var answer = tenon("run", "What is Tenon?", "-n", "12").succeeded().out();
    assertThat(answer).isNotEmpty();
    assertThat(tenon("run", "What is Tenon?", "-n", "12").succeeded().out()).isEqualTo(answer);
    assertThat(with().in("What is Tenon?\n").run("run", "-n", "12").succeeded().out())
        .isEqualTo(answer);
    assertThat(with().in("What is Tenon?\n").run("run", "-", "-n", "12").succeeded().out())
        .isEqualTo(answer);
  }

  @Test
  void whatIsToBeContinuedIsTakenAsItIs() {
    var ids = tenon("tokenize", "--ids", "What is Tenon?").succeeded().out().strip();
    var bare = tenon("run", "-p", "What is Tenon?", "--ids", "-n", "0").succeeded().out();
    assertThat(bare.strip()).isEqualTo(ids);
    var asked = tenon("run", "What is Tenon?", "--ids", "-n", "0").succeeded().out();
    assertThat(asked.length()).isGreaterThan(bare.length());
  }

  @Test
  void theChatAnswersAsWell() {
    var tried = with().in("What is Tenon?\n").run("chat", "-n", "12").succeeded();
    assertThat(tried.out().strip())
        .isEqualTo(tenon("run", "What is Tenon?", "-n", "12").succeeded().out().strip());
  }

  @Test
  void measuringCommandsTakeIt() throws IOException {
    var text = Files.writeString(folder.resolve("text"), "Once upon a time. ".repeat(40));
    assertThat(tenon("perplexity", "-f", text.toString(), "-c", "32").succeeded().out())
        .contains("perplexity");
    assertThat(tenon("bench", "-p", "4", "-n", "2", "-r", "1", "-o", "json").succeeded().out())
        .contains("\"built-in tenon.gguf\"");
    var questions = folder.resolve("q.jsonl");
    Files.writeString(questions, "{\"question\": \"Hello\", \"key\": \"\\u0001\"}");
    assertThat(tenon("evaluate", "-f", questions.toString(), "-n", "4").succeeded().out())
        .isEqualTo("exact match: 0 of 1 (0.0 %)\n");
  }

  @Test
  void aNamedModelComesFirst() {
    with().env("TENON_MODEL", "no/such.gguf").run("run", "a").failed("no/such.gguf");
    tenon("run", "-m", "no/such.gguf", "a").failed("no/such.gguf");
    tenon("run", "--hf-file", "x.gguf", "a").refused("--hf-file needs -hf NAME");
    tenon("embed", "a").refused("TENON_MODEL"); // it has no vectors
  }
}
