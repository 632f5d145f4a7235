package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.PendingFile;
import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorInfo;
import dev.tenon.gguf.TensorType;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.channels.FileChannel.MapMode;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Predicate;

/// How much each column of each weight counts: the mean square of what it is multiplied with over a
/// text, as llama-imatrix measures it and an [ImportanceCollector] does. Immutable and thread-safe.
public final class ImportanceMatrix {
  private static final String SUMS = ".in_sum2";
  private static final String COUNTS = ".counts";
  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final int MOST_NAME_BYTES = 1 << 16; // in the old format

  private final Path path;
  private final List<String> datasets;
  private final int chunks;
  private final int chunkSize;
  private final Map<String, Entry> entries;

  /// What is known of one weight.
  ///
  /// @param sums of squares for each column, of experts one after the other
  /// @param counts of what was added up, one for all or one for each expert; in the old format, the
  ///     number of chunks whose means were
  record Entry(float[] sums, long[] counts) {}

  /// @param path null where it was not read
  /// @param chunkSize 0 in the old format
  ImportanceMatrix(
      Path path, List<String> datasets, int chunks, int chunkSize, Map<String, Entry> entries) {
    this.path = path;
    this.datasets = List.copyOf(datasets);
    this.chunks = chunks;
    this.chunkSize = chunkSize;
    this.entries = entries;
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
      if (start.hasRemaining() || start.getInt(0) != MAGIC) {
        if (file.size() > Integer.MAX_VALUE)
          throw wrong(path, file.size() + " bytes that are no GGUF");
        try (var arena = Arena.ofConfined()) {
          // Mapped: what is something else shall not come into memory as a whole to be refused.
          var bytes = file.map(MapMode.READ_ONLY, 0, file.size(), arena).asByteBuffer();
          return checked(readOld(path, bytes.order(ByteOrder.LITTLE_ENDIAN)));
        }
      }
    }
    try (var gguf = Gguf.open(path)) {
      return checked(readGguf(gguf));
    }
  }

  private static ImportanceMatrix checked(ImportanceMatrix matrix) throws IOException {
    if (matrix.isEmpty()) throw wrong(matrix.path, "no entries");
    for (var name : matrix.weights()) {
      for (float value : matrix.of(name)) {
        if (!(value >= 0 && value < Float.POSITIVE_INFINITY))
          throw wrong(matrix.path, "the importance " + value + " for " + name);
      }
    }
    return matrix;
  }

  private static ImportanceMatrix readGguf(Gguf gguf) throws IOException {
    for (var key : List.of("imatrix.datasets", "imatrix.chunk_count", "imatrix.chunk_size"))
      if (!gguf.has(key)) throw wrong(gguf.path(), "no " + key);
    var entries = new LinkedHashMap<String, Entry>();
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
      entries.put(name, new Entry(sums, rounded(counts)));
    }
    return new ImportanceMatrix(
        gguf.path(),
        gguf.strings("imatrix.datasets"),
        Math.clamp(gguf.integer("imatrix.chunk_count"), 0, Integer.MAX_VALUE),
        Math.clamp(gguf.integer("imatrix.chunk_size"), 1, Integer.MAX_VALUE),
        entries);
  }

  private static float[] floats(Gguf gguf, TensorInfo tensor) throws IOException {
    if (tensor.type() != TensorType.F32)
      throw wrong(gguf.path(), tensor.name() + " of type " + tensor.type().ggmlName());
    if (tensor.bytes() > Integer.MAX_VALUE - 8)
      throw wrong(gguf.path(), tensor.name() + " of " + tensor.bytes() + " bytes");
    return gguf.data(tensor)
        .toArray(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN));
  }

  private static long[] rounded(float[] counts) {
    var rounded = new long[counts.length];
    for (int i = 0; i < counts.length; i++) rounded[i] = Math.round((double) counts[i]);
    return rounded;
  }

  /// A count of entries, then of each its name, a number of calls and values; at the end, perhaps,
  /// the number of chunks and the name of the text.
  private static ImportanceMatrix readOld(Path path, ByteBuffer in) throws IOException {
    var entries = new LinkedHashMap<String, Entry>();
    int size = number(path, in, 1, Integer.MAX_VALUE, "the number of entries");
    for (int i = 0; i < size; i++) {
      var name = text(path, in, number(path, in, 0, MOST_NAME_BYTES, "the length of a name"));
      int calls = number(path, in, Integer.MIN_VALUE, Integer.MAX_VALUE, "the calls of " + name);
      int most = in.remaining() / Float.BYTES - 1; // after the count
      int count = number(path, in, 1, most, "the values of " + name);
      var values = new float[count];
      in.asFloatBuffer().get(values);
      in.position(in.position() + count * Float.BYTES);
      entries.put(name, new Entry(values, new long[] {calls}));
    }
    int chunks = 0;
    var datasets = new ArrayList<String>();
    if (in.remaining() >= Integer.BYTES) chunks = in.getInt();
    if (in.remaining() >= Integer.BYTES) {
      int length = in.getInt();
      if (length > 0 && length <= Math.min(in.remaining(), MOST_NAME_BYTES))
        datasets.add(text(path, in, length));
    }
    return new ImportanceMatrix(path, datasets, Math.max(chunks, 0), 0, entries);
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

  /// Writes a file of llama-imatrix's format, which is GGUF. It appears under its name when it is
  /// complete.
  ///
  /// @param target where it is to be; replaced as a whole
  /// @throws IllegalStateException if this is of the old format, which does not say how many tokens
  ///     were added up; what an [ImportanceCollector] makes of it can be written
  /// @throws IllegalArgumentException if the name of a weight is too long
  /// @throws IOException if it cannot be written
  public void write(Path target) throws IOException {
    needNew();
    var writer =
        new GgufWriter()
            .put("general.type", "imatrix")
            .put("imatrix.datasets", GgufValue.Array.strings(datasets))
            .put("imatrix.chunk_count", new GgufValue.Int(GgufType.UINT32, chunks))
            .put("imatrix.chunk_size", new GgufValue.Int(GgufType.UINT32, chunkSize));
    for (var name : new TreeSet<>(entries.keySet())) {
      var entry = entries.get(name);
      int count = entry.counts.length;
      var counts = new float[count];
      for (int i = 0; i < count; i++) counts[i] = entry.counts[i];
      put(writer, name + SUMS, Shape.of(entry.sums.length / count, count), entry.sums);
      put(writer, name + COUNTS, Shape.of(1, count), counts);
    }
    writer.write(target);
  }

  private static void put(GgufWriter writer, String name, Shape shape, float[] values) {
    writer.tensor(name, TensorType.F32, shape, MemorySegment.ofBuffer(bytes(values)));
  }

  private static ByteBuffer bytes(float[] values) {
    var bytes = ByteBuffer.allocate(Float.BYTES * values.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes;
  }

  /// Writes a file of the format that llama-imatrix had before. It has no counts for experts, and
  /// leaves out weights that nothing was multiplied with; more than 2^31 - 1 chunks count as that.
  ///
  /// @param target where it is to be; replaced as a whole
  /// @throws IllegalStateException if this is of the old format itself
  /// @throws IOException if it cannot be written
  public void writeOld(Path target) throws IOException {
    needNew();
    var names = new ArrayList<String>();
    for (var name : new TreeSet<>(entries.keySet()))
      if (most(entries.get(name).counts) > 0) names.add(name);
    try (var file = PendingFile.of(target);
        var out = new BufferedOutputStream(Channels.newOutputStream(file.channel()))) {
      out.write(ints(names.size()));
      for (var name : names) writeOld(out, name, entries.get(name));
      var last = datasets.isEmpty() ? "" : datasets.getLast();
      var text = last.getBytes(StandardCharsets.UTF_8);
      out.write(ints(chunks, text.length));
      out.write(text);
      out.flush();
      file.complete();
    }
  }

  private void writeOld(OutputStream out, String name, Entry entry) throws IOException {
    // Rounded up, for 0 would say that there are none.
    int calls = Math.clamp(Math.ceilDiv(most(entry.counts), chunkSize), 1, Integer.MAX_VALUE);
    int width = entry.sums.length / entry.counts.length;
    var values = new float[entry.sums.length];
    for (int i = 0; i < values.length; i++) {
      long count = entry.counts[i / width];
      values[i] = (count > 0 ? entry.sums[i] / count : 1) * calls;
    }
    var text = name.getBytes(StandardCharsets.UTF_8);
    out.write(ints(text.length));
    out.write(text);
    out.write(ints(calls, values.length));
    out.write(bytes(values).array());
  }

  private static byte[] ints(int... numbers) {
    var bytes = ByteBuffer.allocate(Integer.BYTES * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asIntBuffer().put(numbers);
    return bytes.array();
  }

  private static long most(long[] counts) {
    return Arrays.stream(counts).max().orElse(0);
  }

  private void needNew() {
    if (isOld())
      throw new IllegalStateException(
          name() + " is of the old format, which does not say how many tokens were added up");
  }

  /// {@return the file it was read from; null where it was measured}
  public Path path() {
    return path;
  }

  /// What messages call it.
  String name() {
    return path == null ? "the importance matrix" : path.toString();
  }

  /// Whether it was read from a file of the old format, which has means of chunks.
  boolean isOld() {
    return chunkSize == 0;
  }

  /// What is known of each weight.
  Map<String, Entry> entries() {
    return entries;
  }

  /// {@return the names of the texts it was measured over}
  public List<String> datasets() {
    return datasets;
  }

  /// {@return how many pieces of text that were; 0 where the file does not say}
  public int chunks() {
    return chunks;
  }

  /// {@return tokens in each of those; 0 where the file does not say}
  public int chunkSize() {
    return chunkSize;
  }

  /// {@return the names of the weights it knows, unmodifiable}
  public Set<String> weights() {
    return Collections.unmodifiableSet(entries.keySet());
  }

  /// {@return whether it knows no weight}
  public boolean isEmpty() {
    return entries.isEmpty();
  }

  /// {@return of each weight some of whose experts no token came to, how many}
  public Map<String, Integer> unseen() {
    var unseen = new TreeMap<String, Integer>();
    entries.forEach(
        (name, entry) -> {
          int count = (int) Arrays.stream(entry.counts).filter(each -> each <= 0).count();
          if (count > 0 && !isOld()) unseen.put(name, count);
        });
    return unseen;
  }

  /// {@return what each column of a weight counts, of experts one after the other; 1 everywhere for
  /// an expert that no token came to; null where the weight is not known}
  ///
  /// @param weight for example `blk.0.attn_q.weight`
  public float[] of(String weight) {
    var known = entries.get(weight);
    if (known == null) return null;
    var means = new float[known.sums.length];
    int width = means.length / known.counts.length;
    for (int i = 0; i < means.length; i++) {
      long count = known.counts[i / width];
      means[i] = count > 0 ? known.sums[i] / count : isOld() ? known.sums[i] : 1;
    }
    return means;
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
    var kept = new LinkedHashMap<>(entries);
    kept.keySet().removeIf(keep.negate());
    return new ImportanceMatrix(path, datasets, chunks, chunkSize, kept);
  }
}
