package dev.tenon.huggingface;

import dev.tenon.huggingface.HubCache.Entry;
import dev.tenon.huggingface.HubCache.Removal;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// What is in a cache: its models by name, and which files go with one of them.
final class HubInventory {
  private final HubCache cache;

  HubInventory(HubCache cache) {
    this.cache = cache;
  }

  // Models.

  List<Entry> entries() throws IOException {
    var entries = new ArrayList<Entry>();
    for (var folder : folders(cache.root())) {
      var name = folder.getFileName().toString();
      if (name.startsWith(HubCache.PREFIX)) {
        var repository = name.substring(HubCache.PREFIX.length()).replaceFirst("--", "/");
        try {
          addRepository(new HubName(repository, null, null), folder, entries);
        } catch (IllegalArgumentException _) {
          // A folder of somebody else, that no name leads to.
        }
      }
    }
    entries.sort(Comparator.comparing(entry -> entry.name().toString()));
    return entries;
  }

  /// {@return folders in a folder that are no links, in order}
  private static List<Path> folders(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (var all = Files.list(folder)) {
      return all.filter(f -> Files.isDirectory(f, LinkOption.NOFOLLOW_LINKS)).sorted().toList();
    }
  }

  private void addRepository(HubName name, Path folder, List<Entry> entries) throws IOException {
    int before = entries.size();
    var revisions = revisions(folder);
    for (var revision : revisions.entrySet()) {
      var snapshot = folder.resolve("snapshots").resolve(revision.getValue());
      // Beside others `main` has a name of its own: the plain one means all of them to a removal.
      boolean plain = revision.getKey().equals("main") && revisions.size() == 1;
      var full = plain ? name : new HubName(name.repository(), null, revision.getKey());
      addModels(full, snapshot, entries);
    }
    var left = new ArrayList<Path>();
    var blobs = folder.resolve("blobs");
    if (Files.isDirectory(blobs, LinkOption.NOFOLLOW_LINKS)) {
      try (var all = Files.newDirectoryStream(blobs, "*.incomplete")) {
        all.forEach(left::add);
      }
    }
    if (!left.isEmpty() || entries.size() == before && !walk(folder, false).isEmpty()) {
      entries.add(entry(name, null, folder, left, false));
    }
  }

  /// {@return the commits that there are snapshots of, by branch or tag; a commit that none stands
  /// for by itself}
  private Map<String, String> revisions(Path folder) throws IOException {
    var revisions = new TreeMap<String, String>();
    var snapshots = new ArrayList<String>();
    folders(folder.resolve("snapshots")).forEach(s -> snapshots.add(s.getFileName().toString()));
    var refs = folder.resolve("refs");
    if (Files.isDirectory(refs, LinkOption.NOFOLLOW_LINKS)) {
      for (var ref : cache.files(refs)) {
        var commit = HubCache.commit(refs.resolve(ref));
        if (commit != null && snapshots.contains(commit)) {
          revisions.put(ref, commit);
        }
      }
    }
    for (var commit : snapshots) {
      if (!revisions.containsValue(commit)) {
        revisions.put(commit, commit);
      }
    }
    return revisions;
  }

  private void addModels(HubName name, Path snapshot, List<Entry> entries) throws IOException {
    var files = cache.files(snapshot);
    var models = files.stream().filter(HubFileNames::isModel).toList();
    var commit = snapshot.getFileName().toString();
    var named = new HashSet<String>();
    for (var model : models) {
      try {
        var parts = HubFileNames.parts(model, files);
        var full = named(name, model, files);
        if (named.add(full.toString())) {
          entries.add(entry(full, commit, snapshot.resolve(model), paths(snapshot, parts), true));
        }
      } catch (NoSuchFileException _) {
        // A part is missing: no model.
      }
    }
    try {
      var folder = HubChoice.folder().of(name.toString(), files);
      if (models.isEmpty()) {
        entries.add(entry(name, commit, snapshot, paths(snapshot, folder), true));
      }
    } catch (NoSuchFileException _) {
      // No weights, or not all of them.
    }
  }

  /// {@return the name by which a file is found, with the quant where that leads to it}
  private static HubName named(HubName name, String model, List<String> files) {
    var quant = HubFileNames.quant(model);
    if (quant != null) {
      try {
        if (HubChoice.model(quant).of("", files).getFirst().equals(model)) {
          boolean main = name.revisionOrMain().equals("main");
          return new HubName(name.repository(), quant, main ? null : name.revision());
        }
      } catch (NoSuchFileException | IllegalArgumentException _) {
        // Not found by it, or more than a name can hold.
      }
    }
    return name;
  }

  private static List<Path> paths(Path folder, List<String> names) {
    return names.stream().map(folder::resolve).toList();
  }

  private static Entry entry(
      HubName name, String commit, Path path, List<Path> files, boolean complete)
      throws IOException {
    long bytes = 0;
    var modified = FileTime.fromMillis(0);
    for (var file : files) {
      if (Files.exists(file)) {
        bytes += Files.size(file);
        var time = Files.getLastModifiedTime(file);
        modified = time.compareTo(modified) > 0 ? time : modified;
      }
    }
    Instant instant =
        files.isEmpty() ? Files.getLastModifiedTime(path).toInstant() : modified.toInstant();
    return new Entry(name, commit, path, files, bytes, instant, complete);
  }

  // Removal.

  /// @param gone what is deleted before
  Removal removal(HubName name, Set<Path> gone) throws IOException {
    var folder = cache.folder(name.repository());
    if (!Files.isDirectory(folder, LinkOption.NOFOLLOW_LINKS)) {
      throw missing(name, "");
    }
    if (name.quant() == null && name.revision() == null) {
      return all(name, folder, gone);
    }
    var snapshot = cache.snapshot(name.repository(), name.revisionOrMain());
    if (snapshot == null) {
      throw missing(name, "");
    }
    var refs = refs(folder, snapshot.getFileName().toString());
    refs.removeAll(gone);
    var ref = folder.resolve("refs").resolve(name.revisionOrMain());
    if (name.quant() == null && refs.size() > 1 && refs.contains(ref)) {
      return removal(name, List.of(ref), gone); // another branch or tag has the same files
    }
    var inSnapshot = walk(snapshot, false);
    var doomed = doomed(name, snapshot, inSnapshot);
    var used = new HashSet<Path>(); // by the repository's other files
    for (var other : folders(folder.resolve("snapshots"))) {
      for (var file : walk(other, false)) {
        if (!doomed.contains(file) && !gone.contains(file)) {
          used.add(target(file));
        }
      }
    }
    if (used.isEmpty()) {
      return all(name, folder, gone);
    }
    var paths = new ArrayList<Path>();
    for (var file : inSnapshot) {
      var blob = target(file);
      if (doomed.contains(file)) {
        paths.add(file);
        if (blob.startsWith(folder.resolve("blobs")) && used.add(blob)) {
          paths.add(blob);
        }
      }
    }
    if (doomed.containsAll(inSnapshot.stream().filter(file -> !gone.contains(file)).toList())) {
      paths.addAll(refs);
      walk(snapshot, true).stream().filter(path -> !doomed.contains(path)).forEach(paths::add);
    }
    return removal(name, paths, gone);
  }

  /// {@return the files of a model, or all of the snapshot, links that lead nowhere too}
  private Set<Path> doomed(HubName name, Path snapshot, List<Path> all) throws IOException {
    if (name.quant() == null) {
      return new HashSet<>(all);
    }
    try {
      var files = cache.files(snapshot);
      return new HashSet<>(paths(snapshot, HubChoice.model(name.quant()).of("", files)));
    } catch (NoSuchFileException e) {
      throw missing(name, ": " + e.getReason());
    }
  }

  private NoSuchFileException missing(HubName name, String why) {
    return new NoSuchFileException(name.toString(), null, "not in the cache " + cache.root() + why);
  }

  private Removal all(HubName name, Path folder, Set<Path> gone) throws IOException {
    var paths = new ArrayList<>(walk(folder, true));
    var locks = cache.locks(name.repository());
    if (Files.isDirectory(locks, LinkOption.NOFOLLOW_LINKS)) {
      paths.addAll(walk(locks, true));
    }
    return removal(name, paths, gone);
  }

  private Removal removal(HubName name, List<Path> all, Set<Path> gone) throws IOException {
    var paths = all.stream().filter(path -> !gone.contains(path)).toList();
    for (var path : paths) {
      checkInside(path);
    }
    return new Removal(name, paths, bytes(paths));
  }

  /// Refuses a path with a link on the way to it: what lies there is not the cache's.
  private void checkInside(Path path) throws IOException {
    var root = cache.root();
    var folder = path.getParent();
    if (!folder.toRealPath().equals(root.toRealPath().resolve(root.relativize(folder)))) {
      throw new FileSystemException(
          path.toString(), null, "reached by a link out of the cache; nothing was deleted");
    }
  }

  private static List<Path> refs(Path folder, String commit) throws IOException {
    var found = new ArrayList<Path>();
    var refs = folder.resolve("refs");
    if (Files.isDirectory(refs, LinkOption.NOFOLLOW_LINKS)) {
      for (var ref : walk(refs, false)) {
        if (commit.equals(HubCache.commit(ref))) {
          found.add(ref);
        }
      }
    }
    return found;
  }

  /// {@return where a link leads as its text has it, or the file itself}
  private static Path target(Path file) throws IOException {
    return Files.isSymbolicLink(file)
        ? file.resolveSibling(Files.readSymbolicLink(file)).normalize()
        : file;
  }

  private static long bytes(List<Path> paths) throws IOException {
    long bytes = 0;
    for (var path : paths) {
      if (Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS)) {
        bytes += Files.size(path);
      }
    }
    return bytes;
  }

  /// {@return files and links in a folder, and with `folders` also folders after what is in them,
  /// the folder itself at last; links are not followed}
  private static List<Path> walk(Path folder, boolean folders) throws IOException {
    var paths = new ArrayList<Path>();
    Files.walkFileTree(
        folder,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
            paths.add(file);
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult postVisitDirectory(Path directory, IOException e)
              throws IOException {
            if (e != null) {
              throw e;
            }
            if (folders) {
              paths.add(directory);
            }
            return FileVisitResult.CONTINUE;
          }
        });
    return paths;
  }
}
