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
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Locale;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/// Requests to the hub: redirects, the token only for the hub's own host, tries again after what
/// may pass, and an end to connections on which nothing comes any more.
final class HubHttp {
  private static final int MOST_REDIRECTS = 10;
  private static final int MOST_MESSAGE_BYTES = 2000;

  /// Fewer bytes than that, in the time in which something must come, are as good as none.
  private static final int LEAST_BYTES = 1024;

  /// The longest that the hub may have us wait before a request is tried again.
  private static final int MOST_PAUSE_SECONDS = 60;

  /// Ends connections that stand still, for all downloads of the process.
  private static final ScheduledExecutorService WATCH =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("hub-watch").factory());

  /// The connections and their threads, of the process: whoever asks, for whom, and how often. So a
  /// hub is a plain value that nobody need close. Made when the network is first asked.
  private static final class Shared {
    // Ranges come faster over connections of their own than over one that HTTP 2 shares.
    static final HttpClient CLIENT =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(Duration.ofSeconds(20))
            .build();
  }

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

  /// {@return the same that asks once}
  HubHttp once() {
    return new HubHttp(token, patience, firstPause, 1);
  }

  /// {@return the same with another token}
  HubHttp withToken(String newToken) {
    return new HubHttp(newToken, patience, firstPause, tries);
  }

  boolean hasToken() {
    return token != null;
  }

  /// An answer, with what the hub's own host said before it sent us elsewhere.
  ///
  /// @param etag what the hub says the file's hash is, or null
  /// @param size what it says the file's size is, or null
  /// @param last the answer with the body
  record Answer(String etag, String size, HttpResponse<InputStream> last) implements AutoCloseable {
    int status() {
      return last.statusCode();
    }

    /// {@return a header of the last answer, or null}
    String header(String name) {
      return HubHttp.header(last, name);
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

  private static String header(HttpResponse<?> response, String name) {
    return response.headers().firstValue(name).orElse(null);
  }

  /// {@return an address without what may be a secret: signed addresses are as good as keys}
  static String shown(URI address) {
    return address.getScheme() + "://" + address.getAuthority() + address.getRawPath();
  }

  /// Asks once, and follows redirects.
  ///
  /// @param range for example `bytes=0-9`, or null
  Answer get(URI address, String range) throws IOException {
    String linked = null;
    String etag = null;
    String size = null;
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
      if (sameHost(at, address)) {
        linked = linked == null ? header(response, "x-linked-etag") : linked;
        size = size == null ? header(response, "x-linked-size") : size;
        etag = header(response, "etag");
      }
      if (response.statusCode() / 100 != 3 || response.statusCode() == 304) {
        var hash = linked == null ? etag : linked;
        return new Answer(
            hash == null ? null : hash.replaceFirst("^W/", "").replace("\"", ""), size, response);
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
        throw new HubException(address, 0, "a redirect that is not followed, to " + shown(at));
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
      return Shared.CLIENT.send(request, BodyHandlers.ofInputStream());
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    } catch (HttpConnectTimeoutException e) {
      throw unreachable(request.uri(), e);
    } catch (HttpTimeoutException e) {
      var timeout =
          new HttpTimeoutException(
              shown(request.uri()) + ": nothing came for " + patience.toMillis() / 1000.0 + " s");
      timeout.initCause(e);
      throw timeout;
    } catch (ConnectException e) {
      throw unreachable(request.uri(), e);
    } catch (IllegalArgumentException e) {
      throw new HubException(request.uri(), 0, "no address: " + e.getMessage());
    } catch (IOException e) {
      throw broken(request.uri(), e);
    }
  }

  private static IOException broken(URI address, IOException e) {
    var what = String.valueOf(e.getMessage()).replaceAll("\\p{Cntrl}", "\ufffd");
    return new IOException(shown(address) + ": the connection broke: " + what, e);
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
        failures = progress.getAsLong() >= before + LEAST_BYTES ? 1 : failures + 1;
        if (!mayPass(e) || failures >= tries) {
          throw e;
        }
        pause(failures, e instanceof HubException hub ? hub.retryAfter() : 0);
      }
    }
  }

  private static boolean mayPass(IOException e) {
    return switch (e) {
      case HubException hub -> hub.isPassing() && hub.retryAfter() <= MOST_PAUSE_SECONDS;
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

  private void pause(int failures, int seconds) throws IOException {
    long millis = Math.max(firstPause.toMillis() << Math.min(failures - 1, 6), seconds * 1000L);
    try {
      Thread.sleep(millis + ThreadLocalRandom.current().nextLong(millis / 4 + 1));
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  /// {@return an error of an answer that is not the one asked for}
  HubException refused(URI address, Answer answer) {
    var said = answer.header("x-error-message");
    if (said == null) {
      try (var _ = new Watched(answer)) {
        said =
            new String(answer.last().body().readNBytes(MOST_MESSAGE_BYTES), StandardCharsets.UTF_8);
      } catch (IOException _) {
        said = "";
      }
    }
    var line = said.replaceAll("[\\s\\p{Cntrl}]+", " ").strip();
    // A page for people says nothing in a line.
    boolean useful = !line.isEmpty() && line.length() <= 200 && !line.matches("[<{].*");
    return new HubException(
        address,
        answer.status(),
        String.valueOf(answer.header("x-error-code")),
        retryAfter(answer.header("retry-after")),
        "status " + answer.status() + (useful ? " (" + line + ")" : ""));
  }

  /// {@return the seconds to wait that a header says, as a number or a date; 0 where it says none}
  private static int retryAfter(String header) {
    if (header == null) {
      return 0;
    }
    if (header.strip().matches("\\d{1,9}")) {
      return Integer.parseInt(header.strip());
    }
    try {
      var until = ZonedDateTime.parse(header.strip(), DateTimeFormatter.RFC_1123_DATE_TIME);
      return Math.clamp(Duration.between(ZonedDateTime.now(), until).toSeconds(), 0, 1 << 30);
    } catch (DateTimeParseException _) {
      return 0;
    }
  }

  /// Ends a connection on which nothing came for a while, or next to nothing.
  final class Watched implements AutoCloseable {
    private final Answer answer;
    private final ScheduledFuture<?> task;
    private final AtomicLong came = new AtomicLong();
    private volatile boolean ended;

    // Of the watch alone.
    private long since = System.nanoTime();
    private long before;

    Watched(Answer answer) {
      this.answer = answer;
      long period = Math.max(50, patience.toMillis() / 4);
      task = WATCH.scheduleAtFixedRate(this::look, period, period, TimeUnit.MILLISECONDS);
    }

    private void look() {
      long now = System.nanoTime();
      if (came.get() - before >= LEAST_BYTES) {
        since = now;
        before = came.get();
      } else if (now - since > patience.toNanos()) {
        ended = true;
        answer.close();
      }
    }

    /// Takes note that bytes came.
    void came(int bytes) {
      came.addAndGet(bytes);
    }

    /// {@return an error that says why, where it was the watch}
    IOException reason(IOException e) {
      return ended
          ? new IOException(
              shown(answer.last().uri())
                  + ": "
                  + (came.get() == before ? "nothing" : "next to nothing")
                  + " came for "
                  + patience.toMillis() / 1000.0
                  + " s",
              e)
          : broken(answer.last().uri(), e);
    }

    @Override
    public void close() {
      task.cancel(false);
      answer.close();
    }
  }
}
