package dev.tenon.cli;

import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTest {
  @TempDir static Path folder;
  private static String tiny;

  @BeforeAll
  static void write() throws IOException {
    tiny = TinyModel.write(folder.resolve("tiny.gguf")).toString();
  }

  @Test
  void answersEachLineAndLeavesAtTheEnd() {
    var tried =
        with().in("a\n\nb\n").run("chat", "-m", tiny, "--temp", "0", "-n", "4", "--top-k", "1");
    assertThat(tried.err()).isEmpty();
    assertThat(tried.code()).isZero();
    assertThat(tried.out()).endsWith("\n");
  }

  @Test
  void evaluatesOnlyWhatIsNew() {
    var model = Fixtures.need("models/stories260K.gguf").toString();
    var tried =
        with()
            .in("Hello\nHello\n/clear\nHello\n")
            .run("chat", "-v", "-m", model, "--temp", "0", "-n", "5");
    var evaluated =
        tried
            .err()
            .lines()
            .filter(line -> line.contains("prompt eval time"))
            .map(line -> Integer.parseInt(line.replaceAll(".*/ +(\\d+) tokens.*", "$1")))
            .toList();
    assertThat(evaluated).hasSize(3);
    // A turn of the same text, and what ends the answer before it.
    assertThat(evaluated.get(1)).isLessThan(evaluated.get(0) + 20);
    // The whole prompt is there already: its last token alone is asked for what follows.
    assertThat(evaluated.get(2)).isOne();
    var answers = tried.out().lines().toList();
    assertThat(answers.getFirst()).isEqualTo(answers.getLast());
  }

  @Test
  void knowsItsCommands() {
    var tried = with().in("/help\n/nonesuch\n/clear\n/bye\na\n").run("chat", "-m", tiny);
    assertThat(tried.code()).isZero();
    assertThat(tried.out()).isEmpty();
    assertThat(tried.err()).contains("/clear", "/exit", "no such command: /nonesuch");
  }

  @Test
  void saysWhenTheContextIsFull() {
    var tried =
        with()
            .in("a\nb\n/clear\nb\n")
            .run("chat", "-m", tiny, "-c", "40", "--temp", "0", "--ignore-eos");
    assertThat(tried.code()).isZero();
    assertThat(tried.err()).contains("context", "/clear");
  }
}
