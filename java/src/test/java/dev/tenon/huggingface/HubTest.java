package dev.tenon.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class HubTest {
  private static final HubName MODEL = HubName.of("owner/name");

  @TempDir private Path cache;
  private TinyHub server;
  private final byte[] large = random(1_000_003);
  private final byte[] small = "{\"model_type\": \"llama\"}".getBytes();

  private static byte[] random(int n) {
    var bytes = new byte[n];
    new Random(n).nextBytes(bytes);
    return bytes;
  }

  @BeforeEach
  void start() throws IOException {
    server = new TinyHub();
    server.put("config.json", small);
    server.put("model-Q4_K_M.gguf", large);
    server.put("model-Q8_0.gguf", random(70_000));
    server.put("sub/model-IQ2_XS.gguf", random(5000));
    server.put("empty.txt", new byte[0]);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private static List<String> choose(List<String> files) throws IOException {
    return HubChoice.usual(null).of("owner/name", files);
  }

  private void assertPulled(Path file) throws IOException {
    assertThat(file).hasBinaryContent(large);
    assertThat(leftovers()).isEmpty();
  }

  private List<String> leftovers() throws IOException {
    try (var all = Files.walk(cache)) {
      return all.map(p -> p.getFileName().toString())
          .filter(n -> n.contains("incomplete") || n.contains("parts") || n.endsWith(".tmp"))
          .toList();
    }
  }

  @Test
  void aFileIsInTheCacheAsOtherProgramsLayItOut() throws IOException {
    var file = server.hub(cache).pull(MODEL, Hub.SILENT).path();
    assertPulled(file);
    var folder = cache.resolve("models--owner--name");
    assertThat(file)
        .isEqualTo(folder.resolve("snapshots/" + TinyHub.COMMIT + "/model-Q4_K_M.gguf"));
    assertThat(Files.readSymbolicLink(file))
        .isEqualTo(Path.of("../../blobs/" + TinyHub.sha256(large)));
    assertThat(folder.resolve("refs/main")).hasContent(TinyHub.COMMIT);
    assertThat(folder.resolve("blobs/" + TinyHub.sha256(large))).isRegularFile();
    // Sixteen parts by several connections; the hub's token does not go to another host.
    assertThat(server.ranges).hasSize(16).contains("bytes=983040-1000002");
  }

  @Test
  void whatIsThereIsNotFetchedAgain() throws IOException {
    server.hub(cache).pull(MODEL, Hub.SILENT);
    int before = server.requests.get();
    var seen = new ArrayList<Long>();
    assertPulled(
        server
            .hub(cache)
            .pull(
                MODEL,
                (_, done, _) -> {
                  seen.add(done);
                  return true;
                })
            .path());
    assertThat(server.requests.get()).isEqualTo(before + 1);
    assertThat(seen).last().isEqualTo((long) large.length);
  }

  @Test
  void theFileWithTheQuantIsChosen() throws IOException {
    var hub = server.hub(cache);
    assertThat(hub.pull(HubName.of("owner/name:q8_0"), Hub.SILENT).path().getFileName().toString())
        .isEqualTo("model-Q8_0.gguf");
    var deep = hub.pull(HubName.of("owner/name:IQ2_XS"), Hub.SILENT).path();
    assertThat(deep).hasBinaryContent(random(5000));
    assertThat(Files.readSymbolicLink(deep).toString()).startsWith("../../../blobs/");
    assertThatThrownBy(() -> hub.pull(HubName.of("owner/name:Q5_1"), Hub.SILENT))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("model-Q8_0.gguf");
    assertThat(choose(List.of("b-Q8_0.gguf", "a.gguf"))).containsExactly("b-Q8_0.gguf");
    assertThat(choose(List.of("mmproj-a.gguf", "b.gguf"))).containsExactly("b.gguf");
    assertThat(
            choose(
                List.of("m-Q4_K_M-00002-of-00002.gguf", "m-Q4_K_M-00001-of-00002.gguf", "n.gguf")))
        .containsExactly("m-Q4_K_M-00001-of-00002.gguf", "m-Q4_K_M-00002-of-00002.gguf");
    assertThatThrownBy(() -> choose(List.of("m-Q4_K_M-00001-of-00002.gguf")))
        .isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void aFolderOfWeightsComesAsAWhole() throws IOException {
    assertThat(
            choose(
                List.of(
                    "config.json",
                    "model.safetensors",
                    "pytorch_model.bin",
                    "pytorch_model.bin.index.json",
                    "tokenizer.model",
                    "onnx/model.onnx",
                    "image.png",
                    "README.md")))
        .containsExactly("config.json", "tokenizer.model", "README.md", "model.safetensors");
    try (var other = new TinyHub()) {
      other.put("config.json", small);
      other.put("model.safetensors", large);
      other.put("empty.txt", new byte[0]);
      var folder = other.hub(cache).pull(MODEL, Hub.SILENT).path();
      assertThat(folder.resolve("model.safetensors")).hasBinaryContent(large);
      assertThat(folder.resolve("config.json")).hasBinaryContent(small);
      assertThat(folder.resolve("empty.txt")).isEmptyFile();
    }
  }

  @Test
  void droppedConnectionsAndBusyHubsAreTriedAgain() throws IOException {
    server.drops.set(20);
    server.failures.set(3);
    assertPulled(server.hub(cache).pull(MODEL, Hub.SILENT).path());
  }

  @Test
  void aServerWithoutRangesGivesOneStream() throws IOException {
    server.givesRanges = false;
    server.drops.set(2);
    assertPulled(server.hub(cache).pull(MODEL, Hub.SILENT).path());
  }

  @Test
  void aHubThatListsNoHashesIsAskedForEachFile() throws IOException {
    server.blobs = false;
    assertPulled(server.hub(cache).pull(MODEL, Hub.SILENT).path());
  }

  @Test
  void wrongBytesAreDropped() throws IOException {
    server.corrupts = true;
    assertThatThrownBy(() -> server.hub(cache).pull(MODEL, Hub.SILENT))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("hash");
    assertThat(leftovers()).isEmpty();
    assertThat(new HubCache(cache).snapshot("owner/name", "main")).isNull();
    server.corrupts = false;
    assertPulled(server.hub(cache).pull(MODEL, Hub.SILENT).path());
  }

  @Test
  void liesAreNotBelieved() {
    server.liesAboutHash = true;
    assertThatThrownBy(() -> server.hub(cache).pull(MODEL, Hub.SILENT))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("ETag");
    server.liesAboutHash = false;
    server.wrongRange = true;
    assertThatThrownBy(() -> server.hub(cache).pull(MODEL, Hub.SILENT))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("expected bytes");
    server.wrongRange = false;
    server.givesRanges = false;
    server.liesAboutLength = true;
    assertThatThrownBy(() -> server.hub(cache).pull(MODEL, Hub.SILENT))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("1000010");
  }

  @Test
  void aConnectionThatStandsStillEnds() {
    server.stalls = true;
    server.put("model-Q4_K_M.gguf", random(40_000));
    var started = System.nanoTime();
    assertThatThrownBy(
            () ->
                new Hub(
                        server.address(),
                        new HubCache(cache),
                        false,
                        new HubHttp(null, Duration.ofMillis(400), Duration.ZERO, 2),
                        1 << 16)
                    .pull(MODEL, Hub.SILENT))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("nothing came");
    assertThat(System.nanoTime() - started).isLessThan(TimeUnit.SECONDS.toNanos(15));
  }

  @Test
  void refusalsSayWhy() {
    server.needsToken = "secret";
    assertThatThrownBy(() -> server.hub(cache).list("owner/name", "main"))
        .isInstanceOfSatisfying(HubException.class, e -> assertThat(e.status()).isEqualTo(401))
        .hasMessageContaining("HF_TOKEN");
    server.needsToken = null;
    assertThatThrownBy(() -> server.hub(cache).list("owner/other", "main"))
        .isInstanceOfSatisfying(HubException.class, e -> assertThat(e.status()).isEqualTo(404));
    server.status = 500;
    assertThatThrownBy(() -> server.hub(cache).list("owner/name", "main"))
        .isInstanceOfSatisfying(HubException.class, e -> assertThat(e.status()).isEqualTo(500));
    assertThat(server.requests.get()).isEqualTo(8); // the last one six times
  }

  @Test
  void theTokenGoesToTheHubAlone() throws IOException {
    server.hub(cache, "secret").pull(MODEL, Hub.SILENT);
    assertThat(server.tokens).contains("Bearer secret", "null");
    assertThat(server.tokens.stream().filter(t -> t.equals("null")).count())
        .isEqualTo(server.ranges.size());
  }

  @Test
  void aDownloadGoesOnWhereItWas() throws IOException {
    for (int i = 1; i <= 3; i++) {
      long limit = 250_000L * i;
      assertThatThrownBy(() -> server.hub(cache).pull(MODEL, (_, done, _) -> done < limit))
          .isInstanceOf(CancellationException.class);
    }
    int before = server.ranges.size();
    assertPulled(server.hub(cache).pull(MODEL, Hub.SILENT).path());
    assertThat(server.ranges.size() - before).isLessThan(14);
  }

  @Test
  void anInterruptedDownloadEnds() throws Exception {
    server.slowness = 20;
    var failure = new Throwable[1];
    var thread =
        Thread.ofPlatform()
            .start(
                () -> {
                  try {
                    server.hub(cache).pull(MODEL, Hub.SILENT);
                  } catch (Throwable e) {
                    failure[0] = e;
                  }
                });
    while (server.requests.get() < 4) { // the list, and the file by more than one connection
      Thread.sleep(1);
    }
    thread.interrupt();
    assertThat(thread.join(Duration.ofSeconds(10))).isTrue();
    assertThat(failure[0]).isInstanceOf(InterruptedIOException.class);
    server.slowness = 0;
    assertPulled(server.hub(cache).pull(MODEL, Hub.SILENT).path());
  }

  @Test
  void partsThatWereChangedMeanwhileAreNoticed() throws IOException {
    // Parts come side by side, and which of them are whole by then is not certain: most are.
    long almostAll = large.length - 1;
    assertThatThrownBy(() -> server.hub(cache).pull(MODEL, (_, done, _) -> done < almostAll))
        .isInstanceOf(CancellationException.class);
    var blobs = cache.resolve("models--owner--name/blobs");
    var growing = blobs.resolve(TinyHub.sha256(large) + ".tenon.incomplete");
    var bytes = Files.readAllBytes(growing);
    for (int i = 0; i < bytes.length; i += 1000) bytes[i] ^= 1;
    Files.write(growing, bytes);
    assertThatThrownBy(() -> server.hub(cache).pull(MODEL, Hub.SILENT))
        .isInstanceOf(HubException.class);
    assertPulled(server.hub(cache).pull(MODEL, Hub.SILENT).path());
    // And a state that is no state.
    var there = new HubCache(cache);
    there.remove(there.removal(HubName.of("owner/name")));
    Files.createDirectories(blobs);
    Files.write(growing, random(3_000_000));
    Files.write(blobs.resolve(TinyHub.sha256(large) + ".tenon.parts"), random(40));
    assertPulled(server.hub(cache).pull(MODEL, Hub.SILENT).path());
  }

  @Test
  void offlineTheCacheCounts() throws IOException {
    var hub = server.hub(cache).withOffline(true);
    assertThatThrownBy(() -> hub.pull(MODEL, Hub.SILENT))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("offline");
    server.hub(cache).pull(MODEL, Hub.SILENT);
    int before = server.requests.get();
    assertPulled(hub.pull(MODEL, Hub.SILENT).path());
    assertThatThrownBy(() -> hub.pull(HubName.of("owner/name:Q8_0"), Hub.SILENT))
        .isInstanceOf(NoSuchFileException.class);
    assertThat(server.requests.get()).isEqualTo(before);
    assertThatThrownBy(() -> hub.list("owner/name", "main")).hasMessageContaining("offline");
    server.close();
    // Online, but there is nobody.
    assertPulled(server.hub(cache).pull(MODEL, Hub.SILENT).path());
  }

  @Test
  void theCacheIsListedAndEmptied() throws IOException {
    server.hub(cache).pull(MODEL, Hub.SILENT);
    server.hub(cache).pull(HubName.of("owner/name:Q8_0"), Hub.SILENT);
    var there = new HubCache(cache);
    var entries = there.entries();
    assertThat(entries.stream().map(e -> e.name().toString()))
        .containsExactly("owner/name:Q4_K_M", "owner/name:Q8_0");
    var first = entries.getFirst();
    assertThat(first.commit()).isEqualTo(TinyHub.COMMIT);
    assertThat(first.complete()).isTrue();
    assertThat(first.bytes()).isEqualTo(large.length);
    assertThat(first.files()).containsExactly(first.path());
    // One of two: the other stays.
    var q8 = there.removal(HubName.of("owner/name:Q8_0"));
    assertThat(q8.bytes()).isEqualTo(70_000);
    there.remove(q8);
    assertThat(there.entries()).hasSize(1);
    assertPulled(server.hub(cache).withOffline(true).pull(MODEL, Hub.SILENT).path());
    there.remove(there.removal(MODEL));
    assertThat(there.entries()).isEmpty();
    try (var left = Files.list(cache)) {
      assertThat(left).containsExactly(cache.resolve(".locks"));
    }
    assertThatThrownBy(() -> there.removal(MODEL)).isInstanceOf(NoSuchFileException.class);
  }

  @Test
  void whatIsThereIsFoundWithoutAsking() throws IOException {
    var choice = HubChoice.model("Q4_K_M");
    assertPulled(server.hub(cache).find(MODEL, choice, Hub.SILENT).path());
    int before = server.requests.get();
    assertPulled(server.hub(cache).find(MODEL, choice, Hub.SILENT).path());
    assertThat(server.requests.get()).isEqualTo(before);
    // Another cache has it not.
    var other = new HubCache(cache.resolve("other"));
    assertThatThrownBy(
            () ->
                server
                    .hub(cache)
                    .withCache(other)
                    .withOffline(true)
                    .find(MODEL, choice, Hub.SILENT))
        .isInstanceOf(NoSuchFileException.class)
        .hasMessageContaining("other");
  }

  @Test
  void offlineAnyQuantThatIsThereDoes() throws IOException {
    server.hub(cache).pull(HubName.of("owner/name:IQ2_XS"), Hub.SILENT);
    var offline = server.hub(cache).withOffline(true);
    assertThat(offline.find(MODEL, HubChoice.model(null), Hub.SILENT).path())
        .hasBinaryContent(random(5000));
    server.hub(cache).pull(HubName.of("owner/name:Q8_0"), Hub.SILENT);
    assertThat(offline.find(MODEL, HubChoice.model(null), Hub.SILENT).path())
        .hasBinaryContent(random(70_000));
  }

  @Test
  void manyHubsShareTheirThreads() throws IOException {
    server.hub(cache).pull(MODEL, Hub.SILENT);
    long before = selectors();
    for (int i = 0; i < 5; i++) {
      server.hub(cache).withToken("t" + i).pull(MODEL, Hub.SILENT); // there already: asked once
    }
    assertThat(selectors()).isEqualTo(before).isPositive();
  }

  private static long selectors() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().matches("HttpClient-\\d+-SelectorManager"))
        .count();
  }

  @Test
  void namesAndPathsCannotLeaveTheCache() {
    for (var name : List.of("../x", "a/../b", "a/b/c", "a/b:../c", "/a", "a//b", "a/b@../../c")) {
      assertThatThrownBy(() -> HubName.of(name)).isInstanceOf(IllegalArgumentException.class);
    }
    for (var file : List.of("../x", "a/../b", "/a", "a\\b", "C:x", "", "a//b")) {
      assertThatThrownBy(() -> new HubFile(file, 1, null))
          .isInstanceOf(IllegalArgumentException.class);
    }
    server.put("../../evil.gguf", small);
    assertThatThrownBy(() -> server.hub(cache).pull(MODEL, Hub.SILENT))
        .isInstanceOf(HubException.class)
        .hasMessageContaining("evil");
    assertThat(HubName.of("owner/name:Q4_0@v1.0"))
        .isEqualTo(new HubName("owner/name", "Q4_0", "v1.0"));
    for (var name : List.of("a/b", "a/b@main", "a/b:Q8_0@main", "a/b@v1/x")) {
      assertThat(HubName.of(name)).hasToString(name);
    }
    assertThat(MODEL.revision()).isNull();
    assertThat(MODEL.revisionOrMain()).isEqualTo("main");
    assertThat(HubName.looksLike("owner/name:Q4_0")).isTrue();
    assertThat(HubName.looksLike("models/a.gguf")).isFalse();
    assertThat(HubName.looksLike("/models/a")).isFalse();
    assertThatThrownBy(() -> new Hub(URI.create("ftp://x"), null, new HubCache(cache), false))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void theEnvironmentSaysWhereTheCacheIs() {
    assertThat(HubCache.ofEnvironment(Map.of("HF_HUB_CACHE", "/a", "HF_HOME", "/b")).root())
        .isEqualTo(Path.of("/a").toAbsolutePath());
    assertThat(HubCache.ofEnvironment(Map.of("HF_HOME", "/b")).root())
        .isEqualTo(Path.of("/b/hub").toAbsolutePath());
    assertThat(HubCache.ofEnvironment(Map.of("XDG_CACHE_HOME", "/c")).root())
        .isEqualTo(Path.of("/c/huggingface/hub").toAbsolutePath());
    assertThat(HubCache.ofEnvironment(Map.of()).root())
        .isEqualTo(Path.of(System.getProperty("user.home"), ".cache/huggingface/hub"));
  }
}
