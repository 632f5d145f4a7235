package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Hubs that mean no good, and caches in which somebody else was.
@Timeout(60)
class HubAttackTest {
  private static final HubName MODEL = HubName.of("owner/name");

  @TempDir private Path folder;
  private Path cache;
  private TinyHub server;
  private final byte[] large = new byte[300_001];

  @BeforeEach
  void start() throws IOException {
    new Random(1).nextBytes(large);
    cache = folder.resolve("cache");
    server = new TinyHub();
    server.put("model-Q4_K_M.gguf", large);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static boolean isList(HttpExchange exchange) {
    return exchange.getRequestURI().getPath().startsWith("/api/");
  }

  private void lists(Object list) {
    server.whim =
        exchange -> {
          if (isList(exchange)) {
            TinyHub.say(exchange, 200, Json.write(list));
            return true;
          }
          return false;
        };
  }

  private Object listOf(Object... files) {
    return Map.of("sha", TinyHub.COMMIT, "siblings", List.of(files));
  }

  private void assertRefused(String... hints) {
    assertThatThrownBy(() -> server.hub(cache).pull(MODEL, Hub.SILENT))
        .isInstanceOf(IOException.class)
        .satisfies(e -> assertThat(e.getMessage()).contains(hints));
    assertThat(everything()).noneMatch(path -> Files.isRegularFile(path) && !isLock(path));
  }

  private static boolean isLock(Path path) {
    return path.toString().endsWith(".lock");
  }

  private List<Path> everything() {
    try (var all = Files.walk(folder)) {
      return all.toList();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../evil.gguf",
        "a/../../evil.gguf",
        "/etc/evil.gguf",
        "a\\..\\evil.gguf",
        "C:evil.gguf",
        "a//evil.gguf",
        "./evil.gguf",
        "evil.gguf/",
        "e\u0000vil.gguf",
        "e\nvil.gguf",
        "e\u001b[31mvil.gguf",
        "e\u0085vil.gguf",
        ""
      })
  void namesThatLeadElsewhereAreRefused(String name) {
    lists(listOf(Map.of("rfilename", name, "size", 5, "blobId", "0".repeat(40))));
    assertRefused("hub file");
  }

  @Test
  void listsThatMakeNoSenseAreRefused() {
    var file = Map.of("rfilename", "a.gguf", "size", 5, "blobId", "0".repeat(40));
    lists(listOf(file, file));
    assertRefused("twice");
    lists(Map.of("sha", "../../x", "siblings", List.of(file)));
    assertRefused("no commit");
    lists(Map.of("sha", TinyHub.COMMIT, "siblings", Map.of()));
    assertRefused("no files");
    lists(listOf("a.gguf"));
    assertRefused("without a name");
    lists(listOf());
    assertRefused("neither safetensors");
    lists(listOf(Map.of("rfilename", "a.gguf", "size", 5, "blobId", "../../../evil")));
    assertRefused("hash");
    lists(listOf(Map.of("rfilename", "a.gguf", "size", Long.MAX_VALUE, "blobId", "0".repeat(40))));
    assertRefused("bytes");
    // Half a petabyte may be on a hub, and not on this disk.
    lists(listOf(Map.of("rfilename", "a.gguf", "size", 1L << 45, "blobId", "0".repeat(40))));
    assertRefused("no room");
    server.whim =
        exchange -> {
          TinyHub.say(exchange, 200, "[".repeat(1_000_000));
          return true;
        };
    assertRefused("no JSON");
  }

  @Test
  void aListWithoutAnEndIsNotReadToTheEnd() {
    server.whim =
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          var out = exchange.getResponseBody();
          out.write("{\"sha\": \"".getBytes(StandardCharsets.UTF_8));
          var block = "a".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
          while (true) { // until nobody reads
            out.write(block);
          }
        };
    assertRefused("without an end");
  }

  @Test
  void dripsAreAsGoodAsNothing() {
    server.whim =
        exchange -> {
          if (!exchange.getRequestURI().getPath().startsWith("/cdn/")) {
            return false;
          }
          exchange.sendResponseHeaders(200, large.length);
          for (int i = 0; i < large.length; i++) {
            exchange.getResponseBody().write(large[i]);
            exchange.getResponseBody().flush();
            try {
              Thread.sleep(20);
            } catch (InterruptedException _) {
              return true;
            }
          }
          return true;
        };
    var hub =
        new Hub(
            server.address(),
            new HubCache(cache),
            false,
            new HubHttp(null, Duration.ofMillis(400), Duration.ZERO, 2),
            1 << 20);
    long start = System.nanoTime();
    assertThatThrownBy(() -> hub.pull(MODEL, Hub.SILENT))
        .hasMessageContaining("next to nothing came")
        .hasMessageNotContaining("?");
    assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(20));
  }

  @ParameterizedTest
  @CsvSource({
    "401, RepoNotFound, no such repository|HF_TOKEN",
    "401, GatedRepo, gated|HF_TOKEN|/owner/name",
    "403, GatedRepo, gated|HF_TOKEN",
    "403, '', HF_TOKEN",
    "404, RepoNotFound, no such repository",
    "404, RevisionNotFound, no such revision: main",
    "404, EntryNotFound, no such file",
    "418, '', status 418"
  })
  void refusalsSayWhatToDo(int status, String code, String hints) {
    server.whim =
        exchange -> {
          exchange.getResponseHeaders().set("X-Error-Code", code);
          if (status == 404) {
            exchange.getResponseHeaders().set("X-Error-Message", "said so");
          }
          TinyHub.say(exchange, status, status == 404 ? "<html>" : "said\u001b[31m\nso");
          return true;
        };
    assertRefused(hints.split("\\|"));
    assertThatThrownBy(() -> server.hub(cache).pull(MODEL, Hub.SILENT))
        .isInstanceOfSatisfying(HubException.class, e -> assertThat(e.status()).isEqualTo(status))
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("\u001b", "\n", "<html>"));
    assertThat(server.requests.get()).isEqualTo(2);
  }

  @Test
  void gatedFilesAreNamedToo() {
    server.whim =
        exchange -> {
          if (isList(exchange)) {
            return false;
          }
          exchange.getResponseHeaders().set("X-Error-Code", "GatedRepo");
          TinyHub.say(exchange, 401, "");
          return true;
        };
    assertRefused("gated", "HF_TOKEN");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "date"})
  void itWaitsAsLongAsTheHubSays(String after) throws IOException {
    var first = new AtomicInteger();
    server.whim =
        exchange -> {
          if (first.getAndIncrement() > 0) {
            return false;
          }
          var date =
              ZonedDateTime.now(ZoneOffset.UTC)
                  .plusSeconds(2)
                  .format(DateTimeFormatter.RFC_1123_DATE_TIME);
          exchange.getResponseHeaders().set("Retry-After", after.equals("1") ? after : date);
          TinyHub.say(exchange, 429, "slow down");
          return true;
        };
    long start = System.nanoTime();
    server.hub(cache).pull(MODEL, Hub.SILENT);
    assertThat(System.nanoTime() - start).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(700));
  }

  @Test
  void itDoesNotWaitForHours() {
    server.whim =
        exchange -> {
          exchange.getResponseHeaders().set("Retry-After", "7200");
          TinyHub.say(exchange, 429, "slow down");
          return true;
        };
    assertRefused("asked too often", "7200 s", "HF_TOKEN");
    assertThat(server.requests.get()).isEqualTo(1);
  }

  @Test
  void redirectsThatGoNowhereAreNotFollowed() {
    for (var location :
        List.of("", "file:///etc/passwd", "ftp://x/y", "http://[", "/api/models/")) {
      server.whim =
          exchange -> {
            exchange.getResponseHeaders().set("Location", location);
            exchange.sendResponseHeaders(302, -1);
            return true;
          };
      assertRefused("redirect");
    }
  }

  @Test
  void aRenamedRepositoryIsFollowed() throws IOException {
    server.blobs = false; // so that its files are asked for too
    server.whim =
        exchange -> {
          var path = exchange.getRequestURI().toString();
          if (!path.contains("/old/thing")) {
            return false;
          }
          exchange.getResponseHeaders().set("Location", path.replace("/old/thing", "/owner/name"));
          exchange.getResponseHeaders().set("ETag", "\"of-the-redirect\"");
          exchange.sendResponseHeaders(307, -1);
          return true;
        };
    assertThat(server.hub(cache, "secret").pull(HubName.of("old/thing"), Hub.SILENT).path())
        .hasBinaryContent(large);
    assertThat(cache.resolve("models--old--thing/blobs/" + TinyHub.sha256(large))).exists();
  }

  @Test
  void hubsWithOtherTagsDo() throws IOException {
    server.whim =
        exchange -> {
          var path = exchange.getRequestURI().getPath();
          if (isList(exchange)) {
            TinyHub.say(
                exchange, 200, Json.write(listOf(Map.of("rfilename", "model-Q4_K_M.gguf"))));
            return true;
          }
          exchange.getResponseHeaders().set("ETag", "\"some-tag.1\"");
          exchange.getResponseHeaders().set("X-Xet-Hash", "f".repeat(64));
          exchange.getResponseHeaders().set("Link", "<http://127.0.0.1:1/>; rel=\"xet-auth\"");
          exchange.sendResponseHeaders(200, large.length);
          exchange.getResponseBody().write(large);
          return path != null;
        };
    assertThat(server.hub(cache).pull(MODEL, Hub.SILENT).path()).hasBinaryContent(large);
    assertThat(cache.resolve("models--owner--name/blobs/some-tag.1")).isRegularFile();
  }

  @Test
  void wrongLengthsAreNoticed() {
    for (int wrong : new int[] {-1, 1, 1000}) {
      server.whim =
          exchange -> {
            if (!exchange.getRequestURI().getPath().startsWith("/cdn/")) {
              return false;
            }
            var bytes = new byte[large.length + wrong];
            exchange.sendResponseHeaders(200, wrong == 1000 ? 0 : bytes.length);
            exchange.getResponseBody().write(bytes);
            return true;
          };
      assertThatThrownBy(() -> server.hub(cache).pull(MODEL, Hub.SILENT))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("127.0.0.1");
      assertThat(everything()).noneMatch(Files::isSymbolicLink);
    }
  }

  @Test
  void whenTheHubIsAwayTheCacheDoes() throws IOException {
    server.hub(cache).pull(MODEL, Hub.SILENT);
    server.status = 503;
    int before = server.requests.get();
    assertThat(server.hub(cache).pull(MODEL, Hub.SILENT).path()).hasBinaryContent(large);
    assertThat(server.requests.get()).isEqualTo(before + 1); // and is not asked again and again
  }

  @Test
  void aFolderWithoutAllItsWeightsIsNone() throws IOException {
    var shards = List.of("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors");
    try (var other = new TinyHub()) {
      for (var name : shards) {
        other.put(name, large);
      }
      other.put("config.json", new byte[10]);
      other.put("tokenizer.json", new byte[11]);
      other.hub(cache).pull(MODEL, Hub.SILENT);
    }
    var there = new HubCache(cache);
    assertThat(there.find(MODEL, HubChoice.folder()).files())
        .containsExactly("config.json", "tokenizer.json", shards.get(0), shards.get(1));
    assertThat(there.entries()).hasSize(1);
    Files.delete(there.snapshot("owner/name", "main").resolve(shards.get(1)));
    assertThat(there.find(MODEL, HubChoice.folder())).isNull();
    assertThat(there.entries()).allMatch(entry -> !entry.complete());
  }

  @Test
  void patternsAreThoseOfAShell() throws IOException {
    var files = List.of("a.json", "b/c.json", "b/d.txt", "[x].bin", "é.bin");
    assertThat(matching(files, List.of("*.json"), List.of())).containsExactly("a.json", "b/c.json");
    assertThat(matching(files, List.of(), List.of("b/"))).doesNotContain("b/c.json", "b/d.txt");
    assertThat(matching(files, List.of("b/[!c]*"), List.of())).containsExactly("b/d.txt");
    assertThat(matching(files, List.of("?.[a-j]*"), List.of())).containsExactly("a.json", "é.bin");
    assertThat(matching(files, List.of("[[]x].bin"), List.of())).containsExactly("[x].bin");
    assertThatThrownBy(() -> matching(files, List.of("[z-a]", "**a", "[", ".*"), List.of()))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("no file matches");
  }

  private static List<String> matching(List<String> files, List<String> in, List<String> out)
      throws IOException {
    return HubChoice.matching(in, out).of("x", files);
  }

  // Caches.

  @Test
  void whatIsRemovedIsInTheCache() throws IOException {
    var outside = Files.createDirectories(folder.resolve("outside"));
    Files.writeString(outside.resolve("precious"), "x");
    server.hub(cache).pull(MODEL, Hub.SILENT);
    var there = new HubCache(cache);
    var snapshot = there.snapshot("owner/name", "main");
    Files.createSymbolicLink(snapshot.resolve("folder"), outside);
    Files.createSymbolicLink(snapshot.resolve("b-Q8_0.gguf"), outside.resolve("precious"));
    Files.createSymbolicLink(cache.resolve("models--evil--link"), outside);
    assertThatThrownBy(() -> there.removal(HubName.of("evil/link")))
        .isInstanceOf(NoSuchFileException.class);
    there.remove(there.removal(HubName.of("owner/name:Q8_0")));
    assertThat(snapshot.resolve("b-Q8_0.gguf")).doesNotExist();
    there.remove(there.removal(MODEL));
    assertThat(cache.resolve("models--owner--name")).doesNotExist();
    assertThat(outside.resolve("precious")).hasContent("x");
    for (var path : List.of(outside, cache, cache.resolve("../outside/precious"))) {
      assertThatThrownBy(() -> there.remove(new HubCache.Removal(MODEL, List.of(path), 0)))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void revisionsShareBlobs() throws IOException {
    server.hub(cache).pull(MODEL, Hub.SILENT);
    var there = new HubCache(cache);
    var other = "f".repeat(40);
    var blob = there.blob("owner/name", TinyHub.sha256(large));
    there.link("owner/name", other, "model-Q4_K_M.gguf", blob);
    there.refer("owner/name", "v1/x", other);
    assertThat(there.entries().stream().map(e -> e.name().toString()))
        .containsExactly("owner/name:Q4_K_M", "owner/name:Q4_K_M@v1/x");
    var removal = there.removal(HubName.of("owner/name@v1/x"));
    assertThat(removal.bytes()).isLessThan(100);
    there.remove(removal);
    assertThat(blob).exists();
    assertThat(there.snapshot("owner/name", "v1/x")).isNull();
    assertThat(there.snapshot("owner/name", other)).isNull();
    assertThat(server.hub(cache).withOffline(true).pull(MODEL, Hub.SILENT).path())
        .hasBinaryContent(large);
    // The last model takes the rest along.
    there.remove(there.removal(HubName.of("owner/name:q4_k_m")));
    assertThat(cache.resolve("models--owner--name")).doesNotExist();
  }

  @Test
  void aRevisionThatIsNamedTakesNoOther() throws IOException {
    var there = new HubCache(cache);
    try (var weights = new TinyHub()) {
      weights.put("config.json", new byte[10]);
      weights.put("model.safetensors", large);
      weights.hub(cache).pull(MODEL, Hub.SILENT);
    }
    assertThat(names(there)).containsExactly("owner/name");
    var other = "f".repeat(40);
    var blob = there.blob("owner/name", TinyHub.sha256(large));
    there.link("owner/name", other, "model.safetensors", blob);
    there.refer("owner/name", "v2", other);
    there.refer("owner/name", "same", TinyHub.COMMIT);
    assertThat(names(there)).containsExactly("owner/name@main", "owner/name@same", "owner/name@v2");
    // Of two names for one commit the one goes.
    there.remove(there.removal(HubName.of("owner/name@same")));
    assertThat(names(there)).containsExactly("owner/name@main", "owner/name@v2");
    there.remove(there.removal(HubName.of("owner/name@main")));
    assertThat(names(there)).containsExactly("owner/name@v2");
    assertThat(blob).exists();
    there.remove(there.removal(HubName.of("owner/name")));
    assertThat(cache.resolve("models--owner--name")).doesNotExist();
  }

  private static List<String> names(HubCache there) throws IOException {
    return there.entries().stream().map(entry -> entry.name().toString()).toList();
  }

  @Test
  void removalsTogetherTakeWhatTheyAloneNeed() throws IOException {
    server.hub(cache).pull(MODEL, Hub.SILENT);
    var there = new HubCache(cache);
    var blob = there.blob("owner/name", TinyHub.sha256(large));
    there.link("owner/name", TinyHub.COMMIT, "b-Q8_0.gguf", blob);
    there.link("owner/name", TinyHub.COMMIT, "b-Q5_1.gguf", blob);
    var q4 = there.removal(HubName.of("owner/name:Q4_K_M"));
    var q8 = there.removal(HubName.of("owner/name:Q8_0"), List.of(q4));
    assertThat(q4.bytes() + q8.bytes()).isZero();
    var q5 = there.removal(HubName.of("owner/name:Q5_1"), List.of(q4, q8));
    assertThat(q5.bytes()).isGreaterThanOrEqualTo(large.length);
    var all = there.removal(MODEL, List.of(q4, q8, q5));
    assertThat(all.paths()).isEmpty();
    for (var removal : List.of(q4, q8, q5, all)) {
      there.remove(removal);
    }
    assertThat(cache.resolve("models--owner--name")).doesNotExist();
  }

  @Test
  void whatIsLeftOfADownloadIsListedAndRemoved() throws IOException {
    var there = new HubCache(cache);
    // Parts come side by side: that the first of them is whole by then is likely, and not certain.
    for (int tries = 0; there.entries().isEmpty() && tries < 100; tries++) {
      assertThatThrownBy(() -> server.hub(cache).pull(MODEL, (_, done, _) -> done < 200_000))
          .isInstanceOf(CancellationException.class);
    }
    assertThat(there.entries())
        .singleElement()
        .satisfies(
            entry -> {
              assertThat(entry.complete()).isFalse();
              assertThat(entry.name()).isEqualTo(MODEL);
              assertThat(entry.bytes()).isPositive();
            });
    there.remove(there.removal(MODEL));
    assertThat(there.entries()).isEmpty();
  }

  @Test
  void aCacheThatIsNoneIsNotTrusted() throws IOException {
    var repository = Files.createDirectories(cache.resolve("models--a--b"));
    Files.createDirectories(cache.resolve("models--..--x/snapshots"));
    Files.createDirectories(repository.resolve("refs"));
    Files.write(repository.resolve("refs/main"), new byte[] {-1, -2});
    var there = new HubCache(cache);
    assertThat(there.snapshot("a/b", "main")).isNull();
    Files.writeString(repository.resolve("refs/main"), "../../../outside");
    assertThat(there.snapshot("a/b", "main")).isNull();
    assertThat(there.entries()).allMatch(entry -> !entry.complete());
    Files.writeString(cache.resolve("models--file"), "x");
    assertThat(there.entries()).hasSizeLessThan(2);
    assertThat(new HubCache(folder.resolve("nowhere")).entries()).isEmpty();
  }

  @Test
  void aCacheThatCannotBeWrittenCanBeUsed() throws IOException {
    server.hub(cache).pull(MODEL, Hub.SILENT);
    var main = cache.resolve("models--owner--name/refs/main");
    var before = Files.getLastModifiedTime(main);
    server.hub(cache).pull(MODEL, Hub.SILENT);
    assertThat(Files.getLastModifiedTime(main)).isEqualTo(before);
    assertThat(everything()).noneMatch(p -> p.toString().endsWith(".tmp"));
    assertThat(Files.isSymbolicLink(server.hub(cache).pull(MODEL, Hub.SILENT).path())).isTrue();
    assertThat(Files.exists(main, LinkOption.NOFOLLOW_LINKS)).isTrue();
  }

  @Test
  void theEnvironmentIsReadAsOthersReadIt() {
    var environment = Map.of("HF_HOME", "$BASE/${X}/~", "BASE", "/b", "X", "y", "HOME", "/home/z");
    assertThat(HubCache.ofEnvironment(environment).root()).isEqualTo(Path.of("/b/y/~/hub"));
    assertThat(HubCache.ofEnvironment(Map.of("HOME", "/home/z")).root())
        .isEqualTo(Path.of("/home/z/.cache/huggingface/hub"));
    assertThat(HubCache.ofEnvironment(Map.of("HOME", "/home/z", "HF_HUB_CACHE", "~/c")).root())
        .isEqualTo(Path.of("/home/z/c"));
    assertThat(Hub.ofEnvironment(Map.of("HF_HUB_OFFLINE", "yes")).isOffline()).isTrue();
    assertThat(Hub.ofEnvironment(Map.of("TRANSFORMERS_OFFLINE", "1")).isOffline()).isTrue();
    for (var wrong :
        List.of(
            Map.of("HF_ENDPOINT", "ht tp://x"),
            Map.of("HF_ENDPOINT", "x"),
            Map.of("HF_TOKEN", "a b"))) {
      assertThatThrownBy(() -> Hub.ofEnvironment(wrong))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }
}
