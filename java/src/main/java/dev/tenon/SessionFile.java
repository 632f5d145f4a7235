package dev.tenon;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.tenon.gguf.PendingFile;
import dev.tenon.tensor.KvCache;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UTFDataFormatException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.stream.IntStream;
import java.util.zip.CRC32C;
import java.util.zip.CheckedOutputStream;

/// The file in which a session is saved.
///
/// | what | bytes |
/// | --- | --- |
/// | magic, version of the form | 8, 4 |
/// | build, settings of the cache | each 2 for the length, and so many of UTF-8 |
/// | fingerprint of the model | 32 |
/// | number of tokens, of forgotten ones, where those were, bytes of the note | 4 each |
/// | tokens, their cells, forgotten tokens | 4 each |
/// | the note, UTF-8 | as many as it has |
/// | keys and values, layer by layer | as many as the cache's layout says |
/// | CRC-32C of all that | 8 |
///
/// Numbers are big-endian. The checksum is verified before anything is made of the rest.
final class SessionFile {
  private static final long MAGIC = 0x54454E4F4E534553L; // TENONSES
  private static final int VERSION = 1;

  private final Path file;
  private final byte[] model;
  private final boolean longFactors; // keys are turned as in a context beyond the original one
  private final KvCache cache;
  private final int sequence;

  /// What a session holds, but for keys and values.
  ///
  /// @param tokens in the cache
  /// @param forgotten tokens that were in front of the one at `forgottenAt`
  /// @param note what its user wants to have back beside it
  record Held(int[] tokens, int[] forgotten, int forgottenAt, String note) {}

  SessionFile(Path file, Model model, KvCache cache, int sequence) {
    this.file = file;
    this.model = model.fingerprint();
    this.longFactors = model.usesLongFactors(cache.contextLength());
    this.cache = cache;
    this.sequence = sequence;
  }

  /// Writes the file, in place of one that is there when it is whole. An interruption of the thread
  /// is left for what comes after.
  void save(Held held) throws IOException {
    boolean interrupted = Thread.interrupted();
    try {
      while (!written(held)) interrupted = true;
    } finally {
      if (interrupted) Thread.currentThread().interrupt();
    }
  }

  /// {@return false where an interruption, now cleared, has closed the channel}
  private boolean written(Held held) throws IOException {
    try (var pending = PendingFile.of(file, attributes())) {
      write(Channels.newOutputStream(pending.channel()), held);
      pending.complete();
      return true;
    } catch (ClosedByInterruptException _) {
      Thread.interrupted();
      return false;
    }
  }

  /// A conversation is nobody else's to read.
  private FileAttribute<?>[] attributes() {
    return file.getFileSystem().supportedFileAttributeViews().contains("posix")
        ? new FileAttribute<?>[] {
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"))
        }
        : new FileAttribute<?>[0];
  }

  private void write(OutputStream file, Held held) throws IOException {
    var checked = new CheckedOutputStream(file, new CRC32C());
    checked.write(start());
    var note = held.note.getBytes(UTF_8);
    checked.write(bytes(held.tokens.length, held.forgotten.length, held.forgottenAt, note.length));
    checked.write(bytes(held.tokens));
    checked.write(bytes(cache.cellsOf(sequence)));
    checked.write(bytes(held.forgotten));
    checked.write(note);
    cache.write(sequence, checked);
    file.write(ByteBuffer.allocate(Long.BYTES).putLong(checked.getChecksum().getValue()).array());
  }

  /// What every file of this build, this model and these settings begins with.
  private byte[] start() throws IOException {
    var bytes = new ByteArrayOutputStream();
    var out = new DataOutputStream(bytes);
    out.writeLong(MAGIC);
    out.writeInt(VERSION);
    out.writeUTF(Fingerprint.ofBuild());
    out.writeUTF(settings());
    out.write(model);
    return bytes.toByteArray();
  }

  private String settings() {
    var s = cache.settings();
    var l = cache.layout();
    return "%d layers with %d heads of %d and %d, %s keys and %s values, flash attention %s%s"
        .formatted(
            l.layers(),
            l.kvHeads(),
            l.headDim(),
            l.valueDim(),
            s.keyType().ggmlName(),
            s.valueType().ggmlName(),
            s.flashAttention() ? "on" : "off",
            longFactors ? ", factors of a long context" : "");
  }

  private static byte[] bytes(int... numbers) {
    var buffer = ByteBuffer.allocate(numbers.length * Integer.BYTES);
    buffer.asIntBuffer().put(numbers);
    return buffer.array();
  }

  /// Reads the file into the cache. Until all but keys and values has been checked, and the
  /// checksum of those as well, the cache is as it was.
  ///
  /// @param contextLength the most tokens
  /// @param vocabulary number of token ids
  Held restore(int contextLength, int vocabulary) throws IOException {
    long size = checkWhole();
    try (var in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
      in.skipNBytes(Long.BYTES + Integer.BYTES);
      need("build", Fingerprint.ofBuild(), in.readUTF());
      var settings = in.readUTF();
      if (!Arrays.equals(in.readNBytes(model.length), model))
        throw refused("was saved with another model");
      need("cache", settings(), settings);
      int count = in.readInt();
      int gone = in.readInt();
      int goneAt = in.readInt();
      int note = in.readInt();
      if (count > contextLength)
        throw refused("holds " + count + " tokens, and the context " + contextLength);
      if (count < 0
          || gone < 0
          || goneAt < 0
          || goneAt > count
          || note < 0
          || size != size(count, gone, note)) throw refused("is damaged");
      var tokens = integers(in, count);
      var cells = integers(in, count);
      var forgotten = integers(in, gone);
      var held = new Held(tokens, forgotten, goneAt, new String(in.readNBytes(note), UTF_8));
      for (var ids : new int[][] {held.tokens, held.forgotten}) {
        for (int id : ids) if (id < 0 || id >= vocabulary) throw refused("is damaged");
      }
      cache.read(sequence, fitting(cells), in);
      return held;
    } catch (EOFException | UTFDataFormatException _) {
      throw refused("is damaged");
    }
  }

  /// The bytes of a whole file.
  private long size(int count, int gone, int note) throws IOException {
    var settings = cache.settings();
    return start().length
        + Integer.BYTES * (4 + 2L * count + gone)
        + note
        + cache.layout().bytes(count, settings.keyType(), settings.valueType())
        + Long.BYTES;
  }

  /// The cells as they were, so that sums run in the same order and logits are the same to the last
  /// bit; the first ones where this cache is too small for those.
  private int[] fitting(int[] cells) throws IOException {
    if (Arrays.stream(cells).anyMatch(cell -> cell < 0)
        || Arrays.stream(cells).distinct().count() < cells.length) throw refused("is damaged");
    if (Arrays.stream(cells).allMatch(cell -> cell < cache.cells())) return cells;
    return IntStream.range(0, cells.length).toArray();
  }

  private static int[] integers(DataInputStream in, int count) throws IOException {
    var numbers = new int[count];
    for (int i = 0; i < count; i++) numbers[i] = in.readInt();
    return numbers;
  }

  /// Checks the form and the checksum.
  ///
  /// @return bytes of the file
  private long checkWhole() throws IOException {
    if (!Files.isRegularFile(file)) {
      if (!Files.exists(file)) throw new NoSuchFileException(file.toString(), null, "no such file");
      throw new FileSystemException(file.toString(), null, "no regular file");
    }
    var checksum = new CRC32C();
    try (var in = Files.newInputStream(file)) {
      var start = ByteBuffer.wrap(in.readNBytes(Long.BYTES + Integer.BYTES));
      if (start.capacity() < Long.BYTES + Integer.BYTES || start.getLong() != MAGIC)
        throw refused("is no saved session");
      int version = start.getInt();
      if (version != VERSION)
        throw refused("has version " + version + ", and this build reads " + VERSION);
      checksum.update(start.array());
      long left = Files.size(file) - start.capacity() - Long.BYTES;
      var chunk = new byte[1 << 20];
      for (int n; left > 0; left -= n) {
        n = in.readNBytes(chunk, 0, (int) Math.min(chunk.length, left));
        if (n == 0) break;
        checksum.update(chunk, 0, n);
      }
      var end = in.readNBytes(Long.BYTES);
      if (left != 0
          || end.length < Long.BYTES
          || ByteBuffer.wrap(end).getLong() != checksum.getValue())
        throw refused("is damaged or cut short");
      return Files.size(file);
    }
  }

  private void need(String what, String expected, String found) throws IOException {
    if (!expected.equals(found))
      throw refused("was saved with another " + what + ": " + found + "; this is " + expected);
  }

  private IOException refused(String why) {
    return new IOException("the saved session " + file + " " + why);
  }
}
