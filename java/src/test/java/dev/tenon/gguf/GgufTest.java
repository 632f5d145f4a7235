package dev.tenon.gguf;

import static dev.tenon.gguf.GgufBytes.header;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// What is in a file comes out of it: bytes made by hand, so that the writer plays no part.
class GgufTest {
  @TempDir Path folder;

  private Gguf open(GgufBytes bytes) throws IOException {
    return Gguf.open(bytes.write(folder));
  }

  @Test
  void everyScalarType() throws IOException {
    var file =
        header(0, 12)
            .key("u8", GgufType.UINT8)
            .u8(255)
            .key("i8", GgufType.INT8)
            .u8(-1)
            .key("u16", GgufType.UINT16)
            .u16(65535)
            .key("i16", GgufType.INT16)
            .u16(-2)
            .key("u32", GgufType.UINT32)
            .u32(0xffff_ffffL)
            .key("i32", GgufType.INT32)
            .u32(-3)
            .key("f32", GgufType.FLOAT32)
            .f32(0.1f)
            .key("bool", GgufType.BOOL)
            .u8(1)
            .key("text", GgufType.STRING)
            .string("größer 🦙")
            .key("u64", GgufType.UINT64)
            .u64(-4)
            .key("i64", GgufType.INT64)
            .u64(-5)
            .key("f64", GgufType.FLOAT64)
            .f64(0.1);
    try (var gguf = open(file)) {
      assertThat(gguf.keys())
          .containsExactly(
              "u8", "i8", "u16", "i16", "u32", "i32", "f32", "bool", "text", "u64", "i64", "f64");
      assertThat(gguf.get("u8")).isEqualTo(new GgufValue.Int(GgufType.UINT8, 255));
      assertThat(gguf.get("i8")).isEqualTo(new GgufValue.Int(GgufType.INT8, -1));
      assertThat(gguf.get("u16")).isEqualTo(new GgufValue.Int(GgufType.UINT16, 65535));
      assertThat(gguf.get("i16")).isEqualTo(new GgufValue.Int(GgufType.INT16, -2));
      assertThat(gguf.get("u32")).isEqualTo(new GgufValue.Int(GgufType.UINT32, 4294967295L));
      assertThat(gguf.get("i32")).isEqualTo(new GgufValue.Int(GgufType.INT32, -3));
      assertThat(gguf.get("f32")).isEqualTo(new GgufValue.Real(GgufType.FLOAT32, 0.1f));
      assertThat(gguf.get("bool")).isEqualTo(new GgufValue.Bool(true));
      assertThat(gguf.get("text")).isEqualTo(new GgufValue.Text("größer 🦙"));
      assertThat(gguf.get("u64")).isEqualTo(new GgufValue.Int(GgufType.UINT64, -4));
      assertThat(gguf.get("i64")).isEqualTo(new GgufValue.Int(GgufType.INT64, -5));
      assertThat(gguf.get("f64")).isEqualTo(new GgufValue.Real(GgufType.FLOAT64, 0.1));
      assertThat(gguf.get("u64")).hasToString("18446744073709551612");
      assertThat(gguf.get("f32")).hasToString("0.1");

      assertThat(gguf.integer("u8")).isEqualTo(255);
      assertThat(gguf.integer("i64", 1)).isEqualTo(-5);
      assertThat(gguf.integer("absent", 7)).isEqualTo(7);
      assertThat(gguf.real("f32")).isEqualTo(0.1f);
      assertThat(gguf.real("f64", 1)).isEqualTo(0.1);
      assertThat(gguf.real("i32")).isEqualTo(-3.0);
      assertThat(gguf.real("u64")).isEqualTo(18446744073709551612.0);
      assertThat(gguf.real("absent", 1.5)).isEqualTo(1.5);
      assertThat(gguf.text("text")).isEqualTo("größer 🦙");
      assertThat(gguf.text("absent", null)).isNull();
      assertThat(gguf.bool("bool", false)).isTrue();
      assertThat(gguf.bool("absent", true)).isTrue();
      assertThat(gguf.isArray("u8")).isFalse();
      assertThat(gguf.isArray("absent")).isFalse();
      assertThat(gguf.has("u8")).isTrue();
      assertThat(gguf.has("absent")).isFalse();
    }
  }

  @Test
  void arrays() throws IOException {
    var file =
        header(0, 6)
            .array("u8", GgufType.UINT8, 3)
            .bytes(1, 2, 255)
            .array("bool", GgufType.BOOL, 3)
            .bytes(0, 1, 2)
            .array("f32", GgufType.FLOAT32, 2)
            .f32(1.5f)
            .f32(-0.1f)
            .array("u64", GgufType.UINT64, 2)
            .u64(1)
            .u64(-1)
            .array("text", GgufType.STRING, 3)
            .string("a")
            .string("")
            .string("🦙")
            .array("none", GgufType.INT16, 0);
    try (var gguf = open(file)) {
      assertThat(gguf.integers("u8")).containsExactly(1, 2, 255);
      assertThat(gguf.integers("bool")).containsExactly(0, 1, 1);
      assertThat(gguf.integers("none")).isEmpty();
      assertThat(gguf.reals("f32")).containsExactly(1.5f, -0.1f);
      assertThat(gguf.reals("u8")).containsExactly(1f, 2f, 255f);
      assertThat(gguf.reals("u64")).containsExactly(1f, 0x1p64f);
      assertThat(gguf.strings("text")).containsExactly("a", "", "🦙");
      assertThat(gguf.isArray("none")).isTrue();

      var array = (GgufValue.Array) gguf.get("text");
      assertThat(array.elementType()).isEqualTo(GgufType.STRING);
      assertThat(array.size()).isEqualTo(3);
      assertThat(array.values())
          .containsExactly(
              new GgufValue.Text("a"), new GgufValue.Text(""), new GgufValue.Text("🦙"));
      assertThat(array).hasToString("3 string [a, , 🦙]");
      assertThatThrownBy(() -> array.get(3)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> array.get(-1)).isInstanceOf(IndexOutOfBoundsException.class);
      assertThatThrownBy(() -> gguf.integers("u64"))
          .isInstanceOf(GgufFormatException.class)
          .hasMessageContaining("18446744073709551615");
    }
  }

  @Test
  void nestedArrays() throws IOException {
    var file =
        header(0, 1)
            .array("a", GgufType.ARRAY, 3)
            .u32(GgufType.INT16.id())
            .u64(2)
            .u16(5)
            .u16(-6)
            .u32(GgufType.STRING.id())
            .u64(2)
            .string("x")
            .string("yz")
            .u32(GgufType.ARRAY.id())
            .u64(1)
            .u32(GgufType.BOOL.id())
            .u64(1)
            .u8(1);
    try (var gguf = open(file)) {
      assertThat(gguf.get("a"))
          .isEqualTo(
              GgufValue.Array.of(
                  GgufType.ARRAY,
                  List.of(
                      GgufValue.Array.integers(GgufType.INT16, 5, -6),
                      GgufValue.Array.strings(List.of("x", "yz")),
                      GgufValue.Array.of(
                          GgufType.ARRAY,
                          List.of(
                              GgufValue.Array.of(
                                  GgufType.BOOL, List.of(new GgufValue.Bool(true))))))));
      var inner = (GgufValue.Array) ((GgufValue.Array) gguf.get("a")).get(1);
      assertThat(inner.get(1)).isEqualTo(new GgufValue.Text("yz"));
    }
  }

  @Test
  void bytesThatAreNotUtf8ReadAsReplacementCharacters() throws IOException {
    var file =
        header(0, 2)
            .key("scalar", GgufType.STRING)
            .u64(3)
            .bytes('a', 0xff, 'b')
            .array("array", GgufType.STRING, 1)
            .u64(1)
            .bytes(0xc3);
    try (var gguf = open(file)) {
      assertThat(gguf.text("scalar")).isEqualTo("a\ufffdb");
      assertThat(gguf.strings("array")).containsExactly("\ufffd");
    }
  }

  @Test
  void wrongTypesAndAbsentKeys() throws IOException {
    var file =
        header(0, 3)
            .key("llama.block_count", GgufType.STRING)
            .string("two")
            .array("llama.rope.freqs", GgufType.UINT64, 1)
            .u64(1)
            .key("llama.big", GgufType.UINT64)
            .u64(-1);
    int typeAt = header(0, 3).string("llama.block_count").at();
    try (var gguf = open(file)) {
      assertThatThrownBy(() -> gguf.integer("llama.block_count"))
          .isInstanceOf(GgufFormatException.class)
          .hasMessage(
              gguf.path()
                  + ": byte "
                  + typeAt
                  + ": expected llama.block_count to be an integer, found string \"two\"");
      assertThatThrownBy(() -> gguf.integer("llama.block_count", 1))
          .isInstanceOf(GgufFormatException.class);
      assertThatThrownBy(() -> gguf.real("llama.block_count")).hasMessageContaining("a number");
      assertThatThrownBy(() -> gguf.bool("llama.block_count", true)).hasMessageContaining("a flag");
      assertThatThrownBy(() -> gguf.text("llama.rope.freqs"))
          .hasMessageContaining("a string, found an array of uint64");
      assertThatThrownBy(() -> gguf.integer("llama.rope.freqs"))
          .hasMessageContaining("an integer, found an array of uint64");
      assertThatThrownBy(() -> gguf.strings("llama.rope.freqs"))
          .hasMessageContaining("an array of strings");
      assertThatThrownBy(() -> gguf.strings("llama.block_count"))
          .hasMessageContaining("an array of strings");
      assertThatThrownBy(() -> gguf.integers("llama.block_count"))
          .hasMessageContaining("an array of integers");
      assertThatThrownBy(() -> gguf.reals("llama.block_count"))
          .hasMessageContaining("an array of numbers");
      assertThatThrownBy(() -> gguf.integer("llama.big"))
          .isInstanceOf(GgufFormatException.class)
          .hasMessageContaining("18446744073709551615");
      assertThatThrownBy(() -> gguf.get("llama.blockcount"))
          .isInstanceOf(GgufFormatException.class)
          .hasMessageContaining("expected the key llama.blockcount, found none")
          .hasMessageContaining("closest are \"llama.block_count\"")
          .satisfies(e -> assertThat(((GgufFormatException) e).offset()).isEqualTo(-1));
      assertThatNullPointerException().isThrownBy(() -> gguf.get(null));
      assertThatNullPointerException().isThrownBy(() -> gguf.has(null));
    }
    try (var gguf = open(header(0, 0))) {
      assertThatThrownBy(() -> gguf.text("general.architecture"))
          .hasMessageContaining("a file without metadata");
    }
  }

  @Test
  void versionTwo() throws IOException {
    try (var gguf = open(header(2, 0, 1).key("a", GgufType.UINT8).u8(1))) {
      assertThat(gguf.version()).isEqualTo(2);
      assertThat(gguf.integer("a")).isEqualTo(1);
    }
  }

  @Test
  void nothingAtAll() throws IOException {
    try (var gguf = open(header(0, 0))) {
      assertThat(gguf.version()).isEqualTo(3);
      assertThat(gguf.keys()).isEmpty();
      assertThat(gguf.tensors()).isEmpty();
      assertThat(gguf.alignment()).isEqualTo(32);
      assertThat(gguf.fileBytes()).isEqualTo(24);
      assertThat(gguf.parts()).isEqualTo(1);
      assertThat(gguf.mapping(0).byteSize()).isEqualTo(24);
      assertThat(gguf.hasTensor("a")).isFalse();
      assertThatThrownBy(() -> gguf.tensor("a"))
          .isInstanceOf(GgufFormatException.class)
          .hasMessageContaining("a tensor a");
    }
  }

  @Test
  void tensors() throws IOException {
    var file =
        header(4, 1)
            .key("general.alignment", GgufType.UINT32)
            .u32(64)
            // Neither in the order of their data nor without gaps, with trailing ones, a scalar.
            .tensor("b", TensorType.I32, 128, 2, 1)
            .tensor("a", TensorType.Q8_0, 0, 32, 1, 2)
            .tensor("scalar", TensorType.F64, 256)
            .tensor("empty", TensorType.F32, 0, 0, 5)
            .pad(64);
    int data = file.at();
    for (int i = 0; i < 68; i++) {
      file.u8(i);
    }
    // The data of the last tensor are not padded.
    file.pad(64).u32(7).u32(8).pad(64).bytes(new byte[64]).f64(2.5);
    try (var gguf = open(file)) {
      assertThat(gguf.alignment()).isEqualTo(64);
      assertThat(gguf.tensors())
          .containsExactly(
              new TensorInfo("b", TensorType.I32, Shape.of(2), 0, data + 128, 2),
              new TensorInfo("a", TensorType.Q8_0, Shape.of(32, 1, 2), 0, data, 3),
              new TensorInfo("scalar", TensorType.F64, Shape.of(), 0, data + 256, 0),
              new TensorInfo("empty", TensorType.F32, Shape.of(0, 5), 0, data, 2));
      var a = gguf.data(gguf.tensor("a"));
      assertThat(a.byteSize()).isEqualTo(68);
      assertThat(a.isReadOnly()).isTrue();
      assertThat(a.get(ValueLayout.JAVA_BYTE, 67)).isEqualTo((byte) 67);
      assertThat(gguf.data(gguf.tensor("b")).toArray(ValueLayout.JAVA_INT)).containsExactly(7, 8);
      assertThat(gguf.data(gguf.tensor("scalar")).toArray(ValueLayout.JAVA_DOUBLE))
          .containsExactly(2.5);
      assertThat(gguf.data(gguf.tensor("empty")).byteSize()).isZero();
      assertThat(gguf.hasTensor("a")).isTrue();
      for (var tensor : gguf.tensors()) {
        try (var arena = Arena.ofConfined()) {
          var mapped = gguf.map(tensor, arena);
          assertThat(mapped.isReadOnly()).isTrue();
          assertThat(mapped.mismatch(gguf.data(tensor))).isEqualTo(-1);
        }
      }
      var moved = new TensorInfo("a", TensorType.Q8_0, Shape.of(32, 1, 2), 0, 1L << 40, 3);
      assertThatIllegalArgumentException().isThrownBy(() -> gguf.data(moved));
      assertThatIllegalArgumentException().isThrownBy(() -> gguf.map(moved, Arena.global()));
    }
  }

  @Test
  void everyTensorType() throws IOException {
    var types = TensorType.values();
    var file = header(types.length, 0);
    long offset = 0;
    for (var type : types) {
      file.tensor(type.ggmlName(), type, offset, 256, 3);
      offset += Math.ceilDiv(type.bytes(Shape.of(256, 3)), 32) * 32;
    }
    file.pad(32).bytes(new byte[(int) offset]);
    try (var gguf = open(file)) {
      for (var type : types) {
        assertThat(gguf.tensor(type.ggmlName()).type()).isEqualTo(type);
        assertThat(gguf.data(gguf.tensor(type.ggmlName())).byteSize())
            .isEqualTo(256L * 3 / type.blockElements() * type.blockBytes());
      }
    }
  }

  @Test
  void moreThanTwoGigabytes() throws IOException {
    long large = (1L << 32) + 32;
    var file =
        header(2, 0)
            .tensor("large", TensorType.I8, 0, 1L << 16, 1L << 16)
            .tensor("end", TensorType.I8, large, 3)
            .pad(32);
    int data = file.at();
    var path = file.write(folder);
    // What is not written takes no room on the disk.
    try (var channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(new byte[] {5, 6, 7}), data + large);
    }
    try (var gguf = Gguf.open(path);
        var arena = Arena.ofConfined()) {
      assertThat(gguf.fileBytes()).isEqualTo(data + large + 3);
      assertThat(gguf.data(gguf.tensor("large")).byteSize()).isEqualTo(1L << 32);
      assertThat(gguf.data(gguf.tensor("large")).get(ValueLayout.JAVA_BYTE, (1L << 32) - 1))
          .isZero();
      assertThat(gguf.data(gguf.tensor("end")).toArray(ValueLayout.JAVA_BYTE))
          .containsExactly(5, 6, 7);
      assertThat(gguf.map(gguf.tensor("end"), arena).toArray(ValueLayout.JAVA_BYTE))
          .containsExactly(5, 6, 7);
    }
  }

  @Test
  void closing() throws IOException {
    var file =
        header(1, 1)
            .array("a", GgufType.STRING, 1)
            .string("kept")
            .tensor("t", TensorType.F32, 0, 1)
            .pad(32)
            .f32(1);
    var gguf = open(file);
    var tensor = gguf.tensor("t");
    var data = gguf.data(tensor);
    Arena arena = Arena.ofConfined();
    var own = gguf.map(tensor, arena);
    gguf.close();
    gguf.close();
    assertThatIllegalStateException()
        .isThrownBy(() -> gguf.data(tensor))
        .withMessageContaining("closed");
    assertThatIllegalStateException().isThrownBy(() -> gguf.mapping(0));
    assertThatIllegalStateException().isThrownBy(() -> gguf.map(tensor, Arena.global()));
    assertThatIllegalStateException().isThrownBy(() -> data.get(ValueLayout.JAVA_FLOAT, 0));
    // What was read, and what has an arena of its own, stays.
    assertThat(gguf.strings("a")).containsExactly("kept");
    assertThat(own.get(ValueLayout.JAVA_FLOAT, 0)).isEqualTo(1f);
    arena.close();
  }
}
