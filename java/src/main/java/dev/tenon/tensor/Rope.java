package dev.tenon.tensor;

/// How positions turn into rotations (Su et al., RoFormer, 2021), with the scalings that stretch a
/// trained context: linear, YaRN (Peng et al., 2023), and factors for each frequency as Llama 3
/// has them.
///
/// @param layout which elements of a head form a pair
/// @param dims rotated elements of each head, even and at least 2
/// @param base frequency base, for example 10000
/// @param scale multiplier of positions, 1 for none, 0.25 for four times the trained context
/// @param originalContext context the model was trained on, in tokens; YaRN blends by it
/// @param extrapolation how much of YaRN's blend is used: 0 for none, 1 for all
/// @param magnitude multiplier of the rotated values
/// @param betaFast rotations over the original context above which a frequency is left alone
/// @param betaSlow rotations over the original context below which a frequency is scaled in full
/// @param factors divisors of the frequencies, F32 `[dims / 2]`, or null
public record Rope(
    Layout layout,
    int dims,
    float base,
    float scale,
    int originalContext,
    float extrapolation,
    float magnitude,
    float betaFast,
    float betaSlow,
    Tensor factors) {

  /// Which elements form a pair.
  public enum Layout {
    /// Neighbours: (0, 1), (2, 3), …
    ADJACENT,
    /// Halves: (0, d/2), (1, d/2 + 1), …
    SPLIT
  }

  /// Checks that the rotated elements form pairs.
  ///
  /// @throws IllegalArgumentException if `dims` is odd or less than 2
  public Rope {
    if (dims < 2 || dims % 2 != 0)
      throw new IllegalArgumentException(
          "rope: " + dims + " rotated elements, not a positive even number");
  }

  /// The same rotation without a change of length. YaRN has one that ggml applies by itself,
  /// `1 + 0.1 ln(1 / scale)`, which is divided out.
  Rope withoutMagnitude() {
    float ggmlOwn = extrapolation == 0 ? 1 : 1 + 0.1f * (float) Math.log(1 / scale);
    return new Rope(
        layout,
        dims,
        base,
        scale,
        originalContext,
        extrapolation,
        1 / ggmlOwn,
        betaFast,
        betaSlow,
        factors);
  }
}
