package dev.tenon.gguf;

import static dev.tenon.gguf.GgufBytes.header;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufWriterTest {
  @TempDir Path folder;

  private byte[] written(GgufWriter writer) throws IOException {
    var file = folder.resolve("written.gguf");
    writer.write(file);
    var bytes = Files.readAllBytes(file);
    assertThat(writer.fileBytes()).isEqualTo(bytes.length);
    try (var files = Files.list(folder)) {
      assertThat(files.map(path -> path.getFileName().toString()))
          .doesNotContain(".tmp")
          .allMatch(name -> name.endsWith(".gguf"));
    }
    return bytes;
  }

  @Test
  void bytesAsByHand() throws IOException {
    var expected =
        header(2, 3)
            .key("general.architecture", GgufType.STRING)
            .string("llama")
            .key("general.alignment", GgufType.UINT32)
            .u32(8)
            .array("a", GgufType.STRING, 2)
            .string("é")
            .string("")
            .tensor("t", TensorType.F32, 0, 3)
            .tensor("u", TensorType.Q8_0, 16, 32, 2)
            .pad(8)
            .bytes(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12})
            .pad(8)
            .bytes(new byte[68])
            .pad(8);
    var writer =
        new GgufWriter()
            .put("general.architecture", "llama")
            .put("general.alignment", new GgufValue.Int(GgufType.UINT32, 8))
            .put("a", GgufValue.Array.strings(List.of("é", "")))
            .tensor(
                "t",
                TensorType.F32,
                Shape.of(3),
                MemorySegment.ofArray(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}))
            .tensor("u", TensorType.Q8_0, Shape.of(32, 2), MemorySegment.ofArray(new byte[68]));
    assertThat(written(writer)).isEqualTo(expected.toBytes());
  }

  @Test
  void noTensorsNoPadding() throws IOException {
    assertThat(written(new GgufWriter())).isEqualTo(header(0, 0).toBytes());
    assertThat(written(new GgufWriter().put("a", "b")))
        .isEqualTo(header(0, 1).key("a", GgufType.STRING).string("b").toBytes());
  }

  @Test
  void keysKeepTheirPlace() throws IOException {
    var writer = new GgufWriter().put("a", "1").put("b", "2").put("c", "3");
    writer.put("a", "4").remove("b").remove("absent").put("b", "5");
    written(writer);
    try (var gguf = Gguf.open(folder.resolve("written.gguf"))) {
      assertThat(gguf.keys()).containsExactly("a", "c", "b");
      assertThat(gguf.text("a")).isEqualTo("4");
    }
  }

  @Test
  void alignmentComesAndGoes() throws IOException {
    var writer = new GgufWriter().tensor("t", TensorType.I8, Shape.of(1), Samples.filled(1, 0));
    long plain = writer.fileBytes();
    writer.put("general.alignment", new GgufValue.Int(GgufType.UINT32, 4096));
    assertThat(writer.fileBytes()).isEqualTo(8192);
    assertThat(written(writer)).hasSize(8192);
    try (var gguf = Gguf.open(folder.resolve("written.gguf"))) {
      assertThat(gguf.alignment()).isEqualTo(4096);
      assertThat(gguf.tensor("t").offset()).isEqualTo(4096);
      assertThat(new GgufWriter().copy(gguf).tensor(gguf, gguf.tensor("t")).fileBytes())
          .isEqualTo(8192);
    }
    writer.remove("general.alignment");
    assertThat(writer.fileBytes()).isEqualTo(plain);
  }

  @Test
  void copyIsExact() throws IOException {
    // What no value can say: a flag of 2, strings that are no UTF-8, a NaN with a payload;
    // and shapes with trailing ones.
    var made =
        header(3, 5)
            .key("flag", GgufType.BOOL)
            .u8(2)
            .key("text", GgufType.STRING)
            .u64(2)
            .bytes(0xff, 0xc3)
            .key("nan", GgufType.FLOAT32)
            .u32(0x7f80_0001)
            .array("flags", GgufType.BOOL, 2)
            .bytes(3, 0)
            .array("texts", GgufType.STRING, 2)
            .string("a")
            .u64(1)
            .bytes(0xfe)
            .tensor("a", TensorType.F32, 0, 2, 1, 1)
            .tensor("b", TensorType.F32, 32)
            .tensor("c", TensorType.I8, 64, 0, 3)
            .pad(32)
            .u64(1)
            .pad(32)
            .u32(2)
            .pad(32);
    try (var gguf = Gguf.open(made.write(folder))) {
      var writer = new GgufWriter().copy(gguf);
      gguf.tensors().forEach(tensor -> writer.tensor(gguf, tensor));
      assertThat(written(writer)).isEqualTo(made.toBytes());
      // Arrays keep their bytes as values too.
      var values = new GgufWriter().copy(gguf, "flag").copy(gguf, "text").copy(gguf, "nan");
      values.put("flags", gguf.get("flags")).put("texts", gguf.get("texts"));
      gguf.tensors().forEach(tensor -> values.tensor(gguf, tensor));
      assertThat(written(values)).isEqualTo(made.toBytes());
      assertThatIllegalArgumentException().isThrownBy(() -> values.copy(gguf, "absent"));
    }
  }

  @Test
  void readWriteRead() throws IOException {
    var first = Files.readAllBytes(Samples.everything(folder.resolve("first.gguf")));
    try (var gguf = Gguf.open(folder.resolve("first.gguf"))) {
      var writer = new GgufWriter();
      for (var key : gguf.keys()) {
        writer.put(key, gguf.get(key));
      }
      gguf.tensors().forEach(tensor -> writer.tensor(gguf, tensor));
      assertThat(written(writer)).isEqualTo(first);
    }
  }

  @Test
  void overTheFileItCopiesFrom() throws IOException {
    var file = Samples.everything(folder.resolve("self.gguf"));
    long before;
    try (var gguf = Gguf.open(file)) {
      before = Samples.touch(gguf);
      var writer = new GgufWriter().copy(gguf);
      gguf.tensors().forEach(tensor -> writer.tensor(gguf, tensor));
      writer.write(file);
      // The old bytes live until it is closed.
      assertThat(Samples.touch(gguf)).isEqualTo(before);
    }
    try (var gguf = Gguf.open(file)) {
      assertThat(Samples.touch(gguf)).isEqualTo(before);
    }
  }

  @Test
  void sourcesWriteInPieces() throws IOException {
    int bytes = 3_000_000;
    var data = Samples.filled(bytes, 5);
    var writer =
        new GgufWriter()
            .tensor(
                "pieces",
                TensorType.I8,
                Shape.of(bytes),
                out -> {
                  int piece = 1;
                  for (long at = 0; at < bytes; ) {
                    long length = Math.min(piece, bytes - at);
                    var buffer = data.asSlice(at, length).asByteBuffer();
                    assertThat(out.write(buffer)).isEqualTo((int) length);
                    assertThat(buffer.hasRemaining()).isFalse();
                    at += length;
                    piece = piece * 3 + 1;
                  }
                  out.close();
                  assertThat(out.isOpen()).isTrue();
                })
            .tensor(
                "direct",
                TensorType.I8,
                Shape.of(bytes),
                out -> {
                  try (var arena = Arena.ofConfined()) {
                    out.write(arena.allocate(bytes).copyFrom(data).asByteBuffer());
                  }
                });
    written(writer);
    try (var gguf = Gguf.open(folder.resolve("written.gguf"))) {
      assertThat(gguf.data(gguf.tensor("pieces")).mismatch(data)).isEqualTo(-1);
      assertThat(gguf.data(gguf.tensor("direct")).mismatch(data)).isEqualTo(-1);
    }
  }

  @Test
  void failureLeavesTheOldFile() throws IOException {
    var file = folder.resolve("old.gguf");
    Files.writeString(file, "old");
    for (GgufWriter.Source source :
        List.<GgufWriter.Source>of(
            out -> {
              throw new IOException("no more");
            },
            out -> {
              out.write(ByteBuffer.allocate(64));
              throw new IllegalStateException("no more");
            })) {
      var writer =
          new GgufWriter().put("a", "b").tensor("t", TensorType.I8, Shape.of(1_000_000), source);
      assertThatThrownBy(() -> writer.write(file)).hasMessage("no more");
      assertThat(file).hasContent("old");
      assertThat(folder).isDirectoryContaining(path -> path.equals(file));
      try (var files = Files.list(folder)) {
        assertThat(files).containsExactly(file);
      }
    }
  }

  @Test
  void sourcesThatGiveTooMuchOrTooLittle() throws IOException {
    var file = folder.resolve("bad.gguf");
    for (int given : new int[] {0, 3, 5, 1_000_000}) {
      var writer =
          new GgufWriter()
              .tensor(
                  "t", TensorType.F32, Shape.of(1), out -> out.write(ByteBuffer.allocate(given)));
      assertThatIllegalStateException()
          .isThrownBy(() -> writer.write(file))
          .withMessageContaining("tensor t")
          .withMessageContaining(given < 4 ? "gave " + given + " bytes" : "more than the 4 bytes");
      assertThat(folder).isEmptyDirectory();
    }
  }

  @Test
  void badTargets() throws IOException {
    var writer = new GgufWriter().put("a", "b");
    assertThatThrownBy(() -> writer.write(folder))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no regular file");
    assertThatThrownBy(() -> writer.write(folder.resolve("absent/x.gguf")))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no folder " + folder.resolve("absent"));
    var device = Path.of("/dev/null");
    Assumptions.assumeTrue(Files.exists(device), "no /dev/null");
    assertThatThrownBy(() -> writer.write(device)).isInstanceOf(IOException.class);
    assertThat(Files.isRegularFile(device)).isFalse();
  }

  @Test
  void badKeysAndValues() {
    var writer = new GgufWriter();
    assertThatIllegalArgumentException().isThrownBy(() -> writer.put("", "b"));
    assertThatIllegalArgumentException().isThrownBy(() -> writer.put("k".repeat(65536), "b"));
    assertThatIllegalArgumentException().isThrownBy(() -> writer.put("\ud800", "b"));
    assertThatIllegalArgumentException().isThrownBy(() -> writer.put("a", "\udc00"));
    for (var alignment :
        List.of(
            new GgufValue.Int(GgufType.UINT32, 0),
            new GgufValue.Int(GgufType.UINT32, 48),
            new GgufValue.Int(GgufType.UINT64, 32),
            new GgufValue.Text("32"))) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> writer.put("general.alignment", alignment))
          .withMessageContaining("power of two");
    }
    assertThat(writer.fileBytes()).isEqualTo(24);
  }

  @Test
  void badTensors() {
    var writer = new GgufWriter().tensor("t", TensorType.F32, Shape.of(1), Samples.filled(4, 0));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.tensor("t", TensorType.F32, Shape.of(1), Samples.filled(4, 0)))
        .withMessageContaining("there is one of that name");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> writer.tensor("n".repeat(64), TensorType.F32, Shape.of(1), Samples.filled(4, 0)))
        .withMessageContaining("63");
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> writer.tensor("é".repeat(32), TensorType.F32, Shape.of(1), Samples.filled(4, 0)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.tensor("a\0", TensorType.F32, Shape.of(1), Samples.filled(4, 0)));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.tensor("u", TensorType.F32, Shape.of(1), Samples.filled(5, 0)))
        .withMessageContaining("5 bytes of data");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> writer.tensor("u", TensorType.Q4_0, Shape.of(33), out -> {}));
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                new GgufWriter()
                    .tensor("a", TensorType.I8, Shape.of(Long.MAX_VALUE), out -> {})
                    .tensor("b", TensorType.I8, Shape.of(Long.MAX_VALUE), out -> {})
                    .fileBytes());
    // 63 bytes are possible.
    writer.tensor("n".repeat(63), TensorType.F32, Shape.of(1), Samples.filled(4, 0));
  }
}
