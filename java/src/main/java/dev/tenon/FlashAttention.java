package dev.tenon;

/// Whether scores, softmax and weighted sum of attention are one operation, which needs less memory
/// and is faster over long contexts.
public enum FlashAttention {
  /// Always.
  ON,
  /// Never: three operations, and values lie transposed in the cache.
  OFF,
  /// Where the backend has it, which all do today.
  AUTO
}
