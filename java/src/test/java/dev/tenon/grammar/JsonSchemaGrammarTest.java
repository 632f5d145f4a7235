package dev.tenon.grammar;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonSchemaGrammarTest {
  /// What llama.cpp 0.5.0 writes for schemas, those of its own tests' kind and random ones.
  @TestFactory
  Stream<DynamicTest> writesWhatLlamaCppWrites() throws IOException {
    List<String> lines;
    try (var in = JsonSchemaGrammarTest.class.getResourceAsStream("llama-cpp-schemas.jsonl");
        var reader = new BufferedReader(new InputStreamReader(in, StandardCharsets.UTF_8))) {
      lines = reader.readAllLines();
    }
    assertThat(lines).hasSizeGreaterThan(100);
    return lines.stream()
        .map(Json::object)
        .map(
            line ->
                DynamicTest.dynamicTest(
                    Json.write(line.get("schema")),
                    () ->
                        assertThat(Grammar.ofJsonSchema(Json.write(line.get("schema"))).toString())
                            .isEqualTo(line.get("grammar"))));
  }

  static Object[][] texts() {
    return new Object[][] {
      // schema, a text that is valid, a text that is not
      {"{}", "{\"a\": [1, \"x\", null]}", "{\"a\"}"},
      {"{'type': 'integer', 'minimum': -12, 'maximum': 305}", "-12", "-13"},
      {"{'type': 'integer', 'minimum': -12, 'maximum': 305}", "305", "306"},
      {"{'type': 'integer', 'exclusiveMinimum': 9}", "10", "9"},
      {"{'type': 'string', 'minLength': 2, 'maxLength': 3}", "\"aé\"", "\"aébc\""},
      {"{'type': 'string', 'minLength': 2, 'maxLength': 3}", "\"\\n😀\"", "\"a\""},
      {"{'pattern': '^é{2}x*$'}", "\"ééxx\"", "\"éx\""},
      {"{'pattern': '^[a-c]+\\\\.(de|f)?$'}", "\"abc.de\"", "\"abcde\""},
      {"{'format': 'date'}", "\"2024-12-31\"", "\"2024-13-01\""},
      {"{'enum': ['a', 1, null]}", "null", "2"},
      {"{'const': {'k': [1, 2]}}", "{\"k\":[1,2]}", "{\"k\":[1]}"},
      {"{'type': 'array', 'items': {'type': 'boolean'}, 'minItems': 1}", "[true, false]", "[]"},
      {"{'prefixItems': [{'type': 'null'}, {}]}", "[null, 7]", "[null]"},
      {
        "{'prefixItems': [{'type': 'null'}], 'items': {'type': 'boolean'}}",
        "[null, true, false]",
        "[true]"
      },
      {
        "{'prefixItems': [{'type': 'null'}], 'items': {'type': 'boolean'}, 'maxItems': 2}",
        "[null, true]",
        "[null, true, true]"
      },
      {"{'prefixItems': [{'type': 'null'}], 'items': false}", "[null]", "[null, 1]"},
      {"{'prefixItems': [{}, {}], 'maxItems': 1}", "[1]", "[1, 2]"},
      {"{'prefixItems': [{}, {}], 'minItems': 4}", "[1, 2, 3, 4]", "[1, 2]"},
      {"{'prefixItems': [], 'items': {'type': 'null'}, 'minItems': 1}", "[null, null]", "[]"},
      {
        // Those that are required come first.
        "{'properties': {'a': {'type': 'null'}, 'b': {'type': 'null'}}, 'required': ['b']}",
        "{\"b\":null, \"a\": null}",
        "{\"a\":null}"
      },
      {
        "{'properties': {'a]': {'type': 'null'}, 'a\\\\': {'type': 'null'}},"
            + " 'additionalProperties': true}",
        "{\"a]\": null, \"ab\":1}",
        "{\"ab\": 1, \"a]\":null}"
      },
      {
        "{'properties': {'^x': {'type': 'null'}}, 'additionalProperties': {'type': 'integer'}}",
        "{\"x\":1}",
        "{\"x\":null}"
      },
      {
        "{'$ref': '#/$defs/a~1b', '$defs': {'a/b': {'type': 'array', 'items': {'$ref':"
            + " '#/$defs/a~1b'}}}}",
        "[[], [[]]]",
        "[1]"
      },
      {"{'allOf': [{'$ref': '#/$defs/s'}], '$defs': {'s': {'type': 'string'}}}", "\"x\"", "{}"}
    };
  }

  /// Where llama.cpp's grammar lets through what is not valid.
  static Object[][] corrected() {
    return new Object[][] {
      {"{'type': 'integer', 'minimum': 105}", "105", "15"},
      {"{'type': 'integer', 'minimum': 105}", "1000", "104"},
      {"{'type': 'integer', 'minimum': 1000}", "1000", "10"},
      {"{'type': 'integer', 'maximum': -25}", "-26", "-026"},
      {"{'type': 'integer', 'maximum': -25}", "-250", "-24"},
      {"{'pattern': '^a\\\"b$'}", "\"a\\\"b\"", "\"a\"b\""},
      {"{'pattern': '^a\\\\\\\\b$'}", "\"a\\\\b\"", "\"a\\b\""},
      {"{'pattern': '^a\\\\n$'}", "\"a\\n\"", "\"a\n\""},
      {"{'pattern': '^.$'}", "\"'\"", "\"\"\""},
      {"{'pattern': '^[^a]$'}", "\"b\"", "\"\\\""},
      {"{'pattern': '^[ -~]$'}", "\"\\\"\"", "\"\"\""},
      {"{'pattern': '^[ -~]$'}", "\"~\"", "\"\n\""},
      {"{'pattern': '^foo\\\\.?$'}", "\"foo\"", "\"\""},
      {"{'pattern': '^\\\\d{2}\\\\w-\\\\D$'}", "\"12a-x\"", "\"ab1-x\""},
      {"{'pattern': '^[\\\\w.-]+\\\\/$'}", "\"a-b.c/\"", "\"a b/\""},
      {"{'pattern': 'b+'}", "\"abc\"", "\"ac\""},
      {"{'pattern': '^a\\\\$'}", "\"a$b\"", "\"a\""},
      {"{'required': ['a'], 'type': 'object'}", "{\"a\": 1, \"b\": 2}", "{\"b\": 2}"},
      {"{'properties': {'b': {}}, 'required': ['a']}", "{\"a\":1}", "{\"b\":1}"},
      {
        "{'properties': {'a': {}}, 'additionalProperties': {'type': 'null'}}",
        "{\"b\":null}",
        "{\"\n\":null}"
      }
    };
  }

  @Test
  void theNameOfAnotherMemberMayBeginWithAnEscape() {
    var text =
        "{'properties': {'a': {'type': 'null'}, 'nb/': {'type': 'null'},"
            + " '\\t': {'type': 'null'}}, 'additionalProperties': {'type': 'integer'}}";
    var grammar = Grammar.ofJsonSchema(text.replace('\'', '"'));
    for (var name : List.of("\\n", "\\\"x", "\\\\", "\\/", "nb\\n", "nb\\\\/", "\\ra\\u0061")) {
      assertThat(grammar.match("{\"" + name + "\": 1}").message()).as(name).isEqualTo("accepted");
    }
    for (var name : List.of("\\t", "nb\\/", "\\u0061", "n\\u0062/", "\\x", "\\")) {
      assertThat(grammar.accepts("{\"" + name + "\": 1}")).as(name).isFalse();
    }
    var unnamed = Grammar.ofJsonSchema("{\"properties\":{\"\":{}},\"additionalProperties\":true}");
    assertThat(unnamed.accepts("{\"\\u0061\": 1}")).isTrue();
  }

  @ParameterizedTest
  @ValueSource(doubles = {Double.NaN, Double.POSITIVE_INFINITY, Double.NEGATIVE_INFINITY})
  void numbersThatJsonDoesNotHaveAreRefused(double number) {
    for (var schema :
        List.of(
            Map.of("const", number),
            Map.of("enum", List.of(1, (float) number)),
            Map.of("type", "array", "minItems", number))) {
      assertThatExceptionOfType(GrammarException.class)
          .isThrownBy(() -> Grammar.ofJsonSchema(schema))
          .withMessageContaining(number + " is no JSON value");
    }
  }

  @ParameterizedTest
  @MethodSource({"texts", "corrected"})
  void describesWhatIsValid(String schema, String valid, String invalid) {
    var grammar = Grammar.ofJsonSchema(schema.replace('\'', '"'));
    assertThat(grammar.match(valid).message()).isEqualTo("accepted");
    assertThat(grammar.accepts(invalid)).isFalse();
    assertThat(Grammar.parse(grammar.toString()).accepts(valid)).isTrue();
  }

  static String[][] mistakes() {
    return new String[][] {
      {"false", "nothing satisfies the schema false"},
      {"true", "true is not supported"},
      {"[]", "at #: a schema must be an object, not a list"},
      {"{'properties': {'a': false}}", "at #/properties/a: nothing satisfies"},
      {"{'enum': []}", "at #: enum must be a list with at least one value"},
      {"{'prefixItems': [{}], 'items': false, 'minItems': 2}", "nothing satisfies"},
      {"{'anyOf': []}", "at #/anyOf: must have at least one schema"},
      {"{'anyOf': {}}", "at #/anyOf: must be a list of schemas, not an object"},
      {"{'type': []}", "nothing satisfies"},
      {"{'type': 'text'}", "unknown type \"text\"; known are array"},
      {"{'type': 3}", "type must be a string or a list of strings, not 3"},
      {"{'type': 'integer', 'minimum': 3, 'maximum': 2}", "lowest integer is 3, the highest is 2"},
      {"{'type': 'integer', 'minimum': 1.1, 'maximum': 1.9}", "nothing satisfies"},
      {"{'type': 'integer', 'minimum': 'x'}", "minimum must be a number, not \"x\""},
      {"{'type': 'integer', 'minimum': 1000000000000000000000}", "digits"},
      {"{'type': 'string', 'minLength': 5, 'maxLength': 3}", "minLength is 5, maxLength is 3"},
      {"{'type': 'string', 'minLength': -1}", "minLength must be a whole number"},
      {"{'type': 'string', 'minLength': 3000}", "too many repetitions"},
      {"{'type': 'array', 'minItems': 2, 'maxItems': 1}", "minItems is 2, maxItems is 1"},
      {"{'type': 'array', 'items': {'items': [true]}}", "at #/items/items/0:"},
      {"{'pattern': '^(a$'}", "the pattern \"^(a$\" is malformed: unbalanced parentheses"},
      {"{'pattern': '^*$'}", "nothing to repeat"},
      {"{'pattern': '^(a|)*$'}", "left recursion"},
      {"{'pattern': 3}", "pattern must be a string"},
      {"{'properties': []}", "properties must be an object"},
      {
        "{'type': 'object', 'properties': {'a': {}}, 'required': ['b'], 'additionalProperties':"
            + " false}",
        "it requires \"b\""
      },
      {"{'additionalProperties': 3}", "additionalProperties must be a boolean or a schema"},
      {"{'$ref': '#/$defs/none'}", "$ref \"#/$defs/none\": there is no \"$defs\""},
      {"{'$ref': 'https://example.org/x'}", "only places within the schema"},
      {"{'$ref': '#'}", "only places within the schema"},
      {"{'$ref': 3}", "$ref must be a string"},
      {"{'$ref': '#/a', 'a': {'$ref': '#/a'}}", "left recursion"},
      {"{'$ref': '#/a', 'a': {'$ref': '#/b'}, 'b': {'$ref': '#/a'}}", "left recursion"},
      {"{'$ref': '#/a', 'a': {'allOf': [{'$ref': '#/b'}]}, 'b': {'$ref': '#/b'}}", "itself"},
      {
        "{'$ref': '#/a', 'a': {'properties': {'x': {'$ref': '#/a'}}, 'required': ['x']}}",
        "never ends"
      },
      {"{'$ref': '#/a', 'a': {'items': {'$ref': '#/a'}, 'minItems': 1}}", "never ends"},
      {"{'allOf': [{'enum': [1]}, {'enum': [2]}]}", "nothing in common"},
      {"{'allOf': [{'type': 'string'}, {'type': 'integer'}]}", "allOf is not supported"},
    };
  }

  @ParameterizedTest
  @MethodSource("mistakes")
  void sayWhatIsWrong(String schema, String message) {
    assertThatExceptionOfType(GrammarException.class)
        .isThrownBy(() -> Grammar.ofJsonSchema(schema.replace('\'', '"')))
        .withMessageContaining(message);
  }

  @Test
  void whatIsNoJsonIsNoSchema() {
    assertThatExceptionOfType(JsonException.class)
        .isThrownBy(() -> Grammar.ofJsonSchema("{\"type\": }"))
        .withMessageContaining("line 1");
  }

  @Test
  void aSchemaMayBeAMap() {
    var schema = Map.of("type", "array", "minItems", 1, "items", Map.of("enum", List.of(1, 2.5f)));
    assertThat(Grammar.ofJsonSchema(schema).accepts("[1, 2.5]")).isTrue();
  }

  @Test
  void bigSchemasAreAnsweredInTime() {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(30),
        () -> {
          var properties = new LinkedHashMap<String, Object>();
          for (int i = 0; i < 1000; i++) {
            properties.put("property" + i, Map.of("type", "string", "maxLength", 10));
          }
          var wide = Grammar.ofJsonSchema(Map.of("properties", properties));
          assertThat(wide.accepts("{\"property7\": \"x\", \"property999\":\"\"}")).isTrue();

          // A list of types within another, and so on: each says all that is below it twice.
          Map<String, Object> doubling = Map.of("type", "null");
          for (int i = 0; i < 60; i++) {
            doubling =
                Map.of(
                    "type", List.of("object", "array"),
                    "items", doubling,
                    "properties", Map.of("a", doubling));
          }
          var doubled = doubling;
          assertThatExceptionOfType(GrammarException.class)
              .isThrownBy(() -> Grammar.ofJsonSchema(doubled))
              .withMessageContaining("over");

          Map<String, Object> deep = Map.of("type", "null");
          for (int i = 0; i < 10_000; i++) {
            deep = Map.of("items", deep);
          }
          var nested = deep;
          assertThatExceptionOfType(GrammarException.class)
              .isThrownBy(() -> Grammar.ofJsonSchema(nested))
              .withMessageContaining("nested deeper");
          assertThatExceptionOfType(GrammarException.class)
              .isThrownBy(() -> Grammar.ofJsonSchema(Map.of("const", nested)))
              .withMessageContaining("nested deeper");
          assertThat(
                  Grammar.ofJsonSchema("{\"items\":".repeat(240) + "{}" + "}".repeat(240))
                      .accepts("[".repeat(240) + "1" + "]".repeat(240)))
              .isTrue();
          // Patterns that take other programs very long.
          var slow = Grammar.ofJsonSchema("{\"pattern\": \"^((a+)+)+((a|a)*)*b$\"}");
          assertThat(slow.accepts("\"" + "a".repeat(2000) + "\"")).isFalse();
          assertThat(slow.accepts("\"" + "a".repeat(2000) + "b\"")).isTrue();
          var repeated = Grammar.ofJsonSchema("{\"pattern\": \"^((a{100}){100}){100}$\"}");
          assertThat(repeated.accepts("\"" + "a".repeat(1_000_000) + "\"")).isTrue();
        });
  }
}
