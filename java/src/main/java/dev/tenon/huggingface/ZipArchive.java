package dev.tenon.huggingface;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;

/// A zip file in memory whose entries are stored, not compressed, as PyTorch writes them: an entry
/// is a part of the file. (`java.util.zip` does not say where one is.)
final class ZipArchive {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int LOCAL = 0x04034b50; // PK 3 4
  private static final int CENTRAL = 0x02014b50; // PK 1 2
  private static final int END = 0x06054b50; // PK 5 6
  private static final int END_64 = 0x06064b50; // PK 6 6
  private static final int LOCATOR_64 = 0x07064b50; // PK 6 7

  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_BYTES = 46;
  private static final int END_BYTES = 22;
  private static final int END_64_BYTES = 56;
  private static final int LOCATOR_64_BYTES = 20;
  private static final int MOST_ENTRIES = 1 << 20;

  private final Path path;
  private final MemorySegment file;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  /// @param offset where its bytes begin in the file
  record Entry(long offset, long size) {}

  /// {@return whether a file begins as a zip file does}
  static boolean is(MemorySegment file) {
    return file.byteSize() >= LOCAL_BYTES && file.get(INT, 0) == LOCAL;
  }

  ZipArchive(Path path, MemorySegment file) throws IOException {
    this.path = path;
    this.file = file;
    try {
      readDirectory();
    } catch (IndexOutOfBoundsException _) {
      throw malformed(0, "a zip file", "a directory that reaches beyond the file");
    }
  }

  Map<String, Entry> entries() {
    return entries;
  }

  private void readDirectory() throws IOException {
    long end = end();
    long count = unsigned16(end + 10);
    long at = unsigned32(end + 16);
    long locator = end - LOCATOR_64_BYTES;
    if (locator >= 0 && file.get(INT, locator) == LOCATOR_64) {
      long end64 = file.get(LONG, locator + 8);
      if (end64 < 0 || end64 > locator - END_64_BYTES || file.get(INT, end64) != END_64) {
        throw malformed(locator + 8, "the place of a zip64 directory's end", "" + end64);
      }
      count = file.get(LONG, end64 + 32);
      at = file.get(LONG, end64 + 48);
    }
    if (count < 0 || count > MOST_ENTRIES) {
      throw malformed(end, "at most " + MOST_ENTRIES + " entries", Long.toUnsignedString(count));
    }
    for (long i = 0; i < count; i++) {
      at = readEntry(at);
    }
  }

  /// {@return where the last record is, before a comment of at most 65535 bytes}
  private long end() throws IOException {
    long least = Math.max(0, file.byteSize() - END_BYTES - 0xffff);
    for (long at = file.byteSize() - END_BYTES; at >= least; at--) {
      if (file.get(INT, at) == END) {
        return at;
      }
    }
    throw malformed(file.byteSize(), "the end of a zip file's directory", "none: cut short?");
  }

  /// {@return where the next entry begins}
  private long readEntry(long at) throws IOException {
    if (file.get(INT, at) != CENTRAL) {
      throw malformed(at, "an entry of a zip file's directory", "another thing");
    }
    int nameBytes = unsigned16(at + 28);
    int extraBytes = unsigned16(at + 30);
    long next = at + CENTRAL_BYTES + nameBytes + extraBytes + unsigned16(at + 32);
    var name = text(at + CENTRAL_BYTES, nameBytes);
    long packed = unsigned32(at + 20);
    long size = unsigned32(at + 24);
    long local = unsigned32(at + 42);
    long extra = at + CENTRAL_BYTES + nameBytes;
    for (long e = extra; e + 4 <= extra + extraBytes; e += 4 + unsigned16(e + 2)) {
      if (unsigned16(e) == 1) { // zip64: the fields that did not fit, in this order
        long field = e + 4;
        if (size == 0xffff_ffffL) {
          size = file.get(LONG, field);
          field += Long.BYTES;
        }
        if (packed == 0xffff_ffffL) {
          packed = file.get(LONG, field);
          field += Long.BYTES;
        }
        if (local == 0xffff_ffffL) {
          local = file.get(LONG, field);
        }
      }
    }
    if (unsigned16(at + 10) != 0 || (unsigned16(at + 8) & 1) != 0 || packed != size) {
      throw malformed(at + 10, name + " to be stored as it is", "a packed or encrypted entry");
    }
    if (local < 0 || local > file.byteSize() - LOCAL_BYTES || file.get(INT, local) != LOCAL) {
      throw malformed(at + 42, "the place of entry " + name, Long.toUnsignedString(local));
    }
    long data = local + LOCAL_BYTES + unsigned16(local + 26) + unsigned16(local + 28);
    if (size < 0 || data > file.byteSize() || size > file.byteSize() - data) {
      throw malformed(
          local,
          "entry " + name + " within the file's " + file.byteSize() + " bytes",
          Long.toUnsignedString(size) + " bytes from " + data);
    }
    if (entries.putIfAbsent(name, new Entry(data, size)) != null) {
      throw malformed(at, "one entry " + name, "another");
    }
    return next;
  }

  private String text(long at, int length) {
    return new String(
        file.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  private int unsigned16(long at) {
    return Short.toUnsignedInt(file.get(SHORT, at));
  }

  private long unsigned32(long at) {
    return Integer.toUnsignedLong(file.get(INT, at));
  }

  private FormatException malformed(long offset, String expected, String found) {
    return new FormatException(path, offset, expected, found);
  }
}
