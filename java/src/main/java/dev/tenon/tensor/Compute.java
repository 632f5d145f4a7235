package dev.tenon.tensor;

import static java.lang.foreign.MemorySegment.NULL;

import dev.tenon.ggml.Ggml;
import dev.tenon.ggml.ggml_backend_sched_eval_callback;
import dev.tenon.ggml.ggml_tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

/// Runs graphs on the devices of a backend, and holds the memory of their results. One graph at a
/// time has memory; it can run any number of times. Confined to the thread that made it.
///
/// While a graph runs, its [observer][MatmulObserver] can ask for nothing but [#bytes]: the rest
/// throws [IllegalStateException].
public final class Compute implements AutoCloseable {
  private final Backend backend;
  private final int capacity;
  private final List<MemorySegment> streams = new ArrayList<>(); // ggml_backend_t, as the devices
  private MemorySegment scheduler; // ggml_backend_sched_t
  private final Thread owner = Thread.currentThread();
  private Graph allocated;
  private long hostBytes;
  private MatmulObserver observer;
  private Arena upcalls; // of the function that ggml calls for it, once there was one
  private MemorySegment upcall;
  private Throwable thrown; // by the observer
  private boolean running; // so what the observer calls must leave the scheduler alone

  /// Starts the devices.
  ///
  /// @param backend must stay open longer than this
  /// @param capacity the tensors of the largest [Graph] that will run, from 1 to 2^20
  /// @throws IllegalArgumentException if `capacity` is out of range
  /// @throws BackendException if a device does not start, or there is not the memory
  public Compute(Backend backend, int capacity) {
    if (capacity < 1 || capacity > 1 << 20)
      throw new IllegalArgumentException(
          "compute: capacity " + capacity + ", from 1 to " + (1 << 20));
    this.backend = backend;
    this.capacity = capacity;
    // What ggml keeps for each tensor of a graph, copies between devices included.
    Backend.needMemory(
        "a graph of " + capacity + " tensors",
        Graph.places(capacity) * 60L * (Ggml.ggml_tensor_overhead() + 64));
    backend.use();
    try (var arena = Arena.ofConfined()) {
      for (var device : backend.ggmlBackendDevices()) streams.add(backend.start(device));
      var array = arena.allocate(Ggml.C_POINTER, streams.size());
      for (int i = 0; i < streams.size(); i++) array.setAtIndex(Ggml.C_POINTER, i, streams.get(i));
      scheduler =
          Ggml.ggml_backend_sched_new(
              array, NULL, streams.size(), Graph.places(capacity), false, true);
    } catch (Throwable e) {
      free();
      throw e;
    }
  }

  /// Makes room for graphs up to the size of this one, so that none of them needs more later.
  ///
  /// @param largest the graph with the most rows and the longest cache; it cannot be run
  /// @throws BackendException if there is not the memory
  /// @throws IllegalArgumentException if the graph holds more tensors than the capacity
  /// @throws IllegalStateException if this is closed, or a graph runs
  public void reserve(Graph largest) {
    check("reserve", largest);
    allocated = null;
    Ggml.ggml_backend_sched_reset(scheduler);
    if (!Ggml.ggml_backend_sched_reserve(scheduler, largest.ggml()))
      throw new BackendException("no memory for the results of a pass" + Backend.complaint());
    Ggml.ggml_backend_sched_reset(scheduler);
    checkHostBytes();
  }

  /// Gives a graph memory, so that its inputs can be filled. The graph before loses its own.
  ///
  /// @param graph to run next
  /// @throws BackendException if there is not the memory
  /// @throws IllegalArgumentException if the graph holds more tensors than the capacity
  /// @throws IllegalStateException if this is closed, or a graph runs
  public void allocate(Graph graph) {
    check("allocate", graph);
    allocated = null;
    Ggml.ggml_backend_sched_reset(scheduler);
    if (!Ggml.ggml_backend_sched_alloc_graph(scheduler, graph.ggml()))
      throw new BackendException("no memory for the results of a pass" + Backend.complaint());
    checkHostBytes();
    allocated = graph;
  }

  /// Lets an observer see what matrices are multiplied with, in the runs to come. Those it wants to
  /// see are computed one by one, which takes longer.
  ///
  /// @param observer takes the place of the one before; null for none
  /// @throws IllegalStateException if this is closed, or a graph runs
  /// @throws WrongThreadException if called by another thread than the one that made this
  public void observe(MatmulObserver observer) {
    checkOpen("observe");
    checkUse("observe");
    if (upcalls == null && observer != null) {
      upcalls = Arena.ofConfined();
      upcall = ggml_backend_sched_eval_callback.allocate(this::show, upcalls);
    }
    this.observer = observer;
    Ggml.ggml_backend_sched_set_eval_callback(scheduler, observer == null ? NULL : upcall, NULL);
  }

  /// Called by ggml before a node is computed, with `ask`, and after: whether it is to be shown,
  /// and whether to go on. No exception may leave this method.
  private boolean show(MemorySegment address, boolean ask, MemorySegment unused) {
    if (thrown != null) return false;
    try (var arena = Arena.ofConfined()) {
      var node = ggml_tensor.reinterpret(address, arena, null);
      if (ask) return Matmul.is(node, arena) && observer.wants(Matmul.matrix(node, arena));
      observer.multiplied(Matmul.of(node, arena));
      return true;
    } catch (Throwable e) {
      thrown = e;
      return false;
    }
  }

  /// Runs the graph that has memory.
  ///
  /// @throws IllegalStateException if no graph has memory, this is closed, or a graph runs
  /// @throws CancellationException if the thread is interrupted before or during it: on the
  ///     processor within milliseconds, on a card before the next run; the results are undefined,
  ///     the graph can run again
  /// @throws BackendException if it fails
  public void run() {
    needAllocated();
    if (Thread.currentThread().isInterrupted())
      throw new CancellationException("the computation was interrupted");
    int status = compute();
    if (status == Ggml.GGML_STATUS_ABORTED())
      throw new CancellationException("the computation was interrupted");
    Backend.must("compute", status);
  }

  private int compute() {
    int status;
    thrown = null;
    running = true;
    try {
      status = Ggml.ggml_backend_sched_graph_compute(scheduler, allocated.ggml());
    } finally {
      running = false;
    }
    switch (thrown) {
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case null, default -> {
        return status;
      }
    }
  }

  /// Runs the graph that has memory to its end, whether the thread is interrupted or not: for what
  /// must not be left half done.
  ///
  /// @throws IllegalStateException if no graph has memory, this is closed, or a graph runs
  /// @throws BackendException if it fails
  public void runToTheEnd() {
    needAllocated();
    Backend.withoutInterrupts(() -> Backend.must("compute", compute()));
  }

  private void needAllocated() {
    if (allocated == null)
      throw new IllegalStateException("run: no graph has memory: allocate one first");
    check("run", allocated);
  }

  /// {@return bytes held for results, on all devices}
  ///
  /// @throws IllegalStateException if this is closed
  public long bytes() {
    checkOpen("bytes");
    return streams.stream()
        .mapToLong(s -> Ggml.ggml_backend_sched_get_buffer_size(scheduler, s))
        .sum();
  }

  /// Frees the memory and stops the devices. Closing twice has no effect.
  ///
  /// @throws IllegalStateException if a graph runs
  /// @throws WrongThreadException if called by another thread than the one that made it
  @Override
  public void close() {
    if (scheduler == null) return;
    checkUse("close");
    free();
  }

  private void free() {
    if (scheduler != null) Ggml.ggml_backend_sched_free(scheduler);
    scheduler = null;
    allocated = null;
    streams.forEach(Ggml::ggml_backend_free);
    streams.clear();
    if (upcalls != null) upcalls.close();
    backend.release();
  }

  /// Refuses more memory than the machine has, which is granted until it is used.
  private void checkHostBytes() {
    long bytes = Ggml.ggml_backend_sched_get_buffer_size(scheduler, streams.getLast());
    if (bytes > hostBytes) Backend.needMemory("results of a pass", bytes - hostBytes);
    hostBytes = bytes;
  }

  private void check(String operation, Graph graph) {
    checkOpen(operation);
    checkUse(operation);
    if (graph.size() > capacity)
      throw new IllegalArgumentException(
          operation + ": a graph of " + graph.size() + " tensors, and room for " + capacity);
  }

  private void checkOpen(String operation) {
    if (scheduler == null) throw new IllegalStateException(operation + ": compute is closed");
  }

  private void checkUse(String operation) {
    if (Thread.currentThread() != owner)
      throw new WrongThreadException(
          operation + ": used by " + Thread.currentThread() + ", made by " + owner);
    if (running)
      throw new IllegalStateException(
          operation + ": called by the observer of a graph, which still runs");
  }
}
