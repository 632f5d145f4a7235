package dev.tenon.gguf;

import java.util.Objects;

/// One row of the tensor table.
///
/// @param name for example `blk.0.attn_q.weight`; at most 63 bytes of UTF-8
/// @param type element type
/// @param shape dimensions in ggml's order, fastest-varying first
/// @param part index of the file of a split set that holds the bytes; 0 where there is one file
/// @param offset bytes from the start of that file
/// @param dimensions how many dimensions the file writes, 0 to 4: it may write trailing ones
public record TensorInfo(
    String name, TensorType type, Shape shape, int part, long offset, int dimensions) {
  /// Checks that nothing is null.
  public TensorInfo {
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(type, "type");
    Objects.requireNonNull(shape, "shape");
  }

  /// A row whose shape is written without trailing ones.
  ///
  /// @param name for example `blk.0.attn_q.weight`
  /// @param type element type
  /// @param shape dimensions in ggml's order, fastest-varying first
  /// @param part index of the file of a split set that holds the bytes
  /// @param offset bytes from the start of that file
  public TensorInfo(String name, TensorType type, Shape shape, int part, long offset) {
    this(name, type, shape, part, offset, shape.rank());
  }

  /// {@return the size of the tensor's data in bytes, padding left out}
  ///
  /// @throws IllegalArgumentException if the type cannot hold the shape, which no tensor of an open
  ///     file has
  public long bytes() {
    return type.bytes(shape);
  }
}
