package dev.tenon.huggingface;

import dev.tenon.json.Json;
import dev.tenon.json.JsonException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpTimeoutException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.charset.StandardCharsets;
import java.nio.file.NoSuchFileException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicLong;

/// Downloads models of the hub into a [HubCache].
///
/// ```java
/// Path model = Hub.ofEnvironment().pull(HubName.of("ggml-org/models:Q4_0"), Hub.SILENT).path();
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

  private static final int MOST_LIST_BYTES = 1 << 26;
  private static final int PART_BYTES = 1 << 20;
  private static final int CONNECTIONS = 6;

  private final URI endpoint;
  private final HubCache cache;
  private final boolean offline;
  private final HubHttp http;
  private final int partBytes;

  /// Hears how far a download is.
  @FunctionalInterface
  public interface Progress {
    /// Called now and then, from several threads, one at a time; first before anything is
    /// downloaded, with the bytes that are there already.
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
  /// `hf auth login` left), the cache of [HubCache#ofEnvironment], offline where it is said so with
  /// `HF_HUB_OFFLINE`}
  ///
  /// @throws IllegalArgumentException if `HF_ENDPOINT` is no address of the web
  public static Hub ofEnvironment() {
    return ofEnvironment(System.getenv());
  }

  /// {@return the hub of a user with those environment variables}
  ///
  /// @param environment what stands for [System#getenv()]
  /// @throws IllegalArgumentException if `HF_ENDPOINT` is no address of the web
  public static Hub ofEnvironment(Map<String, String> environment) {
    return new Hub(
        HubEnvironment.endpoint(environment),
        HubEnvironment.token(environment),
        HubCache.ofEnvironment(environment),
        HubEnvironment.offline(environment));
  }

  /// {@return the same hub that asks the network, or does not}
  ///
  /// @param newOffline whether the cache is all there is
  public Hub withOffline(boolean newOffline) {
    return new Hub(endpoint, cache, newOffline, http, partBytes);
  }

  /// {@return the same hub for another user}
  ///
  /// @param token what the hub knows the user by
  /// @throws IllegalArgumentException if it has characters that no token has
  public Hub withToken(String token) {
    return new Hub(
        endpoint,
        cache,
        offline,
        http.withToken(HubEnvironment.checked(token, "what was given")),
        partBytes);
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

  /// {@return whether the cache is all there is}
  public boolean isOffline() {
    return offline;
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
    return list(new HubName(repository, null, Objects.requireNonNull(revision)), http);
  }

  private Repository list(HubName name, HubHttp http) throws IOException {
    if (offline) {
      throw new IOException("hub: offline, and asked for the files of " + name.repository());
    }
    var address =
        URI.create(
            endpoint
                + "/api/models/"
                + name.repository()
                + "/revision/"
                + escaped(name.revisionOrMain()).replace("/", "%2F")
                + "?blobs=true");
    try {
      return repository(name, address, http.retry(() -> listing(address, http), () -> 0));
    } catch (HubException e) {
      throw explained(e, name.repository(), name.revisionOrMain());
    }
  }

  private static String listing(URI address, HubHttp http) throws IOException {
    try (var answer = http.get(address, null);
        var watched = http.new Watched(answer)) {
      if (answer.status() != 200) {
        throw http.refused(address, answer);
      }
      try {
        var bytes = answer.last().body().readNBytes(MOST_LIST_BYTES);
        if (bytes.length == MOST_LIST_BYTES) {
          throw new HubException(address, 0, "a list of files without an end");
        }
        return new String(bytes, StandardCharsets.UTF_8);
      } catch (HubException e) {
        throw e;
      } catch (IOException e) {
        throw watched.reason(e);
      }
    }
  }

  /// {@return what a refusal means, and what to do about it}
  private HubException explained(HubException e, String repository, String revision) {
    var page = URI.create(endpoint + "/" + repository);
    boolean gated = e.code().equals("GatedRepo");
    var meaning =
        switch (e.status()) {
          case 401, 403 -> {
            if (gated) {
              yield "it is gated: ask for access on that page, and set HF_TOKEN to a token that has"
                  + " it";
            }
            yield http.hasToken()
                ? "the token (HF_TOKEN) does not let you read it"
                : "no such repository, or not without a token: set HF_TOKEN to one that may read"
                    + " it";
          }
          case 404 ->
              switch (e.code()) {
                case "RevisionNotFound" -> "no such revision: " + revision;
                case "EntryNotFound" -> "no such file";
                default ->
                    http.hasToken()
                        ? "no such repository, or the token (HF_TOKEN) does not let you see it"
                        : "no such repository";
              };
          case 429 ->
              "asked too often"
                  + (e.retryAfter() > 0 ? "; try again in " + e.retryAfter() + " s" : "")
                  + (http.hasToken() ? "" : ", or set HF_TOKEN, which allows more");
          default -> null;
        };
    if (meaning == null) {
      return e;
    }
    var said = e.getMessage().replaceFirst("^.*?: status", "status");
    var explained =
        new HubException(page, e.status(), e.code(), e.retryAfter(), meaning + " (" + said + ")");
    explained.initCause(e);
    return explained;
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
      var names = new HashSet<String>();
      for (var item : list) {
        if (!(item instanceof Map<?, ?> file) || !(file.get("rfilename") instanceof String path)) {
          throw new HubException(address, 0, "a file without a name in its answer");
        }
        if (!names.add(path)) {
          throw new HubException(
              address, 0, "the file " + FormatException.quote(path) + " twice in its answer");
        }
        boolean large =
            file.get("lfs") instanceof Map<?, ?> lfs && lfs.get("sha256") instanceof String;
        var lfs = large ? (Map<?, ?>) file.get("lfs") : file;
        var hash = lfs.get(large ? "sha256" : "blobId") instanceof String s ? s : null;
        files.add(new HubFile(path, lfs.get("size") instanceof Long size ? size : -1, hash));
      }
      return new Repository(name.repository(), name.revisionOrMain(), commit, files);
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
  /// @return what is there then
  /// @throws HubException if the hub refuses, or gives other bytes than it said
  /// @throws CancellationException if `progress` says so
  /// @throws InterruptedIOException if the thread is interrupted
  /// @throws IOException if the hub cannot be reached any more, the disk is full, or this hub is
  ///     offline
  public HubSnapshot download(Repository repository, List<HubFile> files, Progress progress)
      throws IOException {
    if (offline) {
      throw new IOException("hub: offline, and asked for files of " + repository.name);
    }
    try {
      return fetch(repository, files, progress);
    } catch (HubException e) {
      throw explained(e, repository.name, repository.revision);
    } catch (ClosedByInterruptException e) { // what a file says where a connection says the other
      throw (IOException) new InterruptedIOException("interrupted").initCause(e);
    }
  }

  private HubSnapshot fetch(Repository repository, List<HubFile> files, Progress progress)
      throws IOException {
    var known = new ArrayList<HubFile>();
    for (var file : files) {
      known.add(file.size() >= 0 && file.hash() != null ? file : ask(repository, file));
    }
    long total = 0;
    for (var file : known) {
      total = Math.min(total + file.size(), 1L << 62); // a file has at most 2^46
    }
    long reserved = 0;
    var done = new AtomicLong();
    var downloads = new ArrayList<HubDownload>();
    for (var file : known) {
      var download = download(repository, file, progress, done, total);
      done.addAndGet(download.present());
      reserved += download.reserved();
      downloads.add(download);
    }
    cache.checkRoom(total - reserved);
    cache.prepare(repository.name);
    if (!known.isEmpty()) {
      report(progress, known.getFirst().name(), done, 0, total);
    }
    for (int i = 0; i < known.size(); i++) {
      var file = known.get(i);
      downloads.get(i).run();
      cache.link(
          repository.name,
          repository.commit,
          file.name(),
          cache.blob(repository.name, file.hash()));
    }
    // Last, so that what a name stands for is whole.
    cache.refer(repository.name, repository.revision, repository.commit);
    return new HubSnapshot(
        repository.name,
        repository.revision,
        repository.commit,
        cache.folder(repository.name).resolve("snapshots").resolve(repository.commit),
        known.stream().map(HubFile::name).toList());
  }

  private HubDownload download(
      Repository repository, HubFile file, Progress progress, AtomicLong done, long total) {
    return new HubDownload(
        http,
        address(repository, file.name()),
        file,
        cache.blob(repository.name, file.hash()),
        cache.lock(repository.name, file.hash()),
        partBytes,
        CONNECTIONS,
        bytes -> report(progress, file.name(), done, bytes, total));
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
            boolean empty = answer.status() == 416; // it has no first byte
            if (answer.status() != 200 && answer.status() != 206 && !empty) {
              throw http.refused(address, answer);
            }
            var size = answer.size();
            if (size == null) {
              var range = answer.header("content-range");
              size =
                  answer.status() == 200
                      ? String.valueOf(answer.header("content-length"))
                      : String.valueOf(range).replaceFirst(".*/", "");
            }
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

  /// Downloads a model: [HubChoice#usual] of its files.
  ///
  /// @param name which model
  /// @param progress hears how far it is
  /// @return what is there then
  /// @throws NoSuchFileException if there is no such file, or offline none in the cache; the
  ///     message has what there is
  /// @throws HubException if the hub refuses, or gives other bytes than it said
  /// @throws CancellationException if `progress` says so
  /// @throws InterruptedIOException if the thread is interrupted
  /// @throws IOException if the hub cannot be reached and the cache does not have it, or the disk
  ///     is full
  public HubSnapshot pull(HubName name, Progress progress) throws IOException {
    return pull(name, HubChoice.usual(name.quant()), progress);
  }

  /// Downloads files of a repository as it stands now. Where the hub cannot be reached, or this one
  /// is offline, what the cache has counts.
  ///
  /// @param name which repository, and which revision
  /// @param choice which of its files
  /// @param progress hears how far it is
  /// @return what is there then
  /// @throws NoSuchFileException if there is no such file, or offline none in the cache; the
  ///     message has what there is
  /// @throws HubException if the hub refuses, or gives other bytes than it said
  /// @throws CancellationException if `progress` says so
  /// @throws InterruptedIOException if the thread is interrupted
  /// @throws IOException if the hub cannot be reached and the cache does not have it, or the disk
  ///     is full
  public HubSnapshot pull(HubName name, HubChoice choice, Progress progress) throws IOException {
    if (offline) {
      return cached(name, choice, null);
    }
    var there = cache.find(name, choice);
    Repository repository;
    try {
      repository = list(name, there == null ? http : http.once());
    } catch (ConnectException | HttpTimeoutException e) {
      return there != null ? there : cached(name, choice, e);
    } catch (HubException e) {
      if (there != null && e.isPassing()) {
        return there;
      }
      throw e;
    }
    var files = new LinkedHashMap<String, HubFile>();
    repository.files.forEach(file -> files.put(file.name(), file));
    var chosen = choice.of(name.toString(), files.keySet());
    return download(repository, chosen.stream().map(files::get).toList(), progress);
  }

  /// Finds files of a repository: as they are in the cache, without asking the network, where all
  /// that are meant are there; else as [#pull] does.
  ///
  /// @param name which repository, and which revision
  /// @param choice which of its files
  /// @param progress hears how far a download is
  /// @return what is there then
  /// @throws NoSuchFileException if there is no such file, or offline none in the cache; the
  ///     message has what there is
  /// @throws HubException if the hub refuses, or gives other bytes than it said
  /// @throws CancellationException if `progress` says so
  /// @throws InterruptedIOException if the thread is interrupted
  /// @throws IOException if the hub cannot be reached, or the disk is full
  public HubSnapshot find(HubName name, HubChoice choice, Progress progress) throws IOException {
    var there = cache.find(name, choice);
    return there != null ? there : pull(name, choice, progress);
  }

  private HubSnapshot cached(HubName name, HubChoice choice, IOException why) throws IOException {
    var there = cache.find(name, choice);
    if (there != null) {
      return there;
    }
    if (why != null) {
      throw why;
    }
    var snapshot = cache.snapshot(name.repository(), name.revisionOrMain());
    var files = snapshot == null ? List.<String>of() : cache.files(snapshot);
    throw new NoSuchFileException(
        name.toString(),
        null,
        "offline, and not in the cache "
            + cache.root()
            + (files.isEmpty() ? "" : "; there are " + HubFileNames.listed(files)));
  }

  @Override
  public String toString() {
    return "hub " + endpoint + (offline ? ", offline" : "") + ", cache " + cache;
  }
}
