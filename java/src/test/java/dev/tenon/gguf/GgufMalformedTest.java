package dev.tenon.gguf;

import static dev.tenon.gguf.GgufBytes.header;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Each way in which a file can be wrong is found where it is, and said in one line.
@Timeout(60)
class GgufMalformedTest {
  private static final long HUGE = 1L << 60;

  @TempDir Path folder;

  private void assertMalformed(GgufBytes bytes, long offset, String... said) throws IOException {
    var file = bytes.write(folder);
    var e = catchThrowableOfType(GgufFormatException.class, () -> Gguf.open(file).close());
    assertThat(e).as("exception").isNotNull();
    assertThat(e.offset()).as(e.getMessage()).isEqualTo(offset);
    assertThat(e.getMessage())
        .startsWith(file + ": byte " + offset + ": expected ")
        .contains(", found ")
        .contains(said)
        .doesNotContain("\n");
  }

  @Test
  void missingFolderAndEmpty() throws IOException {
    var missing = folder.resolve("missing.gguf");
    assertThatThrownBy(() -> Gguf.open(missing))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessage(missing + ": no such file");
    assertThatThrownBy(() -> Gguf.open(folder))
        .isInstanceOf(FileSystemException.class)
        .hasMessage(folder + ": a folder; expected a GGUF file");
    assertMalformed(new GgufBytes(), 0, "an empty file");
  }

  @Test
  void specialFile() {
    var device = Path.of("/dev/null");
    Assumptions.assumeTrue(Files.exists(device), "no /dev/null");
    assertThatThrownBy(() -> Gguf.open(device))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("no regular file");
  }

  @Test
  void magic() throws IOException {
    assertMalformed(new GgufBytes().text("ggml").u32(3).u64(0).u64(0), 0, "GGUF", "\"ggml\"");
    assertMalformed(new GgufBytes().text("GGU"), 0, "magic", "end of the file after 3");
    assertMalformed(new GgufBytes().bytes(1, 10, 27, 200), 0, "\\u0001\\u000a\\u001b");
  }

  @Test
  void version() throws IOException {
    assertMalformed(header(0, 0, 0), 4, "version 2 or 3", "version 0");
    assertMalformed(header(1, 0, 0), 4, "version 2 or 3", "version 1");
    assertMalformed(header(4, 0, 0), 4, "version 2 or 3", "version 4");
    assertMalformed(header(-1, 0, 0), 4, "version 4294967295");
  }

  @Test
  void bigEndian() throws IOException {
    assertMalformed(
        new GgufBytes().text("GGUF").bytes(0, 0, 0, 3).u64(0).u64(0), 4, "a big-endian one");
    assertMalformed(
        new GgufBytes().text("FUGG").bytes(0, 0, 0, 3).u64(0).u64(0), 0, "a big-endian one");
  }

  @Test
  void absurdCounts() throws IOException {
    assertMalformed(header(HUGE, 0), 8, "tensors", "1152921504606846976");
    assertMalformed(header(-1, 0), 8, "tensors", "18446744073709551615");
    assertMalformed(header(1000, 0), 8, "tensors to fit into the 8 bytes", "1000");
    assertMalformed(header(0, HUGE), 16, "metadata keys", "1152921504606846976");
    assertMalformed(header(0, -1), 16, "metadata keys", "18446744073709551615");
    assertMalformed(header(0, 1000), 16, "metadata keys to fit into the 0 bytes", "1000");
    assertMalformed(
        header(5, 1).key("a", GgufType.STRING).string("x".repeat(100)), 8, "after the metadata");
  }

  @Test
  void keys() throws IOException {
    var file = header(0, 1);
    int at = file.at();
    assertMalformed(file.string("").u32(0).u8(1).pad(64), at, "a metadata key", "length 0");

    assertMalformed(
        header(0, 1).u64(HUGE).pad(64), at, "a metadata key", "length 1152921504606846976");
    assertMalformed(header(0, 1).u64(-5).pad(64), at, "length 18446744073709551611");
    assertMalformed(header(0, 1).u64(41).pad(64), at, "to fit into the 32 bytes", "length 41");
    assertMalformed(
        header(0, 1).string("k".repeat(65536)).u32(0).u8(1), at, "65535", "length 65536");
    assertMalformed(header(0, 1).u64(2).bytes(0xc3, 0x28).u32(0).u8(1), at + 8, "UTF-8");
    // Half a surrogate pair, encoded, is no UTF-8.
    assertMalformed(header(0, 1).u64(3).bytes(0xed, 0xa0, 0x80).u32(0).u8(1), at + 8, "UTF-8");
  }

  @Test
  void duplicateKey() throws IOException {
    var file = header(0, 3).key("a", GgufType.UINT8).u8(1).key("b", GgufType.UINT8).u8(1);
    int at = file.at();
    assertMalformed(file.key("a", GgufType.UINT8).u8(2), at, "each key once", "\"a\" again");
  }

  @Test
  void keyWithControlCharactersIsShownInOneLine() throws IOException {
    var file = header(0, 1).string("a\n\u001b[31m\u202e");
    int at = file.at();
    assertMalformed(file.u32(99).u64(0), at, "\"a\\u000a\\u001b[31m\\u202e\"", "99");
  }

  @Test
  void longNameIsCut() throws IOException {
    var file = header(0, 1).string("k".repeat(60000));
    int at = file.at();
    file.u32(99).u64(0);
    assertMalformed(file, at, "k…");
    assertThatThrownBy(() -> Gguf.open(folder.resolve("made.gguf")))
        .satisfies(e -> assertThat(e.getMessage()).hasSizeLessThan(400));
  }

  @Test
  void valueTypes() throws IOException {
    for (long id : new long[] {13, 255, -1, 0x100}) {
      var file = header(0, 1).string("a");
      int at = file.at();
      assertMalformed(file.u32(id).u64(0), at, "0 to 12", Integer.toUnsignedString((int) id));
    }
  }

  @Test
  void strings() throws IOException {
    for (long length : new long[] {HUGE, -1, Long.MIN_VALUE, 9}) {
      var file = header(0, 1).key("a", GgufType.STRING);
      int at = file.at();
      assertMalformed(
          file.u64(length).u64(0), at, "the string of \"a\"", Long.toUnsignedString(length));
    }
  }

  @Test
  void arrays() throws IOException {
    var start = header(0, 1).key("a", GgufType.ARRAY).at();
    for (var type : GgufType.values()) {
      for (long count : new long[] {HUGE, -1, Long.MIN_VALUE, 1L << 28, 65}) {
        assertMalformed(
            header(0, 1).array("a", type, count).bytes(new byte[64]),
            start + 4,
            "elements of \"a\"",
            Long.toUnsignedString(count));
      }
    }
    assertMalformed(header(0, 1).key("a", GgufType.ARRAY).u32(13).u64(0), start, "0 to 12", "13");
    // Counts that fit, of strings and arrays that do not.
    var strings = header(0, 1).array("a", GgufType.STRING, 2).string("b");
    int at = strings.at();
    assertMalformed(strings.u64(HUGE), at, "a string of \"a\"", "1152921504606846976");
    var arrays = header(0, 1).array("a", GgufType.ARRAY, 1).u32(GgufType.UINT64.id());
    at = arrays.at();
    assertMalformed(arrays.u64(HUGE), at, "elements of \"a\"", "1152921504606846976");
    var typed = header(0, 1).array("a", GgufType.ARRAY, 1);
    at = typed.at();
    assertMalformed(typed.u32(13).u64(0), at, "0 to 12", "13");
  }

  @Test
  void nestedArrays() throws IOException {
    var deep = header(0, 1).array("a", GgufType.ARRAY, 1);
    deep.u32(GgufType.ARRAY.id()).u64(1);
    deep.u32(GgufType.ARRAY.id()).u64(1);
    deep.u32(GgufType.UINT8.id()).u64(1).u8(7);
    deep.write(folder);
    assertThatCode(() -> Gguf.open(folder.resolve("made.gguf")).close()).doesNotThrowAnyException();

    var deeper = header(0, 1).array("a", GgufType.ARRAY, 1);
    for (int i = 0; i < 100_000; i++) {
      deeper.u32(GgufType.ARRAY.id()).u64(1);
    }
    assertMalformed(
        deeper, header(0, 1).array("a", GgufType.ARRAY, 1).at() + 3 * 12, "4 levels", "one more");
  }

  @Test
  void alignment() throws IOException {
    int at = header(0, 1).string("general.alignment").at();
    for (long alignment : new long[] {0, 13, 33, 0xffff_ffffL}) {
      assertMalformed(
          header(0, 1).key("general.alignment", GgufType.UINT32).u32(alignment),
          at,
          "a power of two of type uint32",
          "uint32 \"" + alignment + "\"");
    }
    assertMalformed(
        header(0, 1).key("general.alignment", GgufType.INT32).u32(32), at, "int32 \"32\"");
    assertMalformed(
        header(0, 1).key("general.alignment", GgufType.UINT64).u64(32), at, "uint64 \"32\"");
    assertMalformed(
        header(0, 1).key("general.alignment", GgufType.STRING).string("32"), at, "string \"32\"");
    assertMalformed(
        header(0, 1).array("general.alignment", GgufType.UINT32, 1).u32(32), at, "array");
  }

  @Test
  void tensorNames() throws IOException {
    int at = header(1, 0).at();
    assertMalformed(
        header(1, 0).tensor("n".repeat(64), TensorType.F32, 0, 1).pad(32).f32(1),
        at,
        "at most 63 bytes",
        "length 64");
    assertMalformed(header(1, 0).u64(HUGE).pad(96), at, "a tensor name", "1152921504606846976");
    assertMalformed(header(1, 0).u64(-1).pad(96), at, "18446744073709551615");
    assertMalformed(header(1, 0).u64(1).bytes(0xff).pad(96), at + 8, "UTF-8");
    assertMalformed(
        header(1, 0).tensor("a\0b", TensorType.F32, 0, 1).pad(32).f32(1), at, "the character 0");
    var twice = header(2, 0).tensor("a", TensorType.F32, 0, 1);
    at = twice.at();
    assertMalformed(
        twice.tensor("a", TensorType.F32, 32, 1).pad(32).bytes(new byte[64]), at, "\"a\" again");
  }

  @Test
  void tensorShapes() throws IOException {
    int at = header(1, 0).string("t").at();
    assertMalformed(
        header(1, 0).tensor("t", TensorType.F32, 0, 1, 1, 1, 1, 1).pad(32).f32(1),
        at,
        "at most 4 dimensions",
        "5");
    assertMalformed(header(1, 0).string("t").u32(-1).pad(96), at, "4294967295");
    assertMalformed(
        header(1, 0).tensor("t", TensorType.F32, 0, 1, -2).pad(32).f32(1),
        at + 4 + 8,
        "dimension 1 of \"t\"",
        "-2");
    for (var dimensions :
        new long[][] {
          {1L << 31, 1L << 32},
          {1L << 32, 1L << 32},
          {Long.MAX_VALUE, 2},
          {1L << 21, 1L << 21, 1L << 21},
          {3037000500L, 3037000500L},
          {1L << 62, 1L << 62, 1L << 62, 1L << 62},
          {0, 1L << 32, 1L << 32},
        }) {
      assertMalformed(
          header(1, 0).tensor("t", TensorType.I8, 0, dimensions).pad(32),
          at,
          "a possible shape of \"t\"",
          Arrays.toString(dimensions).replace("]", ""));
    }
    // As many elements as a long has, but more bytes.
    assertMalformed(
        header(1, 0).tensor("t", TensorType.I64, 0, 1L << 31, 1L << 31).pad(32),
        at,
        "i64: [2147483648, 2147483648] takes more than 2^63 - 1 bytes");
  }

  @Test
  void rowsOfHalfABlock() throws IOException {
    int at = header(1, 0).string("t").at();
    for (var type : TensorType.values()) {
      if (type.isQuantized()) {
        assertMalformed(
            header(1, 0)
                .tensor("t", type, 0, type.blockElements() / 2, 2)
                .pad(32)
                .bytes(new byte[4096]),
            at,
            type.ggmlName(),
            "blocks have " + type.blockElements());
      }
    }
  }

  @Test
  void tensorTypes() throws IOException {
    int at = header(1, 0).string("t").u32(1).u64(1).at();
    for (int id = 0; id < 300; id++) {
      if (TensorType.byId(id) == null) {
        assertMalformed(
            header(1, 0).string("t").u32(1).u64(1).u32(id).u64(0).pad(96),
            at,
            "0 f32",
            "12 q4_K",
            "42 q2_0",
            "found " + id);
      }
    }
    assertMalformed(
        header(1, 0).string("t").u32(1).u64(1).u32(31).u64(0).pad(96),
        at,
        "31 (removed from ggml: q4_0_4_4, now q4_0 repacked at load)");
    assertMalformed(header(1, 0).string("t").u32(1).u64(1).u32(-1).u64(0).pad(96), at, "found -1");
  }

  @Test
  void tensorOffsets() throws IOException {
    int at = header(1, 0).string("t").u32(1).u64(1).u32(0).at();
    for (long offset : new long[] {1, 16, 31, -32, Long.MIN_VALUE}) {
      assertMalformed(
          header(1, 0).tensor("t", TensorType.F32, offset, 1).pad(32).bytes(new byte[64]),
          at,
          "a multiple of 32",
          Long.toUnsignedString(offset));
    }
    for (long offset : new long[] {64, 1L << 40, Long.MAX_VALUE - 31}) {
      assertMalformed(
          header(1, 0).tensor("t", TensorType.F32, offset, 1).pad(32).bytes(new byte[64]),
          at,
          "to end within the 128 bytes",
          "4 bytes from 64 + " + offset);
    }
    assertMalformed(
        header(1, 0).tensor("t", TensorType.F32, 0, 17).pad(32).bytes(new byte[64]),
        at,
        "68 bytes from 64 + 0");
    assertMalformed(
        header(1, 0).tensor("t", TensorType.F32, 0, 1L << 60).pad(32).bytes(new byte[64]),
        at,
        "to end within");
    // The file ends before its data begin.
    assertMalformed(header(1, 0).tensor("t", TensorType.F32, 0, 0), at, "0 bytes from 64 + 0");
  }

  @Test
  void overlappingTensors() throws IOException {
    var inOrder = header(2, 0).tensor("a", TensorType.F32, 0, 9).string("b").u32(1).u64(1).u32(0);
    int at = inOrder.at();
    assertMalformed(
        inOrder.u64(32).pad(32).bytes(new byte[64]),
        at,
        "\"b\"",
        "after \"a\"",
        "ends at byte 132");

    var same = header(2, 0).tensor("a", TensorType.F32, 0, 1).string("b").u32(1).u64(1).u32(0);
    at = same.at();
    assertMalformed(same.u64(0).pad(32).bytes(new byte[64]), at, "\"b\"", "after \"a\"");

    // The later one in the file comes first in the table.
    var swapped = header(2, 0).string("b").u32(1).u64(1).u32(0);
    at = swapped.at();
    assertMalformed(
        swapped.u64(32).tensor("a", TensorType.F32, 0, 9).pad(32).bytes(new byte[64]),
        at,
        "\"b\"",
        "after \"a\"");
  }

  @Test
  void truncatedAtEveryByte() throws IOException {
    var whole = Files.readAllBytes(Samples.everything(folder.resolve("whole.gguf")));
    var file = folder.resolve("part.gguf");
    int opened = 0;
    for (int length = 0; length < whole.length; length++) {
      Files.write(file, Arrays.copyOf(whole, length));
      try (var gguf = Gguf.open(file)) {
        Samples.touch(gguf);
        opened++;
      } catch (GgufFormatException e) {
        assertThat(e.offset()).isBetween(0L, (long) length);
        assertThat(e.getMessage()).doesNotContain("\n");
      }
    }
    // Only the padding after the last tensor can be missed.
    assertThat(opened).isBetween(1, 31);
  }

  @Test
  void everyByteChanged() throws IOException {
    var whole = Files.readAllBytes(Samples.everything(folder.resolve("whole.gguf")));
    var file = folder.resolve("changed.gguf");
    for (int i = 0; i < whole.length; i++) {
      for (int bits : new int[] {0x01, 0xff}) {
        var changed = whole.clone();
        changed[i] ^= (byte) bits;
        Files.write(file, changed);
        try (var gguf = Gguf.open(file)) {
          Samples.touch(gguf);
        } catch (GgufFormatException e) {
          assertThat(e.offset()).isBetween(0L, (long) whole.length);
        }
      }
    }
  }
}
