package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.tenon.cli.Screen.Style;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MarkdownTest {
  private static final String BOLD = Style.BOLD.on();
  private static final String CODE = Style.CODE.on();
  private static final String HEADING = Style.HEADING.on();
  private static final String PLAIN = Style.PLAIN.on();

  private static String whole(String text) {
    var markdown = new Markdown();
    return markdown.accept(text) + markdown.finish();
  }

  @Test
  void coloursWhatIsMarkedAndKeepsTheMarks() {
    assertThat(whole("a **b** c")).isEqualTo("a " + BOLD + "**b**" + PLAIN + " c");
    assertThat(whole("a `b*c*` d")).isEqualTo("a " + CODE + "`b*c*`" + PLAIN + " d");
    assertThat(whole("``a ` b`` c")).isEqualTo(CODE + "``a ` b``" + PLAIN + " c");
    assertThat(whole("## A\nb")).isEqualTo(HEADING + "## A" + PLAIN + "\nb");
    assertThat(whole("***a*** b")).isEqualTo(BOLD + "***a***" + PLAIN + " b");
    assertThat(whole("# a **b** `c`")).isEqualTo(HEADING + "# a **b** " + CODE + "`c`" + PLAIN);
  }

  @Test
  void coloursBlocksOfCode() {
    assertThat(whole("a\n```java\n# **no** `x`\n```\nb"))
        .isEqualTo("a\n" + CODE + "```java\n# **no** `x`\n```" + PLAIN + "\nb");
    assertThat(whole("  ~~~~\n~~~\n```\n ~~~~ \n*a*"))
        .isEqualTo(CODE + "  ~~~~\n~~~\n```\n ~~~~" + PLAIN + " \n*a*");
    assertThat(whole("```a```\nb")).isEqualTo(CODE + "```a```" + PLAIN + "\nb");
    assertThat(whole("```\nnever closed")).isEqualTo(CODE + "```\nnever closed" + PLAIN);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "2 ** 3 ** 4",
        "a * b",
        "*a*",
        "#hashtag",
        "####### seven",
        "C# and F#",
        "'    # code'",
        "- item",
        "1. one",
        "snake_case_name",
        "a ~~ b",
      })
  void leavesAloneWhatIsNoMark(String text) {
    assertThat(whole(text)).isEqualTo(text);
  }

  @Test
  void aMarkThatIsNotClosedEndsWithItsLine() {
    assertThat(whole("it`s\nb **c\nd"))
        .isEqualTo("it" + CODE + "`s" + PLAIN + "\nb " + BOLD + "**c" + PLAIN + "\nd");
  }

  @Test
  void holdsBackOnlyMarks() {
    var markdown = new Markdown();
    assertThat(markdown.accept("a b")).isEqualTo("a b");
    assertThat(markdown.accept(" *")).isEqualTo(" ");
    assertThat(markdown.accept("*")).isEmpty();
    assertThat(markdown.accept("c")).isEqualTo(BOLD + "**c");
    assertThat(markdown.accept("\n")).isEqualTo(PLAIN + "\n");
    assertThat(markdown.accept("#")).isEmpty();
    assertThat(markdown.finish()).isEqualTo(HEADING + "#" + PLAIN);
    assertThat(markdown.accept("*".repeat(1000)).length()).isGreaterThan(900);
  }

  /// The same bytes come out however the text is cut, and without colours it is the text itself.
  @Test
  void itDoesNotMatterHowTheTextIsCut() {
    var parts =
        new String[] {
          "**", "*", "`", "```", "~~~", "#", "## ", "\n", " ", "  ", "a", "word", "é", "\n\n"
        };
    var random = new Random(1);
    for (int i = 0; i < 3000; i++) {
      var text = new StringBuilder();
      for (int n = random.nextInt(30); n > 0; n--) {
        text.append(parts[random.nextInt(parts.length)]);
      }
      var expected = whole(text.toString());
      assertThat(expected.replaceAll("\u001b\\[[0-9;]*m", "")).isEqualTo(text.toString());
      var markdown = new Markdown();
      var cut = new StringBuilder();
      for (int at = 0; at < text.length(); ) {
        int to = Math.min(text.length(), at + 1 + random.nextInt(4));
        cut.append(markdown.accept(text.substring(at, to)));
        at = to;
      }
      cut.append(markdown.finish());
      assertThat(cut.toString()).as(text.toString()).isEqualTo(expected);
    }
  }
}
