package dev.tenon.gguf;

/// Up to four dimensions in ggml's order, fastest-varying first: a weight that maps 1024 inputs to
/// 2048 outputs is `[1024, 2048]`. Missing trailing dimensions are 1.
///
/// A dimension may be 0 (ggml has tensors without elements); the number of elements always fits in
/// a `long`.
///
/// @param n0 row length, in elements
/// @param n1 rows
/// @param n2 matrices
/// @param n3 batches
public record Shape(long n0, long n1, long n2, long n3) {
  /// Checks the dimensions.
  ///
  /// @throws IllegalArgumentException if a dimension is negative, or the dimensions that are not 0
  ///     have a product above 2^63 - 1
  public Shape {
    if ((n0 | n1 | n2 | n3) < 0) {
      throw new IllegalArgumentException(
          "shape: negative dimension in " + text(n0, n1, n2, n3) + "; all must be 0 or more");
    }
    try {
      // Zeros count as ones: whatever part of the product someone forms, it cannot overflow.
      Math.multiplyExact(
          Math.multiplyExact(Math.max(n0, 1), Math.max(n1, 1)),
          Math.multiplyExact(Math.max(n2, 1), Math.max(n3, 1)));
    } catch (ArithmeticException _) {
      throw new IllegalArgumentException(
          "shape: " + text(n0, n1, n2, n3) + " has more than 2^63 - 1 elements");
    }
  }

  /// {@return a shape whose missing trailing dimensions are 1}
  ///
  /// @param dimensions at most four, fastest-varying first; none at all is one element
  /// @throws IllegalArgumentException if there are more than four, one is negative, or the product
  ///     is above 2^63 - 1
  public static Shape of(long... dimensions) {
    if (dimensions.length > 4) {
      throw new IllegalArgumentException(
          "shape: " + dimensions.length + " dimensions; at most 4 are possible");
    }
    var n = new long[] {1, 1, 1, 1};
    System.arraycopy(dimensions, 0, n, 0, dimensions.length);
    return new Shape(n[0], n[1], n[2], n[3]);
  }

  /// {@return the number of elements, 0 or more}
  public long elements() {
    return n0 * n1 * n2 * n3;
  }

  /// {@return the number of dimensions up to the last that is not 1, 1 to 4, as ggml counts them}
  public int rank() {
    return n3 != 1 ? 4 : n2 != 1 ? 3 : n1 != 1 ? 2 : 1;
  }

  /// {@return one dimension}
  ///
  /// @param i 0 to 3
  /// @throws IndexOutOfBoundsException if `i` is not 0 to 3
  public long dimension(int i) {
    return switch (i) {
      case 0 -> n0;
      case 1 -> n1;
      case 2 -> n2;
      case 3 -> n3;
      default -> throw new IndexOutOfBoundsException("shape: dimension " + i + " of 4");
    };
  }

  /// {@return the first [#rank] dimensions, for example `[1024, 2048]`}
  @Override
  public String toString() {
    return switch (rank()) {
      case 1 -> "[" + n0 + "]";
      case 2 -> "[" + n0 + ", " + n1 + "]";
      case 3 -> "[" + n0 + ", " + n1 + ", " + n2 + "]";
      default -> text(n0, n1, n2, n3);
    };
  }

  private static String text(long n0, long n1, long n2, long n3) {
    return "[" + n0 + ", " + n1 + ", " + n2 + ", " + n3 + "]";
  }
}
