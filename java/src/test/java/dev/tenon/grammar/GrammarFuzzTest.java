package dev.tenon.grammar;

import com.code_intelligence.jazzer.junit.FuzzTest;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Whatever is given for a grammar and a text, the answer is whether the one accepts the other, or
/// a [GrammarException]; and the matcher says what the other recogniser says.
class GrammarFuzzTest {
  static Stream<Arguments> grammars() {
    var random = new Random(1);
    return Stream.generate(
            () -> RandomGrammars.grammar(random) + "\u0001" + RandomGrammars.text(random))
        .limit(50)
        .map(text -> Arguments.of((Object) text.getBytes(StandardCharsets.UTF_8)));
  }

  @MethodSource("grammars")
  @FuzzTest(maxDuration = "", maxExecutions = 5000)
  void grammarAndText(byte[] bytes) {
    int split = 0;
    while (split < bytes.length && bytes[split] != 1) {
      split++;
    }
    var gbnf = new String(bytes, 0, split, StandardCharsets.UTF_8);
    var text = split == bytes.length ? bytes : Arrays.copyOfRange(bytes, split + 1, bytes.length);
    Grammar grammar;
    try {
      grammar = Grammar.parse(gbnf);
    } catch (GrammarException e) {
      if (e.getMessage().contains("\n")) {
        throw new AssertionError("a message that does not help", e);
      }
      return;
    }
    var match = grammar.match(text);
    if (match.offset() > text.length) {
      throw new AssertionError(match);
    }
    var string = new String(text, StandardCharsets.UTF_8);
    if (Arrays.equals(string.getBytes(StandardCharsets.UTF_8), text) && text.length < 12) {
      var verdict = new Earley(gbnf).read(string);
      if (match.accepted() != (verdict == Earley.Verdict.ACCEPTED)) {
        throw new AssertionError(verdict + " " + match);
      }
    }
  }

  static Stream<Arguments> schemas() {
    return Stream.of(
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":3}}}",
            "{\"pattern\":\"^[a-z]{2,3}(a|b)*$\",\"minLength\":2,\"maxLength\":5}",
            "{\"anyOf\":[{\"$ref\":\"#/$defs/a\"},{\"enum\":[1,\"x\"]}],\"$defs\":{\"a\":{}}}",
            "{\"allOf\":[{\"properties\":{\"a\":{}}}],\"type\":[\"array\",\"null\"],\"items\":{}}",
            "{\"prefixItems\":[{\"const\":1}],\"additionalProperties\":{\"format\":\"uuid\"}}")
        .map(text -> Arguments.of((Object) text.getBytes(StandardCharsets.UTF_8)));
  }

  @MethodSource("schemas")
  @FuzzTest(maxDuration = "", maxExecutions = 5000)
  void schema(byte[] bytes) {
    try {
      Grammar.ofJsonSchema(new String(bytes, StandardCharsets.UTF_8)).accepts("{\"a\": 12}");
    } catch (IllegalArgumentException e) {
      if (e.getMessage() == null) {
        throw new AssertionError("a message that does not help", e);
      }
    }
  }
}
