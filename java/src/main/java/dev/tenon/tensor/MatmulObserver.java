package dev.tenon.tensor;

/// Sees what matrices are multiplied with while a graph runs. Called on the thread that runs it,
/// which waits.
///
/// What it throws stops the computation and comes out of [Compute#run].
public interface MatmulObserver {
  /// {@return whether it wants to see what a matrix is multiplied with}
  ///
  /// @param matrix its name, for example `blk.0.attn_q.weight`; what is no weight may have none
  boolean wants(String matrix);

  /// Is shown a multiplication of a matrix that it [wants][#wants], once for each pass.
  ///
  /// @param matmul gone when this returns
  void multiplied(Matmul matmul);
}
