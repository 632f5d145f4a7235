package dev.tenon.convert;

import dev.tenon.gguf.Gguf;
import dev.tenon.gguf.GgufType;
import dev.tenon.gguf.GgufValue;
import dev.tenon.gguf.GgufWriter;
import dev.tenon.gguf.PendingFile;
import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.regex.Pattern;

/// A model in several files, `model-00001-of-00003.gguf` and so on, which [Gguf#open] reads as one:
/// cut apart and joined as llama-gguf-split does it.
///
/// The first file has the metadata; each has `split.no`, `split.count` and `split.tensors.count`.
public final class SplitSet {
  static final String NO = "split.no";
  static final String COUNT = "split.count";
  static final String TENSORS = "split.tensors.count";
  static final List<String> KEYS = List.of(NO, COUNT, TENSORS);

  /// The most that `split.count` can say.
  private static final int MOST_PARTS = 0xffff;

  private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  private SplitSet() {}

  /// Where a set is cut.
  ///
  /// @param tensors the most in one file, or 0 for any number
  /// @param bytes the most of tensor data in one file, or 0 for any number; a larger tensor has a
  ///     file of its own
  /// @param metadataFirst whether the first file has metadata alone
  public record Cut(int tensors, long bytes, boolean metadataFirst) {
    /// Checks the numbers.
    ///
    /// @throws IllegalArgumentException if one is negative, or not one of them above 0
    public Cut {
      if (tensors < 0 || bytes < 0 || (tensors == 0) == (bytes == 0))
        throw new IllegalArgumentException(
            "cut: "
                + tensors
                + " tensors and "
                + bytes
                + " bytes; one of them must be above 0 and the other 0");
    }
  }

  /// {@return the file of a set}
  ///
  /// @param prefix of all their names, in their folder
  /// @param no from 0
  /// @param count how many there are
  public static Path path(Path prefix, int no, int count) {
    return prefix.resolveSibling(
        "%s-%05d-of-%05d.gguf".formatted(prefix.getFileName(), no + 1, count));
  }

  /// {@return the file of a source that holds a part}
  static Path path(Gguf source, int part) {
    var matcher = NAME.matcher(source.path().getFileName().toString());
    return source.parts() == 1 || !matcher.matches()
        ? source.path()
        : path(source.path().resolveSibling(matcher.group(1)), part, source.parts());
  }

  /// {@return how a file would be cut, tensor by tensor: for each part how many}
  ///
  /// @param source an open file
  /// @param cut where
  /// @throws IllegalArgumentException if there would be more than 65535 parts
  public static List<Integer> plan(Gguf source, Cut cut) {
    var parts = new ArrayList<Integer>();
    if (cut.metadataFirst) parts.add(0);
    int tensors = 0;
    long bytes = 0;
    for (int i = 0; i < source.tensors().size(); i++) {
      // As upstream counts: each tensor padded to 32 bytes, and tensors from the first of all.
      long size = source.tensors().get(i).bytes() + 31 & -32;
      boolean full =
          cut.tensors > 0 ? i > 0 && i % cut.tensors == 0 : tensors > 0 && bytes + size > cut.bytes;
      if (full) {
        parts.add(tensors);
        tensors = 0;
        bytes = 0;
      }
      tensors++;
      bytes += size;
    }
    parts.add(tensors);
    if (parts.size() > MOST_PARTS)
      throw new IllegalArgumentException(
          "split: " + parts.size() + " parts; at most " + MOST_PARTS + " are possible");
    return List.copyOf(parts);
  }

  /// Cuts a file into several.
  ///
  /// @param source an open file, or a set, which is cut anew
  /// @param prefix of the names to be, in their folder
  /// @param cut where
  /// @param progress is told how far it is
  /// @return the files
  /// @throws IllegalArgumentException if there would be more than 65535 parts, or one of them is a
  ///     file of the source
  /// @throws CancellationException if the thread is interrupted; nothing is left behind
  /// @throws IOException if a file cannot be read or written; nothing is left behind
  public static List<Path> split(Gguf source, Path prefix, Cut cut, Progress progress)
      throws IOException {
    var plan = plan(source, cut);
    var writers = new ArrayList<GgufWriter>();
    var copier = new TensorCopier(source, progress);
    int next = 0;
    for (int part = 0; part < plan.size(); part++) {
      var writer = new GgufWriter();
      if (part == 0) writer.copy(source);
      number(writer, part, plan.size(), source.tensors().size());
      // Upstream comes to know the count last.
      writer.remove(COUNT).put(COUNT, new GgufValue.Int(GgufType.UINT16, plan.size()));
      for (int i = 0; i < plan.get(part); i++) copier.add(writer, source.tensors().get(next++));
      writers.add(writer);
    }
    return write(source, prefix, writers);
  }

  /// Joins a set, or copies a file.
  ///
  /// @param source an open set
  /// @param target the file to be
  /// @param progress is told how far it is
  /// @throws IllegalArgumentException if the target is a file of the source
  /// @throws CancellationException if the thread is interrupted; nothing is left behind
  /// @throws IOException if a file cannot be read or written; nothing is left behind
  public static void merge(Gguf source, Path target, Progress progress) throws IOException {
    checkOther(source, target);
    var writer = new GgufWriter().copy(source);
    for (var key : KEYS) writer.remove(key);
    var copier = new TensorCopier(source, progress);
    source.tensors().forEach(tensor -> copier.add(writer, tensor));
    write(writer, target);
  }

  /// Puts the numbers of a part at the end.
  static void number(GgufWriter writer, int part, int count, int tensors) {
    for (var key : KEYS) writer.remove(key);
    writer.put(NO, new GgufValue.Int(GgufType.UINT16, part));
    writer.put(COUNT, new GgufValue.Int(GgufType.UINT16, count));
    writer.put(TENSORS, new GgufValue.Int(GgufType.INT32, tensors));
  }

  /// Writes the files of a set: first all of them beside, then each gets its name.
  static List<Path> write(Gguf source, Path prefix, List<GgufWriter> parts) throws IOException {
    var names = new ArrayList<Path>();
    for (int i = 0; i < parts.size(); i++) {
      var name = path(prefix, i, parts.size());
      checkOther(source, name);
      PendingFile.check(name);
      names.add(name);
    }
    var files = new ArrayDeque<PendingFile>();
    try {
      for (int i = 0; i < parts.size(); i++) files.add(writeBeside(parts.get(i), names.get(i)));
      for (var file : files) file.complete();
    } finally {
      while (!files.isEmpty()) files.remove().close();
    }
    return List.copyOf(names);
  }

  /// Writes a file; an interruption is a cancellation.
  static void write(GgufWriter writer, Path target) throws IOException {
    try (var file = writeBeside(writer, target)) {
      file.complete();
    }
  }

  private static PendingFile writeBeside(GgufWriter writer, Path target) throws IOException {
    try {
      if (Thread.currentThread().isInterrupted()) throw new CancellationException("interrupted");
      return writer.writeBeside(target);
    } catch (ClosedByInterruptException _) {
      throw new CancellationException("interrupted");
    }
  }

  /// Refuses to write over what is read.
  static void checkOther(Gguf source, Path target) throws IOException {
    for (int part = 0; part < source.parts(); part++) {
      var path = path(source, part);
      if (Files.exists(target) && Files.exists(path) && Files.isSameFile(path, target))
        throw new IllegalArgumentException(
            "the source and the target are the same file: " + target);
    }
  }
}
