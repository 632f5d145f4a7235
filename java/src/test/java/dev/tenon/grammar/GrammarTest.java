package dev.tenon.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import dev.tenon.grammar.Earley.Verdict;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class GrammarTest {
  static Object[][] examples() {
    return new Object[][] {
      // grammar, what it accepts, what it does not
      {"root ::= \"abc\"", "abc", "ab"},
      {"root ::= \"a\" \"b\"", "ab", "a"},
      {"root ::= [a-c] [x]", "bx", "dx"},
      {"root ::= [^a-c]", "d", "a"},
      {"root ::= [^\\x61]", "b", "a"},
      {"root ::= [a-]", "-", "b"},
      {"root ::= [-a]", "-", "b"},
      {"root ::= [\\]\\[\\\\]", "]", "x"},
      {"root ::= \"\\u00e9\\U0001F600\"", "é😀", "é"},
      {"root ::= [à-ü]", "é", "e"},
      {"root ::= .", "日", "ab"},
      {"root ::= \"a\"?  \"b\"", "b", "aab"},
      {"root ::= \"a\"* \"b\"+", "aabb", "aa"},
      {"root ::= \"ab\"{2}", "abab", "ab"},
      {"root ::= \"a\"{2,}", "aaaa", "a"},
      {"root ::= \"a\"{1,3}", "aaa", "aaaa"},
      {"root ::= \"a\"{ 1 , 3 }", "aa", "aaaa"},
      {"root ::= \"a\"{0} \"b\"", "b", "ab"},
      {"root ::= (\"a\" x \"b\")* # c\nx ::= [0-9]", "a1ba2b", "a1ba2"},
      {"root ::= x x\nx ::= \"1\" # one\n", "11", "1"},
      {"root ::= (\n \"a\" |\n \"b\" # or\n )+", "abba", "abc"},
      {"root ::= \"(\" root \")\" | \"x\"", "((x))", "((x)"},
      {"root ::= [] \"a\" [^]", "a", "b"},
      {"root ::= (\"a\"*)* \"b\"", "aab", "aac"},
      {"root ::= \"a\" x\r\nx ::= \"b\"", "ab", "a"},
      {"root ::= \"x\"\nroot ::= \"y\"", "y", "x"},
      {"root ::= \"a\"{0,2001}", "aaa", "b"},
    };
  }

  @ParameterizedTest
  @MethodSource("examples")
  void acceptsWhatItDescribes(String gbnf, String accepted, String refused) {
    var grammar = Grammar.parse(gbnf);
    assertThat(grammar.accepts(accepted)).as(gbnf).isTrue();
    assertThat(grammar.accepts(refused)).as(gbnf).isFalse();
    assertThat(grammar.toString()).isEqualTo(gbnf);
    assertThat(new Earley(gbnf).read(accepted)).isEqualTo(Verdict.ACCEPTED);
    assertThat(new Earley(gbnf).read(refused)).isNotEqualTo(Verdict.ACCEPTED);
  }

  @Test
  void aTextMayBeEmpty() {
    assertThat(Grammar.parse("root ::= ").accepts("")).isTrue();
    assertThat(Grammar.parse("root ::= \"\" | \"a\"").accepts("")).isTrue();
    assertThat(Grammar.parse("root ::= \"a\"").match("").premature()).isTrue();
  }

  static Object[][] mistakes() {
    return new Object[][] {
      // grammar, line, column, message
      {"root ::= a", 1, 10, "the rule a is not defined"},
      {"root ::= \"a\"\nx ::= y \"b\"", 2, 7, "the rule y is not defined"},
      {"root ::= root \"x\" | \"y\"", 1, 1, "left recursion: * root -> root"},
      {"root ::= a\na ::= b\nb ::= \"\" root", 1, 1, "left recursion: * root -> a -> b -> root"},
      {"root ::= n root \"x\" | \"y\"\nn ::= \"a\"*", 1, 1, "left recursion: * root -> root"},
      {"root ::= (\"a\" | )*", 1, 18, "left recursion"},
      {"root ::= \"a", 1, 10, "literal is not closed"},
      {"root ::= [a", 1, 10, "class is not closed"},
      {"root ::= (\"a\"", 1, 14, "expected ) to close the group; the grammar ends"},
      {"root ::= \"a\" )", 1, 14, "expected the end of the line or of the rule root; found ')'"},
      {"root = \"a\"", 1, 6, "expected ::="},
      {"root ::= \"a\"\n | \"b\"", 2, 2, "expected the name of a rule"},
      {"root ::= *", 1, 10, "nothing before it"},
      {"root ::= \"\"+", 1, 12, "nothing before it"},
      {"root ::= \"a\"{", 1, 14, "expected a whole number"},
      {"root ::= \"a\"{,3}", 1, 14, "expected a whole number"},
      {"root ::= \"a\"{1", 1, 15, "expected , or }"},
      {"root ::= \"a\"{3,1}", 1, 14, "at least 3 and at most 1"},
      {"root ::= \"a\"{2001}", 1, 14, "too many repetitions: 2001"},
      {"root ::= \"a\"{100}{100}", 1, 18, "too many repetitions: 100 times 100"},
      {"root ::= (\"a\"?){2000}", 1, 16, "too many repetitions: 2 times 2000"},
      {"root ::= \"\\d\"", 1, 11, "unknown escape"},
      {"root ::= \"\\x4g\"", 1, 14, "expected 2 hexadecimal digits"},
      {"root ::= <think>", 1, 10, "<think> needs a vocabulary"},
      {"root ::= <[12>", 1, 14, "expected ]>"},
      {"root ::= <[99999999999]>", 1, 12, "no token"},
      {"root ::= \"a\" é", 1, 14, "expected the end of the line or of the rule root; found 'é'"},
    };
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void sayWhatIsWrongAndWhere(String gbnf, int line, int column, String message) {
    assertThatExceptionOfType(GrammarException.class)
        .as(gbnf)
        .isThrownBy(() -> Grammar.parse(gbnf))
        .satisfies(
            e -> {
              assertThat(e.getMessage()).startsWith("line " + line + ", column " + column + ": ");
              assertThat(e.getMessage()).contains(message.split(" \\* "));
              assertThat(e.line()).isEqualTo(line);
              assertThat(e.column()).isEqualTo(column);
            });
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "# nothing\n", "a ::= \"x\""})
  void aGrammarNeedsARoot(String gbnf) {
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.parse(gbnf))
        .withMessageContaining("no rule root")
        .satisfies(e -> assertThat(e.line()).isZero());
  }

  @Test
  void saysWhereATextDeparts() {
    var grammar = Grammar.parse("root ::= (\"é\" [0-9]+ \"\\n\")+");
    assertThat(grammar.match("é1\né22\n")).isEqualTo(Match.ACCEPTED);
    var wrong = grammar.match("é1\né2x\n");
    assertThat(wrong)
        .isEqualTo(
            new Match(
                false,
                false,
                7,
                2,
                3,
                "line 2, column 3: the grammar has no place for 'x' (byte 7)"));
    var early = grammar.match("é1\né");
    assertThat(early.premature()).isTrue();
    assertThat(early.message())
        .isEqualTo("line 2, column 2: the text ends where the grammar goes on (byte 6)");
  }

  @Test
  void onlyWellFormedUtf8Fits() {
    var any = Grammar.parse("root ::= .*");
    for (var bytes :
        new int[][] {
          {'a', 0x80},
          {'a', 0xc0, 0x80},
          {'a', 0xed, 0xa0, 0x80},
          {'a', 0xe0, 0x80, 0x80},
          {'a', 0xf0, 0x80, 0x80, 0x80},
          {'a', 0xf4, 0x90, 0x80, 0x80},
          {'a', 0xff},
          {'a', 0xc3},
          {'a', 0xe2, 0x82}
        }) {
      var text = new byte[bytes.length];
      for (int i = 0; i < bytes.length; i++) {
        text[i] = (byte) bytes[i];
      }
      assertThat(any.match(text).offset()).isEqualTo(1);
      assertThat(any.match(text).premature()).isFalse();
    }
    assertThat(any.accepts("\ud800")).isFalse();
    assertThat(any.accepts("a\udc00b")).isFalse();
    assertThat(any.accepts("\u0000\u007f\u0080\u07ff\u0800\ud7ff\ue000\uffff𐀀\udbff\udfff"))
        .isTrue();
  }

  @Test
  void classesOfLettersBeyondAscii() {
    var random = new Random(1);
    for (int n = 0; n < 200; n++) {
      int a = letter(random);
      int b = letter(random);
      boolean negated = random.nextBoolean();
      var grammar =
          Grammar.parse(String.format("root ::= [%sx\\U%08x-\\U%08x]", negated ? "^" : "", a, b));
      for (int c : new int[] {a - 1, a, a + 1, b - 1, b, b + 1, letter(random), 'x', 'y'}) {
        if (c < 0 || c > Character.MAX_CODE_POINT || c >= 0xd800 && c < 0xe000) {
          continue;
        }
        assertThat(grammar.accepts(Character.toString(c)))
            .as(grammar + " U+%04X", c)
            .isEqualTo((a <= c && c <= b || c == 'x') != negated);
      }
    }
  }

  private static int letter(Random random) {
    return random.nextInt(
        new int[] {0x80, 0x100, 0x900, 0x3000, 0x11000, 0x110000}[random.nextInt(6)]);
  }

  @Test
  void whatGoesNowhereIsNotEntered() {
    // The first alternative never ends.
    var grammar = Grammar.parse("root ::= \"a\" x | \"ab\"\nx ::= \"b\" x");
    assertThat(grammar.accepts("ab")).isTrue();
    assertThat(grammar.match("abb").offset()).isEqualTo(2);
    assertThat(Grammar.parse("root ::= \"a\" root").match("a").offset()).isZero();
  }

  @Test
  void tokensAreNoCharacters() {
    var grammar = Grammar.parse("root ::= \"a\" (<[5]> | !<[6]>)?");
    assertThat(grammar.accepts("a")).isTrue();
    assertThat(grammar.accepts("ab")).isFalse();
  }

  @Test
  void ambiguityCostsLittle() {
    var forked =
        Grammar.parse(
            "root ::= \"a\" root \"b\" | \"a\" root \"c\" | \"a\" root \"b\" \"\" | \"x\"");
    var many = Grammar.parse("root ::= s s s s s s\ns ::= \"a\" s s | \"a\" s | \"a\"");
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> {
          assertThat(forked.accepts("a".repeat(200) + "x" + "bc".repeat(100))).isTrue();
          assertThat(many.accepts("a".repeat(100))).isTrue();
          assertThat(Grammar.parse("root ::= \"a\"?{1000}").accepts("a".repeat(50))).isTrue();
        });
  }

  @Test
  void depthAndLengthAreNoMatter() {
    var grammar = Grammar.parse("root ::= \"[\" root \"]\" | \"\"");
    int n = 200_000;
    assertThat(grammar.accepts("[".repeat(n) + "]".repeat(n))).isTrue();
    assertThat(grammar.match("[".repeat(n) + "]".repeat(n - 1)).premature()).isTrue();
    var counted = Grammar.parse("root ::= item{0,1500}\nitem ::= \"a\" [0-9]{1,3} \";\"");
    assertThat(counted.accepts("a12;".repeat(1500))).isTrue();
    assertThat(counted.accepts("a12;".repeat(1501))).isFalse();
  }

  @Test
  void hugeGrammarsAreRefusedInTime() {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () -> {
          var long1 = "root ::= \"" + "a".repeat(100_000) + "\"{2000}";
          assertThatExceptionOfType(GrammarException.class)
              .isThrownBy(() -> Grammar.parse(long1))
              .withMessageContaining("elements");
          assertThatExceptionOfType(GrammarException.class)
              .isThrownBy(() -> Grammar.parse("root ::= " + "(".repeat(100_000)))
              .withMessageContaining("nested deeper");
          var chain = new StringBuilder("root ::= r0\n");
          for (int i = 0; i < 50_000; i++) {
            chain.append("r").append(i).append(" ::= r").append(i + 1).append('\n');
          }
          assertThat(Grammar.parse(chain + "r50000 ::= \"x\"").accepts("x")).isTrue();
          assertThatExceptionOfType(GrammarException.class)
              .isThrownBy(() -> Grammar.parse(chain + "r50000 ::= r0"))
              .withMessageContaining("left recursion");
        });
  }

  @Test
  void grammarsThatCanBeReadInTooManyWaysAreRefusedInTime() {
    var doubling = new StringBuilder("root ::= r0\n");
    for (int i = 0; i < 60; i++) {
      doubling.append("r%d ::= r%d r%d%n".formatted(i, i + 1, i + 1));
    }
    for (var gbnf : List.of(doubling + "r60 ::= \"a\"?", "root ::= " + "\"a\"? ".repeat(3000))) {
      var grammar = Grammar.parse(gbnf);
      Assertions.assertTimeoutPreemptively(
          Duration.ofSeconds(5),
          () ->
              assertThatIllegalStateException()
                  .isThrownBy(() -> grammar.match("a".repeat(40)))
                  .withMessageContaining("can be read in too many ways"));
    }
    assertThat(Grammar.parse("root ::= " + "\"a\"? ".repeat(300)).accepts("a".repeat(300)))
        .isTrue();
  }

  @Test
  void nullsAreRefused() {
    assertThatNullPointerException().isThrownBy(() -> Grammar.parse(null)).withMessage("gbnf");
    assertThatNullPointerException()
        .isThrownBy(() -> Grammar.ofJsonSchema((String) null))
        .withMessage("schema");
    var grammar = Grammar.parse("root ::= \"a\"");
    assertThatNullPointerException().isThrownBy(() -> grammar.match((String) null));
    assertThatNullPointerException().isThrownBy(() -> grammar.match((byte[]) null));
  }

  @Test
  void theMatcherAgreesWithEarley() {
    var random = new Random(7);
    int accepted = 0;
    for (int n = 0; n < 1500; n++) {
      var gbnf = RandomGrammars.grammar(random);
      Grammar grammar;
      Earley earley;
      try {
        grammar = Grammar.parse(gbnf);
        earley = new Earley(gbnf);
      } catch (GrammarException _) {
        continue;
      }
      for (int i = 0; i < 12; i++) {
        var text = RandomGrammars.text(random);
        var verdict = earley.read(text);
        var match = grammar.match(text);
        assertThat(match.accepted()).as(gbnf + "\n" + text).isEqualTo(verdict == Verdict.ACCEPTED);
        assertThat(match.premature()).as(gbnf + "\n" + text).isEqualTo(verdict == Verdict.PREFIX);
        if (verdict == Verdict.REJECTED) {
          // The place is where the text stops being a beginning of one that is accepted.
          var good =
              new String(
                  text.getBytes(StandardCharsets.UTF_8), 0, match.offset(), StandardCharsets.UTF_8);
          if (!good.isEmpty()) {
            assertThat(earley.read(good)).as(gbnf + "\n" + text).isNotEqualTo(Verdict.REJECTED);
          }
          int more = good.length() + Character.charCount(text.codePointAt(good.length()));
          assertThat(earley.read(text.substring(0, more))).isEqualTo(Verdict.REJECTED);
        }
        accepted += match.accepted() ? 1 : 0;
      }
    }
    assertThat(accepted).isGreaterThan(300);
  }
}
