package dev.tenon.huggingface;

/// A file of a repository on the hub.
///
/// @param name its path in the repository, with `/`
/// @param size its bytes, or -1 where the hub does not say
/// @param hash what its blob is named by: SHA-256 of a large file (64 digits), git's SHA-1 of a
///     small one (40 digits), another ETag of a hub that has neither, or null where it says none
public record HubFile(String name, long size, String hash) {
  /// No file has more bytes.
  private static final long MOST_BYTES = 1L << 46;

  /// Checks the name: it stays within a folder.
  ///
  /// @throws IllegalArgumentException if it does not, the size is beyond reason, or the hash
  ///     has characters that no hash has
  public HubFile {
    for (var part : name.split("/", -1)) {
      if (part.isEmpty()
          || part.equals(".")
          || part.equals("..")
          || part.indexOf('\\') >= 0
          || part.indexOf(':') >= 0
          || part.chars().anyMatch(Character::isISOControl)) {
        throw new IllegalArgumentException("hub file: the name " + FormatException.quote(name));
      }
    }
    if (size > MOST_BYTES) {
      throw new IllegalArgumentException("hub file: " + name + " of " + size + " bytes");
    }
    if (hash != null && !hash.matches("[A-Za-z0-9_][A-Za-z0-9._=+-]{0,127}")) {
      throw new IllegalArgumentException(
          "hub file: " + name + " of hash " + FormatException.quote(hash));
    }
  }

  /// {@return whether a hash says what is in the file}
  static boolean isHash(String hash) {
    return hash.matches("[0-9a-f]{40}|[0-9a-f]{64}");
  }
}
