/// What an architecture is written against, and what runs it.
///
/// [dev.tenon.model.Architecture] binds a file's weights and gives a [dev.tenon.model.Network],
/// which builds the graphs of passes: a [dev.tenon.model.Decoder], an [dev.tenon.model.Encoder] or
/// an [dev.tenon.model.EncoderDecoder]. [dev.tenon.model.Evaluator] feeds decoders
/// [batches][dev.tenon.model.Batch] of tokens and gives back logits,
/// [dev.tenon.model.EncoderEvaluator] feeds encoders sequences and gives back what their heads make
/// of them, and [dev.tenon.model.AttentionProbe] tells what heads look at.
/// [dev.tenon.model.BuiltInModel] finds the model that needs no file. Nothing here knows any
/// one architecture.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.model;
