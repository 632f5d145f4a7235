package dev.tenon.huggingface;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/// Hashes by which the hub names files.
final class HubHash {
  private HubHash() {}

  /// {@return the hash of a file, of the kind that another is: SHA-256 (64 digits), or git's SHA-1
  /// (40)}
  ///
  /// @param moved is called now and then
  static String of(Path path, String kind, HubDownload.Moved moved) throws IOException {
    boolean git = kind.length() == 40;
    var digest = digest(git ? "SHA-1" : "SHA-256");
    try (var channel = FileChannel.open(path)) {
      if (git) {
        digest.update(("blob " + channel.size() + "\0").getBytes(StandardCharsets.US_ASCII));
      }
      var buffer = ByteBuffer.allocateDirect(1 << 20);
      while (channel.read(buffer) >= 0) {
        digest.update(buffer.flip());
        buffer.clear();
        moved.by(0);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  private static MessageDigest digest(String name) {
    try {
      return MessageDigest.getInstance(name);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e); // every Java has both
    }
  }
}
