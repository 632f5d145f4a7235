package dev.tenon.model;

import dev.tenon.tensor.PackedAttention;
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
    PackedAttention attention) {}
