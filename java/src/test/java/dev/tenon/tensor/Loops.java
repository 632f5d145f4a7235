package dev.tenon.tensor;

/// What operations of a graph are compared with: plain loops in double precision.
final class Loops {
  private Loops() {}

  /// {@return one row of attention, `[valueDim * heads]`}
  ///
  /// @param q `[headDim * heads]`, of one token
  /// @param k `[headDim * kvHeads]` of each token it sees
  /// @param v `[valueDim * kvHeads]` of each
  static double[] attend(
      float[] q, float[] k, float[] v, int heads, int kvHeads, int seen, float scale) {
    int headDim = q.length / heads;
    int valueDim = v.length / kvHeads / seen;
    var result = new double[valueDim * heads];
    for (int head = 0; head < heads; head++) {
      int of = head / (heads / kvHeads);
      var scores = new double[seen];
      double most = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < seen; i++) {
        for (int d = 0; d < headDim; d++)
          scores[i] += (double) q[head * headDim + d] * k[(i * kvHeads + of) * headDim + d];
        scores[i] *= scale;
        most = Math.max(most, scores[i]);
      }
      double sum = 0;
      for (int i = 0; i < seen; i++) sum += scores[i] = Math.exp(scores[i] - most);
      for (int i = 0; i < seen; i++)
        for (int d = 0; d < valueDim; d++)
          result[head * valueDim + d] += scores[i] / sum * v[(i * kvHeads + of) * valueDim + d];
    }
    return result;
  }
}
