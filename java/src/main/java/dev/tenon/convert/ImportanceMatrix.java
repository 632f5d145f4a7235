package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/// How much each column of each weight counts: the mean square of what it is multiplied with over a
/// text, as llama-imatrix measures it. Immutable and thread-safe.
public final class ImportanceMatrix {
  private static final String SUMS = ".in_sum2";
  private static final String COUNTS = ".counts";
  private static final int MAGIC = 0x46554747; // "GGUF"

  private final Path path;
  private final List<String> datasets;
  private final int chunks;
  private final Map<String, float[]> columns;

  private ImportanceMatrix(
      Path path, List<String> datasets, int chunks, Map<String, float[]> columns) {
    this.path = path;
    this.datasets = List.copyOf(datasets);
    this.chunks = chunks;
    this.columns = columns;
  }

  /// Reads a file of llama-imatrix: GGUF, or the older `.dat`.
  ///
  /// @param path the file
  /// @return what it says
  /// @throws IOException if it is neither, is cut off, has no entries or one that is infinite,
  ///     negative or not a number, or cannot be read
  public static ImportanceMatrix read(Path path) throws IOException {
    try (var file = FileChannel.open(path, StandardOpenOption.READ)) {
      var start = ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      file.read(start, 0);
      if (start.hasRemaining() || start.getInt(0) != MAGIC) return checked(readOld(path, file));
    }
    try (var gguf = Gguf.open(path)) {
      return checked(readGguf(gguf));
    }
  }

  private static ImportanceMatrix checked(ImportanceMatrix matrix) throws IOException {
    if (matrix.columns.isEmpty()) throw wrong(matrix.path, "no entries");
    for (var entry : matrix.columns.entrySet()) {
      for (float value : entry.getValue()) {
        if (!(value >= 0 && value < Float.POSITIVE_INFINITY))
          throw wrong(matrix.path, "the importance " + value + " for " + entry.getKey());
      }
    }
    return matrix;
  }

  private static ImportanceMatrix readGguf(Gguf gguf) throws IOException {
    for (var key : List.of("imatrix.datasets", "imatrix.chunk_count", "imatrix.chunk_size"))
      if (!gguf.has(key)) throw wrong(gguf.path(), "no " + key);
    var columns = new LinkedHashMap<String, float[]>();
    var names = new TreeSet<String>();
    for (var tensor : gguf.tensors()) {
      var name = tensor.name();
      if (name.endsWith(SUMS)) names.add(name.substring(0, name.length() - SUMS.length()));
      if (name.endsWith(COUNTS)) names.add(name.substring(0, name.length() - COUNTS.length()));
    }
    for (var name : names) {
      if (!gguf.hasTensor(name + SUMS) || !gguf.hasTensor(name + COUNTS))
        throw wrong(gguf.path(), "sums without counts, or counts without sums, for " + name);
      var sums = floats(gguf, gguf.tensor(name + SUMS));
      var counts = floats(gguf, gguf.tensor(name + COUNTS));
      if (counts.length == 0 || sums.length % counts.length != 0)
        throw wrong(
            gguf.path(), sums.length + " sums and " + counts.length + " counts for " + name);
      columns.put(name, means(sums, counts));
    }
    return new ImportanceMatrix(
        gguf.path(),
        gguf.strings("imatrix.datasets"),
        Math.clamp(gguf.integer("imatrix.chunk_count"), 0, Integer.MAX_VALUE),
        columns);
  }

  private static float[] floats(Gguf gguf, TensorInfo tensor) throws IOException {
    if (tensor.type() != TensorType.F32)
      throw wrong(gguf.path(), tensor.name() + " of type " + tensor.type().ggmlName());
    if (tensor.bytes() > Integer.MAX_VALUE - 8)
      throw wrong(gguf.path(), tensor.name() + " of " + tensor.bytes() + " bytes");
    return gguf.data(tensor)
        .toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
  }

  /// An expert that no token came to counts 1 everywhere.
  private static float[] means(float[] sums, float[] counts) {
    var means = new float[sums.length];
    int width = sums.length / counts.length;
    for (int i = 0; i < means.length; i++) {
      long count = Math.round((double) counts[i / width]);
      means[i] = count > 0 ? sums[i] / count : 1;
    }
    return means;
  }

  /// A count of entries, then of each its name, a number of calls and values; at the end, perhaps,
  /// the number of chunks and the name of the text.
  private static ImportanceMatrix readOld(Path path, FileChannel file) throws IOException {
    if (file.size() > Integer.MAX_VALUE - 8)
      throw wrong(path, file.size() + " bytes that are no GGUF");
    var in = ByteBuffer.allocate((int) file.size()).order(ByteOrder.LITTLE_ENDIAN);
    while (in.hasRemaining() && file.read(in) >= 0) {}
    in.flip();
    var columns = new LinkedHashMap<String, float[]>();
    int entries = number(path, in, 1, Integer.MAX_VALUE, "the number of entries");
    for (int i = 0; i < entries; i++) {
      var name = text(path, in, number(path, in, 0, Integer.MAX_VALUE, "the length of a name"));
      int calls = number(path, in, Integer.MIN_VALUE, Integer.MAX_VALUE, "the calls of " + name);
      int most = in.remaining() / Float.BYTES - 1; // after the count
      int count = number(path, in, 1, most, "the values of " + name);
      var values = new float[count];
      in.asFloatBuffer().get(values);
      in.position(in.position() + count * Float.BYTES);
      for (int j = 0; calls > 0 && j < count; j++) values[j] /= calls;
      columns.put(name, values);
    }
    int chunks = 0;
    var datasets = new ArrayList<String>();
    if (in.remaining() >= Integer.BYTES) chunks = in.getInt();
    if (in.remaining() >= Integer.BYTES) {
      int length = in.getInt();
      if (length > 0 && length <= in.remaining()) datasets.add(text(path, in, length));
    }
    return new ImportanceMatrix(path, datasets, Math.max(chunks, 0), columns);
  }

  private static int number(Path path, ByteBuffer in, int least, int most, String what)
      throws IOException {
    if (in.remaining() < Integer.BYTES) throw wrong(path, "the end before " + what);
    int number = in.getInt();
    if (number < least || number > most)
      throw wrong(path, number + " for " + what + " before byte " + in.position());
    return number;
  }

  private static String text(Path path, ByteBuffer in, int bytes) throws IOException {
    if (bytes > in.remaining()) throw wrong(path, "the end in a name");
    var text = new byte[bytes];
    in.get(text);
    return new String(text, StandardCharsets.UTF_8);
  }

  private static IOException wrong(Path path, String found) {
    return new IOException(path + ": expected an importance matrix, found " + found);
  }

  /// {@return the file it was read from}
  public Path path() {
    return path;
  }

  /// {@return the names of the texts it was measured over}
  public List<String> datasets() {
    return datasets;
  }

  /// {@return how many pieces of text that were; 0 where the file does not say}
  public int chunks() {
    return chunks;
  }

  /// {@return the names of the weights it knows, unmodifiable}
  public Set<String> weights() {
    return Collections.unmodifiableSet(columns.keySet());
  }

  /// {@return whether it knows no weight}
  public boolean isEmpty() {
    return columns.isEmpty();
  }

  /// {@return what each column of a weight counts, of experts one after the other; null where it is
  /// not known}
  ///
  /// @param weight for example `blk.0.attn_q.weight`
  public float[] of(String weight) {
    var known = columns.get(weight);
    return known == null ? null : known.clone();
  }

  /// {@return a copy with those weights alone whose names contain one of some texts}
  ///
  /// @param parts of names
  public ImportanceMatrix withOnly(Collection<String> parts) {
    return filtered(name -> parts.stream().anyMatch(name::contains));
  }

  /// {@return a copy without those weights whose names contain one of some texts}
  ///
  /// @param parts of names
  public ImportanceMatrix without(Collection<String> parts) {
    return filtered(name -> parts.stream().noneMatch(name::contains));
  }

  private ImportanceMatrix filtered(Predicate<String> keep) {
    var kept = new LinkedHashMap<>(columns);
    kept.keySet().removeIf(keep.negate());
    return new ImportanceMatrix(path, datasets, chunks, kept);
  }
}
