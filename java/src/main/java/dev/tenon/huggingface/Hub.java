package dev.tenon.huggingface;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// Downloads models of the hub into a [HubCache].
///
/// ```java
/// Path model = Hub.ofEnvironment().pull(HubName.of("ggml-org/models:Q4_0"), Hub.SILENT);
/// ```
///
/// A download may be ended at any moment, by whatever means: the next one goes on where it was, and
/// a file is under its name in the cache only when it is complete and its hash was found right. Two
/// processes that want one file download it once.
///
/// Immutable and thread-safe.
public final class Hub {
  /// A [Progress] that shows nothing and never ends a download.
  public static final Progress SILENT = (_, _, _) -> true;

  private static final String DEFAULT_ENDPOINT = "https://huggingface.co";
  private static final int MOST_LIST_BYTES = 1 << 26;
  private static final int PART_BYTES = 1 << 20;
  private static final int CONNECTIONS = 6;

  /// Which GGUF file is meant where none is named, as in llama.cpp.
  private static final List<String> USUAL_QUANTS = List.of("Q4_K_M", "Q8_0");

  private static final Pattern SPLIT = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");

  /// Files of a folder that a conversion reads.
  private static final Pattern FOLDER_FILES =
      Pattern.compile(
          "[^/]*\\.(json|jinja|txt|model|spm)|README\\.md|LICENSE[^/]*"
              + "|additional_chat_templates/[^/]*\\.jinja|1_Pooling/config\\.json");

  private final URI endpoint;
  private final HubCache cache;
  private final boolean offline;
  private final HubHttp http;
  private final int partBytes;

  /// Hears how far a download is.
  @FunctionalInterface
  public interface Progress {
    /// Called now and then, from several threads, one at a time.
    ///
    /// @param file the name of the file that is being downloaded
    /// @param doneBytes how many bytes are there, of all files
    /// @param totalBytes how many there will be
    /// @return whether to go on: false ends the download with a [CancellationException]
    boolean at(String file, long doneBytes, long totalBytes);
  }

  /// A repository as it stands at one commit.
  ///
  /// @param name owner and name
  /// @param revision the branch, tag or commit that was asked for
  /// @param commit what it stands for
  /// @param files its files
  public record Repository(String name, String revision, String commit, List<HubFile> files) {
    /// Copies the list.
    public Repository {
      files = List.copyOf(files);
    }
  }

  /// Takes an address and a cache.
  ///
  /// @param endpoint the hub's address, `http` or `https`
  /// @param token what it knows the user by, or null; it is sent to that host alone
  /// @param cache where files go
  /// @param offline whether the cache is all there is
  /// @throws IllegalArgumentException if the address is no address of the web
  public Hub(URI endpoint, String token, HubCache cache, boolean offline) {
    this(
        endpoint,
        cache,
        offline,
        new HubHttp(token, Duration.ofSeconds(30), Duration.ofMillis(500), 6),
        PART_BYTES);
  }

  Hub(URI endpoint, HubCache cache, boolean offline, HubHttp http, int partBytes) {
    var scheme = String.valueOf(endpoint.getScheme()).toLowerCase(Locale.ROOT);
    if (!scheme.equals("http") && !scheme.equals("https") || endpoint.getHost() == null) {
      throw new IllegalArgumentException(
          "hub: the address " + endpoint + "; expected http:// or https:// and a host");
    }
    var text = endpoint.toString();
    this.endpoint = URI.create(text.endsWith("/") ? text.substring(0, text.length() - 1) : text);
    this.cache = cache;
    this.offline = offline;
    this.http = http;
    this.partBytes = partBytes;
  }

  /// {@return the hub of this user: address `HF_ENDPOINT`, token `HF_TOKEN` (else the one that
  /// `huggingface-cli login` left), the cache of [HubCache#ofEnvironment], offline where
  /// `HF_HUB_OFFLINE` is set}
  ///
  /// @throws IllegalArgumentException if `HF_ENDPOINT` is no address of the web
  public static Hub ofEnvironment() {
    var environment = System.getenv();
    var address = environment.getOrDefault("HF_ENDPOINT", "").strip();
    var offline = environment.getOrDefault("HF_HUB_OFFLINE", "").toUpperCase(Locale.ROOT);
    return new Hub(
        URI.create(address.isEmpty() ? DEFAULT_ENDPOINT : address),
        token(environment),
        HubCache.ofEnvironment(environment),
        List.of("1", "ON", "YES", "TRUE").contains(offline));
  }

  private static String token(Map<String, String> environment) {
    var token = environment.getOrDefault("HF_TOKEN", "").strip();
    var path = HubCache.path(environment, "HF_TOKEN_PATH");
    var file = path == null ? HubCache.home(environment).resolve("token") : path;
    try {
      if (token.isEmpty() && Files.isRegularFile(file) && Files.size(file) < 4096) {
        token = Files.readString(file).strip();
      }
    } catch (IOException _) {
      // As good as none: what needs one says so.
    }
    return token.isEmpty() || !token.chars().allMatch(c -> c > ' ' && c < 0x7f) ? null : token;
  }

  /// {@return the same hub that asks the network, or does not}
  ///
  /// @param newOffline whether the cache is all there is
  public Hub withOffline(boolean newOffline) {
    return new Hub(endpoint, cache, newOffline, http, partBytes);
  }

  /// {@return the same hub with another cache}
  ///
  /// @param newCache where files go
  public Hub withCache(HubCache newCache) {
    return new Hub(endpoint, newCache, offline, http, partBytes);
  }

  /// {@return where files go}
  public HubCache cache() {
    return cache;
  }

  /// Asks for the files of a repository.
  ///
  /// @param repository owner and name
  /// @param revision a branch, tag or commit
  /// @return what it holds now
  /// @throws HubException if the hub refuses: [HubException#status] 404 where there is none such,
  ///     401 or 403 where a token is missing
  /// @throws IOException if the hub cannot be reached, or this hub is offline
  public Repository list(String repository, String revision) throws IOException {
    var name = new HubName(repository, null, revision);
    if (offline) {
      throw new IOException("hub: offline, and asked for the files of " + repository);
    }
    var address =
        URI.create(
            endpoint
                + "/api/models/"
                + name.repository()
                + "/revision/"
                + escaped(name.revision()).replace("/", "%2F")
                + "?blobs=true");
    var text =
        http.retry(
            () -> {
              try (var answer = http.get(address, null);
                  var watched = http.new Watched(answer)) {
                if (answer.status() != 200) {
                  throw http.refused(address, answer);
                }
                try {
                  var bytes = answer.last().body().readNBytes(MOST_LIST_BYTES);
                  return new String(bytes, StandardCharsets.UTF_8);
                } catch (IOException e) {
                  throw watched.reason(e);
                }
              }
            },
            () -> 0);
    return repository(name, address, text);
  }

  private static Repository repository(HubName name, URI address, String text) throws IOException {
    try {
      var json = Json.object(text);
      if (!(json.get("sha") instanceof String commit) || !commit.matches("[0-9a-f]{40}")) {
        throw new HubException(address, 0, "no commit in its answer");
      }
      if (!(json.get("siblings") instanceof List<?> list)) {
        throw new HubException(address, 0, "no files in its answer");
      }
      var files = new ArrayList<HubFile>();
      for (var item : list) {
        if (!(item instanceof Map<?, ?> file) || !(file.get("rfilename") instanceof String path)) {
          throw new HubException(address, 0, "a file without a name in its answer");
        }
        boolean large =
            file.get("lfs") instanceof Map<?, ?> lfs && lfs.get("sha256") instanceof String;
        var lfs = large ? (Map<?, ?>) file.get("lfs") : file;
        var hash = lfs.get(large ? "sha256" : "blobId") instanceof String s ? s : null;
        files.add(new HubFile(path, lfs.get("size") instanceof Long size ? size : -1, hash));
      }
      return new Repository(name.repository(), name.revision(), commit, files);
    } catch (JsonException e) {
      throw new HubException(address, 0, "no JSON: " + e.getMessage());
    } catch (IllegalArgumentException e) {
      throw new HubException(address, 0, e.getMessage());
    }
  }

  private static String escaped(String path) {
    var parts = path.split("/", -1);
    for (int i = 0; i < parts.length; i++) {
      parts[i] = URLEncoder.encode(parts[i], StandardCharsets.UTF_8).replace("+", "%20");
    }
    return String.join("/", parts);
  }

  /// Downloads files of a repository, all that are not there yet.
  ///
  /// @param repository what [#list] gave
  /// @param files elements of its files
  /// @param progress hears how far it is
  /// @return the snapshot: a folder with the files under their names
  /// @throws HubException if the hub refuses, or gives other bytes than it said
  /// @throws CancellationException if `progress` says so
  /// @throws java.io.InterruptedIOException if the thread is interrupted
  /// @throws IOException if the hub cannot be reached any more, the disk is full, or this hub is
  ///     offline
  public Path download(Repository repository, List<HubFile> files, Progress progress)
      throws IOException {
    if (offline) {
      throw new IOException("hub: offline, and asked for files of " + repository.name);
    }
    var known = new ArrayList<HubFile>();
    for (var file : files) {
      known.add(file.size() >= 0 && file.hash() != null ? file : ask(repository, file));
    }
    long total = known.stream().mapToLong(HubFile::size).sum();
    var done = new AtomicLong();
    var folder = cache.folder(repository.name);
    for (var file : known) {
      var blob = cache.blob(repository.name, file.hash());
      var lock =
          cache
              .root()
              .resolve(".locks")
              .resolve(folder.getFileName())
              .resolve(file.hash() + ".lock");
      new HubDownload(
              http,
              address(repository, file.name()),
              file,
              blob,
              lock,
              partBytes,
              CONNECTIONS,
              bytes -> report(progress, file.name(), done, bytes, total))
          .run();
      cache.link(repository.name, repository.commit, file.name(), blob);
    }
    // Last, so that what a name stands for is whole.
    cache.refer(repository.name, repository.revision, repository.commit);
    return folder.resolve("snapshots").resolve(repository.commit);
  }

  private static void report(
      Progress progress, String file, AtomicLong done, long bytes, long total) {
    synchronized (done) {
      if (!progress.at(file, done.addAndGet(bytes), total)) {
        throw new CancellationException("the download of " + file + " was cancelled");
      }
    }
  }

  private URI address(Repository repository, String file) {
    return URI.create(
        endpoint + "/" + repository.name + "/resolve/" + repository.commit + "/" + escaped(file));
  }

  /// {@return a file with the size and hash that its address says}
  private HubFile ask(Repository repository, HubFile file) throws IOException {
    var address = address(repository, file.name());
    return http.retry(
        () -> {
          try (var answer = http.get(address, "bytes=0-0")) {
            if (answer.status() != 200 && answer.status() != 206) {
              throw http.refused(address, answer);
            }
            var size =
                answer
                    .hub()
                    .headers()
                    .firstValue("x-linked-size")
                    .orElseGet(
                        () ->
                            answer.status() == 206
                                ? String.valueOf(answer.header("content-range"))
                                    .replaceFirst(".*/", "")
                                : String.valueOf(answer.header("content-length")));
            if (!size.matches("\\d{1,18}") || answer.etag() == null) {
              throw new HubException(address, 0, "neither size nor ETag");
            }
            try {
              return new HubFile(file.name(), Long.parseLong(size), answer.etag());
            } catch (IllegalArgumentException e) {
              throw new HubException(address, 0, e.getMessage());
            }
          }
        },
        () -> 0);
  }

  /// Downloads a model: of a repository of GGUF files the one that is meant (with the parts of a
  /// split set), of another the files that a conversion reads.
  ///
  /// Which GGUF file is meant: the first whose name has the quant; where none is named, `Q4_K_M`,
  /// else `Q8_0`, else the first. Where the hub cannot be reached, or this one is offline, what the
  /// cache has counts.
  ///
  /// @param name which model
  /// @param progress hears how far it is
  /// @return the GGUF file (of a split set the first), or the folder
  /// @throws NoSuchFileException if there is no such file, or offline none in the cache; the
  ///     message has what there is
  /// @throws HubException if the hub refuses, or gives other bytes than it said
  /// @throws CancellationException if `progress` says so
  /// @throws java.io.InterruptedIOException if the thread is interrupted
  /// @throws IOException if the hub cannot be reached and the cache does not have it, or the disk
  ///     is full
  public Path pull(HubName name, Progress progress) throws IOException {
    if (offline) {
      return cached(name, null);
    }
    Repository repository;
    try {
      repository = list(name.repository(), name.revision());
    } catch (ConnectException | HttpTimeoutException | UnresolvedAddressException e) {
      return cached(name, e);
    }
    var all = repository.files.stream().map(HubFile::name).toList();
    var chosen = choose(name, all);
    var snapshot =
        download(
            repository,
            repository.files.stream().filter(file -> chosen.contains(file.name())).toList(),
            progress);
    return result(snapshot, chosen);
  }

  private Path cached(HubName name, Exception why) throws IOException {
    var snapshot = cache.snapshot(name.repository(), name.revision());
    if (snapshot == null) {
      var missing =
          new NoSuchFileException(
              name.toString(),
              null,
              (why == null ? "offline" : "the hub cannot be reached")
                  + ", and not in the cache "
                  + cache.root());
      if (why != null) {
        missing.initCause(why);
      }
      throw missing;
    }
    return result(snapshot, choose(name, cache.files(snapshot)));
  }

  private static Path result(Path snapshot, List<String> chosen) {
    return chosen.getFirst().endsWith(".gguf") ? snapshot.resolve(chosen.getFirst()) : snapshot;
  }

  /// {@return the files of a repository that are meant, a GGUF file first}
  static List<String> choose(HubName name, List<String> files) throws IOException {
    var models = files.stream().filter(Hub::isModel).sorted().toList();
    var quants =
        name.quant() == null
            ? models.isEmpty() ? List.<String>of() : USUAL_QUANTS
            : List.of(name.quant());
    for (var quant : quants) {
      var pattern = Pattern.compile(Pattern.quote(quant) + "[.-]", Pattern.CASE_INSENSITIVE);
      for (var file : models) {
        if (pattern.matcher(file).find()) {
          return parts(file, files);
        }
      }
    }
    if (name.quant() == null && !models.isEmpty()) {
      return parts(models.getFirst(), files);
    }
    if (name.quant() != null || files.stream().noneMatch(Hub::isWeights)) {
      throw new NoSuchFileException(
          name.toString(),
          null,
          "no such file; GGUF files there: "
              + (models.isEmpty()
                  ? "none"
                  : models.stream().limit(40).collect(Collectors.joining(", "))));
    }
    boolean safe = files.stream().anyMatch(f -> f.endsWith(".safetensors") && !f.contains("/"));
    var chosen =
        files.stream()
            .filter(
                file ->
                    FOLDER_FILES.matcher(file).matches()
                        || isWeights(file) && (!safe || file.endsWith(".safetensors")))
            .filter(file -> !safe || !file.startsWith("pytorch_model"))
            .toList();
    return chosen;
  }

  private static boolean isWeights(String file) {
    return !file.contains("/")
        && (file.endsWith(".safetensors") || file.endsWith(".bin") || file.endsWith(".pth"))
        && !file.startsWith("training_args")
        && !file.startsWith("optimizer");
  }

  /// {@return whether a file is a model of its own: no projector, importance matrix or later part}
  private static boolean isModel(String file) {
    var name = file.substring(file.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
    var split = SPLIT.matcher(name);
    return name.endsWith(".gguf")
        && !name.contains("mmproj")
        && !name.contains("imatrix")
        && !name.startsWith("mtp-")
        && (!split.matches() || split.group(2).equals("00001"));
  }

  private static List<String> parts(String first, List<String> files) throws IOException {
    var split = SPLIT.matcher(first);
    if (!split.matches()) {
      return List.of(first);
    }
    var parts = new ArrayList<String>();
    int count = Integer.parseInt(split.group(3));
    for (int i = 1; i <= count; i++) {
      var part = "%s-%05d-of-%05d.gguf".formatted(split.group(1), i, count);
      if (!files.contains(part)) {
        throw new NoSuchFileException(part, null, "a part of " + first + " is missing");
      }
      parts.add(part);
    }
    return parts;
  }

  @Override
  public String toString() {
    return "hub " + endpoint + (offline ? ", offline" : "") + ", cache " + cache;
  }
}
