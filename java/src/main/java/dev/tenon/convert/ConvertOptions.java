package dev.tenon.convert;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

/// How a folder is converted. Immutable; each `with…` makes a copy.
///
/// @param type what most weights become, and the rule for the others; null for the 16-bit type that
///     the folder stores, F16 where it stores none
/// @param threads that compute, from 1 to 512
/// @param name `general.name`, or null for what the folder says
/// @param metadata values for `general.*`, over what the folder says, as [dev.tenon.json.Json]
///     gives them
/// @param vocabularyOnly whether the file has no tensors
/// @param cut where the file is cut into several, or null
public record ConvertOptions(
    FileType type,
    int threads,
    String name,
    Map<String, Object> metadata,
    boolean vocabularyOnly,
    SplitSet.Cut cut) {
  /// Checks the numbers.
  ///
  /// @throws IllegalArgumentException if threads are out of range, or the type is
  ///     [FileType#COPY]
  public ConvertOptions {
    if (threads < 1 || threads > 512)
      throw new IllegalArgumentException("threads: " + threads + ", from 1 to 512");
    if (type == FileType.COPY)
      throw new IllegalArgumentException("type: COPY, which is for GGUF files alone");
    metadata = Collections.unmodifiableMap(new LinkedHashMap<>(metadata));
  }

  /// {@return the usual: the stored 16-bit type, all processors, one file}
  public static ConvertOptions usual() {
    return new ConvertOptions(
        null,
        Math.min(512, Runtime.getRuntime().availableProcessors()),
        null,
        Map.of(),
        false,
        null);
  }

  /// {@return a copy for another type}
  ///
  /// @param to what most weights become; null for the 16-bit type that the folder stores
  /// @throws IllegalArgumentException if it is [FileType#COPY]
  public ConvertOptions withType(FileType to) {
    return new ConvertOptions(to, threads, name, metadata, vocabularyOnly, cut);
  }

  /// {@return a copy with another number of threads}
  ///
  /// @param count from 1 to 512
  /// @throws IllegalArgumentException if it is not
  public ConvertOptions withThreads(int count) {
    return new ConvertOptions(type, count, name, metadata, vocabularyOnly, cut);
  }

  /// {@return a copy with another name for the model}
  ///
  /// @param called `general.name`, or null for what the folder says
  public ConvertOptions withName(String called) {
    return new ConvertOptions(type, threads, called, metadata, vocabularyOnly, cut);
  }

  /// {@return a copy with other values over those of the folder}
  ///
  /// @param values by key, for example `general.author`; copied
  public ConvertOptions withMetadata(Map<String, Object> values) {
    return new ConvertOptions(type, threads, name, values, vocabularyOnly, cut);
  }

  /// {@return a copy for a file without tensors, or one with them}
  ///
  /// @param alone whether there are none
  public ConvertOptions withVocabularyOnly(boolean alone) {
    return new ConvertOptions(type, threads, name, metadata, alone, cut);
  }

  /// {@return a copy for several files, or for one}
  ///
  /// @param where the file is cut, or null
  public ConvertOptions withCut(SplitSet.Cut where) {
    return new ConvertOptions(type, threads, name, metadata, vocabularyOnly, where);
  }
}
