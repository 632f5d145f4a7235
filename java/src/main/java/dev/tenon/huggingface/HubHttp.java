package dev.tenon.huggingface;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/// Requests to the hub: redirects, the token only for the hub's own host, tries again after what
/// may pass, and an end to connections on which nothing comes any more.
final class HubHttp {
  private static final int MOST_REDIRECTS = 10;
  private static final int MOST_MESSAGE_BYTES = 2000;

  /// Ends connections that stand still, for all downloads of the process.
  private static final ScheduledExecutorService WATCH =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("hub-watch").factory());

  private final HttpClient client =
      HttpClient.newBuilder()
          .followRedirects(HttpClient.Redirect.NEVER)
          .connectTimeout(Duration.ofSeconds(20))
          .build();
  private final String token;
  private final Duration patience;
  private final Duration firstPause;
  private final int tries;

  /// @param token sent to the hub, or null
  /// @param patience how long nothing may come
  /// @param firstPause before the second try; each later one is twice as long
  HubHttp(String token, Duration patience, Duration firstPause, int tries) {
    this.token = token;
    this.patience = patience;
    this.firstPause = firstPause;
    this.tries = tries;
  }

  int tries() {
    return tries;
  }

  /// An answer, with the headers of the hub's own that came before redirects.
  ///
  /// @param hub the first answer
  /// @param last the answer with the body
  record Answer(HttpResponse<InputStream> hub, HttpResponse<InputStream> last)
      implements AutoCloseable {
    int status() {
      return last.statusCode();
    }

    /// {@return a header of the last answer, or null}
    String header(String name) {
      return last.headers().firstValue(name).orElse(null);
    }

    /// {@return what the hub says the file's hash is, or null}
    String etag() {
      var etag =
          hub.headers()
              .firstValue("x-linked-etag")
              .or(() -> hub.headers().firstValue("etag"))
              .orElse(null);
      return etag == null ? null : etag.replaceFirst("^W/", "").replace("\"", "");
    }

    @Override
    public void close() {
      try {
        last.body().close();
      } catch (IOException _) {
        // Nobody reads on.
      }
    }
  }

  /// Asks once, and follows redirects.
  ///
  /// @param range for example `bytes=0-9`, or null
  Answer get(URI address, String range) throws IOException {
    HttpResponse<InputStream> first = null;
    var at = address;
    for (int i = 0; i <= MOST_REDIRECTS; i++) {
      var request = HttpRequest.newBuilder(at).timeout(patience).header("user-agent", "tenon");
      if (range != null) {
        request.header("range", range);
      }
      request.header("accept-encoding", "identity");
      if (token != null && sameHost(at, address)) {
        request.header("authorization", "Bearer " + token);
      }
      var response = send(request.build());
      first = first == null ? response : first;
      if (response.statusCode() / 100 != 3 || response.statusCode() == 304) {
        return new Answer(first, response);
      }
      response.body().close();
      var location = response.headers().firstValue("location").orElse("");
      try {
        at = at.resolve(location);
      } catch (IllegalArgumentException _) {
        throw new HubException(address, 0, "a redirect to nowhere");
      }
      var scheme = String.valueOf(at.getScheme()).toLowerCase(Locale.ROOT);
      boolean down = scheme.equals("http") && "https".equals(address.getScheme());
      if (location.isEmpty() || down || !scheme.equals("http") && !scheme.equals("https")) {
        throw new HubException(address, 0, "a redirect that is not followed, to " + at);
      }
    }
    throw new HubException(address, 0, "more than " + MOST_REDIRECTS + " redirects");
  }

  private static boolean sameHost(URI a, URI b) {
    return String.valueOf(a.getHost()).equalsIgnoreCase(b.getHost())
        && a.getPort() == b.getPort()
        && String.valueOf(a.getScheme()).equals(b.getScheme());
  }

  private HttpResponse<InputStream> send(HttpRequest request) throws IOException {
    try {
      return client.send(request, BodyHandlers.ofInputStream());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    } catch (HttpConnectTimeoutException e) {
      throw unreachable(request.uri(), e);
    } catch (HttpTimeoutException e) {
      var timeout =
          new HttpTimeoutException(
              request.uri() + ": nothing came for " + patience.toMillis() / 1000.0 + " s");
      timeout.initCause(e);
      throw timeout;
    } catch (ConnectException e) {
      throw unreachable(request.uri(), e);
    } catch (IllegalArgumentException e) {
      throw new HubException(request.uri(), 0, "no address: " + e.getMessage());
    }
  }

  private static ConnectException unreachable(URI address, IOException e) {
    var unreachable =
        new ConnectException(address.getScheme() + "://" + address.getAuthority() + ": no answer");
    unreachable.initCause(e);
    return unreachable;
  }

  /// One piece of work that may be tried again.
  interface Work<T> {
    T run() throws IOException;
  }

  /// Tries until it succeeds, fails for good, or was tried often enough without getting further.
  ///
  /// @param progress a number that grows as the work gets further
  <T> T retry(Work<T> work, LongSupplier progress) throws IOException {
    int failures = 0;
    while (true) {
      long before = progress.getAsLong();
      try {
        return work.run();
      } catch (InterruptedIOException e) {
        throw e;
      } catch (IOException e) {
        if (Thread.currentThread().isInterrupted()) {
          throw new InterruptedIOException("interrupted");
        }
        failures = progress.getAsLong() > before ? 1 : failures + 1;
        if (!mayPass(e) || failures >= tries) {
          throw e;
        }
        pause(failures);
      }
    }
  }

  private static boolean mayPass(IOException e) {
    return switch (e) {
      case HubException hub ->
          hub.status() == 408 || hub.status() == 425 || hub.status() == 429 || hub.status() >= 500;
      case FormatException _ -> false;
      case FileSystemException _ -> false;
      case DiskException _ -> false;
      default -> true;
    };
  }

  /// A file that could not be written: no use in asking the hub again.
  static final class DiskException extends IOException {
    private static final long serialVersionUID = 1;

    DiskException(Path file, IOException cause) {
      super(file + ": " + cause.getMessage(), cause);
    }
  }

  private void pause(int failures) throws IOException {
    long millis = firstPause.toMillis() << Math.min(failures - 1, 6);
    try {
      Thread.sleep(millis + ThreadLocalRandom.current().nextLong(millis / 4 + 1));
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  /// {@return an error of an answer that is not the one asked for}
  HubException refused(URI address, Answer answer) {
    int status = answer.status();
    var said = answer.header("x-error-message");
    if (said == null) {
      try {
        said =
            new String(answer.last().body().readNBytes(MOST_MESSAGE_BYTES), StandardCharsets.UTF_8);
      } catch (IOException _) {
        said = "";
      }
    }
    var line = said.replaceAll("\\s+", " ").strip();
    var what =
        switch (status) {
          case 401, 403 -> token == null ? "not allowed without a token" : "not allowed";
          case 404 -> "not found";
          case 416 -> "no such bytes";
          case 429 -> "asked too often";
          default -> "status " + status;
        };
    boolean useful = !line.isEmpty() && line.length() <= 200 && !line.startsWith("<");
    return new HubException(address, status, useful ? what + " (" + line + ")" : what);
  }

  /// Ends a connection when nothing came for a while.
  final class Watched implements AutoCloseable {
    private final Answer answer;
    private final ScheduledFuture<?> task;
    private volatile long last = System.nanoTime();
    private volatile boolean ended;

    Watched(Answer answer) {
      this.answer = answer;
      long period = Math.max(50, patience.toMillis() / 4);
      task = WATCH.scheduleAtFixedRate(this::look, period, period, TimeUnit.MILLISECONDS);
    }

    private void look() {
      if (System.nanoTime() - last > patience.toNanos()) {
        ended = true;
        answer.close();
      }
    }

    /// Takes note that something came.
    void alive() {
      last = System.nanoTime();
    }

    /// {@return an error that says why, where it was the watch}
    IOException reason(IOException e) {
      return ended
          ? new IOException(
              answer.last().uri() + ": nothing came for " + patience.toMillis() / 1000.0 + " s", e)
          : e;
    }

    @Override
    public void close() {
      task.cancel(false);
      answer.close();
    }
  }
}
