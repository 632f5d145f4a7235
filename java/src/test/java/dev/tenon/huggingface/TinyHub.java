package dev.tenon.huggingface;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tenon.json.Json;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// A hub on loopback with one repository, which can be told to behave badly.
final class TinyHub implements AutoCloseable {
  static final String NAME = "owner/name";
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  private final HttpServer server;
  private final Map<String, byte[]> files = new LinkedHashMap<>();
  final AtomicInteger requests = new AtomicInteger();
  final List<String> ranges = Collections.synchronizedList(new ArrayList<>());
  final List<String> tokens = Collections.synchronizedList(new ArrayList<>());

  /// How many answers end half-way, or are refused with status 503.
  final AtomicInteger drops = new AtomicInteger();

  final AtomicInteger failures = new AtomicInteger();
  volatile boolean givesRanges = true;
  volatile boolean liesAboutHash;
  volatile boolean liesAboutLength;
  volatile boolean corrupts;
  volatile boolean stalls;
  volatile boolean blobs = true;
  volatile boolean wrongRange;
  volatile int status;
  volatile String needsToken;

  /// Answers in place of this hub where it says so.
  volatile Whim whim = _ -> false;

  interface Whim {
    boolean answer(HttpExchange exchange) throws IOException;
  }

  /// Milliseconds for every 16 KiB.
  volatile int slowness;

  TinyHub() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::answer);
    server.start();
  }

  void put(String name, byte[] bytes) {
    files.put(name, bytes);
  }

  URI address() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort());
  }

  Hub hub(Path cache) {
    return hub(cache, null);
  }

  Hub hub(Path cache, String token) {
    return new Hub(
        address(),
        new HubCache(cache),
        false,
        new HubHttp(token, Duration.ofMillis(1500), Duration.ofMillis(5), 6),
        1 << 16);
  }

  static String sha256(byte[] bytes) {
    return digest("SHA-256", bytes);
  }

  static String blobId(byte[] bytes) {
    var head = ("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII);
    return digest("SHA-1", head, bytes);
  }

  private static String digest(String name, byte[]... parts) {
    try {
      var digest = MessageDigest.getInstance(name);
      for (var part : parts) {
        digest.update(part);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private String hash(byte[] bytes) {
    return bytes.length > 1000 ? sha256(bytes) : blobId(bytes);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      requests.incrementAndGet();
      tokens.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
      var path = exchange.getRequestURI().getPath();
      if (whim.answer(exchange)) {
        return;
      }
      if (needsToken != null && !tokens.getLast().equals("Bearer " + needsToken)) {
        say(exchange, 401, "Invalid credentials");
      } else if (status != 0) {
        say(exchange, status, "no");
      } else if (failures.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        say(exchange, 503, "busy");
      } else if (path.equals("/api/models/" + NAME + "/revision/main")) {
        say(exchange, 200, list());
      } else if (path.startsWith("/" + NAME + "/resolve/" + COMMIT + "/")) {
        redirect(exchange, path.substring(("/" + NAME + "/resolve/" + COMMIT + "/").length()));
      } else if (path.startsWith("/cdn/")) {
        file(exchange, path.substring("/cdn/".length()));
      } else {
        say(exchange, 404, "Repository not found");
      }
    }
  }

  static void say(HttpExchange exchange, int status, String text) throws IOException {
    var bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private String list() {
    var siblings = new ArrayList<Object>();
    files.forEach(
        (name, bytes) -> {
          var file = new LinkedHashMap<String, Object>();
          file.put("rfilename", name);
          if (blobs) {
            file.put("size", bytes.length);
            file.put("blobId", blobId(bytes));
            if (bytes.length > 1000) {
              file.put("lfs", Map.of("sha256", sha256(bytes), "size", bytes.length));
            }
          }
          siblings.add(file);
        });
    return Json.write(Map.of("sha", COMMIT, "siblings", siblings));
  }

  private void redirect(HttpExchange exchange, String name) throws IOException {
    var bytes = files.get(name);
    if (bytes == null) {
      say(exchange, 404, "Entry not found");
      return;
    }
    var hash = liesAboutHash ? sha256(new byte[] {1}) : hash(bytes);
    exchange.getResponseHeaders().set("X-Linked-ETag", '"' + hash + '"');
    exchange.getResponseHeaders().set("X-Linked-Size", "" + bytes.length);
    // Another host as far as names go, so the token must not come along.
    exchange
        .getResponseHeaders()
        .set("Location", "http://localhost:" + server.getAddress().getPort() + "/cdn/" + name);
    exchange.sendResponseHeaders(302, -1);
  }

  private void file(HttpExchange exchange, String name) throws IOException {
    var bytes = files.get(name).clone();
    if (corrupts) {
      bytes[bytes.length / 2] ^= 1;
    }
    var range = exchange.getRequestHeaders().getFirst("Range");
    ranges.add(String.valueOf(range));
    int from = 0;
    int to = bytes.length;
    if (range != null && givesRanges) {
      var numbers = range.substring("bytes=".length()).split("-");
      from = Integer.parseInt(numbers[0]);
      to = Integer.parseInt(numbers[1]) + 1;
      exchange
          .getResponseHeaders()
          .set(
              "Content-Range",
              "bytes %d-%d/%d".formatted(wrongRange ? from + 1 : from, to - 1, bytes.length));
    }
    int length = liesAboutLength ? to - from + 7 : to - from;
    exchange.sendResponseHeaders(range != null && givesRanges ? 206 : 200, length);
    var out = exchange.getResponseBody();
    boolean drop = drops.getAndUpdate(n -> Math.max(0, n - 1)) > 0;
    int end = drop || stalls ? (from + to) / 2 : to;
    for (int at = from; at < end; at += 1 << 14) {
      out.write(bytes, at, Math.min(1 << 14, end - at));
      out.flush();
      pause(slowness);
    }
    if (stalls) {
      pause(2_000);
    }
    if (drop) {
      throw new IOException("dropped"); // closes the connection
    }
  }

  private static void pause(int millis) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    server.stop(0);
  }
}
