package dev.tenon.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import dev.tenon.json.Json;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ToolTest {
  /// Two numbers.
  public record Sum(int a, int b) {}

  /// Methods that a model may call.
  public static final class Methods {
    /// Takes a record.
    @Description("Adds two numbers")
    public int add(Sum sum) {
      return sum.a() + sum.b();
    }

    /// Fails.
    public String fail(Sum sum) throws IOException {
      throw new IOException("the disk is full");
    }

    /// One of two.
    public void twice() {}

    /// One of two.
    public void twice(Sum sum) {}

    /// Static.
    public static List<Integer> both(Sum sum) {
      return List.of(sum.a(), sum.b());
    }
  }

  private final Tool add = Tool.of(new Methods(), "add");

  @Test
  void aMethodsRecordIsItsSchema() throws Exception {
    assertThat(add.name()).isEqualTo("add");
    assertThat(add.description()).isEqualTo("Adds two numbers");
    assertThat(Json.write(add.parameters())).contains("\"required\":[\"a\",\"b\"]");
    assertThat(add.call(Map.of("a", 1L, "b", 2L))).isEqualTo(3);
    assertThat(Tool.of(Methods.class, "both").call(Map.of("a", 1L, "b", 2L)))
        .isEqualTo(List.of(1, 2));
  }

  @Test
  void aMethodsParametersAreItsSchemaWhereTheyHaveNames() throws Exception {
    // Of the JDK, whose parameters have none here.
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tool.of(new Random(), "setSeed"))
        .withMessageContaining("-parameters");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tool.of(new Methods(), "twice"))
        .withMessageContaining("2 methods named twice");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Tool.of(new Methods(), "none"))
        .withMessageContaining("0 methods named none");
  }

  @Test
  void aLambdaMayTakeARecord() throws Exception {
    record Greeting(String name, Optional<Boolean> loud) {}
    var greet =
        Tool.of(
            "greet",
            "Greets",
            Greeting.class,
            greeting -> "Hello " + greeting.name() + (greeting.loud().orElse(false) ? "!" : "."));
    assertThat(greet.call(Map.of("name", "Ann"))).isEqualTo("Hello Ann.");
    assertThat(greet.call(Map.of("name", "Ann", "loud", true))).isEqualTo("Hello Ann!");
    assertThat(greet.toMap().get("type")).isEqualTo("function");
    assertThat(Tool.of(greet.toMap()).parameters()).isEqualTo(greet.parameters());
  }

  @Test
  void theModelIsToldWhatCameOfACall() {
    var tools = List.of(add, Tool.of(new Methods(), "fail"), Tool.of(Methods.class, "both"));
    var numbers = Map.<String, Object>of("a", 1L, "b", 2L);
    assertThat(Tool.answer(tools, new ToolCall("c1", "add", numbers)))
        .isEqualTo(Message.tool("c1", "add", "3"));
    assertThat(Tool.answer(tools, new ToolCall("both", numbers)).content()).isEqualTo("[1,2]");
    assertThat(Tool.answer(tools, new ToolCall("fail", numbers)).content())
        .isEqualTo("error: the disk is full");
    assertThat(Tool.answer(tools, new ToolCall("sing", numbers)).content())
        .isEqualTo("error: there is no tool sing; there are [add, fail, both]");
    assertThat(Tool.answer(tools, new ToolCall("add", Map.of("a", "x"))).content())
        .startsWith("error: ");
    assertThat(Tool.answer(tools, new ToolCall(null, "add", List.of())).content())
        .startsWith("error: call of add: the arguments are no object");
  }

  @Test
  void aNameIsOneThatModelsCanWrite() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Tool("two words", "", Map.of(), null))
        .withMessageContaining("\"two words\"");
  }
}
