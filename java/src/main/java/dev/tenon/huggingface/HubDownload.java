package dev.tenon.huggingface;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;

/// One file on its way into the cache.
///
/// It grows in parts under another name, several at once; a small file beside it says which parts
/// are whole. So it can be ended at any moment, and goes on from there the next time. When all are
/// there its hash is checked, and it gets its name.
final class HubDownload {
  private static final int BUFFER = 1 << 16;

  /// The most parts that are asked for at once.
  private static final int MOST_PARTS = 64;

  /// The most parts a file has: larger files have larger parts.
  private static final int MOST_PARTS_OF_A_FILE = 1 << 16;

  /// What the small file begins with: how many bytes, and the parts' size.
  private static final int STATE_BYTES = 2 * Long.BYTES;

  private final HubHttp http;
  private final URI address;
  private final HubFile file;
  private final Path blob;
  private final Path growing;
  private final Path state;
  private final Path lock;
  private final int partBytes;
  private final int connections;
  private final Moved moved;

  /// Bytes that are there.
  private final AtomicLong done = new AtomicLong();

  /// The most that were there: parts that are begun anew do not count twice.
  private final AtomicLong shown = new AtomicLong();

  /// Hears how many bytes came since it was last called, from any thread; ends the download where
  /// it throws.
  interface Moved {
    void by(long bytes) throws IOException;
  }

  HubDownload(
      HubHttp http,
      URI address,
      HubFile file,
      Path blob,
      Path lock,
      int partBytes,
      int connections,
      Moved moved) {
    this.http = http;
    this.address = address;
    this.file = file;
    this.blob = blob;
    this.lock = lock;
    this.partBytes = partBytes(partBytes, file.size());
    this.connections = connections;
    this.moved = moved;
    growing = blob.resolveSibling(blob.getFileName() + ".tenon.incomplete");
    state = blob.resolveSibling(blob.getFileName() + ".tenon.parts");
  }

  private static int partBytes(int usual, long size) {
    long bytes = usual;
    while (size / bytes >= MOST_PARTS_OF_A_FILE) {
      bytes *= 2;
    }
    return Math.toIntExact(bytes);
  }

  /// {@return how many bytes are there already, which are not told of again}
  long present() throws IOException {
    long bytes = 0;
    if (isThere()) {
      bytes = file.size();
    } else if (Files.isRegularFile(growing) && Files.isRegularFile(state)) {
      try (var marks = FileChannel.open(state)) {
        var whole = whole(marks, Files.size(growing));
        bytes = whole == null ? 0 : bytes(whole);
      }
    }
    done.set(bytes);
    shown.set(bytes);
    return bytes;
  }

  /// {@return how many bytes need no more room on the disk, at most}
  long reserved() throws IOException {
    return isThere()
        ? file.size()
        : Files.isRegularFile(growing) ? Math.min(Files.size(growing), file.size()) : 0;
  }

  private long bytes(boolean[] whole) {
    long bytes = 0;
    for (int i = 0; i < whole.length; i++) {
      bytes += whole[i] ? length(i) : 0;
    }
    return bytes;
  }

  /// Brings the file into the cache; nothing happens where it is.
  void run() throws IOException {
    if (isThere()) {
      advance(file.size() - done.get());
      return;
    }
    Files.createDirectories(blob.getParent());
    Files.createDirectories(lock.getParent());
    try (var channel = FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        var _ = lock(channel)) {
      if (isThere()) { // another process was faster
        advance(file.size() - done.get());
        return;
      }
      try {
        fetch();
      } catch (IOException | RuntimeException e) {
        if (present() == 0) { // nothing to go on from
          Files.deleteIfExists(growing);
          Files.deleteIfExists(state);
        }
        throw e;
      }
      check();
      try (var data = FileChannel.open(growing, StandardOpenOption.WRITE)) {
        data.force(true);
      }
      HubCache.move(growing, blob);
      Files.deleteIfExists(state);
    }
  }

  private boolean isThere() throws IOException {
    return Files.isRegularFile(blob) && Files.size(blob) == file.size();
  }

  private FileLock lock(FileChannel channel) throws IOException {
    while (true) {
      try {
        var held = channel.tryLock();
        if (held != null) {
          return held;
        }
      } catch (OverlappingFileLockException _) {
        // A thread of this process has it.
      }
      moved.by(0);
      try {
        Thread.sleep(100);
      } catch (InterruptedException _) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("interrupted");
      }
    }
  }

  // Parts.

  private int parts() {
    return Math.toIntExact((file.size() + partBytes - 1) / partBytes);
  }

  private void fetch() throws IOException {
    try (var data =
            FileChannel.open(
                growing,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE);
        var marks =
            FileChannel.open(
                state,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
      var whole = whole(marks, data.size());
      if (whole == null) {
        whole = new boolean[parts()];
        data.truncate(0);
        var fresh = ByteBuffer.allocate(STATE_BYTES + whole.length);
        fresh.putLong(0, file.size()).putLong(Long.BYTES, partBytes);
        marks.truncate(0);
        write(marks, fresh, 0);
      }
      advance(bytes(whole) - done.get());
      fetch(data, marks, whole);
    }
  }

  /// {@return which parts are whole, or null where the small file is of another download}
  private boolean[] whole(FileChannel marks, long dataSize) throws IOException {
    var whole = new boolean[parts()];
    var bytes = ByteBuffer.allocate(STATE_BYTES + whole.length);
    while (bytes.hasRemaining() && marks.read(bytes, bytes.position()) > 0) {}
    if (bytes.hasRemaining()
        || marks.size() != bytes.capacity()
        || bytes.getLong(0) != file.size()
        || bytes.getLong(Long.BYTES) != partBytes
        || dataSize > file.size()) {
      return null;
    }
    for (int i = 0; i < whole.length; i++) {
      long end = (long) i * partBytes + length(i);
      whole[i] = bytes.get(STATE_BYTES + i) == 1 && end <= dataSize;
    }
    return whole;
  }

  private long length(int part) {
    return Math.min(partBytes, file.size() - (long) part * partBytes);
  }

  /// Parts that follow each other, asked for at once.
  private record Run(int first, int count) {}

  /// {@return all parts that are not whole, in runs that keep every connection busy}
  private Queue<Run> runs(boolean[] whole) {
    int missing = 0;
    for (var one : whole) {
      missing += one ? 0 : 1;
    }
    int most = Math.clamp(missing / (4 * connections), 1, MOST_PARTS);
    var runs = new ConcurrentLinkedQueue<Run>();
    for (int i = 0; i < whole.length; ) {
      int first = i;
      while (i < whole.length && !whole[i] && i - first < most) {
        i++;
      }
      if (i > first) {
        runs.add(new Run(first, i - first));
      } else {
        i++;
      }
    }
    return runs;
  }

  private void fetch(FileChannel data, FileChannel marks, boolean[] whole) throws IOException {
    var runs = runs(whole);
    int workers = Math.min(connections, runs.size());
    var threads = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().factory());
    var running = new ExecutorCompletionService<Void>(threads);
    try {
      for (int i = 0; i < workers; i++) {
        running.submit(
            () -> {
              for (var run = runs.poll(); run != null; run = runs.poll()) {
                receive(run, data, marks);
              }
              return null;
            });
      }
      for (int i = 0; i < workers; i++) {
        wait(running.take());
      }
      return;
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    } catch (NoRangesException _) {
      // One stream then, below.
    } finally {
      threads.shutdownNow();
      threads.close();
    }
    stream(whole);
  }

  /// A server that gives a file as a whole or not at all.
  static final class NoRangesException extends HubException {
    private static final long serialVersionUID = 1;

    NoRangesException(URI address) {
      super(address, 0, "it gives no ranges");
    }
  }

  /// Receives all bytes one after another, from the first each time.
  private void stream(boolean[] whole) throws IOException {
    // The workers' channels may be closed: an interruption does that.
    try (var data = FileChannel.open(growing, StandardOpenOption.WRITE);
        var marks = FileChannel.open(state, StandardOpenOption.WRITE)) {
      var furthest = new AtomicLong();
      http.retry(
          () -> {
            stream(data, marks, whole, furthest);
            return null;
          },
          furthest::get);
    }
  }

  private void stream(FileChannel data, FileChannel marks, boolean[] whole, AtomicLong furthest)
      throws IOException {
    try (var answer = http.get(address, null);
        var watched = http.new Watched(answer)) {
      checkAnswer(answer, 0, file.size(), false);
      var body = answer.last().body();
      var buffer = new byte[BUFFER];
      for (long at = 0; at < file.size(); ) {
        int part = (int) (at / partBytes);
        long end = (long) part * partBytes + length(part);
        int n = read(body, buffer, (int) Math.min(BUFFER, end - at), at, watched);
        if (!whole[part]) {
          store(data, buffer, n, at);
        }
        at += n;
        advance(Math.max(0, at - Math.max(done.get(), furthest.get())));
        furthest.accumulateAndGet(at, Math::max);
        if (at == end && !whole[part]) {
          mark(part, marks);
          whole[part] = true;
        }
      }
      checkEnd(answer, body);
    }
  }

  private int read(InputStream body, byte[] buffer, int most, long at, HubHttp.Watched watched)
      throws IOException {
    try {
      int n = body.read(buffer, 0, most);
      if (n < 0) {
        throw new IOException(
            HubHttp.shown(address) + ": the connection ended at byte " + at + " of " + file.size());
      }
      watched.came(n);
      return n;
    } catch (InterruptedIOException e) {
      throw e;
    } catch (IOException e) {
      throw watched.reason(e);
    }
  }

  private void checkEnd(HubHttp.Answer answer, InputStream body) throws IOException {
    if (answer.status() == 200 && body.read() >= 0) {
      throw new HubException(address, 0, "more bytes than the " + file.size() + " it has");
    }
  }

  private static void wait(Future<Void> future) throws IOException, InterruptedException {
    try {
      future.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case RuntimeException runtime -> throw runtime;
        case Error error -> throw error;
        default -> throw new IOException(e.getCause());
      }
    }
  }

  private void receive(Run run, FileChannel data, FileChannel marks) throws IOException {
    long start = (long) run.first * partBytes;
    int last = run.first + run.count - 1;
    long end = (long) last * partBytes + length(last);
    var at = new AtomicLong(start);
    http.retry(
        () -> {
          receive(at, end, data, marks);
          return null;
        },
        at::get);
  }

  /// Takes note that a part is whole. Should the machine itself stop before it is on the disk, the
  /// hash of the file tells.
  private void mark(int part, FileChannel marks) throws IOException {
    try {
      write(marks, ByteBuffer.wrap(new byte[] {1}), STATE_BYTES + part);
    } catch (IOException e) {
      throw Thread.currentThread().isInterrupted() ? e : new HubHttp.DiskException(state, e);
    }
  }

  /// Receives bytes from `at` to `end`.
  private void receive(AtomicLong at, long end, FileChannel data, FileChannel marks)
      throws IOException {
    if (at.get() == end) {
      return;
    }
    boolean all = at.get() == 0 && end == file.size();
    var range = all ? null : "bytes=" + at.get() + "-" + (end - 1);
    try (var answer = http.get(address, range);
        var watched = http.new Watched(answer)) {
      checkAnswer(answer, at.get(), end, range != null);
      var body = answer.last().body();
      var buffer = new byte[BUFFER];
      while (at.get() < end) {
        int part = (int) (at.get() / partBytes);
        long partEnd = (long) part * partBytes + length(part);
        int n = read(body, buffer, (int) Math.min(BUFFER, partEnd - at.get()), at.get(), watched);
        store(data, buffer, n, at.get());
        if (at.addAndGet(n) == partEnd) {
          mark(part, marks);
        }
        advance(n);
      }
      if (end == file.size()) {
        checkEnd(answer, body);
      }
    }
  }

  private void store(FileChannel data, byte[] buffer, int count, long at) throws IOException {
    try {
      write(data, ByteBuffer.wrap(buffer, 0, count), at);
    } catch (IOException e) {
      if (Thread.currentThread().isInterrupted()) {
        throw new InterruptedIOException("interrupted");
      }
      throw new HubHttp.DiskException(growing, e);
    }
  }

  private static void write(FileChannel channel, ByteBuffer bytes, long at) throws IOException {
    long place = at;
    while (bytes.hasRemaining()) {
      place += channel.write(bytes, place);
    }
  }

  private void checkAnswer(HubHttp.Answer answer, long from, long end, boolean ranged)
      throws IOException {
    int status = answer.status();
    if (status != 200 && status != 206) {
      throw http.refused(address, answer);
    }
    var etag = answer.etag();
    // Where the hub says a hash of another kind, as storage behind it does, they cannot be
    // compared.
    boolean comparable =
        etag != null
            && HubFile.isHash(etag) == HubFile.isHash(file.hash())
            && etag.length() == file.hash().length();
    if (comparable && !etag.equals(file.hash())) {
      throw new HubException(
          address, 0, "another file than was listed: ETag " + etag + ", expected " + file.hash());
    }
    if (status == 206) {
      var expected = "bytes " + from + "-" + (end - 1) + "/" + file.size();
      var found = String.valueOf(answer.header("content-range"));
      if (!ranged || !found.equals(expected) && !found.equals(expected.replaceFirst("/.*", "/*"))) {
        throw new HubException(address, 0, "bytes " + found + ", expected " + expected);
      }
      return;
    }
    if (from > 0) {
      throw new NoRangesException(address);
    }
    var length = answer.header("content-length");
    if (length != null && !length.equals(Long.toString(file.size()))) {
      throw new HubException(address, 0, length + " bytes of content, expected " + file.size());
    }
  }

  private void advance(long bytes) throws IOException {
    long now = done.addAndGet(bytes);
    long before = shown.getAndAccumulate(now, Math::max);
    moved.by(Math.max(0, now - before));
  }

  // The hash.

  private void check() throws IOException {
    if (!HubFile.isHash(file.hash())) {
      return; // a name that says nothing of what is in the file; its size was right
    }
    var found = HubHash.of(growing, file.hash(), moved);
    if (!found.equals(file.hash())) {
      Files.deleteIfExists(growing);
      Files.deleteIfExists(state);
      throw new HubException(
          address, 0, "its hash is " + found + ", expected " + file.hash() + "; it was dropped");
    }
  }

  @Override
  public String toString() {
    return address + " " + Arrays.asList(file.size(), file.hash());
  }
}
