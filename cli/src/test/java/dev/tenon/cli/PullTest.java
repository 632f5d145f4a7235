package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.json.Json;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/// Models by name: pull, list, rm, and wherever else a model is named.
@Timeout(120)
class PullTest {
  @TempDir private Path folder;
  private Path cache;
  private LoopbackHub server;
  private byte[] tiny;

  @BeforeEach
  void start() throws IOException {
    cache = folder.resolve("cache");
    server = new LoopbackHub();
    tiny = Files.readAllBytes(TinyModel.write(folder.resolve("tiny.gguf")));
    server.put("owner/name", "name-Q4_K_M.gguf", tiny);
    server.put("owner/name", "name-Q8_0.gguf", tiny);
    server.put("owner/name", "mmproj-name.gguf", tiny);
    server.put("owner/weights", "config.json", new byte[] {'{', '}'});
    server.put("owner/weights", "model.safetensors", new byte[1000]);
    server.put("owner/weights", "onnx/model.onnx", new byte[10]);
  }

  @AfterEach
  void stop() {
    server.close();
  }

  private Tried.Setting setting() {
    return Tried.with()
        .env("HF_ENDPOINT", server.address())
        .env("HF_HUB_CACHE", cache.toString())
        .env("HOME", folder.toString());
  }

  private Tried tenon(String... args) {
    return setting().run(args);
  }

  private Path snapshot(String repository) {
    return cache.resolve(
        "models--" + repository.replace("/", "--") + "/snapshots/" + LoopbackHub.COMMIT);
  }

  private List<Path> everything() throws IOException {
    if (!Files.exists(cache)) {
      return List.of();
    }
    try (var all = Files.walk(cache)) {
      return all.toList();
    }
  }

  @Test
  void aModelIsPulledListedAndRemoved() throws IOException {
    var file = snapshot("owner/name").resolve("name-Q4_K_M.gguf");
    assertThat(tenon("pull", "owner/name").succeeded().out()).isEqualTo(file + "\n");
    assertThat(file).hasBinaryContent(tiny);
    var json = Json.object(tenon("pull", "owner/name:q8_0", "--json").succeeded().out());
    assertThat(json)
        .containsEntry("commit", LoopbackHub.COMMIT)
        .containsEntry("files", List.of("name-Q8_0.gguf"))
        .containsEntry("bytes", (long) tiny.length);
    assertThat(tenon("pull", "owner/weights").succeeded().out())
        .isEqualTo(snapshot("owner/weights") + "\n");
    assertThat(snapshot("owner/weights").resolve("onnx")).doesNotExist();

    var list = tenon("list").succeeded().out();
    assertThat(list.lines().map(line -> line.split(" ")[0]))
        .containsExactly("NAME", "owner/name:Q4_K_M", "owner/name:Q8_0", "owner/weights");
    assertThat(list).contains("KiB  just now");
    assertThat(Json.parse(tenon("list", "--json").succeeded().out()))
        .asInstanceOf(InstanceOfAssertFactories.LIST)
        .hasSize(3)
        .first()
        .asInstanceOf(InstanceOfAssertFactories.MAP)
        .containsEntry("name", "owner/name:Q4_K_M")
        .containsEntry("path", file.toString())
        .containsEntry("complete", true);

    assertThat(tenon("rm", "-y", "owner/weights", "owner/name:Q4_K_M").succeeded().out())
        .contains("owner/weights deleted", "owner/name:Q4_K_M deleted, 0 B free"); // shared
    assertThat(tenon("list").out()).contains("Q8_0").doesNotContain("Q4_K_M", "weights");
    tenon("rm", "-y", "owner/name", "owner/nothing").failed("owner/nothing", "not in the cache");
    assertThat(tenon("list").out()).contains("Q8_0");
    assertThat(Json.parse(tenon("rm", "-y", "--json", "owner/name").succeeded().out()))
        .isEqualTo(List.of(Map.of("name", "owner/name", "bytes", (long) tiny.length + 40)));
    assertThat(tenon("list").out()).hasLineCount(1);
  }

  @Test
  void onATerminalItAsksFirst() {
    tenon("pull", "owner/name").succeeded();
    for (var no : List.of("n\n", "\n", "", "never\n")) {
      var tried = setting().terminals("012").in(no).run("rm", "owner/name");
      assertThat(tried.err()).contains("delete owner/name, ");
      assertThat(tried.code()).isEqualTo(1);
    }
    assertThat(tenon("list").out()).contains("owner/name");
    assertThat(setting().terminals("012").in("y\n").run("rm", "owner/name").code()).isZero();
    assertThat(tenon("list").out()).doesNotContain("owner/name");
  }

  @Test
  void withoutATerminalYesMustBeSaid() {
    tenon("pull", "owner/name").succeeded();
    for (var terminals : List.of("", "0", "1", "12")) {
      setting().terminals(terminals).in("y\n").run("rm", "owner/name").refused("--yes");
    }
    assertThat(tenon("list").out()).contains("owner/name:Q4_K_M");
    tenon("rm", "-y", "owner/name").succeeded();
  }

  @Test
  void whatTwoNamesMeanIsRemovedOnce() {
    tenon("pull", "owner/name").succeeded();
    var both = tenon("rm", "-y", "--json", "owner/name", "owner/name:Q4_K_M").succeeded().out();
    assertThat(Json.parse(both))
        .isEqualTo(
            List.of(
                Map.of("name", "owner/name", "bytes", (long) tiny.length + 40),
                Map.of("name", "owner/name:Q4_K_M", "bytes", 0L)));
    assertThat(cache.resolve("models--owner--name")).doesNotExist();
    // What is not to be deleted needs what it needs.
    tenon("pull", "owner/name:Q4_K_M").succeeded();
    tenon("pull", "owner/name:Q8_0").succeeded();
    var one = setting().terminals("012").in("n\ny\n");
    assertThat(one.run("rm", "owner/name:Q4_K_M", "owner/name:Q8_0").code()).isEqualTo(1);
    assertThat(snapshot("owner/name").resolve("name-Q4_K_M.gguf")).hasBinaryContent(tiny);
    assertThat(snapshot("owner/name").resolve("name-Q8_0.gguf")).doesNotExist();
  }

  @Test
  void anotherQuantThanTheUsualOneStandsInOffline() throws IOException {
    var q8 = tenon("pull", "owner/name:Q8_0").succeeded().out();
    tenon("inspect", "owner/name", "--offline").succeeded();
    assertThat(snapshot("owner/name").resolve("name-Q4_K_M.gguf")).doesNotExist();
    assertThat(q8).contains("Q8_0");
    // With the network at hand the hub is asked whether it has the usual one.
    tenon("inspect", "owner/name").succeeded();
    assertThat(snapshot("owner/name").resolve("name-Q4_K_M.gguf")).hasBinaryContent(tiny);
  }

  @Test
  void aNameStandsWhereAFileStands() {
    var ids = tenon("tokenize", "-m", folder.resolve("tiny.gguf").toString(), "--ids", "-p", "ab");
    for (var model :
        List.of(
            List.of("-m", "owner/name"),
            List.of("-hf", "owner/name:Q8_0"),
            List.of("--hf-repo", "owner/name", "-hff", "name-Q8_0.gguf"))) {
      var args = Stream.concat(model.stream(), Stream.of("--ids", "-p", "ab")).toList();
      var all = Stream.concat(Stream.of("tokenize"), args.stream()).toArray(String[]::new);
      assertThat(tenon(all).succeeded().out()).isEqualTo(ids.out());
    }
    int before = server.requests.get();
    // What is there is not asked for.
    tenon("inspect", "owner/name").succeeded();
    tenon("inspect", "--diff", "owner/name:Q8_0", "owner/name").succeeded();
    tenon("inspect", "-hf", "owner/name:Q8_0", "--offline").succeeded();
    tenon("grammar", "-hf", "owner/name", "--grammar", "root ::= <s>").succeeded();
    assertThat(setting().env("TENON_MODEL", "/no/such").run("inspect", "-hf", "owner/name").code())
        .isZero();
    assertThat(server.requests.get()).isEqualTo(before);
  }

  @Test
  void whatIsWrongIsOneLineThatSaysWhatToDo() {
    tenon("inspect", "-m", folder.toString()).failed("is a folder", "tenon convert");
    tenon("inspect", "owner/weights").failed("no GGUF file", "tenon convert owner/weights");
    tenon("inspect", "owner/name", "--offline").failed("offline", "tenon pull owner/name");
    tenon("pull", "owner/name", "--offline").failed("offline");
    setting().env("HF_HUB_OFFLINE", "1").run("pull", "owner/name").failed("offline");
    tenon("inspect", "owner/nothing").failed("no such file", "no such repository");
    tenon("pull", "owner/name:Q5_1").failed("name-Q8_0.gguf");
    tenon("pull", "owner/name", "-hff", "x.gguf").failed("no file \"x.gguf\"");
    tenon("pull", "owner/name", "--include", "*.zip").failed("no file matches");
    tenon("pull").refused("which model?");
    tenon("pull", "../x").refused("hub name");
    tenon("pull", "a/b:Q4_0", "--include", "*").refused("one of");
    tenon("pull", "a/b@x", "--revision", "y").refused("one revision");
    tenon("rm").refused("which model?");
    tenon("rm", "a/../..").refused("hub name");
    tenon("inspect", "-m", "a", "-hf", "a/b").refused("one model");
    tenon("tokenize", "-m", "a/b", "-hff", "c").refused("--hf-file needs -hf");
    tenon("inspect", "-hf", "a/b", "-hft", "to ken").refused("token");
    setting().env("HF_ENDPOINT", "nonsense").run("pull", "a/b").refused("nonsense");
    setting().env("HF_ENDPOINT", "http://127.0.0.1:1").run("pull", "--offline", "a/b").failed();
  }

  @Test
  void theTokenIsSent() {
    tenon("pull", "owner/name", "-hft", "one").succeeded();
    setting().env("HF_TOKEN", "two").run("pull", "owner/weights").succeeded();
    assertThat(server.tokens).contains("Bearer one", "Bearer two").doesNotContain("null");
  }

  @Test
  void howLongAgo() {
    var now = Instant.parse("2026-01-01T00:00:00Z");
    assertThat(
            Stream.of("PT1M", "PT5M", "PT3H", "P3D", "P20D", "P100D", "P900D")
                .map(past -> ListModels.ago(now.minus(Duration.parse(past)), now)))
        .containsExactly(
            "just now",
            "5 minutes ago",
            "3 hours ago",
            "3 days ago",
            "2 weeks ago",
            "3 months ago",
            "2 years ago");
  }

  // Downloads that end before they are done.

  private static final int BYTES = 2_500_001;
  private static final int CHUNKS = (BYTES + LoopbackHub.CHUNK - 1) / LoopbackHub.CHUNK;

  private byte[] large(String repository) {
    var bytes = new byte[BYTES];
    new Random(repository.hashCode()).nextBytes(bytes);
    server.put(repository, "large.gguf", bytes);
    return bytes;
  }

  private void assertPulledAtLast(String repository, byte[] bytes) throws IOException {
    server.release();
    var path = Path.of(tenon("pull", repository).succeeded().out().strip());
    assertThat(path).hasBinaryContent(bytes);
    assertThat(everything()).noneMatch(left -> left.toString().matches(".*(tenon\\.|\\.tmp).*"));
  }

  @Test
  void ctrlCLeavesWhatTheNextOneGoesOnFrom() throws Exception {
    var arrived = new CountDownLatch(1);
    try (var _ = Interrupt.of(arrived::countDown)) {
      press();
      assumeTrue(arrived.await(5, TimeUnit.SECONDS), "this process ignores SIGINT");
    }
    var bytes = large("owner/large");
    var gate = server.hold("owner/large", 8);
    var pressing =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (!gate.hasQueuedThreads()) {
                    Thread.onSpinWait();
                  }
                  press();
                });
    var tried = setting().terminals("2").run("pull", "owner/large");
    pressing.join();
    assertThat(tried.code()).isEqualTo(130);
    assertThat(tried.err()).contains("tenon: stopped", ".incomplete", "tenon pull owner/large");
    assertThat(Thread.currentThread().isInterrupted()).isFalse();
    assertThat(everything()).noneMatch(Files::isSymbolicLink);
    assertPulledAtLast("owner/large", bytes);
  }

  private static void press() {
    try {
      var signal = Class.forName("sun.misc.Signal");
      signal
          .getMethod("raise", signal)
          .invoke(null, signal.getConstructor(String.class).newInstance("INT"));
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aTerminalSeesABar() {
    large("owner/large");
    server.slowness = 50;
    var tried = setting().terminals("2").run("pull", "owner/large");
    assertThat(tried.err()).contains("downloading [", "% of 2.38 MiB", "/s, ", " left");
    assertThat(tried.code()).isZero();
  }

  /// Twenty moments from the first byte to the end, five of them in each process; what a process
  /// that was killed leaves is never taken for a file, and the next one makes the same file of it.
  @Test
  void aKilledDownloadIsCompletedByTheNext() throws Exception {
    for (int round = 0; round < 4; round++) {
      var files = new LinkedHashMap<String, byte[]>();
      var gates = new ArrayList<Semaphore>();
      for (int i = 0; i < 5; i++) {
        var repository = "owner/large" + round + i;
        files.put(repository, large(repository));
        gates.add(server.hold(repository, i == 4 ? 0 : CHUNKS * (4 * round + i) / 16));
      }
      var process = fork(files.keySet());
      while (process.isAlive() && !gates.stream().allMatch(Semaphore::hasQueuedThreads)) {
        Thread.sleep(1);
      }
      // Four are held; the fifth is killed while it is stored, hashed, moved and linked.
      var last = gates.getLast();
      last.release(2 * CHUNKS);
      while (process.isAlive() && last.availablePermits() > CHUNKS) {
        Thread.sleep(1);
      }
      Thread.sleep(10 * round);
      assertThat(process.isAlive()).isTrue();
      process.destroyForcibly().waitFor();
      server.release();
      for (var file : files.entrySet()) {
        assertNothingHalf(file.getKey(), file.getValue(), !file.getKey().endsWith("4"));
      }
      for (var file : files.entrySet()) {
        var path = Path.of(tenon("pull", file.getKey()).succeeded().out().strip());
        assertThat(path).hasBinaryContent(file.getValue());
      }
      assertThat(everything()).noneMatch(p -> p.toString().matches(".*(tenon\\.|\\.tmp).*"));
    }
  }

  private void assertNothingHalf(String repository, byte[] bytes, boolean held) throws IOException {
    boolean growing = false;
    try (var all = Files.walk(snapshot(repository).getParent().getParent())) {
      for (var path : all.toList()) {
        growing |= path.toString().endsWith(".incomplete");
        if (path.startsWith(snapshot(repository)) && Files.isRegularFile(path)
            || path.getFileName().toString().matches("[0-9a-f]{64}")) {
          assertThat(held).isFalse();
          assertThat(path).hasBinaryContent(bytes);
        }
      }
    }
    assertThat(growing || !held).isTrue();
  }

  private Process fork(Collection<String> repositories) throws IOException {
    var builder = Forked.test(Pulls.class, repositories.toArray(String[]::new));
    builder.environment().put("HF_ENDPOINT", server.address());
    builder.environment().put("HF_HUB_CACHE", cache.toString());
    return builder.start();
  }

  /// Several commands at once in one process, which takes long enough to start.
  static final class Pulls {
    public static void main(String[] repositories) {
      for (var repository : repositories) {
        Thread.ofPlatform()
            .start(
                () ->
                    Tenon.run(
                        new String[] {"pull", repository},
                        Streams.of(
                            InputStream.nullInputStream(),
                            OutputStream.nullOutputStream(),
                            OutputStream.nullOutputStream(),
                            "",
                            System.getenv())));
      }
    }
  }
}
