package dev.tenon.tensor;

/// How positions turn into rotations (Su et al., RoFormer, 2021), with the scalings that stretch a
/// trained context: linear, YaRN (Peng et al., 2023), factors for each frequency as Llama 3 has
/// them, and LongRoPE (Ding et al., 2024), which has other factors for a long context.
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
/// @param longFactors those in a context beyond the original one; the same as `factors` for all but
///     LongRoPE
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
    Tensor factors,
    Tensor longFactors) {

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

  /// {@return the same rotation with other divisors of the frequencies}
  ///
  /// @param usual F32 `[dims / 2]`, or null
  /// @param beyond those in a context beyond the original one, F32 `[dims / 2]`, or null
  public Rope withFactors(Tensor usual, Tensor beyond) {
    return copy(base, scale, magnitude, usual, beyond);
  }

  /// {@return the same rotation with another base, and positions as they are}
  ///
  /// @param other frequency base
  public Rope unscaled(float other) {
    return copy(other, 1, magnitude, factors, longFactors);
  }

  /// {@return the rotation in a context of so many tokens. It is the context that decides, and not
  /// how many tokens there are, so that what is in a cache stays right as more come}
  ///
  /// @param contextLength what a sequence may grow to, in tokens
  public Rope forContext(int contextLength) {
    var chosen = contextLength > originalContext ? longFactors : factors;
    return copy(base, scale, magnitude, chosen, chosen);
  }

  /// The same rotation without a change of length. YaRN has one that ggml applies by itself,
  /// `1 + 0.1 ln(1 / scale)`, which is divided out.
  Rope withoutMagnitude() {
    float ggmlOwn = extrapolation == 0 ? 1 : 1 + 0.1f * (float) Math.log(1 / scale);
    return copy(base, scale, 1 / ggmlOwn, factors, longFactors);
  }

  private Rope copy(float base, float scale, float magnitude, Tensor factors, Tensor longFactors) {
    return new Rope(
        layout,
        dims,
        base,
        scale,
        originalContext,
        extrapolation,
        magnitude,
        betaFast,
        betaSlow,
        factors,
        longFactors);
  }
}
