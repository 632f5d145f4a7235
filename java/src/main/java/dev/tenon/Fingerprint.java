package dev.tenon;

import dev.tenon.gguf.Gguf;
import dev.tenon.tensor.Backend;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/// What tells one model, and one build of Tenon, from another.
final class Fingerprint {
  /// Bytes taken of each tensor, at so many places of it.
  private static final int SAMPLE = 64;

  private static final int SAMPLES = 4;

  private Fingerprint() {}

  /// {@return a hash of a model: of all that its headers say, and of a sample of each weight}
  ///
  /// @throws IllegalStateException if the file is closed
  static byte[] of(Gguf gguf) {
    var sha = sha256();
    for (int part = 0; part < gguf.parts(); part++) {
      var file = gguf.mapping(part);
      long header = file.byteSize();
      for (var tensor : gguf.tensors()) {
        if (tensor.part() == part) header = Math.min(header, tensor.offset());
      }
      sha.update(ByteBuffer.allocate(Long.BYTES).putLong(file.byteSize()).flip());
      sha.update(file.asSlice(0, header).asByteBuffer());
    }
    for (var tensor : gguf.tensors()) {
      var data = gguf.data(tensor);
      long last = Math.max(0, data.byteSize() - SAMPLE);
      for (int i = 0; i < SAMPLES; i++) {
        long at = last / (SAMPLES - 1) * i;
        sha.update(data.asSlice(at, Math.min(SAMPLE, data.byteSize() - at)).asByteBuffer());
      }
    }
    return sha.digest();
  }

  /// {@return the versions of Tenon and ggml}
  static String ofBuild() {
    var module = Fingerprint.class.getModule().getDescriptor();
    var version = module == null ? null : module.rawVersion().orElse(null);
    return "tenon "
        + (version == null ? "(unpackaged)" : version)
        + ", ggml "
        + Backend.ggmlVersion();
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every Java has SHA-256", e);
    }
  }
}
