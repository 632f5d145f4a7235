package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.fixtures.Fixtures;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunTest {
  @TempDir static Path folder;
  private static String tiny;

  @BeforeAll
  static void write() throws IOException {
    tiny = TinyModel.write(folder.resolve("tiny.gguf")).toString();
  }

  @Test
  void continuesToTheLetter() throws IOException {
    var model = Fixtures.need("models/stories260K.gguf").toString();
    var expected = Files.readString(Fixtures.need("models/stories260K.greedy.txt"));
    var text = tenon("run", "-m", model, "-p", "", "--temp", "0", "-n", "200").succeeded().out();
    assertThat(text).isNotEmpty();
    assertThat(expected.startsWith(text) || text.startsWith(expected)).as(text).isTrue();
    assertThat(tenon("run", "-m", model, "Once upon", "--temp", "0", "-n", "8").succeeded().out())
        .isEqualTo(" a time, there was a little g");
  }

  @Test
  void thePromptIsAnArgumentAnOptionOrTheInput() {
    var greedy = new String[] {"run", "-m", tiny, "--temp", "0", "-n", "9", "--ids"};
    var expected = with().run(append(greedy, "ab é")).succeeded().out();
    assertThat(with().run(append(greedy, "-p", "ab é")).succeeded().out()).isEqualTo(expected);
    assertThat(with().in("ab é").run(greedy).succeeded().out()).isEqualTo(expected);
    assertThat(with().in("ab é").run(append(greedy, "-")).succeeded().out()).isEqualTo(expected);
    assertThat(with().in("ab é").terminals("1").run(append(greedy, "-p", "-")).succeeded().out())
        .isEqualTo(expected);
    var ids = tenon("tokenize", "-m", tiny, "--text", "ab é", "--ids").succeeded().out();
    assertThat(with().run(append(greedy, "--tokens", ids.strip())).succeeded().out())
        .isEqualTo(expected)
        .startsWith(ids.strip().replace("]", ", "));
    // Every byte of the input counts.
    assertThat(with().in("ab é\n").run(greedy).succeeded().out()).isNotEqualTo(expected);
  }

  @Test
  void anEmptyPromptIsTheBeginTokenAndTokensHaveNone() {
    assertThat(tenon("run", "-m", tiny, "-p", "", "--ids", "-n", "0").succeeded().out())
        .isEqualTo("[1]\n");
    assertThat(tenon("run", "-m", tiny, "", "--ids", "-n", "0").succeeded().out())
        .isEqualTo("[1]\n");
    assertThat(tenon("run", "-m", tiny, "--ids", "-n", "0").succeeded().out()).isEqualTo("[1]\n");
    assertThat(tenon("run", "-m", tiny, "--tokens", "5, 6", "--ids", "-n", "0").succeeded().out())
        .isEqualTo("[5, 6]\n");
  }

  @Test
  void printsTheContinuationAndALineEndForPeopleAlone() {
    var args = new String[] {"run", "-m", tiny, "--temp", "0", "-n", "5", "a"};
    var piped = tenon(args).succeeded().out();
    assertThat(with().terminals("1").run(args).succeeded().out()).isEqualTo(piped + "\n");
    assertThat(tenon("run", "-m", tiny, "-n", "0", "a").succeeded().out()).isEmpty();
  }

  @Test
  void theSeedDecides() {
    var args = new String[] {"run", "-m", tiny, "--temp", "3", "--ids", "-n", "40", "a"};
    var expected = tenon(append(args, "-s", "7")).succeeded().out();
    assertThat(tenon(append(args, "--seed", "7")).succeeded().out()).isEqualTo(expected);
    assertThat(with().env("TENON_SEED", "7").run(args).succeeded().out()).isEqualTo(expected);
    assertThat(tenon(append(args, "-s", "8")).succeeded().out()).isNotEqualTo(expected);
  }

  @Test
  void samplersTakeTheirSettings() {
    var args =
        new String[] {"run", "-m", tiny, "--ids", "-n", "30", "-s", "1", "--ignore-eos", "a"};
    var greedy = tenon(append(args, "--temp", "0")).succeeded().out();
    assertThat(tenon(append(args, "--temp", "9", "--top-k", "1")).succeeded().out())
        .isEqualTo(greedy);
    assertThat(tenon(append(args, "--temp", "9", "--top-p", "0")).succeeded().out())
        .isEqualTo(greedy);
    assertThat(tenon(append(args, "--temp", "9", "--min-p", "1")).succeeded().out())
        .isEqualTo(greedy);
    var penalised =
        tenon(append(args, "--temp", "0", "--presence-penalty", "1000", "--repeat-last-n", "-1"));
    assertThat(penalised.succeeded().out().replaceAll("[\\[\\]\\s]", "").split(","))
        .doesNotHaveDuplicates();
  }

  @Test
  void goesOnUntilTheContextIsFull() {
    var ids =
        tenon("run", "-m", tiny, "--ids", "--ignore-eos", "-c", "20", "-s", "1", "a")
            .succeeded()
            .out();
    // One more than the context holds: the last is not evaluated.
    assertThat(ids.split(",")).hasSize(21);
  }

  @Test
  void cacheTypesAndBatchesDoNotChangeWhatIsSaid() {
    var args = new String[] {"run", "-m", tiny, "--ids", "--temp", "0", "-n", "5", "ab a b ab"};
    var expected =
        tenon(append(args, "-ctk", "f32", "-ctv", "f32", "-fa", "off")).succeeded().out();
    for (var line :
        new String[] {
          "-b 2 -ub 1", "-fa on", "-fa auto", "-t 1", "-ngl 0", "--no-repack", "-nr -ngl all"
        }) {
      var more = append(args, (line + " -ctk f32 -ctv f32").split(" "));
      assertThat(tenon(more).succeeded().out()).as(line).isEqualTo(expected);
    }
  }

  @Test
  void verboseTellsTimes() {
    var tried = tenon("run", "-m", tiny, "-v", "-n", "3", "--ignore-eos", "a");
    assertThat(tried.code()).isZero();
    assertThat(tried.err())
        .contains("model: tiny, llama", "device: ", "seed: ", "load time = ")
        .containsPattern("prompt eval time = +[0-9.]+ ms / +2 tokens")
        .containsPattern(" eval time = +[0-9.]+ ms / +3 tokens")
        .contains("max tokens");
  }

  @Test
  void withoutAPromptOnATerminalTheChatOpens() {
    var tried =
        with().in("hello\n/exit\n").terminals("012").run("run", "-m", tiny, "-n", "3", "-s", "1");
    assertThat(tried.code()).isZero();
    assertThat(tried.err()).startsWith("> ");
    assertThat(tried.out()).endsWith("\n");
  }

  private static String[] append(String[] args, String... more) {
    var all = new ArrayList<>(List.of(args));
    all.addAll(List.of(more));
    return all.toArray(String[]::new);
  }
}
