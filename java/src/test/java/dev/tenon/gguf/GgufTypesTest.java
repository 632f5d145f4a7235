package dev.tenon.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;

/// Shapes, types and values as such.
class GgufTypesTest {
  @Test
  void shapes() {
    assertThat(Shape.of(4, 3)).isEqualTo(new Shape(4, 3, 1, 1)).hasToString("[4, 3]");
    assertThat(Shape.of()).hasToString("[1]");
    assertThat(Shape.of(4, 1, 1)).isEqualTo(Shape.of(4)).hasToString("[4]");
    assertThat(Shape.of(1, 1, 2)).hasToString("[1, 1, 2]");
    assertThat(Shape.of(2, 3, 4, 5)).hasToString("[2, 3, 4, 5]");
    assertThat(Shape.of(2, 3, 4, 5).elements()).isEqualTo(120);
    assertThat(Shape.of(2, 0, 4).elements()).isZero();
    assertThat(Shape.of(2, 1, 0).rank()).isEqualTo(3);
    assertThat(Shape.of(5, 6, 7, 8).dimension(2)).isEqualTo(7);
    assertThatThrownBy(() -> Shape.of(1).dimension(4))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatIllegalArgumentException().isThrownBy(() -> Shape.of(1, 2, 3, 4, 5));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Shape.of(2, -1))
        .withMessageContaining("[2, -1, 1, 1]");
    assertThatIllegalArgumentException().isThrownBy(() -> Shape.of(1L << 32, 1L << 31));
    assertThatIllegalArgumentException().isThrownBy(() -> Shape.of(0, 1L << 32, 1L << 31));
    assertThat(Shape.of(1L << 31, (1L << 32) - 1).elements()).isPositive();
  }

  @Test
  void tensorTypes() {
    assertThat(TensorType.values()).hasSize(35);
    assertThat(TensorType.of(12)).isEqualTo(TensorType.Q4_K);
    assertThat(TensorType.Q4_K.ggmlName()).isEqualTo("q4_K");
    assertThat(TensorType.NVFP4.id()).isEqualTo(40);
    for (var type : TensorType.values()) {
      assertThat(TensorType.of(type.id())).isEqualTo(type);
      assertThat(type.ggmlName()).isEqualToIgnoringCase(type.name());
    }
    assertThatThrownBy(() -> TensorType.of(31))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("31 (removed from ggml")
        .hasMessageContaining("30 bf16");
    assertThatThrownBy(() -> TensorType.of(-1)).isInstanceOf(UnsupportedOperationException.class);
    assertThatThrownBy(() -> TensorType.of(43)).isInstanceOf(UnsupportedOperationException.class);
    assertThat(TensorType.Q4_0.bytes(Shape.of(64, 3))).isEqualTo(6 * 18);
    assertThat(TensorType.Q4_0.rowBytes(64)).isEqualTo(36);
    assertThat(TensorType.F32.bytes(Shape.of(5, 0))).isZero();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> TensorType.Q4_0.bytes(Shape.of(33)))
        .withMessageContaining("33")
        .withMessageContaining("32");
    assertThatIllegalArgumentException().isThrownBy(() -> TensorType.Q4_0.rowBytes(-32));
    assertThatIllegalArgumentException().isThrownBy(() -> TensorType.F32.bytes(Shape.of(1L << 61)));
    assertThatIllegalArgumentException().isThrownBy(() -> TensorType.F64.rowBytes(1L << 60));
  }

  @Test
  void integersFitTheirTypes() {
    for (var type : GgufType.values()) {
      if (!type.isInteger()) {
        assertThatIllegalArgumentException().isThrownBy(() -> new GgufValue.Int(type, 0));
      }
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GgufValue.Int(GgufType.UINT8, 256))
        .withMessageContaining("uint8 cannot hold 256");
    assertThatIllegalArgumentException().isThrownBy(() -> new GgufValue.Int(GgufType.UINT32, -1));
    assertThatIllegalArgumentException().isThrownBy(() -> new GgufValue.Int(GgufType.INT16, 32768));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GgufValue.Array.integers(GgufType.INT8, 1, 128));
    assertThatIllegalArgumentException().isThrownBy(() -> new GgufValue.Real(GgufType.INT8, 1));
  }

  @Test
  void arrays() {
    assertThat(GgufValue.Array.of(1, -2).values())
        .containsExactly(
            new GgufValue.Int(GgufType.INT32, 1), new GgufValue.Int(GgufType.INT32, -2));
    assertThat(GgufValue.Array.of(0.5f).values())
        .containsExactly(new GgufValue.Real(GgufType.FLOAT32, 0.5));
    var same =
        GgufValue.Array.of(
            GgufType.STRING, List.of(new GgufValue.Text("a"), new GgufValue.Text("")));
    assertThat(GgufValue.Array.strings(List.of("a", ""))).isEqualTo(same).hasSameHashCodeAs(same);
    assertThat(GgufValue.Array.of(new int[0]))
        .isNotEqualTo(GgufValue.Array.of(new float[0]))
        .hasToString("0 int32 []");
    assertThat(GgufValue.Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9))
        .hasToString("9 int32 [1, 2, 3, 4, 5, 6, 7, 8, …]");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GgufValue.Array.of(GgufType.INT8, List.of(new GgufValue.Text("a"))));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GgufValue.Array.strings(List.of("\ud83e")));
    var nested = GgufValue.Array.of(1);
    for (int level = 2; level <= 4; level++) {
      nested = GgufValue.Array.of(GgufType.ARRAY, List.of(GgufValue.Array.of(0.5f), nested));
    }
    var deepest = nested;
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GgufValue.Array.of(GgufType.ARRAY, List.of(deepest)))
        .withMessageContaining("at most 4 levels");
  }
}
