package dev.tenon;

/// What a model and one session of it will need.
///
/// @param weightBytes bytes of the weights, as in the file
/// @param cacheBytes bytes of the keys and values of the whole context; 0 for an encoder, which
///     keeps none
/// @param computeBytes bytes for the results of a pass, estimated
public record MemoryEstimate(long weightBytes, long cacheBytes, long computeBytes) {
  /// {@return the sum}
  ///
  /// @throws ArithmeticException if it is beyond 2^63
  public long total() {
    return Math.addExact(weightBytes, Math.addExact(cacheBytes, computeBytes));
  }
}
