package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Arguments, before any model is there.
class UsageTest {
  @Test
  void aloneItPrintsItsUsageAsAnError() {
    var tried = tenon();
    assertThat(tried.code()).isEqualTo(2);
    assertThat(tried.out()).isEmpty();
    assertThat(tried.err()).contains("Usage: tenon", "run", "inspect");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "run",
        "chat",
        "inspect",
        "embed",
        "fill-mask",
        "classify",
        "ner",
        "answer",
        "rerank",
        "tokenize",
        "parse",
        "render",
        "grammar",
        "logits",
        "attention",
        "bench",
        "pull",
        "list",
        "rm",
        "convert",
        "quantize",
        "split",
        "merge",
        "metadata",
        "train-tokenizer",
        "imatrix",
        "perplexity",
        "evaluate",
        "bleu",
        "version",
        "completion"
      })
  void everyCommandHasHelp(String command) {
    var tried = tenon(command, "--help").succeeded();
    assertThat(tried.out()).startsWith("Usage: tenon " + command).contains("--verbose");
    assertThat(tenon("help", command).succeeded().out()).isEqualTo(tried.out());
    assertThat(tenon("--help").succeeded().out()).contains("  " + command);
  }

  @Test
  void helpIsColouredForPeopleAlone() {
    assertThat(with().terminals("1").run("--help").succeeded().out()).contains("\u001b[");
    assertThat(with().terminals("1").env("NO_COLOR", "1").run("--help").succeeded().out())
        .doesNotContain("\u001b[");
    assertThat(with().terminals("02").run("--help").succeeded().out()).doesNotContain("\u001b[");
  }

  @Test
  void theVersionIsOneLine() {
    assertThat(tenon("--version").succeeded().out()).matches("tenon \\S+\n");
  }

  @Test
  void theCompletionScriptKnowsCommandsAndOptions() {
    assertThat(tenon("completion").succeeded().out())
        .startsWith("#!/usr/bin/env bash")
        .contains("tokenize", "--ctx-size", "--no-repack", "-ngl", "complete -F");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "rnu                           | unknown command rnu, did you mean run?",
        "run --tmp 0                   | unknown option --tmp, did you mean --temp?",
        "run --ctx-szie 3              | unknown option --ctx-szie, did you mean --ctx-size?",
        "run --no-such-thing           | unknown option --no-such-thing",
        "run a b                       | one argument too many: b",
        "run a -p b                    | one prompt",
        "run -p a --tokens 1           | one prompt",
        "run -m x -n                   | --n-predict",
        "run -m x -n many a            | 'many' is not an int",
        "run -m x -c -1 a              | context of -1",
        "run -m x -b 0 a               | batch 0",
        "run -m x -ub 0 a              | micro-batch 0",
        "run -m x -t 100000 a          | threads: 100000",
        "run -m x -ctk q4_0 a          | 'q4_0' is not f32, f16 or q8_0",
        "run -m x -fa maybe a          | 'maybe' is not on, off or auto",
        "run -m x -ngl some a          | 'some' is not a number of layers",
        "run -m x -s -2 a              | --seed -2",
        "run -m x --temp NaN a         | temperature",
        "run -m x --repeat-penalty 0 a | --repeat-penalty 0, a finite number above 0",
        "run -m x --tokens 1,x         | 'x' is not a token id",
        "run -m x --tokens 1,,2        | '' is not a token id",
        "tokenize -m x --text a -f b   | an argument, --text, -f or --decode",
        "logits -m x --chunk 0 a       | --chunk 0",
        "attention -m x a              | where to? Give -o FILE.html, FILE.npz or FILE.json",
        "attention -m x a -o a.png     | the name must end in .html, .npz or .json",
        "attention -m x --tokens 1 --pair b -o a.html | --pair goes with a text",
        "attention -m x a --token-types 0 -o a.html   | --token-types goes with --tokens",
        "attention -m x a --layers 3-1 -o a.html      | --layers: '3-1' is not a number or range",
        "attention -m x a --heads all -o a.html       | --heads: 'all' is not a number or range",
        "attention a -o a.html         | TENON_MODEL",
        "inspect                       | TENON_MODEL",
        "bench -m x -p 4x              | '4x' is not a number or range",
        "bench -m x -p -4              | '-4' is not a number or range",
        "bench -m x -p 8-4             | '8-4' is not a number or range",
        "bench -m x -p 1-100000000     | more than",
        "bench -m x -ctv q4_0          | 'q4_0' is not f32, f16 or q8_0",
        "bench -m x -o xml             | md, json or csv",
        "bench -m x -r 0               | -r 0",
        "bench -m x -pg 3              | two numbers",
        "imatrix -m x                  | -f FILE",
        "perplexity -m x               | -f FILE",
        "evaluate -m x                 | -f FILE",
        "evaluate -m x -f x -n 0       | -n 0, from 1",
        "evaluate -m x -f x --min 2    | --min 2, from 0 to 1",
        "evaluate -m x -f x --min nan  | --min",
      })
  void wrongUsageIsOneLineAndExitCodeTwo(String line, String hint) {
    tenon(line.split(" ")).refused(hint);
  }

  @Test
  void aTerminalIsNoPlaceForRawNumbers() {
    with().terminals("1").run("logits", "-m", "x", "a").refused("-o FILE");
  }

  @Test
  void settingsComeFromTheEnvironmentAndFlagsWin() {
    with().env("TENON_MODEL", "no/such.gguf").run("run", "a").failed("no/such.gguf");
    with()
        .env("TENON_MODEL", "no/such.gguf")
        .run("run", "-m", "nor/this.gguf", "a")
        .failed("nor/this.gguf");
    with()
        .env("TENON_THREADS", "abc")
        .run("run", "-m", "x", "a")
        .refused("'abc' is not an int", "(from TENON_THREADS)");
    with().env("TENON_TEMP", "NaN").run("run", "-m", "x", "a").refused("temperature");
    with().env("TENON_TEMPERATURE", "NaN").run("run", "-m", "x", "a").refused("temperature");
    with()
        .env("TENON_TEMPERATURE", "NaN")
        .run("run", "-m", "no/such.gguf", "--temp", "0", "a")
        .failed("no/such.gguf");
    with().env("TENON_NO_REPACK", "perhaps").run("run", "-m", "x", "a").refused("perhaps");
    with()
        .env("TENON_NO_REPACK", "1")
        .env("TENON_CTX_SIZE", "")
        .env("TENON_PROMPT", "not a setting")
        .run("run", "-m", "no/such.gguf", "a")
        .failed("no/such.gguf");
  }

  @Test
  void textIsTextWhateverItBeginsWith(@TempDir Path folder) throws Exception {
    var model = TinyModel.write(folder.resolve("tiny.gguf")).toString();
    for (var text : new String[] {"@a", "-hello", "-n", "--temp", "${user.home}", "\"q\"", "é"}) {
      var ids = tenon("tokenize", "-m", model, "--text", text, "--ids").succeeded().out();
      assertThat(tenon("tokenize", "-m", model, "--decode", ids).succeeded().out()).isEqualTo(text);
    }
    assertThat(tenon("tokenize", "-m", model, "--ids", "--text=@a").succeeded().out())
        .isEqualTo(tenon("tokenize", "-m", model, "--ids", "--text", "@a").succeeded().out());
  }
}
