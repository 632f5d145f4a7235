package dev.tenon.huggingface;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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
/// A blob is there only when it is complete and its hash was found right; until then it is
/// `blobs/<hash>.tenon.incomplete`. Immutable and thread-safe.
public final class HubCache {
  static final String PREFIX = "models--";
  private static final String TEMPORARY = ".tenon-";
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  private final Path root;

  /// Takes a folder, which need not exist yet.
  ///
  /// @param root what holds the folders `models--owner--name`
  public HubCache(Path root) {
    this.root = root.toAbsolutePath().normalize();
  }

  /// A model that is there, or a part of one.
  ///
  /// @param name what it is called by wherever a model is named
  /// @param commit the commit of its files, or null where they are not whole
  /// @param path the GGUF file (of a split set the first), or the folder
  /// @param files all its files
  /// @param bytes what they take on the disk; what several models share counts for each
  /// @param modified when the last of them came
  /// @param complete whether it is a model, and not what a download left that was cut short
  public record Entry(
      HubName name,
      String commit,
      Path path,
      List<Path> files,
      long bytes,
      Instant modified,
      boolean complete) {
    /// Copies the list.
    public Entry {
      files = List.copyOf(files);
    }
  }

  /// {@return the cache of this user: at `HF_HUB_CACHE`, else `HF_HOME/hub`, else
  /// `XDG_CACHE_HOME/huggingface/hub`, else `~/.cache/huggingface/hub`}
  public static HubCache ofEnvironment() {
    return ofEnvironment(System.getenv());
  }

  /// {@return the cache of a user with those environment variables}
  ///
  /// @param environment what stands for [System#getenv()]
  public static HubCache ofEnvironment(Map<String, String> environment) {
    return new HubCache(HubEnvironment.cache(environment));
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
    var name = new HubName(repository, null, Objects.requireNonNull(revision));
    var folder = folder(name.repository());
    var commit = commit(folder.resolve("refs").resolve(revision));
    if (commit == null && COMMIT.matcher(revision).matches()) {
      commit = revision;
    }
    if (commit == null) {
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

  /// {@return files of a repository that are there, or null where some that are meant are not}
  ///
  /// @param name which repository, and which revision
  /// @param choice which of the files that are there
  /// @throws IOException if the cache cannot be read
  public HubSnapshot find(HubName name, HubChoice choice) throws IOException {
    var snapshot = snapshot(name.repository(), name.revisionOrMain());
    if (snapshot == null) {
      return null;
    }
    try {
      return new HubSnapshot(
          name.repository(),
          name.revisionOrMain(),
          snapshot.getFileName().toString(),
          snapshot,
          choice.of(name.toString(), files(snapshot)));
    } catch (NoSuchFileException _) {
      return null;
    }
  }

  /// {@return every model that is there, by name; of a repository with GGUF files each that can be
  /// named}
  ///
  /// @throws IOException if the cache cannot be read
  public List<Entry> entries() throws IOException {
    return new HubInventory(this).entries();
  }

  /// What is deleted together.
  ///
  /// @param name the model
  /// @param paths files, links and folders, in the order in which they go
  /// @param bytes what is free then
  public record Removal(HubName name, List<Path> paths, long bytes) {
    /// Copies the list.
    public Removal {
      paths = List.copyOf(paths);
    }
  }

  /// Looks what goes with a model: without quant and revision all there is of the repository, with
  /// a revision (be it `main`) the files of that, with a quant that model's; of blobs those alone
  /// that no other file needs. Nothing is deleted.
  ///
  /// @param name the model
  /// @return what [#remove] deletes
  /// @throws NoSuchFileException if it is not there
  /// @throws IOException if the cache cannot be read
  public Removal removal(HubName name) throws IOException {
    return removal(name, List.of());
  }

  /// Looks what goes with a model as [#removal(HubName)] does, once others are deleted: what they
  /// take along is not counted again, and what they alone needed goes too.
  ///
  /// @param name the model, which is still there and may be among what the others take
  /// @param earlier what is deleted before
  /// @return what [#remove] deletes
  /// @throws NoSuchFileException if it is not there
  /// @throws IOException if the cache cannot be read
  public Removal removal(HubName name, List<Removal> earlier) throws IOException {
    var gone = new HashSet<Path>();
    earlier.forEach(removal -> gone.addAll(removal.paths));
    return new HubInventory(this).removal(name, gone);
  }

  /// Deletes a model. Links are deleted and not followed.
  ///
  /// @param removal what [#removal] gave
  /// @throws IllegalArgumentException if it has a path that is not in this cache
  /// @throws IOException if a file cannot be deleted
  public void remove(Removal removal) throws IOException {
    for (var path : removal.paths) {
      if (!path.startsWith(root) || path.equals(root) || !path.normalize().equals(path)) {
        throw new IllegalArgumentException("hub cache: " + path + " is not in " + root);
      }
    }
    for (var path : removal.paths) {
      try {
        Files.deleteIfExists(path); // a link itself, not what it leads to
      } catch (DirectoryNotEmptyException _) {
        // Something came in meanwhile: a download.
      }
    }
  }

  // What a download does.

  /// {@return where a file of a repository goes}
  ///
  /// @param blob the hash that its blob is named by
  Path blob(String repository, String blob) {
    return folder(repository).resolve("blobs").resolve(blob);
  }

  /// {@return the file by which programs agree who downloads a blob}
  Path lock(String repository, String blob) {
    return locks(repository).resolve(blob + ".lock");
  }

  Path locks(String repository) {
    return root.resolve(".locks").resolve(folder(repository).getFileName());
  }

  /// Looks whether the disk has room.
  ///
  /// @throws FileSystemException if it has not
  void checkRoom(long bytes) throws IOException {
    var folder = root;
    while (!Files.exists(folder) && folder.getParent() != null) {
      folder = folder.getParent();
    }
    long room = Files.getFileStore(folder).getUsableSpace();
    if (bytes > room && room > 0) { // some file systems do not say
      throw new FileSystemException(
          root.toString(), null, "no room for " + bytes + " bytes: the disk has " + room + " free");
    }
  }

  /// Makes the folder of a model, and takes away what a download left that was killed.
  void prepare(String repository) throws IOException {
    var folder = Files.createDirectories(folder(repository));
    try (var left = Files.newDirectoryStream(folder, TEMPORARY + "*.tmp")) {
      for (var file : left) {
        if (Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toMillis()
            < System.currentTimeMillis() - 3_600_000) {
          Files.deleteIfExists(file);
        }
      }
    }
  }

  /// Lets a snapshot have a file that is there as a blob: as a link, or where the file system has
  /// none as a copy.
  ///
  /// @return the file in the snapshot
  Path link(String repository, String commit, String file, Path blob) throws IOException {
    var snapshot = folder(repository).resolve("snapshots").resolve(commit);
    var link = snapshot.resolve(file);
    var target = link.getParent().relativize(blob);
    if (Files.isSymbolicLink(link) && Files.readSymbolicLink(link).equals(target)) {
      return link;
    }
    Files.createDirectories(link.getParent());
    // Beside the snapshots: in them another program would take it for a file of the repository.
    var temporary = folder(repository).resolve(temporaryName());
    try {
      if (!Files.exists(link, LinkOption.NOFOLLOW_LINKS)) {
        Files.createSymbolicLink(link, target);
        return link;
      }
      Files.createSymbolicLink(temporary, target);
      move(temporary, link);
    } catch (UnsupportedOperationException | IOException e) {
      if (Files.isSymbolicLink(link)) {
        return link; // another process was faster
      }
      Files.copy(blob, temporary, StandardCopyOption.REPLACE_EXISTING);
      move(temporary, link);
    } finally {
      Files.deleteIfExists(temporary);
    }
    return link;
  }

  /// Takes note of the commit that a branch or tag stands for.
  void refer(String repository, String revision, String commit) throws IOException {
    var ref = folder(repository).resolve("refs").resolve(revision);
    if (revision.equals(commit) || commit.equals(commit(ref))) {
      return;
    }
    Files.createDirectories(ref.getParent());
    var temporary = folder(repository).resolve(temporaryName());
    try {
      Files.writeString(temporary, commit);
      move(temporary, ref);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  /// {@return what a branch or tag stands for, or null}
  static String commit(Path ref) throws IOException {
    if (!Files.isRegularFile(ref) || Files.size(ref) > 1024) {
      return null;
    }
    var commit = new String(Files.readAllBytes(ref), StandardCharsets.ISO_8859_1).strip();
    return COMMIT.matcher(commit).matches() ? commit : null;
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
