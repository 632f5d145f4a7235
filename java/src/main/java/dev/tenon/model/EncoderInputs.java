package dev.tenon.model;

import dev.tenon.gguf.Shape;
import dev.tenon.gguf.TensorType;
import dev.tenon.tensor.AttentionTap;
import dev.tenon.tensor.Graph;
import dev.tenon.tensor.PackedAttention;
import dev.tenon.tensor.Packing;
import dev.tenon.tensor.Tensor;

/// The inputs of one pass of an encoder, in its graph: sequences that lie one after the other,
/// without padding.
///
/// @param tokens ids, I32 `[t]`
/// @param positions position of each token in its sequence, from 0, I32 `[t]`
/// @param tokenTypes segment of each token, I32 `[t]`
/// @param outputs rows of the tokens whose output is wanted, I32 `[n]`
/// @param summaries rows of the tokens that [stand][Encoder#summary] for their sequences, I32
///     `[sequences]`
/// @param attention lets each token see those of its sequence
public record EncoderInputs(
    Tensor tokens,
    Tensor positions,
    Tensor tokenTypes,
    Tensor outputs,
    Tensor summaries,
    PackedAttention attention) {
  /// Declares the inputs of a pass.
  ///
  /// @param g graph being built
  /// @param packing how the sequences lie in it
  /// @param outputs how many tokens' output is wanted, at least 1
  /// @param tap keeps what is attended to; null where it is not wanted
  static EncoderInputs of(Graph g, Packing packing, int outputs, AttentionTap tap) {
    int rows = packing.rows();
    return new EncoderInputs(
        g.input("tokens", TensorType.I32, Shape.of(rows)),
        g.input("positions", TensorType.I32, Shape.of(rows)),
        g.input("token_types", TensorType.I32, Shape.of(rows)),
        g.input("outputs", TensorType.I32, Shape.of(outputs)),
        g.input("summaries", TensorType.I32, Shape.of(packing.lengths().length)),
        new PackedAttention(g, packing, tap));
  }
}
