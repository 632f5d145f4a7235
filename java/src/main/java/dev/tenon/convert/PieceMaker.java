package dev.tenon.convert;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/// What pipelines of tensors have in common: the threads that make pieces, the memory of those, and
/// the mappings of the tensors being read. Confined to the thread that made it.
final class PieceMaker implements AutoCloseable {
  private static final long ALIGNMENT = 64; // bytes: what vector instructions like

  private final Arena memory = Arena.ofShared();
  private final Set<Arena> tensors = new HashSet<>();
  private final ExecutorService threads;

  /// @param name of the threads, with a number after it
  PieceMaker(int threads, String name) {
    this.threads =
        Executors.newFixedThreadPool(threads, Thread.ofPlatform().daemon().name(name, 0).factory());
  }

  /// {@return memory of a piece, which goes when this is closed}
  MemorySegment allocate(long bytes) {
    return memory.allocate(bytes, ALIGNMENT);
  }

  /// {@return what a tensor being read is mapped with, so that its pages go when it is
  /// [done][#done]}
  Arena begin() {
    var tensor = Arena.ofShared();
    tensors.add(tensor);
    return tensor;
  }

  /// Unmaps a tensor.
  void done(Arena tensor) {
    tensors.remove(tensor);
    tensor.close();
  }

  /// Begins a piece, on one of the threads.
  Future<MemorySegment> make(Callable<MemorySegment> piece) {
    return threads.submit(piece);
  }

  /// {@return a piece, once it is made}
  ///
  /// @throws IOException what making it threw
  /// @throws CancellationException if this thread is interrupted; it stays so
  static MemorySegment take(Future<MemorySegment> piece) throws IOException {
    try {
      return piece.get();
    } catch (InterruptedException _) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted");
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException cause -> throw cause;
        case RuntimeException cause -> throw cause;
        case Error cause -> throw cause;
        case Throwable cause -> throw new AssertionError(cause);
      }
    }
  }

  /// Ends the threads, then gives the memory back. Closing twice has no effect.
  @Override
  public void close() {
    threads.shutdownNow();
    boolean interrupted = false;
    while (!threads.isTerminated()) {
      try {
        threads.awaitTermination(1, TimeUnit.MINUTES);
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) Thread.currentThread().interrupt();
    tensors.forEach(Arena::close);
    tensors.clear();
    if (memory.scope().isAlive()) memory.close();
  }
}
