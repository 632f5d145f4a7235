package dev.tenon.model;

import dev.tenon.tensor.Tensor;

/// The inputs of one pass, in its graph.
///
/// @param tokens ids, I32 `[t]`
/// @param positions position of each token in its sequence, I32 `[t]`
/// @param outputs rows of the pass whose logits are wanted, I32 `[n]`
public record Inputs(Tensor tokens, Tensor positions, Tensor outputs) {}
