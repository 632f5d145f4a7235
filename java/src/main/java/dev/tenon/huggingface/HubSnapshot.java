package dev.tenon.huggingface;

import java.nio.file.Path;
import java.util.List;

/// Files of a repository that are in the cache.
///
/// @param repository owner and name
/// @param revision the branch, tag or commit that was asked for
/// @param commit what it stands for
/// @param folder where the files are, under their names in the repository
/// @param files the names, at least one, the one that stands for all of them first
public record HubSnapshot(
    String repository, String revision, String commit, Path folder, List<String> files) {
  /// Copies the list.
  ///
  /// @throws IllegalArgumentException if it has no file
  public HubSnapshot {
    files = List.copyOf(files);
    if (files.isEmpty()) {
      throw new IllegalArgumentException("hub snapshot: no file of " + repository);
    }
  }

  /// {@return the file that stands for all of them}
  public Path firstFile() {
    return folder.resolve(files.getFirst());
  }

  /// {@return the GGUF file (of a split set the first), or the folder where the first is none}
  public Path path() {
    return files.getFirst().endsWith(".gguf") ? firstFile() : folder;
  }
}
