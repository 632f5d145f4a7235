package dev.tenon.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class JsonTest {
  @Test
  void readsEveryKindOfValue() {
    var expected = new HashMap<String, Object>();
    expected.put("b", List.of(1L, -2.5, 1000.0, new BigInteger("123456789012345678901")));
    expected.put("a", null);
    assertThat(Json.parse(" {\"b\": [1, -2.5, 1e3, 123456789012345678901], \"a\": null} "))
        .isEqualTo(expected);
    assertThat(Json.parse("\"\\u00e9\\n\\ud83d\\ude00\"")).isEqualTo("é\n😀");
    assertThat(Json.parse("true")).isEqualTo(true);
    assertThat(Json.parse("null")).isNull();
  }

  @Test
  void keepsTheOrderOfMembersAndTheLastOfEqualOnes() {
    assertThat(Json.object("{\"z\":1,\"a\":2,\"z\":3}"))
        .containsExactly(Map.entry("z", 3L), Map.entry("a", 2L));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"b\":[1,-2.5,true,false,null,{}],\"a\":\"x\"}",
        "[]",
        "\"é😀\\\"\\\\\\n\\u0001\"",
        "123456789012345678901",
        "1.0",
        "1.0E300"
      })
  void writesWhatItRead(String text) {
    assertThat(Json.write(Json.parse(text))).isEqualTo(text);
  }

  @Test
  void writesLinesWhereAsked() {
    assertThat(Json.write(Json.parse("{\"a\":[1,{}],\"b\":[]}"), "  "))
        .isEqualTo("{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "''|empty",
        "{\"a\":1|line 1, column 7",
        "[1,]|line 1, column 4",
        "1 2|line 1, column 3",
        "{a:1}|line 1, column 2",
        "nul|line 1",
        "NaN|line 1"
      })
  void saysWhereItIsNoJson(String text, String place) {
    assertThatThrownBy(() -> Json.parse(text))
        .isInstanceOf(JsonException.class)
        .hasMessageContaining(place);
  }

  @Test
  void boundsTheDepth() {
    assertThatThrownBy(() -> Json.parse("[".repeat(100_000))).isInstanceOf(JsonException.class);
    List<Object> deep = new ArrayList<>();
    deep.add(deep);
    assertThatThrownBy(() -> Json.write(deep))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("500");
  }

  @Test
  void refusesWhatJsonHasNot() {
    assertThatThrownBy(() -> Json.write(Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> Json.write(List.of(new Object()))).hasMessageContaining("Object");
    assertThatThrownBy(() -> Json.object("[1]")).hasMessageContaining("object");
  }
}
