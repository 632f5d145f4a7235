package dev.tenon;

import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.KvCache;

/// How a session holds and evaluates its tokens. Immutable; each `with…` makes a copy.
///
/// @param contextLength capacity in tokens; 0 for the trained context
/// @param batch the most tokens evaluated in one go, at least 1
/// @param microBatch the most tokens in one pass through the layers, at least 1; more need more
///     memory
/// @param keyType how keys are stored: F32, F16 or Q8_0
/// @param valueType how values are stored: F32, F16 or Q8_0
/// @param flashAttention whether attention is one operation
public record SessionOptions(
    int contextLength,
    int batch,
    int microBatch,
    TensorType keyType,
    TensorType valueType,
    FlashAttention flashAttention) {

  /// Checks the numbers and types.
  ///
  /// @throws IllegalArgumentException if a number is out of range, a type is not one a cache has,
  ///     or values are Q8_0 without flash attention
  public SessionOptions {
    if (contextLength < 0 || contextLength > 1 << 30)
      throw new IllegalArgumentException(
          "context of " + contextLength + " tokens, from 0 (the trained one) to " + (1 << 30));
    if (batch < 1 || microBatch < 1)
      throw new IllegalArgumentException(
          "batch " + batch + " and micro-batch " + microBatch + ", at least 1");
    var _ = new KvCache.Settings(keyType, valueType, flashAttention != FlashAttention.OFF);
  }

  /// {@return the defaults, which are llama.cpp's: batches of 2048 in passes of 512, an F16 cache}
  ///
  /// @param contextLength capacity in tokens; 0 for the trained context
  /// @throws IllegalArgumentException if it is negative or above 2^30
  public static SessionOptions of(int contextLength) {
    return new SessionOptions(
        contextLength, 2048, 512, TensorType.F16, TensorType.F16, FlashAttention.AUTO);
  }

  /// {@return a copy with another capacity}
  ///
  /// @param tokens 0 for the trained context
  public SessionOptions withContextLength(int tokens) {
    return new SessionOptions(tokens, batch, microBatch, keyType, valueType, flashAttention);
  }

  /// {@return a copy with another batch}
  ///
  /// @param tokens at least 1
  public SessionOptions withBatch(int tokens) {
    return new SessionOptions(
        contextLength, tokens, microBatch, keyType, valueType, flashAttention);
  }

  /// {@return a copy with another size of passes}
  ///
  /// @param tokens at least 1
  public SessionOptions withMicroBatch(int tokens) {
    return new SessionOptions(contextLength, batch, tokens, keyType, valueType, flashAttention);
  }

  /// {@return a copy with keys stored otherwise}
  ///
  /// @param type F32, F16 or Q8_0
  public SessionOptions withKeyType(TensorType type) {
    return new SessionOptions(contextLength, batch, microBatch, type, valueType, flashAttention);
  }

  /// {@return a copy with values stored otherwise}
  ///
  /// @param type F32, F16 or Q8_0
  public SessionOptions withValueType(TensorType type) {
    return new SessionOptions(contextLength, batch, microBatch, keyType, type, flashAttention);
  }

  /// {@return a copy with attention computed otherwise}
  ///
  /// @param mode whether attention is one operation
  public SessionOptions withFlashAttention(FlashAttention mode) {
    return new SessionOptions(contextLength, batch, microBatch, keyType, valueType, mode);
  }

  KvCache.Settings cacheSettings() {
    return new KvCache.Settings(keyType, valueType, flashAttention != FlashAttention.OFF);
  }

  /// The most rows of a pass.
  int passRows() {
    return Math.min(batch, microBatch);
  }
}
