package dev.tenon.tensor;

/// Sees what matrices are multiplied with while a graph runs. Called on the thread that runs it,
/// which waits.
///
/// What it throws comes out of [Compute#run], and until then nothing more is shown. Where
/// [#multiplied] threw, the part of the graph that runs on the same device in one go ends there;
/// what comes after [#wants] threw is computed. The results of the graph are undefined.
///
/// It must leave the graph alone, and what runs it: [Compute] and those above it throw
/// [IllegalStateException] when they are used from here to compute, to be observed by another, or
/// to be closed.
public interface MatmulObserver {
  /// {@return whether it wants to see what a matrix is multiplied with}
  ///
  /// @param matrix its name, for example `blk.0.attn_q.weight`; what is no weight may have none
  boolean wants(String matrix);

  /// Is shown a multiplication of a matrix that it [wants][#wants], once for each pass.
  ///
  /// @param matmul gone when this returns; not to be kept
  void multiplied(Matmul matmul);
}
