package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  @TempDir private Path folder;

  static byte[] safetensors(String header, int dataBytes) {
    var text = header.getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + text.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(text.length).put(text);
    for (int i = 0; i < dataBytes; i++) {
      bytes.put((byte) i);
    }
    return bytes.array();
  }

  private Path write(String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name), bytes);
  }

  private static float[] numbers(StoredTensor tensor) {
    var numbers = new float[Math.toIntExact(tensor.elements())];
    tensor.read(0, numbers, 0, numbers.length);
    return numbers;
  }

  @Test
  void safetensorsGiveTensorsAndMetadata() throws IOException {
    var header =
        """
        {"__metadata__":{"format":"pt"},
         "a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},
         "b":{"dtype":"U8","shape":[],"data_offsets":[8,9]},
         "none":{"dtype":"F64","shape":[3,0],"data_offsets":[9,9]}}\
        """;
    try (var checkpoint = Checkpoint.open(write("model.safetensors", safetensors(header, 9)))) {
      assertThat(checkpoint.metadata()).containsOnly(Map.entry("format", "pt"));
      assertThat(checkpoint.tensors())
          .extracting(StoredTensor::toString)
          .containsExactly("a F32 [2, 1]", "b U8 []", "none F64 [3, 0]");
      assertThat(checkpoint.tensor("a").bytes().byteSize()).isEqualTo(8);
      assertThat(numbers(checkpoint.tensor("b"))).containsExactly(8);
      assertThat(numbers(checkpoint.tensor("none"))).isEmpty();
      assertThatThrownBy(() -> checkpoint.tensor("x"))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("no tensor x");
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      quoteCharacter = '~',
      value = {
        "[];8",
        "{} x;8",
        "{\"a\":1};8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}};8",
        "{\"a\":{\"dtype\":\"F31\",\"shape\":[2],\"data_offsets\":[0,8]}};8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}};8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]}};8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}};8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,9]}};8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}};8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-8,0]}};8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}};9",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]}};9",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}};8",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}};8",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
            + "\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}};4",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}};3",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
            + "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}};3",
        "{\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}};1",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1,2]}};1",
        "{\"__metadata__\":{\"x\":1}};0",
        "{\"a\";0"
      })
  void malformedHeadersSayWhere(String header, int dataBytes) throws IOException {
    var file = write("model.safetensors", safetensors(header, dataBytes));
    assertThatThrownBy(() -> Checkpoint.open(file).close())
        .isInstanceOfSatisfying(
            FormatException.class, e -> assertThat(e.offset()).isBetween(0L, 300L))
        .hasMessageStartingWith(file + ", byte ")
        .hasMessageContaining("expected ")
        .hasMessageContaining("found ")
        .hasMessageNotContaining("\n");
  }

  @ParameterizedTest
  @ValueSource(longs = {100_000_000, -1, Long.MAX_VALUE, 1000})
  void lengthsOfHeadersAreBounded(long length) throws IOException {
    var bytes = safetensors("{}", 0);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(length);
    var file = write("model.safetensors", bytes);
    assertThatThrownBy(() -> Checkpoint.open(file).close())
        .isInstanceOfSatisfying(FormatException.class, e -> assertThat(e.offset()).isZero());
  }

  @Test
  void shardsAreFoundByTheirIndex() throws IOException {
    write(
        "one.safetensors",
        safetensors("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1));
    write(
        "two.safetensors",
        safetensors(
            "{\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
                + "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
            3));
    index("{\"weight_map\":{\"a\":\"two.safetensors\",\"b\":\"two.safetensors\"}}");
    try (var checkpoint = Checkpoint.open(folder)) {
      assertThat(numbers(checkpoint.tensor("a"))).containsExactly(2);
      assertThat(checkpoint.tensors()).hasSize(2);
    }
    index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"three.safetensors\"}}");
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("three.safetensors");
    index("{\"weight_map\":{\"a\":\"one.safetensors\",\"b\":\"one.safetensors\"}}");
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("b, which");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../a.safetensors",
        "/a.safetensors",
        "x/../../a.safetensors",
        "..\\\\a.safetensors",
        "./a.safetensors",
        "C:/a.safetensors",
        "",
        "a.index.json",
        "passwd"
      })
  void indexesCannotLeaveTheirFolder(String name) throws IOException {
    index("{\"weight_map\":{\"a\":\"" + name + "\"}}");
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("weight_map");
  }

  @Test
  void aShardIsAFile() throws IOException {
    Files.createSymbolicLink(folder.resolve("a.safetensors"), Path.of("."));
    index("{\"weight_map\":{\"a\":\"a.safetensors\"}}");
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("a.safetensors: no regular file");
  }

  private void index(String json) throws IOException {
    Files.writeString(folder.resolve("model.safetensors.index.json"), json);
  }

  @Test
  void picklesGiveViewsOfSharedStorages() throws IOException {
    try (var checkpoint = Checkpoint.open(write("pytorch_model.bin", TorchFile.sample().zip()))) {
      assertThat(numbers(checkpoint.tensor("a"))).containsExactly(0, 1, 2, 3, 4, 5);
      var transposed = checkpoint.tensor("t");
      assertThat(numbers(transposed)).containsExactly(0, 3, 1, 4, 2, 5);
      assertThat(transposed.isContiguous()).isFalse();
      assertThatThrownBy(transposed::bytes).isInstanceOf(IllegalStateException.class);
      var bytes = new byte[6 * Float.BYTES];
      transposed.copy(0, MemorySegment.ofArray(bytes), 0, 6);
      assertThat(bytes).isEqualTo(TorchFile.floats(0, 3, 1, 4, 2, 5));
      assertThat(numbers(checkpoint.tensor("c"))).containsExactly(1, 4);
      assertThat(checkpoint.tensor("tied").isSameAs(checkpoint.tensor("a"))).isTrue();
      assertThat(checkpoint.tensor("t").isSameAs(checkpoint.tensor("a"))).isFalse();
      var half = checkpoint.tensor("b");
      assertThat(numbers(half)).containsExactly(1, -2);
      var some = new float[3];
      transposed.read(2, some, 1, 2);
      assertThat(some).containsExactly(0, 1, 4);
      assertThatThrownBy(() -> transposed.read(5, some, 0, 2))
          .isInstanceOf(IndexOutOfBoundsException.class);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "posix, system",
    "os, system",
    "builtins, eval",
    "builtins, getattr",
    "torch, load",
    "torch._utils, _rebuild_sparse_tensor",
    "torch.os, system",
    "subprocess, Popen",
    "torch, EvilStorage",
    "collections, defaultdict"
  })
  void aPickleThatCallsAnythingElseIsRefused(String module, String name) throws IOException {
    var torch = TorchFile.sample();
    torch.text("x").global(module, name).raw('(').text("touch x").raw('t', 'R');
    var file = write("pytorch_model.bin", torch.zip());
    assertThatThrownBy(() -> Checkpoint.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(module + "." + name);
  }

  @Test
  void aListThatIsReadAgainAndAgainHasAnEnd() throws IOException {
    var torch = TorchFile.sample().text("x").raw(']', 'q', 1, '(');
    for (int i = 0; i < 60_000; i++) {
      torch.raw('N', 'N', 0x86);
    }
    torch.raw('e');
    for (int i = 0; i < 100; i++) {
      torch.global("collections", "OrderedDict").raw('h', 1, 0x85, 'R', '0');
    }
    var file = write("pytorch_model.bin", torch.zip());
    assertThatThrownBy(() -> Checkpoint.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("steps");
  }

  @Test
  void viewsMustLieInTheirStorages() throws IOException {
    int[][] bad = {{7, 1, 0}, {2, 6, 0}, {3, 3, 0}, {1, 1, 6}, {1, 1, -1}, {-1, 1, 0}, {2, -1, 3}};
    for (var b : bad) {
      var torch =
          new TorchFile()
              .tensor("a", "FloatStorage", "0", 6, b[2], new int[] {b[0]}, new int[] {b[1]})
              .storage("0", new byte[24]);
      var file = write("pytorch_model.bin", torch.zip());
      assertThatThrownBy(() -> Checkpoint.open(file)).isInstanceOf(FormatException.class);
    }
    var missing =
        new TorchFile()
            .tensor("a", "FloatStorage", "0", 6, 0, new int[] {6}, new int[] {1})
            .storage("0", new byte[20]);
    var file = write("pytorch_model.bin", missing.zip());
    assertThatThrownBy(() -> Checkpoint.open(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("24 bytes of storage 0");
  }

  @Test
  void everyTypeIsReadExactly() throws IOException {
    var one = new float[1];
    for (int b = 0; b < 256; b++) {
      var segment = MemorySegment.ofArray(new byte[] {(byte) b, 0, 0, 0});
      ElementType.F8_E5M2.read(segment, 0, one, 0, 1);
      assertThat((Float) one[0]).isEqualTo((Float) Float.float16ToFloat((short) (b << 8)));
      ElementType.F8_E4M3.read(segment, 0, one, 0, 1);
      int e = b >> 3 & 15;
      double expected =
          (b < 128 ? 1 : -1)
              * (e == 0 ? (b & 7) / 512.0 : Math.pow(2, e - 7) * (1 + (b & 7) / 8.0));
      assertThat((Double) (double) one[0])
          .isEqualTo((Double) ((b & 127) == 127 ? Double.NaN : expected));
    }
  }

  @Test
  void aFolderWithoutWeightsSaysWhatWasLookedFor() throws IOException {
    assertThatThrownBy(() -> Checkpoint.open(folder))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("model.safetensors");
    write("a.safetensors", safetensors("{}", 0));
    Checkpoint.open(folder).close();
    write("b.safetensors", safetensors("{}", 0));
    assertThatThrownBy(() -> Checkpoint.open(folder)).hasMessageContaining("b.safetensors");
  }
}
