package dev.tenon.tensor;

import static java.lang.foreign.MemorySegment.NULL;

import dev.tenon.ggml.Ggml;
import dev.tenon.ggml.NativeLibrary;
import dev.tenon.ggml.ggml_abort_callback;
import dev.tenon.ggml.ggml_backend_dev_get_extra_bufts_t;
import dev.tenon.ggml.ggml_backend_set_abort_callback_t;
import dev.tenon.ggml.ggml_backend_set_n_threads_t;
import dev.tenon.ggml.ggml_log_callback;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/// A place where graphs run: the processor, or a graphics card with the processor behind it for
/// what the card lacks. Thread-safe; close it after every model loaded onto it.
///
/// ```java
/// try (var backend = Backend.best()) {
///   IO.println(backend.description());
/// }
/// ```
public final class Backend implements AutoCloseable {
  /// What ggml last complained about on a thread, for the message of the exception that follows.
  private static final ThreadLocal<String> lastComplaint = ThreadLocal.withInitial(() -> "");

  /// Whether what a thread computes goes on though the thread is interrupted.
  private static final ThreadLocal<Boolean> uninterrupted = ThreadLocal.withInitial(() -> false);

  /// Set once, when the native library is first needed.
  private static boolean ready;

  /// Asked by ggml before each operation: a function pointer that lives as long as the JVM.
  private static MemorySegment interrupted;

  private final List<MemorySegment> devices; // ggml_backend_dev_t, the processor last
  private final int threads;
  private int users;
  private boolean closed;

  private Backend(List<MemorySegment> devices, int threads) {
    if (threads < 1) throw new IllegalArgumentException("threads: " + threads + ", at least 1");
    if (threads > 512) throw new IllegalArgumentException("threads: " + threads + ", at most 512");
    this.devices = List.copyOf(devices);
    this.threads = threads;
  }

  /// {@return the fastest device present, with the processor for operations it lacks, on
  /// [#defaultThreads] threads}
  ///
  /// @throws UnsatisfiedLinkError if the native library is missing; the message lists the paths
  ///     tried
  /// @throws IllegalCallerException if the JVM denies native access; the message has the flag
  public static Backend best() {
    return best(defaultThreads());
  }

  /// {@return the fastest device present, with the processor for operations it lacks}
  ///
  /// @param threads of the processor, from 1 to 512
  /// @throws IllegalArgumentException if `threads` is out of range
  /// @throws UnsatisfiedLinkError if the native library is missing; the message lists the paths
  ///     tried
  /// @throws IllegalCallerException if the JVM denies native access; the message has the flag
  public static Backend best(int threads) {
    var all = ggmlDevices();
    var chosen = new ArrayList<MemorySegment>();
    for (var type :
        new int[] {Ggml.GGML_BACKEND_DEVICE_TYPE_GPU(), Ggml.GGML_BACKEND_DEVICE_TYPE_IGPU()}) {
      if (!chosen.isEmpty()) break;
      all.stream()
          .filter(d -> Ggml.ggml_backend_dev_type(d) == type)
          .findFirst()
          .ifPresent(chosen::add);
    }
    chosen.add(processor(all));
    return new Backend(chosen, threads);
  }

  /// {@return the processor alone}
  ///
  /// @param threads worker threads, from 1 to 512
  /// @throws IllegalArgumentException if `threads` is out of range
  /// @throws UnsatisfiedLinkError if the native library is missing; the message lists the paths
  ///     tried
  /// @throws IllegalCallerException if the JVM denies native access; the message has the flag
  public static Backend cpu(int threads) {
    return new Backend(List.of(processor(ggmlDevices())), threads);
  }

  /// {@return the number of threads that computes fastest as a rule: all processors where there are
  /// at most four, else half of them, since two of them then usually share one core}
  public static int defaultThreads() {
    int processors = Runtime.getRuntime().availableProcessors();
    return processors <= 4 ? processors : Math.min(processors / 2, 512);
  }

  /// {@return the devices ggml found, the processor included}
  ///
  /// @throws UnsatisfiedLinkError if the native library is missing; the message lists the paths
  ///     tried
  public static List<Device> devices() {
    return ggmlDevices().stream().map(Backend::describe).toList();
  }

  /// {@return the version of ggml that is loaded, and the commit it was built from}
  ///
  /// @throws UnsatisfiedLinkError if the native library is missing; the message lists the paths
  ///     tried
  public static String ggmlVersion() {
    ready();
    return Ggml.ggml_version().getString(0) + " (" + Ggml.ggml_commit().getString(0) + ")";
  }

  /// A device.
  ///
  /// @param name for example `CUDA0`
  /// @param description the vendor's name
  /// @param freeBytes free memory, in bytes
  /// @param totalBytes total memory, in bytes
  public record Device(String name, String description, long freeBytes, long totalBytes) {}

  /// {@return the device that does most of the work}
  public Device device() {
    return describe(devices.getFirst());
  }

  /// {@return the devices this backend uses, for example `CUDA0, CPU`}
  public String description() {
    return String.join(
        ", ", devices.stream().map(d -> Ggml.ggml_backend_dev_name(d).getString(0)).toList());
  }

  /// {@return threads of the processor that compute}
  public int threads() {
    return threads;
  }

  /// {@return whether there is a graphics card in this backend}
  public boolean hasGpu() {
    return devices.size() > 1;
  }

  /// Frees the backend. Closing twice has no effect.
  ///
  /// @throws IllegalStateException if a model on this backend is still open
  @Override
  public synchronized void close() {
    if (users > 0)
      throw new IllegalStateException("backend is in use by an open model: close that first");
    closed = true;
  }

  // What the rest of this package needs.

  /// Counts in weights or a computation, so that the backend outlives them.
  synchronized void use() {
    if (closed) throw new IllegalStateException("backend is closed: open another");
    users++;
  }

  /// Counts a user out.
  synchronized void release() {
    users--;
  }

  /// The devices, the processor last.
  List<MemorySegment> ggmlBackendDevices() {
    return devices;
  }

  MemorySegment processor() {
    return devices.getLast();
  }

  /// The device of what is offloaded.
  MemorySegment accelerator() {
    return devices.getFirst();
  }

  /// Starts a stream of work on one device: what ggml calls a backend. Each is used by one thread
  /// at a time. The caller frees it.
  MemorySegment start(MemorySegment device) {
    var stream = Ggml.ggml_backend_dev_init(device, NULL);
    if (stream.equals(NULL))
      throw new BackendException(
          "cannot start " + Ggml.ggml_backend_dev_name(device).getString(0) + complaint());
    var setThreads = address(device, "ggml_backend_set_n_threads");
    if (!setThreads.equals(NULL)) ggml_backend_set_n_threads_t.invoke(setThreads, stream, threads);
    var setAbort = address(device, "ggml_backend_set_abort_callback");
    if (!setAbort.equals(NULL))
      ggml_backend_set_abort_callback_t.invoke(setAbort, stream, interrupted, NULL);
    return stream;
  }

  /// The buffer types of the processor in which some weights compute faster than in plain memory
  /// (AMX, CPU_REPACK), fastest first.
  List<MemorySegment> extraBufferTypes() {
    var getExtra = address(processor(), "ggml_backend_dev_get_extra_bufts");
    if (getExtra.equals(NULL)) return List.of();
    var array = ggml_backend_dev_get_extra_bufts_t.invoke(getExtra, processor());
    var types = new ArrayList<MemorySegment>();
    if (array.equals(NULL)) return types;
    // The array ends with a null pointer, and its length is not known before.
    for (int i = 0; ; i++) {
      var type = array.getAtIndex(Ggml.C_POINTER, i);
      if (type.equals(NULL)) return types;
      types.add(type);
    }
  }

  /// {@return what ggml complained about since this was last asked, as `: text`, or nothing}
  static String complaint() {
    var text = lastComplaint.get();
    lastComplaint.remove();
    return text.isEmpty() ? "" : ": " + text;
  }

  /// Runs a computation that an interrupt of this thread does not stop.
  static void withoutInterrupts(Runnable computation) {
    uninterrupted.set(true);
    try {
      computation.run();
    } finally {
      uninterrupted.remove();
    }
  }

  /// Turns a status of ggml into an exception where it is not success.
  static void must(String operation, int status) {
    if (status == Ggml.GGML_STATUS_SUCCESS()) return;
    throw new BackendException(
        operation
            + ": "
            + (status == Ggml.GGML_STATUS_ALLOC_FAILED()
                ? "out of memory"
                : "ggml status " + status)
            + complaint());
  }

  /// Refuses what this machine's memory does not hold: the kernel would grant it and kill the
  /// process at its first use.
  static void needMemory(String what, long bytes) {
    long free = Memory.availableBytes();
    if (bytes > free)
      throw new BackendException(
          what + ": needs " + Memory.text(bytes) + ", and " + Memory.text(free) + " is free");
  }

  private static MemorySegment address(MemorySegment device, String function) {
    try (var arena = Arena.ofConfined()) {
      return Ggml.ggml_backend_reg_get_proc_address(
          Ggml.ggml_backend_dev_backend_reg(device), arena.allocateFrom(function));
    }
  }

  private static Device describe(MemorySegment device) {
    try (var arena = Arena.ofConfined()) {
      var free = arena.allocate(ValueLayout.JAVA_LONG);
      var total = arena.allocate(ValueLayout.JAVA_LONG);
      Ggml.ggml_backend_dev_memory(device, free, total);
      return new Device(
          Ggml.ggml_backend_dev_name(device).getString(0),
          Ggml.ggml_backend_dev_description(device).getString(0).strip(),
          free.get(ValueLayout.JAVA_LONG, 0),
          total.get(ValueLayout.JAVA_LONG, 0));
    }
  }

  private static MemorySegment processor(List<MemorySegment> all) {
    return all.stream()
        .filter(d -> Ggml.ggml_backend_dev_type(d) == Ggml.GGML_BACKEND_DEVICE_TYPE_CPU())
        .findFirst()
        .orElseThrow(
            () -> new UnsatisfiedLinkError("ggml's CPU backend is missing beside its library"));
  }

  private static List<MemorySegment> ggmlDevices() {
    ready();
    var all = new ArrayList<MemorySegment>();
    for (long i = 0, n = Ggml.ggml_backend_dev_count(); i < n; i++)
      all.add(Ggml.ggml_backend_dev_get(i));
    return all;
  }

  /// Loads the native library and tells ggml where to complain and whom to ask whether to stop.
  private static synchronized void ready() {
    if (ready) return;
    var folder = NativeLibrary.load();
    var forever = Arena.global();
    Ggml.ggml_log_set(ggml_log_callback.allocate(Backend::complain, forever), NULL);
    interrupted =
        ggml_abort_callback.allocate(
            _ -> Thread.currentThread().isInterrupted() && !uninterrupted.get(), forever);
    // A portable build has its backends as plugins beside the library.
    if (Ggml.ggml_backend_dev_count() == 0) {
      try (var arena = Arena.ofConfined()) {
        Ggml.ggml_backend_load_all_from_path(arena.allocateFrom(folder.toString()));
      }
    }
    ready = true;
  }

  private static void complain(int level, MemorySegment text, MemorySegment unused) {
    // 3 is GGML_LOG_LEVEL_WARN, 4 GGML_LOG_LEVEL_ERROR. No exception may leave this method.
    if (level != 3 && level != 4) return;
    try {
      lastComplaint.set(text.getString(0).strip().replace('\n', ' '));
      System.getLogger("dev.tenon.ggml").log(System.Logger.Level.DEBUG, lastComplaint.get());
    } catch (Throwable _) {
      // A complaint that cannot be read is lost; what it was about fails all the same.
    }
  }
}
