package dev.tenon.huggingface;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Tensors of one mapped file.
final class MappedCheckpoint implements Checkpoint {
  private final Path path;
  private final Arena arena;
  private final Map<String, StoredTensor> tensors;
  private final List<StoredTensor> table;
  private final Map<String, String> metadata;

  /// @param arena closed with this checkpoint
  /// @param file all of it, mapped
  MappedCheckpoint(
      Path path,
      Arena arena,
      MemorySegment file,
      Map<String, StoredTensor> tensors,
      Map<String, String> metadata) {
    this.path = path;
    this.arena = arena;
    this.tensors = new LinkedHashMap<>(tensors);
    this.tensors.replaceAll((_, tensor) -> tensor.in(file));
    this.table = List.copyOf(this.tensors.values());
    this.metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  @Override
  public List<StoredTensor> tensors() {
    return table;
  }

  @Override
  public StoredTensor find(String name) {
    return tensors.get(name);
  }

  @Override
  public Map<String, String> metadata() {
    return metadata;
  }

  @Override
  public Path path() {
    return path;
  }

  @Override
  public synchronized void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }

  @Override
  public String toString() {
    return path + ", " + table.size() + " tensors";
  }
}
