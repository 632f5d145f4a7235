package dev.tenon.gguf;

import static dev.tenon.gguf.GgufFormatException.quote;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// What one file says of itself before its tensors' data: checked, so that each tensor lies inside
/// the file and overlaps no other.
///
/// The rules are those of `gguf_init_from_reader` in ggml 0.25.1, but tensors may stand in any
/// order with gaps between them, as the format allows, and arrays may hold arrays.
///
/// @param version 2 or 3: they differ in nothing but that 3 has a big-endian form
/// @param alignment of each tensor's data, in bytes
/// @param metadata in the order of the file
/// @param tensors in the order of the file
record Header(int version, long alignment, Map<String, Entry> metadata, List<TensorInfo> tensors) {
  static final String ALIGNMENT_KEY = "general.alignment";
  static final long DEFAULT_ALIGNMENT = 32;
  static final int MOST_KEY_BYTES = 65535;

  /// ggml keeps names in 64 bytes, the last of them 0.
  static final int MOST_NAME_BYTES = 63;

  // Far above any file known (a hundred keys, some ten thousand tensors); a bound to the memory
  // that a header can take.
  static final int MOST_KEYS = 1 << 16;
  static final int MOST_TENSORS = 1 << 20;

  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final int MAGIC_SWAPPED = 0x47475546;
  private static final int LEAST_KEY_BYTES = Long.BYTES + 1 + Integer.BYTES + 1;
  private static final int LEAST_TENSOR_BYTES =
      Long.BYTES + Integer.BYTES + Integer.BYTES + Long.BYTES;

  /// One metadata value and where it stands.
  ///
  /// @param value the value
  /// @param offset of the value's type, in bytes from the start of the file
  /// @param length bytes of its type and itself
  record Entry(GgufValue value, int offset, int length) {}

  /// Reads and checks the header of one file.
  ///
  /// @param file for messages
  /// @param mapping the whole file
  /// @param part index of the file in its set
  static Header read(Path file, MemorySegment mapping, int part) throws GgufFormatException {
    return read(file, mapping, mapping.byteSize(), part);
  }

  /// Reads and checks the header of one file of which there may be no more.
  ///
  /// @param file for messages
  /// @param bytes at least the header
  /// @param fileBytes the size of the whole file
  /// @param part index of the file in its set
  static Header read(Path file, MemorySegment bytes, long fileBytes, int part)
      throws GgufFormatException {
    var in =
        new HeaderReader(
            file,
            fileBytes,
            bytes
                .asSlice(0, Math.min(bytes.byteSize(), HeaderReader.MOST_BYTES))
                .asByteBuffer()
                .order(ByteOrder.LITTLE_ENDIAN));
    int version = version(in, fileBytes);
    int tensorsAt = in.position();
    int tensorCount = in.count(MOST_TENSORS, LEAST_TENSOR_BYTES, "tensors", null);
    int keyCount = in.count(MOST_KEYS, LEAST_KEY_BYTES, "metadata keys", null);
    var metadata = metadata(in, keyCount);
    long alignment = alignment(in, metadata);
    if (tensorCount > (fileBytes - in.position()) / LEAST_TENSOR_BYTES) {
      throw in.wrong(
          tensorsAt,
          "tensors that fit into the " + (fileBytes - in.position()) + " bytes after the metadata",
          Integer.toString(tensorCount));
    }
    return new Header(
        version, alignment, metadata, tensors(in, tensorCount, alignment, fileBytes, part));
  }

  private static int version(HeaderReader in, long fileBytes) throws GgufFormatException {
    if (fileBytes == 0) {
      throw in.wrong(0, "a GGUF file", "an empty file");
    }
    int magic = in.uint32("the magic GGUF", null);
    if (magic == MAGIC_SWAPPED) {
      throw bigEndian(in);
    }
    if (magic != MAGIC) {
      var bytes = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(magic).array();
      throw in.wrong(
          0,
          "the magic GGUF",
          quote(new String(bytes, StandardCharsets.ISO_8859_1)) + ": this is no GGUF file");
    }
    int at = in.position();
    int version = in.uint32("the version", null);
    if (version != 0 && (version & 0xffff) == 0) {
      throw bigEndian(in);
    }
    if (version != 2 && version != 3) {
      throw in.wrong(at, "GGUF version 2 or 3", "version " + Integer.toUnsignedString(version));
    }
    return version;
  }

  private static GgufFormatException bigEndian(HeaderReader in) {
    return in.wrong(in.position() - 4, "a little-endian file", "a big-endian one");
  }

  private static Map<String, Entry> metadata(HeaderReader in, int count)
      throws GgufFormatException {
    var metadata = LinkedHashMap.<String, Entry>newLinkedHashMap(count);
    for (int i = 0; i < count; i++) {
      int at = in.position();
      var key = in.name(1, MOST_KEY_BYTES, "a metadata key");
      int valueAt = in.position();
      var value = in.value(key);
      if (metadata.put(key, new Entry(value, valueAt, in.position() - valueAt)) != null) {
        throw in.wrong(at, "each key once", quote(key) + " again");
      }
    }
    return Collections.unmodifiableMap(metadata);
  }

  private static long alignment(HeaderReader in, Map<String, Entry> metadata)
      throws GgufFormatException {
    var entry = metadata.get(ALIGNMENT_KEY);
    if (entry == null) {
      return DEFAULT_ALIGNMENT;
    }
    if (!isAlignment(entry.value)) {
      throw in.wrong(
          entry.offset,
          ALIGNMENT_KEY + " to be a power of two of type uint32",
          entry.value.type() + " " + quote(entry.value.toString()));
    }
    return ((GgufValue.Int) entry.value).value();
  }

  /// {@return whether `general.alignment` may have that value}
  static boolean isAlignment(GgufValue value) {
    return value instanceof GgufValue.Int(var type, var alignment)
        && type == GgufType.UINT32
        && Long.bitCount(alignment) == 1;
  }

  private static List<TensorInfo> tensors(
      HeaderReader in, int count, long alignment, long fileBytes, int part)
      throws GgufFormatException {
    var names = HashSet.<String>newHashSet(count);
    var tensors = new ArrayList<TensorInfo>(count);
    var offsetsAt = new int[count];
    for (int i = 0; i < count; i++) {
      int at = in.position();
      var tensor = tensor(in, alignment, part);
      if (!names.add(tensor.name())) {
        throw in.wrong(at, "each tensor name once", quote(tensor.name()) + " again");
      }
      tensors.add(tensor);
      offsetsAt[i] = in.position() - Long.BYTES;
    }
    long dataStart = Math.ceilDiv((long) in.position(), alignment) * alignment;
    for (int i = 0; i < count; i++) {
      tensors.set(i, place(in, tensors.get(i), offsetsAt[i], dataStart, fileBytes));
    }
    checkApart(in, tensors, offsetsAt);
    return Collections.unmodifiableList(tensors);
  }

  /// Reads one row of the tensor table, whose offset is from the start of the data.
  private static TensorInfo tensor(HeaderReader in, long alignment, int part)
      throws GgufFormatException {
    int nameAt = in.position();
    var name = in.name(0, MOST_NAME_BYTES, "a tensor name");
    if (name.indexOf('\0') >= 0) {
      // ggml would see the characters before it alone.
      throw in.wrong(nameAt, "a tensor name without the character 0", quote(name));
    }
    int shapeAt = in.position();
    int dimensionCount = in.uint32("the number of dimensions", name);
    if (dimensionCount < 0 || dimensionCount > 4) {
      throw in.wrong(
          shapeAt,
          quote(name) + " to have at most 4 dimensions",
          Integer.toUnsignedString(dimensionCount));
    }
    var dimensions = new long[dimensionCount];
    for (int d = 0; d < dimensionCount; d++) {
      dimensions[d] = in.uint64("a dimension", name);
      if (dimensions[d] < 0) {
        throw in.wrong(
            in.position() - Long.BYTES,
            "dimension " + d + " of " + quote(name) + " to be 0 to 2^63 - 1",
            Long.toString(dimensions[d]));
      }
    }
    Shape shape;
    try {
      shape = Shape.of(dimensions);
    } catch (IllegalArgumentException e) {
      throw in.wrong(shapeAt, "a possible shape of " + quote(name), e.getMessage());
    }
    int typeAt = in.position();
    int id = in.uint32("the type", name);
    var type = TensorType.byId(id);
    if (type == null) {
      throw in.wrong(
          typeAt,
          "the type of " + quote(name) + " to be one of " + TensorType.known(),
          TensorType.unknown(id));
    }
    try {
      type.bytes(shape);
    } catch (IllegalArgumentException e) {
      throw in.wrong(shapeAt, "the type of " + quote(name) + " to suit its shape", e.getMessage());
    }
    long offset = in.uint64("the offset", name);
    if (offset < 0 || offset % alignment != 0) {
      throw in.wrong(
          in.position() - Long.BYTES,
          "the offset of " + quote(name) + " to be a multiple of " + alignment,
          Long.toUnsignedString(offset));
    }
    return new TensorInfo(name, type, shape, part, offset, dimensionCount);
  }

  /// {@return the row with its offset from the start of the file, in which it must lie}
  private static TensorInfo place(
      HeaderReader in, TensorInfo tensor, int offsetAt, long dataStart, long fileBytes)
      throws GgufFormatException {
    long bytes = tensor.bytes();
    long room = fileBytes - dataStart;
    if (room < 0 || tensor.offset() > room || bytes > room - tensor.offset()) {
      throw in.wrong(
          offsetAt,
          quote(tensor.name()) + " to end within the " + fileBytes + " bytes of the file",
          bytes + " bytes from " + dataStart + " + " + tensor.offset());
    }
    return new TensorInfo(
        tensor.name(),
        tensor.type(),
        tensor.shape(),
        tensor.part(),
        dataStart + tensor.offset(),
        tensor.dimensions());
  }

  private static void checkApart(HeaderReader in, List<TensorInfo> tensors, int[] offsetsAt)
      throws GgufFormatException {
    var byOffset = new ArrayList<>(tensors);
    byOffset.removeIf(tensor -> tensor.bytes() == 0);
    byOffset.sort(Comparator.comparingLong(TensorInfo::offset));
    for (int i = 1; i < byOffset.size(); i++) {
      var before = byOffset.get(i - 1);
      var tensor = byOffset.get(i);
      long end = before.offset() + before.bytes();
      if (tensor.offset() < end) {
        throw in.wrong(
            offsetsAt[tensors.indexOf(tensor)],
            quote(tensor.name())
                + " to begin after "
                + quote(before.name())
                + ", which ends at byte "
                + end,
            "byte " + tensor.offset());
      }
    }
  }
}
