package dev.tenon.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.tenon.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
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

    assertThat(tenon("rm", "owner/weights", "owner/name:Q4_K_M").succeeded().out())
        .contains("owner/weights deleted", "owner/name:Q4_K_M deleted, 0 B free"); // shared
    assertThat(tenon("list").out()).contains("Q8_0").doesNotContain("Q4_K_M", "weights");
    tenon("rm", "owner/name", "owner/nothing").failed("owner/nothing", "not in the cache");
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

  private byte[] large() {
    var bytes = new byte[8_000_001];
    new Random(5).nextBytes(bytes);
    server.put("owner/large", "large.gguf", bytes);
    return bytes;
  }

  private void assertPulledAtLast(byte[] bytes) throws IOException {
    server.slowness = 0;
    var path = Path.of(tenon("pull", "owner/large").succeeded().out().strip());
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
    var bytes = large();
    server.slowness = 20;
    var pressing =
        Thread.ofPlatform()
            .start(
                () -> {
                  while (server.requests.get() < 5) {
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
    assertPulledAtLast(bytes);
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
    large();
    server.slowness = 30;
    var tried = setting().terminals("2").run("pull", "owner/large");
    assertThat(tried.err()).contains("downloading [", "% of 7.63 MiB", "/s, ", " left");
    assertThat(tried.code()).isZero();
  }

  /// Twenty moments from the first request to the end; what a process that was killed leaves is
  /// never taken for a file, and the next one makes the same file of it.
  @Test
  void aKilledDownloadIsCompletedByTheNext() throws Exception {
    var bytes = large();
    int cutShort = 0;
    for (int i = 0; i < 20; i++) {
      server.slowness = 4;
      long moment = server.sent.get() + (long) bytes.length * Math.min(i, 18) / 18;
      int before = server.requests.get();
      var process = fork("pull", "owner/large");
      while (process.isAlive() && (server.requests.get() == before || server.sent.get() < moment)) {
        Thread.sleep(1);
      }
      if (i >= 18) { // while it is hashed, moved and linked
        Thread.sleep(10 * (i - 17));
      }
      process.destroyForcibly().waitFor();
      for (var path : everything()) {
        if (path.startsWith(snapshot("owner/large")) && Files.isRegularFile(path)
            || path.getFileName().toString().matches("[0-9a-f]{64}")) {
          assertThat(path).hasBinaryContent(bytes);
        }
      }
      cutShort += everything().stream().anyMatch(p -> p.toString().endsWith(".incomplete")) ? 1 : 0;
      assertPulledAtLast(bytes);
      tenon("rm", "owner/large").succeeded();
    }
    assertThat(cutShort).isGreaterThan(9);
  }

  private Process fork(String... args) throws IOException {
    var builder = Forked.tenon(args);
    builder.environment().put("HF_ENDPOINT", server.address());
    builder.environment().put("HF_HUB_CACHE", cache.toString());
    return builder.start();
  }
}
