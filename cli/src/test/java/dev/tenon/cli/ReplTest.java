package dev.tenon.cli;

import static dev.tenon.cli.Tried.with;
import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// What can be typed in a chat, with a model that answers nonsense.
@Timeout(120)
class ReplTest {
  @TempDir static Path folder;
  private static String tiny;

  @BeforeAll
  static void write() throws IOException {
    tiny = TinyModel.write(folder.resolve("tiny.gguf")).toString();
  }

  /// A chat in which those lines are typed. Its answers are the same each time, of five tokens.
  private static Tried chat(String lines, String... options) {
    var args = new ArrayList<>(List.of("chat", "-m", tiny, "--temp", "0", "-n", "5", "-c", "2000"));
    args.addAll(List.of(options));
    return with().in(lines).run(args.toArray(String[]::new));
  }

  /// What is said beside the answers, line by line.
  private static List<String> said(String lines, String... options) {
    var tried = chat(lines, options);
    assertThat(tried.code()).as(tried.err()).isZero();
    assertThat(tried.err()).doesNotContain("Exception").doesNotContain("\tat ");
    return tried.err().lines().toList();
  }

  private static Path file(String name, String text) throws IOException {
    return Files.writeString(folder.resolve(name), text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/nonesuch",
        "/regen",
        "/undo",
        "/set",
        "/set nonesuch",
        "/set parameter nonesuch",
        "/set parameter top_k many",
        "/set parameter top_k 1 2",
        "/set parameter stop \"open",
        "/set think maybe",
        "/set format {\"type\": 7}",
        "/set format {not json",
        "/set format no/such.json",
        "/set format no/such.gbnf",
        "/show",
        "/show nonesuch",
        "/load",
        "/load no/such",
        "/load .",
        "/load /dev/null",
        "/save",
        "/save no/such/folder/file",
        "/save .",
        "/read",
        "/read no/such",
        "/read .",
        "/read /dev/zero",
        "/read a\u0000b",
        "/load \u001b[31m",
      })
  void whatIsWrongIsOneLineAndTheChatLivesOn(String line) {
    var said = said(line + "\n/show system\n");
    assertThat(said).hasSize(2).endsWith("(no system message)");
    assertThat(said.getFirst()).isNotBlank().doesNotContain("\u001b");
  }

  @Test
  void aWordThatIsNearlyRightIsSuggested() {
    assertThat(said("/regn\n")).containsExactly("no such command: /regn, did you mean /regen?");
    assertThat(said("/nonesuch\n")).containsExactly("no such command: /nonesuch; /help lists them");
    assertThat(said("/show stat\n").getFirst()).endsWith("did you mean stats?");
    assertThat(said("/set parameter temprature 1\n").getFirst())
        .endsWith("did you mean temperature?");
  }

  @ParameterizedTest
  @ValueSource(strings = {"/usr/bin/a b", "// a", "/* a */", " //", "/a/"})
  void aPathOrACommentIsAQuestion(String line) {
    var tried = chat(line + "\n");
    assertThat(tried.err()).isEmpty();
    assertThat(tried.out()).isNotBlank();
  }

  @Test
  void helpNamesEveryCommand() {
    for (var name : List.of("/help", "/?")) {
      assertThat(said(name + "\n")).allMatch(line -> line.length() < 80);
      assertThat(String.join("\n", said(name + "\n")))
          .contains("/help, /?", "/exit, /bye", "/clear", "/regen", "/undo", "/system", "/read")
          .contains("/set parameter", "/set format", "/set think", "/show info|template")
          .contains("/load FILE", "/save FILE", "/context", "\"\"\"", "Alt-Enter", "Ctrl-C");
    }
  }

  @Test
  void nothingAfterLeavingIsRead() {
    assertThat(said("/exit\n/nonesuch\n")).isEmpty();
    assertThat(said(" /bye \n/nonesuch\n")).isEmpty();
  }

  @Test
  void theSystemMessageIsSetShownAndTakenAway() {
    assertThat(
            said(
                """
                /system Be brief.
                /system
                /set system Be long.
                /show system
                /system \"""
                one
                 two\"""
                /clear
                /show system
                /system ""
                /system
                """))
        .containsExactly(
            "Be brief.", "Be long.", "(forgotten)", "one", " two", "(no system message)");
    assertThat(said("/show system\n", "-sys", "from a flag")).containsExactly("from a flag");
  }

  @Test
  void aSystemMessageFromAFileAndWhatTheModelIsToldOfIt() throws IOException {
    var text = file("system.txt", "a b\n").toString();
    assertThat(said("/show system\n", "-sysf", text)).containsExactly("a b");
    assertThat(chat("x\n", "-sysf", text).out()).isEqualTo(chat("x\n", "-sys", "a b").out());
    assertThat(chat("x\n", "-sys", "a b").out()).isEqualTo(chat("/system a b\nx\n").out());
  }

  @Test
  void regenerationAndUndo() {
    var once = chat("a b\n").out();
    assertThat(chat("a b\n/regen\n").out()).isEqualTo(once + once);
    assertThat(chat("b a\n/undo\na b\n").out()).endsWith(once).isNotEqualTo(once);
    assertThat(chat("b\n/clear\na b\n").out()).endsWith(once);
    assertThat(said("a\n/undo\n/undo\n"))
        .containsExactly("(taken back)", "there is nothing to take back");
  }

  @Test
  void parametersAreSetAndShown() {
    assertThat(said("/set parameter top_k 7\n/set parameter top_k\n"))
        .containsExactly(String.format("%-22s %s", "top_k", "7"));
    assertThat(said("/show parameters\n", "-s", "1"))
        .isEqualTo(said("/set parameter\n", "-s", "1"))
        .anySatisfy(line -> assertThat(line).matches("temperature +0.0"))
        .anySatisfy(line -> assertThat(line).matches("num_predict +5"));
    assertThat(said("/set parameter num_predict 2\na\n/show stats\n").get(1))
        .matches("answer +2 tokens.*max tokens");
  }

  @Test
  void answersAreHeldToAFormat() throws IOException {
    var gbnf = file("list.gbnf", "root ::= \"a\" (\"b\" | \" b\")+").toString();
    assertThat(said("/set format " + gbnf + "\nx\n/set format\n/show format\n"))
        .containsExactly("(answers are of the grammar in " + gbnf + ")", gbnf, gbnf);
    assertThat(said("/show format\n", "--grammar-file", gbnf))
        .containsExactly("root ::= \"a\" (\"b\" | \" b\")+");
    assertThat(chat("/set format " + gbnf + "\nx\nx\n/regen\n").out().lines())
        .hasSize(3)
        .allSatisfy(line -> assertThat(line).matches("a( ?b)* ?"));
    // White space may come first.
    assertThat(chat("/set format json\nx\n", "-n", "90").out()).startsWith("{");
    assertThat(chat("/set format {\"const\": \"ab\"}\nx\n", "-n", "90").out())
        .isEqualTo("\"ab\"\n");
    var schema = file("some schema.json", "{\"enum\": [1234]}").toString();
    assertThat(chat("/set format " + schema + "\nx\n", "-n", "90").out()).isEqualTo("1234\n");
    var plain = chat("x\n").out();
    assertThat(chat("/set format " + schema + "\n/set format none\nx\n").out()).isEqualTo(plain);
    assertThat(chat("x\n", "-jf", schema, "-n", "90").out()).isEqualTo("1234\n");

    var recursive = file("recursive.gbnf", "root ::= root \"a\"").toString();
    assertThat(said("/set format " + recursive + "\n/set format\n"))
        .hasSize(2)
        .endsWith("none")
        .first()
        .asString()
        .contains(recursive, "root");
  }

  @Test
  void theFormatIsToldAsItWasTyped() throws IOException {
    var schema = "{\"enum\": [ 1 ]}";
    var file = file("form.json", schema).toString();
    assertThat(
            said(
                """
                /show format
                /set format json
                /show format
                /set format %s
                /set format
                /set format %s
                /set format
                /set format none
                /set format
                """
                    .formatted(schema, file)))
        .containsExactly(
            "none",
            "(answers are JSON)",
            "json",
            "(answers are JSON of that schema)",
            schema,
            "(answers are JSON of the schema in " + file + ")",
            file,
            "(answers have any form)",
            "none");
    assertThat(said("/show format\n", "-j", schema)).containsExactly("{\"enum\":[1]}");
    assertThat(said("/set format {not json\n/show format\n", "-jf", file))
        .hasSize(2)
        .endsWith("{\"enum\":[1]}");
  }

  @Test
  void aSlipIsOneLineWithVerboseToo() {
    var slips = "/regen\n/set parameter top_p 5\n/set format {not json\n/read no/such\n";
    var err = chat(slips, "-v").err();
    assertThat(err)
        .contains("nothing was asked yet", "top_p 5, from 0 to 1", "no/such")
        .doesNotContain("\tat ", "Exception");
  }

  @Test
  void aFullContextSaysWhatMakesRoom() {
    var err = chat("a\n", "-c", "4").err();
    assertThat(err.lines()).hasSize(1);
    assertThat(err).contains("/undo", "/clear", "-c", "--context-shift");
  }

  @Test
  void theModelIsShown() {
    assertThat(String.join("\n", said("/show info\n"))).contains("tiny", "llama", "2000 tokens");
    assertThat(String.join("\n", said("/show template\n"))).contains("<|im_start|>", "{%");
    assertThat(said("/show stats\n")).containsExactly("(no answer yet)");
  }

  /// The second turn evaluates its own tokens alone, and what an undone turn leaves is kept.
  @Test
  void theStatsTellWhatWasReused() {
    var said = said("a b\n/show stats\nb\n/show stats\n/context\n");
    int first = number(said.get(0), "prompt +(\\d+) tokens");
    assertThat(said.get(0)).doesNotContain("reused");
    assertThat(number(said.get(1), "answer +(\\d+) tokens")).isEqualTo(5);
    int reused = number(said.get(2), "and (\\d+) reused");
    assertThat(reused).isBetween(first, first + 5);
    assertThat(number(said.get(2), "prompt +(\\d+) tokens")).isLessThan(2 * first);
    assertThat(said.get(4)).matches("\\d+ of 2000 tokens of the context are used \\(\\d+ %\\)");
    assertThat(chat("a\nb\n", "-v").err())
        .contains("prompt eval time", "tokens per second")
        .containsPattern("prompt reused = +[1-9]");
  }

  private static int number(String line, String pattern) {
    assertThat(line).containsPattern(pattern);
    return Integer.parseInt(line.replaceAll(".*?" + pattern + ".*", "$1"));
  }

  @Test
  void aConversationIsKeptAndComesBack() throws IOException {
    var saved = folder.resolve("some chat.bin").toString();
    var whole = chat("/system a\nx\n/save " + saved + "\ny\n");
    assertThat(whole.err()).contains("saved 3 messages");
    var second = whole.out().substring(chat("/system a\nx\n").out().length());
    var again = chat("/load " + saved + "\n/show system\ny\n/show stats\n");
    assertThat(again.out()).isEqualTo(second);
    assertThat(again.err()).contains("3 messages; ", "\na\n").doesNotContain("and 0 reused");

    var other =
        TinyModel.writer().put("general.name", "other").put("llama.rope.freq_base", real(5));
    other.write(folder.resolve("other.gguf"));
    var refused =
        with()
            .in("/load " + saved + "\n/context\n")
            .run("chat", "-m", folder.resolve("other.gguf").toString());
    assertThat(refused.err().lines()).hasSize(2).first().asString().contains("some chat.bin");
    assertThat(refused.err()).contains("\n0 of ");

    var bytes = Files.readAllBytes(Path.of(saved));
    var cut = folder.resolve("cut.bin");
    Files.write(cut, Arrays.copyOf(bytes, bytes.length / 2));
    assertThat(said("/load " + cut + "\n/context\n")).hasSize(2).last().asString().startsWith("0 ");
  }

  private static GgufValue real(double value) {
    return new GgufValue.Real(GgufType.FLOAT32, value);
  }

  @Test
  void aFileIsReadIntoTheNextQuestion() throws IOException {
    var text = file("a text.txt", "a b\nb a").toString();
    var read = chat("/read " + text + "\nab\nx\n");
    assertThat(read.err()).contains("7 characters");
    assertThat(read.out()).isEqualTo(chat("\"\"\"a b\nb a\n\nab\"\"\"\nx\n").out());
    assertThat(chat("/read " + text + "\n/clear\nab\n").out()).isEqualTo(chat("ab\n").out());

    var binary = folder.resolve("binary");
    Files.write(binary, new byte[] {'a', 0, 'b'});
    assertThat(said("/read " + binary + "\n")).hasSize(1).first().asString().contains("zero");
    Files.write(binary, "é".getBytes(StandardCharsets.ISO_8859_1));
    assertThat(said("/read " + binary + "\n")).hasSize(1).first().asString().contains("UTF-8");
    try (var large = Files.newByteChannel(binary, StandardOpenOption.WRITE)) {
      large.position(100L << 20).write(ByteBuffer.allocate(1));
    }
    assertThat(said("/read " + binary + "\n")).hasSize(1).first().asString().contains("large");
  }

  @Test
  void aQuestionOfSeveralLines() {
    var quoted = chat("\"\"\"a\nb\"\"\"\n");
    assertThat(quoted.err()).isEmpty();
    assertThat(quoted.out().lines()).isNotEmpty();
    assertThat(chat("\"\"\"\n/nonesuch\nb\n\"\"\"\n").err()).isEmpty();
    assertThat(chat("\"\"\"a\nb").out()).isEqualTo(quoted.out());
  }

  @Test
  void oneTurnAlone() {
    var answer = chat("a b\n").out();
    assertThat(chat("b\n", "-p", "a b", "-st").succeeded().out()).isEqualTo(answer);
    assertThat(chat("/show system\na b\nb\n", "-st").out()).isEqualTo(answer);
    assertThat(chat("b\n", "-p", "a b").out()).startsWith(answer).isNotEqualTo(answer);
    assertThat(chat("", "-st").code()).isZero();
    var failed = chat("", "-st", "-p", "a", "-c", "4");
    assertThat(failed.code()).isOne();
    assertThat(failed.err().lines()).hasSize(1);
    assertThat(chat("", "-st", "-p", "/help").out()).isNotBlank();
  }

  @Test
  void aTemplateIsChosen() throws IOException {
    var jinja = "{% for m in messages %}{{ m.content }}{% endfor %}";
    var file = file("template.jinja", jinja).toString();
    assertThat(said("/show template\n", "--chat-template", jinja)).containsExactly(jinja);
    assertThat(said("/show template\n", "--chat-template-file", file)).containsExactly(jinja);
    assertThat(String.join("\n", said("/show template\n", "--chat-template", "llama3")))
        .contains("<|start_header_id|>");
    chat("", "--chat-template", "nonesuch").failed("nonesuch", "chatml");
    chat("", "--chat-template", "{% if").failed("line 1");
    chat("", "--chat-template-file", "no/such").failed("no/such");
    chat("", "--chat-template", "chatml", "--chat-template-file", file).refused("one of");
    chat("", "-sys", "a", "-sysf", file).refused("one of");
    chat("", "--reasoning", "maybe").refused("'maybe' is not on, off or auto");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{{ raise_exception('no such luck') }}",
        "{% for i in range(1000000000) %}{{ i }}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ messages[7].content }}",
        "{{ nonesuch() }}",
      })
  void aTemplateThatFailsIsOneLineAndTheChatLivesOn(String template) {
    var said = said("a\n/show stats\n", "--chat-template", template);
    assertThat(said).hasSize(2).endsWith("(no answer yet)");
  }

  @Test
  void thinkingIsTurnedOnAndOff() {
    var template = "{{ enable_thinking }}{% for m in messages %}{{ m.content }}{% endfor %}";
    int thinks = tokens("", template, "on");
    int doesNot = thinks + "False".length() - "True".length();
    assertThat(tokens("", template, "off")).isEqualTo(doesNot);
    assertThat(tokens("", template, "auto")).isEqualTo(thinks);
    assertThat(tokens("/set think off\n", template, "on")).isEqualTo(doesNot);
    assertThat(tokens("/set think default\n", template, "off")).isEqualTo(thinks);
  }

  private static int tokens(String before, String template, String reasoning) {
    var said =
        said(before + "xyz\n/show stats\n", "--chat-template", template, "--reasoning", reasoning);
    return number(said.getFirst(), "prompt +(\\d+) tokens");
  }
}
