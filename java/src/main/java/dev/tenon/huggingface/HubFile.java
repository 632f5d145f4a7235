package dev.tenon.huggingface;

/// A file of a repository on the hub.
///
/// @param name its path in the repository, with `/`
/// @param size its bytes, or -1 where the hub does not say
/// @param hash what its blob is named by: SHA-256 of a large file (64 digits), git's SHA-1 of a
///     small one (40 digits), or null where the hub does not say
public record HubFile(String name, long size, String hash) {
  /// Checks the name: it stays within a folder.
  ///
  /// @throws IllegalArgumentException if it does not, or the hash is no hash
  public HubFile {
    for (var part : name.split("/", -1)) {
      if (part.isEmpty()
          || part.equals(".")
          || part.equals("..")
          || part.indexOf('\\') >= 0
          || part.indexOf(':') >= 0
          || part.chars().anyMatch(c -> c < ' ')) {
        throw new IllegalArgumentException("hub file: the name " + FormatException.quote(name));
      }
    }
    if (hash != null && !hash.matches("[0-9a-f]{40}|[0-9a-f]{64}")) {
      throw new IllegalArgumentException(
          "hub file: " + name + " of hash " + FormatException.quote(hash));
    }
  }
}
