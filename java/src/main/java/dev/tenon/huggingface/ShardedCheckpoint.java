package dev.tenon.huggingface;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Shards that an index (`model.safetensors.index.json`, `pytorch_model.bin.index.json`) names.
///
/// They lie beside the index or in a folder below it. All their tensors count, as in transformers;
/// where two shards have one of the same name, the index says which.
final class ShardedCheckpoint implements Checkpoint {
  private static final long MOST_INDEX_BYTES = 1 << 25;
  private static final int MOST_SHARDS = 1 << 14;

  private final Path index;
  private final List<Checkpoint> shards;
  private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();
  private final List<StoredTensor> table;
  private final Map<String, String> metadata = new LinkedHashMap<>();

  private ShardedCheckpoint(Path index, List<Checkpoint> shards, Map<String, Integer> places)
      throws IOException {
    this.index = index;
    this.shards = shards;
    for (int i = 0; i < shards.size(); i++) {
      for (var tensor : shards.get(i).tensors()) {
        if (places.getOrDefault(tensor.name(), i) == i) {
          tensors.putIfAbsent(tensor.name(), tensor);
        }
      }
      shards.get(i).metadata().forEach(metadata::putIfAbsent);
    }
    for (var place : places.entrySet()) {
      if (!tensors.containsKey(place.getKey())) {
        throw new FormatException(
            shards.get(place.getValue()).path(),
            "tensors",
            place.getKey() + ", which " + index.getFileName() + " says is there",
            "none of that name");
      }
    }
    table = List.copyOf(tensors.values());
  }

  static Checkpoint open(Path index) throws IOException {
    var files = new ArrayList<Path>();
    var places = new LinkedHashMap<String, Integer>();
    read(index, files, places);
    var shards = new ArrayList<Checkpoint>();
    try {
      for (var file : files) {
        if (!Files.exists(file)) {
          throw new NoSuchFileException(
              file.toString(),
              null,
              "no such shard; " + index.getFileName() + " names " + files.size());
        }
        if (!Files.isRegularFile(file)) {
          throw new FileSystemException(file.toString(), null, "no regular file; expected a shard");
        }
        shards.add(Checkpoint.open(file));
      }
      return new ShardedCheckpoint(index, shards, places);
    } catch (Throwable e) {
      shards.forEach(Checkpoint::close);
      throw e;
    }
  }

  /// Reads which shard has which tensor.
  private static void read(Path index, List<Path> files, Map<String, Integer> places)
      throws IOException {
    Object map;
    try {
      map = Json.object(CheckpointFiles.text(index, MOST_INDEX_BYTES)).get("weight_map");
    } catch (JsonException e) {
      throw new FormatException(index, "text", "a JSON object", e.getMessage());
    }
    if (!(map instanceof Map<?, ?> weights)) {
      throw new FormatException(index, "weight_map", "an object", map == null ? "none" : "another");
    }
    var numbers = new LinkedHashMap<String, Integer>();
    for (var entry : weights.entrySet()) {
      var name = (String) entry.getKey();
      if (!(entry.getValue() instanceof String file)) {
        throw new FormatException(
            index, "weight_map." + name, "the name of a file", "" + entry.getValue());
      }
      places.put(name, numbers.computeIfAbsent(file, _ -> numbers.size()));
      if (numbers.size() > MOST_SHARDS) {
        throw new FormatException(index, "weight_map", "at most " + MOST_SHARDS + " files", "more");
      }
    }
    for (var file : numbers.keySet()) {
      files.add(beside(index, file));
    }
  }

  /// {@return a file beside the index or below it}
  private static Path beside(Path index, String file) throws IOException {
    boolean escapes = file.isEmpty() || file.indexOf('\\') >= 0 || file.indexOf('\0') >= 0;
    for (var part : file.split("/", -1)) {
      escapes |= part.isEmpty() || part.equals("..") || part.equals(".") || part.endsWith(":");
    }
    if (escapes || !(file.endsWith(".safetensors") || file.endsWith(".bin"))) {
      throw new FormatException(
          index,
          "weight_map",
          "names of .safetensors or .bin files beside it",
          FormatException.quote(file));
    }
    return index.resolveSibling(file);
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
    return Collections.unmodifiableMap(metadata);
  }

  @Override
  public Path path() {
    return index;
  }

  @Override
  public void close() {
    shards.forEach(Checkpoint::close);
  }

  @Override
  public String toString() {
    return index + ", " + table.size() + " tensors in " + shards.size() + " shards";
  }
}
