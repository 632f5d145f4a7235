package dev.tenon.huggingface;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/// Bytes as `torch.save` writes them, by hand: pickles of protocol 2 and zip files.
final class TorchFile {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final Map<String, byte[]> storages = new LinkedHashMap<>();

  TorchFile() {
    op(0x80).op(2).op('}').op('(');
  }

  private TorchFile op(int b) {
    out.write(b);
    return this;
  }

  TorchFile raw(int... bytes) {
    for (int b : bytes) {
      op(b);
    }
    return this;
  }

  TorchFile text(String text) {
    var utf8 = text.getBytes(StandardCharsets.UTF_8);
    op('X').integerBytes(utf8.length);
    out.writeBytes(utf8);
    return this;
  }

  private TorchFile integerBytes(int n) {
    out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(n).array());
    return this;
  }

  TorchFile integer(int n) {
    return op('J').integerBytes(n);
  }

  TorchFile global(String module, String name) {
    op('c');
    out.writeBytes((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
    return this;
  }

  private TorchFile integers(int... numbers) {
    op('(');
    for (int n : numbers) {
      integer(n);
    }
    return op('t');
  }

  /// Adds a tensor to the dictionary.
  TorchFile tensor(
      String name,
      String storage,
      String key,
      int elements,
      int start,
      int[] sizes,
      int[] strides) {
    text(name).global("torch._utils", "_rebuild_tensor_v2").op('(').op('(');
    text("storage")
        .global("torch", storage)
        .text(key)
        .text("cpu")
        .integer(elements)
        .op('t')
        .op('Q');
    integer(start).integers(sizes).integers(strides);
    return op(0x89).op('}').op('t').op('R');
  }

  TorchFile storage(String key, byte[] bytes) {
    storages.put(key, bytes);
    return this;
  }

  byte[] pickle() {
    op('u').op('.');
    return out.toByteArray();
  }

  byte[] zip() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      entry(zip, "archive/data.pkl", pickle());
      entry(zip, "archive/byteorder", "little".getBytes());
      for (var storage : storages.entrySet()) {
        entry(zip, "archive/data/" + storage.getKey(), storage.getValue());
      }
      entry(zip, "archive/version", "3\n".getBytes());
    }
    return bytes.toByteArray();
  }

  private static void entry(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    var entry = new ZipEntry(name);
    var crc = new CRC32();
    crc.update(bytes);
    entry.setCrc(crc.getValue());
    entry.setSize(bytes.length);
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }

  static byte[] floats(float... numbers) {
    var bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float number : numbers) {
      bytes.putFloat(number);
    }
    return bytes.array();
  }

  /// A file with a matrix, its transpose, a column of it and the same again.
  static TorchFile sample() {
    return new TorchFile()
        .tensor("a", "FloatStorage", "0", 6, 0, new int[] {2, 3}, new int[] {3, 1})
        .tensor("t", "FloatStorage", "0", 6, 0, new int[] {3, 2}, new int[] {1, 3})
        .tensor("c", "FloatStorage", "0", 6, 1, new int[] {2}, new int[] {3})
        .tensor("tied", "FloatStorage", "0", 6, 0, new int[] {2, 3}, new int[] {3, 1})
        .tensor("b", "BFloat16Storage", "1", 2, 0, new int[] {2}, new int[] {1})
        .storage("0", floats(0, 1, 2, 3, 4, 5))
        .storage("1", new byte[] {(byte) 0x80, 0x3f, 0, (byte) 0xc0});
  }
}
