package dev.tenon.convert;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;
import static org.assertj.core.api.Assertions.within;

import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ImportanceMatrixTest {
  @TempDir Path folder;

  private static byte[] old() {
    var out = ByteBuffer.allocate(1000).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(2);
    for (int i = 0; i < 2; i++) {
      var name = ("blk." + i + ".attn_q.weight").getBytes(StandardCharsets.UTF_8);
      out.putInt(name.length).put(name).putInt(4).putInt(3);
      for (int j = 0; j < 3; j++) out.putFloat(4 * (i + j));
    }
    out.putInt(7).putInt(8).put("text.txt".getBytes(StandardCharsets.UTF_8));
    return Arrays.copyOf(out.array(), out.position());
  }

  private ImportanceMatrix read(byte[] bytes) throws IOException {
    var file = folder.resolve("matrix");
    Files.write(file, bytes);
    return ImportanceMatrix.read(file);
  }

  @Test
  void readsTheOldFormat() throws IOException {
    var matrix = read(old());
    assertThat(matrix.weights()).containsExactly("blk.0.attn_q.weight", "blk.1.attn_q.weight");
    assertThat(matrix.of("blk.1.attn_q.weight")).containsExactly(1, 2, 3);
    assertThat(matrix.of("blk.2.attn_q.weight")).isNull();
    assertThat(matrix.datasets()).containsExactly("text.txt");
    assertThat(matrix.chunks()).isEqualTo(7);
    assertThat(matrix.withOnly(List.of("blk.1")).weights()).containsExactly("blk.1.attn_q.weight");
    assertThat(matrix.without(List.of("attn")).isEmpty()).isTrue();
  }

  private static GgufWriter gguf(float... counts) {
    var to = new GgufWriter().put("imatrix.datasets", GgufValue.Array.strings(List.of("a", "b")));
    to.put("imatrix.chunk_count", new GgufValue.Int(GgufType.UINT32, 5));
    to.put("imatrix.chunk_size", new GgufValue.Int(GgufType.UINT32, 128));
    SmallFile.tensor(to, "w.in_sum2", new float[] {2, 4, 6, 8}, 2, 2);
    SmallFile.tensor(to, "w.counts", counts, 1, counts.length);
    return to;
  }

  @Test
  void readsGguf() throws IOException {
    var file = folder.resolve("matrix.gguf");
    gguf(2, 0).write(file);
    var matrix = ImportanceMatrix.read(file);
    assertThat(matrix.of("w")).containsExactly(1, 2, 1, 1); // no token came to the second expert
    assertThat(matrix.datasets()).containsExactly("a", "b");
    assertThat(matrix.chunks()).isEqualTo(5);
  }

  @Test
  void whatIsWrittenComesBack() throws IOException {
    gguf(2, 0).write(folder.resolve("a.gguf"));
    var collector = new ImportanceCollector(1, false);
    collector.add(ImportanceMatrix.read(folder.resolve("a.gguf")));
    collector.add(ImportanceMatrix.read(folder.resolve("a.gguf")));
    var matrix = collector.matrix(List.of("c"));
    assertThat(matrix.path()).isNull();
    assertThat(matrix.chunks()).isEqualTo(4);
    assertThat(matrix.datasets()).containsExactly("a", "b", "a", "b", "c");
    assertThat(matrix.unseen()).containsExactly(entry("w", 1));
    matrix.write(folder.resolve("b.gguf"));
    var read = ImportanceMatrix.read(folder.resolve("b.gguf"));
    assertThat(read.of("w")).containsExactly(1, 2, 1, 1);
    assertThat(read.datasets()).isEqualTo(matrix.datasets());
    assertThat(read.chunks()).isEqualTo(4);
    assertThat(read.chunkSize()).isEqualTo(1);
    matrix.writeOld(folder.resolve("b.dat"));
    read = ImportanceMatrix.read(folder.resolve("b.dat"));
    assertThat(read.of("w")).containsExactly(1, 2, 1, 1);
    assertThat(read.datasets()).containsExactly("c");
    assertThat(read.chunks()).isEqualTo(4);
    assertThat(read.chunkSize()).isZero();
    var old = read;
    assertThatThrownBy(() -> old.write(folder.resolve("c.gguf")))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("old format");
    var again = new ImportanceCollector(10, false);
    again.add(old);
    assertThat(again.chunks()).isEqualTo(4);
    assertThat(again.matrix(List.of()).of("w")).containsExactly(1, 2, 1, 1);
    assertThatThrownBy(() -> again.add(shorter()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("2 sums and 1 counts for w, which has 4 and 1");
    assertThat(again.chunks()).isEqualTo(4);
  }

  private ImportanceMatrix shorter() throws IOException {
    var to = new GgufWriter().put("imatrix.datasets", GgufValue.Array.strings(List.of()));
    to.put("imatrix.chunk_count", new GgufValue.Int(GgufType.UINT32, 1));
    to.put("imatrix.chunk_size", new GgufValue.Int(GgufType.UINT32, 1));
    SmallFile.tensor(to, "w.in_sum2", new float[] {2, 4}, 2);
    SmallFile.tensor(to, "w.counts", new float[] {1}, 1);
    to.write(folder.resolve("shorter.gguf"));
    return ImportanceMatrix.read(folder.resolve("shorter.gguf"));
  }

  @Test
  void statisticsSayHowItIsSpread() {
    var entries =
        Map.of(
            "blk.0.attn_q.weight",
            new ImportanceMatrix.Entry(new float[] {4, 0, 4, 24}, new long[] {4}),
            "blk.1.attn_q.weight",
            new ImportanceMatrix.Entry(new float[] {1, 1, 1, 1, 8, 8, 8, 8}, new long[] {0, 8}));
    var all = ImportanceStatistics.of(new ImportanceMatrix(null, List.of(), 1, 4, entries));
    assertThat(all).hasSize(2);
    var first = all.getFirst(); // the larger sum
    assertThat(first.weight()).isEqualTo("blk.0.attn_q.weight");
    assertThat(first.sum()).isEqualTo(8);
    assertThat(first.minimum()).isZero();
    assertThat(first.maximum()).isEqualTo(6);
    assertThat(first.mean()).isEqualTo(2);
    assertThat(first.deviation()).isCloseTo(Math.sqrt(5.5), within(1e-9));
    assertThat(first.active()).isEqualTo(0.75);
    assertThat(first.outstanding()).isEqualTo(0.25);
    assertThat(first.entropy()).isCloseTo(1.0612781, within(1e-6));
    // The expert that no token came to does not count.
    assertThat(all.getLast().columns()).isEqualTo(4);
    assertThat(all.getLast().entropy()).isEqualTo(2);
    assertThat(all.getLast().deviation()).isZero();
  }

  @Test
  void refusesWhatIsNoMatrix() throws IOException {
    var file = folder.resolve("matrix.gguf");
    gguf(1, 1, 1).write(file);
    refused(file, "4 sums and 3 counts");
    gguf(1).remove("imatrix.chunk_size").write(file);
    refused(file, "imatrix.chunk_size");
    var lonely = gguf(1);
    SmallFile.tensor(lonely, "v.in_sum2", new float[1], 1);
    lonely.write(file);
    refused(file, "for v");
    var infinite = gguf(1);
    SmallFile.tensor(infinite, "v.in_sum2", new float[] {Float.POSITIVE_INFINITY}, 1);
    SmallFile.tensor(infinite, "v.counts", new float[] {1}, 1);
    infinite.write(file);
    refused(file, "Infinity");
    Files.write(file, new byte[0]);
    refused(file, "the end");
    Files.write(file, new byte[] {0, 0, 0, 0});
    refused(file, "number of entries");
  }

  private static void refused(Path file, String hint) {
    assertThatThrownBy(() -> ImportanceMatrix.read(file))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString())
        .hasMessageContaining(hint);
  }

  @Test
  void noBytesDoMoreThanFail() throws IOException {
    var random = new Random(7);
    var whole = old();
    int read = 0;
    for (int i = 0; i < 2000; i++) {
      var bytes = Arrays.copyOf(whole, random.nextInt(whole.length + 1));
      for (int j = random.nextInt(4); j > 0 && bytes.length > 0; j--)
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      try {
        read(bytes);
        read++;
      } catch (IOException e) {
        assertThat(e.getMessage()).contains("importance matrix");
      }
    }
    assertThat(read).isBetween(1, 1999);
  }

  @Test
  void whatIsNoMatrixDoesNotComeIntoMemory() throws IOException {
    var file = folder.resolve("large");
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    // No entries; one with a name that fills half of the file.
    for (int[] numbers : new int[][] {{0, 0}, {1, 1 << 27}}) {
      var start = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      start.asIntBuffer().put(numbers);
      Files.write(file, start.array());
      try (var end = FileChannel.open(file, StandardOpenOption.WRITE)) {
        end.write(ByteBuffer.allocate(1), 1 << 28); // the rest is a hole
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      refused(file, numbers[0] == 0 ? "number of entries" : "the length of a name");
      assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(1 << 24);
    }
  }

  @Test
  void moreChunksThanTheOldFormatCounts() throws IOException {
    var entries =
        Map.of("w", new ImportanceMatrix.Entry(new float[] {3e12f}, new long[] {1L << 40}));
    new ImportanceMatrix(null, List.of("a"), 1, 1, entries).writeOld(folder.resolve("many.dat"));
    var read = ImportanceMatrix.read(folder.resolve("many.dat"));
    assertThat(read.of("w")[0]).isCloseTo(3e12f / (1L << 40), within(1e-5f));
  }
}
