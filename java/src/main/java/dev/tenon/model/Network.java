package dev.tenon.model;

/// The graph of a model, with its weights: one of the three kinds a transformer comes in.
///
/// What a model can be asked follows from its kind: a [Decoder] and an [EncoderDecoder] generate,
/// an [Encoder] gives hidden states and what its heads make of them.
public sealed interface Network permits Decoder, Encoder, EncoderDecoder {}
