package dev.tenon.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.lang.reflect.Type;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class JsonRecordsTest {
  enum Size {
    SMALL,
    LARGE
  }

  record Item(String name, double price, Size size) {}

  record Order(long id, List<Item> items, Optional<String> note, Map<String, Integer> counts) {}

  record Node(int value, List<Node> children) {}

  sealed interface Shape {
    record Circle(double radius) implements Shape {}

    record Polygon(int[] sides, Shape inner) implements Shape {}

    record Nothing() implements Shape {}
  }

  record Everything(
      byte b,
      Short s,
      Integer i,
      BigInteger big,
      float f,
      Double d,
      BigDecimal decimal,
      boolean yes,
      UUID id,
      String[] names,
      Set<Size> sizes,
      Collection<?> any,
      Object value,
      Map<String, List<Item>> nested,
      List<Shape> shapes) {}

  record Positive(int value) {
    Positive {
      if (value <= 0) throw new IllegalArgumentException("value must be above 0, not " + value);
    }
  }

  record Box<T>(T value) {}

  record HasDate(java.util.Date date) {}

  record Typed(String type) {}

  sealed interface Clash permits Clashing {}

  record Clashing(String type) implements Clash {}

  record KeyedByNumbers(Map<Integer, String> map) {}

  @Test
  void recordsComeFromJson() {
    var order =
        JsonRecords.read(
            """
            {"id": 7, "items": [{"name": "a", "price": 1.5, "size": "SMALL"},
              {"name": "b", "price": 2, "size": "LARGE"}], "counts": {"x": 1, "y": 2.0}}
            """,
            Order.class);
    assertThat(order)
        .isEqualTo(
            new Order(
                7,
                List.of(new Item("a", 1.5, Size.SMALL), new Item("b", 2, Size.LARGE)),
                Optional.empty(),
                Map.of("x", 1, "y", 2)));
    assertThat(order.counts().keySet()).containsExactly("x", "y");
    assertThat(
            JsonRecords.read(
                "{\"value\":1,\"children\":[{\"value\":2,\"children\":[]}]}", Node.class))
        .isEqualTo(new Node(1, List.of(new Node(2, List.of()))));
    assertThat(JsonRecords.read("3", int.class)).isEqualTo(3);
    assertThat(JsonRecords.read("[1, 2]", int[].class)).containsExactly(1, 2);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "[]                          | $: expected an object, found an array",
        "{}                          | $.id: missing",
        "{\"id\": \"x\"}             | $.id: expected a whole number, found \"x\"",
        "{\"id\": 1.5}               | $.id: expected a whole number, found 1.5",
        "{\"id\": null}              | $.id: expected a whole number, found null",
        "{\"id\": 9223372036854775808} | $.id: expected a whole number from -9223372036854775808"
            + " to",
        "{\"id\": 1e300}             | $.id: expected a whole number, found 1.0E300",
        "{\"id\": 1, \"items\": {}}  | $.items: expected an array, found an object",
        "{\"id\": 1, \"items\": [{\"name\": \"a\", \"price\": \"x\"}]} | $.items[0].price: expected"
            + " a number, found \"x\"",
        "{\"id\": 1, \"items\": [{\"name\": \"a\", \"price\": 1, \"size\": \"s\"}]} |"
            + " $.items[0].size: expected one of \"SMALL\", \"LARGE\", found \"s\"",
        "{\"id\": 1, \"items\": [], \"counts\": {\"a b\": 3000000000}} | $.counts[\"a b\"]:"
            + " expected a whole number from -2147483648 to 2147483647, found 3000000000",
        "{\"id\": 1, \"items\": [], \"counts\": {}, \"note\": 3} | $.note: expected a string, found"
            + " 3",
        "{\"id\": 1, \"more\": []}   | $.more: not expected; known are \"id\", \"items\", \"note\","
            + " \"counts\""
      })
  void errorsNameThePath(String json, String message) {
    assertThatExceptionOfType(JsonException.class)
        .isThrownBy(() -> JsonRecords.read(json, Order.class))
        .withMessageStartingWith(message);
  }

  @Test
  void errorsOfOtherKindsNameThePathToo() {
    assertThatExceptionOfType(JsonException.class)
        .isThrownBy(() -> JsonRecords.read("{\"value\": 0}", Positive.class))
        .withMessage("$: value must be above 0, not 0");
    assertThatExceptionOfType(JsonException.class)
        .isThrownBy(() -> JsonRecords.read("{\"radius\": 1}", Shape.class))
        .withMessage("$.type: expected one of \"Circle\", \"Polygon\", \"Nothing\", found null");
    assertThatExceptionOfType(JsonException.class)
        .isThrownBy(() -> JsonRecords.read("{\"type\": \"Circle\"}", Shape.class))
        .withMessage("$.radius: missing");
    assertThatExceptionOfType(JsonException.class)
        .isThrownBy(() -> JsonRecords.read("{\"type\"}", Shape.class))
        .withMessageContaining("line 1");
    assertThatExceptionOfType(JsonException.class)
        .isThrownBy(() -> JsonRecords.read("\"not one\"", UUID.class))
        .withMessageContaining("expected a UUID");
    assertThatExceptionOfType(JsonException.class)
        .isThrownBy(() -> JsonRecords.read("1e400", BigDecimal.class))
        .withMessageContaining("not so large");
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    var nested = new LinkedHashMap<String, List<Item>>();
    nested.put("é", List.of(new Item("x", -0.1, Size.LARGE)));
    var all =
        new Everything(
            (byte) -3,
            (short) 300,
            70_000,
            BigInteger.TWO.pow(70),
            0.1f,
            1e-7,
            new BigDecimal("12.5"),
            true,
            UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"),
            new String[] {"a", "b\n"},
            Set.of(Size.SMALL),
            List.of(1L, "two"),
            Map.of("k", List.of(true)),
            nested,
            List.of(new Shape.Circle(1), new Shape.Polygon(new int[] {1, 2}, new Shape.Nothing())));
    var json = Json.write(JsonRecords.toJson(all));
    var again = JsonRecords.read(json, Everything.class);
    assertThat(again).usingRecursiveComparison().isEqualTo(all);
    assertThat(json)
        .contains("\"f\":0.1,")
        .contains("{\"type\":\"Polygon\",\"sides\":[1,2],\"inner\":{\"type\":\"Nothing\"}}");
    assertThat(Json.write(JsonRecords.toJson(new Shape.Circle(2)))).isEqualTo("{\"radius\":2.0}");
    assertThat(Json.write(JsonRecords.toJson(new Shape.Circle(2), Shape.class)))
        .isEqualTo("{\"type\":\"Circle\",\"radius\":2.0}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JsonRecords.toJson(new Object()))
        .withMessageContaining("java.lang.Object");
  }

  static Object[][] schemas() throws ReflectiveOperationException {
    return new Object[][] {
      {String.class, "{\"type\":\"string\"}"},
      {int.class, "{\"type\":\"integer\",\"minimum\":-2147483648,\"maximum\":2147483647}"},
      {Byte.class, "{\"type\":\"integer\",\"minimum\":-128,\"maximum\":127}"},
      {long.class, "{\"type\":\"integer\"}"},
      {BigInteger.class, "{\"type\":\"integer\"}"},
      {float.class, "{\"type\":\"number\"}"},
      {boolean.class, "{\"type\":\"boolean\"}"},
      {UUID.class, "{\"type\":\"string\",\"format\":\"uuid\"}"},
      {Size.class, "{\"enum\":[\"SMALL\",\"LARGE\"]}"},
      {Object.class, "{}"},
      {
        double[][].class,
        "{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":{\"type\":\"number\"}}}"
      },
      {
        Order.class,
        "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":\"integer\"},\"items\":{\"type\":"
            + "\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":"
            + "\"string\"},\"price\":{\"type\":\"number\"},\"size\":{\"enum\":[\"SMALL\","
            + "\"LARGE\"]}},\"required\":[\"name\",\"price\",\"size\"],\"additionalProperties\":"
            + "false}},\"note\":{\"type\":\"string\"},\"counts\":{\"type\":\"object\","
            + "\"additionalProperties\":{\"type\":\"integer\",\"minimum\":-2147483648,\"maximum\":"
            + "2147483647}}},\"required\":[\"id\",\"items\",\"counts\"],\"additionalProperties\":"
            + "false}"
      },
      {
        Node.class,
        "{\"$ref\":\"#/$defs/Node\",\"$defs\":{\"Node\":{\"type\":\"object\",\"properties\":{"
            + "\"value\":{\"type\":\"integer\",\"minimum\":-2147483648,\"maximum\":2147483647},"
            + "\"children\":{\"type\":\"array\",\"items\":{\"$ref\":\"#/$defs/Node\"}}},"
            + "\"required\":[\"value\",\"children\"],\"additionalProperties\":false}}}"
      },
      {
        Shape.class,
        "{\"$ref\":\"#/$defs/Shape\",\"$defs\":{\"Shape\":{\"anyOf\":[{\"type\":\"object\","
            + "\"properties\":{\"type\":{\"const\":\"Circle\"},\"radius\":{\"type\":\"number\"}},"
            + "\"required\":[\"type\",\"radius\"],\"additionalProperties\":false},{\"type\":"
            + "\"object\",\"properties\":{\"type\":{\"const\":\"Polygon\"},\"sides\":{\"type\":"
            + "\"array\",\"items\":{\"type\":\"integer\",\"minimum\":-2147483648,\"maximum\":"
            + "2147483647}},\"inner\":{\"$ref\":\"#/$defs/Shape\"}},\"required\":[\"type\","
            + "\"sides\",\"inner\"],\"additionalProperties\":false},{\"type\":\"object\","
            + "\"properties\":{\"type\":{\"const\":\"Nothing\"}},\"required\":[\"type\"],"
            + "\"additionalProperties\":false}]}}}"
      },
      {
        Everything.class.getDeclaredField("nested").getGenericType(),
        "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"array\",\"items\":{\"type\":"
            + "\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"price\":{\"type\":"
            + "\"number\"},\"size\":{\"enum\":[\"SMALL\",\"LARGE\"]}},\"required\":[\"name\","
            + "\"price\",\"size\"],\"additionalProperties\":false}}}"
      }
    };
  }

  @ParameterizedTest
  @MethodSource("schemas")
  void typesHaveSchemas(Type type, String schema) {
    assertThat(Json.write(JsonSchema.of(type))).isEqualTo(schema);
  }

  @Test
  void parametersHaveASchema() {
    var members = new LinkedHashMap<String, Type>();
    members.put("city", String.class);
    members.put("tree", Node.class);
    assertThat(Json.write(JsonSchema.ofMembers(members)))
        .startsWith(
            "{\"type\":\"object\",\"properties\":{\"city\":{\"type\":\"string\"},\"tree\":{\"$ref\":"
                + "\"#/$defs/Node\"}},\"required\":[\"city\",\"tree\"],")
        .contains("\"$defs\":{\"Node\":{\"type\":\"object\"");
    assertThat(Json.write(JsonSchema.ofMembers(Map.of())))
        .isEqualTo(
            "{\"type\":\"object\",\"properties\":{},\"required\":[],\"additionalProperties\":false}");
  }

  @Test
  void typesWithoutJsonAreNamed() {
    for (var type : List.of(Box.class, HasDate.class, KeyedByNumbers.class, Clash.class)) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> JsonSchema.of(type))
          .withMessageContaining("no JSON for");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JsonSchema.of(HasDate.class))
        .withMessageStartingWith("HasDate.date: no JSON for java.util.Date: known are records");
    assertThat(JsonRecords.read("{\"type\": \"x\"}", Typed.class)).isEqualTo(new Typed("x"));
  }
}
