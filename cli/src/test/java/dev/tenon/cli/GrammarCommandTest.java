package dev.tenon.cli;

import static dev.tenon.cli.Tried.tenon;
import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.GgufWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GrammarCommandTest {
  @TempDir Path folder;

  @Test
  void printsAGrammar() throws IOException {
    var text = "# greetings\nroot ::= \"hi\" | \"ho\"\n";
    assertThat(tenon("grammar", "--grammar", text).succeeded().out()).isEqualTo(text);
    var file = Files.writeString(folder.resolve("g.gbnf"), text.strip());
    assertThat(tenon("grammar", "--grammar-file", file.toString()).succeeded().out())
        .isEqualTo(text);
  }

  @Test
  void printsTheGrammarOfASchema() throws IOException {
    var schema = "{\"enum\": [1, \"é\"]}";
    var expected =
        """
        root ::= ("1" | "\\"é\\"")
        space ::= | " " | "\\n"{1,2} [ \\t]{0,20}
        """;
    assertThat(tenon("grammar", "-j", schema).succeeded().out()).isEqualTo(expected);
    var file = Files.writeString(folder.resolve("s.json"), schema).toString();
    assertThat(tenon("grammar", "--json-schema-file", file).succeeded().out()).isEqualTo(expected);
    assertThat(tenon("grammar", "-jf", file).succeeded().out()).isEqualTo(expected);
    assertThat(tenon("grammar", "--json-schema", schema).succeeded().out()).isEqualTo(expected);
  }

  @Test
  void saysWhetherATextIsAccepted() throws IOException {
    var grammar = "root ::= (\"é\" [0-9]+ \"\\n\")+";
    var good = Files.writeString(folder.resolve("good"), "é1\né22\n").toString();
    assertThat(tenon("grammar", "--grammar", grammar, "-f", good).succeeded().out())
        .isEqualTo("accepted\n");
    assertThat(with().in("é1\n").run("grammar", "--grammar", grammar, "-f", "-").succeeded().code())
        .isZero();
    with()
        .in("é1")
        .run("grammar", "--grammar", grammar, "-f", "-")
        .failed("line 1, column 3", "ends");
    with().in("é1\n\n").run("grammar", "--grammar", grammar, "-f", "-").failed("line 2, column 1");
    with()
        .in("é1\néx")
        .run("grammar", "--grammar", grammar, "-f", "-")
        .failed("line 2, column 2", "'x'", "byte 6");
    with()
        .in(new byte[] {(byte) 0xc3, 'x'})
        .run("grammar", "--grammar", grammar, "-f", "-")
        .failed("column 1", "0xC3");
  }

  @Test
  void tokensAreNamedByAVocabulary() throws IOException {
    var file = folder.resolve("vocabulary.gguf");
    TinyModel.vocabulary(new GgufWriter().put("general.architecture", "llama"), true).write(file);
    var grammar = "root ::= \"a\" </s>?";
    tenon("grammar", "--grammar", grammar).failed("</s>", "line 1, column 14");
    assertThat(
            tenon("grammar", "--grammar", grammar, "-m", file.toString()).succeeded().out().strip())
        .isEqualTo(grammar);
  }

  @Test
  void mistakesAreOneLine() throws IOException {
    tenon("grammar").refused("which grammar?");
    tenon("grammar", "--grammar", "root ::= \"a\"", "-j", "{}").refused("one of --grammar");
    tenon("grammar", "--grammar", "root ::= a").failed("line 1, column 10", "a is not defined");
    tenon("grammar", "--grammar", "a ::= \"x\"").failed("root");
    tenon("grammar", "--grammar", "root ::= root \"x\"").failed("left recursion", "root -> root");
    tenon("grammar", "-j", "{").failed("line 1");
    tenon("grammar", "-j", "false").failed("nothing satisfies");
    tenon("grammar", "--grammar-file", folder.resolve("none").toString()).failed("no such file");
    tenon("grammar", "--grammar-file", folder.toString()).failed(folder + ": it is a folder");
    tenon("grammar", "-jf", folder.toString()).failed(folder + ": it is a folder");
    tenon("grammar", "-j", "{}", "-f", folder.toString()).failed(folder + ": it is a folder");
    if (Files.exists(Path.of("/dev/zero"))) {
      tenon("grammar", "-jf", "/dev/zero").failed("/dev/zero: not a file with an end");
      tenon("grammar", "-j", "{}", "-f", "/dev/zero").failed("/dev/zero: not a file with an end");
    }
    var latin = Files.write(folder.resolve("latin"), new byte[] {'r', (byte) 0xe9}).toString();
    tenon("grammar", "--grammar-file", latin).failed("not UTF-8");
  }
}
