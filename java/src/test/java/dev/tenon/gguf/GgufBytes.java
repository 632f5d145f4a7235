package dev.tenon.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/// A file made by hand, field by field, whether it makes sense or not.
final class GgufBytes {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  /// {@return the beginning of a file of version 3}
  static GgufBytes header(long tensors, long keys) {
    return header(3, tensors, keys);
  }

  static GgufBytes header(int version, long tensors, long keys) {
    return new GgufBytes().text("GGUF").u32(version).u64(tensors).u64(keys);
  }

  /// {@return the offset of what is appended next}
  int at() {
    return out.size();
  }

  GgufBytes bytes(int... bytes) {
    for (int b : bytes) {
      out.write(b);
    }
    return this;
  }

  GgufBytes bytes(byte[] bytes) {
    out.writeBytes(bytes);
    return this;
  }

  GgufBytes text(String text) {
    out.writeBytes(text.getBytes(StandardCharsets.UTF_8));
    return this;
  }

  GgufBytes u8(int number) {
    return bytes(number);
  }

  GgufBytes u16(int number) {
    return bytes(number, number >> 8);
  }

  GgufBytes u32(long number) {
    return bytes(little(Integer.BYTES).putInt((int) number).array());
  }

  GgufBytes u64(long number) {
    return bytes(little(Long.BYTES).putLong(number).array());
  }

  GgufBytes f32(float number) {
    return u32(Float.floatToRawIntBits(number));
  }

  GgufBytes f64(double number) {
    return u64(Double.doubleToRawLongBits(number));
  }

  GgufBytes string(String text) {
    return u64(text.getBytes(StandardCharsets.UTF_8).length).text(text);
  }

  /// Appends a key and the type of its value.
  GgufBytes key(String key, GgufType type) {
    return string(key).u32(type.id());
  }

  /// Appends a key and the beginning of an array.
  GgufBytes array(String key, GgufType elementType, long count) {
    return key(key, GgufType.ARRAY).u32(elementType.id()).u64(count);
  }

  /// Appends a row of the tensor table.
  GgufBytes tensor(String name, TensorType type, long offset, long... dimensions) {
    string(name).u32(dimensions.length);
    for (long dimension : dimensions) {
      u64(dimension);
    }
    return u32(type.id()).u64(offset);
  }

  GgufBytes pad(int alignment) {
    while (at() % alignment != 0) {
      u8(0);
    }
    return this;
  }

  byte[] toBytes() {
    return out.toByteArray();
  }

  Path write(Path folder) throws IOException {
    return write(folder, "made.gguf");
  }

  Path write(Path folder, String name) throws IOException {
    return Files.write(folder.resolve(name), toBytes());
  }

  private static ByteBuffer little(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
