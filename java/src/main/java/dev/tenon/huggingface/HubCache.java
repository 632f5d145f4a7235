package dev.tenon.huggingface;

import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ThreadLocalRandom;
import java.util.regex.Pattern;

/// The folder in which models of the hub are kept, laid out as `huggingface_hub` lays it out, so
/// that what one program downloads the other finds:
///
/// ```
/// models--owner--name/blobs/<hash>                   files, named by their hash
/// models--owner--name/refs/main                      the commit that a branch or tag stood for
/// models--owner--name/snapshots/<commit>/config.json links to blobs
/// ```
///
/// A blob is there only when it is complete and its hash was found right. Immutable and
// thread-safe.
public final class HubCache {
  private static final String PREFIX = "models--";
  private static final String TEMPORARY = ".tenon-";
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  private final Path root;

  /// Takes a folder, which need not exist yet.
  ///
  /// @param root what holds the folders `models--owner--name`
  public HubCache(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  /// A model that is there.
  ///
  /// @param name owner and name
  /// @param folder its folder in the cache
  /// @param revisions the commits that files are there of, by branch or tag; a commit that none
  ///     stands for has its own name
  /// @param files the files of all revisions, relative to a snapshot, each once
  /// @param bytes what it takes on the disk
  public record Entry(
      String name, Path folder, Map<String, String> revisions, List<String> files, long bytes) {}

  /// {@return the cache of this user: at `HF_HUB_CACHE`, else `HF_HOME/hub`, else
  /// `XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`}
  public static HubCache ofEnvironment() {
    return ofEnvironment(System.getenv());
  }

  static HubCache ofEnvironment(Map<String, String> environment) {
    var cache = path(environment, "HF_HUB_CACHE");
    if (cache == null) {
      cache = path(environment, "HUGGINGFACE_HUB_CACHE");
    }
    return new HubCache(cache == null ? home(environment).resolve("hub") : cache);
  }

  /// {@return the folder of all that belongs to the hub}
  static Path home(Map<String, String> environment) {
    var home = path(environment, "HF_HOME");
    if (home != null) {
      return home;
    }
    var caches = path(environment, "XDG_CACHE_HOME");
    return (caches == null ? Path.of(System.getProperty("user.home"), ".cache") : caches)
        .resolve("huggingface");
  }

  static Path path(Map<String, String> environment, String name) {
    var value = environment.get(name);
    if (value == null || value.isBlank()) {
      return null;
    }
    return value.equals("~") || value.startsWith("~/")
        ? Path.of(System.getProperty("user.home") + value.substring(1))
        : Path.of(value);
  }

  /// {@return the folder that holds the models}
  public Path root() {
    return root;
  }

  /// {@return the folder of a model, whether it is there or not}
  Path folder(String repository) {
    return root.resolve(PREFIX + repository.replace("/", "--"));
  }

  /// {@return the snapshot of a revision, whose files are as in the repository, or null where there
  /// is none; not all of its files need be there}
  ///
  /// @param repository owner and name
  /// @param revision a branch or tag as it was when it was last downloaded, or a commit
  /// @throws IOException if the cache cannot be read
  public Path snapshot(String repository, String revision) throws IOException {
    var name = new HubName(repository, null, revision);
    var folder = folder(name.repository());
    var ref = folder.resolve("refs").resolve(name.revision());
    var commit =
        Files.isRegularFile(ref) && Files.size(ref) < 1024
            ? Files.readString(ref).strip()
            : name.revision();
    if (!COMMIT.matcher(commit).matches()) {
      return null;
    }
    var snapshot = folder.resolve("snapshots").resolve(commit);
    return Files.isDirectory(snapshot) ? snapshot : null;
  }

  /// {@return the files of a snapshot that are there, relative to it, in order}
  ///
  /// @param snapshot a folder that [#snapshot] gave
  /// @throws IOException if it cannot be read
  public List<String> files(Path snapshot) throws IOException {
    var files = new ArrayList<String>();
    try (var all = Files.walk(snapshot)) {
      for (var file : all.filter(Files::isRegularFile).toList()) {
        // A process that was killed may have left a link of another name.
        if (!file.getFileName().toString().startsWith(TEMPORARY)) {
          files.add(snapshot.relativize(file).toString().replace('\\', '/'));
        }
      }
    }
    files.sort(null);
    return files;
  }

  /// {@return every model that is there, by name}
  ///
  /// @throws IOException if the cache cannot be read
  public List<Entry> entries() throws IOException {
    var entries = new ArrayList<Entry>();
    if (!Files.isDirectory(root)) {
      return entries;
    }
    List<Path> folders;
    try (var all = Files.list(root)) {
      folders = all.filter(Files::isDirectory).sorted().toList();
    }
    for (var folder : folders) {
      var name = folder.getFileName().toString();
      if (name.startsWith(PREFIX) && Files.isDirectory(folder.resolve("snapshots"))) {
        entries.add(entry(name.substring(PREFIX.length()).replaceFirst("--", "/"), folder));
      }
    }
    return entries;
  }

  private Entry entry(String name, Path folder) throws IOException {
    var revisions = new TreeMap<String, String>();
    var refs = folder.resolve("refs");
    if (Files.isDirectory(refs)) {
      for (var ref : files(refs)) {
        revisions.put(ref, Files.readString(refs.resolve(ref)).strip());
      }
    }
    var files = new ArrayList<String>();
    try (var snapshots = Files.list(folder.resolve("snapshots"))) {
      for (var snapshot : snapshots.filter(Files::isDirectory).sorted().toList()) {
        var commit = snapshot.getFileName().toString();
        if (!revisions.containsValue(commit)) {
          revisions.put(commit, commit);
        }
        files(snapshot).stream().filter(file -> !files.contains(file)).forEach(files::add);
      }
    }
    files.sort(Comparator.naturalOrder());
    return new Entry(name, folder, revisions, List.copyOf(files), bytes(folder));
  }

  private static long bytes(Path folder) throws IOException {
    long bytes = 0;
    try (var all = Files.walk(folder)) {
      for (var file : all.filter(f -> Files.isRegularFile(f, LinkOption.NOFOLLOW_LINKS)).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  /// Deletes a model with all its revisions and what is left of downloads that were cut short.
  ///
  /// @param repository owner and name
  /// @return the bytes that are free now
  /// @throws NoSuchFileException if it is not there
  /// @throws IOException if a file cannot be deleted
  public long remove(String repository) throws IOException {
    var folder = folder(new HubName(repository, null, "main").repository());
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      throw new NoSuchFileException(
          folder.toString(), null, "no model " + repository + " in the cache");
    }
    long bytes = bytes(folder);
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.delete(file); // a link itself, not what it leads to
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            Files.delete(directory);
            return FileVisitResult.CONTINUE;
          }
        });
    return bytes;
  }

  // What a download does.

  /// {@return where a file of a repository goes}
  ///
  /// @param blob the hash that its blob is named by
  Path blob(String repository, String blob) {
    return folder(repository).resolve("blobs").resolve(blob);
  }

  /// Lets a snapshot have a file that is there as a blob: as a link, or where the file system has
  /// none as a copy.
  ///
  /// @return the file in the snapshot
  Path link(String repository, String commit, String file, Path blob) throws IOException {
    var snapshot = folder(repository).resolve("snapshots").resolve(commit);
    var link = snapshot.resolve(file);
    Files.createDirectories(link.getParent());
    var target = link.getParent().relativize(blob);
    if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).equals(target)) {
      return link;
    }
    var temporary = link.resolveSibling(temporaryName());
    try {
      try {
        Files.createSymbolicLink(temporary, target);
      } catch (UnsupportedOperationException | IOException _) {
        Files.copy(blob, temporary);
      }
      move(temporary, link);
    } finally {
      Files.deleteIfExists(temporary);
    }
    return link;
  }

  /// Takes note of the commit that a branch or tag stands for.
  void refer(String repository, String revision, String commit) throws IOException {
    if (revision.equals(commit)) {
      return;
    }
    var ref = folder(repository).resolve("refs").resolve(revision);
    Files.createDirectories(ref.getParent());
    var temporary = ref.resolveSibling(temporaryName());
    try {
      Files.writeString(temporary, commit);
      move(temporary, ref);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static String temporaryName() {
    return TEMPORARY + "%016x.tmp".formatted(ThreadLocalRandom.current().nextLong());
  }

  /// Puts a file in the place of another as a whole.
  static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException _) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  @Override
  public String toString() {
    return root.toString();
  }
}
