package dev.tenon.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import dev.tenon.json.Json;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;

/// A hub on loopback, as much of one as a download needs.
final class LoopbackHub implements AutoCloseable {
  static final String COMMIT = "89abcdef0123456789abcdef0123456789abcdef";

  private final HttpServer server;
  private final Map<String, Map<String, byte[]>> repositories = new ConcurrentHashMap<>();
  private final Map<byte[], String> hashes = new ConcurrentHashMap<>(); // each found once
  final AtomicInteger requests = new AtomicInteger();

  final List<String> tokens = new ArrayList<>();

  static final int CHUNK = 1 << 16;

  /// Milliseconds for every chunk.
  volatile int slowness;

  /// How many chunks of a repository's files may go out; answers that want more wait for it.
  private final Map<String, Semaphore> gates = new ConcurrentHashMap<>();

  LoopbackHub() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    server.createContext("/", this::answer);
    server.start();
  }

  void put(String repository, String file, byte[] bytes) {
    repositories.computeIfAbsent(repository, _ -> new TreeMap<>()).put(file, bytes);
    hashes.put(bytes, sha256(bytes));
  }

  /// Lets so many chunks of a repository's files out, and holds the answers then.
  ///
  /// @return the gate, at which threads queue when they are held
  Semaphore hold(String repository, int chunks) {
    var gate = new Semaphore(chunks);
    gates.put(repository, gate);
    return gate;
  }

  /// Lets everything out, also what is held.
  void release() {
    var held = List.copyOf(gates.values());
    gates.clear();
    held.forEach(gate -> gate.release(1 << 20));
  }

  String address() {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  static String sha256(byte[] bytes) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      requests.incrementAndGet();
      synchronized (tokens) {
        tokens.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
      }
      var path = exchange.getRequestURI().getPath().substring(1).split("/");
      boolean list = path[0].equals("api");
      var repository = repositories.get(list ? path[2] + "/" + path[3] : path[0] + "/" + path[1]);
      if (repository == null) {
        exchange.sendResponseHeaders(404, -1);
      } else if (list) {
        var bytes = list(repository).getBytes(StandardCharsets.UTF_8);
        exchange.sendResponseHeaders(200, bytes.length);
        exchange.getResponseBody().write(bytes);
      } else {
        var name = exchange.getRequestURI().getPath().replaceFirst(".*?/resolve/[^/]*/", "");
        file(exchange, repository.get(name), gates.get(path[0] + "/" + path[1]));
      }
    }
  }

  private String list(Map<String, byte[]> files) {
    var siblings = new ArrayList<Object>();
    files.forEach(
        (name, bytes) ->
            siblings.add(
                Map.of(
                    "rfilename",
                    name,
                    "lfs",
                    Map.of("sha256", hashes.get(bytes), "size", bytes.length))));
    return Json.write(Map.of("sha", COMMIT, "siblings", siblings));
  }

  private void file(HttpExchange exchange, byte[] bytes, Semaphore gate) throws IOException {
    int from = 0;
    int to = bytes.length;
    var range = exchange.getRequestHeaders().getFirst("Range");
    exchange.getResponseHeaders().set("ETag", '"' + hashes.get(bytes) + '"');
    if (range != null) {
      var numbers = range.substring("bytes=".length()).split("-");
      from = Integer.parseInt(numbers[0]);
      to = Integer.parseInt(numbers[1]) + 1;
      exchange
          .getResponseHeaders()
          .set("Content-Range", "bytes %d-%d/%d".formatted(from, to - 1, bytes.length));
    }
    exchange.sendResponseHeaders(range == null ? 200 : 206, to - from);
    for (int at = from; at < to; at += CHUNK) {
      if (gate != null) {
        gate.acquireUninterruptibly();
      }
      exchange.getResponseBody().write(bytes, at, Math.min(CHUNK, to - at));
      exchange.getResponseBody().flush();
      try {
        Thread.sleep(slowness);
      } catch (InterruptedException _) {
        return;
      }
    }
  }

  @Override
  public void close() {
    release();
    server.stop(0);
  }
}
