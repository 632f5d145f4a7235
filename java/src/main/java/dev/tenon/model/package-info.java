/// What an architecture is written against, and what runs it.
///
/// [dev.tenon.model.Architecture] binds a file's weights and gives a [dev.tenon.model.Decoder],
/// which builds the graph of one pass. [dev.tenon.model.Evaluator] feeds it
/// [batches][dev.tenon.model.Batch] of tokens and gives back logits. Nothing here knows any one
/// architecture.
///
/// Null arguments throw [NullPointerException].
package dev.tenon.model;
