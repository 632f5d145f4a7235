package dev.tenon.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/// What a GGUF file is to hold, and the way it gets there. Metadata and tensors keep the order in
/// which they were put; a key put again keeps its place.
///
/// [#write] makes a file of version 3, laid out as ggml lays it out: each tensor padded to the
/// alignment, 32 bytes unless `general.alignment` is put. Tensor data stream from their sources, so
/// the file may be larger than memory. It appears under its name only when it is complete.
///
/// ```java
/// try (var source = Gguf.open(Path.of("model.gguf"))) {
///   var writer = new GgufWriter().copy(source).put("general.name", "mine");
///   for (var tensor : source.tensors()) {
///     writer.tensor(source, tensor);
///   }
///   writer.write(Path.of("renamed.gguf"));
/// }
/// ```
///
/// Confined to one thread at a time.
public final class GgufWriter {
  private static final long MOST_ALIGNMENT = 1 << 16; // a page: more would be empty space alone

  private static final int VERSION = 3;
  private static final int MAGIC = 0x46554747; // "GGUF"

  /// Encoded values with their types.
  private final Map<String, byte[]> metadata = new LinkedHashMap<>();

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private long alignment = Header.DEFAULT_ALIGNMENT;

  private record Tensor(
      String name, TensorType type, Shape shape, int dimensions, long bytes, Source source) {}

  /// Starts with neither metadata nor tensors.
  public GgufWriter() {}

  /// Gives the bytes of one tensor when its turn comes.
  @FunctionalInterface
  public interface Source {
    /// Writes all bytes of the tensor, in as many pieces as it likes.
    ///
    /// @param out takes every byte it is given, and no more than the tensor has; closing it has no
    ///     effect
    /// @throws IOException if the bytes cannot be had, or from `out`; the file is then given up
    void writeTo(WritableByteChannel out) throws IOException;
  }

  /// Puts a metadata value: in place of the one that the key has, else at the end.
  ///
  /// @param key at least one byte of UTF-8 and at most 65535
  /// @param value its type is the type in the file
  /// @return this
  /// @throws IllegalArgumentException if the key or a string is no UTF-8 (half a surrogate pair),
  ///     the key is empty or too long, the value takes more than 2^31 - 1 bytes, or
  ///     `general.alignment` is to be no power of two of type [GgufType#UINT32] up to 65536
  public GgufWriter put(String key, GgufValue value) {
    int bytes = Encoding.utf8(key).length;
    if (bytes == 0 || bytes > Header.MOST_KEY_BYTES) {
      throw new IllegalArgumentException(
          "put: a key of " + bytes + " bytes; 1 to " + Header.MOST_KEY_BYTES + " are possible");
    }
    var encoded = Encoding.encode(value);
    if (key.equals(Header.ALIGNMENT_KEY)) {
      if (!Header.isAlignment(value) || ((GgufValue.Int) value).value() > MOST_ALIGNMENT) {
        throw new IllegalArgumentException(
            key
                + " "
                + value
                + " of type "
                + value.type()
                + "; a power of two of type "
                + GgufType.UINT32
                + ", at most "
                + MOST_ALIGNMENT
                + ", is needed");
      }
      alignment = ((GgufValue.Int) value).value();
    }
    metadata.put(key, encoded);
    return this;
  }

  /// Puts a string.
  ///
  /// @param key as in [#put(String, GgufValue)]
  /// @param text the value
  /// @return this
  /// @throws IllegalArgumentException as [#put(String, GgufValue)]
  public GgufWriter put(String key, String text) {
    return put(key, new GgufValue.Text(text));
  }

  /// Takes a metadata value away; nothing happens where there is none.
  ///
  /// @param key its key
  /// @return this
  public GgufWriter remove(String key) {
    metadata.remove(Objects.requireNonNull(key, "key"));
    if (key.equals(Header.ALIGNMENT_KEY)) {
      alignment = Header.DEFAULT_ALIGNMENT;
    }
    return this;
  }

  /// Puts every metadata value of a file, byte for byte as it stands there.
  ///
  /// @param source an open file, of a split set the first; not retained
  /// @return this
  /// @throws IllegalStateException if it is closed
  public GgufWriter copy(Gguf source) {
    source.keys().forEach(key -> copy(source, key));
    return this;
  }

  /// Puts one metadata value of a file, byte for byte as it stands there.
  ///
  /// @param source an open file; not retained
  /// @param key a key that it has
  /// @return this
  /// @throws IllegalArgumentException if it has no such key
  /// @throws IllegalStateException if it is closed
  public GgufWriter copy(Gguf source, String key) {
    if (!source.has(key)) {
      throw new IllegalArgumentException("copy: " + source.path() + " has no key " + key);
    }
    metadata.put(key, source.encoded(key));
    if (key.equals(Header.ALIGNMENT_KEY)) {
      alignment = source.alignment();
    }
    return this;
  }

  /// Adds a tensor at the end.
  ///
  /// @param name at most 63 bytes of UTF-8, and not that of another tensor
  /// @param type element type
  /// @param shape rows must be a multiple of the type's block
  /// @param source asked for the bytes during [#write], once for each call
  /// @return this
  /// @throws IllegalArgumentException if the name is taken, too long or no UTF-8, or the type
  ///     cannot hold the shape
  public GgufWriter tensor(String name, TensorType type, Shape shape, Source source) {
    return tensor(name, type, shape, shape.rank(), source);
  }

  /// Adds a tensor at the end.
  ///
  /// @param name at most 63 bytes of UTF-8, and not that of another tensor
  /// @param type element type
  /// @param shape rows must be a multiple of the type's block
  /// @param data exactly its bytes, to be accessible and unchanged during [#write]
  /// @return this
  /// @throws IllegalArgumentException if the name is taken, too long or no UTF-8, the type cannot
  ///     hold the shape, or the data have another size
  public GgufWriter tensor(String name, TensorType type, Shape shape, MemorySegment data) {
    if (data.byteSize() != type.bytes(shape)) {
      throw new IllegalArgumentException(
          "tensor "
              + name
              + ": "
              + data.byteSize()
              + " bytes of data; "
              + type.ggmlName()
              + " "
              + shape
              + " has "
              + type.bytes(shape));
    }
    return tensor(name, type, shape, out -> writeAll(data, out));
  }

  /// Adds a tensor of a file at the end, as it stands there.
  ///
  /// @param source an open file, to be open during [#write]
  /// @param tensor an element of its [Gguf#tensors]
  /// @return this
  /// @throws IllegalArgumentException if it is no tensor of that file, or the name is taken
  public GgufWriter tensor(Gguf source, TensorInfo tensor) {
    source.checkOwn(tensor);
    return tensor(
        tensor.name(),
        tensor.type(),
        tensor.shape(),
        tensor.dimensions(),
        out -> {
          // Mapped for itself, so that its pages do not stay with those of the whole file.
          try (var arena = Arena.ofConfined()) {
            writeAll(source.map(tensor, arena), out);
          }
        });
  }

  private GgufWriter tensor(
      String name, TensorType type, Shape shape, int dimensions, Source source) {
    Objects.requireNonNull(source, "source");
    int bytes = Encoding.utf8(name).length;
    if (bytes > Header.MOST_NAME_BYTES || name.indexOf('\0') >= 0) {
      throw new IllegalArgumentException(
          "tensor "
              + GgufFormatException.quote(name)
              + ": a name of "
              + bytes
              + " bytes; at most "
              + Header.MOST_NAME_BYTES
              + ", none of them 0, are possible");
    }
    var tensor = new Tensor(name, type, shape, dimensions, type.bytes(shape), source);
    if (tensors.putIfAbsent(name, tensor) != null) {
      throw new IllegalArgumentException("tensor " + name + ": there is one of that name");
    }
    return this;
  }

  /// {@return the size in bytes of the file that [#write] would make now}
  ///
  /// @throws IllegalStateException if it is above 2^63 - 1
  public long fileBytes() {
    long bytes = headerBytes();
    if (!tensors.isEmpty()) {
      bytes = pad(bytes);
    }
    for (var tensor : tensors.values()) {
      bytes = pad(bytes + pad(tensor.bytes));
      if (bytes < 0) {
        throw new IllegalStateException(
            "the tensors up to " + tensor.name + " exceed 2^63 - 1 bytes");
      }
    }
    return bytes;
  }

  /// {@return the file that [#write] would make now, without its tensors' bytes, which are not
  /// accessible: so that it can be checked before they are written}
  ///
  /// @param path what messages call it
  /// @throws GgufFormatException if [Gguf#open] would refuse it
  /// @throws IllegalStateException if the header or the number of keys or tensors is beyond what
  ///     [Gguf#open] reads
  public Gguf preview(Path path) throws GgufFormatException {
    checkHeader();
    var header = new ByteArrayOutputStream(Math.toIntExact(headerBytes()));
    try {
      var out = new Out(Channels.newChannel(header));
      writeHeader(out);
      out.flush();
    } catch (IOException e) {
      throw new AssertionError("into memory", e);
    }
    return Gguf.ofHeader(path, header.toByteArray(), fileBytes());
  }

  /// Writes the file under another name in the same folder, then renames it, so that `target` is
  /// replaced as a whole or not at all. Nothing is left behind when it fails, or when the process
  /// is told to end (SIGINT, SIGTERM); what is left when it is killed goes the next time the same
  /// file is written.
  ///
  /// A file that this one copies from may be the target.
  ///
  /// @param target where the file is to be; a link there is replaced, not followed
  /// @throws IOException if the target is a folder or special file, its folder is missing, the disk
  ///     is full, or a source cannot give its bytes
  /// @throws IllegalStateException if a source gave more or fewer bytes than its tensor has, or the
  ///     header or the number of keys or tensors is beyond what [Gguf#open] reads
  public void write(Path target) throws IOException {
    try (var file = writeBeside(target)) {
      file.complete();
    }
  }

  /// Writes the file under another name in the same folder and leaves it to the caller to rename
  /// it: so that several appear when all of them are written.
  ///
  /// @param target where the file is to be; as in [#write]
  /// @return the file, written but not [complete][PendingFile#complete]; the caller closes it
  /// @throws IOException as from [#write]
  /// @throws IllegalStateException as from [#write]
  public PendingFile writeBeside(Path target) throws IOException {
    checkHeader();
    var file = PendingFile.of(target);
    try {
      PendingFile.checkRoom(target, fileBytes()); // what was left there before is gone
      var out = new Out(file.channel());
      writeHeader(out);
      writeTensors(out);
      out.flush();
      return file;
    } catch (Throwable e) {
      try (file) {
        throw e;
      }
    }
  }

  /// What is written here must be readable here.
  private void checkHeader() {
    if (metadata.size() > Header.MOST_KEYS || tensors.size() > Header.MOST_TENSORS) {
      throw new IllegalStateException(
          "write: "
              + metadata.size()
              + " keys and "
              + tensors.size()
              + " tensors; at most "
              + Header.MOST_KEYS
              + " and "
              + Header.MOST_TENSORS
              + " are possible");
    }
    if (headerBytes() > HeaderReader.MOST_BYTES) {
      throw new IllegalStateException(
          "write: metadata and tensor table take "
              + headerBytes()
              + " bytes; at most "
              + HeaderReader.MOST_BYTES
              + " are possible");
    }
    fileBytes();
  }

  private long headerBytes() {
    long bytes = 2 * Integer.BYTES + 2 * Long.BYTES;
    for (var entry : metadata.entrySet()) {
      bytes += Long.BYTES + Encoding.utf8(entry.getKey()).length + entry.getValue().length;
    }
    for (var tensor : tensors.values()) {
      bytes +=
          Long.BYTES
              + Encoding.utf8(tensor.name).length
              + Integer.BYTES
              + (long) tensor.dimensions * Long.BYTES
              + Integer.BYTES
              + Long.BYTES;
    }
    return bytes;
  }

  private void writeHeader(Out out) throws IOException {
    out.uint32(MAGIC);
    out.uint32(VERSION);
    out.uint64(tensors.size());
    out.uint64(metadata.size());
    for (var entry : metadata.entrySet()) {
      out.string(entry.getKey());
      out.write(ByteBuffer.wrap(entry.getValue()));
    }
    long offset = 0;
    for (var tensor : tensors.values()) {
      out.string(tensor.name);
      out.uint32(tensor.dimensions);
      for (int d = 0; d < tensor.dimensions; d++) {
        out.uint64(tensor.shape.dimension(d));
      }
      out.uint32(tensor.type.id());
      out.uint64(offset);
      offset += pad(tensor.bytes);
    }
    // A file without tensors ends here, as gguf-py leaves it.
    if (!tensors.isEmpty()) {
      out.padTo(alignment);
    }
  }

  private void writeTensors(Out out) throws IOException {
    for (var tensor : tensors.values()) {
      out.begin(tensor);
      tensor.source.writeTo(out);
      out.end();
      out.padTo(alignment);
    }
  }

  private long pad(long bytes) {
    return (bytes + alignment - 1) & -alignment;
  }

  private static void writeAll(MemorySegment data, WritableByteChannel out) throws IOException {
    // A buffer views 2 GiB at most, and a large one would hide an interruption for long.
    long most = 1 << 24;
    for (long at = 0; at < data.byteSize(); at += most) {
      out.write(data.asSlice(at, Math.min(most, data.byteSize() - at)).asByteBuffer());
    }
  }

  /// Gathers small pieces and counts the bytes of each tensor.
  private static final class Out implements WritableByteChannel {
    private final WritableByteChannel file;
    private final ByteBuffer gathered =
        ByteBuffer.allocateDirect(1 << 18).order(ByteOrder.LITTLE_ENDIAN);
    private long position;
    private Tensor tensor;
    private long tensorEnd = Long.MAX_VALUE;

    Out(WritableByteChannel file) {
      this.file = file;
    }

    void begin(Tensor next) {
      tensor = next;
      tensorEnd = position + next.bytes;
    }

    void end() {
      if (position != tensorEnd) {
        throw new IllegalStateException(
            "tensor "
                + tensor.name
                + ": its source gave "
                + (tensor.bytes - (tensorEnd - position))
                + " bytes; it has "
                + tensor.bytes);
      }
      tensorEnd = Long.MAX_VALUE;
    }

    @Override
    public int write(ByteBuffer bytes) throws IOException {
      int count = bytes.remaining();
      if (count > tensorEnd - position) {
        throw new IllegalStateException(
            "tensor "
                + tensor.name
                + ": its source gave more than the "
                + tensor.bytes
                + " bytes that it has");
      }
      if (bytes.isDirect() && count >= gathered.capacity()) {
        flush();
        writeFully(bytes);
      } else {
        while (bytes.hasRemaining()) {
          if (!gathered.hasRemaining()) {
            flush();
          }
          int piece = Math.min(bytes.remaining(), gathered.remaining());
          gathered.put(bytes.slice(bytes.position(), piece));
          bytes.position(bytes.position() + piece);
        }
      }
      position += count;
      return count;
    }

    void uint32(int number) throws IOException {
      write(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(0, number));
    }

    void uint64(long number) throws IOException {
      write(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(0, number));
    }

    void string(String text) throws IOException {
      var utf8 = Encoding.utf8(text);
      uint64(utf8.length);
      write(ByteBuffer.wrap(utf8));
    }

    void padTo(long alignment) throws IOException {
      for (long left = -position & (alignment - 1); left > 0; ) {
        int piece = (int) Math.min(left, 1 << 16);
        write(ByteBuffer.allocate(piece));
        left -= piece;
      }
    }

    void flush() throws IOException {
      writeFully(gathered.flip());
      gathered.clear();
    }

    private void writeFully(ByteBuffer bytes) throws IOException {
      while (bytes.hasRemaining()) {
        file.write(bytes);
      }
    }

    @Override
    public boolean isOpen() {
      return file.isOpen();
    }

    @Override
    public void close() {
      // The file is closed by whoever opened it.
    }
  }
}
