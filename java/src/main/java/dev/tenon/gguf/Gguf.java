package dev.tenon.gguf;

import static dev.tenon.gguf.GgufFormatException.quote;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Collectors;

/// A GGUF file, or a split set of them, memory-mapped read-only; or one that is in memory anyway.
///
/// Opening reads the headers alone and checks all of them; tensor bytes are paged in on use.
/// Immutable and thread-safe until closed. Closing unmaps the files: every slice of [#data] and
/// [#mapping] becomes inaccessible, while metadata and the tensor table remain.
///
/// ```java
/// try (var gguf = Gguf.open(Path.of("qwen3-0.6b-q8_0.gguf"))) {
///   gguf.text("general.architecture");               // "qwen3"
///   gguf.integer("qwen3.block_count");               // 28
///   var norm = gguf.tensor("output_norm.weight");    // f32 [1024]
///   gguf.data(norm).get(ValueLayout.JAVA_FLOAT, 0);  // its first element
/// }
/// ```
public final class Gguf implements AutoCloseable {
  private static final String SPLIT_NO = "split.no";
  private static final String SPLIT_COUNT = "split.count";
  private static final String SPLIT_TENSORS = "split.tensors.count";

  /// The most that a name of five digits can say.
  private static final int MOST_PARTS = 99_999;

  private static final int MOST_KEYS_COMPARED = 1000;

  /// Where bytes in memory begin, as a mapping does: at a multiple of this.
  private static final long PAGE = 4096;

  private final Arena arena;
  private final List<Part> parts;
  private final Map<String, TensorInfo> tensors;
  private final List<TensorInfo> tensorTable;

  /// One file, mapped. The channel stays open for [#map]. Of what is in memory, a header alone
  /// among them, there is no channel.
  private record Part(Path path, FileChannel channel, MemorySegment mapping, Header header) {}

  private Gguf(Arena arena, List<Part> parts, Map<String, TensorInfo> tensors) {
    this.arena = arena;
    this.parts = List.copyOf(parts);
    this.tensors = tensors;
    this.tensorTable = List.copyOf(tensors.values());
  }

  /// Maps and checks a GGUF file of version 2 or 3, little-endian.
  ///
  /// The first file of a split set (`…-00001-of-00003.gguf`) stands for the whole set: the others
  /// must lie beside it, and their tensors follow its own.
  ///
  /// So that no file can exhaust the memory, a header may have at most 65536 keys and 1048576
  /// tensors and take 256 MiB, many times what any model has.
  ///
  /// @param path the file, or the first of a split set
  /// @return the open file; the caller closes it
  /// @throws GgufFormatException if the bytes are no valid GGUF, or the set is not whole
  /// @throws IOException if a file is missing, is no regular file or cannot be read or mapped
  public static Gguf open(Path path) throws IOException {
    var arena = Arena.ofShared();
    var parts = new ArrayList<Part>();
    try {
      parts.add(openPart(path, 0, arena));
      openOtherParts(parts, arena);
      return new Gguf(arena, parts, merge(parts));
    } catch (Throwable e) {
      release(parts, arena);
      throw e;
    }
  }

  /// Reads and checks a GGUF file that is in memory, as [#open] does one on a disk.
  ///
  /// @param name stands for its path: what messages call it
  /// @param bytes the whole file; copied
  /// @return the open file; the caller closes it
  /// @throws GgufFormatException if the bytes are no valid GGUF, or one file of a split set
  public static Gguf of(Path name, byte[] bytes) throws GgufFormatException {
    var arena = Arena.ofShared();
    try {
      var mapping = copy(MemorySegment.ofArray(bytes), arena);
      var part = new Part(name, null, mapping, Header.read(name, mapping, 0));
      long count = splitNumber(part, SPLIT_COUNT, 1);
      if (count > 1) throw wrong(part, SPLIT_COUNT, "a whole file", "one of " + count);
      return new Gguf(arena, List.of(part), merge(List.of(part)));
    } catch (Throwable e) {
      arena.close();
      throw e;
    }
  }

  private static MemorySegment copy(MemorySegment bytes, Arena arena) {
    return arena.allocate(bytes.byteSize(), PAGE).copyFrom(bytes).asReadOnly();
  }

  private static Part openPart(Path path, int index, Arena arena) throws IOException {
    if (!Files.exists(path)) {
      throw new NoSuchFileException(path.toString(), null, "no such file");
    }
    if (Files.isDirectory(path)) {
      throw new FileSystemException(path.toString(), null, "a folder; expected a GGUF file");
    }
    if (!Files.isRegularFile(path)) {
      throw new FileSystemException(path.toString(), null, "no regular file; expected a GGUF file");
    }
    FileChannel channel;
    try {
      channel = FileChannel.open(path, StandardOpenOption.READ);
    } catch (AccessDeniedException _) {
      throw new AccessDeniedException(path.toString(), null, "not allowed to read");
    }
    try {
      var mapping = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      return new Part(path, channel, mapping, Header.read(path, mapping, index));
    } catch (Throwable e) {
      channel.close();
      throw e;
    }
  }

  /// {@return a file of which there is the header alone}
  ///
  /// @param fileBytes its size if it were whole
  static Gguf ofHeader(Path path, byte[] header, long fileBytes) throws GgufFormatException {
    var bytes = MemorySegment.ofArray(header).asReadOnly();
    var parts = List.of(new Part(path, null, bytes, Header.read(path, bytes, fileBytes, 0)));
    return new Gguf(Arena.ofShared(), parts, merge(parts));
  }

  /// Opens the rest of a split set, as `llama_model_loader` in llama.cpp does: the first file says
  /// how many there are, each says which it is.
  private static void openOtherParts(List<Part> parts, Arena arena) throws IOException {
    var first = parts.getFirst();
    long count = splitNumber(first, SPLIT_COUNT, 1);
    if (count <= 1) {
      return;
    }
    if (count > MOST_PARTS) {
      throw wrong(first, SPLIT_COUNT, "at most " + MOST_PARTS + " files", "" + count);
    }
    long no = splitNumber(first, SPLIT_NO, -1);
    if (no < 0 || no >= count) {
      throw wrong(
          first, SPLIT_NO, SPLIT_NO + " from 0 to " + (count - 1), no < 0 ? "none" : "" + no);
    }
    var name = Objects.toString(first.path.getFileName());
    var ending = splitEnding(no, count);
    if (!name.endsWith(ending)) {
      throw new GgufFormatException(
          first.path, -1, "file " + (no + 1) + " of " + count + " to be named …" + ending, name);
    }
    var prefix = name.substring(0, name.length() - ending.length());
    if (no != 0) {
      throw wrong(
          first,
          SPLIT_NO,
          "the first file of the set, " + prefix + splitEnding(0, count),
          "file " + (no + 1) + " of " + count);
    }
    for (int i = 1; i < count; i++) {
      var path = first.path.resolveSibling(prefix + splitEnding(i, count));
      if (!Files.exists(path)) {
        throw new NoSuchFileException(
            path.toString(), null, "no such file, which is part " + (i + 1) + " of " + count);
      }
      var part = openPart(path, i, arena);
      parts.add(part);
      if (splitNumber(part, SPLIT_NO, -1) != i) {
        throw wrong(part, SPLIT_NO, SPLIT_NO + " " + i, "" + splitNumber(part, SPLIT_NO, -1));
      }
      if (splitNumber(part, SPLIT_COUNT, count) != count) {
        throw wrong(
            part,
            SPLIT_COUNT,
            SPLIT_COUNT + " " + count + " as in " + first.path.getFileName(),
            "" + splitNumber(part, SPLIT_COUNT, count));
      }
    }
    long tensors = parts.stream().mapToLong(part -> part.header.tensors().size()).sum();
    if (splitNumber(first, SPLIT_TENSORS, tensors) != tensors) {
      throw wrong(
          first,
          SPLIT_TENSORS,
          splitNumber(first, SPLIT_TENSORS, tensors) + " tensors in the " + count + " files",
          "" + tensors);
    }
  }

  private static String splitEnding(long no, long count) {
    return "-%05d-of-%05d.gguf".formatted(no + 1, count);
  }

  private static long splitNumber(Part part, String key, long fallback) throws GgufFormatException {
    var entry = part.header.metadata().get(key);
    if (entry == null) {
      return fallback;
    }
    if (entry.value() instanceof GgufValue.Int(_, var number) && number >= 0) {
      return number;
    }
    throw wrong(part, key, key + " to be an integer from 0 up", quote(entry.value().toString()));
  }

  private static Map<String, TensorInfo> merge(List<Part> parts) throws GgufFormatException {
    var tensors = new LinkedHashMap<String, TensorInfo>();
    for (var part : parts) {
      for (var tensor : part.header.tensors()) {
        var other = tensors.putIfAbsent(tensor.name(), tensor);
        if (other != null) {
          throw new GgufFormatException(
              part.path,
              -1,
              "each tensor name once",
              quote(tensor.name())
                  + ", which is in "
                  + parts.get(other.part()).path.getFileName()
                  + " as well");
        }
      }
    }
    return Collections.unmodifiableMap(tensors);
  }

  private static GgufFormatException wrong(Part part, String key, String expected, String found) {
    var entry = part.header.metadata().get(key);
    return new GgufFormatException(part.path, entry == null ? -1 : entry.offset(), expected, found);
  }

  /// {@return the path it was opened with}
  public Path path() {
    return parts.getFirst().path;
  }

  /// {@return the version of the format, 2 or 3}
  public int version() {
    return parts.getFirst().header.version();
  }

  /// {@return the size of all files together, in bytes}
  public long fileBytes() {
    return parts.stream().mapToLong(part -> part.mapping.byteSize()).sum();
  }

  /// {@return the number of files: 1 unless this is a split set}
  public int parts() {
    return parts.size();
  }

  /// {@return the alignment of tensor data in the first file, a power of two: 32 bytes unless
  /// `general.alignment` says otherwise}
  public long alignment() {
    return parts.getFirst().header.alignment();
  }

  /// {@return the metadata keys in the order of the file, unmodifiable; those of the first file of
  /// a split set}
  public Set<String> keys() {
    return metadata().keySet();
  }

  /// {@return whether there is a value for `key`}
  ///
  /// @param key metadata key
  public boolean has(String key) {
    return metadata().containsKey(Objects.requireNonNull(key, "key"));
  }

  /// {@return the value of `key`}
  ///
  /// @param key for example `general.architecture`
  /// @throws GgufFormatException if it is absent; the message has the closest keys present
  public GgufValue get(String key) throws GgufFormatException {
    var entry = metadata().get(Objects.requireNonNull(key, "key"));
    if (entry == null) {
      throw malformed(key, "the key " + key, "none" + closest(key));
    }
    return entry.value();
  }

  /// {@return the integer at `key`}
  ///
  /// @param key metadata key
  /// @throws GgufFormatException if it is absent, has no integer type or is above 2^63 - 1
  public long integer(String key) throws GgufFormatException {
    if (get(key) instanceof GgufValue.Int(var type, var number)
        && (number >= 0 || type != GgufType.UINT64)) {
      return number;
    }
    throw mistyped(key, "an integer");
  }

  /// {@return the integer at `key`, or `fallback` where it is absent}
  ///
  /// @param key metadata key
  /// @param fallback used where it is absent
  /// @throws GgufFormatException if it is present, but has no integer type or is above 2^63 - 1
  public long integer(String key, long fallback) throws GgufFormatException {
    return has(key) ? integer(key) : fallback;
  }

  /// {@return the number at `key`, of a floating-point or an integer type}
  ///
  /// @param key metadata key
  /// @throws GgufFormatException if it is absent or no number
  public double real(String key) throws GgufFormatException {
    return switch (get(key)) {
      case GgufValue.Real(_, var number) -> number;
      case GgufValue.Int(var type, var number) ->
          type == GgufType.UINT64 ? Encoding.unsigned(number) : number;
      default -> throw mistyped(key, "a number");
    };
  }

  /// {@return the number at `key`, or `fallback` where it is absent}
  ///
  /// @param key metadata key
  /// @param fallback used where it is absent
  /// @throws GgufFormatException if it is present but no number
  public double real(String key, double fallback) throws GgufFormatException {
    return has(key) ? real(key) : fallback;
  }

  /// {@return the string at `key`}
  ///
  /// @param key metadata key
  /// @throws GgufFormatException if it is absent or no string
  public String text(String key) throws GgufFormatException {
    if (get(key) instanceof GgufValue.Text(var text)) {
      return text;
    }
    throw mistyped(key, "a string");
  }

  /// {@return the string at `key`, or `fallback` where it is absent}
  ///
  /// @param key metadata key
  /// @param fallback used where it is absent; may be null
  /// @throws GgufFormatException if it is present but no string
  public String text(String key, String fallback) throws GgufFormatException {
    return has(key) ? text(key) : fallback;
  }

  /// {@return the flag at `key`, or `fallback` where it is absent}
  ///
  /// @param key metadata key
  /// @param fallback used where it is absent
  /// @throws GgufFormatException if it is present but no flag
  public boolean bool(String key, boolean fallback) throws GgufFormatException {
    if (!has(key)) {
      return fallback;
    }
    if (get(key) instanceof GgufValue.Bool(var flag)) {
      return flag;
    }
    throw mistyped(key, "a flag");
  }

  /// {@return whether there is a value for `key` and it is an array}
  ///
  /// @param key metadata key
  public boolean isArray(String key) {
    var entry = metadata().get(Objects.requireNonNull(key, "key"));
    return entry != null && entry.value() instanceof GgufValue.Array;
  }

  /// {@return the elements of the array of strings at `key`, unmodifiable}
  ///
  /// @param key metadata key
  /// @throws GgufFormatException if it is absent or no array of strings
  public List<String> strings(String key) throws GgufFormatException {
    if (get(key) instanceof GgufValue.Array array && array.elementType() == GgufType.STRING) {
      var texts = new String[array.size()];
      for (int i = 0; i < texts.length; i++) {
        texts[i] = array.text(i);
      }
      return List.of(texts);
    }
    throw mistyped(key, "an array of strings");
  }

  /// {@return the elements of the array of integers or flags at `key`, flags as 0 and 1}
  ///
  /// @param key metadata key
  /// @throws GgufFormatException if it is absent or no array of integers or flags, or one is above
  ///     2^63 - 1
  public long[] integers(String key) throws GgufFormatException {
    if (get(key) instanceof GgufValue.Array array
        && (array.elementType().isInteger() || array.elementType() == GgufType.BOOL)) {
      var numbers = new long[array.size()];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = array.integer(i);
        if (numbers[i] < 0 && array.elementType() == GgufType.UINT64) {
          throw malformed(key, key + " to be at most 2^63 - 1", array.get(i).toString());
        }
      }
      return numbers;
    }
    throw mistyped(key, "an array of integers");
  }

  /// {@return the elements of the array of numbers at `key`, rounded to binary32}
  ///
  /// @param key metadata key
  /// @throws GgufFormatException if it is absent or no array of numbers
  public float[] reals(String key) throws GgufFormatException {
    if (get(key) instanceof GgufValue.Array array
        && (array.elementType().isReal() || array.elementType().isInteger())) {
      var numbers = new float[array.size()];
      for (int i = 0; i < numbers.length; i++) {
        numbers[i] = (float) array.real(i);
      }
      return numbers;
    }
    throw mistyped(key, "an array of numbers");
  }

  /// {@return an exception that says what is wrong with the value of a key}
  ///
  /// It has this file and the place of the value: for whoever finds that keys disagree.
  ///
  /// @param key a metadata key, present or not
  /// @param expected what must be there
  /// @param found what is there
  public GgufFormatException malformed(String key, String expected, String found) {
    return wrong(parts.getFirst(), key, expected, found);
  }

  private GgufFormatException mistyped(String key, String expected) throws GgufFormatException {
    var value = get(key);
    return malformed(
        key,
        key + " to be " + expected,
        value instanceof GgufValue.Array array
            ? "an array of " + array.elementType()
            : value.type() + " " + quote(value.toString()));
  }

  /// {@return the three keys that are most like one that is not there, for messages}
  private String closest(String key) {
    return keys().isEmpty()
        ? " in a file without metadata"
        : keys().stream()
            .filter(other -> other.length() <= 2 * key.length() + 8)
            .limit(MOST_KEYS_COMPARED)
            .sorted(Comparator.comparingInt(other -> distance(key, other)))
            .limit(3)
            .map(other -> quote(other))
            .collect(Collectors.joining(", ", "; the closest are ", ""));
  }

  /// {@return how many characters to insert, delete or replace to turn one text into the other}
  private static int distance(String a, String b) {
    var row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = diagonal + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(replaced, 1 + Math.min(row[j], row[j - 1]));
      }
    }
    return row[b.length()];
  }

  /// {@return the tensor table in the order of the file, of a split set one file after the other;
  /// unmodifiable}
  public List<TensorInfo> tensors() {
    return tensorTable;
  }

  /// {@return whether there is a tensor of that name}
  ///
  /// @param name for example `output.weight`
  public boolean hasTensor(String name) {
    return tensors.containsKey(Objects.requireNonNull(name, "name"));
  }

  /// {@return the row of the tensor table with that name}
  ///
  /// @param name for example `output.weight`
  /// @throws GgufFormatException if there is none
  public TensorInfo tensor(String name) throws GgufFormatException {
    var tensor = tensors.get(Objects.requireNonNull(name, "name"));
    if (tensor == null) {
      throw new GgufFormatException(
          path(), -1, "a tensor " + name, "none of that name among " + tensors.size());
    }
    return tensor;
  }

  /// {@return the bytes of a tensor: a read-only slice of the mapping, paged in on use}
  ///
  /// @param tensor an element of [#tensors]
  /// @throws IllegalArgumentException if it is no tensor of this file
  /// @throws IllegalStateException if this file is closed
  public MemorySegment data(TensorInfo tensor) {
    checkOwn(tensor);
    return mapping(tensor.part()).asSlice(tensor.offset(), tensor.bytes());
  }

  /// {@return the whole of one file, read-only}
  ///
  /// @param part 0 to [#parts] - 1
  /// @throws IndexOutOfBoundsException if `part` is not
  /// @throws IllegalStateException if this file is closed
  public MemorySegment mapping(int part) {
    checkOpen();
    return parts.get(part).mapping;
  }

  /// Maps the whole of one file again, read-only, for a user of the bytes that lives longer than
  /// this may stay open. As with [#map], an interrupted thread closes the file behind it.
  ///
  /// @param part 0 to [#parts] - 1
  /// @param arena decides how long the mapping lives; may outlive this file
  /// @return the bytes
  /// @throws IndexOutOfBoundsException if `part` is not
  /// @throws IllegalStateException if this file is closed, or the arena
  /// @throws IOException if the system cannot map it
  public MemorySegment mapPart(int part, Arena arena) throws IOException {
    checkOpen();
    var file = parts.get(part);
    if (file.channel == null) return copy(file.mapping, arena);
    return file.channel.map(FileChannel.MapMode.READ_ONLY, 0, file.mapping.byteSize(), arena);
  }

  /// Maps the bytes of one tensor alone, read-only, so that its pages are given back when the arena
  /// closes and not only with this file.
  ///
  /// A thread that is interrupted during the call closes the file behind it, as with every
  /// [FileChannel]: later calls fail, while [#data] still works.
  ///
  /// @param tensor an element of [#tensors]
  /// @param arena decides how long the mapping lives; may outlive this file
  /// @return the bytes
  /// @throws IllegalArgumentException if it is no tensor of this file
  /// @throws IllegalStateException if this file is closed, or the arena
  /// @throws IOException if the system cannot map it
  public MemorySegment map(TensorInfo tensor, Arena arena) throws IOException {
    checkOwn(tensor);
    checkOpen();
    if (parts.get(tensor.part()).channel == null) return copy(data(tensor), arena);
    return parts
        .get(tensor.part())
        .channel
        .map(FileChannel.MapMode.READ_ONLY, tensor.offset(), tensor.bytes(), arena);
  }

  /// Unmaps the files. Closing twice has no effect.
  ///
  /// @throws IllegalStateException if another thread is using the bytes at this moment; the file
  ///     stays open then
  @Override
  public synchronized void close() {
    if (arena.scope().isAlive()) {
      release(parts, arena);
    }
  }

  private static void release(List<Part> parts, Arena arena) {
    arena.close();
    for (var part : parts) {
      try {
        if (part.channel != null) part.channel.close();
      } catch (IOException _) {
        // It was only read from: nothing is lost.
      }
    }
  }

  /// {@return a metadata value as the first file has it: its type, then what it is}
  byte[] encoded(String key) {
    var entry = metadata().get(key);
    return mapping(0).asSlice(entry.offset(), entry.length()).toArray(ValueLayout.JAVA_BYTE);
  }

  private Map<String, Header.Entry> metadata() {
    return parts.getFirst().header.metadata();
  }

  private void checkOpen() {
    if (!arena.scope().isAlive()) {
      throw new IllegalStateException(path() + " is closed; open it again");
    }
  }

  /// Checks that a row is one of this file's table.
  void checkOwn(TensorInfo tensor) {
    if (!tensor.equals(tensors.get(tensor.name()))) {
      throw new IllegalArgumentException("tensor data: " + tensor + " is no tensor of " + path());
    }
  }

  /// {@return the path and what is in the file, for logs}
  @Override
  public String toString() {
    return path() + " (" + keys().size() + " keys, " + tensors.size() + " tensors)";
  }
}
