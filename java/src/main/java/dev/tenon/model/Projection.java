package dev.tenon.model;

import dev.tenon.gguf.GgufFormatException;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.Tensor;
import dev.tenon.tensor.Weights;

/// A matrix that maps activations, with the scale and the bias a file may give it. A scale belongs
/// to types whose own range is small, such as NVFP4.
///
/// @param weight `[in, out]`
/// @param scale F32 `[1]`, or null
/// @param bias F32 `[out]`, or null
/// @param scaledLast whether the scale comes after the bias, as llama.cpp has it in feed-forward
///     blocks, and not before it, as in attention
public record Projection(Tensor weight, Tensor scale, Tensor bias, boolean scaledLast) {
  /// {@return the projection `name.weight`, with `name.scale` and `name.bias` where the file has
  /// them, the scale first}
  ///
  /// @param w weights
  /// @param name for example `attn_q`
  /// @param in length of the input
  /// @param out length of the output
  /// @throws GgufFormatException if a weight is absent or has another shape
  public static Projection bind(Weights w, String name, long in, long out)
      throws GgufFormatException {
    return of(w, name, in, out, false);
  }

  /// {@return the projection `name.weight`, with `name.scale` and `name.bias` where the file has
  /// them, the scale last}
  ///
  /// @param w weights
  /// @param name for example `ffn_up`
  /// @param in length of the input
  /// @param out length of the output
  /// @throws GgufFormatException if a weight is absent or has another shape
  public static Projection scaledLast(Weights w, String name, long in, long out)
      throws GgufFormatException {
    return of(w, name, in, out, true);
  }

  /// {@return the projection `name.weight`, with `name.bias` where the file has it, and no scale:
  /// llama.cpp overlooks those of feed-forward blocks in some architectures}
  ///
  /// @param w weights
  /// @param name for example `ffn_up`
  /// @param in length of the input
  /// @param out length of the output
  /// @throws GgufFormatException if a weight is absent or has another shape
  public static Projection unscaled(Weights w, String name, long in, long out)
      throws GgufFormatException {
    return new Projection(
        w.matrix(name + ".weight", in, out),
        null,
        w.has(name + ".bias") ? w.vector(name + ".bias", out) : null,
        false);
  }

  /// {@return the projection to the vocabulary: `output.weight`, else the token embedding, to which
  /// it is tied then; with `output.scale` and `output.bias` where the file has them}
  ///
  /// @param w weights
  /// @param width embedding length
  /// @param vocabulary token ids
  /// @throws GgufFormatException if a weight is absent or has another shape
  public static Projection output(Weights w, long width, long vocabulary)
      throws GgufFormatException {
    if (w.has("output.weight")) return bind(w, "output", width, vocabulary);
    return new Projection(
        w.matrix("token_embd.weight", width, vocabulary),
        w.has("output.scale") ? w.vector("output.scale", 1) : null,
        w.has("output.bias") ? w.vector("output.bias", vocabulary) : null,
        false);
  }

  private static Projection of(Weights w, String name, long in, long out, boolean scaledLast)
      throws GgufFormatException {
    return new Projection(
        w.matrix(name + ".weight", in, out),
        w.has(name + ".scale") ? w.vector(name + ".scale", 1) : null,
        w.has(name + ".bias") ? w.vector(name + ".bias", out) : null,
        scaledLast);
  }

  /// {@return the projected activations, F32 `[out, t]`}
  ///
  /// @param g graph
  /// @param x F32 `[in, t]`
  public Tensor apply(Graph g, Tensor x) {
    return scaled(g, g.matmul(weight, x)); // [out, t]
  }

  /// {@return the projected activations, F32 `[out, t]`, computed [in parts][Graph#matmulInParts]:
  /// for the scores of a whole vocabulary for many rows}
  ///
  /// @param g graph
  /// @param x F32 `[in, t]`
  public Tensor applyInParts(Graph g, Tensor x) {
    return scaled(g, g.matmulInParts(weight, x)); // [out, t]
  }

  private Tensor scaled(Graph g, Tensor product) {
    var y = product; // [out, t]
    if (scale != null && !scaledLast) y = g.mul(y, scale);
    if (bias != null) y = g.add(y, bias);
    if (scale != null && scaledLast) y = g.mul(y, scale);
    return y;
  }
}
